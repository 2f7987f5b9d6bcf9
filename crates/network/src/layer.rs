//! Layers, and the steps after their weights.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Weights and what follows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The weights.
    pub weights: Weights,
    /// What is done with their result, in this order.
    pub steps: Vec<Step>,
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
        /// Height and width of the kernel, in pixels.
        kernel: usize,
    },
    /// `inputs` → `outputs` units. An image is flattened: channels, then rows, then columns.
    Linear {
        /// Units in.
        inputs: usize,
        /// Units out.
        outputs: usize,
    },
}

/// What can follow a layer's weights; as text `relu`, `batch-norm`, `max-pool`, `dropout 0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Step {
    /// max(x, 0).
    Relu,
    /// Batch normalisation with a trained scale and shift; at most once a layer.
    BatchNorm,
    /// Maximum of each 2×2 window, stride 2; a last odd row or column is left out.
    MaxPool,
    /// Dropout with this probability of dropping, from 0 to below 1.
    Dropout(f64),
}

/// There is no step of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no step '{step}'; the steps are relu, batch-norm, max-pool and dropout with a \
     probability, such as dropout 0.5"
)]
pub struct UnknownStep {
    /// What was asked for.
    pub step: String,
}

impl Layer {
    /// A convolution and what follows it.
    pub fn convolution(inputs: usize, outputs: usize, kernel: usize, steps: &[Step]) -> Self {
        Self { weights: Weights::Convolution { inputs, outputs, kernel }, steps: steps.to_vec() }
    }

    /// A fully connected layer and what follows it.
    pub fn linear(inputs: usize, outputs: usize, steps: &[Step]) -> Self {
        Self { weights: Weights::Linear { inputs, outputs }, steps: steps.to_vec() }
    }

    /// Trained numbers: weight, bias, and batch norm's scale and shift.
    pub fn parameters(&self) -> usize {
        let each = if self.steps.contains(&Step::BatchNorm) { 3 } else { 1 };
        self.weights.fan_in().saturating_add(each).saturating_mul(self.weights.outputs())
    }
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
        self.shape()[1..].iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Relu => f.write_str("relu"),
            Step::BatchNorm => f.write_str("batch-norm"),
            Step::MaxPool => f.write_str("max-pool"),
            Step::Dropout(probability) => write!(f, "dropout {probability}"),
        }
    }
}

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, UnknownStep> {
        let unknown = || UnknownStep { step: text.to_owned() };
        Ok(match text {
            "relu" => Step::Relu,
            "batch-norm" => Step::BatchNorm,
            "max-pool" => Step::MaxPool,
            _ => {
                let probability = text.strip_prefix("dropout ").ok_or_else(unknown)?;
                Step::Dropout(probability.parse().map_err(|_| unknown())?)
            }
        })
    }
}

impl TryFrom<String> for Step {
    type Error = UnknownStep;

    fn try_from(text: String) -> Result<Self, UnknownStep> {
        text.parse()
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        step.to_string()
    }
}
