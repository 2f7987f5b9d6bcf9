//! One tensor after another, on the tape.

use candle_core::shape::Dim;
use candle_core::{Result, Tensor};

use crate::element::has_kernels;
use crate::tape::{Recorded, note};

/// All values of the tensors in one vector: an op takes three tensors.
pub(crate) fn concatenate(tensors: &[&Tensor]) -> Result<Tensor> {
    let vectors = tensors.iter().map(|tensor| tensor.flatten_all()).collect::<Result<Vec<_>>>()?;
    let result = Tensor::cat(&vectors, 0)?;
    let lengths = tensors.iter().map(|tensor| tensor.elem_count()).collect();
    note(|| Box::new(Concatenation { dim: 0, lengths }), tensors, &result);
    Ok(result)
}

/// One tensor after another along a dimension, as [`Tensor::cat`]: the tape goes on to what they were made of.
///
/// Where that is no result of this crate but a view of one, or the result is transposed, candle goes back from there,
/// once for each tensor.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use pairnet_ops::{Tape, cat, relu};
///
/// # fn main() -> candle_core::Result<()> {
/// let device = Device::Cpu;
/// let (left, right) = (Var::ones((2, 1), DType::F32, &device)?, Var::ones((2, 2), DType::F32, &device)?);
///
/// let (both, tape) = Tape::record(|| relu(&cat(&[left.as_tensor(), right.as_tensor()], 1)?))?;
/// let gradients = tape.backward(&both, &Tensor::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &device)?)?;
/// assert_eq!(gradients.get(&left).unwrap().to_vec2::<f32>()?, [[1.0], [4.0]]);
/// assert_eq!(gradients.get(&right).unwrap().to_vec2::<f32>()?, [[2.0, 3.0], [5.0, 6.0]]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Tensor::cat`]: where there are no tensors, or they differ in another dimension, dtype or device.
pub fn cat<A: AsRef<Tensor>, D: Dim>(tensors: &[A], dim: D) -> Result<Tensor> {
    let [first, _, ..] = tensors else { return Tensor::cat(tensors, dim) };
    let dim = dim.to_index(first.as_ref().shape(), "cat")?;
    let result = Tensor::cat(tensors, dim)?;
    let tensors: Vec<&Tensor> = tensors.iter().map(AsRef::as_ref).collect();
    let lengths = tensors.iter().map(|tensor| tensor.dim(dim)).collect::<Result<_>>()?;
    if has_kernels(result.device()) {
        note(|| Box::new(Concatenation { dim, lengths }), &tensors, &result);
    }
    Ok(result)
}

/// One tensor after another along a dimension, so many of it each, or all values of one after another's.
struct Concatenation {
    dim: usize,
    lengths: Vec<usize>,
}

impl Recorded for Concatenation {
    fn name(&self) -> &'static str {
        "concatenation"
    }

    fn backward(
        &self,
        arguments: &[&Tensor],
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let mut first = 0;
        let part = |(argument, &length): (&&Tensor, &usize)| {
            let own = first;
            first += length;
            if !argument.track_op() {
                return Ok(None);
            }
            let part = gradient.narrow(self.dim, own, length)?.contiguous()?;
            part.reshape(argument.shape()).map(Some)
        };
        arguments.iter().zip(&self.lengths).map(part).collect()
    }
}
