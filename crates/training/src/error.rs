//! What can go wrong in training.

use std::path::PathBuf;

use pairnet_models::{ArchitectureError, ModelError};
use pairnet_record::MOST_RUNS;

use crate::fields::FieldError;

/// What can go wrong in training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A tensor could not be computed.
    #[error("failed to compute: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The sizes of a network do not fit each other.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
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
        name: String,
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
    /// A training that was begun cannot be gone on with.
    #[error("{}: {source}", path.display())]
    Unfinished {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A network could not be kept.
    #[error(transparent)]
    Network(ModelError),
    /// What a kept network says of its pixels makes no sense.
    #[error("{}: {name} is '{value}', and no number", path.display())]
    Scale {
        /// Its file.
        path: PathBuf,
        /// The entry in its metadata.
        name: String,
        /// What is there.
        value: String,
    },
    /// A field of a recipe cannot be what it is.
    #[error("recipe '{name}': {source}")]
    Field {
        /// The recipe.
        name: String,
        /// Which field, and why.
        source: FieldError,
    },
    /// A plan of no runs, or of too many.
    #[error("{asked} runs of each network cannot be planned: from 1 to {MOST_RUNS} can")]
    Runs {
        /// What was asked for.
        asked: usize,
    },
    /// Threads could not be started.
    #[error("failed to start threads: {0}; have fewer threads or runs side by side")]
    Threads(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<ModelError> for TrainingError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Architecture(error) => Self::Architecture(error),
            error => Self::Tensor(error.into()),
        }
    }
}
