//! MNIST digits from IDX files, pooled and paired.
//!
//! ```
//! use pairnet_data::{Mnist, draw_pairs};
//! use rand_chacha::ChaCha8Rng;
//! use rand_chacha::rand_core::SeedableRng;
//!
//! # fn main() -> Result<(), pairnet_data::DataError> {
//! let mnist = Mnist::shipped()?;
//! assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(0);
//! let pairs = draw_pairs(&mnist.train, 1_000, &mut rng)?;
//! assert_eq!(pairs.images().len(), 1_000 * 2 * 14 * 14); // 0 to 255
//! assert_eq!(pairs.targets()[0], u8::from(pairs.classes()[0] <= pairs.classes()[1]));
//! # Ok(())
//! # }
//! ```
//!
//! Everything is plain arrays: this crate knows no tensor. [`PairSet::batches`] and
//! [`Digits::batches`] give them some at a time, [`PairSet::shuffled`] and [`Digits::shuffled`] in
//! another order. The caller brings the random generator, or
//! the indices of the pairs ([`PairSet::of`]). What a PyTorch program has drawn can be drawn again
//! from its seed ([`torch_pairs`], [`TorchGenerator`]).

mod batches;
mod compare;
mod digits;
mod error;
mod folder;
mod gather;
#[cfg(feature = "hub")]
pub mod hub;
mod identity;
mod idx;
mod mnist;
mod pairs;
mod permutation;
mod shipped;
mod shown;
mod split;
mod torch;

pub use batches::{DigitBatch, PairBatch};
pub use digits::{Digits, SIDE};
pub use error::DataError;
pub use identity::{Difference, Identity};
pub use mnist::Mnist;
pub use pairs::{PairSet, draw_pairs, pool, torch_pairs};
pub use split::Split;
pub use torch::TorchGenerator;

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
