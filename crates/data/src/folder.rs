//! The files of a folder that go by one of MNIST's names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

use crate::error::DataError;

/// How many names of other files an error tells.
const TOLD: usize = 10;

/// The files of `dir` that are spelled as `name`, one at least, in the order in which they are to
/// be tried: the name itself, with `.gz`, then other spellings by alphabet.
///
/// # Errors
///
/// Where the folder cannot be read, there is none, or what goes by the name is no file.
pub(crate) fn spellings(dir: &Path, name: &'static str) -> Result<Vec<PathBuf>, DataError> {
    let failed = |source| DataError::Read { file: dir.to_owned(), source };
    let (mut files, mut no_file) = (Vec::new(), None);
    let (mut others, mut more) = (BTreeSet::new(), 0);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if !fits(&entry.file_name(), name) {
            let mut other = PathBuf::from(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                other.push(""); // shown as NAME/
            }
            others.insert(other);
            if others.len() > TOLD {
                others.pop_last();
                more += 1;
            }
            continue;
        }
        // A link that leads nowhere is a file that cannot be read.
        match fs::metadata(&path).map(|metadata| metadata.file_type()) {
            Ok(kind) if !kind.is_file() => {
                no_file = Some(DataError::NoFile { file: path, found: what(kind) });
            }
            _ => files.push(path),
        }
    }
    if files.is_empty() {
        let found = others.into_iter().collect();
        return Err(no_file.unwrap_or(DataError::Missing {
            dir: dir.to_owned(),
            name,
            found,
            more,
        }));
    }
    let packed = format!("{name}.gz");
    files.sort_by_key(|path| {
        let file = path.file_name().unwrap_or_default().to_owned();
        (file != name, file.as_os_str() != OsStr::new(&packed), file)
    });
    Ok(files)
}

/// Whether a file's name is a spelling of one of MNIST's: upper or lower case, `.` or `_` for `-`,
/// `test` for `t10k`, with or without `.gz`.
fn fits(file: &OsStr, name: &str) -> bool {
    let Some(file) = file.to_str() else { return false };
    let file = file.to_ascii_lowercase();
    let file = file.strip_suffix(".gz").unwrap_or(&file).replace(['.', '_'], "-");
    let file = file.strip_prefix("test-").map_or(file.clone(), |rest| format!("t10k-{rest}"));
    file == name
}

fn what(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a pipe, a socket or a device" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_fit() {
        for file in [
            "t10k-images-idx3-ubyte",
            "t10k-images-idx3-ubyte.gz",
            "t10k-images.idx3-ubyte",
            "t10k-images.idx3-ubyte.gz",
            "T10K-IMAGES-IDX3-UBYTE.GZ",
            "t10k_images_idx3_ubyte",
            "test-images-idx3-ubyte",
            "test-images.idx3-ubyte.gz",
        ] {
            assert!(fits(file.as_ref(), "t10k-images-idx3-ubyte"), "{file}");
        }
        for file in [
            "train-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte.zip",
            "t10k-images-idx3-ubyte.gz.part",
            "emnist-t10k-images-idx3-ubyte",
            "",
        ] {
            assert!(!fits(file.as_ref(), "t10k-images-idx3-ubyte"), "{file}");
        }
    }
}
