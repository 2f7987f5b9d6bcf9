//! What can go wrong with data.

use std::path::PathBuf;

use crate::shown::shown;
use crate::split::Split;

/// What can go wrong with data. `file` is a path, or the name of a shipped file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read.
    #[error("failed to read {}: {source}", shown(file))]
    Read {
        /// The file, or the folder.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("failed to write {}: {source}", shown(file))]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A compressed file could not be unpacked.
    #[error("failed to unpack {}: {source}; gzip data was expected to the file's end", shown(file))]
    Unpack {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder lacks one of MNIST's files.
    #[error(
        "{} has no {name}, plain or as {name}.gz; {}", shown(dir), listed(found, *more)
    )]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// The file's name.
        name: &'static str,
        /// What the folder has instead, the first few in alphabetical order.
        found: Vec<PathBuf>,
        /// How much more it has.
        more: usize,
    },
    /// One of MNIST's names stands for something else than a file.
    #[error("{} is {found}, a file was expected", shown(file))]
    NoFile {
        /// Where.
        file: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// Two files of a folder are spelled as one of MNIST's, and differ.
    #[error(
        "{} and {} differ, and either may be meant: move one of them away",
        shown(first),
        shown(second)
    )]
    Ambiguous {
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file does not begin as it should.
    #[error(
        "{} begins with the magic number {found:#010x}, {expected:#010x} was expected: is it an IDX file of {what}?",
        shown(file)
    )]
    Magic {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// The number that `what` begin with.
        expected: u32,
        /// The number that is there.
        found: u32,
    },
    /// A file is longer or shorter than its header says.
    #[error("{} has {found} bytes, {expected} were expected from its header", shown(file))]
    Length {
        /// The file.
        file: PathBuf,
        /// Bytes, uncompressed, header included.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A compressed file is longer than its header says; how much longer, nobody has looked.
    #[error(
        "{} unpacks to more than the {expected} bytes that were expected from its header",
        shown(file)
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Bytes, uncompressed, header included.
        expected: u64,
    },
    /// Images are not of MNIST's size.
    #[error("{} has images of {rows}×{columns} pixels, 28×28 were expected", shown(file))]
    ImageSize {
        /// The file.
        file: PathBuf,
        /// Rows in its header.
        rows: u32,
        /// Columns in its header.
        columns: u32,
    },
    /// A label is no digit.
    #[error("{}: label {index} is {found}, a digit from 0 to 9 was expected", shown(file))]
    Label {
        /// The file.
        file: PathBuf,
        /// Which label, counted from 0.
        index: usize,
        /// What is there.
        found: u8,
    },
    /// Images and labels are not equally many.
    #[error(
        "{images} images and {labels} labels in {}, as many of each were expected",
        shown(file)
    )]
    Count {
        /// The file of labels.
        file: PathBuf,
        /// Images.
        images: usize,
        /// Labels.
        labels: usize,
    },
    /// A file is not the one it is said to be.
    #[error("{file} has SHA-256 {found}, {expected} was expected")]
    Checksum {
        /// The file's name.
        file: &'static str,
        /// Of the uncompressed bytes that are known.
        expected: &'static str,
        /// Of the uncompressed bytes that are there.
        found: String,
    },
    /// MNIST could not be had from the hub.
    #[cfg(feature = "hub")]
    #[error("{0}; MNIST is shipped with this program, nothing has to be fetched")]
    Hub(Box<crate::hub::error::HubError>),
    /// There are fewer digits than the pairs need.
    #[error("{pairs} pairs need {} digits, there are {digits}", digits_of(*pairs))]
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
    /// A split has fewer digits than the pairs need.
    #[error(
        "{pairs} pairs need {} {split} digits, {} has {digits}", digits_of(*pairs), shown(file)
    )]
    TooFewInSplit {
        /// Pairs that were asked for.
        pairs: usize,
        /// Which split.
        split: &'static str,
        /// The split's file of images.
        file: PathBuf,
        /// Digits that there are.
        digits: usize,
    },
}

impl DataError {
    /// This error, of pairs of `split`.
    #[must_use]
    pub fn of_split(self, split: Split) -> Self {
        Self::Split { split, source: Box::new(self) }
    }
}

fn digits_of(pairs: usize) -> u128 {
    2 * pairs as u128
}

fn listed(found: &[PathBuf], more: usize) -> String {
    if found.is_empty() {
        return "it is empty".to_owned();
    }
    let names: Vec<String> = found.iter().map(|name| shown(name)).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("it has {}{more}", names.join(", "))
}
