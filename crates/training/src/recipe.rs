//! Recipes: everything about training that is not the network, as values.

use pairnet_data::Split;
use pairnet_ops::AdamSettings;
use serde::{Deserialize, Serialize};

use crate::choices::{
    AdamState, AuxiliaryLoss, EvaluationMode, InputScale, MainLoss, OptimiserKind, PairDraw,
    PairOrder, RandomNumbers, Schedule, TrainAccuracy,
};

/// Everything about training that is not the network.
///
/// The constructors give each field's source: "text" is the paper, "code" the authors' released
/// program (`vmous93/deep-learning-mini-projects`, folder `Project_1`), "practice" what is usual
/// where the text is silent.
///
/// As JSON, fields that neither of them has are left out where they are at their default, so that
/// what follows from a recipe keeps its hash when recipes get new fields ([`pairnet_record::Origin`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// As it is written on the command line and in files.
    pub name: String,
    /// Pairs in the test set, and in the training set where [`Recipe::training_pairs`] says nothing.
    pub pairs: usize,
    /// Pairs in the training set, where these are not [`Recipe::pairs`]. The first ones of a run are the
    /// same however many there are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub training_pairs: Option<usize>,
    /// What pairs are drawn from, and which runs share them.
    pub pair_draw: PairDraw,
    /// Passes over the training pairs.
    pub epochs: usize,
    /// Pairs a batch; the last may be short.
    pub batch_size: usize,
    /// In which order the training goes through its pairs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: PairOrder,
    /// What the pixels are made into.
    #[serde(default, skip_serializing_if = "is_default")]
    pub input_scale: InputScale,
    /// What moves the weights.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimiser: OptimiserKind,
    /// The optimiser's learning rate, of which a schedule takes its share.
    pub learning_rate: f64,
    /// How the learning rate goes through a run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// Epochs in which the learning rate rises from 0, before the schedule begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub warm_up: usize,
    /// SGD's momentum.
    #[serde(default, skip_serializing_if = "is_default")]
    pub momentum: f64,
    /// The optimiser's weight decay, of all parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight_decay: f64,
    /// The norm of all gradients together that a step may have; longer ones are made as long
    /// ([`pairnet_ops::clip_gradient_norm`]).
    #[serde(default, skip_serializing_if = "is_default")]
    pub gradient_clip: Option<f64>,
    /// Adam's decay of the mean of gradients.
    pub beta1: f64,
    /// Adam's decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of Adam's second moment.
    pub epsilon: f64,
    /// What becomes of the optimiser's state between steps.
    pub adam_state: AdamState,
    /// The loss of the comparison.
    pub main_loss: MainLoss,
    /// The loss of the digit classes, for networks that tell them.
    pub auxiliary_loss: AuxiliaryLoss,
    /// Factor of the main loss where there is an auxiliary one; alone it counts once.
    pub main_weight: f64,
    /// Factor of each digit's auxiliary loss.
    pub auxiliary_weight: f64,
    /// How much of a target is spread over all classes: of ten digits, and of yes and no (Szegedy et
    /// al., 2016).
    #[serde(default, skip_serializing_if = "is_default")]
    pub label_smoothing: f64,
    /// How accuracies are measured after training.
    pub evaluation: EvaluationMode,
    /// Which training accuracy is reported.
    pub train_accuracy: TrainAccuracy,
    /// Which runs share initial weights, dropout masks and shuffles.
    #[serde(default, skip_serializing_if = "is_default")]
    pub random_numbers: RandomNumbers,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
            name: "paper".to_owned(),
            pairs: 1_000, // text, section 2
            training_pairs: None,
            pair_draw: PairDraw::EachRun,   // practice
            epochs: 25,                     // text, section 4
            batch_size: 200,                // text, section 4
            order: PairOrder::Fixed,        // code
            input_scale: InputScale::Raw,   // code
            optimiser: OptimiserKind::Adam, // text, section 4
            learning_rate: 0.01,            // text, section 4
            schedule: Schedule::Constant,   // practice
            warm_up: 0,
            momentum: 0.0,
            weight_decay: 0.0,
            gradient_clip: None,
            beta1: 0.9, // practice: Adam's defaults
            beta2: 0.999,
            epsilon: 1e-8,
            adam_state: AdamState::Kept,                 // practice
            main_loss: MainLoss::BinaryCrossEntropy,     // practice
            auxiliary_loss: AuxiliaryLoss::CrossEntropy, // practice
            main_weight: 0.3,                            // text, section 3
            auxiliary_weight: 0.5,                       // text, section 3
            label_smoothing: 0.0,
            evaluation: EvaluationMode::Evaluation, // practice
            train_accuracy: TrainAccuracy::AfterLastEpoch, // practice
            random_numbers: RandomNumbers::Own,
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
            name: "authors".to_owned(),
            pair_draw: PairDraw::PytorchOncePerKind, // code
            adam_state: AdamState::RemadeEachStep,   // code
            main_loss: MainLoss::SquaredErrorOfSigmoid, // code
            auxiliary_loss: AuxiliaryLoss::CrossEntropyOfSoftmax, // code
            auxiliary_weight: 0.05,                  // code; the text says 0.5
            evaluation: EvaluationMode::Training,    // code
            train_accuracy: TrainAccuracy::DuringLastEpoch, // code
            // Text and code agree in all else.
            ..Self::paper()
        }
    }

    /// The names of both recipes, in the order of [`Recipe::all`].
    pub const NAMES: [&'static str; 2] = ["paper", "authors"];

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

    /// How many pairs a split has.
    pub fn pairs_of(&self, split: Split) -> usize {
        match split {
            Split::Train => self.training_pairs.unwrap_or(self.pairs),
            Split::Test => self.pairs,
        }
    }

    /// Adam's constants.
    pub fn adam(&self) -> AdamSettings {
        let Self { learning_rate, beta1, beta2, epsilon, weight_decay, .. } = *self;
        AdamSettings { learning_rate, beta1, beta2, epsilon, weight_decay }
    }
}
