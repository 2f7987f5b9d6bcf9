//! Every variant under both recipes against PyTorch: logits, losses, every gradient, running
//! statistics, and the weights after three steps. `golden/README.md` tells how the files were made.

mod support;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Result, Shape, Tensor, Var, bail};
use pairnet_models::{Architecture, Kernels, Masks, Network, variants};
use pairnet_ops::{Adam, Optimizer, StatefulOptimizer};
use pairnet_training::{AdamState, Batch, Recipe, RunId, losses};
use support::device;

type Tensors = HashMap<String, Tensor>;

/// Of the largest value of a tensor.
const TOLERANCE: f64 = 1e-4;

#[test]
fn fused_kernels_agree_with_pytorch() {
    compare_all(Kernels::Fused);
}

#[test]
fn composed_ops_agree_with_pytorch() {
    compare_all(Kernels::Composed);
}

fn compare_all(kernels: Kernels) {
    for variant in variants() {
        for recipe in Recipe::all() {
            if let Err(error) = compare(variant, &recipe, kernels) {
                panic!("{} {} {kernels:?}: {error}", recipe.name, variant.name);
            }
        }
    }
}

fn compare(variant: &Architecture, recipe: &Recipe, kernels: Kernels) -> Result<()> {
    let inputs = golden(&variant.name)?;
    let expected = golden(&format!("{}-{}", variant.name, recipe.name))?;
    let batch = batch(&inputs)?;
    let mut network = network(variant, recipe, kernels, &inputs)?;
    let variables: Vec<(String, Var)> =
        network.parameters().into_iter().map(|(name, var)| (name, var.clone())).collect();
    let mut adam =
        Adam::new(variables.iter().map(|(_, var)| var.clone()).collect(), recipe.adam())?;

    for step in 0..3 {
        let outputs = network.train(&batch.images, &mut GivenMasks::of(&inputs))?;
        let losses = losses(recipe, variant, &outputs, &batch, kernels)?;
        let gradients = outputs.backward(&losses.total)?;
        if step == 0 {
            agree("logits", &outputs.logits, &expected)?;
            if let Some(digit_logits) = &outputs.digit_logits {
                agree("digit_logits", digit_logits, &expected)?;
            }
            agree("loss.total", &losses.total.reshape(1)?, &expected)?;
            agree("loss.main", &losses.main.reshape(1)?, &expected)?;
            if let Some(auxiliary) = &losses.auxiliary {
                agree("loss.auxiliary", &auxiliary.reshape(1)?, &expected)?;
            }
            for (name, variable) in &variables {
                let Some(gradient) = gradients.get(variable) else {
                    bail!("{name} has no gradient");
                };
                agree(&format!("gradients.{name}"), gradient, &expected)?;
            }
            for (name, running) in network.running_statistics() {
                agree(&format!("running.{name}.mean"), &running.mean, &expected)?;
                agree(&format!("running.{name}.var"), &running.variance, &expected)?;
            }
            agree("eval_logits", &network.evaluate(&batch.images)?.logits, &expected)?;
        }
        if recipe.adam_state == AdamState::RemadeEachStep {
            adam.reset()?;
        }
        adam.step(&gradients)?;
    }
    for (name, variable) in &variables {
        agree(&format!("after.{name}"), variable.as_tensor(), &expected)?;
    }
    Ok(())
}

fn golden(name: &str) -> Result<Tensors> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    candle_core::safetensors::load(folder.join(format!("{name}.safetensors")), device())
}

fn network(
    variant: &Architecture,
    recipe: &Recipe,
    kernels: Kernels,
    inputs: &Tensors,
) -> Result<Network> {
    let mut rng = RunId { seed: 0, recipe, variant, run: 0 }.weights();
    let mut network = Network::new(variant, kernels, &mut rng, DType::F32, device())?;
    // Running statistics stay as they start.
    let mut state = network.state()?;
    state.extend(inputs.iter().filter_map(|(name, tensor)| {
        Some((name.strip_prefix("weights.")?.to_owned(), tensor.clone()))
    }));
    network.load_state(&state)?;
    Ok(network)
}

fn batch(inputs: &Tensors) -> Result<Batch> {
    Ok(Batch {
        images: inputs["images"].clone(),
        classes: inputs["classes"].t()?.flatten_all()?.to_dtype(DType::U32)?,
        targets: inputs["targets"].clone(),
    })
}

/// The masks of a golden file, in the order in which the layers ask.
struct GivenMasks {
    masks: Vec<Tensor>,
}

impl GivenMasks {
    fn of(inputs: &Tensors) -> Self {
        let mut masks: Vec<Tensor> =
            (0..).map_while(|index| inputs.get(&format!("masks.{index}")).cloned()).collect();
        masks.reverse();
        Self { masks }
    }
}

impl Masks for GivenMasks {
    fn draw(&mut self, shape: &Shape, _probability: f64) -> Result<Tensor> {
        match self.masks.pop() {
            Some(mask) if mask.shape() == shape => Ok(mask),
            Some(mask) => bail!("a mask of {shape:?} was asked for, {:?} comes next", mask.shape()),
            None => bail!("there are no more masks"),
        }
    }
}

/// Compares element by element; the error names the tensor and its worst element. An expected NaN
/// is an element that rounding alone decides (`golden/README.md`): there any finite number agrees.
fn agree(name: &str, found: &Tensor, expected: &Tensors) -> Result<()> {
    let Some(expected) = expected.get(name) else { bail!("the golden file has no '{name}'") };
    if found.shape() != expected.shape() {
        bail!("'{name}' has shape {:?}, {:?} was expected", found.shape(), expected.shape());
    }
    let values = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
    let (found, expected) = (values(found)?, values(expected)?);
    let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let close = (found - expected).abs() <= TOLERANCE * largest;
        if !(close || expected.is_nan() && found.is_finite()) {
            bail!("'{name}'[{index}] is {found}, {expected} was expected (largest {largest})");
        }
    }
    Ok(())
}
