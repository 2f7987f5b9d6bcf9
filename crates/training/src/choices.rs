//! What a recipe chooses from.

use serde::{Deserialize, Serialize};

/// What pairs are drawn from, and which runs share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairDraw {
    /// New pairs for every run, the same for all variants of that run.
    EachRun,
    /// PyTorch's generator, seeded with the sweep's seed, draws once for each of the four kinds:
    /// basic, auxiliary loss, weight sharing, both, in this order. All runs of a kind share its
    /// draw, with either backbone; kinds do not share theirs ([`pairnet_data::torch_pairs`]).
    PytorchOncePerKind,
}

/// What becomes of Adam's state between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdamState {
    /// Kept through the run.
    Kept,
    /// The optimiser is made anew at every step, so that no moment survives.
    RemadeEachStep,
}

/// The loss of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MainLoss {
    /// Binary cross-entropy on the logit.
    BinaryCrossEntropy,
    /// Mean squared error of the logit's sigmoid.
    SquaredErrorOfSigmoid,
}

/// The loss of the digit classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuxiliaryLoss {
    /// Cross-entropy on the digit logits.
    CrossEntropy,
    /// Cross-entropy that takes the softmax for logits: softmax twice.
    CrossEntropyOfSoftmax,
}

/// How accuracies are measured after training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationMode {
    /// Batch norm uses running statistics, dropout is off.
    Evaluation,
    /// Batch norm uses the statistics of each batch, dropout stays on.
    Training,
}

/// Which training accuracy is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainAccuracy {
    /// Over the training pairs after the last epoch, measured as the test accuracy is.
    AfterLastEpoch,
    /// Counted during the last epoch, each batch before its update.
    DuringLastEpoch,
}

/// What moves the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserKind {
    /// [`pairnet_ops::Adam`]; weight decay is added to the gradient.
    #[default]
    Adam,
    /// [`pairnet_ops::AdamW`]; weight decay is apart from the gradient.
    Adamw,
    /// [`pairnet_ops::Sgd`], with momentum where the recipe has some.
    Sgd,
}

/// How the learning rate goes through a run, step by step ([`crate::LearningRate`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same at each step.
    #[default]
    Constant,
    /// Down to 0 along half a cosine (Loshchilov and Hutter, 2017, without restarts).
    Cosine,
    /// Up to the learning rate and down to almost 0 (Smith and Topin, 2019).
    OneCycle,
}

/// In which order a training goes through its pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairOrder {
    /// As they were drawn, in each epoch.
    #[default]
    Fixed,
    /// Another random one in each epoch.
    Shuffled,
}

/// What the pixels, 0 to 255, are made into before a network sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputScale {
    /// Left as they are.
    #[default]
    Raw,
    /// Divided by 255: 0 to 1.
    Unit,
    /// Less the mean of all pixels of the run's training pairs, divided by their standard deviation.
    Standardised,
}

/// Which runs share initial weights, dropout masks and shuffles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RandomNumbers {
    /// None: each recipe and variant has its own.
    #[default]
    Own,
    /// All recipes and variants, run by run, wherever their shapes allow: common random numbers, so
    /// that differences between them are paired.
    Common,
}
