//! `cargo xtask report`: results from records.

use std::path::{Path, PathBuf};

use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of a sweep, as `cargo xtask reproduce` left it
    dir: PathBuf,
}

pub(crate) fn report(arguments: &Arguments) -> Result<()> {
    write(&arguments.dir)
}

/// Writes the results of the sweep in `dir` beside its records, and prints its tables.
pub(crate) fn write(dir: &Path) -> Result<()> {
    let summary = pairnet_report::report_folder(dir)?;
    pairnet_report::write_results(dir, &summary)?;
    print!("{}", summary.to_markdown());
    eprintln!("results.md and results.json are in {}", dir.display());
    Ok(())
}
