//! What a training run was and what it measured, and the files it leaves.
//!
//! ```
//! use pairnet_record::{
//!     Epoch, RECORD_FORMAT, Record, Timing, read_records, record_path, write_record,
//! };
//!
//! let record = Record {
//!     format: RECORD_FORMAT,
//!     recipe: "paper".to_owned(),
//!     variant: "mlp-ws".to_owned(),
//!     run: 3,
//!     seed: 0,
//!     follows_from: String::new(), // an `Origin`'s hash, where there is a sweep
//!     parameters: 103_103,
//!     train_accuracy: Some(99.9),
//!     test_accuracy: Some(84.4),
//!     failure: None,
//!     epochs: vec![Epoch {
//!         total_loss: 0.71,
//!         main_loss: 0.71,
//!         auxiliary_loss: None,
//!         train_accuracy: 55.2,
//!         test_accuracy: None,
//!     }],
//!     timing: Timing { seconds: 1.2 },
//! };
//!
//! let dir = tempfile::tempdir()?;
//! let path = write_record(dir.path(), &record)?;
//! assert_eq!(path, dir.path().join("records/paper/mlp-ws/3.json"));
//! assert_eq!(path, record_path(dir.path(), "paper", "mlp-ws", 3));
//! assert_eq!(read_records(dir.path())?, [record]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A sweep leaves one folder:
//!
//! ```text
//! sweep.json                                  what was asked, and by what program: a [`Sweep`]
//! records/<recipe>/<variant>/<run>.json       one a run, whole or absent: a [`Record`]
//! predictions/<recipe>/<variant>/<run>.json   what the trained network said: [`Predictions`]
//! study.json                                  what is asked, in words, where it is a [`Study`]
//! .owner                                      who writes here now: an [`Owner`]
//! ```
//!
//! Every accuracy is in percent. Every file is JSON with two spaces of indent, keys in the order
//! of the types here and a newline at its end; the same value gives the same bytes. Only
//! [`Record::timing`] may differ between two runs of the same training. A number that is not finite
//! is an error when it is written, never a `null`: `null` says that there is no number.
//! [`Predictions`] are JSON on one line, since programs alone read them; they are written before
//! their record, so that a record implies them.
//!
//! Every file starts with the version of its format ([`RECORD_FORMAT`], [`SWEEP_FORMAT`],
//! [`STUDY_FORMAT`], [`PREDICTIONS_FORMAT`]), which is looked at before anything else in it; a reader names the
//! version that it cannot read ([`RecordError::Version`]). A version says exactly which fields there
//! are, so that a field more or less makes another version.
//!
//! Every file ends with a `checksum`: the SHA-256 of its other fields, written as JSON without white
//! space and with the keys of every object in the order of their bytes. So a file may be laid out
//! anew, by any program, and a changed value is refused ([`RecordError::Checksum`]). That of a record
//! leaves out `timing`, which has one of its own: records of the same run are equal but for that
//! object.
//!
//! Every record, and every set of predictions, says by a hash what it [follows from](Origin): the
//! recipe, the network, the seed, the device and the data, and not how many runs there are or what
//! else is trained. So runs, recipes and variants can be added to a folder, and a file that came from
//! another sweep is refused ([`RecordError::Foreign`]).
//!
//! One process at a time writes into a folder, the [`Owner`]; whoever likes reads.
//!
//! This crate knows names, seeds, numbers and files, and what a network is made of
//! ([`pairnet_network`]). It knows no tensor and no recipe; which names there are is its callers'
//! affair.

mod atomic;
mod bounded;
mod checksum;
mod difference;
mod document;
mod error;
mod files;
mod lock;
mod origin;
mod owner;
mod pixels;
mod predictions;
mod record;
mod study;
mod sweep;

pub use atomic::write_atomically;
pub use bounded::read_at_most;
pub use difference::Difference;
pub use document::MOST_BYTES;
pub use error::RecordError;
pub use files::{
    read_record, read_record_file, read_records, read_sweep, record_path, record_paths, sweep_path,
    write_record, write_record_file, write_sweep,
};
pub use origin::Origin;
pub use owner::{Owner, check_writable};
pub use pixels::Pixels;
pub use predictions::{
    Mistake, PREDICTIONS_FORMAT, Predictions, predictions_path, read_predictions,
    round_probability, write_predictions,
};
pub use record::{Epoch, Failure, FailureKind, RECORD_FORMAT, Record, Timing, is_name};
pub use study::{
    Reference, STUDY_FORMAT, Study, read_study, remove_study, study_path, write_study,
};
pub use sweep::{MOST_RUNS, Provenance, RecipeSettings, SWEEP_FORMAT, Settings, Sweep};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
