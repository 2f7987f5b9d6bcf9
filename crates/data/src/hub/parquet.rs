//! Digits from parquet files.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::FOOTER_SIZE;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::{Row, RowAccessor};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};
use png::{BitDepth, ColorType};

use super::error::HubError;
use super::pages;
use crate::digits::{Digits, SIDE};

/// How long a file may take: many times what 60,000 images do.
const PATIENCE: Duration = Duration::from_secs(if cfg!(fuzzing) { 2 } else { 60 });

/// The digits of one parquet file: columns `image` (struct of PNG `bytes` and `path`) and `label`.
/// Errors tell it as `name`.
pub(super) fn digits(path: &Path, name: &str) -> Result<Digits, HubError> {
    digits_within(PATIENCE, path, name)
}

/// [`digits`] in a thread of its own, which is left to itself where it takes longer.
///
/// The crate panics on some damaged files (60.1: `ColumnChunkMetaData::byte_range`, for one), and counts for days on
/// others: to skip a list of booleans it takes a step for each that the list claims to have, and no byte of the file
/// (60.1: `skip_till_depth` in `parquet_thrift.rs`).
fn digits_within(patience: Duration, path: &Path, name: &str) -> Result<Digits, HubError> {
    let (sender, receiver) = mpsc::channel();
    let (file, told) = (path.to_owned(), name.to_owned());
    let unread = |source| HubError::Read { file: path.to_owned(), source };
    let decoding = thread::Builder::new().name("parquet".to_owned()).spawn(move || {
        // Nobody listens where it took too long.
        let _ = sender.send(decode(&file, &told));
    });
    decoding.map_err(unread)?;
    receiver.recv_timeout(patience).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Disconnected => HubError::Parquet {
                file: name.to_owned(),
                reason: "what it says of itself cannot be".to_owned(),
            },
            RecvTimeoutError::Timeout => {
                let told = format!("it takes longer than {} s to decode", patience.as_secs());
                unread(io::Error::new(io::ErrorKind::TimedOut, told))
            }
        })
    })
}

fn decode(path: &Path, name: &str) -> Result<Digits, HubError> {
    let file = || name.to_owned();
    let broken = |error: ParquetError| {
        let reason = match error {
            ParquetError::External(error) => error.to_string(),
            other => other.to_string(),
        };
        HubError::Parquet { file: file(), reason }
    };
    let unread = |source| HubError::Read { file: path.to_owned(), source };
    let source = File::open(path).map_err(unread)?;
    if let Some(length) = long_footer(&source).map_err(unread)? {
        let reason =
            format!("its footer claims {length} bytes, {MOST_OF_A_FOOTER} at most are read");
        return Err(HubError::Parquet { file: file(), reason });
    }
    let options = ReadOptionsBuilder::new().with_parquet_schema(schema().map_err(broken)?).build();
    let reader =
        SerializedFileReader::new_with_options(Checked(source), options).map_err(broken)?;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (index, row) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        if index == MOST_DIGITS {
            let reason = format!("it has more than {MOST_DIGITS} digits");
            return Err(HubError::Parquet { file: file(), reason });
        }
        let row = row.map_err(broken)?;
        let (png, label) = columns(&row).map_err(broken)?;
        let unusable = |reason| HubError::Image { file: file(), index, reason };
        images.extend(pixels(png).map_err(unusable)?);
        labels.push(u8::try_from(label).unwrap_or(u8::MAX));
    }
    Digits::new(images, labels)
        .map_err(|error| HubError::Parquet { file: file(), reason: error.to_string() })
}

/// Those of the training set: one image in a file may stand for any number of rows.
const MOST_DIGITS: usize = 60_000;

/// Bytes of what a file says of itself: thousands are usual.
const MOST_OF_A_FOOTER: u32 = 1 << 20;

/// How long a file's footer claims to be, where that is too long: lists in it have memory for as many entries as it
/// has bytes.
fn long_footer(mut file: &File) -> io::Result<Option<u32>> {
    if Length::len(file) < FOOTER_SIZE as u64 {
        return Ok(None);
    }
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-(FOOTER_SIZE as i64)))?;
    file.read_exact(&mut length)?;
    Ok(Some(u32::from_le_bytes(length)).filter(|&length| length > MOST_OF_A_FOOTER))
}

/// That of the hub's files, whatever they say: for a column that claims many parts the crate takes memory before it
/// finds none (60.1: `schema_from_array_helper`).
fn schema() -> Result<SchemaDescPtr, ParquetError> {
    const SCHEMA: &str = "message schema {
        optional group image { optional binary bytes; optional binary path (string); }
        optional int64 label;
    }";
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(parse_message_type(SCHEMA)?))))
}

/// A file whose pages are checked before they are read: the crate takes memory for whatever a page claims to hold
/// (60.1: `decode_page`, and `DictDecoder` for the entries of a dictionary), and skips what is a list on and on past
/// the end of the file.
struct Checked(File);

impl Length for Checked {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Checked {
    type T = Header;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Header> {
        // So it reads the header of each page, and the file's own last bytes.
        let is_header = start != self.len().saturating_sub(FOOTER_SIZE as u64);
        Ok(Header { file: self.0.get_read(start)?, unchecked: is_header.then_some(start) })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}

struct Header {
    file: BufReader<File>,
    /// Where it begins, while nobody has read it: the crate does not read each that it asks for.
    unchecked: Option<u64>,
}

impl Read for Header {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(start) = self.unchecked.take() {
            pages::check(&mut self.file)?;
            self.file.seek(SeekFrom::Start(start))?;
        }
        self.file.read(buffer)
    }
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_footer_is_not_as_long_as_it_likes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.parquet");
        let told = |length: u32| {
            std::fs::write(&path, [b"PAR1", &length.to_le_bytes()[..], b"PAR1"].concat()).unwrap();
            digits(&path, "long").unwrap_err().to_string()
        };
        let claims =
            "failed to decode long: its footer claims 1048577 bytes, 1048576 at most are read";
        assert_eq!(told(MOST_OF_A_FOOTER + 1), claims);
        assert!(!told(MOST_OF_A_FOOTER).contains("claims"));
    }

    /// Lists in a list, each of which claims two thousand million booleans.
    #[test]
    fn a_file_that_would_be_read_for_days_is_an_error() {
        const LISTS: u8 = 100;
        let mut footer = vec![0xf9, 0xf9, LISTS];
        for _ in 0..LISTS {
            footer.extend([0xf1, 0xff, 0xff, 0xff, 0xff, 0x07]);
        }
        footer.push(0);
        let length = (footer.len() as u32).to_le_bytes();
        let bytes = [b"PAR1", &footer[..], &length, b"PAR1"].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endless.parquet");
        std::fs::write(&path, bytes).unwrap();
        let start = Instant::now();
        let error = digits_within(Duration::from_secs(1), &path, "endless").unwrap_err();
        let told = format!("failed to read {}: it takes longer than 1 s to decode", path.display());
        assert_eq!(error.to_string(), told);
        assert!(start.elapsed() < PATIENCE);
    }
}
