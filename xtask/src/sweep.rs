//! A sweep from its plan to its report, as `reproduce` and `study` ask for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow};
use pairnet_data::{Mnist, Split};
use pairnet_models::Kernels;
use pairnet_record::{Owner, Record, Study};
use pairnet_terminal::{Exit, Interrupted, Signals, ends_with, note, print};
use pairnet_training::{Plan, Setup, Shard, Status, TrainingError, Workers, sweep};

use crate::aside::move_aside;
use crate::claim::{claim, dry_owner, makes_way, owner, refuse_another_kind, status_of};
use crate::data::digits;
use crate::described::{described, told_failures, what_comes_next, what_is_to_do};
use crate::device::DeviceName;
use crate::progress::Progress;
use crate::provenance::provenance;

/// How a sweep is trained, whatever it is of.
#[derive(clap::Args)]
pub(crate) struct SweepArguments {
    /// Networks trained side by side [default: one a core; on a GPU one]
    #[arg(long, value_name = "N", value_parser = from_one_to::<MOST_JOBS>)]
    jobs: Option<usize>,
    /// Folder of records and results [default: a folder in runs in the workspace]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Folder of your own MNIST files (IDX, plain or gzip) [default: the shipped ones]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Record the test accuracy after every epoch too; takes longer
    #[arg(long)]
    test_every_epoch: bool,
    /// Keep each trained network beside its record: networks/RECIPE/VARIANT/RUN.safetensors
    #[arg(long)]
    keep: bool,
    /// Train this share of the networks alone, such as 3/8, the third of eight: for several machines,
    /// whose folders `cargo xtask merge` joins
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Say what would be trained, and by which settings, and train nothing
    #[arg(long)]
    dry_run: bool,
    /// Move an older sweep in the folder aside, to DIR.old-1, and start anew; where DIR is a link, the
    /// folder that it leads to is moved
    #[arg(long)]
    fresh: bool,
}

/// More threads than any machine has cores.
const MOST_JOBS: usize = 1024;

/// A number for clap, from 1 to `MOST`.
pub(crate) fn from_one_to<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".to_owned()),
        Ok(number) if number <= MOST => Ok(number),
        Ok(_) => Err(format!("at most {MOST} are possible")),
        Err(error) => Err(error.to_string()),
    }
}

/// Trains what `plan` has and its folder lacks, or a share of that, and reports on the folder once it has
/// all; `by_default` is that folder below the workspace.
pub(crate) fn train_all(
    plan: &Plan,
    study: Option<&Study>,
    arguments: &SweepArguments,
    by_default: &Path,
) -> Result<()> {
    let workspace = crate::workspace();
    let mut dir = arguments.out.clone().unwrap_or_else(|| workspace.join(by_default));
    let shard = arguments.shard.unwrap_or(Shard::WHOLE);
    let device = arguments.device.open()?;
    let program = provenance(&workspace, &device);
    let setup = Setup {
        device,
        kernels: Kernels::Fused,
        test_every_epoch: arguments.test_every_epoch,
        keep: arguments.keep.then(|| program.clone()),
    };
    let data = digits(arguments.data_dir.as_deref())?;
    for recipe in &plan.recipes {
        data.require_pairs(recipe.pairs_of(Split::Train), recipe.pairs_of(Split::Test))?;
    }
    let makes_way = arguments.fresh && makes_way(&dir)?;
    let asked = plan.asked(&setup, &data, program)?;
    if arguments.dry_run {
        let owner = dry_owner(&dir)?;
        let status = if arguments.fresh {
            // What is moved away is not looked at.
            Status { sweep: asked, missing: plan.jobs().collect(), kept: 0, failed: Vec::new() }
        } else {
            refuse_another_kind(&dir, study, &asked)?;
            status_of(&dir, plan, &asked, &setup)?
        };
        drop(owner);
        if makes_way {
            note(format_args!("the sweep in {} would be moved aside", dir.display()));
        }
        return print(&described(plan, shard, &status.of_share(plan, shard).0, &dir));
    }
    if makes_way {
        // So that no folder is moved while a sweep writes into it.
        let mut older = owner(&dir)?;
        let (empty, aside) = move_aside(&dir)?;
        older.moved_to(&aside);
        dir = empty;
    }
    let owner = owner(&dir)?;
    refuse_another_kind(&dir, study, &asked)?;
    let status = status_of(&dir, plan, &asked, &setup)?;
    claim(&owner, &status.sweep, study)?;
    let (status, others) = status.of_share(plan, shard);
    tell_what_is_there(plan, shard, &status, &dir);
    let failed = train(&owner, plan.seed, &status, &data, &setup, arguments)?;
    // The report of many runs takes the memory that their digits took.
    drop(data);
    let all = status.kept + status.missing.len();
    if others == 0 {
        // Else the report would begin a folder of its own where this one was.
        owner.check()?;
        crate::report::write(&dir)?;
    } else {
        note(what_comes_next(shard, all - failed.len(), others, &dir));
    }
    refuse_failed(&failed, all)
}

