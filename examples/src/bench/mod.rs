//! Training steps of networks that have nothing to do with digits in pairs, timed.

mod functions;

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Optimizer, VarBuilder, VarMap};
use pairnet_ops::random::{fan_in_bound, uniform};
use pairnet_ops::{Tape, awake};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

mod with_candle {
    use candle_nn as nn;

    fn relu(values: &Tensor) -> Result<Tensor> {
        values.relu()
    }

    fn add_relu(one: &Tensor, other: &Tensor) -> Result<Tensor> {
        (one + other)?.relu()
    }

    fn relu6(values: &Tensor) -> Result<Tensor> {
        values.clamp(0f32, 6f32)
    }

    fn tanh(values: &Tensor) -> Result<Tensor> {
        values.tanh()
    }

    fn pool(images: &Tensor) -> Result<Tensor> {
        images.max_pool2d(2)
    }

    fn mean_pool(images: &Tensor) -> Result<Tensor> {
        images.avg_pool2d(2)
    }

    fn mean(images: &Tensor) -> Result<Tensor> {
        images.mean((2, 3))
    }

    fn flatten(images: &Tensor) -> Result<Tensor> {
        images.flatten_from(1)
    }

    include!("layers.rs");
}

mod with_pairnet {
    use pairnet_ops::{add_relu, flatten, nn, relu, relu6, tanh};

    fn pool(images: &Tensor) -> Result<Tensor> {
        images.apply(&nn::MaxPool2d::new(2))
    }

    fn mean_pool(images: &Tensor) -> Result<Tensor> {
        images.apply(&nn::AvgPool2d::new(2))
    }

    fn mean(images: &Tensor) -> Result<Tensor> {
        flatten(&images.apply(&nn::AvgPool2d::new(images.dims()[2]))?)
    }

    include!("layers.rs");
}

/// From images to logits.
type Forward = Box<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

/// The networks, as `bench/other_networks.py` has them too.
pub const NETWORKS: [&str; 8] =
    ["mnist", "lenet5", "lenet5-tanh", "residual", "vgg11", "mobilenet", "resnext", "mlp"];

/// Channels and outputs of VGG-11's convolutions, the first with `width` outputs, and which are pooled
/// (Simonyan and Zisserman, 2014, configuration A).
fn vgg11(width: usize) -> [(usize, usize, bool); 8] {
    let [w1, w2, w4, w8] = [width, 2 * width, 4 * width, 8 * width];
    [
        (3, w1, true),
        (w1, w2, true),
        (w2, w4, false),
        (w4, w4, true),
        (w4, w8, false),
        (w8, w8, true),
        (w8, w8, false),
        (w8, w8, true),
    ]
}

/// Channels, outputs and stride of depthwise separable convolutions (Howard and others, 2017), for small images.
const MOBILENET: [(usize, usize, usize); 5] =
    [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)];

/// A network of residual blocks.
struct Residual {
    /// Outputs of its first convolution.
    stem: usize,
    /// Of each block the inputs, the width and the stride.
    blocks: [(usize, usize, usize); 3],
    /// Outputs of the last block.
    features: usize,
}

/// A small residual network, whose blocks have as many outputs as their width (He and others, 2015), or a ResNeXt, with
/// twice as many, and groups of 4, 8 and 16 channels (Xie and others, 2017).
fn residual(name: &str) -> Residual {
    match name {
        "residual" => {
            Residual { stem: 16, blocks: [(16, 16, 1), (16, 32, 2), (32, 64, 2)], features: 64 }
        }
        _ => {
            let blocks = [(32, 64, 1), (128, 128, 2), (256, 256, 2)];
            Residual { stem: 32, blocks, features: 512 }
        }
    }
}

const RESNEXT_GROUPS: usize = 16;

/// What a network is computed with.
pub const STYLES: [&str; 3] = ["candle", "layers", "functions"];

/// One of [`NETWORKS`], and how large: the MLP's hidden layers have so many units, VGG-11's first convolution so
/// many outputs, half of the paper's 64 in the table; the images of the residual network, of MobileNet and of
/// ResNeXt have that side, a multiple of four. The others have one size.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// What it is called.
    pub name: &'a str,
    /// How large it is.
    pub size: usize,
}

impl<'a> Network<'a> {
    /// From its name, and its size behind a colon where that is another than in the table.
    pub fn named(text: &'a str) -> Option<Self> {
        let (name, size) = text.split_once(':').unwrap_or((text, ""));
        let usual = match name {
            "mlp" => 1024,
            "residual" | "vgg11" | "mobilenet" | "resnext" => 32,
            _ => 28,
        };
        let size: usize = if size.is_empty() { usual } else { size.parse().ok()? };
        let fits = match name {
            "mlp" | "vgg11" => size > 0,
            "residual" | "mobilenet" | "resnext" => size > 0 && size.is_multiple_of(4),
            _ => size == usual,
        };
        (NETWORKS.contains(&name) && fits).then_some(Self { name, size })
    }
}

