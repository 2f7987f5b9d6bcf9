//! What makes a training fast, one step after the other, for candle's MNIST network.
//!
//! ```sh
//! cargo run --release --bin fast
//! cargo run --release --bin fast --features mimalloc
//! ```
//!
//! Milliseconds are medians of thirty batches, or of as many as the program is called with.

use std::error::Error;
use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Optimizer, VarBuilder, VarMap};
use pairnet_ops::channels_last::conv2d_relu_max_pool_nhwc;
use pairnet_ops::{Conv2dConfig, Tape, cross_entropy, linear, linear_relu};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Digits in a batch.
const BATCH: usize = 64;

mod with_candle {
    use candle_nn as nn;

    fn pool(images: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
        images.max_pool2d(2)
    }

    include!("../network.rs");
}

mod with_pairnet {
    use pairnet_ops::nn;

    fn pool(images: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
        images.apply(&nn::MaxPool2d::new(2))
    }

    include!("../network.rs");
}

/// The same network by functions that take ReLU and pooling along, with channels last.
struct Functions {
    weights: Vec<Var>,
    adam: pairnet_ops::AdamW,
}

impl Functions {
    fn new() -> Result<Self> {
        let variables = VarMap::new();
        let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
        with_pairnet::Network::new(vb)?;
        let named = variables.data().lock().map_err(|_| candle_core::Error::Msg("lock".into()))?;
        let names = ["c1", "c2", "fc1", "fc2"]
            .map(|name| [format!("{name}.weight"), format!("{name}.bias")]);
        let weights: Vec<Var> = names.iter().flatten().map(|name| named[name].clone()).collect();
        let adam = pairnet_ops::AdamW::new_lr(weights.clone(), 0.001)?;
        Ok(Self { weights, adam })
    }

    /// Images (n, 28, 28, 1) → a loss.
    fn loss(&self, images: &Tensor, classes: &Tensor) -> Result<Tensor> {
        let [k1, b1, k2, b2, w1, c1, w2, c2] = &self.weights[..] else {
            candle_core::bail!("four layers have eight variables")
        };
        let config = Conv2dConfig::default();
        let features = conv2d_relu_max_pool_nhwc(images, k1, Some(b1), config)?;
        let features = conv2d_relu_max_pool_nhwc(&features, k2, Some(b2), config)?;
        let hidden = linear_relu(&features.flatten_from(1)?, w1, Some(c1))?;
        cross_entropy(&linear(&hidden, w2, Some(c2))?, classes)
    }
}

/// Milliseconds of a batch, the median of `count`.
fn milliseconds(count: usize, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        step()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[count / 2])
}

fn measure(count: usize) -> Result<Vec<(&'static str, f64)>> {
    let images = Tensor::rand(0f32, 1f32, (BATCH, 1, 28, 28), &Device::Cpu)?;
    let channels_last = images.permute((0, 2, 3, 1))?.contiguous()?;
    let classes =
        Tensor::from_vec((0..BATCH).map(|i| (i % 10) as u32).collect(), BATCH, &Device::Cpu)?;
    let batch = [(images, classes.clone())];

    let variables = VarMap::new();
    let network =
        with_candle::Network::new(VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    let stock = milliseconds(count, || with_candle::train(&network, variables.all_vars(), &batch))?;

    let variables = VarMap::new();
    let network =
        with_pairnet::Network::new(VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    let layers =
        milliseconds(count, || with_pairnet::train(&network, variables.all_vars(), &batch))?;

    let mut functions = Functions::new()?;
    let fused = milliseconds(count, || {
        let loss = functions.loss(&channels_last, &classes)?;
        functions.adam.backward_step(&loss)
    })?;
    let taped = milliseconds(count, || {
        let (loss, tape) = Tape::record(|| functions.loss(&channels_last, &classes))?;
        functions.adam.step(&tape.backward(&loss, &loss.ones_like()?)?)
    })?;
    Ok(vec![
        ("candle-nn", stock),
        ("pairnet_ops::nn", layers),
        ("fused functions, channels last", fused),
        ("the same on a tape", taped),
    ])
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let count = pairnet_examples::argument(30)?.max(1);
    let allocator = if cfg!(feature = "mimalloc") { "mimalloc" } else { "the system's allocator" };
    let all = std::thread::available_parallelism()?.get();
    for threads in [1, all] {
        println!("{allocator}, {threads} thread(s), milliseconds a batch of {BATCH}:");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let measured = pool.install(|| measure(count))?;
        for (name, milliseconds) in &measured {
            println!(
                "  {milliseconds:7.1}  {name} ({:.2} times candle-nn)",
                measured[0].1 / milliseconds
            );
        }
    }
    Ok(())
}
