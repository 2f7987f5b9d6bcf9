//! The negative log-likelihood.

use candle_core::{Result, Shape, Tensor};

use super::classes::{beside, columns_and_classes};
use crate::element::{Element, composed};
use crate::kernels::sums::{BLOCK, total};
use crate::op::{Argument, Op, apply};
use crate::reference;

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
    let (_, numbers) = columns_and_classes("nll", log_probabilities, classes)?;
    if composed("nll", log_probabilities)? {
        let classes = beside(log_probabilities, classes, numbers)?;
        return reference::nll(log_probabilities, &classes);
    }
    apply(Nll { classes: numbers }, [&log_probabilities.contiguous()?])
}

struct Nll {
    classes: Vec<u32>,
}

impl Op<1> for Nll {
    fn name(&self) -> &'static str {
        "nll"
    }

    fn forward<T: Element>(&self, [given]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        let (values, rows, width) = (given.values, self.classes.len(), given.dims[1]);
        let sum =
            total(rows, BLOCK, |row| values[row * width + self.classes[row] as usize].to_f64());
        Ok((vec![T::from_f64(-sum / rows as f64)], ().into()))
    }

    /// −1/n at each class.
    fn backward<T: Element>(
        &self,
        [given]: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        _result: &[T],
        result_gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        let share = T::ZERO - result_gradient[0] / T::from_f64(self.classes.len() as f64);
        let mut gradient = vec![T::ZERO; given.values.len()];
        for (row, &class) in gradient.chunks_exact_mut(given.dims[1]).zip(&self.classes) {
            row[class as usize] = share;
        }
        Ok([Some(gradient)])
    }
}
