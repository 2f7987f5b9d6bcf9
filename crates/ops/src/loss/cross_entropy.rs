//! Cross-entropy of logits.

use std::sync::OnceLock;

use candle_core::{CpuStorage, Result, Shape, Tensor};

use super::classes::{beside, columns_and_classes};
use crate::element::{Element, composed, flushed};
use crate::kernels::parts;
use crate::kernels::softmax::probabilities;
use crate::kernels::sums::{BLOCK, total};
use crate::op::{Argument, Op, apply, kept};
use crate::reference;

const NAME: &str = "cross_entropy";

/// Mean cross-entropy of `logits` (n, classes) against `classes` (n) of dtype U8, U32 or I64 → a
/// scalar.
///
/// −log softmax(logits)\[class\], averaged over the rows, as
/// [`torch.nn.functional.cross_entropy`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html).
///
/// On a CPU, a probability of less than 10⁶ times the smallest normal number has no gradient: it would make subnormal
/// numbers, arithmetic with which takes many times as long.
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
    let (_, numbers) = columns_and_classes(NAME, logits, classes)?;
    if composed(NAME, logits)? {
        return reference::cross_entropy(logits, &beside(logits, classes, numbers)?);
    }
    let op = CrossEntropy { classes: numbers, probabilities: OnceLock::new() };
    apply(op, [&logits.contiguous()?])
}

struct CrossEntropy {
    classes: Vec<u32>,
    /// The probability of each class, kept for the backward pass.
    probabilities: OnceLock<CpuStorage>,
}

impl Op<1> for CrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward<T: Element>(&self, [logits]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        let (logits, width) = (logits.values, logits.dims[1]);
        let (probabilities, scales) = probabilities(logits, width);
        let sum = total(self.classes.len(), BLOCK, |row| {
            let ((largest, sum), class) = (scales[row], self.classes[row] as usize);
            // The difference first: of large logits, their sum with a logarithm would lose it.
            ((largest - logits[row * width + class]) + sum.ln()).to_f64()
        });
        self.probabilities.get_or_init(|| T::to_cpu_storage_owned(probabilities));
        Ok((vec![T::from_f64(sum / self.classes.len() as f64)], ().into()))
    }

    /// (softmax − one-hot) / n.
    fn backward<T: Element>(
        &self,
        [logits]: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        _result: &[T],
        result_gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        let scale = result_gradient[0] / T::from_f64(self.classes.len() as f64);
        let mut gradient = kept(NAME, &self.probabilities)?.as_slice::<T>()?.to_vec();
        for (row, &class) in gradient.chunks_exact_mut(logits.dims[1]).zip(&self.classes) {
            row[class as usize] -= T::ONE;
        }
        parts::for_each(gradient.chunks_mut(BLOCK), |part| {
            part.iter_mut()
                .for_each(|gradient| *gradient = flushed(*gradient, T::LEAST_SCALABLE) * scale);
        });
        Ok([Some(gradient)])
    }
}
