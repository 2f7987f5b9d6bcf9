//! What can go wrong with data.

use crate::mnist::Split;

/// What can go wrong with data. `file` is a path, or the name of a shipped file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read.
    #[error("failed to read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("failed to write {file}: {source}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A folder lacks one of MNIST's files.
    #[error("{dir} has neither {name} nor {name}.gz; MNIST's four files belong there")]
    Missing {
        /// The folder.
        dir: String,
        /// The file's name.
        name: String,
    },
    /// A file does not begin as it should.
    #[error(
        "{file} begins with the magic number {found:#010x}, {expected:#010x} was expected: is it an IDX file of {what}?"
    )]
    Magic {
        /// The file.
        file: String,
        /// What it should hold.
        what: &'static str,
        /// The number that `what` begin with.
        expected: u32,
        /// The number that is there.
        found: u32,
    },
    /// A file is longer or shorter than its header says.
    #[error("{file} has {found} bytes, {expected} were expected from its header")]
    Length {
        /// The file.
        file: String,
        /// Bytes, header included.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Images are not of MNIST's size.
    #[error("{file} has images of {rows}×{columns} pixels, 28×28 were expected")]
    ImageSize {
        /// The file.
        file: String,
        /// Rows in its header.
        rows: u32,
        /// Columns in its header.
        columns: u32,
    },
    /// A label is no digit.
    #[error("{file}: label {index} is {found}, a digit from 0 to 9 was expected")]
    Label {
        /// The file.
        file: String,
        /// Which label, counted from 0.
        index: usize,
        /// What is there.
        found: u8,
    },
    /// Images and labels are not equally many.
    #[error("{images} images and {labels} labels in {file}, as many of each were expected")]
    Count {
        /// The file of labels.
        file: String,
        /// Images.
        images: usize,
        /// Labels.
        labels: usize,
    },
    /// A file is not the one it is said to be.
    #[error("{file} has SHA-256 {found}, {expected} was expected")]
    Checksum {
        /// The file.
        file: String,
        /// Of the uncompressed bytes that are known.
        expected: String,
        /// Of the uncompressed bytes that are there.
        found: String,
    },
    /// The hub did not give a file.
    #[cfg(feature = "hub")]
    #[error("failed to fetch {file}: {source}")]
    Hub {
        /// Its address.
        file: String,
        /// Why.
        source: Box<hf_hub::api::sync::ApiError>,
    },
    /// A parquet file could not be decoded.
    #[cfg(feature = "hub")]
    #[error("failed to decode {file}: {source}; delete the file and fetch it again")]
    Parquet {
        /// The file.
        file: String,
        /// Why.
        source: Box<parquet::errors::ParquetError>,
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
    /// What was fetched is not MNIST.
    #[error(
        "{files} do not hold MNIST as it is shipped: {source}; delete them and fetch them again"
    )]
    NotMnist {
        /// The files.
        files: String,
        /// What differs.
        source: Box<DataError>,
    },
    /// There are fewer digits than the pairs need.
    #[error("{pairs} pairs need {} digits, there are {digits}", 2 * pairs)]
    TooFewDigits {
        /// Pairs that were asked for.
        pairs: usize,
        /// Digits that there are.
        digits: usize,
    },
    /// A pair asks for a digit that there is not.
    #[error("pair {pair} has digit {index}, there are {digits}, counted from 0")]
    NoDigit {
        /// Which pair, counted from 0.
        pair: usize,
        /// The digit's index.
        index: u32,
        /// Digits that there are.
        digits: usize,
    },
    /// Pairs of one split could not be had.
    #[error("{} split: {source}", split.name())]
    Split {
        /// The split.
        split: Split,
        /// Why.
        source: Box<DataError>,
    },
}

impl DataError {
    /// This error, of pairs of `split`.
    #[must_use]
    pub fn of_split(self, split: Split) -> Self {
        Self::Split { split, source: Box::new(self) }
    }
}
