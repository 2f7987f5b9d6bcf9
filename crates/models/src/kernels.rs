//! Which ops a network computes with.

use candle_core::{Result, Shape, Tensor};
use pairnet_ops::{self as ops, BatchStatistics, RunningStatistics, channels_last, reference};

/// Which ops a network computes with. The results are the same but for rounding, and so are the
/// gradients but for ReLU's at exactly 0, which candle's own lets through.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use pairnet_models::Kernels;
///
/// # fn main() -> candle_core::Result<()> {
/// let logits = Tensor::zeros((1, 2), DType::F32, &Device::Cpu)?;
/// for kernels in [Kernels::Fused, Kernels::Composed] {
///     assert_eq!(kernels.softmax(&logits)?.to_vec2::<f32>()?, [[0.5, 0.5]]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// The kernels of `pairnet-ops`.
    Fused,
    /// candle's own ops: the reference that tests and benchmarks compare with.
    Composed,
}

impl Kernels {
    /// [`ops::softmax`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn softmax(self, logits: &Tensor) -> Result<Tensor> {
        match self {
            Kernels::Fused => ops::softmax(logits),
            Kernels::Composed => reference::softmax(logits),
        }
    }

    /// [`ops::cross_entropy`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn cross_entropy(self, logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
        match self {
            Kernels::Fused => ops::cross_entropy(logits, classes),
            Kernels::Composed => reference::cross_entropy(logits, classes),
        }
    }

    /// [`ops::binary_cross_entropy_with_logits`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn binary_cross_entropy_with_logits(
        self,
        logits: &Tensor,
        targets: &Tensor,
    ) -> Result<Tensor> {
        match self {
            Kernels::Fused => ops::binary_cross_entropy_with_logits(logits, targets),
            Kernels::Composed => reference::binary_cross_entropy_with_logits(logits, targets),
        }
    }

    /// Images (n, channels, height, width) in the layout that these ops compute in.
    pub(crate) fn layout(self, images: &Tensor) -> Result<Tensor> {
        match self {
            Kernels::Fused => images.permute((0, 2, 3, 1))?.contiguous(),
            Kernels::Composed => Ok(images.clone()),
        }
    }

    /// The inverse of [`Kernels::layout`].
    pub(crate) fn channels_first(self, images: &Tensor) -> Result<Tensor> {
        match self {
            Kernels::Fused => images.permute((0, 3, 1, 2)),
            Kernels::Composed => Ok(images.clone()),
        }
    }

    /// A mask for values in this layout; it is drawn in PyTorch's, so that it is the same in both.
    pub(crate) fn mask(
        self,
        values: &Tensor,
        draw: impl FnOnce(&Shape) -> Result<Tensor>,
    ) -> Result<Tensor> {
        match values.rank() {
            4 => self.layout(&draw(self.channels_first(values)?.shape())?),
            _ => draw(values.shape()),
        }
    }

    /// The largest of each 2×2 window at stride 2, of images in this layout.
    pub(crate) fn max_pool(self, images: &Tensor) -> Result<Tensor> {
        match self {
            Kernels::Fused => channels_last::max_pool2d_nhwc(images, 2, 2),
            Kernels::Composed => reference::max_pool2d(images, 2, 2),
        }
    }

    /// Batch norm with the batch's statistics, of values in this layout.
    pub(crate) fn batch_norm(
        self,
        values: &Tensor,
        (gamma, beta): (&Tensor, &Tensor),
        epsilon: f64,
    ) -> Result<(Tensor, BatchStatistics)> {
        match self {
            Kernels::Fused => channels_last::batch_norm_nhwc(values, gamma, beta, epsilon),
            Kernels::Composed => reference::batch_norm(values, gamma, beta, epsilon),
        }
    }

    /// Batch norm with running statistics, of values in this layout.
    pub(crate) fn batch_norm_evaluation(
        self,
        values: &Tensor,
        (gamma, beta): (&Tensor, &Tensor),
        epsilon: f64,
        running: &RunningStatistics,
    ) -> Result<Tensor> {
        match self {
            Kernels::Fused => {
                channels_last::batch_norm_evaluation_nhwc(values, gamma, beta, epsilon, running)
            }
            Kernels::Composed => {
                let RunningStatistics { mean, variance } = running;
                reference::normalise(values, gamma, beta, epsilon, mean, variance)
            }
        }
    }
}
