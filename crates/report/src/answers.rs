//! Which test pairs the networks got right, run by run.

use std::collections::BTreeMap;

use pairnet_record::Predictions;

use crate::error::ReportError;
use crate::statistics::{Components, CrossedCounts, PairCountError};

/// Which test pairs the networks of a sweep got right; empty where nothing was kept of it.
#[derive(Clone, Debug, Default)]
pub struct Answers(BTreeMap<(String, String), OfNetwork>);

#[derive(Clone, Debug)]
struct OfNetwork {
    /// Of the first run.
    classes: Vec<[u8; 2]>,
    /// Whether every run so far has the same pairs.
    shared: bool,
    counts: CrossedCounts,
}

impl Answers {
    /// Adds what one run's network said.
    ///
    /// # Errors
    ///
    /// Where it was asked of another number of pairs than the runs before it.
    pub fn add(&mut self, predictions: &Predictions) -> Result<(), ReportError> {
        let Predictions { recipe, variant, run, classes, .. } = predictions;
        let mut right = vec![true; classes.len()];
        predictions.wrong().for_each(|pair| right[pair] = false);
        let network = self.0.entry((recipe.clone(), variant.clone())).or_insert_with(|| {
            OfNetwork { classes: classes.clone(), shared: true, counts: CrossedCounts::default() }
        });
        // A thousand pairs of digits drawn anew are never the same ones.
        network.shared &= network.classes == *classes;
        let (recipe, variant, run) = (recipe.clone(), variant.clone(), *run);
        let refused = |PairCountError { expected, found }| ReportError::PairCount {
            recipe,
            variant,
            run,
            found,
            expected,
        };
        network.counts.add(&right).map_err(refused)
    }

    /// What test accuracy varies by; `None` with fewer than two runs.
    pub(crate) fn components(&self, recipe: &str, variant: &str) -> Option<Components> {
        let network = self.0.get(&(recipe.to_owned(), variant.to_owned()))?;
        network.counts.components(network.shared)
    }
}
