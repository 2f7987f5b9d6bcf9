//! `cargo xtask report`: results from records, and whether written results still follow.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pairnet_report::{Summary, first_difference, read_report, write_results};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of a sweep, as `cargo xtask reproduce` left it
    #[arg(required_unless_present = "check")]
    dir: Option<PathBuf>,
    /// Write nothing: say whether results.md, and the pictures beside it, are what follows from
    /// this results.json
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "docs/results.json",
        conflicts_with = "dir"
    )]
    check: Option<PathBuf>,
}

pub(crate) fn report(arguments: &Arguments) -> Result<()> {
    match (&arguments.check, &arguments.dir) {
        (Some(file), _) => check(file),
        (None, Some(dir)) => write(dir),
        (None, None) => bail!("name the folder of a sweep"),
    }
}

/// Writes the results of the sweep in `dir` beside its records, and prints its tables.
pub(crate) fn write(dir: &Path) -> Result<()> {
    let report = read_report(dir)?;
    write_results(dir, &report)?;
    print!("{}", report.summary.to_markdown());
    eprintln!(
        "results.md, results.json, results.csv, report.html and figures are in {}",
        dir.display()
    );
    Ok(())
}

/// Whether the files beside the summary `file` are what follows from it.
fn check(file: &Path) -> Result<()> {
    let text = read(file)?;
    let summary = Summary::from_json(&text).with_context(|| format!("in {}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut checked = Vec::new();
    for (name, expected) in summary.to_files()? {
        let path = folder.join(&name);
        // The tables have to be there; of the others only what was kept.
        if !path.exists() && name != "results.md" {
            continue;
        }
        if let Some(difference) = first_difference(&expected, &read(&path)?) {
            bail!(
                "{} does not follow from {}: {difference}\nmake it again with `cargo xtask report \
                 DIR`, DIR being the sweep's folder, and copy both from there",
                path.display(),
                file.display()
            );
        }
        checked.push(name);
    }
    println!("{} follow from {}", checked.join(", "), file.display());
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}
