// A network of two convolutions, written once: `nn` is candle-nn, or what takes its place.

use candle_core::{Module, ModuleT, Result, Tensor};

pub(super) struct Network {
    first: nn::Conv2d,
    norm: nn::BatchNorm,
    second: nn::Conv2d,
    hidden: nn::Linear,
    classes: nn::Linear,
}

impl Network {
    pub(super) fn new(vb: nn::VarBuilder) -> Result<Self> {
        let grouped = nn::Conv2dConfig { padding: 1, stride: 2, groups: 2, ..Default::default() };
        Ok(Self {
            first: nn::conv2d(1, 6, 5, Default::default(), vb.pp("first"))?,
            norm: nn::batch_norm(6, 1e-5, vb.pp("norm"))?,
            second: nn::conv2d_no_bias(6, 8, 3, grouped, vb.pp("second"))?,
            hidden: nn::linear_no_bias(8 * 5 * 5, 20, vb.pp("hidden"))?,
            classes: nn::linear(20, 10, vb.pp("classes"))?,
        })
    }

    /// (n, 1, 14, 14) → (n, 10).
    pub(super) fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let features = self.norm.forward_t(&images.apply(&self.first)?, train)?;
        let features = features.apply(&self.second)?.flatten_from(1)?;
        self.classes.forward(&features.apply(&self.hidden)?.tanh()?)
    }

    /// Both forms of one convolution and the batch norm after it, (n, 1, 14, 14) → (n, 6, 10, 10).
    pub(super) fn absorbed(&self, images: &Tensor) -> Result<[Tensor; 2]> {
        let apart = self.norm.forward_t(&images.apply(&self.first)?, false)?;
        Ok([apart, images.apply(&self.first.absorb_bn(&self.norm)?)?])
    }
}
