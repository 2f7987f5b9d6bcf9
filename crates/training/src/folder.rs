//! What a sweep's folder has, and what it can be asked for.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use pairnet_models::{ModelError, names};
use pairnet_record::{
    Owner, Record, Sweep, predictions_path, read_records, read_sweep, write_sweep,
};
use rayon::prelude::*;

use crate::TrainingError;
use crate::kept::{Kept, network_path};
use crate::plan::{Job, Plan};
use crate::recipe::Recipe;
use crate::setup::Setup;
use crate::threads::on_threads;

/// What a folder has of a plan, and what it lacks.
#[derive(Clone, Debug)]
pub struct Status<'a> {
    /// What the folder's `sweep.json` has to say: what was asked there before, and the plan.
    pub sweep: Sweep,
    /// The plan's runs without a record, without predictions or without a network that was to be kept, and those
    /// that failed and are worth another try.
    pub missing: Vec<Job<'a>>,
    /// How many of the plan's runs are there to stay.
    pub kept: usize,
    /// Those of the kept that failed.
    pub failed: Vec<Record>,
}

/// What `dir` has of `plan`, which asks for `asked` ([`Plan::asked`]). Only reads.
///
/// A folder without records can be asked for anything. One with records can be asked for more runs,
/// for other recipes and for other variants: its sweep becomes that of both. Fewer runs than it has
/// are a part of them, and its sweep stays as it is.
///
/// A run whose predictions are gone is missing, and where `setup` keeps networks, so is one whose network is gone,
/// damaged or another run's: it is trained again, and its record is the same.
///
/// # Errors
///
/// [`TrainingError::OtherSettings`] where the plan would change a record that is there; where a
/// record, or what lies among them, cannot be read or is of another sweep; where a kept network cannot be read or
/// is of another version.
pub fn status<'a>(
    dir: &Path,
    plan: &'a Plan,
    asked: &Sweep,
    setup: &Setup,
) -> Result<Status<'a>, TrainingError> {
    let there = read_sweep(dir)?;
    let records = read_records(dir)?;
    let sweep = match there {
        Some(there) if !records.is_empty() => {
            let differences = there.differences(asked);
            if !differences.is_empty() {
                let lines: Vec<String> =
                    differences.iter().map(|difference| format!("  {difference}")).collect();
                let (dir, differences) = (dir.to_owned(), lines.join("\n"));
                return Err(TrainingError::OtherSettings { dir, differences });
            }
            joined(there, asked, &records)
        }
        _ => joined(asked.clone(), asked, &records),
    };
    sweep.check_records(dir, &records)?;

    let by_run: HashMap<_, &Record> = records
        .iter()
        .map(|record| ((record.recipe.as_str(), record.variant.as_str(), record.run), record))
        .collect();
    let record_of =
        |job: &Job<'_>| by_run.get(&(&*job.recipe.name, &*job.variant.name, job.run)).copied();
    let stays = |record: &Record| match &record.failure {
        Some(failure) => Ok(!failure.kind.is_worth_another_try()),
        None if !has_predictions(dir, record) => Ok(false),
        None if setup.keep.is_some() => has_network(dir, record),
        None => Ok(true),
    };
    let jobs: Vec<Job<'_>> = plan.jobs().collect();
    let kept = |job: &Job<'_>| match record_of(job) {
        Some(record) => Ok(stays(record)?.then_some(record)),
        None => Ok(None),
    };
    let kept: Vec<Option<&Record>> = if setup.keep.is_some() {
        on_threads(0, || jobs.par_iter().map(kept).collect::<Result<_, TrainingError>>())??
    } else {
        jobs.iter().map(kept).collect::<Result<_, TrainingError>>()?
    };
    let mut status = Status { sweep, missing: Vec::new(), kept: 0, failed: Vec::new() };
    for (job, kept) in jobs.into_iter().zip(kept) {
        let Some(record) = kept else {
            status.missing.push(job);
            continue;
        };
        status.kept += 1;
        if record.failure.is_some() {
            status.failed.push(record.clone());
        }
    }
    Ok(status)
}

/// Whether the predictions that belong to a record are there. Where that cannot be told, who reads them tells more.
fn has_predictions(dir: &Path, record: &Record) -> bool {
    let path = predictions_path(dir, &record.recipe, &record.variant, record.run);
    path.try_exists().unwrap_or(true)
}

/// Whether the network of a record is there, whole and that record's own.
///
/// What could not be read may be whole, and what another version has written is not for this one to write over.
fn has_network(dir: &Path, record: &Record) -> Result<bool, TrainingError> {
    let path = network_path(dir, &record.recipe, &record.variant, record.run);
    match Kept::load(&path) {
        Ok(kept) => Ok(kept.is_of(record)),
        Err(TrainingError::Network(error)) => match &error {
            ModelError::Read { source, .. } if source.kind() == ErrorKind::NotFound => Ok(false),
            ModelError::File { source, .. } if !matches!(**source, ModelError::Format { .. }) => {
                Ok(false)
            }
            _ => Err(TrainingError::Network(error)),
        },
        Err(_) => Ok(false),
    }
}

/// What `there` and `asked` ask for together. What is of the tables of recipes and variants alone stands in
/// their order, so that it does not matter which came first; else in the order that is asked for.
pub(crate) fn joined(there: Sweep, asked: &Sweep, records: &[Record]) -> Sweep {
    let Sweep { format, mut settings, mut networks, provenance } = there;
    for recipe in &asked.settings.recipes {
        if settings.recipes.iter().all(|there| there.name != recipe.name) {
            settings.recipes.push(recipe.clone());
        }
    }
    for variant in &asked.settings.variants {
        if !settings.variants.contains(variant) {
            settings.variants.push(variant.clone());
        }
    }
    for network in &asked.networks {
        if networks.iter().all(|there| there.name != network.name) {
            networks.push(network.clone());
        }
    }
    let asked_recipes: Vec<&str> =
        asked.settings.recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    let asked_variants: Vec<&str> = asked.settings.variants.iter().map(String::as_str).collect();
    let recipes = order(&Recipe::NAMES, &asked_recipes);
    let variants = order(&names().collect::<Vec<_>>(), &asked_variants);
    settings.recipes.sort_by_key(|recipe| place(&recipes, &recipe.name));
    settings.variants.sort_by_key(|name| place(&variants, name));
    networks.sort_by_key(|network| place(&variants, &network.name));
    // Where sweep.json was lost, its records tell how many runs there are.
    let in_records = records.iter().map(|record| record.run + 1).max().unwrap_or(0);
    settings.runs = settings.runs.max(asked.settings.runs).max(in_records);
    Sweep { format, settings, networks, provenance }
}

/// The table's order where it has all that is asked for, else first what is asked for.
fn order<'a>(table: &[&'a str], asked: &[&'a str]) -> Vec<&'a str> {
    match asked.iter().all(|name| table.contains(name)) {
        true => table.to_vec(),
        false => [asked, table].concat(),
    }
}

/// Where `name` stands in `names`; what is not there comes after all that is.
fn place(names: &[&str], name: &str) -> usize {
    names.iter().position(|known| *known == name).unwrap_or(names.len())
}

/// Writes `sweep` ([`Status::sweep`]) into its owner's folder, where that does not have it already.
///
/// # Errors
///
/// Where `sweep.json` cannot be read or written.
pub fn claim_folder(owner: &Owner, sweep: &Sweep) -> Result<(), TrainingError> {
    if read_sweep(owner.dir())?.as_ref() != Some(sweep) {
        write_sweep(owner.dir(), sweep)?;
    }
    Ok(())
}