/// What the folder has already, and what it was asked for beside the plan.
fn tell_what_is_there(plan: &Plan, shard: Shard, status: &Status<'_>, dir: &Path) {
    let (kept, missing) = (status.kept, status.missing.len());
    let all = kept + missing;
    if shard != Shard::WHOLE {
        let planned = plan.jobs().count();
        note(format_args!("share {shard} has {all} of the {planned} networks"));
    }
    if kept > 0 {
        note(format_args!(
            "{kept} of {all} networks are trained already and kept; {missing} to train"
        ));
    }
    let (shown, settings) = (dir.display(), &status.sweep.settings);
    let (recipes, variants) = (settings.recipes.len(), settings.variants.len());
    if recipes * variants > plan.recipes.len() * plan.variants.len() {
        note(format_args!(
            "the sweep in {shown} has {recipes} recipes and {variants} variants: what of these is not \
             trained yet is reported as missing"
        ));
    }
    if settings.runs > plan.runs {
        note(format_args!(
            "the sweep in {shown} has {} runs of each network, and is reported with all of them",
            settings.runs
        ));
    }
}

/// Trains what is missing, and gives back the records of all runs that failed, then or before.
fn train(
    owner: &Owner,
    seed: u64,
    status: &Status<'_>,
    data: &Mnist,
    setup: &Setup,
    arguments: &SweepArguments,
) -> Result<Vec<Record>> {
    let Status { missing, kept, failed, .. } = status;
    let workers = workers(arguments);
    if !missing.is_empty() {
        note(what_is_to_do(missing.len(), workers.count));
    }
    let signals = Signals::listen()?;
    let progress = Progress::new(missing.len());
    let trained = AtomicUsize::new(*kept);
    let finished = |record: &_| {
        trained.fetch_add(1, Ordering::Relaxed);
        progress.finished(record);
    };
    let result = sweep(owner, (missing, seed), data, setup, workers, signals.stop(), &finished);
    progress.end();
    if let Some(signal) = signals.end() {
        let told = match result {
            Ok(_) | Err(TrainingError::Interrupted) => format!(
                "interrupted: {} of {} networks are trained, their records are whole in {}; the \
                 same command goes on from there",
                trained.into_inner(),
                kept + missing.len(),
                owner.dir().display()
            ),
            Err(error) => format!("interrupted: {error}"),
        };
        return Err(Interrupted { signal, told }.into());
    }
    Ok([failed.clone(), result?].concat())
}

fn workers(arguments: &SweepArguments) -> Workers {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match (arguments.device, arguments.jobs) {
        (DeviceName::Cpu, jobs) => Workers { count: jobs.unwrap_or(cores), threads: cores },
        // One thread keeps a GPU's run going; more would only look for work.
        (DeviceName::Cuda, jobs) => {
            let count = jobs.unwrap_or(1);
            Workers { count, threads: count }
        }
    }
}

/// Runs that failed are told at the end, and end the program so.
pub(crate) fn refuse_failed(failed: &[Record], all: usize) -> Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    let again = |record: &Record| {
        record.failure.as_ref().is_some_and(|failure| failure.kind.is_worth_another_try())
    };
    let exit = if failed.iter().any(again) { Exit::TryAgain } else { Exit::Failed };
    Err(ends_with(exit, anyhow!(told_failures(failed, all))))
}
