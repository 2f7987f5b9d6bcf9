//! `cargo xtask study`: an experiment of one's own, from a file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pairnet_record::MOST_RUNS;
use pairnet_study::read;
use pairnet_training::Plan;

use crate::sweep::{SweepArguments, from_one_to, train_all};
use crate::text::text;

/// Bytes of a study's file: more than ten thousand cells take, each written out.
const MOST_BYTES: u64 = 1 << 24;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to change, and what is asked, in TOML: data/studies has some
    file: PathBuf,
    /// Runs of each cell and network [default: what the file says]
    #[arg(long, value_name = "N", value_parser = from_one_to::<MOST_RUNS>)]
    runs: Option<usize>,
    #[command(flatten)]
    sweep: SweepArguments,
}

pub(crate) fn study(arguments: &Arguments) -> Result<()> {
    let file = &arguments.file;
    let (plan, study) =
        read(&text(file, MOST_BYTES)?).with_context(|| format!("in {}", file.display()))?;
    let plan = Plan { runs: arguments.runs.unwrap_or(plan.runs), ..plan };
    let Some(name) = file.file_stem() else { bail!("{} is no name of a file", file.display()) };
    train_all(&plan, Some(&study), &arguments.sweep, &Path::new("runs/studies").join(name))
}
