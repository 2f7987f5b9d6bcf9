//! ReLU, of a tensor and of a sum.

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{Element, composed};
use crate::kernels::elementwise::{rectified, rectified_sums, unrectified};
use crate::layout::as_they_lie;
use crate::op::{Argument, Op, apply};

/// max(x, 0), whose gradient at 0 is 0, as
/// [`torch.nn.functional.relu`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html)'s.
/// candle's lets the gradient through there. NaN stays NaN.
///
/// ```
/// use candle_core::{Device, Var};
///
/// # fn main() -> candle_core::Result<()> {
/// let values = Var::new(&[-1f32, 0.0, 2.0], &Device::Cpu)?;
/// let result = pairnet_ops::relu(&values)?;
/// assert_eq!(result.to_vec1::<f32>()?, [0.0, 0.0, 2.0]);
/// let gradients = result.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&values).unwrap().to_vec1::<f32>()?, [0.0, 0.0, 1.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where the dtype is neither F32 nor F64.
pub fn relu(input: &Tensor) -> Result<Tensor> {
    if composed("relu", input)? {
        return positive(input);
    }
    as_they_lie([input], |input| apply(Relu, input))
}

/// relu(a + b) in one pass over memory: where the two ways through a residual block meet (He, Zhang, Ren
/// and Sun, 2016). The gradient is that of [`relu`], for both.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let a = Tensor::new(&[-1f32, 1.0], &Device::Cpu)?;
/// let b = Tensor::new(&[0.5f32, 1.0], &Device::Cpu)?;
/// assert_eq!(pairnet_ops::add_relu(&a, &b)?.to_vec1::<f32>()?, [0.0, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where shapes or dtypes differ, or the dtype is neither F32 nor F64.
pub fn add_relu(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape() != b.shape() {
        bail!("add_relu: {:?} and {:?} differ in shape", a.shape(), b.shape());
    }
    if a.dtype() != b.dtype() {
        bail!("add_relu: {:?} and {:?} differ in dtype", a.dtype(), b.dtype());
    }
    if composed("add_relu", a)? {
        return positive(&(a + b)?);
    }
    as_they_lie([a, b], |both| apply(AddRelu, both))
}

/// ReLU of candle's own ops, with this one's gradient.
fn positive(values: &Tensor) -> Result<Tensor> {
    let zeros = values.zeros_like()?;
    values.le(&zeros)?.where_cond(&zeros, values)
}

struct Relu;
struct AddRelu;

impl Op<1> for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn forward<T: Element>(&self, [input]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        Ok((rectified(input.values), input.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        _input: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        Ok([Some(unrectified(result, gradient))])
    }
}

impl Op<2> for AddRelu {
    const ALIKE: bool = true;

    fn name(&self) -> &'static str {
        "add_relu"
    }

    fn forward<T: Element>(&self, [a, b]: [Argument<'_, T>; 2]) -> Result<(Vec<T>, Shape)> {
        Ok((rectified_sums(a.values, b.values), a.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        _arguments: [Argument<'_, T>; 2],
        wanted: [bool; 2],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 2]> {
        let gradient = wanted.contains(&true).then(|| unrectified(result, gradient));
        Ok(if wanted[0] { [gradient, None] } else { [None, gradient] })
    }
}
