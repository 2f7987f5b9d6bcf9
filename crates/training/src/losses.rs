//! What a recipe minimises.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::{log_softmax, sigmoid};
use pairnet_models::{Architecture, Kernels, Outputs};
use pairnet_ops::mean_squared_error;

use crate::batches::Batch;
use crate::choices::{AuxiliaryLoss, MainLoss};
use crate::recipe::Recipe;

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
    let smoothing = recipe.label_smoothing;
    let targets = match smoothing {
        0.0 => batch.targets.clone(),
        // What remains of a target, and a half of what is spread over yes and no.
        _ => batch.targets.affine(1.0 - smoothing, smoothing / 2.0)?,
    };
    let main = match recipe.main_loss {
        MainLoss::BinaryCrossEntropy => {
            kernels.binary_cross_entropy_with_logits(&outputs.logits, &targets)?
        }
        MainLoss::SquaredErrorOfSigmoid => {
            mean_squared_error(&sigmoid(&outputs.logits)?, &targets)?
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
    let mean = smoothed_cross_entropy(&scores, &batch.classes, smoothing, kernels)?;
    // The mean over both digits' rows, twice: the sum of the two digits' means.
    let auxiliary = (mean * 2.0)?;
    let total = ((&auxiliary * recipe.auxiliary_weight)? + (&main * recipe.main_weight)?)?;
    Ok(Losses { total, main, auxiliary: Some(auxiliary) })
}

/// Cross-entropy whose targets are spread over all classes by `smoothing`, as
/// [`torch.nn.CrossEntropyLoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html)
/// with `label_smoothing`: (1 − ε) of the classes' own, and ε of the mean over all classes.
fn smoothed_cross_entropy(
    scores: &Tensor,
    classes: &Tensor,
    smoothing: f64,
    kernels: Kernels,
) -> Result<Tensor> {
    let own = kernels.cross_entropy(scores, classes)?;
    if smoothing == 0.0 {
        return Ok(own);
    }
    let of_all = log_softmax(scores, D::Minus1)?.mean_all()?.neg()?;
    (own * (1.0 - smoothing))? + (of_all * smoothing)?
}

impl Losses {
    /// The same values, without what they were computed from.
    pub(crate) fn detach(&self) -> Self {
        Self {
            total: self.total.detach(),
            main: self.main.detach(),
            auxiliary: self.auxiliary.as_ref().map(Tensor::detach),
        }
    }
}
