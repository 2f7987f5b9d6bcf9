//! From records to what each network's runs say.

use std::collections::BTreeMap;

use pairnet_network::Architecture;
use pairnet_record::{RecipeSettings, Record, Sweep};
use serde_json::Value;

use crate::answers::Answers;
use crate::entry::{Accuracy, Entry, FailedRun, lost};
use crate::error::ReportError;
use crate::statistics::{Components, Interval, Moments, Statistics, at_most};

/// One a recipe and variant, in these orders; nothing in it is compared with anything yet.
pub(crate) fn entries(
    sweep: &Sweep,
    variants: &[String],
    records: &[Record],
    answers: &Answers,
) -> Result<Vec<Entry>, ReportError> {
    let settings = &sweep.settings;
    once("recipe", settings.recipes.iter().map(|recipe| recipe.name.as_str()))?;
    once("variant", settings.variants.iter().map(String::as_str))?;
    let cells = settings.recipes.len() * settings.variants.len();
    if records.is_empty() {
        return Err(ReportError::NoRecords { asked: cells * settings.runs });
    }

    let mut by_cell: BTreeMap<(&str, &str), BTreeMap<usize, &Record>> = settings
        .recipes
        .iter()
        .flat_map(|recipe| settings.variants.iter().map(|variant| (&*recipe.name, &**variant)))
        .map(|cell| (cell, BTreeMap::new()))
        .collect();
    for record in records {
        let Record { recipe, variant, run, .. } = record;
        let cell = by_cell.get_mut(&(recipe, variant)).filter(|_| *run < settings.runs);
        let (recipe, variant, run) = (recipe.clone(), variant.clone(), *run);
        if record.failure.is_none() && accuracies(record).is_none() {
            return Err(ReportError::NotMeasured { recipe, variant, run });
        }
        let Some(runs) = cell else {
            return Err(ReportError::NotAsked { recipe, variant, run });
        };
        if runs.insert(run, record).is_some() {
            return Err(ReportError::Duplicate { recipe, variant, run });
        }
    }

    let mut entries = Vec::with_capacity(cells);
    for recipe in &settings.recipes {
        for variant in variants {
            let runs = &by_cell[&(&*recipe.name, &**variant)];
            same_settings(sweep, recipe, variant, runs)?;
            entries.push(entry((recipe, variant), settings.runs, runs, answers));
        }
    }
    Ok(entries)
}

/// On training and test pairs.
fn accuracies(record: &Record) -> Option<(f64, f64)> {
    let finite = |accuracy: Option<f64>| accuracy.filter(|percent| percent.is_finite());
    finite(record.train_accuracy).zip(finite(record.test_accuracy))
}

fn once<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ReportError> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ReportError::AskedTwice { what, name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

/// What must be the same in all runs of one recipe and variant: what the sweep says, or where it
/// does not say it, what the first record has.
fn same_settings(
    sweep: &Sweep,
    recipe: &RecipeSettings,
    variant: &str,
    runs: &BTreeMap<usize, &Record>,
) -> Result<(), ReportError> {
    let network = sweep.networks.iter().find(|network| network.name == variant);
    let parameters = network
        .map(Architecture::parameters)
        .or_else(|| runs.values().next().map(|record| record.parameters));
    let finished = |record: &&&Record| record.failure.is_none();
    let epochs = recipe.fields.get("epochs").and_then(Value::as_u64);
    let epochs =
        epochs.or_else(|| runs.values().find(finished).map(|record| record.epochs.len() as u64));
    for record in runs.values() {
        let expected_epochs = epochs.filter(|_| record.failure.is_none());
        let fields = [
            ("seed", record.seed, Some(sweep.settings.seed)),
            ("parameters", record.parameters as u64, parameters.map(|count| count as u64)),
            ("epochs", record.epochs.len() as u64, expected_epochs),
        ];
        for (field, found, expected) in fields {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                let Record { recipe, variant, run, .. } = record;
                let (recipe, variant, run) = (recipe.clone(), variant.clone(), *run);
                return Err(ReportError::Mixed { recipe, variant, run, field, found, expected });
            }
        }
    }
    Ok(())
}

fn entry(
    (recipe, variant): (&RecipeSettings, &str),
    asked: usize,
    runs: &BTreeMap<usize, &Record>,
    answers: &Answers,
) -> Entry {
    let mut measured_runs = Vec::new();
    let (mut train, mut test) = (Vec::new(), Vec::new());
    let mut failed_runs = Vec::new();
    for (&run, record) in runs {
        if let Some(failure) = &record.failure {
            let (epoch, batch, reason) = (failure.epoch, failure.batch, failure.reason.clone());
            failed_runs.push(FailedRun { run, epoch, batch, reason });
        } else if let Some((on_train, on_test)) = accuracies(record) {
            measured_runs.push(run);
            train.push(on_train);
            test.push(on_test);
        }
    }
    let failures = failed_runs.len();
    let components = answers.components(recipe, variant);
    let (train, test) = (Statistics::of(train), Statistics::of(test));
    let lost_runs = lost(&measured_runs, &train);
    let crossed = components.filter(|components| components.shared_pairs);
    let accuracy = |statistics: Statistics, crossed: Option<Components>| Accuracy {
        failures,
        total95: Moments::of(&statistics)
            .and_then(|moments| crossed?.total(moments).interval(0.95))
            .map(Interval::within_percent),
        elsewhere_at_most: elsewhere(&statistics),
        published: None,
        statistics,
    };
    Entry {
        recipe: recipe.name.clone(),
        variant: variant.to_owned(),
        runs: asked,
        parameters: runs.values().next().map(|record| record.parameters),
        measured_runs,
        failed_runs,
        missing_runs: (0..asked).filter(|run| !runs.contains_key(run)).collect(),
        lost_runs,
        train: accuracy(train, None),
        test: accuracy(test, crossed),
        components,
    }
}

/// The share of runs in percent that end elsewhere at most, where all have measured the same.
fn elsewhere(statistics: &Statistics) -> Option<f64> {
    let same = statistics.n > 1 && statistics.min == statistics.max;
    if same { at_most(0, statistics.n).map(|share| 100.0 * share) } else { None }
}
