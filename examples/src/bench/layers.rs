// The networks of the benchmark from layers, for whichever `nn` and functions stand before it.

use candle_core::{Module, ModuleT, Result, Tensor};

use nn::{Conv2d, Conv2dConfig, VarBuilder};

use crate::bench::{Forward, MOBILENET, Network, RESNEXT_GROUPS, Residual, residual, vgg11};

/// The network, images to logits.
pub(super) fn network(Network { name, size }: Network<'_>, vb: VarBuilder) -> Result<Forward> {
    match name {
        "mnist" => {
            let first = nn::conv2d(1, 32, 5, Conv2dConfig::default(), vb.pp("0"))?;
            let second = nn::conv2d(32, 64, 5, Conv2dConfig::default(), vb.pp("1"))?;
            let hidden = nn::linear(64 * 4 * 4, 1024, vb.pp("2"))?;
            let classes = nn::linear(1024, 10, vb.pp("3"))?;
            Ok(Box::new(move |images| {
                let features = pool(&relu(&images.apply(&first)?)?)?;
                let features = flatten(&pool(&relu(&features.apply(&second)?)?)?)?;
                relu(&features.apply(&hidden)?)?.apply(&classes)
            }))
        }
        "lenet5" => {
            let padded = Conv2dConfig { padding: 2, ..Default::default() };
            let first = nn::conv2d(1, 6, 5, padded, vb.pp("0"))?;
            let second = nn::conv2d(6, 16, 5, Conv2dConfig::default(), vb.pp("1"))?;
            let layers = linears(&[400, 120, 84, 10], vb)?;
            Ok(Box::new(move |images| {
                let features = pool(&relu(&images.apply(&first)?)?)?;
                let features = flatten(&pool(&relu(&features.apply(&second)?)?)?)?;
                through(&layers, features, relu)
            }))
        }
        "lenet5-tanh" => {
            let padded = Conv2dConfig { padding: 2, ..Default::default() };
            let first = nn::conv2d(1, 6, 5, padded, vb.pp("0"))?;
            let second = nn::conv2d(6, 16, 5, Conv2dConfig::default(), vb.pp("1"))?;
            let layers = linears(&[400, 120, 84, 10], vb)?;
            Ok(Box::new(move |images| {
                let features = mean_pool(&tanh(&images.apply(&first)?)?)?;
                let features = flatten(&mean_pool(&tanh(&features.apply(&second)?)?)?)?;
                through(&layers, features, tanh)
            }))
        }
        "vgg11" => {
            let padded = Conv2dConfig { padding: 1, ..Default::default() };
            let convolution = |(index, (inputs, outputs, pooled))| {
                let vb = vb.pp(format!("conv.{index}"));
                Ok((nn::conv2d(inputs, outputs, 3, padded, vb)?, pooled))
            };
            let convolutions = (0..).zip(vgg11(size)).map(convolution).collect::<Result<Vec<_>>>()?;
            let classes = nn::linear(8 * size, 10, vb.pp("classes"))?;
            Ok(Box::new(move |images| {
                let layer = |images: Tensor, (convolution, pooled): &(Conv2d, bool)| {
                    let features = relu(&images.apply(convolution)?)?;
                    if *pooled { pool(&features) } else { Ok(features) }
                };
                flatten(&convolutions.iter().try_fold(images.clone(), layer)?)?.apply(&classes)
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
            let classes = nn::linear(256, 10, vb.pp("classes"))?;
            Ok(Box::new(move |images| {
                let layer = |images: Tensor, layer: &Normalised| relu6(&layer.forward(&images)?);
                let stem = layer(images.clone(), &stem)?;
                let features = separables.iter().flatten().try_fold(stem, layer)?;
                mean(&features)?.apply(&classes)
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
            let classes = nn::linear(features, 10, vb.pp("classes"))?;
            Ok(Box::new(move |images| {
                let stem = relu(&stem.forward(images)?)?;
                let features = blocks.iter().try_fold(stem, |images, block| block.forward(&images))?;
                mean(&features)?.apply(&classes)
            }))
        }
        _ => {
            let layers = linears(&[784, size, size, 10], vb)?;
            Ok(Box::new(move |images| through(&layers, images.clone(), relu)))
        }
    }
}

fn linears(sizes: &[usize], vb: VarBuilder) -> Result<Vec<nn::Linear>> {
    let layer = |(index, sizes): (usize, &[usize])| {
        nn::linear(sizes[0], sizes[1], vb.pp(format!("linear.{index}")))
    };
    sizes.windows(2).enumerate().map(layer).collect()
}

/// Through linear layers with `activation` between them.
fn through(
    layers: &[nn::Linear],
    mut values: Tensor,
    activation: fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    for (index, layer) in layers.iter().enumerate() {
        values = layer.forward(&values)?;
        if index + 1 < layers.len() {
            values = activation(&values)?;
        }
    }
    Ok(values)
}

struct Normalised {
    convolution: Conv2d,
    norm: nn::BatchNorm,
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
            convolution: nn::conv2d_no_bias(inputs, outputs, kernel, config, vb.pp("conv"))?,
            norm: nn::batch_norm(outputs, 1e-5, vb.pp("bn"))?,
        })
    }

    /// Of 3×3, in groups with as many outputs as channels.
    fn grouped(channels: usize, groups: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let config = Conv2dConfig { padding: 1, stride, groups, ..Default::default() };
        Ok(Self {
            convolution: nn::conv2d_no_bias(channels, channels, 3, config, vb.pp("conv"))?,
            norm: nn::batch_norm(channels, 1e-5, vb.pp("bn"))?,
        })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.norm.forward_t(&images.apply(&self.convolution)?, true)
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
        let layer = |images: Tensor, layer: &Normalised| relu(&layer.forward(&images)?);
        let hidden = self.hidden.iter().try_fold(images.clone(), layer)?;
        let result = self.last.forward(&hidden)?;
        match &self.shortcut {
            Some(shortcut) => add_relu(&result, &shortcut.forward(images)?),
            None => add_relu(&result, images),
        }
    }
}
