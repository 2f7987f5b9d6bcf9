//! Digits from parquet files.

use std::fs::File;
use std::io::Cursor;
use std::panic;
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use png::{BitDepth, ColorType};

use super::error::HubError;
use crate::digits::{Digits, SIDE};

/// The digits of one parquet file: columns `image` (struct of PNG `bytes` and `path`) and `label`.
/// Errors tell it as `name`.
pub(super) fn digits(path: &Path, name: &str) -> Result<Digits, HubError> {
    // The crate panics on some damaged files (60.1: `ColumnChunkMetaData::byte_range`, for one).
    panic::catch_unwind(|| decode(path, name)).unwrap_or_else(|_| {
        let reason = "what it says of itself cannot be".to_owned();
        Err(HubError::Parquet { file: name.to_owned(), reason })
    })
}

fn decode(path: &Path, name: &str) -> Result<Digits, HubError> {
    let file = || name.to_owned();
    let broken =
        |error: ParquetError| HubError::Parquet { file: file(), reason: error.to_string() };
    let source =
        File::open(path).map_err(|source| HubError::Read { file: path.to_owned(), source })?;
    let reader = SerializedFileReader::new(source).map_err(broken)?;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (index, row) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        let row = row.map_err(broken)?;
        let (png, label) = columns(&row).map_err(broken)?;
        let unusable = |reason| HubError::Image { file: file(), index, reason };
        images.extend(pixels(png).map_err(unusable)?);
        labels.push(u8::try_from(label).unwrap_or(u8::MAX));
    }
    Digits::new(images, labels)
        .map_err(|error| HubError::Parquet { file: file(), reason: error.to_string() })
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
