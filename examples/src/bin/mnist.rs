//! candle's MNIST network, by candle-nn and by pairnet-ops: the same text, with other `use` lines.
//!
//! ```sh
//! cargo run --release --bin mnist -- 6400
//! ```
//!
//! trains both on so many digits, says how long a batch takes and how many test digits are right, and
//! reads into the one what the other has saved.

use std::error::Error;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use pairnet_data::Mnist;
use pairnet_examples::{argument, batches, tensors};

/// Digits in a batch.
const BATCH: usize = 64;
/// Digits of the test split that are looked at.
const TESTED: usize = 2000;

mod with_candle {
    use candle_nn as nn;

    fn pool(images: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
        images.max_pool2d(2) // its gradient is a quarter of what it should be
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

fn main() -> Result<(), Box<dyn Error>> {
    let mnist = Mnist::shipped()?;
    let batches = batches(&mnist.train, argument(6400)?, BATCH)?;
    let tested = mnist.test.batches(TESTED).next().ok_or("there are no test digits")?;
    let (images, classes) = tensors(&tested)?;

    let theirs = VarMap::new();
    let vb = VarBuilder::from_varmap(&theirs, DType::F32, &Device::Cpu);
    let network = with_candle::Network::new(vb)?;
    let start = Instant::now();
    with_candle::train(&network, theirs.all_vars(), &batches)?;
    report("candle-nn", start, batches.len(), network.forward(&images, false)?, &classes)?;

    let file = std::env::temp_dir().join(format!("mnist-{}.safetensors", std::process::id()));
    theirs.save(&file)?;
    let mut ours = VarMap::new();
    let vb = VarBuilder::from_varmap(&ours, DType::F32, &Device::Cpu);
    let read = with_pairnet::Network::new(vb)?;
    ours.load(&file)?;
    std::fs::remove_file(&file)?;
    let apart = (network.forward(&images, false)? - read.forward(&images, false)?)?;
    let apart = apart.abs()?.max_all()?.to_scalar::<f32>()?;
    println!("its file in pairnet-ops: log-probabilities at most {apart:.1e} apart");
    if apart > 1e-4 {
        return Err("the two networks say different things".into());
    }

    let own = VarMap::new();
    let vb = VarBuilder::from_varmap(&own, DType::F32, &Device::Cpu);
    let network = with_pairnet::Network::new(vb)?;
    let start = Instant::now();
    with_pairnet::train(&network, own.all_vars(), &batches)?;
    report("pairnet-ops", start, batches.len(), network.forward(&images, false)?, &classes)
}

fn report(
    name: &str,
    start: Instant,
    batches: usize,
    scores: Tensor,
    classes: &Tensor,
) -> Result<(), Box<dyn Error>> {
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0 / batches as f64;
    let right = 100.0 * pairnet_ops::accuracy(&scores, classes)?;
    println!("{name}: {milliseconds:.1} ms a batch, {right:.1} % of {TESTED} test digits right");
    Ok(())
}
