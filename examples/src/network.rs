// candle's MNIST network (candle-examples/examples/mnist-training in candle's repository has the same
// sizes), for whichever `nn` and `pool` stand before it.

use candle_core::{D, Module, ModuleT, Result, Tensor, Var};

use nn::Optimizer;

pub struct Network {
    first: nn::Conv2d,
    second: nn::Conv2d,
    hidden: nn::Linear,
    classes: nn::Linear,
    dropout: nn::Dropout,
}

impl Network {
    pub fn new(vb: nn::VarBuilder) -> Result<Self> {
        Ok(Self {
            first: nn::conv2d(1, 32, 5, Default::default(), vb.pp("c1"))?,
            second: nn::conv2d(32, 64, 5, Default::default(), vb.pp("c2"))?,
            hidden: nn::linear(64 * 4 * 4, 1024, vb.pp("fc1"))?,
            classes: nn::linear(1024, 10, vb.pp("fc2"))?,
            dropout: nn::Dropout::new(0.5),
        })
    }

    /// (n, 1, 28, 28) → log-probabilities (n, 10).
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let features = pool(&images.apply(&self.first)?)?;
        let features = pool(&features.apply(&self.second)?)?.flatten_from(1)?;
        let hidden = self.hidden.forward(&features)?.relu()?;
        let logits = self.classes.forward(&self.dropout.forward_t(&hidden, train)?)?;
        nn::ops::log_softmax(&logits, D::Minus1)
    }
}

/// Once over the batches.
pub fn train(network: &Network, variables: Vec<Var>, batches: &[(Tensor, Tensor)]) -> Result<()> {
    let mut adam = nn::AdamW::new_lr(variables, 0.001)?;
    for (images, classes) in batches {
        let loss = nn::loss::nll(&network.forward(images, true)?, classes)?;
        adam.backward_step(&loss)?;
    }
    Ok(())
}
