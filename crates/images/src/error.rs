//! What can be wrong with a picture.

use std::io;
use std::path::PathBuf;

/// Why a picture gives no digit.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is wrong with what the file holds.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What.
        source: Box<ImageError>,
    },
    /// There is not a byte.
    #[error("it is empty; a picture is needed (PNG, JPEG, BMP, GIF or WebP)")]
    Empty,
    /// The bytes are of none of the formats.
    #[error("it is no picture that can be read (PNG, JPEG, BMP, GIF or WebP)")]
    Format,
    /// The bytes are of one of the formats, but damaged.
    #[error("it is damaged, or not of the kind that its first bytes say: {0}")]
    Damaged(String),
    /// More bytes than a picture has that would be read.
    #[error(
        "it has more than {} bytes, which no picture needs that is read",
        crate::files::MOST_BYTES
    )]
    TooLong,
    /// More pixels than a drawing of a digit has.
    #[error(
        "it has {width}×{height} pixels; at most {side} on a side and {pixels} in all are read",
        side = crate::files::MOST_ON_A_SIDE,
        pixels = crate::files::MOST_PIXELS
    )]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Not as many bytes as pixels.
    #[error("{found} bytes are no picture of {width}×{height} pixels")]
    Length {
        /// How many bytes there are.
        found: usize,
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
    /// There is nothing to see.
    #[error("nothing is drawn on it: its {width}×{height} pixels are all alike")]
    Blank {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
    },
}
