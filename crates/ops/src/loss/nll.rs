//! The negative log-likelihood.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::classes::{beside, columns_and_classes};
use crate::element::{self, Element, composed, slice, with_float};
use crate::kernels::sums::{BLOCK, total};
use crate::reference;
use crate::tape::apply1;

/// Mean of −`log_probabilities`\[class\] of each row: `log_probabilities` (n, classes), `classes` (n) of
/// dtype U8, U32 or I64 → a scalar.
///
/// [`crate::cross_entropy`] is this of [`crate::log_softmax`], in one op. As
/// [`torch.nn.functional.nll_loss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let log_probabilities = Tensor::new(&[[-3f64, -0.5], [-1.0, -2.0]], &Device::Cpu)?;
/// let classes = Tensor::new(&[0i64, 1], &Device::Cpu)?;
/// let loss = pairnet_ops::nll(&log_probabilities, &classes)?;
/// assert_eq!(loss.to_scalar::<f64>()?, 2.5);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`crate::cross_entropy`].
pub fn nll(log_probabilities: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let composed = composed("nll", log_probabilities)?;
    let (_, numbers) = columns_and_classes("nll", log_probabilities, classes)?;
    if composed {
        let classes = beside(log_probabilities, classes, numbers)?;
        return reference::nll(log_probabilities, &classes);
    }
    apply1(&log_probabilities.contiguous()?, Nll { classes: numbers })
}

struct Nll {
    classes: Vec<u32>,
}

impl Nll {
    fn compute<T: Element>(&self, values: &[T], width: usize) -> (CpuStorage, Shape) {
        let rows = self.classes.len();
        let sum =
            total(rows, BLOCK, |row| values[row * width + self.classes[row] as usize].to_f64());
        (T::to_cpu_storage_owned(vec![T::from_f64(-sum / rows as f64)]), Shape::from(()))
    }

    /// −1/n at each class.
    fn gradient<T: Element>(&self, values: &Tensor, result_gradient: &Tensor) -> Result<Tensor> {
        let (rows, width) = values.dims2()?;
        let share = T::ZERO - result_gradient.to_scalar::<T>()? / T::from_f64(rows as f64);
        let mut gradient = vec![T::ZERO; rows * width];
        for (row, &class) in gradient.chunks_exact_mut(width).zip(&self.classes) {
            row[class as usize] = share;
        }
        element::tensor(gradient, (rows, width), values)
    }
}

impl CustomOp1 for Nll {
    fn name(&self) -> &'static str {
        "nll"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        with_float!(self.name(), values.dtype(), T => {
            Ok(self.compute::<T>(slice(values, layout)?, width))
        })
    }

    fn bwd(&self, values: &Tensor, _result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        with_float!(self.name(), values.dtype(), T => {
            Ok(Some(self.gradient::<T>(values, gradient)?))
        })
    }
}
