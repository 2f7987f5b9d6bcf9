//! JSON as the files have it: the version first, no number that JSON cannot hold.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::error::RecordError;

/// `value` as the bytes of a file.
pub(crate) fn to_bytes<T: Serialize>(
    path: &Path,
    what: &'static str,
    value: &T,
) -> Result<Vec<u8>, RecordError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|source| RecordError::Parse {
        path: path.to_owned(),
        what,
        source,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// `value` as the bytes of a file that is one line, for what programs alone read.
pub(crate) fn to_line<T: Serialize>(
    path: &Path,
    what: &'static str,
    value: &T,
) -> Result<Vec<u8>, RecordError> {
    let mut bytes = serde_json::to_vec(value).map_err(|source| RecordError::Parse {
        path: path.to_owned(),
        what,
        source,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The value in `bytes`, after a look at the version alone: what else another version holds is
/// not for this program to judge.
pub(crate) fn from_bytes<T: DeserializeOwned>(
    path: &Path,
    what: &'static str,
    readable: u32,
    bytes: &[u8],
) -> Result<T, RecordError> {
    #[derive(Deserialize)]
    struct Versioned {
        format: Option<Value>,
    }
    let parse = |source| RecordError::Parse { path: path.to_owned(), what, source };
    let Versioned { format } = serde_json::from_slice(bytes).map_err(parse)?;
    if format.as_ref().and_then(Value::as_u64) != Some(u64::from(readable)) {
        let found = format.map_or_else(|| "(none)".to_owned(), |format| format.to_string());
        return Err(RecordError::Version { path: path.to_owned(), what, found, readable });
    }
    serde_json::from_slice(bytes).map_err(parse)
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
