//! A training between two epochs, in memory and in a file.

use std::collections::HashMap;
use std::path::Path;

use candle_core::safetensors::Load as _;
use candle_core::{Device, Tensor};
use pairnet_data::Split;
use pairnet_models::{Network, checksum};
use pairnet_ops::OptimiserState;
use pairnet_record::{Epoch, read_at_most, write_atomically};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::TrainingError;
use crate::optimiser::Optimiser;
use crate::setup::Setup;
use crate::streams::{DrawnMasks, RunId};

/// The version of the files that [`State::save`] writes.
const FORMAT: u32 = 2;

/// The one key of the file's metadata.
const KEY: &str = "pairnet-training";

/// More than the header of a safetensors file can have.
const MOST_OF_HEADER: u64 = 100_000_000;

/// A training between two epochs: all that the next epoch depends on.
#[derive(Debug)]
pub struct State {
    pub(crate) network: Network,
    pub(crate) optimiser: Optimiser,
    pub(crate) masks: DrawnMasks,
    pub(crate) epochs: Vec<Epoch>,
    /// Wall-clock seconds of earlier sittings.
    pub(crate) seconds: f64,
}

/// What is in the file beside the tensors.
#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    follows_from: String,
    run: usize,
    epochs: Vec<Epoch>,
    steps: usize,
    learning_rate: f64,
    /// Words of the masks' stream that were drawn, in decimal: JSON has no numbers of 128 bits.
    masks: String,
    seconds: f64,
    /// The SHA-256 of the other fields and of every tensor.
    checksum: String,
}

impl State {
    /// A network with its initial weights.
    ///
    /// # Errors
    ///
    /// Where the device fails.
    pub fn new(id: &RunId<'_>, setup: &Setup) -> Result<Self, TrainingError> {
        let network = id.network(setup.kernels, &setup.device)?;
        let parameters = network.parameters();
        let parameters = parameters.into_iter().map(|(name, variable)| (name, variable.clone()));
        let batches = id.recipe.pairs_of(Split::Train).div_ceil(id.recipe.batch_size.max(1));
        let optimiser = Optimiser::new(id.recipe, parameters.collect(), batches)?;
        Ok(Self { network, optimiser, masks: id.masks(), epochs: Vec::new(), seconds: 0.0 })
    }

    /// What each whole epoch measured.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Writes the state to a safetensors file, whole or not at all. `follows_from` is that of the run's
    /// record.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    pub fn save(
        &self,
        path: &Path,
        (id, follows_from): (&RunId<'_>, &str),
    ) -> Result<(), TrainingError> {
        let refused = |source| refused(path, source);
        let OptimiserState { steps, learning_rate, tensors: moments } = self.optimiser.state()?;
        let mut tensors = HashMap::new();
        for (name, tensor) in self.network.state()? {
            tensors.insert(format!("network.{name}"), tensor.to_device(&Device::Cpu)?);
        }
        for (name, tensor) in moments {
            tensors.insert(format!("optimiser.{name}"), tensor.to_device(&Device::Cpu)?);
        }
        let mut description = Description {
            format: FORMAT,
            follows_from: follows_from.to_owned(),
            run: id.run,
            epochs: self.epochs.clone(),
            steps,
            learning_rate,
            masks: self.masks.place().to_string(),
            seconds: self.seconds,
            checksum: String::new(),
        };
        let mut bytes = || -> Result<Vec<u8>, Refusal> {
            description.checksum = checksum(&description, &tensors)?;
            let beside = HashMap::from([(KEY.to_owned(), serde_json::to_string(&description)?)]);
            Ok(safetensors::serialize(&tensors, Some(beside))?)
        };
        Ok(write_atomically(path, &bytes().map_err(refused)?)?)
    }

    /// The state in a file that [`State::save`] wrote for this run.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, was changed, or is of another run, recipe, network, seed, device or
    /// data.
    pub fn load(
        path: &Path,
        (id, follows_from): (&RunId<'_>, &str),
        setup: &Setup,
    ) -> Result<Self, TrainingError> {
        let refused = |source| refused(path, source);
        let mut state = Self::new(id, setup)?;
        let bytes = read_at_most(path, state.most_bytes()?)?;
        let (description, mut tensors) = parts(&bytes, &setup.device).map_err(refused)?;
        let Description { run, epochs, steps, learning_rate, masks, seconds, .. } = description;
        if description.follows_from != follows_from || run != id.run {
            return Err(refused(
                "it is of another run, recipe, network, seed, device or data; it can go on with the command \
                 that it was begun with"
                    .into(),
            ));
        }
        let mut of = |part: &str| -> HashMap<String, Tensor> {
            let names = tensors.keys().filter(|name| name.starts_with(part)).cloned();
            let names: Vec<String> = names.collect();
            let taken = names.into_iter().filter_map(|name| tensors.remove_entry(&name));
            taken.map(|(name, tensor)| (name[part.len()..].to_owned(), tensor)).collect()
        };
        let network = of("network.");
        let moments = of("optimiser.").into_iter().collect();
        state.network.load_state(&network).map_err(|error| refused(error.into()))?;
        let moments = OptimiserState { steps, learning_rate, tensors: moments };
        state.optimiser.load_state(&moments).map_err(|error| refused(error.into()))?;
        state.masks.go_to(masks.parse::<u128>().map_err(|error| refused(error.into()))?);
        Ok(Self { epochs, seconds, ..state })
    }

    /// Bytes that its file can have: the network and two moments of each parameter, in the largest dtype,
    /// and the header, nearly all of which is of epochs.
    fn most_bytes(&self) -> Result<u64, TrainingError> {
        let state = self.network.state()?;
        let numbers: usize = state.values().map(Tensor::elem_count).sum();
        Ok(3 * 8 * numbers as u64 + MOST_OF_HEADER)
    }
}

type Refusal = Box<dyn std::error::Error + Send + Sync>;

fn refused(path: &Path, source: Refusal) -> TrainingError {
    TrainingError::Unfinished { path: path.to_owned(), source }
}

/// What is in the file, where it is as it was written.
fn parts(bytes: &[u8], device: &Device) -> Result<(Description, HashMap<String, Tensor>), Refusal> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let description: Description =
        serde_json::from_str(text.ok_or("it is no training that was begun")?)?;
    if description.format != FORMAT {
        let found = description.format;
        return Err(format!("its format is {found}, this program reads {FORMAT}").into());
    }
    let file = SafeTensors::deserialize(bytes)?;
    if checksum(&description, file.iter())? != description.checksum {
        return Err(
            "it was changed since it was written; remove it, and train from the start".into()
        );
    }
    let tensors = file.iter().map(|(name, view)| Ok((name.to_owned(), view.load(device)?)));
    Ok((description, tensors.collect::<Result<_, Refusal>>()?))
}
