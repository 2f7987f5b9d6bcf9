//! How often a network is right.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use pairnet_models::{Masks, Network, Outputs};

use crate::batches::Batch;
use crate::recipe::EvaluationMode;

/// How many predictions were right, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Right predictions.
    pub right: usize,
    /// All predictions.
    pub all: usize,
}

impl Score {
    /// Counts the logits whose sigmoid is above 0.5 exactly where the target is 1.
    ///
    /// # Errors
    ///
    /// Where `logits` and `targets` are not (n) and of dtype F32.
    pub fn of(logits: &Tensor, targets: &Tensor) -> Result<Self> {
        let probabilities = sigmoid(&logits.detach())?.to_vec1::<f32>()?;
        let targets = targets.to_vec1::<f32>()?;
        let pairs = probabilities.iter().zip(&targets);
        let right = pairs.filter(|&(&probability, &target)| (probability > 0.5) == (target == 1.0));
        Ok(Self { right: right.count(), all: targets.len() })
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        100.0 * self.right as f64 / self.all as f64
    }
}

impl std::ops::Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { right: self.right + other.right, all: self.all + other.all }
    }
}

/// What a network said of some batches, and how often it was right.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Over all batches.
    pub score: Score,
    /// One a batch, detached from what they were computed with.
    pub outputs: Vec<Outputs>,
}

/// What `network` says of `batches`; `None` where a logit is not finite.
///
/// In training mode the batch statistics and the masks are those of a training pass; they change
/// the network's running statistics, which that mode never reads.
///
/// # Errors
///
/// Where a batch does not fit the network.
pub fn evaluate(
    network: &mut Network,
    batches: &[Batch],
    mode: EvaluationMode,
    masks: &mut dyn Masks,
) -> Result<Option<Evaluation>> {
    let mut evaluation = Evaluation::default();
    for batch in batches {
        let outputs = match mode {
            EvaluationMode::Evaluation => network.evaluate(&batch.images)?,
            EvaluationMode::Training => network.train(&batch.images, masks)?,
        };
        if outputs.logits.to_vec1::<f32>()?.iter().any(|logit| !logit.is_finite()) {
            return Ok(None);
        }
        evaluation.score = evaluation.score + Score::of(&outputs.logits, &batch.targets)?;
        // Kept as they are, they would keep every layer's result too.
        evaluation.outputs.push(outputs.detach());
    }
    Ok(Some(evaluation))
}
