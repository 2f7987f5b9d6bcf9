//! Pictures of handwritten digits made into what MNIST is made like.
//!
//! ```
//! // A grey page of 40×60 with a dark stroke on it.
//! let mut pixels = vec![200u8; 40 * 60];
//! for y in 10..50 {
//!     pixels[y * 40 + 20] = 30;
//! }
//! let digit = pairnet_images::like_mnist(&pixels, 40, 60)?;
//! assert_eq!(digit.len(), 28 * 28);
//! assert_eq!(digit[14 * 28 + 14], 255); // light on dark, in the middle
//! assert_eq!(digit[0], 0);
//! # Ok::<(), pairnet_images::ImageError>(())
//! ```
//!
//! The steps are those that Y. LeCun, C. Cortes and C. J. C. Burges describe for
//! [MNIST](https://web.archive.org/web/2024/http://yann.lecun.com/exdb/mnist/):
//!
//! 1. Transparent pixels are laid on the opposite of what is drawn, colours become grey (BT.709).
//! 2. The page is the grey level that is in the middle of all pixels when they are sorted; what differs
//!    most from it is ink. Ink becomes 255, the page 0, whichever was darker.
//! 3. Paper is never quite even: what deviates from the page by less than 7.5 times the median deviation
//!    is page too. The ink is cropped.
//! 4. The crop is brought into a box of 20×20 by means over areas, its sides in their ratio.
//! 5. Its centre of mass goes to the middle of 28×28, in whole pixels, as far as the box has room.
//!
//! The networks of this workspace see means over 2×2 pixels of that, which `pairnet_data::pool` makes.
//! This crate knows no network and no data set.

mod error;
mod files;
mod grey;
mod normalise;

pub use error::ImageError;
pub use files::{decode, read};
pub use normalise::{SIDE, like_mnist};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
