//! The hub's cache: `blobs/SHA-256`, and `snapshots/COMMIT/NAME` that link to them.
//!
//! Source: the guide "Understand caching" of Python's `huggingface_hub`. A blob is named after the
//! ETag that the hub gives it, which for large files, such as parquet files, is their SHA-256.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hf_hub::{CacheRepo, Repo, RepoType};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::error::HubError;
use super::{LONGEST, REPOSITORY, REVISION};
use crate::idx::hexadecimal;
use crate::shown::shown;

/// The dataset's part of the cache.
pub(super) struct Cache {
    layout: CacheRepo,
    blobs: PathBuf,
}

/// A file that comes in, beside the blobs. Dropped, it is deleted.
pub(super) struct Part {
    file: NamedTempFile,
    digest: Sha256,
}

impl Part {
    /// A new one. Parts that others have left behind are deleted.
    pub(super) fn new(cache: &Cache) -> Result<Self, HubError> {
        let failed = |source| HubError::Write { file: cache.blobs.clone(), source };
        fs::create_dir_all(&cache.blobs).map_err(failed)?;
        delete_left_overs(&cache.blobs);
        let mut builder = tempfile::Builder::new();
        builder.prefix("mnist-").suffix(".part");
        #[cfg(unix)]
        {
            // Others may share the cache: as open as the umask lets files be.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(&cache.blobs).map_err(failed)?;
        // A file system without locks loses nothing but this courtesy.
        let _ = file.as_file().try_lock();
        Ok(Self { file, digest: Sha256::new() })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        self.digest.update(bytes);
        let file = self.file.path().to_owned();
        self.file.write_all(bytes).map_err(|source| HubError::Write { file, source })
    }
}

impl Cache {
    pub(super) fn new(folder: &Path) -> Self {
        let repository =
            Repo::with_revision(REPOSITORY.to_owned(), RepoType::Dataset, REVISION.to_owned());
        let blobs = folder.join(repository.folder_name()).join("blobs");
        Self { layout: hf_hub::Cache::new(folder.to_owned()).repo(repository), blobs }
    }

    /// Where a file is, or would be.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.layout.pointer_path(REVISION).join(name)
    }

    /// A file, if it is there.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        Some(self.path(name)).filter(|path| path.is_file())
    }

    /// Checks that a file is what its blob is named after, where that is a SHA-256.
    pub(super) fn check(path: &Path) -> Result<(), HubError> {
        let failed = |source| HubError::Read { file: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > LONGEST {
            return Err(HubError::TooLong { file: shown(path), longest: LONGEST });
        }
        let blob = fs::canonicalize(path).map_err(failed)?;
        let expected = blob.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if expected.len() != 64 || !expected.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
        let found = hexadecimal(Sha256::new_with_prefix(bytes));
        if found != expected {
            return Err(HubError::Damaged { file: shown(path), expected, found });
        }
        Ok(())
    }

    /// Takes a part into the cache under a file's name.
    pub(super) fn keep(&self, part: Part, name: &str) -> Result<(), HubError> {
        let blob = self.blobs.join(hexadecimal(part.digest));
        let pointer = self.path(name);
        let kept = part.file.as_file().sync_all().and_then(|()| {
            part.file.persist(&blob).map_err(|error| error.error)?;
            link(&blob, &pointer, name)?;
            // By this the crate hf-hub finds the commit.
            self.layout.create_ref(REVISION)
        });
        kept.map_err(|source| HubError::Write { file: pointer, source })
    }
}

/// Deletes every `NAME.part` that nobody writes: this program locks the part itself, and the crate
/// `hf-hub` a file `NAME.lock` beside it.
fn delete_left_overs(blobs: &Path) {
    let free = |path: &Path| match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            File::open(path).is_ok_and(|file| file.try_lock().is_ok())
        }
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    for entry in fs::read_dir(blobs).into_iter().flatten().flatten() {
        let path = entry.path();
        let part = path.extension().is_some_and(|extension| extension == "part");
        if part && free(&path) && free(&path.with_extension("lock")) {
            // Nothing reads it; if it cannot be deleted it only takes room.
            let _ = fs::remove_file(&path);
        }
    }
}

/// Puts a link to a blob where the snapshot has a file, or the blob itself where there are no links.
fn link(blob: &Path, pointer: &Path, name: &str) -> io::Result<()> {
    if let Some(folder) = pointer.parent() {
        fs::create_dir_all(folder)?;
    }
    // A link that leads nowhere may be there.
    match fs::remove_file(pointer) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // From snapshots/COMMIT, and from the folders that the name has.
    let up = "../".repeat(2 + name.matches('/').count());
    let target = Path::new(&up).join("blobs").join(blob.file_name().unwrap_or_default());
    match symlink(&target, pointer) {
        // Another program was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => fs::rename(blob, pointer),
        Ok(()) => Ok(()),
    }
}

#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(windows)]
use std::os::windows::fs::symlink_file as symlink;
