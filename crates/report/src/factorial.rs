//! The four kinds of network as a factorial design: weight sharing with and without an auxiliary
//! loss, an auxiliary loss with and without weight sharing (Fisher, The Design of Experiments, 1935).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::runs::{Backbone, Comparison, Runs, total95, with_spread};
use crate::statistics::{Interval, linear, paired};

/// What one of the two, or both, are worth in test accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactorialEffect {
    /// How the networks were trained; "published" for the paper's own runs.
    pub recipe: String,
    /// What the four networks have in common.
    pub backbone: String,
    /// One of [`EFFECTS`].
    pub effect: String,
    /// In points.
    pub value: Option<f64>,
    /// Its 95 % interval; `None` where there are too few runs.
    pub ci95: Option<Interval>,
    /// Its 95 % interval on other test pairs, where the runs of a network share theirs; `None` where
    /// [`FactorialEffect::ci95`] covers that too, and without predictions.
    pub total95: Option<Interval>,
}

/// What is asked, and the weights of the four kinds (basic, weight sharing, auxiliary loss, both) in
/// the answer.
pub const EFFECTS: [(&str, [f64; 4]); 7] = [
    ("sharing, without auxiliary loss", [-1.0, 1.0, 0.0, 0.0]),
    ("sharing, with auxiliary loss", [0.0, 0.0, -1.0, 1.0]),
    ("sharing, mean of the two", [-0.5, 0.5, -0.5, 0.5]),
    ("auxiliary loss, without sharing", [-1.0, 0.0, 1.0, 0.0]),
    ("auxiliary loss, with sharing", [0.0, -1.0, 0.0, 1.0]),
    ("auxiliary loss, mean of the two", [-0.5, -0.5, 0.5, 0.5]),
    ("interaction", [1.0, -1.0, -1.0, 1.0]),
];

/// The effects on each of `backbones`.
pub(crate) fn effects(backbones: &[Backbone]) -> Vec<FactorialEffect> {
    let of = |backbone: &Backbone| EFFECTS.map(|(name, weights)| effect(backbone, name, weights));
    backbones.iter().flat_map(of).collect()
}

fn effect(backbone: &Backbone, name: &str, weights: [f64; 4]) -> FactorialEffect {
    let weighed: Vec<(f64, &Runs)> =
        weights.into_iter().zip(&backbone.kinds).filter(|(weight, _)| *weight != 0.0).collect();
    let found = match backbone.comparison {
        Comparison::Paired => paired(&by_run(&weighed)).map(with_spread),
        Comparison::Welch => weighed
            .iter()
            .map(|(weight, runs)| Some((*weight, runs.moments()?)))
            .collect::<Option<Vec<_>>>()
            .map(|weighed| linear(&weighed)),
    };
    FactorialEffect {
        recipe: backbone.recipe.clone(),
        backbone: backbone.name.clone(),
        effect: name.to_owned(),
        value: found.map(|found| found.value),
        ci95: found.and_then(|found| found.interval(0.95)),
        total95: found.and_then(|found| total95(found, &weighed)),
    }
}

/// The effect in each run that all networks have.
fn by_run(weighed: &[(f64, &Runs)]) -> Vec<f64> {
    let networks: Vec<(f64, BTreeMap<usize, f64>)> =
        weighed.iter().map(|(weight, runs)| (*weight, runs.by_number())).collect();
    let Some((_, first)) = networks.first() else { return Vec::new() };
    let of = |run: &usize| {
        networks.iter().map(|(weight, values)| Some(weight * values.get(run)?)).sum::<Option<f64>>()
    };
    first.keys().filter_map(of).collect()
}
