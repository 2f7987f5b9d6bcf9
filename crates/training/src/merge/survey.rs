//! What several folders have together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pairnet_record::{
    Record, RecordError, Study, Sweep, read_record, record_path, record_paths, study_path,
};

use super::error::MergeError;
use super::folder::{self, Folder, Run};
use super::same::compare;
use super::together::{sweeps, together};
use crate::plan::Plan;
use crate::recipe::Recipe;

/// What several folders have together, all of it checked.
#[derive(Debug)]
pub struct Survey {
    /// What they were asked for together.
    pub sweep: Sweep,
    /// What is asked, where one of them is a study's.
    pub study: Option<Study>,
    /// Runs that more than one of the folders has, with the same values; what the target has besides does
    /// not count.
    pub double: usize,
    /// Runs without a record, and those whose failure is worth another try.
    pub missing: Vec<Missing>,
    /// Runs that are there and whose predictions are in none of the folders: a report has fewer numbers of them,
    /// and the sweep's own command trains them again.
    pub without_predictions: usize,
    /// Runs that failed and would fail again: results like others.
    pub failed: Vec<Record>,
    /// Files that belong to no record. They are not copied.
    pub unknown: Vec<PathBuf>,
    /// The folders that are read, in the order in which a run is taken from them.
    pub(super) dirs: Vec<PathBuf>,
    pub(super) runs: BTreeMap<Coordinates, Place>,
}

/// A run that no folder has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Its recipe.
    pub recipe: String,
    /// Its network.
    pub variant: String,
    /// Its number, from 0.
    pub run: usize,
    /// Whether it was tried and failed in a way that another try can help.
    pub failed: bool,
}

/// Recipe and variant by their places in the sweep, and the run.
pub(super) type Coordinates = (u32, u32, u32);

/// In which folder a run's files are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) record: usize,
    pub(super) predictions: Option<usize>,
    pub(super) network: Option<usize>,
    again: bool,
    failed: bool,
}

/// Looks at all that is in `dirs`, and in `target`, which may be one of them and need not be there yet.
/// Only reads.
///
/// A run that is there more than once is the target's, else that of the first folder, if all say the same;
/// time may differ. A run that failed in a way that another try can help makes way for one that did not.
///
/// # Errors
///
/// Where the folders' settings, data, kinds or programs differ; where a file cannot be read, was changed, is of
/// another sweep or in the way, or where two of one run say different things.
pub fn survey(dirs: &[PathBuf], target: &Path) -> Result<Survey, MergeError> {
    let (dirs, sources) = in_order(dirs, target)?;
    let sweeps = sweeps(&dirs)?;
    let sweep = together(&sweeps)?;
    let mut survey = Survey {
        sweep,
        study: None,
        double: 0,
        missing: Vec::new(),
        without_predictions: 0,
        failed: Vec::new(),
        unknown: Vec::new(),
        dirs,
        runs: BTreeMap::new(),
    };
    let mut study_of = None;
    let mut of_none = Vec::new();
    let (mut seen, mut double) = (BTreeSet::new(), BTreeSet::new());
    for (index, (dir, own)) in sweeps.iter().enumerate() {
        let Folder { dir, study, runs, unknown } = folder::read(dir, own)?;
        survey.unknown.extend(unknown);
        match study {
            Some(study) => survey.add_study(&dir, study, &mut study_of)?,
            None => of_none.push(index),
        }
        for run in &runs {
            let coordinates = survey.coordinates(run);
            survey.add(coordinates, index, run)?;
            if index >= sources && !run.again && !seen.insert(coordinates) {
                double.insert(coordinates);
            }
        }
    }
    if let Some(study) = study_of {
        refuse_another_kind(&study, &sweeps, &of_none)?;
    }
    survey.double = double.len();
    let without = |place: &&Place| !place.again && !place.failed && place.predictions.is_none();
    survey.without_predictions = survey.runs.values().filter(without).count();
    survey.count()?;
    Ok(survey)
}

/// What is in a study's folders and in others is not to become one report. One that has lost its study.json
/// has the study's cells.
fn refuse_another_kind(
    study: &Path,
    sweeps: &[(PathBuf, Sweep)],
    of_none: &[usize],
) -> Result<(), MergeError> {
    let cells: BTreeSet<&str> = (0..sweeps.len())
        .filter(|index| !of_none.contains(index))
        .flat_map(|index| &sweeps[index].1.settings.recipes)
        .map(|recipe| &*recipe.name)
        .collect();
    let strange = |(_, sweep): &&(PathBuf, Sweep)| {
        sweep.settings.recipes.iter().any(|recipe| !cells.contains(&*recipe.name))
    };
    match of_none.iter().map(|&index| &sweeps[index]).find(strange) {
        Some((sweep, _)) => {
            Err(MergeError::OtherKind { study: study.to_owned(), sweep: sweep.clone() })
        }
        None => Ok(()),
    }
}

