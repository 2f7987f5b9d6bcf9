//! The folder of a sweep: whose it is, and what it can be asked for.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Error, Result, anyhow, bail};
use pairnet_record::{
    Owner, RecipeSettings, RecordError, Study, Sweep, check_writable, read_study, read_sweep,
    remove_study, study_path, sweep_path, write_study,
};
use pairnet_terminal::{Exit, ends_with, note};
use pairnet_training::{Plan, Setup, Status, TrainingError, claim_folder, status};

use crate::aside::{holds_sweep, is_occupied};

/// Whether there is something in `dir` that `--fresh` moves.
pub(crate) fn makes_way(dir: &Path) -> Result<bool> {
    let makes_way = is_occupied(dir);
    if makes_way && !holds_sweep(dir) {
        bail!(
            "{} holds no sweep, and --fresh moves nothing else; name another folder with --out DIR",
            dir.display()
        );
    }
    Ok(makes_way)
}

/// Writes down in the owner's folder what it is asked for.
pub(crate) fn claim(owner: &Owner, sweep: &Sweep, study: Option<&Study>) -> Result<()> {
    claim_folder(owner, sweep)?;
    match study {
        // No record follows from it, so that one that cannot be read makes way.
        Some(study) if !matches!(read_study(owner.dir()), Ok(Some(there)) if there == *study) => {
            write_study(owner.dir(), study)?;
        }
        Some(_) => {}
        // Of a study that has no record yet, or it would have been refused.
        None => remove_study(owner.dir())?,
    }
    Ok(())
}

/// A folder has one report: that of a study, or the paper's. What is there is not to become a part of the
/// other.
pub(crate) fn refuse_another_kind(dir: &Path, study: Option<&Study>, asked: &Sweep) -> Result<()> {
    let (Some(there), true) = (read_sweep(dir)?, dir.join("records").exists()) else {
        return Ok(());
    };
    let is_asked = |recipe: &RecipeSettings| {
        asked.settings.recipes.iter().any(|asked| asked.name == recipe.name)
    };
    let is_study = study_path(dir).exists();
    let held = match study {
        None if is_study => "a study",
        // One that has lost its study.json has the study's cells.
        Some(_) if !is_study && !there.settings.recipes.iter().all(is_asked) => {
            "a sweep that is no study"
        }
        _ => "",
    };
    if !held.is_empty() {
        bail!(
            "{} holds {held}\nname another folder with --out DIR, or move this one aside with --fresh",
            dir.display()
        );
    }
    if let (Some(study), Ok(Some(before))) = (study, read_study(dir))
        && study.title != before.title
    {
        note(format_args!(
            "the study in {} was called '{}'; its cells stay in the report",
            dir.display(),
            before.title
        ));
    }
    Ok(())
}

/// The folder, for this process alone.
pub(crate) fn owner(dir: &Path) -> Result<Owner> {
    refuse_within_a_sweep(dir)?;
    let command: Vec<_> = std::env::args_os().skip(1).collect();
    let command = command.join(OsStr::new(" ")).display().to_string();
    let owner =
        Owner::take(dir, &format!("cargo xtask {command}")).map_err(|error| match error {
            RecordError::Owned { .. } => ends_with(Exit::TryAgain, error),
            error => Error::from(error),
        })?;
    if let Some(error) = owner.unlocked() {
        note(format_args!(
            "warning: {} cannot be locked ({error}): see to it that no other sweep uses it",
            dir.display()
        ));
    }
    Ok(owner)
}

/// What would lie among another sweep's records would keep that from being read.
fn refuse_within_a_sweep(dir: &Path) -> Result<()> {
    let dir = resolved(dir);
    for folder in dir.ancestors() {
        let name = folder.file_name().unwrap_or_default();
        let (Some(sweep), true) =
            (folder.parent(), ["records", "predictions", "networks"].iter().any(|of| name == *of))
        else {
            continue;
        };
        if sweep_path(sweep).exists() {
            bail!(
                "{} is in {name:?} of the sweep in {}; name another folder",
                dir.display(),
                sweep.display()
            );
        }
    }
    Ok(())
}

/// Where `dir` is, links followed, be it there or not.
pub(crate) fn resolved(dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let mut path = PathBuf::new();
    for part in absolute.components() {
        // What is not there is no link, and `..` leads back from it.
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
        if let Ok(there) = fs::canonicalize(&path) {
            path = there;
        }
    }
    path
}

/// What `owner` would refuse: a folder is not made to find out.
pub(crate) fn dry_owner(dir: &Path) -> Result<Option<Owner>> {
    if dir.exists() {
        return owner(dir).map(Some);
    }
    refuse_within_a_sweep(dir)?;
    check_writable(dir)?;
    Ok(None)
}

/// What can be done about a folder that cannot be gone on with.
pub(crate) fn status_of<'a>(
    dir: &Path,
    plan: &'a Plan,
    asked: &Sweep,
    setup: &Setup,
) -> Result<Status<'a>> {
    status(dir, plan, asked, setup).map_err(|error| {
        let of_another = matches!(
            error,
            TrainingError::OtherSettings { .. }
                | TrainingError::Record(RecordError::Version { .. } | RecordError::Foreign { .. })
        );
        let error = Error::from(error);
        if of_another {
            return anyhow!(
                "{error}\nname another folder with --out DIR, or move this one aside with --fresh"
            );
        }
        error
    })
}
