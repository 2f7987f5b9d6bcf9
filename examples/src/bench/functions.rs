//! The networks of the benchmark as `docs/fast.md` has it: functions that take several steps in one, and
//! images with channels last.

use std::sync::{Mutex, PoisonError};

use candle_core::{Result, Tensor};
use pairnet_ops::channels_last::{
    NormalisedConvolution, avg_pool2d_nhwc, conv2d_batch_norm_nhwc, conv2d_batch_norm_relu_nhwc,
    conv2d_nhwc, conv2d_relu_max_pool_nhwc, conv2d_relu_nhwc,
};
use pairnet_ops::nn::{Init, VarBuilder};
use pairnet_ops::{
    BatchStatistics, Conv2dConfig, RunningStatistics, add_relu, linear, linear_relu, relu6, tanh,
};

use super::{Forward, MOBILENET, Network, RESNEXT_GROUPS, Residual, residual, vgg11};

/// The network, images (n, height, width, channels) to logits.
pub(super) fn network(Network { name, size }: Network<'_>, vb: VarBuilder) -> Result<Forward> {
    match name {
        "mnist" | "lenet5" => {
            let padding = if name == "mnist" { 0 } else { 2 };
            let config = Conv2dConfig { padding, ..Default::default() };
            let (channels, sizes) = match name {
                "mnist" => ([1, 32, 64], vec![1024, 1024, 10]),
                _ => ([1, 6, 16], vec![400, 120, 84, 10]),
            };
            let first = Weights::convolution(channels[0], channels[1], 5, vb.pp("0"))?;
            let second = Weights::convolution(channels[1], channels[2], 5, vb.pp("1"))?;
            let layers = Weights::linears(&sizes, vb)?;
            Ok(Box::new(move |images| {
                let (weight, bias) = (&first.weight, Some(&first.bias));
                let features = conv2d_relu_max_pool_nhwc(images, weight, bias, config)?;
                let (weight, bias) = (&second.weight, Some(&second.bias));
                let config = Conv2dConfig::default();
                let features = conv2d_relu_max_pool_nhwc(&features, weight, bias, config)?;
                through(&layers, features.flatten_from(1)?)
            }))
        }
        "lenet5-tanh" => {
            let first = Weights::convolution(1, 6, 5, vb.pp("0"))?;
            let second = Weights::convolution(6, 16, 5, vb.pp("1"))?;
            let layers = Weights::linears(&[400, 120, 84, 10], vb)?;
            let layer = |images: &Tensor, Weights { weight, bias }: &Weights, padding| {
                let config = Conv2dConfig { padding, ..Default::default() };
                avg_pool2d_nhwc(&tanh(&conv2d_nhwc(images, weight, Some(bias), config)?)?, 2, 2)
            };
            Ok(Box::new(move |images| {
                let features = layer(&layer(images, &first, 2)?, &second, 0)?.flatten_from(1)?;
                let [first, second, classes] = &layers[..] else { return Ok(features) };
                let apply = |values: &Tensor, Weights { weight, bias }: &Weights| {
                    linear(values, weight, Some(bias))
                };
                let hidden = tanh(&apply(&tanh(&apply(&features, first)?)?, second)?)?;
                apply(&hidden, classes)
            }))
        }
        "vgg11" => {
            let convolution = |(index, (inputs, outputs, pooled))| {
                let vb = vb.pp(format!("conv.{index}"));
                Ok((Weights::convolution(inputs, outputs, 3, vb)?, pooled))
            };
            let convolutions =
                (0..).zip(vgg11(size)).map(convolution).collect::<Result<Vec<_>>>()?;
            let classes = Weights::linears(&[8 * size, 10], vb)?;
            Ok(Box::new(move |images| {
                let layer = |images: Tensor, (layer, pooled): &(Weights, bool)| {
                    let conv2d = if *pooled { conv2d_relu_max_pool_nhwc } else { conv2d_relu_nhwc };
                    let config = Conv2dConfig { padding: 1, ..Default::default() };
                    conv2d(&images, &layer.weight, Some(&layer.bias), config)
                };
                let features = convolutions.iter().try_fold(images.clone(), layer)?;
                through(&classes, features.flatten_from(1)?)
            }))
        }
        "mobilenet" => {
            let stem = Normalised::new(3, 32, 3, 1, vb.pp("stem"))?;
            let separable = |(index, (inputs, outputs, stride))| {
                let vb = vb.pp(format!("separable.{index}"));
                Ok([
                    Normalised::grouped(inputs, inputs, stride, vb.pp("depthwise"))?,
                    Normalised::new(inputs, outputs, 1, 1, vb.pp("pointwise"))?,
                ])
            };
            let separables = (0..).zip(MOBILENET).map(separable).collect::<Result<Vec<_>>>()?;
            let classes = Weights::linears(&[256, 10], vb)?;
            Ok(Box::new(move |images| {
                let layer = |images: Tensor, layer: &Normalised| relu6(&layer.plain(&images)?);
                let stem = layer(images.clone(), &stem)?;
                let features = separables.iter().flatten().try_fold(stem, layer)?;
                through(&classes, avg_pool2d_nhwc(&features, size / 4, size / 4)?.flatten_from(1)?)
            }))
        }
        "residual" | "resnext" => {
            let Residual { stem, blocks, features } = residual(name);
            let stem = Normalised::new(3, stem, 3, 1, vb.pp("stem"))?;
            let new = if name == "residual" { Block::basic } else { Block::grouped };
            let block = |(index, (inputs, width, stride))| {
                new(inputs, width, stride, vb.pp(format!("block.{index}")))
            };
            let blocks = (0..).zip(blocks).map(block).collect::<Result<Vec<_>>>()?;
            let classes = Weights::linears(&[features, 10], vb)?;
            Ok(Box::new(move |images| {
                let stem = stem.relu(images)?;
                let features =
                    blocks.iter().try_fold(stem, |images, block| block.forward(&images))?;
                through(&classes, avg_pool2d_nhwc(&features, size / 4, size / 4)?.flatten_from(1)?)
            }))
        }
        _ => {
            let layers = Weights::linears(&[784, size, size, 10], vb)?;
            Ok(Box::new(move |images| through(&layers, images.clone())))
        }
    }
}

