//! Pairs of MNIST digits in a training loop of one's own: is the first digit at most the second?
//!
//! ```sh
//! cargo run --release --bin pairs -- 10
//! ```
//!
//! trains for so many epochs.

use std::error::Error;

use candle_core::{DType, Device, Result, Tensor, Var};
use pairnet_data::{Mnist, PairBatch, draw_pairs};
use pairnet_ops::random::{fan_in_bound, kaiming_uniform, uniform};
use pairnet_ops::{
    Adam, AdamSettings, Optimizer, accuracy, binary_cross_entropy_with_logits, linear, linear_relu,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const PAIRS: usize = 2000;
const BATCH: usize = 100;

/// 392 pixels → 128 → a logit.
struct Network(Vec<Var>);

impl Network {
    fn new(rng: &mut ChaCha8Rng) -> Result<Self> {
        let mut variables = Vec::new();
        for (outputs, inputs) in [(128, 2 * 14 * 14), (1, 128)] {
            let weight = kaiming_uniform((outputs, inputs), DType::F32, &Device::Cpu, rng)?;
            let bound = fan_in_bound(weight.shape());
            let bias = uniform(outputs, bound, DType::F32, &Device::Cpu, rng)?;
            variables.extend([Var::from_tensor(&weight)?, Var::from_tensor(&bias)?]);
        }
        Ok(Self(variables))
    }

    fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let [weight, bias, last, last_bias] = &self.0[..] else {
            candle_core::bail!("two layers have four variables")
        };
        let hidden = linear_relu(images, weight, Some(bias.as_tensor()))?;
        linear(&hidden, last, Some(last_bias.as_tensor()))?.squeeze(1)
    }
}

/// (n, 392) from 0 to 1, and (n) targets.
fn tensors(batch: &PairBatch<'_>) -> Result<(Tensor, Tensor)> {
    let count = batch.targets.len();
    let images = Tensor::from_slice(batch.images, (count, 2 * 14 * 14), &Device::Cpu)?;
    let targets = Tensor::from_slice(batch.targets, count, &Device::Cpu)?;
    Ok(((images / 255.0)?, targets.to_dtype(DType::F32)?))
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let epochs = pairnet_examples::argument(10)?;
    let mnist = Mnist::shipped()?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let train = draw_pairs(&mnist.train, PAIRS, &mut rng)?;
    let test = draw_pairs(&mnist.test, PAIRS, &mut rng)?;
    let network = Network::new(&mut rng)?;
    let mut adam = Adam::new(network.0.clone(), AdamSettings::pytorch(0.002))?;
    for epoch in 1..=epochs {
        let mut sum = 0.0;
        for batch in train.shuffled(&mut rng).batches(BATCH) {
            let (images, targets) = tensors(&batch)?;
            let loss = binary_cross_entropy_with_logits(&network.logits(&images)?, &targets)?;
            adam.step(&loss.backward()?)?;
            sum += f64::from(loss.to_scalar::<f32>()?);
        }
        let (mut right, mut all) = (0.0, 0);
        for batch in test.batches(BATCH) {
            let (images, targets) = tensors(&batch)?;
            right += accuracy(&network.logits(&images)?, &targets)? * batch.targets.len() as f64;
            all += batch.targets.len();
        }
        let loss = sum / (PAIRS / BATCH) as f64;
        println!(
            "epoch {epoch}: loss {loss:.4}, {:.1} % of {all} test pairs right",
            100.0 * right / all as f64
        );
    }
    Ok(())
}
