//! Softmax and its logarithm, each as one op.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::element::{self, composed, slice, values, with_float};
use crate::kernels::softmax::{
    log_probabilities, probabilities, through_log_softmax, through_softmax,
};
use crate::reference;
use crate::tape::apply1;

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
        (false, _) => apply1(&logits.contiguous()?, Softmax::<LOGARITHM>),
        // candle finds no largest value among none.
        (true, 0) => Ok(logits.clone()),
        (true, _) => reference(logits),
    }
}

struct Softmax<const LOGARITHM: bool>;

fn classes(shape: &Shape) -> usize {
    shape.dims().last().copied().unwrap_or(1)
}

impl<const LOGARITHM: bool> CustomOp1 for Softmax<LOGARITHM> {
    fn name(&self) -> &'static str {
        if LOGARITHM { "log_softmax" } else { "softmax" }
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let classes = classes(layout.shape());
        with_float!(self.name(), logits.dtype(), T => {
            let logits = slice::<T>(logits, layout)?;
            let result = if LOGARITHM {
                log_probabilities(logits, classes)
            } else {
                probabilities(logits, classes).0
            };
            Ok((T::to_cpu_storage_owned(result), layout.shape().clone()))
        })
    }

    fn bwd(&self, logits: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let classes = classes(logits.shape());
        let gradient = gradient.contiguous()?;
        with_float!(self.name(), logits.dtype(), T => {
            let (result, gradient) = (result.storage_and_layout(), gradient.storage_and_layout());
            let (result, gradient) = (values::<T, _>(&result)?, values(&gradient)?);
            let through = if LOGARITHM { through_log_softmax } else { through_softmax };
            let through = through(result, gradient, classes);
            Ok(Some(element::tensor(through, logits.shape(), logits)?))
        })
    }
}
