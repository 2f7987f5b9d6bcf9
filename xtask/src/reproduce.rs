//! `cargo xtask reproduce`: the main job.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, Variant};
use pairnet_training::{Plan, Recipe, Setup, TrainingError, Workers, claim_folder, missing, sweep};

use crate::device::DeviceName;
use crate::progress::Progress;
use crate::provenance::provenance;

/// Both recipes, all variants, ten runs each, unless told otherwise.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Train with this recipe only; may be repeated
    #[arg(long = "recipe", value_name = "NAME", value_parser = PossibleValuesParser::new(recipe_names()))]
    recipes: Vec<String>,
    /// Train this variant only; may be repeated
    #[arg(long = "variant", value_name = "NAME", value_parser = PossibleValuesParser::new(pairnet_models::names()))]
    variants: Vec<String>,
    /// Runs of each recipe and variant
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    runs: usize,
    /// Networks trained side by side [default: one a core; on a GPU one]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    jobs: Option<usize>,
    /// Where every random number comes from
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
    /// Say what would be trained, and train nothing
    #[arg(long)]
    dry_run: bool,
    /// Move an older sweep in the folder aside and start anew
    #[arg(long)]
    fresh: bool,
}

fn recipe_names() -> [&'static str; 2] {
    Recipe::all().map(|recipe| recipe.name)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn reproduce(arguments: &Arguments) -> Result<()> {
    let plan = plan(arguments)?;
    let workspace = crate::workspace();
    let dir = arguments.out.clone().unwrap_or_else(|| workspace.join("runs/reproduce"));
    let device = arguments.device.open()?;
    let data = match &arguments.data_dir {
        Some(dir) => Mnist::from_dir(dir)?,
        None => Mnist::shipped()?,
    };
    if arguments.fresh && !arguments.dry_run {
        move_aside(&dir)?;
    }
    let settings = plan.settings(arguments.device.name(), arguments.test_every_epoch, &data)?;
    if arguments.dry_run {
        return describe(arguments, &plan, &dir);
    }
    claim_folder(&dir, settings, provenance(&workspace, &device)).map_err(explain)?;
    let (jobs, kept) = missing(&dir, &plan)?;
    let all = kept + jobs.len();
    if kept > 0 {
        eprintln!("{kept} of {all} networks are trained already and kept; {} to train", jobs.len());
    }

    let setup =
        Setup { device, kernels: Kernels::Fused, test_every_epoch: arguments.test_every_epoch };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = match (arguments.device, arguments.jobs) {
        (DeviceName::Cpu, jobs) => Workers { count: jobs.unwrap_or(cores), threads: cores },
        // One thread keeps a GPU's run going; more would only look for work.
        (DeviceName::Cuda, jobs) => {
            let count = jobs.unwrap_or(1);
            Workers { count, threads: count }
        }
    };
    let stop = stop_on_signal()?;
    let progress = Progress::new(jobs.len());
    let finished = |record: &_| progress.finished(record);
    let result = sweep(&dir, (&jobs, plan.seed), &data, &setup, workers, &stop, &finished);
    progress.end();
    if let Err(TrainingError::Interrupted) = result {
        let (jobs, _) = missing(&dir, &plan)?;
        bail!(
            "interrupted: {} of {all} networks are trained, their records are whole in {}; the \
             same command goes on from there",
            all - jobs.len(),
            dir.display()
        );
    }
    result?;
    // The report of many runs takes the memory that their digits took.
    drop(data);
    crate::report::write(&dir)
}

fn plan(arguments: &Arguments) -> Result<Plan> {
    let recipes = if arguments.recipes.is_empty() {
        Recipe::all().to_vec()
    } else {
        let names = unique(&arguments.recipes);
        names.map(|name| Recipe::named(name)).collect::<Result<_, _>>()?
    };
    let variants = if arguments.variants.is_empty() {
        pairnet_models::VARIANTS.iter().collect()
    } else {
        let names = unique(&arguments.variants);
        names.map(|name| Variant::named(name)).collect::<Result<_, _>>()?
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

/// What can be done about a folder of other settings.
fn explain(error: TrainingError) -> anyhow::Error {
    let other_settings = matches!(error, TrainingError::OtherSettings { .. });
    let error = anyhow::Error::from(error);
    if other_settings {
        return anyhow::anyhow!(
            "{error}\nname another folder with --out DIR, or move this one aside with --fresh"
        );
    }
    error
}

/// Renames a folder that has anything in it to the first free `NAME.old-1`, `NAME.old-2`, …
fn move_aside(dir: &Path) -> Result<()> {
    let occupied = dir.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if !occupied {
        return Ok(());
    }
    let aside = (1..)
        .map(|number| PathBuf::from(format!("{}.old-{number}", dir.display())))
        .find(|aside| !aside.exists())
        .context("no free name to move the old folder to")?;
    std::fs::rename(dir, &aside)
        .with_context(|| format!("failed to move {} to {}", dir.display(), aside.display()))?;
    eprintln!("moved the older sweep to {}", aside.display());
    Ok(())
}

fn describe(arguments: &Arguments, plan: &Plan, dir: &Path) -> Result<()> {
    let (jobs, kept) = if arguments.fresh { (plan.jobs(), 0) } else { missing(dir, plan)? };
    println!("{} networks to train, {kept} kept, in {}", jobs.len(), dir.display());
    for recipe in &plan.recipes {
        for variant in &plan.variants {
            let missing = jobs
                .iter()
                .filter(|job| job.recipe.name == recipe.name && job.variant.name == variant.name)
                .count();
            println!("  {:8} {:13} {missing} of {} runs", recipe.name, variant.name, plan.runs);
        }
    }
    Ok(())
}

/// A flag that Ctrl-C sets. A second Ctrl-C ends the program at once, which loses no record either.
fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .context("failed to listen for Ctrl-C")?;
    }
    Ok(stop)
}
