//! What an epoch is remembered by.

use candle_core::Tensor;
use pairnet_models::Outputs;
use pairnet_record::Epoch;

use crate::batches::Batch;
use crate::evaluation::Score;
use crate::losses::Losses;

/// What training saw in an epoch so far, on the device where it was computed.
///
/// Numbers are looked at once, when the epoch is over: each look at a GPU waits until it has done all
/// that it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    losses: Vec<Losses>,
    logits: Vec<Tensor>,
}

/// The first batch one of whose losses is not finite.
pub(crate) struct NotFinite {
    pub(crate) batch: usize,
    /// Which loss it is, in words.
    pub(crate) reason: String,
}

impl Seen {
    /// Keeps a batch's losses, and what the network said before it was changed by them.
    pub(crate) fn push(&mut self, losses: &Losses, outputs: &Outputs) {
        self.losses.push(losses.detach());
        self.logits.push(outputs.logits.detach());
    }

    /// Means over the batches, and the accuracy counted while training.
    pub(crate) fn epoch(&self, batches: &[Batch]) -> candle_core::Result<Result<Epoch, NotFinite>> {
        let numbers = |loss: fn(&Losses) -> Option<&Tensor>| -> candle_core::Result<Vec<f32>> {
            let losses: Vec<&Tensor> = self.losses.iter().filter_map(loss).collect();
            if losses.is_empty() { Ok(Vec::new()) } else { Tensor::stack(&losses, 0)?.to_vec1() }
        };
        let main = numbers(|losses| Some(&losses.main))?;
        let auxiliary = numbers(|losses| losses.auxiliary.as_ref())?;
        let total = numbers(|losses| Some(&losses.total))?;
        for batch in 0..total.len() {
            for (name, losses) in [("main", &main), ("auxiliary", &auxiliary), ("total", &total)] {
                if let Some(loss) = losses.get(batch).filter(|loss| !loss.is_finite()) {
                    let reason = format!("{name} loss is {loss}");
                    return Ok(Err(NotFinite { batch, reason }));
                }
            }
        }
        let score = Score::of_batches(&self.logits, batches)?;
        let mean = |losses: &[f32]| {
            losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len() as f64
        };
        Ok(Ok(Epoch {
            total_loss: mean(&total),
            main_loss: mean(&main),
            auxiliary_loss: (!auxiliary.is_empty()).then(|| mean(&auxiliary)),
            train_accuracy: score.percent(),
            test_accuracy: None,
        }))
    }
}
