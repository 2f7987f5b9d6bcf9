//! Measured accuracies put beside the published ones.

use pairnet_record::{RecipeSettings, Settings};
use serde_json::Value;

use super::published::Published;
use crate::against::{AgainstPublished, AgainstSplit, AgainstTables, Within};
use crate::entry::{Accuracy, Entry, SPLITS};
use crate::fields;
use crate::statistics::{
    Group, Margins, Moments, Statistics, global_p, holm, permutation_p, runs_needed,
    smallest_margin, verdict, welch,
};

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
    entries: &[&Entry],
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
    entries: &[&Entry],
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

/// Whether networks that learn MNIST have the pairs of the published runs: those that PyTorch's
/// generator draws from seed 0. It takes 32 bits of a seed.
pub(crate) fn published_pairs(recipe: &RecipeSettings, settings: &Settings) -> bool {
    let pairs = recipe.fields.get("pairs").and_then(Value::as_u64);
    fields::text(recipe, "pair_draw") == Some("pytorch-once-per-kind")
        && pairs == Some(1_000)
        && settings.seed as u32 == 0
}

fn root_mean_square(values: &[f64]) -> Option<f64> {
    let squares = values.iter().map(|value| value.powi(2)).sum::<f64>();
    (!values.is_empty()).then(|| (squares / values.len() as f64).sqrt())
}

/// Our runs and the published ones of each network, on the splits that get a verdict.
fn groups(entries: &[&Entry]) -> Vec<Group> {
    let split = |accuracy: &Accuracy| {
        let published = accuracy.published.as_ref().filter(|there| there.margin.is_some())?;
        let ours = accuracy.statistics.values.clone();
        (!ours.is_empty()).then(|| [ours, published.values.clone()])
    };
    let group = |entry: &&Entry| Group {
        splits: SPLITS.iter().filter_map(|(_, accuracy)| split(accuracy(entry))).collect(),
    };
    entries.iter().map(group).filter(|group| !group.splits.is_empty()).collect()
}
