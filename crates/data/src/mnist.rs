//! MNIST, as shipped or from files of the user's own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::digits::Digits;
use crate::error::DataError;
use crate::idx;

/// One of MNIST's four files.
struct File {
    name: &'static str,
    /// SHA-256 of the uncompressed bytes.
    checksum: &'static str,
    shipped: &'static [u8],
}

macro_rules! file {
    ($name:literal, $checksum:literal) => {
        File {
            name: $name,
            checksum: $checksum,
            shipped: include_bytes!(concat!("../../../data/mnist/", $name, ".gz")),
        }
    };
}

static TRAIN_IMAGES: File = file!(
    "train-images-idx3-ubyte",
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
);
static TRAIN_LABELS: File = file!(
    "train-labels-idx1-ubyte",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
);
static TEST_IMAGES: File = file!(
    "t10k-images-idx3-ubyte",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
);
static TEST_LABELS: File = file!(
    "t10k-labels-idx1-ubyte",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
);

/// One of the two splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// To train on.
    Train,
    /// To test on.
    Test,
}

impl Split {
    /// `train` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// MNIST: 60,000 training digits and 10,000 test digits, or what the user's own files hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mnist {
    /// The training split.
    pub train: Digits,
    /// The test split.
    pub test: Digits,
    /// File name → SHA-256 of its uncompressed bytes, in hexadecimal.
    pub checksums: BTreeMap<String, String>,
}

impl Mnist {
    /// MNIST of two splits; the checksums are those that their IDX files would have.
    pub fn new(train: Digits, test: Digits) -> Self {
        let mut checksums = BTreeMap::new();
        for (images, labels, digits) in splits(&train, &test) {
            checksums.insert(images.name.to_owned(), sha256(&idx::images_file(digits.images())));
            checksums.insert(labels.name.to_owned(), sha256(&idx::labels_file(digits.labels())));
        }
        Self { train, test, checksums }
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
        for (images, labels, digits) in splits(&self.train, &self.test) {
            let files = [
                (images, idx::images_file(digits.images())),
                (labels, idx::labels_file(digits.labels())),
            ];
            for (file, bytes) in files {
                let path = dir.join(file.name);
                write_whole(&path, &bytes).map_err(|source| DataError::Write {
                    file: path.display().to_string(),
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// The files that are part of this crate, their checksums verified.
    ///
    /// # Errors
    ///
    /// Where the program was built from other files.
    pub fn shipped() -> Result<Self, DataError> {
        let mnist =
            Self::read(|file| Ok((file.name.to_owned(), idx::unpack(file.shipped, file.name)?)))?;
        mnist.verify()?;
        Ok(mnist)
    }

    /// The IDX files of a folder, plain or gzip, under MNIST's names (`train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, each with or
    /// without `.gz`). They may hold other digits than MNIST, as many as they like.
    ///
    /// # Errors
    ///
    /// Where a file is missing, cannot be read, or is not what its name says.
    pub fn from_dir(dir: &Path) -> Result<Self, DataError> {
        Self::read(|file| {
            let plain = dir.join(file.name);
            let packed = dir.join(format!("{}.gz", file.name));
            let path = [plain, packed].into_iter().find(|path| path.exists()).ok_or_else(|| {
                DataError::Missing { dir: dir.display().to_string(), name: file.name.to_owned() }
            })?;
            let name = path.display().to_string();
            let bytes =
                fs::read(&path).map_err(|source| DataError::Read { file: name.clone(), source })?;
            let bytes = idx::unpack(&bytes, &name)?;
            Ok((name, bytes))
        })
    }

    /// MNIST of the four files, each told by its name in errors and its uncompressed bytes.
    fn read(
        load: impl Fn(&File) -> Result<(String, Vec<u8>), DataError>,
    ) -> Result<Self, DataError> {
        let mut checksums = BTreeMap::new();
        let mut load = |file: &File| {
            let (name, bytes) = load(file)?;
            checksums.insert(file.name.to_owned(), sha256(&bytes));
            Ok::<_, DataError>((name, bytes))
        };
        let mut split = |images: &File, labels: &File| {
            let (file, bytes) = load(images)?;
            let pixels = idx::images(&bytes, &file)?;
            let (file, bytes) = load(labels)?;
            Digits::named(pixels, idx::labels(&bytes, &file)?, &file)
        };
        let train = split(&TRAIN_IMAGES, &TRAIN_LABELS)?;
        let test = split(&TEST_IMAGES, &TEST_LABELS)?;
        Ok(Self { train, test, checksums })
    }

    /// Checks that these are the digits of MNIST as it is shipped.
    ///
    /// # Errors
    ///
    /// [`DataError::Checksum`] of the first file that differs.
    pub fn verify(&self) -> Result<(), DataError> {
        for file in [&TRAIN_IMAGES, &TRAIN_LABELS, &TEST_IMAGES, &TEST_LABELS] {
            let found = self.checksums.get(file.name).cloned().unwrap_or_default();
            if found != file.checksum {
                let (file, expected) = (file.name.to_owned(), file.checksum.to_owned());
                return Err(DataError::Checksum { file, expected, found });
            }
        }
        Ok(())
    }
}

/// Both splits with the files of their images and labels.
fn splits<'a>(
    train: &'a Digits,
    test: &'a Digits,
) -> [(&'static File, &'static File, &'a Digits); 2] {
    [(&TRAIN_IMAGES, &TRAIN_LABELS, train), (&TEST_IMAGES, &TEST_LABELS, test)]
}

/// Writes aside, syncs, and renames.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let aside = path.with_extension("part");
    let mut file = fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
