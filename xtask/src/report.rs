//! `cargo xtask report`: results from records, published or checked.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pairnet_record::write_atomically;
use pairnet_report::{Summary, first_difference, read_report, write_results};

use pairnet_terminal::{note, print};

use crate::text::text;

/// Bytes of a file of results; ten runs of the paper's sixteen cells take 83 KB.
const MOST_BYTES: u64 = 1 << 30;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of a sweep, as `cargo xtask reproduce` or `study` left it
    #[arg(required_unless_present = "check")]
    dir: Option<PathBuf>,
    /// Put the results of DIR, without its page, into this folder too, to be committed [without a
    /// value: docs in the workspace]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, requires = "dir")]
    publish: Option<Option<PathBuf>>,
    /// Write nothing: say whether the results beside this results.json are what follows from it
    /// [without a value: every results.json in docs in the workspace, and below it]
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "dir")]
    check: Option<Option<PathBuf>>,
}

pub(crate) fn report(arguments: &Arguments) -> Result<()> {
    let docs = crate::workspace().join("docs");
    match (&arguments.check, &arguments.dir) {
        (Some(Some(file)), _) => check(file),
        (Some(None), _) => committed(&docs)?.iter().try_for_each(|file| check(file)),
        (None, Some(dir)) => {
            write(dir)?;
            match &arguments.publish {
                Some(folder) => publish(dir, folder.as_ref().unwrap_or(&docs)),
                None => Ok(()),
            }
        }
        (None, None) => bail!("name the folder of a sweep"),
    }
}

/// Writes the results of the sweep in `dir` beside its records, and prints its tables.
pub(crate) fn write(dir: &Path) -> Result<()> {
    let report = read_report(dir)?;
    // Files first, since a reader may go away; tables in any case, since the folder may be another's.
    let kept = write_results(dir, &report);
    let printed = print(&report.summary.to_markdown());
    let (files, dir) =
        ("results.md, results.json, results.csv, report.html and figures", dir.display());
    match (kept, printed) {
        (Ok(()), Ok(())) => note(format_args!("{files} are in {dir}")),
        (Ok(()), Err(error)) => {
            return Err(error.context(format!("{files} are in {dir}, not printed")));
        }
        (kept, Ok(())) => kept.context("the results are printed, not kept")?,
        (kept, Err(_)) => kept?,
    }
    Ok(())
}

/// Copies the results in `dir`, but for the page, to `folder`. What else is there stays, and is named
/// by `--check` where it is a picture of other results.
fn publish(dir: &Path, folder: &Path) -> Result<()> {
    let summary = read_summary(&dir.join("results.json"))?;
    for name in files(&summary) {
        write_atomically(&folder.join(&name), read(&dir.join(&name))?.as_bytes())?;
    }
    note(format_args!(
        "results.md, results.json, results.csv and figures are in {} too",
        folder.display()
    ));
    Ok(())
}

/// The results in `docs` and in the folders below it.
fn committed(docs: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![docs.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = || format!("failed to read {}", folder.display());
        for entry in folder.read_dir().with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name() == Some(OsStr::new("results.json")) {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        bail!("{} has no results.json, nor has a folder below it", docs.display());
    }
    files.sort();
    Ok(files)
}

/// Whether the files beside the summary `file` are what follows from it. The pictures that need
/// records can only be there or not.
fn check(file: &Path) -> Result<()> {
    let summary = read_summary(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let again = "make them again with `cargo xtask report DIR --publish`, DIR being the folder of \
                 the sweep";
    let following = summary.to_files()?;
    for (name, expected) in &following {
        let path = folder.join(name);
        if let Some(difference) = first_difference(expected, &read(&path)?) {
            let (path, file) = (path.display(), file.display());
            bail!("{path} does not follow from {file}: {difference}\n{again}");
        }
    }
    let names = files(&summary);
    if let Some(name) = names.iter().find(|name| !folder.join(name).exists()) {
        bail!("{} is missing; {again}", folder.join(name).display());
    }
    let strange = |name: &PathBuf| !names.iter().any(|known| Path::new(known) == name);
    if let Some(name) = pictures_in(folder)?.into_iter().find(strange) {
        let (path, file) = (folder.join(name), file.display());
        bail!("{} is no picture of {file}; {again}, or remove it", path.display());
    }
    let following: Vec<&str> = following.iter().map(|(name, _)| name.as_str()).collect();
    print(&format!("{} follow from {}\n", following.join(", "), file.display()))
}

/// What belongs to a summary in a folder of results, but for the page.
fn files(summary: &Summary) -> BTreeSet<String> {
    let tables = ["results.json", "results.md", "results.csv"].map(str::to_owned);
    let pictures = summary.pictures.iter().map(|picture| format!("figures/{}.svg", picture.name));
    tables.into_iter().chain(pictures).collect()
}

/// The pictures in the folder of results `folder`, below which their names are.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let figures = folder.join("figures");
    if !figures.exists() {
        return Ok(Vec::new());
    }
    let failed = || format!("failed to read {}", figures.display());
    let entries = figures.read_dir().with_context(failed)?;
    let names =
        entries.map(|entry| Ok(Path::new("figures").join(entry.with_context(failed)?.file_name())));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.retain(|name| name.extension() == Some(OsStr::new("svg")));
    names.sort();
    Ok(names)
}

fn read_summary(file: &Path) -> Result<Summary> {
    Summary::from_json(&read(file)?).with_context(|| format!("in {}", file.display()))
}

fn read(path: &Path) -> Result<String> {
    text(path, MOST_BYTES)
}
