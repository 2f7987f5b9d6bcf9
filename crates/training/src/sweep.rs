//! Many runs side by side, their records, and going on where an earlier call stopped.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pairnet_data::Mnist;
use pairnet_models::Variant;
use pairnet_ops::awake;
use pairnet_record::{
    Provenance, RecipeSettings, Record, SWEEP_FORMAT, Settings, Sweep, read_record, read_sweep,
    record_path, write_predictions, write_record, write_sweep,
};

use crate::TrainingError;
use crate::describe::describe;
use crate::recipe::Recipe;
use crate::run::{Finished, Setup, run};

/// What a sweep trains: every recipe with every variant, `runs` times.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order in which they are trained and reported.
    pub recipes: Vec<Recipe>,
    /// In the order in which they are trained and reported.
    pub variants: Vec<&'static Variant>,
    /// Runs of each recipe and variant.
    pub runs: usize,
    /// Where every random stream comes from.
    pub seed: u64,
}

/// One training of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// How the network is trained.
    pub recipe: &'a Recipe,
    /// Which network.
    pub variant: &'static Variant,
    /// Counted from 0.
    pub run: usize,
}

impl Plan {
    /// All trainings, in order.
    pub fn jobs(&self) -> Vec<Job<'_>> {
        let mut jobs = Vec::with_capacity(self.recipes.len() * self.variants.len() * self.runs);
        for recipe in &self.recipes {
            for &variant in &self.variants {
                jobs.extend((0..self.runs).map(|run| Job { recipe, variant, run }));
            }
        }
        jobs
    }

    /// The plan as it is written down before training, with what else changes the records.
    ///
    /// # Errors
    ///
    /// Where a recipe's field cannot be written as JSON.
    pub fn settings(
        &self,
        device: &str,
        test_every_epoch: bool,
        data: &Mnist,
    ) -> Result<Settings, TrainingError> {
        let recipes = self
            .recipes
            .iter()
            .map(|recipe| {
                let fields = serde_json::to_value(recipe)
                    .map_err(|source| TrainingError::Recipe { name: recipe.name, source })?;
                Ok(RecipeSettings { name: recipe.name.to_owned(), fields })
            })
            .collect::<Result<_, TrainingError>>()?;
        Ok(Settings {
            recipes,
            variants: self.variants.iter().map(|variant| variant.name.to_owned()).collect(),
            runs: self.runs,
            seed: self.seed,
            device: device.to_owned(),
            test_every_epoch,
            data: data.checksums.clone(),
        })
    }
}

/// Writes `sweep.json` into `dir`, or finds one there that asks for the same.
///
/// # Errors
///
/// [`TrainingError::OtherSettings`] where `dir` has a sweep of other settings.
pub fn claim_folder(
    dir: &Path,
    settings: Settings,
    provenance: Provenance,
) -> Result<(), TrainingError> {
    match read_sweep(dir)? {
        Some(there) => {
            let differences = there.settings.differences(&settings);
            if differences.is_empty() {
                return Ok(());
            }
            let lines: Vec<String> =
                differences.iter().map(|difference| format!("  {difference}")).collect();
            Err(TrainingError::OtherSettings { dir: dir.to_owned(), differences: lines.join("\n") })
        }
        None => {
            let known = settings.variants.iter().filter_map(|name| Variant::named(name).ok());
            let networks = known.map(describe).collect();
            write_sweep(dir, &Sweep { format: SWEEP_FORMAT, settings, networks, provenance })?;
            Ok(())
        }
    }
}

/// The jobs of `plan` that `dir` has no record of, and how many it has.
///
/// # Errors
///
/// Where a record cannot be read or is not of this plan.
pub fn missing<'a>(dir: &Path, plan: &'a Plan) -> Result<(Vec<Job<'a>>, usize), TrainingError> {
    let mut missing = Vec::new();
    let mut kept = 0;
    for job in plan.jobs() {
        let path = record_path(dir, job.recipe.name, job.variant.name, job.run);
        if !path.exists() {
            missing.push(job);
            continue;
        }
        let record = read_record(&path)?;
        if record.seed != plan.seed {
            return Err(TrainingError::OtherSeed { path, found: record.seed, asked: plan.seed });
        }
        kept += 1;
    }
    Ok((missing, kept))
}

/// How many runs go side by side, and on how many threads all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Runs side by side.
    pub count: usize,
    /// Threads that they share evenly; each has one at least.
    pub threads: usize,
}

/// Trains `jobs` side by side and leaves each one's predictions and record in `dir` as it ends.
///
/// `finished` is told of each record after it is written, from the worker's thread. What a run
/// leaves does not depend on `workers` or on what else is trained.
///
/// # Errors
///
/// The first error of a worker; the others end their runs without a record. With `stop` set,
/// [`TrainingError::Interrupted`].
pub fn sweep(
    dir: &Path,
    (jobs, seed): (&[Job<'_>], u64),
    data: &Mnist,
    setup: &Setup,
    workers: Workers,
    stop: &AtomicBool,
    finished: &(dyn Fn(&Record) + Sync),
) -> Result<(), TrainingError> {
    let count = workers.count.clamp(1, jobs.len().max(1));
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None);
    let work = || -> Result<(), TrainingError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads((workers.threads / count).max(1))
            .build()
            .map_err(TrainingError::Threads)?;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let coordinates = (job.run, seed);
            let Finished { record, predictions } = pool.install(|| {
                awake(|| run(job.recipe, job.variant, coordinates, data, setup, stop))
            })?;
            // Before the record: where that is, nothing is trained again.
            if let Some(predictions) = &predictions {
                write_predictions(dir, predictions)?;
            }
            write_record(dir, &record)?;
            finished(&record);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                if let Err(error) = work() {
                    // The other workers stop; theirs is then an interruption, not the cause.
                    let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                    stop.store(true, Ordering::Relaxed);
                }
            });
        }
    });
    match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
