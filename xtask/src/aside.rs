//! `--fresh`: an older sweep makes way.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use pairnet_terminal::note;

/// Whether there is anything in a folder but names with a leading dot, such as a lock leaves behind.
pub(crate) fn is_occupied(dir: &Path) -> bool {
    let visible = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
    };
    dir.read_dir().is_ok_and(|mut entries| entries.any(visible))
}

/// Whether `dir` is a sweep's folder.
pub(crate) fn holds_sweep(dir: &Path) -> bool {
    dir.join("sweep.json").exists() || dir.join("records").is_dir()
}

/// Renames a folder to the first free `NAME.old-1`, `NAME.old-2`, … beside
/// it, and leaves an empty one in its place: where that is, and where the older one went.
///
/// It is the folder that `dir` leads to, by whatever name: behind a link the link stays, and leads to
/// the empty one. A program in the folder goes with it, so a relative `dir` may lead elsewhere then.
///
/// # Errors
///
/// Where the folder cannot be renamed, as a mount point cannot, or not be made anew.
pub(crate) fn move_aside(dir: &Path) -> Result<(PathBuf, PathBuf)> {
    let shown = dir.display();
    let folder = dir.canonicalize().with_context(|| format!("failed to follow {shown}"))?;
    let from_inside = std::env::current_dir().is_ok_and(|current| current.starts_with(&folder));
    let aside = free_name(&folder).with_context(|| format!("{shown} cannot be moved aside"))?;
    fs::rename(&folder, &aside).with_context(|| {
        let (from, to) = (folder.display(), aside.display());
        format!("failed to move {from} to {to}; name another folder with --out DIR")
    })?;
    fs::create_dir(&folder).with_context(|| format!("failed to make {} anew", folder.display()))?;
    note(format_args!("moved the older sweep to {}", aside.display()));
    if from_inside {
        note(format_args!(
            "the working directory went along: `cd {}` leads to the new one",
            folder.display()
        ));
    }
    Ok((folder, aside))
}

/// The first name beside `folder` that nothing has; none where that is the root.
fn free_name(folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name()?;
    (1..).find_map(|number: u64| {
        let mut aside = OsString::from(name);
        aside.push(format!(".old-{number}"));
        let aside = folder.with_file_name(aside);
        // A link that leads nowhere has its name too.
        fs::symlink_metadata(&aside).is_err().then_some(aside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_name_is_beside_the_folder() {
        assert_eq!(free_name(Path::new("/")), None);
        let beside = tempfile::tempdir().unwrap();
        let folder = beside.path().join("sweep.7");
        assert_eq!(free_name(&folder), Some(beside.path().join("sweep.7.old-1")));
        fs::create_dir(beside.path().join("sweep.7.old-1")).unwrap();
        fs::write(beside.path().join("sweep.7.old-2"), "").unwrap();
        assert_eq!(free_name(&folder), Some(beside.path().join("sweep.7.old-3")));
    }
}
