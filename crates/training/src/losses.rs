//! What a recipe minimises.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use pairnet_models::{Architecture, Kernels, Outputs};
use pairnet_ops::mean_squared_error;
use pairnet_record::Epoch;

use crate::batches::Batch;
use crate::evaluation::Score;
use crate::recipe::{AuxiliaryLoss, MainLoss, Recipe};

/// The losses of one batch, each a scalar.
#[derive(Clone, Debug)]
pub struct Losses {
    /// What is minimised.
    pub total: Tensor,
    /// The loss of the comparison.
    pub main: Tensor,
    /// The sum of both digits' losses, before any factor; `None` for networks without a digit loss.
    pub auxiliary: Option<Tensor>,
}

/// The losses of `variant`'s `outputs` against what `batch` really shows.
///
/// # Errors
///
/// Where the sizes of the two differ.
pub fn losses(
    recipe: &Recipe,
    variant: &Architecture,
    outputs: &Outputs,
    batch: &Batch,
    kernels: Kernels,
) -> Result<Losses> {
    let main = match recipe.main_loss {
        MainLoss::BinaryCrossEntropy => {
            kernels.binary_cross_entropy(&outputs.logits, &batch.targets)?
        }
        MainLoss::SquaredErrorOfSigmoid => {
            mean_squared_error(&sigmoid(&outputs.logits)?, &batch.targets)?
        }
    };
    let digit_logits = outputs.digit_logits.as_ref().filter(|_| variant.auxiliary_loss);
    let Some(digit_logits) = digit_logits else {
        return Ok(Losses { total: main.clone(), main, auxiliary: None });
    };
    let digit_logits = digit_logits.flatten_to(1)?;
    let scores = match recipe.auxiliary_loss {
        AuxiliaryLoss::CrossEntropy => digit_logits,
        AuxiliaryLoss::CrossEntropyOfSoftmax => kernels.softmax(&digit_logits)?,
    };
    let mean = kernels.cross_entropy(&scores, &batch.classes)?;
    // The mean over both digits' rows, twice: the sum of the two digits' means.
    let auxiliary = (mean * 2.0)?;
    let total = ((&auxiliary * recipe.auxiliary_weight)? + (&main * recipe.main_weight)?)?;
    Ok(Losses { total, main, auxiliary: Some(auxiliary) })
}

/// The losses of one batch as numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LossValues {
    total: f64,
    main: f64,
    auxiliary: Option<f64>,
}

impl LossValues {
    pub(crate) fn of(losses: &Losses) -> Result<Self> {
        let number = |loss: &Tensor| loss.to_scalar::<f32>().map(f64::from);
        Ok(Self {
            total: number(&losses.total)?,
            main: number(&losses.main)?,
            auxiliary: losses.auxiliary.as_ref().map(number).transpose()?,
        })
    }

    /// Which loss is not finite, in words, if one is.
    pub(crate) fn not_finite(self) -> Option<String> {
        let named =
            [("main", Some(self.main)), ("auxiliary", self.auxiliary), ("total", Some(self.total))];
        named.into_iter().find_map(|(name, value)| {
            value.filter(|value| !value.is_finite()).map(|value| format!("{name} loss is {value}"))
        })
    }
}

/// What one epoch has added up so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EpochSums {
    batches: usize,
    total: f64,
    main: f64,
    auxiliary: Option<f64>,
    score: Score,
}

impl EpochSums {
    pub(crate) fn add(&mut self, values: LossValues, score: Score) {
        self.batches += 1;
        self.total += values.total;
        self.main += values.main;
        self.auxiliary = values.auxiliary.map(|value| self.auxiliary.unwrap_or_default() + value);
        self.score = self.score + score;
    }

    /// Means over the batches, and the accuracy counted while training.
    pub(crate) fn mean(&self) -> Epoch {
        let batches = self.batches as f64;
        Epoch {
            total_loss: self.total / batches,
            main_loss: self.main / batches,
            auxiliary_loss: self.auxiliary.map(|sum| sum / batches),
            train_accuracy: self.score.percent(),
            test_accuracy: None,
        }
    }
}
