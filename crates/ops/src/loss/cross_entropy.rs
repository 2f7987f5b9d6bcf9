//! Cross-entropy of logits.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::classes::{beside, columns_and_classes};
use crate::element::{self, Element, composed, slice, with_float};
use crate::kernels::softmax::probabilities;
use crate::kernels::sums::{BLOCK, total};
use crate::reference;
use crate::tape::apply1;

/// Mean cross-entropy of `logits` (n, classes) against `classes` (n) of dtype U8, U32 or I64 → a
/// scalar.
///
/// −log softmax(logits)\[class\], averaged over the rows, as
/// [`torch.nn.functional.cross_entropy`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let logits = Tensor::new(&[[0f32, 0.0], [200.0, 0.0]], &Device::Cpu)?;
/// let classes = Tensor::new(&[1u8, 0], &Device::Cpu)?;
/// let loss = pairnet_ops::cross_entropy(&logits, &classes)?.to_scalar::<f32>()?;
/// assert_eq!(loss, 2f32.ln() / 2.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where the shapes do not fit, there is no row, a class is negative or out of range, or the dtype of
/// `logits` is neither F32 nor F64.
pub fn cross_entropy(logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let composed = composed("cross_entropy", logits)?;
    let (_, numbers) = columns_and_classes("cross_entropy", logits, classes)?;
    if composed {
        return reference::cross_entropy(logits, &beside(logits, classes, numbers)?);
    }
    let op = CrossEntropy { classes: numbers, probabilities: OnceLock::new() };
    apply1(&logits.contiguous()?, op)
}

struct CrossEntropy {
    classes: Vec<u32>,
    /// The probability of each class, kept for the backward pass.
    probabilities: OnceLock<CpuStorage>,
}

impl CrossEntropy {
    fn compute<T: Element>(&self, logits: &[T], width: usize) -> (CpuStorage, Shape) {
        let (probabilities, scales) = probabilities(logits, width);
        let sum = total(self.classes.len(), BLOCK, |row| {
            let ((largest, sum), class) = (scales[row], self.classes[row] as usize);
            // The difference first: of large logits, their sum with a logarithm would lose it.
            ((largest - logits[row * width + class]) + sum.ln()).to_f64()
        });
        self.probabilities.get_or_init(|| T::to_cpu_storage_owned(probabilities));
        let mean = T::from_f64(sum / self.classes.len() as f64);
        (T::to_cpu_storage_owned(vec![mean]), Shape::from(()))
    }

    /// (softmax − one-hot) / n.
    fn gradient<T: Element>(&self, logits: &Tensor, result_gradient: &Tensor) -> Result<Tensor> {
        let Some(probabilities) = self.probabilities.get() else {
            bail!("cross_entropy: there was no forward pass");
        };
        let (rows, width) = logits.dims2()?;
        let scale = result_gradient.to_scalar::<T>()? / T::from_f64(rows as f64);
        let mut gradient = probabilities.as_slice::<T>()?.to_vec();
        for (row, &class) in gradient.chunks_exact_mut(width).zip(&self.classes) {
            row[class as usize] -= T::ONE;
        }
        let parts = gradient.par_chunks_mut(BLOCK);
        parts.for_each(|part| part.iter_mut().for_each(|gradient| *gradient *= scale));
        element::tensor(gradient, (rows, width), logits)
    }
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        with_float!(self.name(), logits.dtype(), T => {
            Ok(self.compute::<T>(slice(logits, layout)?, width))
        })
    }

    fn bwd(&self, logits: &Tensor, _result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        with_float!(self.name(), logits.dtype(), T => {
            Ok(Some(self.gradient::<T>(logits, gradient)?))
        })
    }
}