/// The target first, where it has something, and each folder once; and where those begin that are to be
/// joined, of which the target may be one.
fn in_order(dirs: &[PathBuf], target: &Path) -> Result<(Vec<PathBuf>, usize), MergeError> {
    let canonical = |dir: &Path| {
        fs::canonicalize(dir).map_err(|source| RecordError::Read { path: dir.to_owned(), source })
    };
    let mut ordered = Vec::new();
    let mut seen = BTreeSet::new();
    let has_some = !record_paths(target)?.is_empty();
    for dir in has_some.then_some(target).into_iter().chain(dirs.iter().map(PathBuf::as_path)) {
        if seen.insert(canonical(dir)?) {
            ordered.push(dir.to_owned());
        }
    }
    let others = dirs.iter().map(|dir| canonical(dir)).collect::<Result<BTreeSet<_>, _>>()?;
    let sources = ordered.len() - others.len();
    Ok((ordered, sources))
}

impl Survey {
    /// Runs with a record that is there to stay.
    pub fn there(&self) -> usize {
        self.runs.values().filter(|place| !place.again).count()
    }

    /// The trainings that the folders were asked for together.
    ///
    /// # Errors
    ///
    /// Where a recipe is none that this program knows.
    pub fn plan(&self) -> Result<Plan, MergeError> {
        let settings = &self.sweep.settings;
        let recipe = |recipe: &pairnet_record::RecipeSettings| {
            serde_json::from_value::<Recipe>(recipe.fields.clone()).map_err(|source| {
                let dir = self.dirs.first().cloned().unwrap_or_default();
                MergeError::Recipe { dir, name: recipe.name.clone(), source }
            })
        };
        Ok(Plan {
            recipes: settings.recipes.iter().map(recipe).collect::<Result<_, _>>()?,
            variants: self.sweep.networks.clone(),
            runs: settings.runs,
            seed: settings.seed,
        })
    }

    fn coordinates(&self, run: &Run) -> Coordinates {
        let settings = &self.sweep.settings;
        // Each record was found to be of its folder's sweep, which is a part of this one.
        let recipe = settings.recipes.iter().position(|recipe| recipe.name == run.recipe);
        let variant = settings.variants.iter().position(|variant| *variant == run.variant);
        let number = |place: Option<usize>| place.unwrap_or_default() as u32;
        (number(recipe), number(variant), run.run as u32)
    }

    pub(super) fn names(&self, (recipe, variant, run): Coordinates) -> (&str, &str, usize) {
        let settings = &self.sweep.settings;
        let recipe = &settings.recipes[recipe as usize].name;
        (recipe, &settings.variants[variant as usize], run as usize)
    }

    /// Takes a run that folder `index` has, where no folder before it had that.
    fn add(&mut self, at: Coordinates, index: usize, run: &Run) -> Result<(), MergeError> {
        let found = Place {
            record: index,
            predictions: run.predictions.then_some(index),
            network: run.network.then_some(index),
            again: run.again,
            failed: run.failed,
        };
        // Where sweep.json was lost and asked for anew, its records tell how many runs there are.
        let settings = &mut self.sweep.settings;
        settings.runs = settings.runs.max(run.run + 1);
        let place = match self.runs.get(&at).copied() {
            Some(before) if found.again => before,
            Some(before) if !before.again => {
                let dirs = [before, found].map(|place| &*self.dirs[place.record]);
                compare(dirs, self.names(at))?;
                Place {
                    predictions: before.predictions.or(found.predictions),
                    network: before.network.or(found.network),
                    ..before
                }
            }
            _ => found,
        };
        self.runs.insert(at, place);
        Ok(())
    }

    fn add_study(
        &mut self,
        dir: &Path,
        study: Study,
        of: &mut Option<PathBuf>,
    ) -> Result<(), MergeError> {
        match (&self.study, &of) {
            (Some(before), Some(of)) if *before != study => {
                let (first, second) = (study_path(of), study_path(dir));
                let advice = "copy the one that is right over the other";
                Err(MergeError::Different { what: "study", first, second, advice })
            }
            _ => {
                of.get_or_insert_with(|| dir.to_owned());
                self.study = Some(study);
                Ok(())
            }
        }
    }

    /// What is missing, and what has failed for good.
    fn count(&mut self) -> Result<(), MergeError> {
        let settings = &self.sweep.settings;
        let cells = (0..settings.recipes.len() as u32).flat_map(|recipe| {
            (0..settings.variants.len() as u32).map(move |variant| (recipe, variant))
        });
        let mut failed = Vec::new();
        for (recipe, variant) in cells {
            for run in 0..settings.runs as u32 {
                let at = (recipe, variant, run);
                let place = self.runs.get(&at);
                if place.is_some_and(|place| !place.again) {
                    if let Some(Place { record, failed: true, .. }) = place {
                        failed.push((at, *record));
                    }
                    continue;
                }
                let (recipe, variant, run) = self.names(at);
                let (recipe, variant, failed) =
                    (recipe.to_owned(), variant.to_owned(), place.is_some());
                self.missing.push(Missing { recipe, variant, run, failed });
            }
        }
        for (at, index) in failed {
            let (recipe, variant, run) = self.names(at);
            self.failed.push(read_record(&record_path(&self.dirs[index], recipe, variant, run))?);
        }
        Ok(())
    }
}