struct Weights {
    weight: Tensor,
    bias: Tensor,
}

impl Weights {
    fn new(shape: &[usize], vb: VarBuilder) -> Result<Self> {
        let fan_in: usize = shape[1..].iter().product();
        let bound = 1.0 / (fan_in as f64).sqrt();
        let init = Init::Uniform { lo: -bound, up: bound };
        let weight = vb.get_with_hints(shape, "weight", init)?;
        Ok(Self { weight, bias: vb.get_with_hints(shape[0], "bias", init)? })
    }

    fn convolution(inputs: usize, outputs: usize, kernel: usize, vb: VarBuilder) -> Result<Self> {
        Self::new(&[outputs, inputs, kernel, kernel], vb)
    }

    fn linears(sizes: &[usize], vb: VarBuilder) -> Result<Vec<Self>> {
        let layer = |(index, sizes): (usize, &[usize])| {
            Self::new(&[sizes[1], sizes[0]], vb.pp(format!("linear.{index}")))
        };
        sizes.windows(2).enumerate().map(layer).collect()
    }
}

/// Through linear layers with ReLU between them.
fn through(layers: &[Weights], values: Tensor) -> Result<Tensor> {
    let Some((last, hidden)) = layers.split_last() else { return Ok(values) };
    let layer =
        |values: Tensor, layer: &Weights| linear_relu(&values, &layer.weight, Some(&layer.bias));
    linear(&hidden.iter().try_fold(values, layer)?, &last.weight, Some(&last.bias))
}

/// A convolution without bias, and batch norm.
struct Normalised {
    weight: Tensor,
    gamma: Tensor,
    beta: Tensor,
    config: Conv2dConfig,
    running: Mutex<RunningStatistics>,
}

/// Batch norm's ε and momentum.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

impl Normalised {
    fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let config = Conv2dConfig { padding: kernel / 2, stride, ..Default::default() };
        Self::of(Weights::convolution(inputs, outputs, kernel, vb.clone())?, config, vb)
    }

    /// Of 3×3, in groups with as many outputs as channels.
    fn grouped(channels: usize, groups: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let config = Conv2dConfig { padding: 1, stride, groups, ..Default::default() };
        Self::of(Weights::convolution(channels / groups, channels, 3, vb.clone())?, config, vb)
    }

    fn of(Weights { weight, .. }: Weights, config: Conv2dConfig, vb: VarBuilder) -> Result<Self> {
        let channels = weight.dims()[0];
        Ok(Self {
            weight,
            gamma: vb.get_with_hints(channels, "gamma", Init::Const(1.0))?,
            beta: vb.get_with_hints(channels, "beta", Init::Const(0.0))?,
            config,
            running: Mutex::new(RunningStatistics::new(channels, vb.dtype(), vb.device())?),
        })
    }

    fn seen(&self, (values, batch): (Tensor, BatchStatistics)) -> Result<Tensor> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.update(&batch, MOMENTUM)?;
        Ok(values)
    }

    fn relu(&self, images: &Tensor) -> Result<Tensor> {
        self.seen(conv2d_batch_norm_relu_nhwc(images, &self.layer())?)
    }

    fn plain(&self, images: &Tensor) -> Result<Tensor> {
        self.seen(conv2d_batch_norm_nhwc(images, &self.layer())?)
    }

    fn layer(&self) -> NormalisedConvolution<'_> {
        let Self { weight, gamma, beta, config, .. } = self;
        let (config, bias, epsilon, max_pool) = (*config, None, EPSILON, false);
        NormalisedConvolution { weight, bias, gamma, beta, config, epsilon, max_pool }
    }
}

/// What is added to its shortcut: layers with ReLU between them.
struct Block {
    hidden: Vec<Normalised>,
    last: Normalised,
    shortcut: Option<Normalised>,
}

impl Block {
    /// Two convolutions (He and others, 2015).
    fn basic(inputs: usize, outputs: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let alike = inputs == outputs && stride == 1;
        let shortcut =
            (!alike).then(|| Normalised::new(inputs, outputs, 1, stride, vb.pp("shortcut")));
        Ok(Self {
            hidden: vec![Normalised::new(inputs, outputs, 3, stride, vb.pp("0"))?],
            last: Normalised::new(outputs, outputs, 3, 1, vb.pp("1"))?,
            shortcut: shortcut.transpose()?,
        })
    }

    /// A convolution in groups between two of 1×1.
    fn grouped(inputs: usize, width: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            hidden: vec![
                Normalised::new(inputs, width, 1, 1, vb.pp("0"))?,
                Normalised::grouped(width, RESNEXT_GROUPS, stride, vb.pp("1"))?,
            ],
            last: Normalised::new(width, 2 * width, 1, 1, vb.pp("2"))?,
            shortcut: Some(Normalised::new(inputs, 2 * width, 1, stride, vb.pp("shortcut"))?),
        })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let layer = |images: Tensor, layer: &Normalised| layer.relu(&images);
        let hidden = self.hidden.iter().try_fold(images.clone(), layer)?;
        let result = self.last.plain(&hidden)?;
        match &self.shortcut {
            Some(shortcut) => add_relu(&result, &shortcut.plain(images)?),
            None => add_relu(&result, images),
        }
    }
}
