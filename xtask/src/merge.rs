//! `cargo xtask merge`: the folders of a sweep's shares, joined.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use pairnet_terminal::{Exit, Interrupted, Signals, ends_with, note};
use pairnet_training::{MergeError, Missing, Survey, survey};

use crate::claim::{dry_owner, owner, resolved};
use crate::sweep::{from_one_to, refuse_failed};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders that `reproduce` or `study` has left, each a share or any other part of the same sweep
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Folder of what they have together: a new one, one of them, or one that has a part already
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many shares there were, the N of --shard K/N: to say which of them lack something
    #[arg(long, value_name = "N", value_parser = from_one_to::<{ usize::MAX }>)]
    shards: Option<usize>,
    /// Say what there is, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn merge(arguments: &Arguments) -> Result<()> {
    let Arguments { dirs, out, shards, dry_run } = arguments;
    refuse_within(dirs, out)?;
    if *dry_run {
        drop(dry_owner(out)?);
        let survey = survey(dirs, out)?;
        tell(&survey, dirs.len());
        return refuse_missing(&survey, *shards, out);
    }
    // Before anything is read, so that nobody adds to it meanwhile.
    let was_there = out.exists();
    let owner = owner(out)?;
    let survey = match survey(dirs, out) {
        Ok(survey) => survey,
        Err(error) => {
            // What is refused leaves nothing behind.
            drop(owner);
            if !was_there {
                let _ = fs::remove_dir(out);
            }
            return Err(error.into());
        }
    };
    tell(&survey, dirs.len());
    let signals = Signals::listen()?;
    let result = survey.write(&owner, signals.stop());
    if let Some(signal) = signals.end() {
        let told = match result {
            Ok(_) | Err(MergeError::Interrupted) => format!(
                "interrupted: what is in {} is whole; the same command goes on from there",
                out.display()
            ),
            Err(error) => format!("interrupted: {error}"),
        };
        return Err(Interrupted { signal, told }.into());
    }
    note(format_args!("{} networks were copied to {}", result?, out.display()));
    refuse_missing(&survey, *shards, out)?;
    // Else the report would begin a folder of its own where this one was.
    owner.check()?;
    crate::report::write(out)?;
    refuse_failed(&survey.failed, survey.there())
}

/// The folders that are joined are only read.
fn refuse_within(dirs: &[PathBuf], out: &Path) -> Result<()> {
    let target = resolved(out);
    let within = |dir: &&PathBuf| {
        let dir = resolved(dir);
        target != dir && target.starts_with(dir)
    };
    match dirs.iter().find(within) {
        Some(dir) => bail!(
            "{} is in {}, which is only read; name a folder outside of it with --out DIR",
            out.display(),
            dir.display()
        ),
        None => Ok(()),
    }
}

/// What there is, and what is left where it is.
fn tell(survey: &Survey, folders: usize) {
    let there = survey.there();
    let all = there + survey.missing.len();
    let plural = if folders == 1 { "" } else { "s" };
    note(format_args!("{there} of {all} networks are in {folders} folder{plural}"));
    if survey.double > 0 {
        note(format_args!("{} of them in more than one, which say the same", survey.double));
    }
    if survey.without_predictions > 0 {
        note(format_args!(
            "{} of them have no predictions in any folder: the report has fewer numbers, and the sweep's command \
             trains them again",
            survey.without_predictions
        ));
    }
    if !survey.unknown.is_empty() {
        let files = survey.unknown.iter().map(|path| path.display());
        note(format_args!("not copied, since they belong to no record:{}", lines(files)));
    }
}

/// Lists what is missing, network by network, and by shares where their number is known.
fn refuse_missing(survey: &Survey, shards: Option<usize>, out: &Path) -> Result<()> {
    let missing = &survey.missing;
    if missing.is_empty() {
        return Ok(());
    }
    let all = survey.there() + missing.len();
    let mut cells: BTreeMap<(&str, &str), Vec<&Missing>> = BTreeMap::new();
    for run in missing {
        cells.entry((&run.recipe, &run.variant)).or_default().push(run);
    }
    let cells = cells.into_iter().map(|((recipe, variant), runs)| {
        let runs: Vec<String> = runs.into_iter().map(told_run).collect();
        let plural = if runs.len() == 1 { "" } else { "s" };
        format!("{recipe} {variant}: run{plural} {}", short(&runs))
    });
    let cells: Vec<String> = cells.collect();
    let mut told = format!(
        "{} of {all} networks are missing, so there is no report:{}",
        missing.len(),
        lines(cells.iter())
    );
    if let Some(shards) = shards {
        let lacking = lacking(survey, shards)?;
        told += &format!("\nshares that lack something: {}", short(&lacking));
    }
    told += &format!(
        "\ntrain what is missing and merge again; the command of the sweep without --shard and with \
         --out {} trains it there",
        out.display()
    );
    Err(ends_with(Exit::Incomplete, anyhow!(told)))
}

fn told_run(run: &Missing) -> String {
    let Missing { run, failed, .. } = run;
    if *failed { format!("{run} (failed, worth another try)") } else { format!("{run}") }
}

/// The shares of `shards` that lack networks, as --shard takes them.
fn lacking(survey: &Survey, shards: usize) -> Result<Vec<String>> {
    let plan = survey.plan()?;
    let missing: BTreeSet<_> = survey
        .missing
        .iter()
        .map(|run| (run.recipe.as_str(), run.variant.as_str(), run.run))
        .collect();
    let numbers: BTreeSet<usize> = plan
        .dealt(shards)
        .filter(|(_, job)| missing.contains(&job.coordinates()))
        .map(|(number, _)| number)
        .collect();
    Ok(numbers.into_iter().map(|number| format!("{number}/{shards}")).collect())
}

/// Up to ten, a line each.
fn lines(items: impl ExactSizeIterator<Item = impl Display>) -> String {
    let more = items.len().saturating_sub(10);
    let mut text = String::new();
    for item in items.take(10) {
        text += &format!("\n  {item}");
    }
    if more > 0 { text + &format!("\n  and {more} more") } else { text }
}

/// Up to ten on one line.
fn short(items: &[String]) -> String {
    let more = items.len().saturating_sub(10);
    let text = items[..items.len() - more].join(", ");
    if more > 0 { text + &format!(" and {more} more") } else { text }
}
