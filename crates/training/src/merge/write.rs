//! The target of a merge.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pairnet_record::{
    Owner, RecordError, predictions_path, read_study, record_path, write_atomically, write_study,
};
use rayon::prelude::*;

use super::error::MergeError;
use super::survey::{Coordinates, Place, Survey};
use crate::folder::claim_folder;
use crate::kept::network_path;

/// Files that are written at the same time: each waits for the disk, not for the processor.
const AT_ONCE: usize = 16;

impl Survey {
    /// Copies what the owner's folder, the target of the [`survey`](super::survey), lacks; how many runs
    /// that were.
    ///
    /// The sweep comes first and each record after what belongs to it, so that the folder is one that
    /// training could have left, wherever this is killed.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read or written, or the folder was moved away; with `stop` set,
    /// [`MergeError::Interrupted`].
    pub fn write(&self, owner: &Owner, stop: &AtomicBool) -> Result<usize, MergeError> {
        claim_folder(owner, &self.sweep)?;
        if let Some(study) = &self.study
            && read_study(owner.dir())?.as_ref() != Some(study)
        {
            write_study(owner.dir(), study)?;
        }
        // The target, where it has something, is the first of the folders.
        let is_target = |index: usize| same_folder(&self.dirs[index], owner.dir());
        let target = (0..self.dirs.len()).find(|&index| is_target(index));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(AT_ONCE).build();
        let pool = pool.map_err(|error| crate::TrainingError::Threads(error.into()))?;
        let copied = pool.install(|| {
            let copy = |(&at, place): (&Coordinates, &Place)| {
                if stop.load(Ordering::Relaxed) {
                    return Err(MergeError::Interrupted);
                }
                self.copy(at, *place, target, owner)
            };
            self.runs
                .par_iter()
                .map(copy)
                .map(|copied| copied.map(usize::from))
                .try_reduce(|| 0, |one, other| Ok(one + other))
        })?;
        Ok(copied)
    }

    /// Whether there was anything to copy of one run.
    fn copy(
        &self,
        at: Coordinates,
        place: Place,
        target: Option<usize>,
        owner: &Owner,
    ) -> Result<bool, MergeError> {
        type PathOf = fn(&Path, &str, &str, usize) -> PathBuf;
        let (recipe, variant, run) = self.names(at);
        let files: [(Option<usize>, PathOf); 3] = [
            (place.predictions, predictions_path),
            (place.network, network_path),
            (Some(place.record), record_path),
        ];
        let mut copied = false;
        for (from, path) in files {
            let Some(from) = from.filter(|&from| Some(from) != target) else { continue };
            let from = path(&self.dirs[from], recipe, variant, run);
            let bytes = fs::read(&from)
                .map_err(|source| RecordError::Read { path: from.clone(), source })?;
            owner.check()?;
            write_atomically(&path(owner.dir(), recipe, variant, run), &bytes)?;
            copied = true;
        }
        Ok(copied)
    }
}

fn same_folder(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
