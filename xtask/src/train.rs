//! `cargo xtask train`: one run, whose network is kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;
use pairnet_data::Split;
use pairnet_models::{Kernels, variant};
use pairnet_ops::awake;
use pairnet_record::{Epoch, Record, read_record_file, write_record_file};
use pairnet_study::{Setting, changed};
use pairnet_training::{
    Finished, Kept, Recipe, RunId, Setup, State, TrainingError, follows_from, keep,
};

use crate::data::digits;
use crate::device::DeviceName;
use crate::provenance::provenance;
use pairnet_terminal::{Interrupted, Signals};
use pairnet_terminal::{note, print};

/// One network by one recipe.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which network
    #[arg(value_parser = PossibleValuesParser::new(pairnet_models::names()))]
    variant: String,
    /// How it is trained
    #[arg(long, value_name = "NAME", default_value = "paper", value_parser = PossibleValuesParser::new(Recipe::NAMES))]
    recipe: String,
    /// Change a field of the recipe, such as epochs=50; may be repeated
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = Setting::parse)]
    settings: Vec<Setting>,
    /// Where every random number comes from, as in a sweep
    #[arg(long, value_name = "SEED", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Which run of a sweep it is, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    run: usize,
    /// The file of the trained network; its record is beside it, with .json in the place of its
    /// extension [default: runs/networks/RECIPE-VARIANT-SEED-RUN.safetensors in the workspace]
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Go on where the same training was broken off, if it was; one that has come to its end stays
    #[arg(long)]
    resume: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Folder of your own MNIST files (IDX, plain or gzip) [default: the shipped ones]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Record the test accuracy after every epoch too; takes longer
    #[arg(long)]
    test_every_epoch: bool,
}

pub(crate) fn train(arguments: &Arguments) -> Result<()> {
    let recipe = changed(&Recipe::named(&arguments.recipe)?, &arguments.settings)?;
    let variant = variant(&arguments.variant)?;
    let (seed, run) = (arguments.seed, arguments.run);
    let id = RunId { seed, recipe: &recipe, variant, run };
    let workspace = crate::workspace();
    let file = arguments.save.clone().unwrap_or_else(|| {
        let name = format!("{}-{}-{seed}-{run}.safetensors", recipe.name, variant.name);
        workspace.join("runs/networks").join(name)
    });
    let (unfinished, record_file) = (unfinished(&file)?, file.with_extension("json"));
    if record_file == file {
        bail!("{}: that is the name of its record; a network ends in .safetensors", file.display());
    }
    let setup = Setup {
        device: arguments.device.open()?,
        kernels: Kernels::Fused,
        test_every_epoch: arguments.test_every_epoch,
        keep: None,
    };
    let data = digits(arguments.data_dir.as_deref())?;
    data.require_pairs(recipe.pairs_of(Split::Train), recipe.pairs_of(Split::Test))?;
    let origin = follows_from(&recipe, variant, seed, &data, &setup)?;
    if file.exists() {
        let kept = Kept::load(&file);
        if arguments.resume && kept.as_ref().is_ok_and(|kept| kept.is_of_run(run, &origin)) {
            // It was broken off after its end, or was not; there is nothing to go on with.
            let record = read_record_file(&record_file)?;
            remove(&unfinished)?;
            note("it is trained already");
            return tell(&id, &record, (&file, &record_file));
        }
        let damaged = kept.err().map(|error| format!(" ({error})")).unwrap_or_default();
        bail!(
            "{} is there already{damaged}; name another file with --save, or remove that one",
            file.display()
        );
    }
    let state = match (arguments.resume, unfinished.exists()) {
        (true, true) => State::load(&unfinished, (&id, &origin), &setup)?,
        (false, true) => bail!(
            "{} is a training that was broken off; go on with --resume, or remove that file",
            unfinished.display()
        ),
        (_, false) => State::new(&id, &setup)?,
    };
    let begun = state.epochs().len();
    if arguments.resume {
        note(format_args!("{begun} of {} epochs are there", recipe.epochs));
    }

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let signals = Signals::listen()?;
    let mut last = Instant::now();
    let mut after_epoch = |state: &State| -> Result<(), TrainingError> {
        if let Some(epoch) = state.epochs().last() {
            let (done, seconds) = (state.epochs().len(), last.elapsed().as_secs_f64());
            note(line(done, recipe.epochs, epoch, seconds));
        }
        last = Instant::now();
        state.save(&unfinished, (&id, &origin))
    };
    let work =
        || pairnet_training::train(&id, state, &data, &setup, signals.stop(), &mut after_epoch);
    let result = pool.install(|| awake(work));
    if let Some(signal) = signals.end() {
        let told = match result {
            Ok(_) | Err(TrainingError::Interrupted) if unfinished.exists() => format!(
                "interrupted: {} has what is trained; the same command with --resume goes on",
                unfinished.display()
            ),
            Ok(_) | Err(TrainingError::Interrupted) => {
                "interrupted before the first epoch was over".to_owned()
            }
            Err(error) => format!("interrupted: {error}"),
        };
        return Err(Interrupted { signal, told }.into());
    }
    let (Finished { record, .. }, trained) = result?;
    write_record_file(&record_file, &record)?;
    if let Some(failure) = &record.failure {
        remove(&unfinished)?;
        bail!("the run failed: {failure}; its record is {}", record_file.display());
    }
    keep(&file, &trained, &record, &provenance(&workspace, &setup.device))?;
    remove(&unfinished)?;
    tell(&id, &record, (&file, &record_file))
}

fn tell(id: &RunId<'_>, record: &Record, (file, record_file): (&Path, &Path)) -> Result<()> {
    let RunId { seed, recipe, variant, run } = id;
    let percent = |accuracy: Option<f64>| accuracy.map_or("-".to_owned(), |a| format!("{a:.1} %"));
    print(&format!(
        "{} by {}, seed {seed}, run {run}: {} of training pairs, {} of test pairs\n{}\n{}\n",
        variant.name,
        recipe.name,
        percent(record.train_accuracy),
        percent(record.test_accuracy),
        file.display(),
        record_file.display()
    ))
}

/// Where the training lies between two epochs.
fn unfinished(file: &Path) -> Result<PathBuf> {
    let name =
        file.file_name().with_context(|| format!("{} is no name of a file", file.display()))?;
    let mut name = OsString::from(name);
    name.push(".unfinished");
    Ok(file.with_file_name(name))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} could not be removed", path.display()))
        }
        _ => Ok(()),
    }
}

fn line(done: usize, all: usize, epoch: &Epoch, seconds: f64) -> String {
    let Epoch { total_loss, main_loss, auxiliary_loss, train_accuracy, test_accuracy } = epoch;
    let mut line = format!("epoch {done:>2}/{all}: loss {total_loss:.4}");
    if let Some(auxiliary) = auxiliary_loss {
        line += &format!(" (comparison {main_loss:.4}, digits {auxiliary:.4})");
    }
    line += &format!(", train {train_accuracy:.1} %");
    if let Some(test) = test_accuracy {
        line += &format!(", test {test:.1} %");
    }
    line + &format!(", {seconds:.2} s")
}
