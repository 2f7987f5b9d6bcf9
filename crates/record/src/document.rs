//! Files as JSON: the version first, a checksum last, no number that JSON cannot hold.

use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::atomic::write_atomically;
use crate::bounded::read_at_most;
use crate::checksum::sha256;
use crate::error::RecordError;

/// Bytes that the largest files of this crate can have: predictions for a million pairs, all of them wrong.
pub const MOST_BYTES: u64 = 1 << 30;

/// What a file of this crate holds.
pub(crate) trait Document: Serialize + DeserializeOwned {
    /// For messages, e.g. "record".
    const WHAT: &'static str;
    /// The version of its format that this crate reads and writes.
    const FORMAT: u32;
    /// The field that the checksum leaves out; it has to have one of its own.
    const APART: Option<&'static str> = None;
    /// Bytes that its file can have.
    const MOST_BYTES: u64;
    /// Whether the file is one line, because programs alone read it.
    const ONE_LINE: bool = false;

    /// The version of this value.
    fn format(&self) -> u32;

    /// Whether this is what a sweep can have left; `path` is for the message.
    fn check(&self, path: &Path) -> Result<(), RecordError>;
}

/// A value as its file has it.
#[derive(Serialize)]
struct Checksummed<'a, T> {
    #[serde(flatten)]
    value: &'a T,
    checksum: String,
}

/// Writes `document` to `path`, whole or not at all.
pub(crate) fn write<T: Document>(path: &Path, document: &T) -> Result<(), RecordError> {
    let format = document.format();
    if format != T::FORMAT {
        return Err(other_version::<T>(path, format.to_string()));
    }
    document.check(path)?;
    let bytes = to_bytes(document).map_err(|source| broken::<T>(path, source))?;
    // What nobody would read.
    let (length, most) = (bytes.len() as u64, T::MOST_BYTES);
    if length > most {
        return Err(RecordError::TooLong { path: path.to_owned(), length, most });
    }
    write_atomically(path, &bytes)
}

fn to_bytes<T: Document>(document: &T) -> serde_json::Result<Vec<u8>> {
    let mut content = serde_json::to_value(document)?;
    if let (Some(name), Some(fields)) = (T::APART, content.as_object_mut()) {
        fields.remove(name);
    }
    let file = Checksummed { value: document, checksum: sha256(&mut content) };
    let mut bytes =
        if T::ONE_LINE { serde_json::to_vec(&file)? } else { serde_json::to_vec_pretty(&file)? };
    bytes.push(b'\n');
    Ok(bytes)
}

/// What the file `path` holds.
pub(crate) fn read<T: Document>(path: &Path) -> Result<T, RecordError> {
    let bytes = read_at_most(path, T::MOST_BYTES)?;
    let document: T = from_bytes(path, &bytes)?;
    document.check(path)?;
    Ok(document)
}

/// What the file `path` holds; `None` where there is none.
pub(crate) fn read_if_there<T: Document>(path: &Path) -> Result<Option<T>, RecordError> {
    match read(path) {
        Ok(document) => Ok(Some(document)),
        Err(RecordError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The value in `bytes`, after a look at the version alone: what else another version holds is
/// not for this program to judge.
fn from_bytes<T: Document>(path: &Path, bytes: &[u8]) -> Result<T, RecordError> {
    let parse = |source| broken::<T>(path, source);
    let mut content: Value = serde_json::from_slice(bytes).map_err(parse)?;
    let format = content.get("format");
    if format.and_then(Value::as_u64) != Some(u64::from(T::FORMAT)) {
        let found = format.map_or_else(|| "(none)".to_owned(), ToString::to_string);
        return Err(other_version::<T>(path, found));
    }
    let mut apart = None;
    let mut stated = None;
    if let Some(fields) = content.as_object_mut() {
        stated = fields.remove("checksum");
        apart = T::APART.and_then(|name| fields.remove_entry(name));
    }
    if stated != Some(Value::String(sha256(&mut content))) {
        return Err(RecordError::Checksum { path: path.to_owned(), what: T::WHAT });
    }
    if let Some(fields) = content.as_object_mut() {
        fields.extend(apart);
    }
    serde_json::from_value(content).map_err(parse)
}

fn broken<T: Document>(path: &Path, source: serde_json::Error) -> RecordError {
    RecordError::Parse { path: path.to_owned(), what: T::WHAT, source }
}

fn other_version<T: Document>(path: &Path, found: String) -> RecordError {
    RecordError::Version { path: path.to_owned(), what: T::WHAT, found, readable: T::FORMAT }
}

/// `serde_json` would write NaN as `null`, which reads as "there is no number".
pub(crate) fn finite<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        Err(S::Error::custom(format_args!("{value} is not a finite number")))
    }
}

pub(crate) fn finite_or_none<S: Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => finite(value, serializer),
        None => serializer.serialize_none(),
    }
}
