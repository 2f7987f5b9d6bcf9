//! The settings that neither recipe has, against PyTorch: weights after three steps, and learning rates.
//! `golden/README.md` tells how the file was made.

mod support;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Result, Shape, Tensor, bail};
use pairnet_models::{Kernels, Masks, Network, variant};
use pairnet_training::{
    Batch, InputScale, LearningRate, Optimiser, OptimiserKind, PixelScale, Recipe, RunId, Schedule,
    losses,
};
use support::device;

type Tensors = HashMap<String, Tensor>;

/// Of the largest value of a tensor.
const TOLERANCE: f64 = 1e-9;
/// The golden file has one value of so many.
const EVERY: usize = 16;
const STEPS: usize = 3;

fn golden(name: &str) -> Tensors {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.safetensors"));
    candle_core::safetensors::load(path, device()).unwrap()
}

/// The settings by their names in the golden file; `batches` of one step make an epoch.
fn settings() -> Vec<(&'static str, Recipe)> {
    let paper = Recipe { epochs: STEPS, ..Recipe::paper() };
    let with = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = paper.clone();
        change(&mut recipe);
        recipe.check().unwrap();
        recipe
    };
    let sgd = with(&|recipe| recipe.optimiser = OptimiserKind::Sgd);
    vec![
        ("adam_weight_decay", with(&|recipe| recipe.weight_decay = 0.1)),
        (
            "adamw",
            Recipe { optimiser: OptimiserKind::Adamw, ..with(&|recipe| recipe.weight_decay = 0.1) },
        ),
        ("sgd", sgd.clone()),
        ("sgd_momentum", Recipe { momentum: 0.9, weight_decay: 0.1, ..sgd.clone() }),
        ("cosine", Recipe { schedule: Schedule::Cosine, epochs: 4, ..paper.clone() }),
        ("one_cycle", Recipe { schedule: Schedule::OneCycle, epochs: 4, ..paper.clone() }),
        ("warm_up", with(&|recipe| recipe.warm_up = 2)),
        ("label_smoothing", with(&|recipe| recipe.label_smoothing = 0.1)),
        ("gradient_clip", Recipe { gradient_clip: Some(0.5), ..sgd }),
        ("unit", with(&|recipe| recipe.input_scale = InputScale::Unit)),
        ("standardised", with(&|recipe| recipe.input_scale = InputScale::Standardised)),
    ]
}

#[test]
fn three_steps_with_each_setting_are_pytorch_s() {
    let (inputs, expected) = (golden("mlp-ws-al"), golden("settings"));
    for (name, recipe) in settings() {
        for kernels in [Kernels::Fused, Kernels::Composed] {
            if let Err(error) = compare(name, &recipe, kernels, &inputs, &expected) {
                panic!("{name} {kernels:?}: {error}");
            }
        }
    }
}

/// The settings change what comes out, each otherwise.
#[test]
fn no_two_settings_are_alike() {
    let expected = golden("settings");
    let weights =
        |name: &str| expected[&format!("{name}.comparator.0.weight")].to_vec1::<f64>().unwrap();
    let names: Vec<&str> = settings().into_iter().map(|(name, _)| name).collect();
    for (index, name) in names.iter().enumerate() {
        assert!(names[..index].iter().all(|other| weights(other) != weights(name)), "{name}");
    }
}

fn compare(
    name: &str,
    recipe: &Recipe,
    kernels: Kernels,
    inputs: &Tensors,
    expected: &Tensors,
) -> Result<()> {
    let wide = |name: &str| inputs[name].to_dtype(DType::F64);
    let variant = variant("mlp-ws-al").unwrap();
    let mut rng = RunId { seed: 0, recipe, variant, run: 0 }.weights();
    let mut network = Network::new(variant, kernels, &mut rng, DType::F64, device())?;
    let mut state = network.state()?;
    for key in inputs.keys() {
        if let Some(parameter) = key.strip_prefix("weights.") {
            state.insert(parameter.to_owned(), wide(key)?);
        }
    }
    network.load_state(&state)?;
    let images = wide("images")?;
    let pixels = inputs["images"].flatten_all()?.to_vec1::<f32>()?;
    let batch = Batch {
        images: PixelScale::of(recipe.input_scale, &pixels).apply(&images)?,
        classes: inputs["classes"].t()?.flatten_all()?.to_dtype(DType::U32)?,
        targets: wide("targets")?,
    };
    let parameters =
        network.parameters().into_iter().map(|(name, variable)| (name, variable.clone()));
    let mut optimiser = Optimiser::new(recipe, parameters.collect(), 1)?;
    for step in 0..STEPS {
        let masks = &mut GivenMasks { inputs, next: 0 };
        let outputs = network.train(&batch.images, masks)?;
        let losses = losses(recipe, variant, &outputs, &batch, kernels)?;
        optimiser.step(step, outputs.backward(&losses.total)?)?;
    }
    for (parameter, variable) in network.parameters() {
        let found = variable.flatten_all()?.to_vec1::<f64>()?;
        let found: Vec<f64> = found.into_iter().step_by(EVERY).collect();
        agree(&found, &expected[&format!("{name}.{parameter}")].to_vec1()?)
            .map_err(|error| error.context(parameter))?;
    }
    Ok(())
}

#[test]
fn learning_rates_are_pytorch_s() {
    let expected = golden("settings");
    let paper = Recipe { epochs: 40, ..Recipe::paper() };
    let schedules = [
        ("cosine", Recipe { schedule: Schedule::Cosine, ..paper.clone() }),
        ("one_cycle", Recipe { schedule: Schedule::OneCycle, ..paper.clone() }),
        ("one_cycle_short", Recipe { schedule: Schedule::OneCycle, epochs: 3, ..paper.clone() }),
        ("warm_up", Recipe { warm_up: 8, ..paper.clone() }),
        ("warm_up_then_cosine", Recipe { warm_up: 8, schedule: Schedule::Cosine, ..paper }),
    ];
    for (name, recipe) in schedules {
        recipe.check().unwrap();
        let rates = LearningRate::of(&recipe, 1);
        let found: Vec<f64> = (0..recipe.epochs).map(|step| rates.at(step)).collect();
        let expected = expected[&format!("rates.{name}")].to_vec1::<f64>().unwrap();
        agree(&found, &expected).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// The masks of the golden file, in the order in which the layers ask.
struct GivenMasks<'a> {
    inputs: &'a Tensors,
    next: usize,
}

impl Masks for GivenMasks<'_> {
    fn draw(&mut self, shape: &Shape, _: f64) -> Result<Tensor> {
        let mask = &self.inputs[&format!("masks.{}", self.next)];
        self.next += 1;
        if mask.shape() == shape { Ok(mask.clone()) } else { bail!("a mask of {shape:?}") }
    }
}

fn agree(found: &[f64], expected: &[f64]) -> Result<()> {
    if found.len() != expected.len() {
        bail!("{} values, {} were expected", found.len(), expected.len());
    }
    let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        if (found - expected).abs() > TOLERANCE * largest {
            bail!("value {index} is {found}, {expected} was expected (largest {largest})");
        }
    }
    Ok(())
}
