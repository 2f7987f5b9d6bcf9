//! Functions of tensors, and dropout; those that this crate has no kernels for are candle-nn's.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::shape::Dim;
use candle_core::{ModuleT, Result, Tensor, bail};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub use candle_nn::ops::*;

use crate::random::dropout_mask;
pub use crate::{hard_sigmoid, leaky_relu, sigmoid, silu};

/// [`crate::softmax`] over any dimension.
///
/// # Errors
///
/// As there, and where there is no such dimension.
pub fn softmax<D: Dim>(values: &Tensor, dim: D) -> Result<Tensor> {
    over_last(values, dim.to_index(values.shape(), "softmax")?, crate::softmax)
}

/// [`crate::log_softmax`] over any dimension.
///
/// # Errors
///
/// As there, and where there is no such dimension.
pub fn log_softmax<D: Dim>(values: &Tensor, dim: D) -> Result<Tensor> {
    over_last(values, dim.to_index(values.shape(), "log_softmax")?, crate::log_softmax)
}

fn over_last(values: &Tensor, dim: usize, f: fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let last = values.rank() - 1;
    if dim == last { f(values) } else { f(&values.transpose(dim, last)?)?.transpose(dim, last) }
}

/// [`candle_nn::Dropout`] by [`crate::dropout()`], with a generator that can be seeded.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use pairnet_ops::nn::Dropout;
///
/// # fn main() -> candle_core::Result<()> {
/// let values = Tensor::ones((4, 100), DType::F32, &Device::Cpu)?;
/// let twice = [Dropout::seeded(0.5, 7), Dropout::seeded(0.5, 7)];
/// let twice = twice.map(|dropout| dropout.forward(&values, true));
/// let [first, second] = twice.map(|result| result?.to_vec2::<f32>());
/// assert_eq!(first?, second?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dropout {
    probability: f32,
    /// Clones draw from the same stream.
    generator: Arc<Mutex<ChaCha8Rng>>,
}

impl Dropout {
    /// Drops each value with this probability; other values each time a program runs.
    pub fn new(probability: f32) -> Self {
        Self::seeded(probability, RandomState::new().hash_one("dropout"))
    }

    /// Drops each value with this probability; the same ones for the same seed.
    pub fn seeded(probability: f32, seed: u64) -> Self {
        let generator = Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed)));
        Self { probability, generator }
    }

    /// The values that are kept over 1 − probability in training, all of them as they are otherwise.
    ///
    /// # Errors
    ///
    /// Where the probability is not in [0, 1).
    pub fn forward(&self, values: &Tensor, train: bool) -> Result<Tensor> {
        let probability = f64::from(self.probability);
        if !(0.0..1.0).contains(&probability) {
            bail!("dropout: probability {probability} is not in [0, 1)");
        }
        if !train {
            return Ok(values.clone());
        }
        let mask = {
            let mut generator = self.generator.lock().unwrap_or_else(PoisonError::into_inner);
            dropout_mask(values.shape(), probability, values.device(), &mut *generator)?
        };
        crate::dropout(values, &mask, probability)
    }
}

impl ModuleT for Dropout {
    fn forward_t(&self, values: &Tensor, train: bool) -> Result<Tensor> {
        self.forward(values, train)
    }
}
