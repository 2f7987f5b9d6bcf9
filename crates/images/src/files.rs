//! Pictures from files, within bounds.

use std::fs::File;
use std::io::{self, Cursor, Read as _};
use std::path::Path;

use image::{ImageError as DecodeError, ImageReader};

use crate::error::ImageError;
use crate::grey::grey;
use crate::normalise::{SIDE, like_mnist};

/// Pixels across or down beyond which a picture is refused.
pub(crate) const MOST_ON_A_SIDE: u32 = 20_000;
/// Pixels beyond which a picture is refused: a photograph has some twenty million.
pub(crate) const MOST_PIXELS: u64 = 64_000_000;
/// Bytes of a file beyond which it is refused: as many as the pixels may have without compression.
pub(crate) const MOST_BYTES: u64 = 4 * MOST_PIXELS;
/// Bytes that a decoder may take for itself.
const MOST_MEMORY: u64 = 768 * 1024 * 1024;

/// [`decode`]s a file.
///
/// # Errors
///
/// Where it cannot be read, or has no end, and as [`decode`], with the file's name.
pub fn read(path: &Path) -> Result<[u8; SIDE * SIDE], ImageError> {
    let bytes = bytes_of(path)
        .map_err(|source| ImageError::Read { path: path.to_owned(), source })?
        .ok_or(ImageError::TooLong);
    bytes
        .and_then(|bytes| decode(&bytes))
        .map_err(|source| ImageError::File { path: path.to_owned(), source: Box::new(source) })
}

/// All bytes of a file, which may be a pipe; `None` where there are too many.
fn bytes_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= MOST_BYTES))
}

/// The digit of a picture, by its bytes: PNG, JPEG, BMP, GIF (its first frame) or WebP, whichever its
/// first bytes say. [`like_mnist`] tells what is made of it.
///
/// # Errors
///
/// Where it is no picture, is damaged or too large, or nothing is drawn on it.
pub fn decode(bytes: &[u8]) -> Result<[u8; SIDE * SIDE], ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let damaged = |error: DecodeError| ImageError::Damaged(error.to_string());
    let sized = reader().map_err(|_| ImageError::Format)?;
    if sized.format().is_none() {
        return Err(ImageError::Format);
    }
    // The size first: a few bytes can say that there are billions of pixels.
    let (width, height) = sized.into_dimensions().map_err(damaged)?;
    let pixels = u64::from(width) * u64::from(height);
    if width > MOST_ON_A_SIDE || height > MOST_ON_A_SIDE || pixels > MOST_PIXELS {
        return Err(ImageError::TooLarge { width, height });
    }
    let mut reader = reader().map_err(|_| ImageError::Format)?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(damaged)?;
    let pixels = grey(&picture);
    like_mnist(&pixels, width as usize, height as usize)
}
