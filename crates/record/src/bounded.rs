//! Files that are no longer than they can be.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::RecordError;

/// All bytes of the file `path`, of which there can be `most`.
///
/// ```
/// use pairnet_record::{RecordError, read_at_most};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("four");
/// std::fs::write(&path, "four")?;
/// assert_eq!(read_at_most(&path, 4)?, b"four");
/// assert!(matches!(read_at_most(&path, 3), Err(RecordError::TooLong { length: 4, most: 3, .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`RecordError::TooLong`] where it is longer, before anything is read; of a pipe and a device, which do
/// not tell, after `most` bytes. Where it cannot be read.
pub fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, RecordError> {
    let failed = |source| RecordError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let told = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if told <= most {
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    }
    let length = told.max(bytes.len() as u64);
    if length > most {
        return Err(RecordError::TooLong { path: path.to_owned(), length, most });
    }
    Ok(bytes)
}
