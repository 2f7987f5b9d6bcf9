//! Which digits a sweep was trained on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// SHA-256 of MNIST's four files, uncompressed, as sweeps have it in their settings.
pub const MNIST: [(&str, &str); 4] = [
    ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
];

/// The digits that a sweep was trained on. The published numbers are about MNIST: results on other
/// digits are not set beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// MNIST, byte for byte.
    Mnist,
    /// Others, or those of a sweep that does not say which.
    Other,
}

impl DataSet {
    /// By the checksums of the files.
    pub fn of(checksums: &BTreeMap<String, String>) -> Self {
        let there = checksums.iter().map(|(name, checksum)| (name.as_str(), checksum.as_str()));
        if there.eq(MNIST) { Self::Mnist } else { Self::Other }
    }
}
