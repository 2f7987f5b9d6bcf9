//! MNIST, as shipped or from files of the user's own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::compare::difference;
use crate::digits::Digits;
use crate::error::DataError;
use crate::folder;
use crate::identity::Identity;
use crate::idx::{self, Body, Kind};
use crate::shipped::{File, SplitFiles, TEST, TRAIN};
use crate::split::Split;

/// MNIST: 60,000 training digits and 10,000 test digits, or what the user's own files hold.
///
/// Two are equal where their digits are, wherever these came from.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// The training split.
    pub train: Digits,
    /// The test split.
    pub test: Digits,
    /// File name → SHA-256 of its uncompressed bytes, in hexadecimal.
    pub checksums: BTreeMap<String, String>,
    /// Where the images of both splits were read, for errors.
    images: [PathBuf; 2],
}

impl PartialEq for Mnist {
    fn eq(&self, other: &Self) -> bool {
        self.train == other.train && self.test == other.test
    }
}

impl Eq for Mnist {}

impl Mnist {
    /// MNIST of two splits; the checksums are those that their IDX files would have.
    pub fn new(train: Digits, test: Digits) -> Self {
        let checksums = files(&train, &test)
            .map(|(file, bytes)| (file.name.to_owned(), file.checksum(bytes)))
            .collect();
        let images = [&TRAIN, &TEST].map(|split| split.images.name.into());
        Self { train, test, checksums, images }
    }

    /// The digits of one split.
    pub fn split(&self, split: Split) -> &Digits {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// Writes the four IDX files, uncompressed, into a folder that [`Mnist::from_dir`] can read;
    /// each is whole or absent.
    ///
    /// # Errors
    ///
    /// Where the folder or a file cannot be written.
    pub fn write_idx(&self, dir: &Path) -> Result<(), DataError> {
        for (file, bytes) in files(&self.train, &self.test) {
            let path = dir.join(file.name);
            write_whole(&path, [&idx::header(file.kind, bytes), bytes])
                .map_err(|source| DataError::Write { file: path, source })?;
        }
        Ok(())
    }

    /// The files that are part of this crate, their checksums verified.
    ///
    /// # Errors
    ///
    /// Where the program was built from other files.
    pub fn shipped() -> Result<Self, DataError> {
        let mnist = Self::read(|file| Ok((file.name.into(), file.unpack()?)))?;
        mnist.verify()?;
        Ok(mnist)
    }

    /// The IDX files of a folder, plain or gzip, under MNIST's names: `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, each with or
    /// without `.gz`. Other spellings are read too: `.` or `_` for `-` (`train-images.idx3-ubyte`),
    /// upper case, `test` for `t10k`. They may hold other digits than MNIST, as many as they like.
    ///
    /// Where several files are spelled as one of the four, as after `gunzip --keep`, all of them
    /// are read and must hold the same. Memory is bounded by what a file's header promises, and by
    /// what the file can hold.
    ///
    /// # Errors
    ///
    /// Where a file is missing, is none (a folder, a pipe), cannot be read, is not what its name
    /// says, or differs from another spelling of its name.
    pub fn from_dir(dir: &Path) -> Result<Self, DataError> {
        Self::read(|file| {
            let mut paths = folder::spellings(dir, file.name)?;
            let first = paths.remove(0);
            let body = read_file(&first, file.kind)?;
            for second in paths {
                if read_file(&second, file.kind)?.checksum != body.checksum {
                    return Err(DataError::Ambiguous { first, second });
                }
            }
            Ok((first, body))
        })
    }

    /// MNIST of the four files, each with its path for errors.
    fn read(load: impl Fn(&File) -> Result<(PathBuf, Body), DataError>) -> Result<Self, DataError> {
        let mut checksums = BTreeMap::new();
        let mut load = |file: &File| {
            let (path, body) = load(file)?;
            checksums.insert(file.name.to_owned(), body.checksum);
            Ok::<_, DataError>((path, body.bytes))
        };
        let mut split = |split: &SplitFiles| {
            let (images, pixels) = load(&split.images)?;
            let (file, labels) = load(&split.labels)?;
            Ok::<_, DataError>((Digits::named(pixels, labels, &file)?, images))
        };
        let (train, train_images) = split(&TRAIN)?;
        let (test, test_images) = split(&TEST)?;
        Ok(Self { train, test, checksums, images: [train_images, test_images] })
    }

    /// Checks that these are the digits of MNIST as it is shipped.
    ///
    /// # Errors
    ///
    /// [`DataError::Checksum`] of the first file that differs.
    pub fn verify(&self) -> Result<(), DataError> {
        let files = [&TRAIN.images, &TRAIN.labels, &TEST.images, &TEST.labels];
        for &File { name: file, checksum: expected, .. } in files {
            let found = self.checksums.get(file).cloned().unwrap_or_default();
            if found != expected {
                return Err(DataError::Checksum { file, expected, found });
            }
        }
        Ok(())
    }

    /// Whether these are the digits of MNIST as it is shipped, and if not, where they first
    /// differ.
    ///
    /// # Errors
    ///
    /// Where the program was built from other files.
    pub fn identity(&self) -> Result<Identity, DataError> {
        if TRAIN.is(&self.train) && TEST.is(&self.test) {
            return Ok(Identity::Shipped);
        }
        let (train, test) = (TRAIN.digits()?, TEST.digits()?);
        let difference = difference(&[(&TRAIN, &self.train, &train), (&TEST, &self.test, &test)]);
        Ok(difference.map_or(Identity::Shipped, Identity::Other))
    }

    /// Checks that the splits have digits for so many pairs.
    ///
    /// ```
    /// # fn main() -> Result<(), pairnet_data::DataError> {
    /// let mnist = pairnet_data::Mnist::shipped()?;
    /// mnist.require_pairs(5_000, 5_000)?;
    /// assert_eq!(
    ///     mnist.require_pairs(5_001, 5_001).unwrap_err().to_string(),
    ///     "5001 pairs need 10002 test digits, t10k-images-idx3-ubyte has 10000"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewInSplit`] of the first split that has too few.
    pub fn require_pairs(&self, train: usize, test: usize) -> Result<(), DataError> {
        let splits = [(&TRAIN, &self.train, train), (&TEST, &self.test, test)];
        for ((split, digits, count), file) in splits.into_iter().zip(&self.images) {
            let digits = digits.len();
            if digits / 2 < count {
                let (split, file) = (split.name, file.clone());
                return Err(DataError::TooFewInSplit { pairs: count, split, file, digits });
            }
        }
        Ok(())
    }
}

/// The four files, with what they hold of two splits.
fn files<'a>(
    train: &'a Digits,
    test: &'a Digits,
) -> impl Iterator<Item = (&'static File, &'a [u8])> {
    TRAIN.files(train).into_iter().chain(TEST.files(test))
}

fn read_file(path: &Path, kind: Kind) -> Result<Body, DataError> {
    let open = || {
        let file = fs::File::open(path)?;
        let size = file.metadata()?.len();
        Ok((BufReader::with_capacity(1 << 16, file), size))
    };
    let (source, size) =
        open().map_err(|source| DataError::Read { file: path.to_owned(), source })?;
    idx::read(source, size, kind, path)
}

/// Writes aside, syncs, and renames.
fn write_whole(path: &Path, parts: [&[u8]; 2]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let aside = path.with_extension("part");
    let mut file = fs::File::create(&aside)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()?;
    fs::rename(&aside, path)
}
