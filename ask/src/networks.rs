//! Networks, and what is shown to them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pairnet_data::{DataError, Mnist, PairSet, pool};
use pairnet_serve::Pair;
use pairnet_training::{Answer, Kept, TrainingError, answers, fresh_pairs, kept_path};

/// Pairs of the test split, the same as `evaluate` shows by default. All of it: no digit comes twice.
pub(crate) const TEST_PAIRS: usize = 5000;

pub(crate) fn test_pairs(data: &Mnist) -> Result<PairSet, DataError> {
    fresh_pairs(data, TEST_PAIRS, 0)
}

/// The folder of the workspace, where `cargo run` says so; else the working directory.
pub(crate) fn workspace() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    manifest.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}

/// The network in a file, or the shipped one of that name, with the file.
pub(crate) fn load(asked: &Path) -> Result<(PathBuf, Kept)> {
    let file = kept_path(asked, &workspace());
    let kept = Kept::load(&file).context(
        "a network is a file that train --save, reproduce --keep or study --keep has written, or the \
         name of a shipped one",
    )?;
    Ok((file, kept))
}

/// What a network makes of two digits as MNIST has them.
pub(crate) fn answer(kept: &Kept, pair: &Pair) -> Result<Answer, TrainingError> {
    let images: Vec<f32> = pair.iter().flat_map(|digit| pool(digit)).collect();
    // One pair gives one answer.
    Ok(answers(&kept.trained, &images)?.remove(0))
}
