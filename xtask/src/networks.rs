//! `cargo xtask networks`: the trained networks that are shipped.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Architecture, Kernels, Metadata, variants};
use pairnet_ops::awake;
use pairnet_record::Provenance;
use pairnet_terminal::{note, print};
use pairnet_training::{
    Finished, Kept, Recipe, RunId, Setup, State, keep, shipped_path, start_threads, train,
};

/// Train the shipped networks again: one of each variant, recipe paper, seed 0, run 0.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing, and say whether data/networks has what comes out
    #[arg(long)]
    check: bool,
}

/// Points by which test accuracies may differ where another processor has rounded: two trainings are then
/// as far apart as two runs, whose standard deviation is 1.3 points or so. Three standard deviations of a
/// difference are 5.5.
const ROUNDED: f64 = 6.0;

pub(crate) fn networks(arguments: &Arguments) -> Result<()> {
    start_threads()?;
    let (data, workspace) = (Mnist::shipped()?, crate::workspace());
    let scratch = tempfile::tempdir()?;
    let mut told = String::new();
    for variant in variants() {
        let shipped = shipped_path(&workspace, &variant.name);
        let path =
            if arguments.check { scratch.path().join(&variant.name) } else { shipped.clone() };
        trained(variant, &data, &path)?;
        told += &if arguments.check {
            let said = compare(&Kept::load(&shipped)?, &Kept::load(&path)?)?;
            format!("{}: {said}\n", shipped.display())
        } else {
            format!("{}: {}\n", shipped.display(), Kept::load(&path)?.origin())
        };
        note(&variant.name);
    }
    print(&told)
}

/// Trains one, and keeps it without a revision: that would change with every commit, the network not.
fn trained(variant: &Architecture, data: &Mnist, path: &Path) -> Result<()> {
    let setup =
        Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None };
    let recipe = Recipe::paper();
    let id = RunId { seed: 0, recipe: &recipe, variant, run: 0 };
    let state = State::new(&id, &setup)?;
    let (stop, mut after_epoch) = (AtomicBool::new(false), |_: &State| Ok(()));
    let (Finished { record, .. }, network) =
        awake(|| train(&id, state, data, &setup, &stop, &mut after_epoch))?;
    if let Some(failure) = record.failure {
        bail!("{}: {failure}", variant.name);
    }
    let program = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: None,
        git_dirty: None,
        machine: String::new(),
    };
    Ok(keep(path, &network, &record, &program)?)
}

/// Whether a shipped network is what training gives now: byte for byte, but for the program's version and
/// the instruction set, where the same processor has rounded; else about as often right. What a product's
/// sums are split into follows from the processor's caches too, so the instructions alone do not tell.
fn compare(shipped: &Kept, again: &Kept) -> Result<String> {
    let bytes = |kept: &Kept| {
        let known = kept.known.clone().into_iter();
        let known = known.filter(|(name, _)| name != "version" && name != "instructions");
        kept.trained.network.to_safetensors(&known.collect::<Metadata>())
    };
    if bytes(shipped)? == bytes(again)? {
        return Ok("the same bytes".to_owned());
    }
    let accuracy = |kept: &Kept| -> Result<f64> {
        let accuracy = kept.known.get("test_accuracy").context("its accuracy is not known")?;
        Ok(accuracy.parse()?)
    };
    let (there, here) = (accuracy(shipped)?, accuracy(again)?);
    let told = format!("rounded otherwise, {there} % of its test pairs there, {here} % here");
    if (there - here).abs() > ROUNDED {
        bail!("{}: {told}; `cargo xtask networks` makes it again", shipped.name());
    }
    Ok(told)
}
