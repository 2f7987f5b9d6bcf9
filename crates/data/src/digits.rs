//! Handwritten digits: images and labels.

use std::path::Path;

use crate::error::DataError;
use crate::gather::gather;

/// Rows, and columns, of an image.
pub const SIDE: usize = 28;

/// Images of 28×28 bytes and their labels, 0 to 9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Digits {
    /// Digits from images, one after another row by row, and as many labels.
    ///
    /// # Errors
    ///
    /// Where there are not 784 bytes a label, or a label is above 9.
    pub fn new(images: Vec<u8>, labels: Vec<u8>) -> Result<Self, DataError> {
        Self::named(images, labels, "the labels".as_ref())
    }

    /// [`Digits::new`] that names the file of labels in its errors.
    pub(crate) fn named(images: Vec<u8>, labels: Vec<u8>, file: &Path) -> Result<Self, DataError> {
        let file = || file.to_owned();
        if images.len() != labels.len() * SIDE * SIDE {
            let images = images.len() / (SIDE * SIDE);
            return Err(DataError::Count { file: file(), images, labels: labels.len() });
        }
        if let Some(index) = labels.iter().position(|&label| label > 9) {
            return Err(DataError::Label { file: file(), index, found: labels[index] });
        }
        Ok(Self { images, labels })
    }

    /// Its digits at these places, in this order.
    pub(crate) fn in_order(&self, order: &[u32]) -> Self {
        Self {
            images: gather(&self.images, SIDE * SIDE, order),
            labels: gather(&self.labels, 1, order),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The 784 bytes of one image, row by row.
    ///
    /// # Panics
    ///
    /// Where `index` is not below [`Digits::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * SIDE * SIDE..][..SIDE * SIDE]
    }

    /// The digit that one image shows.
    ///
    /// # Panics
    ///
    /// Where `index` is not below [`Digits::len`].
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// All images, 784 bytes each.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// All labels.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}
