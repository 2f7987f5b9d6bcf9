//! A residual network (He, Zhang, Ren and Sun, 2016) on handwritten digits, saved and read again.
//!
//! ```sh
//! cargo run --release --bin residual -- 12800
//! ```

use std::error::Error;

use candle_core::{DType, Device, Result, Tensor};
use pairnet_data::{Digits, Mnist};
use pairnet_examples::{argument, batches, tensors};
use pairnet_ops::nn::{
    AvgPool2d, BatchNorm, Conv2d, Conv2dConfig, Linear, ModuleT, Optimizer, Sgd, SgdSettings,
    VarBuilder, VarMap, batch_norm, conv2d_no_bias, linear, loss,
};
use pairnet_ops::{add_relu, flatten, relu};

/// Digits in a batch.
const BATCH: usize = 64;

/// A convolution without bias, and batch norm.
struct Normalised {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl Normalised {
    fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let config = Conv2dConfig { padding: kernel / 2, stride, ..Default::default() };
        Ok(Self {
            convolution: conv2d_no_bias(inputs, outputs, kernel, config, vb.pp("conv"))?,
            norm: batch_norm(outputs, 1e-5, vb.pp("bn"))?,
        })
    }
}

impl ModuleT for Normalised {
    fn forward_t(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        self.norm.forward_t(&images.apply(&self.convolution)?, train)
    }
}

/// relu(x + f(x)); where the size changes, x goes through a convolution of 1×1.
struct Block {
    first: Normalised,
    second: Normalised,
    shortcut: Option<Normalised>,
}

impl Block {
    fn new(inputs: usize, outputs: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let alike = inputs == outputs && stride == 1;
        let shortcut =
            (!alike).then(|| Normalised::new(inputs, outputs, 1, stride, vb.pp("shortcut")));
        Ok(Self {
            first: Normalised::new(inputs, outputs, 3, stride, vb.pp("0"))?,
            second: Normalised::new(outputs, outputs, 3, 1, vb.pp("1"))?,
            shortcut: shortcut.transpose()?,
        })
    }
}

impl ModuleT for Block {
    fn forward_t(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let hidden = self.first.forward_t(images, train)?.apply(&relu)?;
        let result = self.second.forward_t(&hidden, train)?;
        match &self.shortcut {
            Some(shortcut) => add_relu(&result, &shortcut.forward_t(images, train)?),
            None => add_relu(&result, images),
        }
    }
}

struct Network {
    stem: Normalised,
    blocks: Vec<Block>,
    classes: Linear,
}

impl Network {
    fn new(vb: VarBuilder) -> Result<Self> {
        let sizes = [(8, 8, 1), (8, 16, 2), (16, 32, 2)];
        let block = |(index, (inputs, outputs, stride))| {
            Block::new(inputs, outputs, stride, vb.pp(format!("block.{index}")))
        };
        Ok(Self {
            stem: Normalised::new(1, 8, 3, 1, vb.pp("stem"))?,
            blocks: (0..).zip(sizes).map(block).collect::<Result<_>>()?,
            classes: linear(32, 10, vb.pp("classes"))?,
        })
    }
}

impl ModuleT for Network {
    /// (n, 1, 28, 28) → logits (n, 10).
    fn forward_t(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let stem = self.stem.forward_t(images, train)?.apply(&relu)?;
        let features = self.blocks.iter().try_fold(stem, |x, block| block.forward_t(&x, train))?;
        let side = features.dims()[2];
        features.apply(&AvgPool2d::new(side))?.apply(&flatten)?.apply(&self.classes)
    }
}

fn accuracy(network: &Network, digits: &Digits) -> Result<f64> {
    let Some(tested) = digits.batches(1000).next() else { candle_core::bail!("no digits") };
    let (images, classes) = tensors(&tested)?;
    pairnet_ops::accuracy(&network.forward_t(&images, false)?, &classes)
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mnist = Mnist::shipped()?;
    let variables = VarMap::new();
    let network = Network::new(VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    let settings = SgdSettings { momentum: 0.9, weight_decay: 1e-4, ..SgdSettings::pytorch(0.05) };
    let mut sgd = Sgd::new(variables.all_vars(), settings)?;
    let batches = batches(&mnist.train, argument(12_800)?, BATCH)?;
    for (batch, (images, classes)) in batches.iter().enumerate() {
        // A learning rate that falls to nothing along half a cosine.
        let done = batch as f64 / batches.len() as f64;
        sgd.set_learning_rate(0.05 * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0);
        sgd.backward_step(&loss::cross_entropy(&network.forward_t(images, true)?, classes)?)?;
    }
    let trained = accuracy(&network, &mnist.test)?;
    println!("{:.1} % of 1000 test digits right", 100.0 * trained);

    let file = std::env::temp_dir().join(format!("residual-{}.safetensors", std::process::id()));
    variables.save(&file)?;
    let mut again = VarMap::new();
    let read = Network::new(VarBuilder::from_varmap(&again, DType::F32, &Device::Cpu))?;
    again.load(&file)?;
    std::fs::remove_file(&file)?;
    let read = accuracy(&read, &mnist.test)?;
    println!("{:.1} % after it was saved and read", 100.0 * read);
    if read != trained { Err("something was not saved".into()) } else { Ok(()) }
}
