//! `cargo xtask reproduce`: the main job.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use clap::builder::PossibleValuesParser;
use pairnet_data::{Mnist, Split};
use pairnet_models::{Kernels, variant, variants};
use pairnet_record::{MOST_RUNS, Owner, Record, RecordError, Sweep, check_writable};
use pairnet_training::{
    Plan, Recipe, Setup, Status, TrainingError, Workers, claim_folder, status, sweep,
};

use crate::aside::{holds_sweep, is_occupied, move_aside};
use crate::device::DeviceName;
use crate::progress::Progress;
use crate::provenance::provenance;
use pairnet_terminal::{Interrupted, Signals};
use pairnet_terminal::{note, print};

/// Both recipes, all variants, ten runs each, unless told otherwise.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Train with this recipe only; may be repeated
    #[arg(long = "recipe", value_name = "NAME", value_parser = PossibleValuesParser::new(Recipe::NAMES))]
    recipes: Vec<String>,
    /// Train this variant only; may be repeated
    #[arg(long = "variant", value_name = "NAME", value_parser = PossibleValuesParser::new(pairnet_models::names()))]
    variants: Vec<String>,
    /// Runs of each recipe and variant
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = from_one_to::<MOST_RUNS>)]
    runs: usize,
    /// Networks trained side by side [default: one a core; on a GPU one]
    #[arg(long, value_name = "N", value_parser = from_one_to::<MOST_JOBS>)]
    jobs: Option<usize>,
    /// Where every random number comes from; 0 gives recipe authors the pairs of the published runs
    #[arg(long, value_name = "SEED", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Folder of records and results [default: runs/reproduce in the workspace]
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
    /// Say what would be trained, and train nothing
    #[arg(long)]
    dry_run: bool,
    /// Move an older sweep in the folder aside, to DIR.old-1, and start anew; where DIR is a link, the
    /// folder that it leads to is moved
    #[arg(long)]
    fresh: bool,
}

/// More threads than any machine has cores.
const MOST_JOBS: usize = 1024;

fn from_one_to<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".to_owned()),
        Ok(number) if number <= MOST => Ok(number),
        Ok(_) => Err(format!("at most {MOST} are possible")),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn reproduce(arguments: &Arguments) -> Result<()> {
    let plan = plan(arguments)?;
    let workspace = crate::workspace();
    let mut dir = arguments.out.clone().unwrap_or_else(|| workspace.join("runs/reproduce"));
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
            status_of(&dir, &plan, &asked, &setup)?
        };
        drop(owner);
        if makes_way {
            note(format_args!("the sweep in {} would be moved aside", dir.display()));
        }
        return describe(&plan, &status, &dir);
    }
    if makes_way {
        // So that no folder is moved while a sweep writes into it.
        let mut older = owner(&dir)?;
        let (empty, aside) = move_aside(&dir)?;
        older.moved_to(&aside);
        dir = empty;
    }
    let owner = owner(&dir)?;
    let Status { sweep: claimed, missing, kept, failed } = status_of(&dir, &plan, &asked, &setup)?;
    claim_folder(&owner, &claimed)?;
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
    crate::report::write(&dir)?;
    if failed.is_empty() { Ok(()) } else { bail!(told_failures(&failed, all)) }
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

/// Which runs failed, and what becomes of them.
fn told_failures(failed: &[Record], all: usize) -> String {
    const MOST_TOLD: usize = 10;
    let mut told = format!("{} of {all} runs failed:", failed.len());
    for record in failed.iter().take(MOST_TOLD) {
        let Record { recipe, variant, run, failure, .. } = record;
        let Some(failure) = failure else { continue };
        told += &format!("\n  {recipe} {variant} run {run}: {failure}");
        if !failure.kind.is_worth_another_try() {
            told += " (a result, which is kept)";
        }
    }
    if failed.len() > MOST_TOLD {
        told += &format!("\n  and {} more", failed.len() - MOST_TOLD);
    }
    let again = |record: &Record| {
        record.failure.as_ref().is_some_and(|failure| failure.kind.is_worth_another_try())
    };
    match failed.iter().filter(|record| again(record)).count() {
        0 => told,
        count => told + &format!("\nthe same command tries {count} of them again"),
    }
}

fn plan(arguments: &Arguments) -> Result<Plan> {
    let recipes = if arguments.recipes.is_empty() {
        Recipe::all().to_vec()
    } else {
        let names = unique(&arguments.recipes);
        names.map(|name| Recipe::named(name)).collect::<Result<_, _>>()?
    };
    let variants = if arguments.variants.is_empty() {
        variants().to_vec()
    } else {
        let names = unique(&arguments.variants);
        names.map(|name| variant(name).cloned()).collect::<Result<_, _>>()?
    };
    Ok(Plan { recipes, variants, runs: arguments.runs, seed: arguments.seed })
}

/// Each name once, where it comes first.
fn unique(names: &[String]) -> impl Iterator<Item = &String> {
    names
        .iter()
        .enumerate()
        .filter(|(index, name)| !names[..*index].contains(name))
        .map(|(_, name)| name)
}

fn what_is_to_do(networks: usize, workers: usize) -> String {
    match (networks, workers) {
        (1, _) => "training 1 network".to_owned(),
        (_, 1) => format!("training {networks} networks, one at a time"),
        _ => format!("training {networks} networks, {} side by side", workers.min(networks)),
    }
}

fn describe(plan: &Plan, status: &Status<'_>, dir: &Path) -> Result<()> {
    let Status { missing, kept, .. } = status;
    let mut text =
        format!("{} networks to train, {kept} kept, in {}\n", missing.len(), dir.display());
    for recipe in &plan.recipes {
        for variant in &plan.variants {
            let missing = missing
                .iter()
                .filter(|job| job.recipe.name == recipe.name && job.variant.name == variant.name)
                .count();
            let (recipe, variant, runs) = (&recipe.name, &variant.name, plan.runs);
            text += &format!("  {recipe:8} {variant:13} {missing} of {runs} runs\n");
        }
    }
    print(&text)
}
