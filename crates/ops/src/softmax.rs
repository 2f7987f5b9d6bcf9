//! Softmax as one op.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};

use crate::element::{self, Element, composed, largest, slice, values, with_float};
use crate::kernels::exponential::exponentials;
use crate::reference;
use crate::tape::apply1;

/// exp(x) / Σ exp(x) of each row of `logits` (n, classes), shifted so that nothing overflows.
///
/// As
/// [`torch.nn.functional.softmax`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html)
/// over the last dimension.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let logits = Tensor::new(&[[1f32, 1.0, 1.0, 1.0]], &Device::Cpu)?;
/// assert_eq!(pairnet_ops::softmax(&logits)?.to_vec2::<f32>()?, [[0.25; 4]]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where `logits` has not two dimensions, or the dtype is neither F32 nor F64.
pub fn softmax(logits: &Tensor) -> Result<Tensor> {
    logits.dims2()?;
    if composed("softmax", logits)? {
        return reference::softmax(logits);
    }
    apply1(&logits.contiguous()?, Softmax)
}

struct Softmax;

/// The probabilities of each row, and its largest logit with the sum of exp(logit − largest).
pub(crate) fn probabilities<T: Element>(logits: &[T], classes: usize) -> (Vec<T>, Vec<(T, T)>) {
    let mut result = logits.to_vec();
    let mut sums = Vec::with_capacity(logits.len() / classes.max(1));
    for row in result.chunks_exact_mut(classes.max(1)) {
        let largest = largest(row);
        row.iter_mut().for_each(|value| *value -= largest);
        sums.push((largest, T::ZERO));
    }
    exponentials(&mut result);
    for (row, (_, sum)) in result.chunks_exact_mut(classes.max(1)).zip(&mut sums) {
        *sum = row.iter().fold(T::ZERO, |sum, &value| sum + value);
        row.iter_mut().for_each(|value| *value /= *sum);
    }
    (result, sums)
}

/// p · (g − Σ p · g) of each row, where p are the probabilities and g their gradient.
fn through<T: Element>(probabilities: &[T], gradient: &[T], classes: usize) -> Vec<T> {
    let mut result = Vec::with_capacity(gradient.len());
    let rows = probabilities.chunks_exact(classes.max(1));
    for (probabilities, gradient) in rows.zip(gradient.chunks_exact(classes.max(1))) {
        let pairs = || probabilities.iter().zip(gradient);
        let mean = pairs().fold(T::ZERO, |sum, (&probability, &value)| sum + probability * value);
        result.extend(pairs().map(|(&probability, &value)| probability * (value - mean)));
    }
    result
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, classes) = layout.shape().dims2()?;
        with_float!(self.name(), logits.dtype(), T => {
            let (result, _) = probabilities::<T>(slice(logits, layout)?, classes);
            Ok((T::to_cpu_storage_owned(result), layout.shape().clone()))
        })
    }

    fn bwd(&self, logits: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, classes) = logits.dims2()?;
        let gradient = gradient.contiguous()?;
        with_float!(self.name(), logits.dtype(), T => {
            let (result, gradient) = (result.storage_and_layout(), gradient.storage_and_layout());
            let through = through::<T>(values(&result)?, values(&gradient)?, classes);
            Ok(Some(element::tensor(through, logits.shape(), logits)?))
        })
    }
}
