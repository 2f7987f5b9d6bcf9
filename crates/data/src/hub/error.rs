//! What can go wrong on the way to the hub.

use std::error::Error;
use std::path::PathBuf;

use crate::identity::Difference;
use crate::shown::shown;

/// What can go wrong on the way to the hub. `file` is an address, or a path in the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The address of the hub is none.
    #[error("{source_name} is {found:?}: {reason}")]
    Endpoint {
        /// Where it was read.
        source_name: &'static str,
        /// What is there.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody says where the cache is.
    #[error("there is no home folder for the hub's cache, and HF_HUB_CACHE names no other")]
    NoHome,
    /// A file is not in the cache, and nothing else may be asked.
    #[error("HF_HUB_OFFLINE is set, and there is no {}", shown(file))]
    NotCached {
        /// Where it would be.
        file: PathBuf,
    },
    /// A file in the cache cannot be used.
    #[error("{source}; delete {} and fetch it again", shown(file))]
    Cached {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<HubError>,
    },
    /// The hub could not be asked, or its answer broke off.
    #[error("failed to fetch {file}: {reason}{hint}")]
    Request {
        /// The file.
        file: String,
        /// Why.
        reason: String,
        /// Where its address comes from, if not from here.
        hint: String,
    },
    /// The hub answered otherwise than with a file.
    #[error("failed to fetch {file}: status {status}{hint}")]
    Status {
        /// The file.
        file: String,
        /// The answer's status.
        status: u16,
        /// What that may mean.
        hint: String,
    },
    /// The hub asks for more patience than there is.
    #[error(
        "failed to fetch {file}: status {status}, and it asks to wait for {seconds} seconds; try again then"
    )]
    Wait {
        /// The file.
        file: String,
        /// The answer's status.
        status: u16,
        /// For how long.
        seconds: u64,
    },
    /// The last attempt failed like those before.
    #[error("{source}; tried {attempts} times")]
    GaveUp {
        /// How many there were.
        attempts: u32,
        /// Why the last one failed.
        source: Box<HubError>,
    },
    /// A file is longer than it can be.
    #[error("{file} has more than {longest} bytes, which MNIST has not")]
    TooLong {
        /// The file.
        file: String,
        /// Bytes that it may have.
        longest: u64,
    },
    /// A file in the cache is not what it was when it came.
    #[error("{file} has SHA-256 {found}, {expected} was expected from its name in the cache")]
    Damaged {
        /// The file.
        file: String,
        /// What its name says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A file is something else.
    #[error("{file} is no parquet file: {found}")]
    NoParquet {
        /// The file.
        file: String,
        /// What it seems to be.
        found: String,
    },
    /// A parquet file could not be decoded.
    #[error("failed to decode {file}: {reason}")]
    Parquet {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// An image in a parquet file is not what it should be.
    #[error("{file}: image {index} cannot be used: {reason}")]
    Image {
        /// The file.
        file: String,
        /// Which image, counted from 0.
        index: usize,
        /// Why.
        reason: String,
    },
    /// The digits are others.
    #[error("{file} holds other digits: {difference}")]
    NotMnist {
        /// The file.
        file: String,
        /// Where they first differ.
        difference: Difference,
    },
    /// The program was built from other files than MNIST's.
    #[error(transparent)]
    Program(Box<dyn Error + Send + Sync>),
    /// A file in the cache could not be read.
    #[error("failed to read {}: {source}", shown(file))]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The cache could not be written.
    #[error("failed to write {}: {source}", shown(file))]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
