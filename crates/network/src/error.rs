//! What can be wrong with a network.

use crate::architecture::MOST_PARAMETERS;

/// What can be wrong with a network. Layers are named `branch.0`, `comparator.0`, whether branches
/// share their weights or not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A name that cannot stand in a path.
    #[error(
        "a network cannot be named '{name}': a name has letters, digits, '-', '_' and '.', and \
         begins with a letter or a digit"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A part has no layers.
    #[error("the {part} has no layers")]
    NoLayers {
        /// `branch` or `comparator`.
        part: &'static str,
    },
    /// Weights of no inputs, of no outputs or under no kernel.
    #[error("{layer} has {what}")]
    Zero {
        /// The layer.
        layer: String,
        /// Which of its sizes is 0, in words.
        what: &'static str,
    },
    /// What comes in is not what the weights take.
    #[error("{layer} takes {takes} {unit}, {before} gives {gives}")]
    Inputs {
        /// The layer.
        layer: String,
        /// How many it takes.
        takes: usize,
        /// Inputs, or channels of a convolution.
        unit: &'static str,
        /// What comes before it.
        before: String,
        /// How many that gives.
        gives: usize,
    },
    /// A convolution or a pooling where there is no image any more.
    #[error("{layer} has a {what}, which takes an image; {before} gives none")]
    NoImage {
        /// The layer.
        layer: String,
        /// What takes an image.
        what: &'static str,
        /// What comes before it.
        before: String,
    },
    /// The kernel, or the window of a pooling, is larger than its image.
    #[error("{layer} has a {what} of {size}×{size} for an image of {side}×{side}")]
    LargerThanImage {
        /// The layer.
        layer: String,
        /// `kernel` or `max-pool`.
        what: &'static str,
        /// Its height and width.
        size: usize,
        /// Those of the image.
        side: usize,
    },
    /// Batch norm more than once in a layer.
    #[error("{layer} has batch-norm twice")]
    BatchNormTwice {
        /// The layer.
        layer: String,
    },
    /// A probability of dropping that is none, or that leaves nothing.
    #[error("{layer} has dropout {probability}: from 0 to below 1 is possible")]
    Dropout {
        /// The layer.
        layer: String,
        /// The probability.
        probability: f64,
    },
    /// A branch that tells digits has not ten outputs.
    #[error("{layer} gives {outputs} outputs, there are 10 digits")]
    Digits {
        /// The last layer of the branch.
        layer: String,
        /// What it gives.
        outputs: usize,
    },
    /// The last layer does not give one logit.
    #[error("{layer} gives {outputs} outputs, the last layer has to give 1")]
    LastLayer {
        /// The last layer of the comparator.
        layer: String,
        /// What it gives.
        outputs: usize,
    },
    /// Weights to be shared by branches that there are not.
    #[error("weights are shared by two branches, there are none")]
    NothingToShare,
    /// A digit loss without digits.
    #[error("an auxiliary loss takes a branch whose output is digits")]
    NoDigits,
    /// Sizes that no machine holds.
    #[error("{layer} is too large: a network has at most {MOST_PARAMETERS} parameters")]
    TooLarge {
        /// The layer with which it becomes so.
        layer: String,
    },
    /// The count beside a network is not that of its layers.
    #[error("network '{name}' has {counted} parameters, not {written}")]
    Parameters {
        /// The network.
        name: String,
        /// As it is written.
        written: usize,
        /// As the layers have it.
        counted: usize,
    },
}
