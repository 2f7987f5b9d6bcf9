//! The eight networks that compare two digits: one table of variants, tensors in, logits out.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use pairnet_models::{Kernels, Network, variant};
//! use rand_chacha::ChaCha8Rng;
//! use rand_chacha::rand_core::SeedableRng;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let architecture = variant("lenet5-ws-al")?;
//! let mut rng = ChaCha8Rng::seed_from_u64(0);
//! let network = Network::new(architecture, Kernels::Fused, &mut rng, DType::F32, &Device::Cpu)?;
//! assert_eq!(network.parameter_count(), 52_631);
//!
//! let images = Tensor::zeros((5, 2, 14, 14), DType::F32, &Device::Cpu)?; // pixels 0 to 255
//! let outputs = network.evaluate(&images)?;
//! assert_eq!(outputs.logits.dims(), [5]); // > 0 where the first is at most the second
//! assert_eq!(outputs.digit_logits.unwrap().dims(), [2, 5, 10]);
//! # Ok(())
//! # }
//! ```
//!
//! The networks are those of "Classification, weight sharing, auxiliary losses" (Jaleh and
//! Mousavinezhad); [`variants`] is the table. Any other [`Architecture`] whose sizes fit each other
//! is built as they are. What was trained is kept by [`Network::save`], a safetensors file from which
//! [`Network::load`] makes the network again, or as tensors ([`Network::state`]). A caller hands in the generator that initial weights
//! are drawn from and the masks of dropout ([`Masks`]): nothing here is random by itself.

mod checkpoint;
mod checksum;
mod entries;
mod error;
mod handed;
mod kernels;
mod layer;
mod network;
mod outputs;
mod pass;
mod state;
mod variants;

pub use checkpoint::{
    CHECKPOINT_FORMAT, CHECKPOINT_FORMAT_WITHOUT_CHECKSUM, Metadata, checkpoint_bytes,
};
pub use checksum::checksum;
pub use error::ModelError;
pub use kernels::Kernels;
pub use network::Network;
pub use outputs::Outputs;
pub use pairnet_network::{Architecture, ArchitectureError, Step};
pub use pass::Masks;
pub use variants::{UnknownVariant, names, variant, variants};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
