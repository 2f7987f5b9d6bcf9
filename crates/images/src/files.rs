//! Pictures from files, within bounds.

use std::io::Cursor;
use std::path::Path;

use image::{ImageError as DecodeError, ImageReader};

use crate::error::ImageError;
use crate::grey::grey;
use crate::normalise::{SIDE, like_mnist};

/// Pixels across or down beyond which a picture is refused.
pub(crate) const MOST_ON_A_SIDE: u32 = 20_000;
/// Pixels beyond which a picture is refused: a photograph has some twenty million.
pub(crate) const MOST_PIXELS: u64 = 64_000_000;
/// Bytes that a decoder may take for itself.
const MOST_MEMORY: u64 = 768 * 1024 * 1024;

/// [`decode`]s a file.
///
/// # Errors
///
/// Where it cannot be read, and as [`decode`], with the file's name.
pub fn read(path: &Path) -> Result<[u8; SIDE * SIDE], ImageError> {
    let bytes =
        std::fs::read(path).map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
    decode(&bytes)
        .map_err(|source| ImageError::File { path: path.to_owned(), source: Box::new(source) })
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
