//! MNIST from the Hugging Face hub: `ylecun/mnist`, parquet files of PNG images.
//!
//! ```no_run
//! use pairnet_data::hub::{Options, fetch};
//!
//! # fn main() -> Result<(), pairnet_data::DataError> {
//! let mnist = fetch(&Options::default())?; // the shipped data, or an error
//! mnist.write_idx("my-mnist".as_ref())?;
//! # Ok(())
//! # }
//! ```

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Repo, RepoType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use png::{BitDepth, ColorType};

use crate::digits::{Digits, SIDE};
use crate::error::DataError;
use crate::mnist::Mnist;

/// The dataset.
const REPOSITORY: &str = "ylecun/mnist";
/// The commit that public programs pin this dataset at (mteb and others). Whatever it serves, the
/// decoded bytes are compared with the shipped ones.
const REVISION: &str = "77f3279092a1c1579b2250db8eafed0ad422088c";
const TRAIN: &str = "mnist/train-00000-of-00001.parquet";
const TEST: &str = "mnist/test-00000-of-00001.parquet";

/// Where to fetch from and to.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The hub's address; by default `HF_ENDPOINT`, or the public one.
    pub endpoint: Option<String>,
    /// The cache's folder; by default the hub's usual one, below `HF_HOME`.
    pub cache: Option<PathBuf>,
}

/// Fetches MNIST into the hub's cache, or finds it there, and decodes it.
///
/// # Errors
///
/// Where a file cannot be fetched or decoded, or the digits are not those of the shipped files.
pub fn fetch(options: &Options) -> Result<Mnist, DataError> {
    let mut builder = ApiBuilder::from_env().with_progress(false);
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    if let Some(cache) = &options.cache {
        builder = builder.with_cache_dir(cache.clone());
    }
    let api = builder.build().map_err(|source| hub_error(REPOSITORY, source))?;
    let repository =
        Repo::with_revision(REPOSITORY.to_owned(), RepoType::Dataset, REVISION.to_owned());
    let repository = api.repo(repository);
    let (train, test) = (get(&repository, TRAIN)?, get(&repository, TEST)?);
    let mnist = Mnist::new(digits(&train)?, digits(&test)?);
    mnist.verify().map_err(|error| DataError::NotMnist {
        files: format!("{} and {}", train.display(), test.display()),
        source: Box::new(error),
    })?;
    Ok(mnist)
}

fn get(repository: &ApiRepo, name: &str) -> Result<PathBuf, DataError> {
    repository.get(name).map_err(|source| hub_error(&repository.url(name), source))
}

fn hub_error(file: &str, source: ApiError) -> DataError {
    DataError::Hub { file: file.to_owned(), source: Box::new(source) }
}

/// The digits of one parquet file: columns `image` (struct of PNG `bytes` and `path`) and `label`.
fn digits(path: &Path) -> Result<Digits, DataError> {
    let name = || path.display().to_string();
    let file =
        File::open(path).map_err(|source| DataError::Read { file: path.to_owned(), source })?;
    let broken =
        |source: ParquetError| DataError::Parquet { file: name(), source: Box::new(source) };
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (index, row) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        let row = row.map_err(broken)?;
        let (png, label) = columns(&row).map_err(broken)?;
        let pixels =
            pixels(png).map_err(|reason| DataError::Image { file: name(), index, reason })?;
        images.extend(pixels);
        labels.push(u8::try_from(label).unwrap_or(u8::MAX));
    }
    Digits::named(images, labels, path)
}

fn columns(row: &Row) -> Result<(&[u8], i64), ParquetError> {
    Ok((row.get_group(0)?.get_bytes(0)?.data(), row.get_long(1)?))
}

/// The pixels of a 28×28 greyscale PNG.
fn pixels(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let decoder = png::Decoder::new(Cursor::new(bytes));
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let (width, height) = reader.info().size();
    let kind = reader.output_color_type();
    if (width, height) != (SIDE as u32, SIDE as u32)
        || kind != (ColorType::Grayscale, BitDepth::Eight)
    {
        return Err(format!(
            "{height}×{width} pixels of {kind:?}, 28×28 of 8-bit greyscale were expected"
        ));
    }
    let mut pixels = vec![0; SIDE * SIDE];
    reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    Ok(pixels)
}
