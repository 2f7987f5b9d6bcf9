//! `cargo xtask reproduce`: the main job.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, Variant};
use pairnet_training::{Plan, Recipe, Setup, TrainingError, Workers, claim_folder, missing, sweep};

use crate::aside::move_aside;
use crate::device::DeviceName;
use crate::progress::Progress;
use crate::provenance::provenance;
use crate::signals::{Interrupted, Signals};
use crate::terminal::{note, print};

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
    /// Networks trained side by side [default: one a core]
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
    /// Move an older sweep in the folder aside, to DIR.old-1, and start anew; where DIR is a link, the
    /// folder that it leads to is moved
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
    let mut dir = arguments.out.clone().unwrap_or_else(|| workspace.join("runs/reproduce"));
    let device = arguments.device.open()?;
    let data = match &arguments.data_dir {
        Some(dir) => Mnist::from_dir(dir)?,
        None => Mnist::shipped()?,
    };
    if arguments.fresh && !arguments.dry_run {
        dir = move_aside(&dir)?;
    }
    let settings = plan.settings(arguments.device.name(), arguments.test_every_epoch, &data)?;
    if arguments.dry_run {
        return describe(arguments, &plan, &dir);
    }
    claim_folder(&dir, settings, provenance(&workspace)).map_err(explain)?;
    let (jobs, kept) = missing(&dir, &plan)?;
    let all = kept + jobs.len();
    if kept > 0 {
        note(format_args!(
            "{kept} of {all} networks are trained already and kept; {} to train",
            jobs.len()
        ));
    }

    let setup =
        Setup { device, kernels: Kernels::Fused, test_every_epoch: arguments.test_every_epoch };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let side_by_side = match arguments.device {
        DeviceName::Cpu => threads,
        DeviceName::Cuda => 1,
    };
    let workers = Workers { count: arguments.jobs.unwrap_or(side_by_side), threads };
    if !jobs.is_empty() {
        note(what_is_to_do(jobs.len(), workers.count));
    }
    let signals = Signals::listen()?;
    let progress = Progress::new(jobs.len());
    let finished = |record: &_| progress.finished(record);
    let result = sweep(&dir, (&jobs, plan.seed), &data, &setup, workers, signals.stop(), &finished);
    progress.end();
    if let Some(signal) = signals.end() {
        let told = what_is_left(result, &dir, &plan);
        return Err(Interrupted { signal, told }.into());
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

fn what_is_to_do(networks: usize, workers: usize) -> String {
    match (networks, workers) {
        (1, _) => "training 1 network".to_owned(),
        (_, 1) => format!("training {networks} networks, one at a time"),
        _ => format!("training {networks} networks, {} side by side", workers.min(networks)),
    }
}

/// What an interrupted sweep has left, or the error that came before.
fn what_is_left(result: Result<(), TrainingError>, dir: &Path, plan: &Plan) -> String {
    let missing = match result {
        Ok(()) | Err(TrainingError::Interrupted) => missing(dir, plan),
        Err(error) => Err(error),
    };
    match missing {
        Ok((jobs, kept)) => format!(
            "interrupted: {kept} of {} networks are trained, their records are whole in {}; the same \
             command goes on from there",
            kept + jobs.len(),
            dir.display()
        ),
        Err(error) => format!("interrupted: {error}"),
    }
}

fn describe(arguments: &Arguments, plan: &Plan, dir: &Path) -> Result<()> {
    let (jobs, kept) = if arguments.fresh { (plan.jobs(), 0) } else { missing(dir, plan)? };
    let mut text = format!("{} networks to train, {kept} kept, in {}\n", jobs.len(), dir.display());
    for recipe in &plan.recipes {
        for variant in &plan.variants {
            let missing = jobs
                .iter()
                .filter(|job| job.recipe.name == recipe.name && job.variant.name == variant.name)
                .count();
            let (recipe, variant, runs) = (recipe.name, variant.name, plan.runs);
            text += &format!("  {recipe:8} {variant:13} {missing} of {runs} runs\n");
        }
    }
    print(&text)
}
