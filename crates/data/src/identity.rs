//! Whether digits are MNIST as it is shipped, and where they first differ.

use std::fmt;

/// Whether digits are MNIST as it is shipped.
///
/// ```
/// # fn main() -> Result<(), pairnet_data::DataError> {
/// use pairnet_data::{Digits, Mnist};
///
/// let mnist = Mnist::shipped()?;
/// assert_eq!(mnist.identity()?.to_string(), "MNIST as shipped");
///
/// let mut labels = mnist.test.labels().to_vec();
/// labels[0] = 3;
/// let other = Digits::new(mnist.test.images().to_vec(), labels)?;
/// assert_eq!(
///     Mnist::new(mnist.train, other).identity()?.to_string(),
///     "other digits: t10k-labels-idx1-ubyte differs from MNIST as shipped, first at label 0 \
///      (3 here, 7 there)"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// They are.
    Shipped,
    /// They are others.
    Other(Difference),
}

/// Where digits first differ from MNIST as it is shipped. `file` is MNIST's name of the file.
///
/// Files are compared in the order training images and labels, test images and labels, as far as
/// both go; that one ends before the other counts last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In a pixel of an image.
    Pixel {
        /// The file.
        file: &'static str,
        /// Which image, counted from 0.
        index: usize,
        /// The pixel's row, counted from 0.
        row: usize,
        /// The pixel's column, counted from 0.
        column: usize,
        /// Its value.
        found: u8,
        /// Its value in MNIST as shipped.
        shipped: u8,
    },
    /// In a label.
    Label {
        /// The file.
        file: &'static str,
        /// Which label, counted from 0.
        index: usize,
        /// Its value.
        found: u8,
        /// Its value in MNIST as shipped.
        shipped: u8,
    },
    /// In how many there are: all that both have is the same.
    Count {
        /// The split's file of images.
        file: &'static str,
        /// Images.
        found: usize,
        /// Images in MNIST as shipped.
        shipped: usize,
    },
}

impl Identity {
    /// Whether it is MNIST as it is shipped.
    pub fn is_shipped(&self) -> bool {
        *self == Self::Shipped
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => formatter.write_str("MNIST as shipped"),
            Self::Other(difference) => write!(formatter, "other digits: {difference}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIFFERS: &str = "differs from MNIST as shipped, first at";
        match self {
            Self::Pixel { file, index, row, column, found, shipped } => write!(
                formatter,
                "{file} {DIFFERS} image {index} (row {row}, column {column}: {found} here, \
                 {shipped} there)"
            ),
            Self::Label { file, index, found, shipped } => {
                write!(formatter, "{file} {DIFFERS} label {index} ({found} here, {shipped} there)")
            }
            Self::Count { file, found, shipped } => write!(
                formatter,
                "{file} has {found} images, MNIST as shipped has {shipped}; the first {} are the same",
                found.min(shipped)
            ),
        }
    }
}
