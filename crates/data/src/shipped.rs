//! MNIST's four files, which are part of the program.

use std::path::Path;

use crate::digits::Digits;
use crate::error::DataError;
use crate::idx::{self, Body, Kind};

/// One of the four files.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// SHA-256 of the uncompressed bytes.
    pub(crate) checksum: &'static str,
    packed: &'static [u8],
}

/// The two files of a split.
pub(crate) struct SplitFiles {
    /// What errors call it.
    pub(crate) name: &'static str,
    pub(crate) images: File,
    pub(crate) labels: File,
}

macro_rules! file {
    ($name:literal, $kind:ident, $checksum:literal, $packed:path) => {
        File { name: $name, kind: Kind::$kind, checksum: $checksum, packed: $packed }
    };
}

pub(crate) static TRAIN: SplitFiles = SplitFiles {
    name: "training",
    images: file!(
        "train-images-idx3-ubyte",
        Images,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        pairnet_mnist_train::IMAGES
    ),
    labels: file!(
        "train-labels-idx1-ubyte",
        Labels,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        pairnet_mnist_train::LABELS
    ),
};

pub(crate) static TEST: SplitFiles = SplitFiles {
    name: "test",
    images: file!(
        "t10k-images-idx3-ubyte",
        Images,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        pairnet_mnist_test::IMAGES
    ),
    labels: file!(
        "t10k-labels-idx1-ubyte",
        Labels,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        pairnet_mnist_test::LABELS
    ),
};

impl File {
    /// What the program has of it.
    pub(crate) fn unpack(&self) -> Result<Body, DataError> {
        idx::read(self.packed, self.packed.len() as u64, self.kind, Path::new(self.name))
    }

    /// SHA-256 of the file that holds these bytes.
    pub(crate) fn checksum(&self, bytes: &[u8]) -> String {
        idx::checksum(&idx::header(self.kind, bytes), bytes)
    }
}

impl SplitFiles {
    /// Both files, with what they hold of some digits.
    pub(crate) fn files<'a>(&self, digits: &'a Digits) -> [(&File, &'a [u8]); 2] {
        [(&self.images, digits.images()), (&self.labels, digits.labels())]
    }

    /// The digits that are shipped.
    pub(crate) fn digits(&self) -> Result<Digits, DataError> {
        let (images, labels) = (self.images.unpack()?, self.labels.unpack()?);
        Digits::named(images.bytes, labels.bytes, Path::new(self.labels.name))
    }

    /// Whether digits are those that are shipped.
    pub(crate) fn is(&self, digits: &Digits) -> bool {
        self.files(digits).into_iter().all(|(file, bytes)| file.checksum(bytes) == file.checksum)
    }
}