/// Milliseconds of a training step (forward, backward, Adam), each of the steps that fit into `time`
/// after some that are not counted.
///
/// # Errors
///
/// Where a tensor cannot be computed.
pub fn steps(network: Network<'_>, style: &str, batch: usize, time: Duration) -> Result<Vec<f64>> {
    let shape = match network.name {
        "mlp" => vec![batch, 784],
        "residual" | "mobilenet" | "resnext" => vec![batch, 3, network.size, network.size],
        "vgg11" => vec![batch, 3, 32, 32],
        _ => vec![batch, 1, 28, 28],
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let images = uniform(shape, 0.5, DType::F32, &Device::Cpu, &mut rng)?.affine(1.0, 0.5)?;
    // Other classes for the same images at each step, so that nothing is ever learned: gradients that fade away would
    // be multiplied as denormal numbers, which takes many times as long.
    let classes = |step: usize| {
        let classes = (step..step + batch).map(|index| (index % CLASSES) as u32).collect();
        Tensor::from_vec(classes, batch, &Device::Cpu)
    };
    let classes = (0..CLASSES).map(classes).collect::<Result<Vec<_>>>()?;
    let variables = VarMap::new();
    let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    match style {
        "candle" => {
            let forward = with_candle::network(network, vb)?;
            draw(&variables, &mut rng)?;
            let settings = candle_nn::ParamsAdamW { weight_decay: 0.0, ..Default::default() };
            let mut adam = candle_nn::AdamW::new(variables.all_vars(), settings)?;
            timed(STEPS_BY_CANDLE, time, |step| {
                let classes = &classes[step % CLASSES];
                adam.backward_step(&candle_nn::loss::cross_entropy(&forward(&images)?, classes)?)
            })
        }
        _ => {
            let functions = style == "functions";
            let build = if functions { functions::network } else { with_pairnet::network };
            let forward = build(network, vb)?;
            draw(&variables, &mut rng)?;
            let settings = pairnet_ops::AdamSettings::pytorch(0.001);
            let mut adam = pairnet_ops::Adam::new(variables.all_vars(), settings)?;
            let images = match images.rank() {
                4 if functions => images.permute((0, 2, 3, 1))?.contiguous()?,
                _ => images,
            };
            let loss = |step: usize| {
                pairnet_ops::cross_entropy(&forward(&images)?, &classes[step % CLASSES])
            };
            if !functions {
                return timed(STEPS, time, |step| adam.backward_step(&loss(step)?));
            }
            awake(|| {
                timed(STEPS, time, |step| {
                    let (loss, tape) = Tape::record(|| loss(step))?;
                    adam.step(&tape.backward(&loss, &loss.ones_like()?)?)
                })
            })
        }
    }
}

/// Draws weights and biases as PyTorch starts them. With others at each start, other values would be zero, and a
/// step of the same network would take up to a quarter more or less time.
fn draw(variables: &VarMap, rng: &mut ChaCha8Rng) -> Result<()> {
    let variables = variables.data().lock().unwrap_or_else(PoisonError::into_inner);
    let in_order: BTreeMap<_, _> = variables.iter().collect();
    for (name, variable) in in_order {
        let weight = match name.strip_suffix("bias") {
            Some(layer) => variables.get(&format!("{layer}weight")),
            None => Some(variable),
        };
        // Batch norm begins with ones and zeros.
        if let Some(weight) = weight.filter(|weight| weight.rank() > 1) {
            let bound = fan_in_bound(weight.shape());
            let drawn = uniform(variable.shape(), bound, DType::F32, &Device::Cpu, rng)?;
            variable.set(&drawn)?;
        }
    }
    Ok(())
}

/// Classes of images.
const CLASSES: usize = 10;
/// How many steps are not counted, and how many are, at least.
const STEPS: (usize, usize) = (2, 5);
/// Of candle's own, which take up to a quarter of a minute.
const STEPS_BY_CANDLE: (usize, usize) = (1, 3);

/// Milliseconds of each step, which gets its number: some are not counted, then come `least` steps, and as many as fit
/// into `time`.
fn timed(
    (before, least): (usize, usize),
    time: Duration,
    mut step: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<f64>> {
    for number in 0..before {
        step(number)?;
    }
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < least || begun.elapsed() < time {
        let start = Instant::now();
        step(before + times.len())?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}
