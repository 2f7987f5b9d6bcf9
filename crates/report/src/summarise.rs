//! From records to a summary.

use std::collections::BTreeMap;

use pairnet_record::{RecipeSettings, Record, Sweep};
use serde_json::Value;

use crate::claims;
use crate::error::ReportError;
use crate::published::{PUBLISHED_RUNS, Published, published};
use crate::statistics::{MARGIN, Moments, Statistics, verdict, welch};
use crate::summary::{Accuracy, AgainstPublished, Entry, FailedRun, RESULTS_FORMAT, Summary};

/// The recipes that retrain what the paper's tables are about.
const COMPARED_RECIPES: [&str; 2] = ["paper", "authors"];

/// What `records` say about what `sweep` asked for.
///
/// Runs without a record are listed as missing in their entry, failed ones as failed; neither has
/// a part in any number.
///
/// # Errors
///
/// Where there is no record, two of one run, one that the sweep does not ask for, or one that
/// was made with other settings.
pub fn summarise(sweep: &Sweep, records: &[Record]) -> Result<Summary, ReportError> {
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
        for variant in &settings.variants {
            let runs = &by_cell[&(&*recipe.name, &**variant)];
            same_settings(sweep, recipe, variant, runs)?;
            entries.push(entry(&recipe.name, variant, settings.runs, runs));
        }
    }
    let summary = Summary {
        format: RESULTS_FORMAT,
        recipes: settings.recipes.clone(),
        claims: claims::test_claims(&settings.recipes, &entries),
        paper_against_authors: claims::paper_against_authors(&settings.variants, &entries),
        entries,
        margin: MARGIN,
        seed: settings.seed,
        device: settings.device.clone(),
        provenance: sweep.provenance.clone(),
        pictures: Vec::new(),
    };
    Ok(summary.rounded()?)
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
        .map(|network| network.parameters)
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

fn entry(recipe: &str, variant: &str, asked: usize, runs: &BTreeMap<usize, &Record>) -> Entry {
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
    let row = published(variant).filter(|_| COMPARED_RECIPES.contains(&recipe));
    let accuracy = |values, published: Option<Published>| {
        let statistics = Statistics::of(values);
        let published = published.map(|published| compare(published, &statistics));
        Accuracy { statistics, failures, published }
    };
    Entry {
        recipe: recipe.to_owned(),
        variant: variant.to_owned(),
        runs: asked,
        parameters: runs.values().next().map(|record| record.parameters),
        measured_runs,
        failed_runs,
        missing_runs: (0..asked).filter(|run| !runs.contains_key(run)).collect(),
        train: accuracy(train, row.map(|row| row.train)),
        test: accuracy(test, row.map(|row| row.test)),
    }
}

fn compare(published: Published, measured: &Statistics) -> AgainstPublished {
    let there = Moments {
        n: PUBLISHED_RUNS,
        mean: published.mean,
        std_sample: Some(published.std_sample()),
    };
    let difference = Moments::of(measured).map(|here| welch(here, there));
    AgainstPublished {
        mean: published.mean,
        std: published.std_population,
        std_sample: published.std_sample(),
        n: PUBLISHED_RUNS,
        difference: difference.map(|difference| difference.value),
        ci95: difference.and_then(|difference| difference.interval(0.95)),
        ci90: difference.and_then(|difference| difference.interval(0.90)),
        verdict: difference.map(|difference| verdict(&difference, MARGIN)),
    }
}
