//! candle-nn with the kernels of this crate inside: change `use candle_nn::…` to
//! `use pairnet_ops::nn::…`.
//!
//! ```
//! use candle_core::{DType, Device, Result, Tensor};
//! use pairnet_ops::nn::{
//!     AdamW, Conv2d, Linear, MaxPool2d, Module, Optimizer, VarBuilder, VarMap, conv2d, linear, loss,
//! };
//! use pairnet_ops::{flatten, relu};
//!
//! struct Network {
//!     convolution: Conv2d,
//!     classes: Linear,
//! }
//!
//! impl Module for Network {
//!     fn forward(&self, images: &Tensor) -> Result<Tensor> {
//!         let features = images.apply(&self.convolution)?.apply(&relu)?;
//!         features.apply(&MaxPool2d::new(2))?.apply(&flatten)?.apply(&self.classes)
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let variables = VarMap::new();
//! let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
//! let network = Network {
//!     convolution: conv2d(1, 4, 5, Default::default(), vb.pp("convolution"))?,
//!     classes: linear(4 * 12 * 12, 10, vb.pp("classes"))?,
//! };
//! let images = Tensor::rand(0f32, 1f32, (8, 1, 28, 28), &Device::Cpu)?;
//! let digits = Tensor::new(&[0u8, 1, 2, 3, 4, 5, 6, 7], &Device::Cpu)?;
//!
//! let mut optimiser = AdamW::new_lr(variables.all_vars(), 0.001)?;
//! optimiser.backward_step(&loss::cross_entropy(&network.forward(&images)?, &digits)?)?;
//! # Ok(())
//! # }
//! ```
//!
//! Names of variables, shapes, initial weights and constructors are candle-nn's, so a safetensors
//! file that one has saved the other loads. What this crate has no kernels for is candle-nn's own.
//! Images are (n, channels, height, width).
//!
//! What `use` lines cannot change are methods of tensors: write `.apply(&MaxPool2d::new(2))` in the
//! place of `.max_pool2d(2)`, whose gradient is wrong in candle 0.11.1. Between layers of images
//! [`relu`](crate::relu()), [`add_relu`](crate::add_relu()), [`flatten`](crate::flatten()), [`cat`](crate::cat()),
//! [`tanh`](crate::tanh()) and the other functions of its kind, or an [`Activation`], keep the order in which these
//! lie in memory, as [`elementwise`](crate::elementwise()) does with any op on each value; `.relu()`, `+`,
//! `.flatten_from(1)`, `.tanh()` and `Tensor::cat` copy them instead, forward and back, and a training step takes
//! longer.

pub use candle_nn::*;

pub mod activation;
pub mod batch_norm;
pub mod conv;
pub mod linear;
pub mod loss;
pub mod ops;
pub mod optim;
pub mod pooling;

pub use activation::{Activation, PReLU, prelu};
pub use batch_norm::{BatchNorm, batch_norm};
pub use conv::{Conv2d, conv2d, conv2d_no_bias};
pub use linear::{Linear, linear, linear_b, linear_no_bias};
pub use ops::Dropout;
pub use optim::{Adam, AdamSettings, AdamW, Sgd, SgdSettings};
pub use pooling::{AvgPool2d, MaxPool2d};
