//! Measured accuracies beside the published ones.

use pairnet_record::RecipeSettings;
use serde::{Deserialize, Serialize};

use crate::entry::{Accuracy, Entry, SPLITS};
use crate::fields;
use crate::published::Published;
use crate::statistics::{
    Group, Interval, Margins, Moments, Statistics, Verdict, global_p, holm, permutation_p,
    runs_needed, smallest_margin, verdict, welch,
};

/// A published accuracy, and how the measured one compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstPublished {
    /// As printed.
    pub mean: f64,
    /// As printed: with n.
    pub std: f64,
    /// The runs behind them.
    pub values: Vec<f64>,
    /// Measured minus published mean, in points; `None` where nothing was measured.
    pub difference: Option<f64>,
    /// The difference's standard error (Welch); `None` with fewer than two values.
    pub standard_error: Option<f64>,
    /// The difference's 95 % Welch interval; `None` with fewer than two values.
    pub ci95: Option<Interval>,
    /// The difference's 90 % Welch interval, which decides on equivalence.
    pub ci90: Option<Interval>,
    /// The p value of an exact permutation test of all runs, ours and the published ones, for "both
    /// are draws of the same"; two-sided.
    pub p: Option<f64>,
    /// The same, adjusted by Holm's procedure over all means of the recipe that get a verdict.
    pub p_holm: Option<f64>,
    /// How far apart the two may be, in points; `None` where they measure different things and get
    /// no verdict.
    pub margin: Option<f64>,
    /// The smallest margin at which the mean would count as within it.
    pub smallest_margin: Option<f64>,
    /// Runs of ours that would show it within the margin, if mean and deviation stayed what they
    /// are; `None` where no number would, or nothing is judged.
    pub runs_needed: Option<usize>,
    /// Whether the published mean came back; `None` where nothing was measured, or nothing is judged.
    pub verdict: Option<Verdict>,
}

/// How all means of one recipe lie beside the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstTables {
    /// How the networks were trained.
    pub recipe: String,
    /// Whether that was on the pairs of the published runs, whose luck is then in both.
    pub same_pairs: bool,
    /// The p value of one permutation test of all means that get a verdict: that every published run
    /// could be one of ours.
    pub p_global: Option<f64>,
    /// Test and training pairs.
    pub splits: Vec<AgainstSplit>,
}

/// How the means of one recipe on one split lie beside the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstSplit {
    /// "test" or "train".
    pub split: String,
    /// Means that were compared.
    pub compared: usize,
    /// The root of the mean squared difference, in points.
    pub rms: Option<f64>,
    /// What that would be on average if all means were the same: the root of the mean squared
    /// standard error.
    pub rms_of_spread: Option<f64>,
    /// How many means lie within which margin; empty where nothing is judged.
    pub within: Vec<Within>,
}

/// How many means lie within a margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// In points.
    pub margin: f64,
    /// Means.
    pub count: usize,
}

/// The margins for which the means within are counted.
const COUNTED_MARGINS: [f64; 4] = [0.5, 1.0, 1.5, 2.0];

/// `measured` beside `published`, before all means of the recipe are judged together.
pub(crate) fn compare(
    published: Published,
    measured: &Statistics,
    margin: Option<f64>,
) -> AgainstPublished {
    let there = Statistics::of(published.runs.to_vec());
    let moments = Moments::of(measured).zip(Moments::of(&there));
    let difference = moments.map(|(here, there)| welch(here, there));
    let needed = |margin| moments.and_then(|(here, there)| runs_needed(here, there, margin));
    AgainstPublished {
        mean: published.mean,
        std: published.std_population,
        difference: difference.map(|difference| difference.value),
        standard_error: difference.and_then(|difference| Some(difference.error?.size)),
        ci95: difference.and_then(|difference| difference.interval(0.95)),
        ci90: difference.and_then(|difference| difference.interval(0.90)),
        p: permutation_p(&measured.values, &there.values),
        p_holm: None,
        margin,
        smallest_margin: difference.as_ref().and_then(smallest_margin),
        runs_needed: margin.and_then(needed),
        verdict: None,
        values: there.values,
    }
}

