//! The target of a merge.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pairnet_models::checkpoint_bytes;
use pairnet_record::{
    MOST_BYTES, Owner, predictions_path, read_at_most, read_study, record_path, remove_study,
    write_atomically, write_study,
};
use rayon::prelude::*;

use super::error::MergeError;
use super::survey::{Coordinates, Place, Survey};
use crate::TrainingError;
use crate::folder::claim_folder;
use crate::kept::network_path;
use crate::threads::on_threads;

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
        match &self.study {
            Some(study) if read_study(owner.dir())?.as_ref() != Some(study) => {
                write_study(owner.dir(), study)?;
            }
            Some(_) => {}
            None => remove_study(owner.dir())?,
        }
        // The target, where it has something, is the first of the folders.
        let is_target = |index: usize| same_folder(&self.dirs[index], owner.dir());
        let target = (0..self.dirs.len()).find(|&index| is_target(index));
        let copied = on_threads(AT_ONCE, || {
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
        })??;
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
        type Bytes = fn(&Path) -> Result<Vec<u8>, MergeError>;
        let (recipe, variant, run) = self.names(at);
        let files: [(Option<usize>, PathOf, Bytes); 3] = [
            (place.predictions, predictions_path, document),
            (place.network, network_path, network),
            (Some(place.record), record_path, document),
        ];
        let mut copied = false;
        for (from, path, bytes) in files {
            let Some(from) = from.filter(|&from| Some(from) != target) else { continue };
            let bytes = bytes(&path(&self.dirs[from], recipe, variant, run))?;
            owner.check()?;
            write_atomically(&path(owner.dir(), recipe, variant, run), &bytes)?;
            copied = true;
        }
        Ok(copied)
    }
}

/// The bytes of a record or of predictions.
pub(super) fn document(path: &Path) -> Result<Vec<u8>, MergeError> {
    Ok(read_at_most(path, MOST_BYTES)?)
}

/// The bytes of a kept network.
pub(super) fn network(path: &Path) -> Result<Vec<u8>, MergeError> {
    Ok(checkpoint_bytes(path).map_err(TrainingError::Network)?)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
