//! A network in words and sizes, for whoever draws or counts it without building it.

use serde::{Deserialize, Serialize};

/// A network that compares two digits: its parts, layer by layer, without any weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    /// As records and paths have it, e.g. `lenet5-ws`.
    pub name: String,
    /// What sees the pixels, e.g. `lenet5`.
    pub backbone: String,
    /// Whether one branch, with one set of weights, sees both digits.
    pub weight_sharing: bool,
    /// Whether the digit classes are trained beside the comparison.
    pub auxiliary_loss: bool,
    /// Numbers that training may change, in all branches and the comparator.
    pub parameters: usize,
    /// What sees one digit; `None` where the comparator sees the images.
    pub branch: Option<BranchDescription>,
    /// What sees both branches' outputs, or the images; first layer to last.
    pub comparator: Vec<LayerDescription>,
}

/// The part of a network that sees one digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchDescription {
    /// First to last.
    pub layers: Vec<LayerDescription>,
    /// How the last layer's result reaches the comparator.
    pub output: BranchOutputKind,
}

/// How a branch's result reaches the comparator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchOutputKind {
    /// As it is.
    Features,
    /// Through a sigmoid.
    Sigmoid,
    /// As the probabilities of the ten digits.
    Digits,
}

/// Weights and what follows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerDescription {
    /// What the weights do.
    pub kind: LayerKind,
    /// Channels of a convolution, units of a linear layer.
    pub inputs: usize,
    /// Channels of a convolution, units of a linear layer.
    pub outputs: usize,
    /// Height and width of a convolution's kernel, in pixels; `None` for a linear layer.
    pub kernel: Option<usize>,
    /// What is done with the result, in this order: `relu`, `batch-norm`, `max-pool`,
    /// `dropout 0.5`.
    pub steps: Vec<String>,
}

/// What the weights of a layer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// A square kernel over an image, stride 1, without padding.
    Convolution,
    /// Every output sums over every input.
    Linear,
}
