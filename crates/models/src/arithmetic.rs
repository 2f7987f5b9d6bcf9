//! How much arithmetic a network takes.

use crate::architecture::{Layer, Step, Weights};
use crate::variants::Variant;

/// Multiplications with an addition that a network's weights take for one pair of digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultiplyAdds {
    /// From images to logits.
    pub forward: usize,
    /// From the loss back to every weight, densely: for each layer as much for its weights'
    /// gradient as forward, and as much again for its input's, which the first layers do not need.
    pub backward: usize,
}

impl Variant {
    /// What one pair of 14×14 digits takes; steps between the weights are not counted.
    ///
    /// ```
    /// let mlp = pairnet_models::Variant::named("mlp").unwrap().multiply_adds();
    /// assert_eq!(mlp.forward, 392 * 200 + 200 * 84 + 84);
    /// assert_eq!(mlp.backward, 2 * mlp.forward - 392 * 200);
    /// ```
    pub fn multiply_adds(&self) -> MultiplyAdds {
        let mut sum = MultiplyAdds::default();
        if let Some(branch) = &self.architecture.branch {
            // Each digit goes through a branch, shared or not.
            sum.add(branch.layers, 2, true);
            sum.add(self.architecture.comparator, 1, false);
        } else {
            sum.add(self.architecture.comparator, 1, true);
        }
        sum
    }
}

impl MultiplyAdds {
    fn add(&mut self, layers: &[Layer], times: usize, first: bool) {
        let mut side = 14;
        for (index, layer) in layers.iter().enumerate() {
            let positions = match layer.weights {
                Weights::Convolution { kernel, .. } => {
                    side = side + 1 - kernel;
                    side * side
                }
                Weights::Linear { .. } => 1,
            };
            if layer.steps.contains(&Step::MaxPool) {
                side /= 2;
            }
            let count = times * positions * layer.weights.outputs() * layer.weights.fan_in();
            self.forward += count;
            self.backward += if first && index == 0 { count } else { 2 * count };
        }
    }
}
