//! What can go wrong in training.

use std::path::PathBuf;

/// What can go wrong in training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A tensor could not be computed.
    #[error("failed to compute: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Digits or pairs could not be had.
    #[error(transparent)]
    Data(#[from] pairnet_data::DataError),
    /// A file of the sweep could not be read or written.
    #[error(transparent)]
    Record(#[from] pairnet_record::RecordError),
    /// A recipe could not be written down.
    #[error("failed to write down the recipe '{name}': {source}")]
    Recipe {
        /// The recipe.
        name: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The folder holds a sweep that was asked for differently.
    #[error("{} holds a sweep with other settings:\n{differences}", dir.display())]
    OtherSettings {
        /// The folder.
        dir: PathBuf,
        /// One line a setting.
        differences: String,
    },
    /// A record was made from another seed.
    #[error("{} was made with seed {found}, the sweep has seed {asked}", path.display())]
    OtherSeed {
        /// The record.
        path: PathBuf,
        /// Its seed.
        found: u64,
        /// The sweep's seed.
        asked: u64,
    },
    /// The threads of a worker could not be started.
    #[error("failed to start threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}
