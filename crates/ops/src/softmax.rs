//! Softmax and its logarithm, each as one op.

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{Element, composed};
use crate::kernels::softmax::{
    log_probabilities, probabilities, through_log_softmax, through_softmax,
};
use crate::op::{Argument, Op, apply};
use crate::reference;

/// exp(x) / Σ exp(x) over the last dimension, (…, classes) → the same shape, shifted so that nothing
/// overflows.
///
/// As
/// [`torch.nn.functional.softmax`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html)
/// with `dim=-1`.
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
/// Where `logits` is a scalar, or the dtype is neither F32 nor F64.
pub fn softmax(logits: &Tensor) -> Result<Tensor> {
    over_classes::<false>("softmax", logits, reference::softmax)
}

/// x − log Σ exp(x) over the last dimension, (…, classes) → the same shape: the logarithm of
/// [`softmax()`], which stays finite where a probability is too small for its dtype.
///
/// As
/// [`torch.nn.functional.log_softmax`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html)
/// with `dim=-1`.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let logits = Tensor::new(&[0f64, 200.0], &Device::Cpu)?;
/// assert_eq!(pairnet_ops::log_softmax(&logits)?.to_vec1::<f64>()?, [-200.0, 0.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`softmax()`].
pub fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    over_classes::<true>("log_softmax", logits, reference::log_softmax)
}

fn over_classes<const LOGARITHM: bool>(
    operation: &'static str,
    logits: &Tensor,
    reference: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let composed = composed(operation, logits)?;
    if logits.rank() == 0 {
        bail!("{operation}: a scalar has no classes, logits of shape (…, classes) are needed");
    }
    match (composed, logits.elem_count()) {
        (false, _) => apply(Softmax::<LOGARITHM>, [&logits.contiguous()?]),
        // candle finds no largest value among none.
        (true, 0) => Ok(logits.clone()),
        (true, _) => reference(logits),
    }
}

struct Softmax<const LOGARITHM: bool>;

fn classes(dims: &[usize]) -> usize {
    dims.last().copied().unwrap_or(1)
}

impl<const LOGARITHM: bool> Op<1> for Softmax<LOGARITHM> {
    fn name(&self) -> &'static str {
        if LOGARITHM { "log_softmax" } else { "softmax" }
    }

    fn forward<T: Element>(&self, [logits]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        let classes = classes(logits.dims);
        let result = if LOGARITHM {
            log_probabilities(logits.values, classes)
        } else {
            probabilities(logits.values, classes).0
        };
        Ok((result, logits.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        [logits]: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        let through = if LOGARITHM { through_log_softmax } else { through_softmax };
        Ok([Some(through(result, gradient, classes(logits.dims)))])
    }
}
