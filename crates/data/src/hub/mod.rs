//! MNIST from the Hugging Face hub: `ylecun/mnist`, parquet files of PNG images.
//!
//! ```no_run
//! use pairnet_data::hub::{Options, fetch};
//!
//! # fn main() -> Result<(), pairnet_data::DataError> {
//! let mnist = fetch(&Options::default(), &mut |_progress| ())?; // the shipped data, or an error
//! mnist.write_idx("my-mnist".as_ref())?;
//! # Ok(())
//! # }
//! ```
//!
//! The cache is the one that Python's `huggingface_hub` and the crate `hf-hub` share: what either
//! has fetched is found, and the other way round. `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_CACHE`, `HF_HOME`,
//! `HF_HUB_OFFLINE` and `HF_HUB_DOWNLOAD_TIMEOUT` mean what they mean in Python. Of `hf-hub` only the
//! cache's layout is used: its client needs ranges, ETags and a commit in every answer, has no
//! timeout, and does not wait where a server asks it to.

mod cache;
mod download;
pub(crate) mod error;
mod pages;
mod parquet;
mod place;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::HubError;

use self::cache::Cache;
use self::place::Place;
use crate::compare::difference;
use crate::digits::Digits;
use crate::error::DataError;
use crate::mnist::Mnist;
use crate::shipped::{self, SplitFiles};
use crate::shown::shown;

/// The dataset.
const REPOSITORY: &str = "ylecun/mnist";
/// The commit that public programs pin this dataset at (mteb and others). Whatever it serves, the
/// decoded bytes are compared with the shipped ones.
const REVISION: &str = "77f3279092a1c1579b2250db8eafed0ad422088c";
const TRAIN: &str = "mnist/train-00000-of-00001.parquet";
const TEST: &str = "mnist/test-00000-of-00001.parquet";
/// Bytes of a parquet file at most: what 60,000 images take uncompressed, and as much again.
const LONGEST: u64 = 1 << 27;

/// Where to fetch from and to. What is `None` is taken from the environment.
#[derive(Clone, Debug)]
pub struct Options {
    /// The hub's address: `HF_ENDPOINT`, or the public one.
    pub endpoint: Option<String>,
    /// The cache's folder: `HF_HUB_CACHE`, or `hub` below `HF_HOME`, or the usual one.
    pub cache: Option<PathBuf>,
    /// Whether to look into the cache alone: `HF_HUB_OFFLINE`.
    pub offline: Option<bool>,
    /// How long the hub may say nothing: `HF_HUB_DOWNLOAD_TIMEOUT` in seconds, or ten.
    pub timeout: Option<Duration>,
    /// How often a file is asked for, where trying again can help.
    pub attempts: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { endpoint: None, cache: None, offline: None, timeout: None, attempts: 4 }
    }
}

/// What happens while MNIST is fetched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A part of a file has come. Where a file is tried again, `done` starts anew.
    Received {
        /// The file's name on the hub.
        file: &'a str,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, where the hub says so.
        all: Option<u64>,
    },
    /// A file will be tried again.
    Waiting {
        /// The file's name on the hub.
        file: &'a str,
        /// What went wrong.
        reason: &'a HubError,
        /// For how long.
        wait: Duration,
    },
}

/// Fetches MNIST into the hub's cache, or finds it there, and decodes it. What is not MNIST as it
/// is shipped does not enter the cache. `progress` is told what happens.
///
/// # Errors
///
/// [`DataError::Hub`] where a file cannot be fetched or decoded, or the digits are not those of the
/// shipped files. A file that is not decoded within a minute is such an error; the thread that decodes it is left
/// to itself.
pub fn fetch(
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Mnist, DataError> {
    let mut both = || {
        let place = Place::new(options, |name| std::env::var_os(name))?;
        let cache = Cache::new(&place.cache);
        // The smaller one first: what is wrong with the hub shows sooner.
        let test = digits(&place, &cache, (TEST, &shipped::TEST), progress)?;
        Ok((digits(&place, &cache, (TRAIN, &shipped::TRAIN), progress)?, test))
    };
    let (train, test) = both().map_err(|error| DataError::Hub(Box::new(error)))?;
    Ok(Mnist::new(train, test))
}

/// The digits of one file, which are those of the split.
fn digits(
    place: &Place,
    cache: &Cache,
    (name, split): (&str, &'static SplitFiles),
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Digits, HubError> {
    if let Some(path) = cache.find(name) {
        let found = Cache::check(&path).and_then(|()| decode(&path, shown(&path), split));
        return found.map_err(|source| match source {
            // Nothing is known to be wrong with the file.
            HubError::Read { .. } => source,
            _ => HubError::Cached { file: path, source: Box::new(source) },
        });
    }
    if place.offline {
        return Err(HubError::NotCached { file: cache.path(name) });
    }
    let part = download::download(place, cache, name, progress)?;
    let digits = decode(part.path(), place.url(name), split)?;
    cache.keep(part, name)?;
    Ok(digits)
}

/// The digits of a parquet file, told as `file` in errors.
fn decode(path: &Path, file: String, split: &'static SplitFiles) -> Result<Digits, HubError> {
    let digits = parquet::digits(path, &file)?;
    if split.is(&digits) {
        return Ok(digits);
    }
    let shipped = split.digits().map_err(|error| HubError::Program(Box::new(error)))?;
    match difference(&[(split, &digits, &shipped)]) {
        Some(difference) => Err(HubError::NotMnist { file, difference }),
        None => Ok(digits),
    }
}
