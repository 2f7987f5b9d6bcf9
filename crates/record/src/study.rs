//! What a study asks, in its author's words, and what its cells are compared with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::document::{self, Document, finite, finite_or_none};
use crate::error::RecordError;

/// The version of [`Study`] that this crate reads and writes.
pub const STUDY_FORMAT: u32 = 1;

/// What a study asks, and what its cells are compared with: `study.json` beside a `sweep.json`.
///
/// A study is a sweep whose recipes are called cells. No record follows from what is here, so all of
/// it may change after the training.
///
/// ```
/// use pairnet_record::{STUDY_FORMAT, Study, read_study, write_study};
///
/// let study = Study {
///     format: STUDY_FORMAT,
///     title: "Do longer trainings help?".to_owned(),
///     question: "The paper trains for 25 epochs. Is that enough?".to_owned(),
///     base: "paper".to_owned(),
///     base_network: None,
///     contrasts: Vec::new(),
///     axes: vec!["epochs".to_owned()],
///     references: Vec::new(),
/// };
/// let dir = tempfile::tempdir()?;
/// write_study(dir.path(), &study)?;
/// assert_eq!(read_study(dir.path())?, Some(study));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// [`STUDY_FORMAT`].
    pub format: u32,
    /// A heading.
    pub title: String,
    /// What is asked, in words; empty lines part paragraphs.
    pub question: String,
    /// The cell that the others are compared with, by the name of its recipe.
    pub base: String,
    /// The network that the others are compared with; `None` where only cells are compared.
    pub base_network: Option<String>,
    /// Pairs of networks that are compared within each cell: how much better the first is.
    pub contrasts: Vec<[String; 2]>,
    /// The fields of a recipe along which the cells form a grid; none where all cells are named.
    pub axes: Vec<String>,
    /// Numbers from elsewhere that stand beside the measured ones.
    pub references: Vec<Reference>,
}

/// A test accuracy from elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Whose it is: a paper, a program, an address.
    pub source: String,
    /// The cell that it stands beside.
    pub cell: String,
    /// The network that it stands beside.
    pub network: String,
    /// Mean test accuracy, in percent.
    #[serde(serialize_with = "finite")]
    pub mean: f64,
    /// Its standard deviation over the runs, in points; `None` where it is not known.
    #[serde(default, serialize_with = "finite_or_none")]
    pub std: Option<f64>,
}

impl Document for Study {
    const WHAT: &'static str = "study";
    // Much less than its sweep, which has all fields of each cell.
    const MOST_BYTES: u64 = 1 << 26;
    const FORMAT: u32 = STUDY_FORMAT;

    fn format(&self) -> u32 {
        self.format
    }

    fn check(&self, _: &Path) -> Result<(), RecordError> {
        Ok(())
    }
}

/// `study.json` in `dir`.
pub fn study_path(dir: &Path) -> PathBuf {
    dir.join("study.json")
}

/// Writes `study` to `study.json` in `dir`, whole or not at all.
///
/// # Errors
///
/// Where a number is not finite, or the file cannot be written.
pub fn write_study(dir: &Path, study: &Study) -> Result<PathBuf, RecordError> {
    let path = study_path(dir);
    document::write(&path, study)?;
    Ok(path)
}

/// Removes `study.json` from `dir`, which is then the folder of a sweep that is no study.
///
/// # Errors
///
/// Where it is there and cannot be removed.
pub fn remove_study(dir: &Path) -> Result<(), RecordError> {
    let path = study_path(dir);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(RecordError::Write { path, source })
        }
        _ => Ok(()),
    }
}

/// What the study in `dir` asks; `None` where `dir` has no `study.json`.
///
/// # Errors
///
/// Where the file cannot be read, is of another version, or was changed since it was written.
pub fn read_study(dir: &Path) -> Result<Option<Study>, RecordError> {
    document::read_if_there(&study_path(dir))
}
