//! Several folders of one sweep, joined.
//!
//! A sweep that is trained in [shares](crate::Shard) leaves a folder a machine. [`survey`] looks at all
//! of them, checks every file, and says what there is, what is missing and what is there twice;
//! [`Survey::write`] copies what the target lacks. Nothing is written before all was checked, each file is
//! whole or absent, and what is there already is not copied again: so a merge that was killed
//! is gone on with by the same call, and one that is done changes nothing.

mod error;
mod folder;
mod same;
mod survey;
mod together;
mod write;

pub use error::MergeError;
pub use survey::{Missing, Survey, survey};
