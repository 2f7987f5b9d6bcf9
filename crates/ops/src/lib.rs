//! Training ops for [candle](https://docs.rs/candle-core): exact gradients, fast on a CPU.
//!
//! ```
//! use candle_core::{DType, Device, Tensor, Var};
//! use pairnet_ops::{
//!     Adam, AdamSettings, Conv2dConfig, Optimizer, conv2d_relu_max_pool, cross_entropy, flatten, linear,
//! };
//!
//! # fn main() -> candle_core::Result<()> {
//! let device = Device::Cpu;
//! let images = Tensor::ones((8, 1, 14, 14), DType::F32, &device)?;
//! let classes = Tensor::zeros(8, DType::U32, &device)?;
//! let filters = Var::from_tensor(&(Tensor::ones((4, 1, 3, 3), DType::F32, &device)? * 0.1)?)?;
//! let weight = Var::from_tensor(&Tensor::zeros((10, 4 * 6 * 6), DType::F32, &device)?)?;
//! let filter_bias = Var::zeros(4, DType::F32, &device)?;
//! let bias = Var::zeros(10, DType::F32, &device)?;
//! let parameters = vec![filters.clone(), filter_bias.clone(), weight.clone(), bias.clone()];
//! let mut adam = Adam::new(parameters, AdamSettings::pytorch(0.01))?;
//!
//! let config = Conv2dConfig::default(); // no padding, stride 1
//! let features = conv2d_relu_max_pool(&images, &filters, Some(filter_bias.as_tensor()), config)?; // (8, 4, 6, 6)
//! let logits = linear(&features.apply(&flatten)?, &weight, Some(bias.as_tensor()))?; // (8, 10)
//! let loss = cross_entropy(&logits, &classes)?;
//! adam.step(&loss.backward()?)?;
//! assert!((loss.to_scalar::<f32>()? - 10f32.ln()).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```
//!
//! Shapes and meanings are PyTorch's; each function names the page. On the CPU the functions run
//! kernels of this crate, chosen for the processor when the program runs; on another device they
//! compose candle's own ops ([`mod@reference`]), with the right pooling gradient there too. Dtypes
//! are F32, to train, and F64, to check. Work is spread over the threads of the rayon pool that
//! the caller is in, and the result does not depend on how many they are.
//!
//! Sums over a batch stay exact at any length: they are split at places that follow from the shape, and
//! merged block by block.
//!
//! [`Adam`], [`AdamW`] and [`Sgd`] are optimisers of candle-nn's interface ([`Optimizer`]) with PyTorch's
//! formulas, whose state can be saved ([`StatefulOptimizer`]). [`mod@random`] draws dropout masks and initial
//! weights from a generator that the caller seeds.
//!
//! candle's `backward` goes through these ops like any other, and copies none of the gradients on their way: each
//! reaches the next op as it was written. What it copies in the end, the gradients of variables, [`backward()`] and the
//! optimisers' `backward_step` hand over, too. A [`Tape`] goes back from any result, not only from a loss, and takes
//! some microseconds less.
//!
//! The instructions are AVX-512 or AVX2 with multiply-add where the processor has them, else those
//! that every processor of its kind has. The environment variable `PAIRNET_INSTRUCTIONS` asks for
//! fewer, `avx2` or `scalar`, to test that code where the processor has more, or for `composed`: then
//! the CPU too runs what another device would.
//!
//! Where max pooling follows a convolution, or most of the gradient of its result is zero, a gradient of zero is not
//! multiplied: an infinity or NaN in an image that no output depends on leaves no trace there, where PyTorch would give
//! NaN.

mod activations;
mod backward;
mod batch_norm;
pub mod channels_last;
mod concatenation;
mod convolution;
mod convolution_sizes;
mod dropout;
mod element;
mod flatten;
mod graph;
mod kernels;
mod layout;
mod linear;
mod loss;
mod memory;
pub mod nn;
mod normalised_convolution;
mod normalised_linear;
mod op;
mod optimisers;
mod pooling;
pub mod random;
pub mod reference;
mod relu;
mod softmax;
mod stand_in;
mod statistics;
mod tape;
mod threads;
mod waiting;

pub use candle_nn::{Conv2dConfig, Optimizer};

pub use activations::{
    elementwise, elu, gelu, gelu_tanh, hard_sigmoid, hard_swish, leaky_relu, relu6, sigmoid, silu,
    tanh,
};
pub use backward::backward;
pub use batch_norm::{batch_norm, batch_norm_evaluation};
pub use concatenation::cat;
pub use convolution::{conv2d, conv2d_relu, conv2d_relu_max_pool};
pub use dropout::dropout;
pub use flatten::flatten;
pub use kernels::instructions;
pub use linear::{linear, linear_relu};
pub use loss::{
    accuracy, binary_cross_entropy_with_logits, cross_entropy, mean_squared_error, nll,
};
pub use normalised_linear::{NormalisedLinear, linear_relu_batch_norm};
pub use optimisers::{
    Adam, AdamSettings, AdamW, OptimiserState, Sgd, SgdSettings, StatefulOptimizer,
    clip_gradient_norm, named_variables,
};
pub use pooling::{avg_pool2d, max_pool2d};
pub use relu::{add_relu, relu};
pub use softmax::{log_softmax, softmax};
pub use statistics::{BatchStatistics, RunningStatistics};
pub use tape::{Tape, add_gradients};
pub use threads::{awake, side_by_side};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Those of the repository's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;
