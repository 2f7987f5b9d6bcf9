//! How often a network is right.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use pairnet_models::{Masks, Network, Outputs};

use crate::batches::Batch;
use crate::choices::EvaluationMode;

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

    /// [`Score::of`] all batches together, of which each has its logits.
    pub(crate) fn of_batches(logits: &[Tensor], batches: &[Batch]) -> Result<Self> {
        if logits.is_empty() {
            return Ok(Self::default());
        }
        let targets: Vec<&Tensor> = batches.iter().map(|batch| &batch.targets).collect();
        Self::of(&Tensor::cat(logits, 0)?, &Tensor::cat(&targets, 0)?)
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        100.0 * self.right as f64 / self.all as f64
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
    let mut outputs = Vec::with_capacity(batches.len());
    for batch in batches {
        let said = match mode {
            EvaluationMode::Evaluation => network.evaluate(&batch.images)?,
            EvaluationMode::Training => network.train(&batch.images, masks)?,
        };
        // Kept as they are, they would keep every layer's result too.
        outputs.push(said.detach());
    }
    // Looked at when all is asked for: a look at a GPU waits until it is done.
    let logits: Vec<Tensor> = outputs.iter().map(|said| said.logits.clone()).collect();
    for logits in &logits {
        if logits.to_vec1::<f32>()?.iter().any(|logit| !logit.is_finite()) {
            return Ok(None);
        }
    }
    let score = Score::of_batches(&logits, batches)?;
    Ok(Some(Evaluation { score, outputs }))
}
