//! Networks as values: what layers there are, before any of them has weights.

/// A network that compares two digits and ends in one logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Architecture {
    /// What sees one digit; `None` where the comparator sees both images at once.
    pub branch: Option<Branch>,
    /// What sees both branches' outputs side by side, or the two-channel image.
    pub comparator: &'static [Layer],
}

/// The part that sees one digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch {
    /// First to last.
    pub layers: &'static [Layer],
    /// How the last layer's result reaches the comparator.
    pub output: BranchOutput,
}

/// How a branch's result reaches the comparator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchOutput {
    /// As it is.
    Features,
    /// Through a sigmoid.
    Sigmoid,
    /// As ten digit logits: their softmax reaches the comparator, and they are a result of their
    /// own for the auxiliary loss.
    Digits,
}

/// Weights and what follows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// The weights.
    pub weights: Weights,
    /// What is done with their result, in this order.
    pub steps: &'static [Step],
}

/// The weights of a layer; each has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// `inputs` → `outputs` channels under a square kernel, stride 1, no padding.
    Convolution {
        /// Channels in.
        inputs: usize,
        /// Channels out.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: usize,
    },
    /// `inputs` → `outputs` units.
    Linear {
        /// Units in.
        inputs: usize,
        /// Units out.
        outputs: usize,
    },
}

/// What can follow a layer's weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// max(x, 0).
    Relu,
    /// Batch normalisation with a trained scale and shift.
    BatchNorm,
    /// Maximum of each 2×2 window, stride 2.
    MaxPool,
    /// Dropout with this probability of dropping.
    Dropout(f64),
}

/// A convolution and what follows it.
pub(crate) const fn convolution(
    inputs: usize,
    outputs: usize,
    kernel: usize,
    steps: &'static [Step],
) -> Layer {
    Layer { weights: Weights::Convolution { inputs, outputs, kernel }, steps }
}

/// A fully connected layer and what follows it.
pub(crate) const fn linear(inputs: usize, outputs: usize, steps: &'static [Step]) -> Layer {
    Layer { weights: Weights::Linear { inputs, outputs }, steps }
}

impl Weights {
    /// The shape of the weight, outputs first.
    pub fn shape(&self) -> Vec<usize> {
        match *self {
            Weights::Convolution { inputs, outputs, kernel } => {
                vec![outputs, inputs, kernel, kernel]
            }
            Weights::Linear { inputs, outputs } => vec![outputs, inputs],
        }
    }

    /// Channels or units out.
    pub fn outputs(&self) -> usize {
        match *self {
            Weights::Convolution { outputs, .. } | Weights::Linear { outputs, .. } => outputs,
        }
    }

    /// Inputs that one output sums over.
    pub fn fan_in(&self) -> usize {
        self.shape()[1..].iter().product()
    }
}

impl Layer {
    /// Trained numbers: weight, bias, and batch norm's scale and shift.
    pub fn parameters(&self) -> usize {
        let outputs = self.weights.outputs();
        let normalised = if self.steps.contains(&Step::BatchNorm) { 2 * outputs } else { 0 };
        outputs * self.weights.fan_in() + outputs + normalised
    }
}
