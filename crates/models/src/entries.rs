//! The tensors that a layer's state is made of, and how they start.

use candle_core::{DType, Device, Result, Tensor};
use pairnet_network::{Layer, Step};
use pairnet_ops::random::uniform;
use rand_core::RngCore;

/// A tensor of a layer's state.
pub(crate) struct Entry {
    /// With the layer's, e.g. `branch.0.batch_norm.running_mean`.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    start: Start,
}

impl Entry {
    /// What it holds before any training.
    pub(crate) fn first_values(
        &self,
        dtype: DType,
        device: &Device,
        rng: &mut impl RngCore,
    ) -> Result<Tensor> {
        let shape = &*self.shape;
        match self.start {
            Start::Uniform { bound } => uniform(shape, bound, dtype, device, rng),
            Start::Ones => Tensor::ones(shape, dtype, device),
            Start::Zeros => Tensor::zeros(shape, dtype, device),
        }
    }
}

/// How a tensor starts.
#[derive(Clone, Copy)]
enum Start {
    /// Draws from U(−bound, bound).
    Uniform {
        bound: f64,
    },
    Ones,
    Zeros,
}

/// All that evaluation needs of a layer, and how it starts, named and started as PyTorch's are:
/// U(−1/√fan_in, 1/√fan_in) for weight and bias, 1 and 0 for batch norm.
pub(crate) fn entries(layer_name: &str, layer: &Layer) -> Vec<Entry> {
    let outputs = vec![layer.weights.outputs()];
    let drawn = Start::Uniform { bound: 1.0 / (layer.weights.fan_in() as f64).sqrt() };
    let mut entries = vec![("weight", layer.weights.shape(), drawn)];
    entries.push(("bias", outputs.clone(), drawn));
    if layer.steps.contains(&Step::BatchNorm) {
        entries.extend([
            ("batch_norm.weight", outputs.clone(), Start::Ones),
            ("batch_norm.bias", outputs.clone(), Start::Zeros),
            ("batch_norm.running_mean", outputs.clone(), Start::Zeros),
            ("batch_norm.running_var", outputs, Start::Ones),
        ]);
    }
    let named = |(name, shape, start)| Entry { name: format!("{layer_name}.{name}"), shape, start };
    entries.into_iter().map(named).collect()
}
