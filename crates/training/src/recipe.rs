//! Recipes: everything about training that is not the network, as values.

use pairnet_ops::AdamSettings;
use serde::Serialize;

/// Everything about training that is not the network.
///
/// The constructors give each field's source: "text" is the paper, "code" the authors' released
/// program (`vmous93/deep-learning-mini-projects`, folder `Project_1`), "practice" what is usual
/// where the text is silent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// As it is written on the command line and in files.
    pub name: &'static str,
    /// Pairs in the training set, and as many in the test set.
    pub pairs: usize,
    /// What pairs are drawn from, and which runs share them.
    pub pair_draw: PairDraw,
    /// Passes over the training pairs.
    pub epochs: usize,
    /// Pairs a batch; batches come in a fixed order, the last may be short.
    pub batch_size: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Adam's decay of the mean of gradients.
    pub beta1: f64,
    /// Adam's decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of Adam's second moment.
    pub epsilon: f64,
    /// What becomes of Adam's state between steps.
    pub adam_state: AdamState,
    /// The loss of the comparison.
    pub main_loss: MainLoss,
    /// The loss of the digit classes, for networks that tell them.
    pub auxiliary_loss: AuxiliaryLoss,
    /// Factor of the main loss where there is an auxiliary one; alone it counts once.
    pub main_weight: f64,
    /// Factor of each digit's auxiliary loss.
    pub auxiliary_weight: f64,
    /// How accuracies are measured after training.
    pub evaluation: EvaluationMode,
    /// Which training accuracy is reported.
    pub train_accuracy: TrainAccuracy,
}

/// What pairs are drawn from, and which runs share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdamState {
    /// Kept through the run.
    Kept,
    /// The optimiser is made anew at every step, so that no moment survives.
    RemadeEachStep,
}

/// The loss of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MainLoss {
    /// Binary cross-entropy on the logit.
    BinaryCrossEntropy,
    /// Mean squared error of the logit's sigmoid.
    SquaredErrorOfSigmoid,
}

/// The loss of the digit classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuxiliaryLoss {
    /// Cross-entropy on the digit logits.
    CrossEntropy,
    /// Cross-entropy that takes the softmax for logits: softmax twice.
    CrossEntropyOfSoftmax,
}

/// How accuracies are measured after training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationMode {
    /// Batch norm uses running statistics, dropout is off.
    Evaluation,
    /// Batch norm uses the statistics of each batch, dropout stays on.
    Training,
}

/// Which training accuracy is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainAccuracy {
    /// Over the training pairs after the last epoch, measured as the test accuracy is.
    AfterLastEpoch,
    /// Counted during the last epoch, each batch before its update.
    DuringLastEpoch,
}

/// There is no recipe of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no recipe '{name}'; the recipes are paper, authors")]
pub struct UnknownRecipe {
    /// The name that was asked for.
    pub name: String,
}

impl Recipe {
    /// The paper's text, with usual practice where it is silent.
    ///
    /// Test accuracies of an independent PyTorch implementation, mean over ten runs: 79.8 `mlp`,
    /// 84.4 `mlp-ws`, 94.5 `mlp-al`, 95.7 `mlp-ws-al`, 80.1 `lenet5`, 84.2 `lenet5-ws`,
    /// 96.6 `lenet5-al`, 97.3 `lenet5-ws-al`.
    pub fn paper() -> Self {
        Self {
            name: "paper",
            pairs: 1_000,                 // text, section 2
            pair_draw: PairDraw::EachRun, // practice
            epochs: 25,                   // text, section 4
            batch_size: 200,              // text, section 4
            learning_rate: 0.01,          // text, section 4
            beta1: 0.9,                   // practice: Adam's defaults
            beta2: 0.999,
            epsilon: 1e-8,
            adam_state: AdamState::Kept,                   // practice
            main_loss: MainLoss::BinaryCrossEntropy,       // practice
            auxiliary_loss: AuxiliaryLoss::CrossEntropy,   // practice
            main_weight: 0.3,                              // text, section 3
            auxiliary_weight: 0.5,                         // text, section 3
            evaluation: EvaluationMode::Evaluation,        // practice
            train_accuracy: TrainAccuracy::AfterLastEpoch, // practice
        }
    }

    /// The authors' released program, which made the paper's tables: with seed 0, that program's
    /// default, on the same pairs.
    ///
    /// Test accuracies of that program run again on these pairs, mean over ten runs: 79.1 `mlp`,
    /// 84.6 `mlp-ws`, 92.3 `mlp-al`, 93.8 `mlp-ws-al`, 80.1 `lenet5`, 84.4 `lenet5-ws`,
    /// 94.5 `lenet5-al`, 95.6 `lenet5-ws-al`.
    pub fn authors() -> Self {
        Self {
            name: "authors",
            pairs: 1_000,                            // text and code
            pair_draw: PairDraw::PytorchOncePerKind, // code
            epochs: 25,                              // text and code
            batch_size: 200,                         // text and code
            learning_rate: 0.01,                     // text and code
            beta1: 0.9,                              // code: the defaults of torch.optim.Adam
            beta2: 0.999,
            epsilon: 1e-8,
            adam_state: AdamState::RemadeEachStep,      // code
            main_loss: MainLoss::SquaredErrorOfSigmoid, // code
            auxiliary_loss: AuxiliaryLoss::CrossEntropyOfSoftmax, // code
            main_weight: 0.3,                           // text and code
            auxiliary_weight: 0.05,                     // code; the text says 0.5
            evaluation: EvaluationMode::Training,       // code
            train_accuracy: TrainAccuracy::DuringLastEpoch, // code
        }
    }

    /// Both recipes, in the order in which a sweep trains them.
    pub fn all() -> [Self; 2] {
        [Self::paper(), Self::authors()]
    }

    /// The recipe of that name.
    ///
    /// # Errors
    ///
    /// Where there is none; the error lists those that there are.
    pub fn named(name: &str) -> Result<Self, UnknownRecipe> {
        Self::all()
            .into_iter()
            .find(|recipe| recipe.name == name)
            .ok_or_else(|| UnknownRecipe { name: name.to_owned() })
    }

    /// Adam's constants.
    pub fn adam(&self) -> AdamSettings {
        let Self { learning_rate, beta1, beta2, epsilon, .. } = *self;
        AdamSettings { beta1, beta2, epsilon, ..AdamSettings::pytorch(learning_rate) }
    }
}
