//! Why folders cannot be joined.

use std::path::PathBuf;

use pairnet_record::RecordError;

use crate::TrainingError;

/// Why folders cannot be joined. Every message names the files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A file cannot be read or written, is of another sweep, or was changed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A kept network cannot be read, or a recipe's field is out of its range.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A folder is not that of a sweep.
    #[error("{} holds no sweep: it has no sweep.json; leave it out", dir.display())]
    NoSweep {
        /// The folder.
        dir: PathBuf,
    },
    /// Two folders were asked for different things.
    #[error(
        "{} and {} hold sweeps with other settings:\n{differences}\nleave one of them out",
        first.display(),
        second.display()
    )]
    OtherSettings {
        /// A folder.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// One line a setting: what the first has, and the second.
        differences: String,
    },
    /// One folder is a study's, another that of a sweep that is none.
    #[error(
        "{} holds a study, {} a sweep that is none; leave one of them out",
        study.display(),
        sweep.display()
    )]
    OtherKind {
        /// The folder of the study.
        study: PathBuf,
        /// The other folder.
        sweep: PathBuf,
    },
    /// Two files that should say the same do not.
    #[error(
        "{} and {} are of the same {what} and say different things; {advice}",
        first.display(),
        second.display()
    )]
    Different {
        /// "run", "study" or "network".
        what: &'static str,
        /// A file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// The recipes of a sweep.json are not those of this program.
    #[error("{} has a recipe '{name}' that this program does not know: {source}", dir.display())]
    Recipe {
        /// The folder.
        dir: PathBuf,
        /// The recipe.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}
