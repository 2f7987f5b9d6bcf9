//! What a forward pass does beside the arithmetic.

use candle_core::{Result, Shape, Tensor, bail};
use pairnet_ops::BatchStatistics;

/// Where dropout's masks come from.
pub trait Masks {
    /// A mask of this shape, (n, units) or (n, channels, height, width), U8: 1 where a value is kept,
    /// 0 where it is dropped, which happens with `probability`.
    ///
    /// # Errors
    ///
    /// Where there is no such mask.
    fn draw(&mut self, shape: &Shape, probability: f64) -> Result<Tensor>;
}

/// The masks of layers that have no dropout.
pub(crate) struct NoMasks;

impl Masks for NoMasks {
    fn draw(&mut self, shape: &Shape, _probability: f64) -> Result<Tensor> {
        bail!("there is no mask of shape {shape:?}")
    }
}

/// The statistics of the batches that batch norm saw, each with its layer's name.
pub(crate) type Statistics = Vec<(String, BatchStatistics)>;

/// What a forward pass does beside the arithmetic.
pub(crate) enum Pass<'a> {
    Training { masks: &'a mut dyn Masks, statistics: Statistics },
    Evaluation,
}

impl Pass<'_> {
    pub(crate) fn into_statistics(self) -> Statistics {
        match self {
            Pass::Training { statistics, .. } => statistics,
            Pass::Evaluation => Vec::new(),
        }
    }
}
