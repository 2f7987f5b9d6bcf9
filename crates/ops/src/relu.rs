//! ReLU, of a tensor and of a sum.

use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{Element, composed};
use crate::kernels::{parts, vectorised};
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
    apply(Relu, [&input.contiguous()?])
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
    apply(AddRelu, [&a.contiguous()?, &b.contiguous()?])
}

/// ReLU of candle's own ops, with this one's gradient.
fn positive(values: &Tensor) -> Result<Tensor> {
    let zeros = values.zeros_like()?;
    values.le(&zeros)?.where_cond(&zeros, values)
}

struct Relu;
struct AddRelu;

/// `value` of each place.
fn written<T: Element>(
    length: usize,
    write: impl Fn(&mut [MaybeUninit<T>], Range<usize>) + Sync,
) -> Vec<T> {
    // SAFETY: each of the loops below writes as many values as there are places, since all slices are as
    // long as the result.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        parts::written(length, 1, write).0
    }
}

#[inline(always)]
fn rectify<T: Element, const FUSED: bool>(input: &[T], places: &mut [MaybeUninit<T>]) {
    for (place, &value) in places.iter_mut().zip(input) {
        place.write(if value <= T::ZERO { T::ZERO } else { value });
    }
}

#[inline(always)]
fn rectify_sum<T: Element, const FUSED: bool>(a: &[T], b: &[T], places: &mut [MaybeUninit<T>]) {
    for ((place, &a), &b) in places.iter_mut().zip(a).zip(b) {
        let value = a + b;
        place.write(if value <= T::ZERO { T::ZERO } else { value });
    }
}

#[inline(always)]
fn let_through<T: Element, const FUSED: bool>(
    result: &[T],
    gradient: &[T],
    places: &mut [MaybeUninit<T>],
) {
    for ((place, &result), &gradient) in places.iter_mut().zip(result).zip(gradient) {
        place.write(if result <= T::ZERO { T::ZERO } else { gradient });
    }
}

/// The gradient, but 0 where the result is 0.
fn backward<T: Element>(result: &[T], gradient: &[T]) -> Vec<T> {
    written(result.len(), |places, range| {
        let (result, gradient) = (&result[range.clone()], &gradient[range]);
        vectorised!(let_through::<T>(result, gradient, places));
    })
}

impl Op<1> for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn forward<T: Element>(&self, [input]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        let result = written(input.values.len(), |places, range| {
            vectorised!(rectify::<T>(&input.values[range], places));
        });
        Ok((result, input.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        _input: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        Ok([Some(backward(result, gradient))])
    }
}

impl Op<2> for AddRelu {
    fn name(&self) -> &'static str {
        "add_relu"
    }

    fn forward<T: Element>(&self, [a, b]: [Argument<'_, T>; 2]) -> Result<(Vec<T>, Shape)> {
        let result = written(a.values.len(), |places, range| {
            vectorised!(rectify_sum::<T>(&a.values[range.clone()], &b.values[range], places));
        });
        Ok((result, a.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        _arguments: [Argument<'_, T>; 2],
        wanted: [bool; 2],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 2]> {
        Ok(wanted.map(|wanted| wanted.then(|| backward(result, gradient))))
    }
}
