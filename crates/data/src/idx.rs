//! The IDX format: a magic number, sizes, bytes; all big-endian.
//!
//! Source: the page that MNIST was published on, section "File formats for the MNIST database".

use std::io::Read;

use flate2::read::GzDecoder;

use crate::digits::SIDE;
use crate::error::DataError;

/// Unsigned bytes in three dimensions.
const IMAGES: u32 = 0x0803;
/// Unsigned bytes in one dimension.
const LABELS: u32 = 0x0801;

/// `bytes`, unpacked where they are gzip.
pub(crate) fn unpack(bytes: &[u8], file: &str) -> Result<Vec<u8>, DataError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.to_vec());
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes)
        .read_to_end(&mut unpacked)
        .map_err(|source| DataError::Read { file: file.to_owned(), source })?;
    Ok(unpacked)
}

/// The pixels of an IDX file of images.
pub(crate) fn images(bytes: &[u8], file: &str) -> Result<Vec<u8>, DataError> {
    let [count, rows, columns] = header(bytes, file, IMAGES, "images")?;
    if (rows, columns) != (SIDE as u32, SIDE as u32) {
        return Err(DataError::ImageSize { file: file.to_owned(), rows, columns });
    }
    body(bytes, file, 16, u64::from(count) * (SIDE * SIDE) as u64)
}

/// The labels of an IDX file of labels.
pub(crate) fn labels(bytes: &[u8], file: &str) -> Result<Vec<u8>, DataError> {
    let [count] = header(bytes, file, LABELS, "labels")?;
    body(bytes, file, 8, u64::from(count))
}

/// The sizes after the magic number.
fn header<const SIZES: usize>(
    bytes: &[u8],
    file: &str,
    magic: u32,
    what: &'static str,
) -> Result<[u32; SIZES], DataError> {
    let short = || DataError::Length {
        file: file.to_owned(),
        expected: 4 + 4 * SIZES as u64,
        found: bytes.len() as u64,
    };
    let found = number(bytes, 0).ok_or_else(short)?;
    if found != magic {
        return Err(DataError::Magic { file: file.to_owned(), what, expected: magic, found });
    }
    let mut sizes = [0; SIZES];
    for (index, size) in sizes.iter_mut().enumerate() {
        *size = number(bytes, 4 + 4 * index).ok_or_else(short)?;
    }
    Ok(sizes)
}

fn number(bytes: &[u8], start: usize) -> Option<u32> {
    let bytes = bytes.get(start..start + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn body(bytes: &[u8], file: &str, header: usize, length: u64) -> Result<Vec<u8>, DataError> {
    let (expected, found) = (header as u64 + length, bytes.len() as u64);
    if found != expected {
        return Err(DataError::Length { file: file.to_owned(), expected, found });
    }
    Ok(bytes[header..].to_vec())
}

/// An IDX file of 28×28 images.
pub(crate) fn images_file(pixels: &[u8]) -> Vec<u8> {
    let count = (pixels.len() / (SIDE * SIDE)) as u32;
    file(IMAGES, &[count, SIDE as u32, SIDE as u32], pixels)
}

/// An IDX file of labels.
pub(crate) fn labels_file(labels: &[u8]) -> Vec<u8> {
    file(LABELS, &[labels.len() as u32], labels)
}

fn file(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(sizes);
    let mut bytes: Vec<u8> = header.flat_map(|number| number.to_be_bytes()).collect();
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXELS: usize = SIDE * SIDE;

    #[test]
    fn what_is_written_is_read() {
        let pixels: Vec<u8> = (0..3 * PIXELS).map(|index| index as u8).collect();
        assert_eq!(images(&images_file(&pixels), "f").unwrap(), pixels);
        assert_eq!(labels(&labels_file(&[1, 2, 3]), "f").unwrap(), [1, 2, 3]);
    }

    #[test]
    fn errors_name_file_expected_and_found() {
        let good = images_file(&[0; PIXELS]);
        let error = |bytes: &[u8]| images(bytes, "some-file").unwrap_err().to_string();
        assert_eq!(
            error(&labels_file(&[0])),
            "some-file begins with the magic number 0x00000801, 0x00000803 was expected: is it an IDX file of images?"
        );
        assert_eq!(
            error(&good[..799]),
            "some-file has 799 bytes, 800 were expected from its header"
        );
        assert_eq!(
            error(&[good.clone(), vec![0]].concat()),
            "some-file has 801 bytes, 800 were expected from its header"
        );
        assert_eq!(error(&good[..3]), "some-file has 3 bytes, 16 were expected from its header");
        let mut narrow = good.clone();
        narrow[15] = 27;
        assert_eq!(error(&narrow), "some-file has images of 28×27 pixels, 28×28 were expected");
        // A count that would overflow 32 bits when multiplied.
        let mut many = good;
        many[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(
            error(&many),
            "some-file has 800 bytes, 3367254359296 were expected from its header"
        );
    }

    #[test]
    fn a_broken_gzip_is_an_error() {
        let error = unpack(&[0x1f, 0x8b, 8, 0, 0], "some-file.gz").unwrap_err().to_string();
        assert!(error.starts_with("failed to read some-file.gz: "), "{error}");
    }
}
