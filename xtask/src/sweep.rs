//! A sweep from its plan to its report, as `reproduce` and `study` ask for it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use pairnet_data::{Mnist, Split};
use pairnet_models::Kernels;
use pairnet_record::{
    Owner, RecipeSettings, RecordError, Study, Sweep, check_writable, read_study, read_sweep,
    study_path, write_study,
};
use pairnet_terminal::{Interrupted, Signals, note, print};
use pairnet_training::{Plan, Setup, Status, TrainingError, Workers, claim_folder, status, sweep};

use crate::aside::{holds_sweep, is_occupied, move_aside};
use crate::described::{described, told_failures, what_is_to_do};
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

/// Trains what `plan` has and its folder lacks, and reports on the folder; `by_default` is that folder
/// below the workspace.
pub(crate) fn train_all(
    plan: &Plan,
    study: Option<&Study>,
    arguments: &SweepArguments,
    by_default: &Path,
) -> Result<()> {
    let workspace = crate::workspace();
    let mut dir = arguments.out.clone().unwrap_or_else(|| workspace.join(by_default));
    let device = arguments.device.open()?;
    let program = provenance(&workspace, &device);
    let setup = Setup {
        device,
        kernels: Kernels::Fused,
        test_every_epoch: arguments.test_every_epoch,
        keep: arguments.keep.then(|| program.clone()),
    };
    let data = match &arguments.data_dir {
        Some(dir) => Mnist::from_dir(dir)?,
        None => Mnist::shipped()?,
    };
    for recipe in &plan.recipes {
        data.require_pairs(recipe.pairs_of(Split::Train), recipe.pairs_of(Split::Test))?;
    }
    let makes_way = arguments.fresh && is_occupied(&dir);
    if makes_way && !holds_sweep(&dir) {
        bail!(
            "{} holds no sweep, and --fresh moves nothing else; name another folder with --out DIR",
            dir.display()
        );
    }
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
        return print(&described(plan, &status, &dir));
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
    let Status { sweep: claimed, missing, kept, failed } = status_of(&dir, plan, &asked, &setup)?;
    claim_folder(&owner, &claimed)?;
    // No record follows from it, so that one that cannot be read makes way.
    if let Some(study) = study
        && !matches!(read_study(owner.dir()), Ok(Some(there)) if there == *study)
    {
        write_study(owner.dir(), study)?;
    }
    let all = kept + missing.len();
    if kept > 0 {
        note(format_args!(
            "{kept} of {all} networks are trained already and kept; {} to train",
            missing.len()
        ));
    }
    let (recipes, variants) = (claimed.settings.recipes.len(), claimed.settings.variants.len());
    if recipes * variants > plan.recipes.len() * plan.variants.len() {
        note(format_args!(
            "the sweep in {} has {recipes} recipes and {variants} variants: what of these is not \
             trained yet is reported as missing",
            dir.display()
        ));
    }
    if claimed.settings.runs > plan.runs {
        note(format_args!(
            "the sweep in {} has {} runs of each network, and is reported with all of them",
            dir.display(),
            claimed.settings.runs
        ));
    }

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = match (arguments.device, arguments.jobs) {
        (DeviceName::Cpu, jobs) => Workers { count: jobs.unwrap_or(cores), threads: cores },
        // One thread keeps a GPU's run going; more would only look for work.
        (DeviceName::Cuda, jobs) => {
            let count = jobs.unwrap_or(1);
            Workers { count, threads: count }
        }
    };
    if !missing.is_empty() {
        note(what_is_to_do(missing.len(), workers.count));
    }
    let signals = Signals::listen()?;
    let progress = Progress::new(missing.len());
    let trained = AtomicUsize::new(kept);
    let finished = |record: &_| {
        trained.fetch_add(1, Ordering::Relaxed);
        progress.finished(record);
    };
    let jobs = (&*missing, plan.seed);
    let result = sweep(&owner, jobs, &data, &setup, workers, signals.stop(), &finished);
    progress.end();
    if let Some(signal) = signals.end() {
        let told = match result {
            Ok(_) | Err(TrainingError::Interrupted) => format!(
                "interrupted: {} of {all} networks are trained, their records are whole in {}; the \
                 same command goes on from there",
                trained.into_inner(),
                dir.display()
            ),
            Err(error) => format!("interrupted: {error}"),
        };
        return Err(Interrupted { signal, told }.into());
    }
    let failed = [failed, result?].concat();
    // The report of many runs takes the memory that their digits took.
    drop(data);
    // Else the report would begin a folder of its own where this one was.
    owner.check()?;
    crate::report::write(&dir)?;
    if failed.is_empty() { Ok(()) } else { bail!(told_failures(&failed, all)) }
}

/// A folder has one report: that of a study, or the paper's. What is there is not to become a part of the
/// other.
fn refuse_another_kind(dir: &Path, study: Option<&Study>, asked: &Sweep) -> Result<()> {
    let (Some(there), true) = (read_sweep(dir)?, dir.join("records").exists()) else {
        return Ok(());
    };
    let is_asked = |recipe: &RecipeSettings| {
        asked.settings.recipes.iter().any(|asked| asked.name == recipe.name)
    };
    let is_study = study_path(dir).exists();
    let held = match study {
        None if is_study => "a study",
        // One that has lost its study.json has the study's cells.
        Some(_) if !is_study && !there.settings.recipes.iter().all(is_asked) => {
            "a sweep that is no study"
        }
        _ => "",
    };
    if !held.is_empty() {
        bail!(
            "{} holds {held}\nname another folder with --out DIR, or move this one aside with --fresh",
            dir.display()
        );
    }
    if let (Some(study), Ok(Some(before))) = (study, read_study(dir))
        && study.title != before.title
    {
        note(format_args!(
            "the study in {} was called '{}'; its cells stay in the report",
            dir.display(),
            before.title
        ));
    }
    Ok(())
}

/// The folder, for this process alone.
fn owner(dir: &Path) -> Result<Owner> {
    let command: Vec<_> = std::env::args_os().skip(1).collect();
    let command = command.join(OsStr::new(" ")).display().to_string();
    let owner = Owner::take(dir, &format!("cargo xtask {command}"))?;
    if let Some(error) = owner.unlocked() {
        note(format_args!(
            "warning: {} cannot be locked ({error}): see to it that no other sweep uses it",
            dir.display()
        ));
    }
    Ok(owner)
}

/// What `owner` would refuse: a folder is not made to find out.
fn dry_owner(dir: &Path) -> Result<Option<Owner>> {
    if dir.exists() {
        return owner(dir).map(Some);
    }
    check_writable(dir)?;
    Ok(None)
}

/// What can be done about a folder that cannot be gone on with.
fn status_of<'a>(dir: &Path, plan: &'a Plan, asked: &Sweep, setup: &Setup) -> Result<Status<'a>> {
    status(dir, plan, asked, setup).map_err(|error| {
        let of_another = matches!(
            error,
            TrainingError::OtherSettings { .. }
                | TrainingError::Record(RecordError::Version { .. } | RecordError::Foreign { .. })
        );
        let error = anyhow::Error::from(error);
        if of_another {
            return anyhow::anyhow!(
                "{error}\nname another folder with --out DIR, or move this one aside with --fresh"
            );
        }
        error
    })
}
