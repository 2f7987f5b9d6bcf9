//! Many runs side by side, each with its record.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use pairnet_data::Mnist;
use pairnet_ops::awake;
use pairnet_record::{
    Failure, FailureKind, Owner, RECORD_FORMAT, Record, Timing, write_predictions, write_record,
};
use rayon::ThreadPool;

use crate::TrainingError;
use crate::kept::{Trained, keep, network_path};
use crate::plan::{Job, follows_from};
use crate::run::{Finished, train};
use crate::setup::Setup;
use crate::state::State;
use crate::streams::RunId;

/// How many runs go side by side, and on how many threads all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Runs side by side.
    pub count: usize,
    /// Threads that they share evenly; each has one at least.
    pub threads: usize,
}

/// Trains `jobs` side by side and leaves each one's predictions and record in the owner's folder as
/// it ends. Gives back the records of the runs that failed.
///
/// `finished` is told of each record after it is written, from the worker's thread; a panic of its
/// own ends nothing. What a run leaves does not depend on `workers` or on what else is trained.
///
/// With [`Setup::keep`], each network that was trained to the end is kept too, before its record.
///
/// A run that panics, or whose tensors cannot be computed, is recorded as failed and stops no other.
///
/// # Errors
///
/// The first error of a worker that concerns all runs: a file that cannot be written, a folder that
/// was moved away, too few digits, no threads. The others end their runs without a record. With
/// `stop` set, [`TrainingError::Interrupted`].
pub fn sweep(
    owner: &Owner,
    (jobs, seed): (&[Job<'_>], u64),
    data: &Mnist,
    setup: &Setup,
    workers: Workers,
    stop: &AtomicBool,
    finished: &(dyn Fn(&Record) + Sync),
) -> Result<Vec<Record>, TrainingError> {
    let count = workers.count.clamp(1, jobs.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<Record>, TrainingError> {
        let mut failed = Vec::new();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads((workers.threads / count).max(1))
            .build()
            .map_err(|error| TrainingError::Threads(error.into()))?;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (finished_run, trained) = attempt(job, seed, data, setup, stop, &pool)?;
            let Finished { record, predictions } = finished_run;
            owner.check()?;
            // Before the record: where that is, nothing is trained again.
            if let Some(predictions) = &predictions {
                write_predictions(owner.dir(), predictions)?;
            }
            if let (Some(program), Some(trained)) = (&setup.keep, trained) {
                let Record { recipe, variant, run, .. } = &record;
                keep(
                    &network_path(owner.dir(), recipe, variant, *run),
                    &trained,
                    &record,
                    program,
                )?;
            }
            write_record(owner.dir(), &record)?;
            // The record is written: what the caller does with it is a courtesy.
            let _ = catch_unwind(AssertUnwindSafe(|| finished(&record)));
            if record.failure.is_some() {
                failed.push(record);
            }
        }
        Ok(failed)
    };
    let work = || {
        let result = catch_unwind(AssertUnwindSafe(&work));
        if !matches!(result, Ok(Ok(_))) {
            // The other workers stop too.
            stop.store(true, Ordering::Relaxed);
        }
        result.unwrap_or_else(|panic| resume_unwind(panic))
    };
    let results = std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, work);
        let threads: Vec<_> = (0..count).map(start).collect();
        if threads.iter().any(Result::is_err) {
            stop.store(true, Ordering::Relaxed);
        }
        let end = |thread: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(error) => Err(TrainingError::Threads(error.into())),
        };
        threads.into_iter().map(end).collect::<Vec<_>>()
    });
    let mut failed = Vec::new();
    let mut interrupted = None;
    for result in results {
        match result {
            Ok(records) => failed.extend(records),
            // May be what another worker's error led to.
            Err(error @ TrainingError::Interrupted) => interrupted = Some(error),
            Err(error) => return Err(error),
        }
    }
    interrupted.map_or(Ok(failed), Err)
}

/// One run on the threads of `pool`, and its network where it was trained to the end. What concerns this
/// run alone becomes a failure on record.
fn attempt(
    job: &Job<'_>,
    seed: u64,
    data: &Mnist,
    setup: &Setup,
    stop: &AtomicBool,
    pool: &ThreadPool,
) -> Result<(Finished, Option<Trained>), TrainingError> {
    let start = Instant::now();
    let Job { recipe, variant, run: number } = *job;
    let id = RunId { seed, recipe, variant, run: number };
    let train = || {
        let state = State::new(&id, setup)?;
        let (finished, trained) = train(&id, state, data, setup, stop, &mut |_| Ok(()))?;
        // What is not kept is dropped here: on a thread that has not used the GPU yet its memory could not
        // be freed, and candle would tell that to the next run.
        let kept = setup.keep.is_some() && finished.record.failure.is_none();
        Ok((finished, kept.then_some(trained)))
    };
    let train = || pool.install(|| awake(train));
    // What a run touches is its own, and is dropped with it.
    let (kind, reason) = match catch_unwind(AssertUnwindSafe(train)) {
        Ok(Err(TrainingError::Tensor(error))) => (FailureKind::Device, words_of_error(&error)),
        Ok(result) => return result,
        Err(panic) => (FailureKind::Panic, words_of_panic(&*panic)),
    };
    tracing::warn!(
        recipe = &*recipe.name,
        variant = &*variant.name,
        run = number,
        reason,
        "run failed"
    );
    let record = Record {
        format: RECORD_FORMAT,
        recipe: recipe.name.clone(),
        variant: variant.name.clone(),
        run: number,
        seed,
        follows_from: follows_from(recipe, variant, seed, data, setup)?,
        parameters: variant.parameters(),
        train_accuracy: None,
        test_accuracy: None,
        failure: Some(Failure { kind, epoch: None, batch: None, reason }),
        epochs: Vec::new(),
        timing: Timing { seconds: start.elapsed().as_secs_f64() },
    };
    Ok((Finished { record, predictions: None }, None))
}

/// Without the backtrace that candle adds where one is asked for, which has paths of this machine.
fn words_of_error(error: &candle_core::Error) -> String {
    first_line("failed to compute", &error.to_string())
}

/// What was panicked with; the place in the code is told by the program's panic hook.
fn words_of_panic(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    first_line("panicked", words.unwrap_or_default())
}

fn first_line(what: &str, words: &str) -> String {
    words.lines().next().map_or_else(|| what.to_owned(), |line| format!("{what}: {line}"))
}
