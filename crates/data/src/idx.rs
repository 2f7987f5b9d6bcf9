//! The IDX format: a magic number, sizes, bytes; all big-endian; as it is, or compressed with gzip.
//!
//! Source: the page that MNIST was published on, section "File formats for the MNIST database".

use std::io::{self, BufRead, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::digits::SIDE;
use crate::error::DataError;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Images,
    Labels,
}

impl Kind {
    /// What a file of this kind begins with: unsigned bytes in three dimensions, or in one.
    fn magic(self) -> u32 {
        match self {
            Self::Images => 0x0803,
            Self::Labels => 0x0801,
        }
    }

    /// Bytes of the magic number and the sizes.
    fn header(self) -> u64 {
        match self {
            Self::Images => 16,
            Self::Labels => 8,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Labels => "labels",
        }
    }
}

/// What an IDX file holds after its header.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// SHA-256 of the whole file, uncompressed.
    pub(crate) checksum: String,
}

/// Bytes that are allocated before they are there: MNIST's images in one piece. Where a header
/// promises more, memory grows with what comes.
const AT_ONCE: u64 = 1 << 26;
/// Bytes that one compressed byte can stand for (Mark Adler, "zlib technical details").
const DEFLATE: u64 = 1032;

/// Reads a file of `size` bytes as it lies on disk. The header comes first, and nothing is read
/// or unpacked beyond what it promises but one byte, which must not be there.
pub(crate) fn read(
    mut source: impl BufRead,
    size: u64,
    kind: Kind,
    file: &Path,
) -> Result<Body, DataError> {
    let failed = |source| DataError::Read { file: file.to_owned(), source };
    let packed = source.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    if packed {
        let failed = |source| DataError::Unpack { file: file.to_owned(), source };
        let size = Size::AtMost(size.saturating_mul(DEFLATE));
        return parse(MultiGzDecoder::new(source), size, kind, file, failed);
    }
    parse(source, Size::Exactly(size), kind, file, failed)
}

/// Bytes that a source has, uncompressed.
enum Size {
    Exactly(u64),
    AtMost(u64),
}

/// Reads what is not, or no longer, compressed.
fn parse(
    mut source: impl Read,
    size: Size,
    kind: Kind,
    file: &Path,
    failed: impl Fn(io::Error) -> DataError,
) -> Result<Body, DataError> {
    let length = |expected, found| DataError::Length { file: file.to_owned(), expected, found };
    let mut header = Vec::new();
    source.by_ref().take(kind.header()).read_to_end(&mut header).map_err(&failed)?;
    let count = count(&header, kind, file)?;
    let promised = match kind {
        Kind::Images => u64::from(count) * (SIDE * SIDE) as u64,
        Kind::Labels => count.into(),
    };
    let expected = kind.header() + promised;
    let room = match size {
        Size::Exactly(size) if size != expected => return Err(length(expected, size)),
        Size::Exactly(size) | Size::AtMost(size) => promised.min(size).min(AT_ONCE),
    };
    let mut bytes = Vec::with_capacity(room as usize);
    source.by_ref().take(promised).read_to_end(&mut bytes).map_err(&failed)?;
    if (bytes.len() as u64) < promised {
        return Err(length(expected, kind.header() + bytes.len() as u64));
    }
    // Only at its end does gzip compare its own checksum.
    if source.take(1).read_to_end(&mut Vec::new()).map_err(&failed)? > 0 {
        return Err(DataError::TooLong { file: file.to_owned(), expected });
    }
    let checksum = checksum(&header, &bytes);
    Ok(Body { bytes, checksum })
}

/// How many images or labels a header promises.
fn count(header: &[u8], kind: Kind, file: &Path) -> Result<u32, DataError> {
    let number = |start: usize| {
        let bytes = header.get(start..start + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes).ok_or_else(|| DataError::Length {
            file: file.to_owned(),
            expected: kind.header(),
            found: header.len() as u64,
        })
    };
    let found = number(0)?;
    if found != kind.magic() {
        let (expected, what) = (kind.magic(), kind.name());
        return Err(DataError::Magic { file: file.to_owned(), what, expected, found });
    }
    let count = number(4)?;
    if kind == Kind::Images {
        let (rows, columns) = (number(8)?, number(12)?);
        if (rows, columns) != (SIDE as u32, SIDE as u32) {
            return Err(DataError::ImageSize { file: file.to_owned(), rows, columns });
        }
    }
    Ok(count)
}

/// The header that an IDX file of these bytes has.
pub(crate) fn header(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    let numbers = match kind {
        Kind::Images => {
            let count = bytes.len() / (SIDE * SIDE);
            vec![kind.magic(), count as u32, SIDE as u32, SIDE as u32]
        }
        Kind::Labels => vec![kind.magic(), bytes.len() as u32],
    };
    numbers.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// SHA-256 of a file.
pub(crate) fn checksum(header: &[u8], bytes: &[u8]) -> String {
    hexadecimal(Sha256::new().chain_update(header).chain_update(bytes))
}

pub(crate) fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
