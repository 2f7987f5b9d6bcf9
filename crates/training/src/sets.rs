//! The pairs of a run, as its network sees them.

use std::borrow::Cow;

use pairnet_data::{Mnist, PairSet, Split};
use pairnet_models::Network;

use crate::TrainingError;
use crate::batches::{Batch, batches};
use crate::choices::PairOrder;
use crate::scale::PixelScale;
use crate::streams::RunId;

/// Both splits of a run, as pairs and as its network sees them.
pub(crate) struct Sets {
    pub(crate) train_pairs: PairSet,
    pub(crate) test_pairs: PairSet,
    pub(crate) scale: PixelScale,
    pub(crate) train: Vec<Batch>,
    pub(crate) test: Vec<Batch>,
}

impl Sets {
    pub(crate) fn new(
        id: &RunId<'_>,
        data: &Mnist,
        network: &Network,
    ) -> Result<Self, TrainingError> {
        let (train_pairs, test_pairs) =
            rayon::join(|| id.pairs(data, Split::Train), || id.pairs(data, Split::Test));
        let (train_pairs, test_pairs) = (train_pairs?, test_pairs?);
        let scale = PixelScale::of(id.recipe.input_scale, train_pairs.images());
        let seen = |pairs| seen(pairs, id.recipe.batch_size, scale, network);
        let (train, test) = rayon::join(|| seen(&train_pairs), || seen(&test_pairs));
        let (train, test) = (train?, test?);
        Ok(Self { train_pairs, test_pairs, scale, train, test })
    }

    /// The training pairs in the order of an epoch, counted from 0.
    pub(crate) fn epoch(
        &self,
        id: &RunId<'_>,
        epoch: usize,
        network: &Network,
    ) -> Result<Cow<'_, [Batch]>, TrainingError> {
        Ok(match id.recipe.order {
            PairOrder::Fixed => Cow::Borrowed(&self.train),
            PairOrder::Shuffled => {
                let pairs = self.train_pairs.shuffled(&mut id.order(epoch));
                Cow::Owned(seen(&pairs, id.recipe.batch_size, self.scale, network)?)
            }
        })
    }
}

fn seen(
    pairs: &PairSet,
    batch_size: usize,
    scale: PixelScale,
    network: &Network,
) -> Result<Vec<Batch>, TrainingError> {
    let mut batches = batches(pairs, batch_size, network.device())?;
    for batch in &mut batches {
        batch.images = network.lay_out(&scale.apply(&batch.images)?)?;
    }
    Ok(batches)
}
