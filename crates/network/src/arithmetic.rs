//! How much arithmetic a network takes.

use crate::architecture::Architecture;
use crate::error::ArchitectureError;

/// Multiplications with an addition that a network's weights take for one pair of digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultiplyAdds {
    /// From images to logits.
    pub forward: usize,
    /// From the loss back to every weight, densely: for each layer as much for its weights'
    /// gradient as forward, and as much again for its input's, which the first layers do not need.
    pub backward: usize,
}

impl Architecture {
    /// What one pair of 14×14 digits takes; steps between the weights are not counted.
    ///
    /// ```
    /// use pairnet_network::{Architecture, Layer};
    ///
    /// let network = Architecture {
    ///     name: "small".to_owned(),
    ///     backbone: "mlp".to_owned(),
    ///     weight_sharing: false,
    ///     auxiliary_loss: false,
    ///     branch: None,
    ///     comparator: vec![Layer::linear(392, 200, &[]), Layer::linear(200, 1, &[])],
    /// };
    /// let count = network.multiply_adds()?;
    /// assert_eq!(count.forward, 392 * 200 + 200);
    /// assert_eq!(count.backward, 2 * count.forward - 392 * 200);
    /// # Ok::<(), pairnet_network::ArchitectureError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the sizes do not fit each other ([`Architecture::check`]).
    pub fn multiply_adds(&self) -> Result<MultiplyAdds, ArchitectureError> {
        let mut sum = MultiplyAdds::default();
        for each in self.uses()? {
            // Each digit goes through a branch, shared or not.
            let count = each.times * each.layer.weights.outputs() * each.layer.weights.fan_in();
            sum.forward += count;
            sum.backward += if each.first { count } else { 2 * count };
        }
        Ok(sum)
    }
}
