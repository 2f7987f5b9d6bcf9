//! All that evaluation needs of a network, as tensors with names.

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use pairnet_network::Architecture;

use crate::entries::entries;
use crate::error::ModelError;
use crate::layer::TrainedLayer;
use crate::network::Network;

impl Network {
    /// Parameters and running statistics by name, as PyTorch's `state_dict` has them:
    /// `branch.0.weight`, `branch.0.batch_norm.running_mean`, `comparator.2.bias`. Two branches of
    /// their own weights are `branch0` and `branch1`.
    ///
    /// The tensors are copies: training goes on without them.
    ///
    /// ```
    /// # use candle_core::{DType, Device};
    /// # use pairnet_models::{Kernels, Network, variant};
    /// # use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut rng = ChaCha8Rng::seed_from_u64(0);
    /// # let mut network = || Network::new(
    /// #     variant("lenet5-ws")?, Kernels::Fused, &mut rng, DType::F32, &Device::Cpu,
    /// # ).map_err(Box::<dyn std::error::Error>::from);
    /// let (trained, mut other) = (network()?, network()?);
    /// other.load_state(&trained.state()?)?;
    /// assert_eq!(other.state()?["branch.0.batch_norm.running_var"].dims(), [16]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn state(&self) -> Result<HashMap<String, Tensor>, ModelError> {
        let copied = |(name, tensor): (String, &Tensor)| Ok((name, tensor.detach().copy()?));
        self.layers().flat_map(TrainedLayer::state).map(copied).collect()
    }

    /// Gives the network the values of `state`, which is that of a network of the same architecture
    /// ([`Network::state`]), on whatever device.
    ///
    /// # Errors
    ///
    /// Where a name is missing or unknown, or a shape or dtype differs: nothing is changed then.
    pub fn load_state(&mut self, state: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        let found = state.iter().map(|(name, tensor)| Found {
            name,
            shape: tensor.dims(),
            dtype: tensor.dtype().as_str().to_owned(),
        });
        check_state(self.architecture(), self.dtype(), found)?;
        let mut values = HashMap::new();
        for (name, tensor) in state {
            // Copies, because training changes a variable where it lies.
            let value = tensor.detach().to_device(self.device())?.copy()?;
            values.insert(name.clone(), value.force_contiguous()?);
        }
        let give = |name: &str| match values.get(name) {
            Some(value) => Ok(value.clone()),
            None => Err(ModelError::MissingTensor { name: name.to_owned() }.into()),
        };
        Ok(self.layers_mut().try_for_each(|layer| layer.set_state(&give))?)
    }
}

/// A tensor that somebody offers.
pub(crate) struct Found<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: &'a [usize],
    /// As candle writes it, e.g. `f32`.
    pub(crate) dtype: String,
}

/// Whether the tensors are the state of a network of this architecture.
pub(crate) fn check_state<'a>(
    architecture: &Architecture,
    needed: DType,
    found: impl Iterator<Item = Found<'a>>,
) -> Result<(), ModelError> {
    let mut found: HashMap<&str, Found<'a>> = found.map(|tensor| (tensor.name, tensor)).collect();
    for (layer_name, layer) in architecture.layers() {
        for entry in entries(&layer_name, layer) {
            let name = entry.name;
            let Some(tensor) = found.remove(&*name) else {
                return Err(ModelError::MissingTensor { name });
            };
            if tensor.shape != entry.shape {
                let (found, needed) = (tensor.shape.to_vec(), entry.shape);
                return Err(ModelError::TensorShape { name, found, needed });
            }
            if tensor.dtype != needed.as_str() {
                return Err(ModelError::TensorDType { name, found: tensor.dtype, needed });
            }
        }
    }
    // The first of them by name, so that the error is the same at every call.
    match found.into_keys().min() {
        Some(name) => Err(ModelError::UnknownTensor { name: name.to_owned() }),
        None => Ok(()),
    }
}