/// The margin within which accuracies on `split` are compared; `None` where the recipe measures
/// another thing than the published number does.
pub(crate) fn margin(recipe: &RecipeSettings, split: &str) -> Option<f64> {
    let Margins { test, train } = Margins::DECLARED;
    match split {
        "test" => Some(test),
        _ => fields::counts_while_training(recipe).then_some(train),
    }
}

/// Gives every compared mean of `entries`, which are all of one recipe, its verdict.
pub(crate) fn judge(entries: &mut [Entry]) {
    let mut judged: Vec<&mut AgainstPublished> = entries
        .iter_mut()
        .flat_map(|entry| [&mut entry.test, &mut entry.train])
        .filter_map(|accuracy| accuracy.published.as_mut())
        .filter(|published| published.margin.is_some())
        .collect();
    let p_values: Vec<Option<f64>> = judged.iter().map(|published| published.p).collect();
    for (published, p_holm) in judged.iter_mut().zip(holm(&p_values)) {
        published.p_holm = p_holm;
        published.verdict = published
            .margin
            .zip(published.difference)
            .map(|(margin, _)| verdict(published.ci90, margin, published.ci95.and(p_holm)));
    }
}

/// All means of `recipe`, whose entries these are; `None` where the paper has none of them.
pub(crate) fn against_tables(
    recipe: &RecipeSettings,
    same_pairs: bool,
    entries: &[Entry],
) -> Option<AgainstTables> {
    let splits: Vec<AgainstSplit> =
        SPLITS.iter().filter_map(|(name, of)| against_split(name, *of, entries)).collect();
    (!splits.is_empty()).then(|| AgainstTables {
        recipe: recipe.name.clone(),
        same_pairs,
        p_global: global_p(&groups(entries)),
        splits,
    })
}

fn against_split(
    name: &str,
    of: fn(&Entry) -> &Accuracy,
    entries: &[Entry],
) -> Option<AgainstSplit> {
    let published: Vec<&AgainstPublished> =
        entries.iter().filter_map(|entry| of(entry).published.as_ref()).collect();
    let differences: Vec<f64> = published.iter().filter_map(|there| there.difference).collect();
    let errors: Vec<f64> = published.iter().filter_map(|there| there.standard_error).collect();
    let within = |margin: f64| {
        let inside =
            published.iter().filter(|there| there.smallest_margin.is_some_and(|m| m < margin));
        Within { margin, count: inside.count() }
    };
    let judged = published.iter().any(|there| there.margin.is_some());
    (!published.is_empty()).then(|| AgainstSplit {
        split: name.to_owned(),
        compared: differences.len(),
        rms: root_mean_square(&differences),
        rms_of_spread: root_mean_square(&errors),
        within: if judged { COUNTED_MARGINS.map(within).to_vec() } else { Vec::new() },
    })
}

fn root_mean_square(values: &[f64]) -> Option<f64> {
    let squares = values.iter().map(|value| value.powi(2)).sum::<f64>();
    (!values.is_empty()).then(|| (squares / values.len() as f64).sqrt())
}

/// Our runs and the published ones of each network, on the splits that get a verdict.
fn groups(entries: &[Entry]) -> Vec<Group> {
    let split = |accuracy: &Accuracy| {
        let published = accuracy.published.as_ref().filter(|there| there.margin.is_some())?;
        let ours = accuracy.statistics.values.clone();
        (!ours.is_empty()).then(|| [ours, published.values.clone()])
    };
    let group = |entry: &Entry| Group {
        splits: SPLITS.iter().filter_map(|(_, accuracy)| split(accuracy(entry))).collect(),
    };
    entries.iter().map(group).filter(|group| !group.splits.is_empty()).collect()
}
