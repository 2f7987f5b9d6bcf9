//! The tensors that a layer's state is made of, and how they start.

use pairnet_network::{Layer, Step};
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
    pub(crate) fn first_values(&self, rng: &mut impl RngCore) -> Vec<f32> {
        let count = self.shape.iter().product();
        match self.start {
            Start::Uniform { bound } => (0..count).map(|_| uniform(rng, bound)).collect(),
            Start::Ones => vec![1.0; count],
            Start::Zeros => vec![0.0; count],
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

/// A number from U(−bound, bound): 24 random bits, as many as an f32 holds.
fn uniform(rng: &mut impl RngCore, bound: f64) -> f32 {
    let unit = f64::from(rng.next_u32() >> 8) / f64::from(1u32 << 24);
    ((2.0 * unit - 1.0) * bound) as f32
}
