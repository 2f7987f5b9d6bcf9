//! One tensor after another.

use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::shape::Dim;
use candle_core::{DType, Result, Shape, Tensor};

use crate::element::{Element, has_kernels};
use crate::kernels::parts;
use crate::layout::in_order;
use crate::op::{Argument, Op, apply};
use crate::tape::is_recorded;

/// All values of the tensors in one vector: an op takes three tensors.
pub(crate) fn concatenate(tensors: [&Tensor; 3]) -> Result<Tensor> {
    let [a, b, c] = tensors.map(Tensor::flatten_all);
    join(&[&a?, &b?, &c?], 0)
}

/// One tensor after another along a dimension, as [`Tensor::cat`], in the order in which the first permuted one lies (so
/// the result may be permuted, too): convolutions whose images are put side by side by their channels copy nothing else,
/// and a tape goes on. Without a tape, more than nine tensors are candle's to join.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use pairnet_ops::{backward, cat, relu};
///
/// # fn main() -> candle_core::Result<()> {
/// let device = Device::Cpu;
/// let (left, right) = (Var::ones((2, 1), DType::F32, &device)?, Var::ones((2, 2), DType::F32, &device)?);
///
/// let both = relu(&cat(&[left.as_tensor(), right.as_tensor()], 1)?)?;
/// let weights = Tensor::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &device)?;
/// let gradients = backward(&(both * weights)?.sum_all()?)?;
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
    let all: Vec<&Tensor> = tensors.iter().map(AsRef::as_ref).collect();
    let [first, _, ..] = all[..] else { return Tensor::cat(tensors, dim) };
    let dim = dim.to_index(first.shape(), "cat")?;
    let fits = |tensor: &&Tensor| {
        let mut sizes = tensor.dims().iter().zip(first.dims()).enumerate();
        tensor.rank() == first.rank()
            && sizes.all(|(place, (size, other))| place == dim || size == other)
            && tensor.dtype() == first.dtype()
            && tensor.device().same_device(first.device())
    };
    let is_float = matches!(first.dtype(), DType::F32 | DType::F64);
    // What does not fit is told by candle. More tensors are copied more than twice, which a tape is worth.
    let few = all.len() <= 9 || is_recorded();
    if !has_kernels(first.device()) || !is_float || !few || !all.iter().all(fits) {
        return Tensor::cat(tensors, dim);
    }
    in_order(&all, |tensors, order| {
        let place = order.iter().position(|&from| from == dim).unwrap_or(dim);
        join(&tensors.iter().collect::<Vec<_>>(), place)
    })
}

/// Contiguous tensors that fit. Of more than three, three are joined that have been joined before: an op of candle's graph
/// takes three.
fn join(tensors: &[&Tensor], dim: usize) -> Result<Tensor> {
    match *tensors {
        [one] => Ok(one.clone()),
        [a, b] => apply(Concatenation { dim }, [a, b]),
        [a, b, c] => apply(Concatenation { dim }, [a, b, c]),
        _ => {
            let thirds = tensors.chunks(tensors.len().div_ceil(3).max(1));
            let thirds = thirds.map(|some| join(some, dim)).collect::<Result<Vec<_>>>()?;
            join(&thirds.iter().collect::<Vec<_>>(), dim)
        }
    }
}

struct Concatenation {
    dim: usize,
}

impl Concatenation {
    /// How many values of each argument come one after another.
    fn widths<T, const N: usize>(&self, arguments: [Argument<'_, T>; N]) -> [usize; N] {
        arguments.map(|argument| argument.dims[self.dim..].iter().product())
    }
}

impl<const N: usize> Op<N> for Concatenation {
    fn name(&self) -> &'static str {
        "cat"
    }

    fn forward<T: Element>(&self, arguments: [Argument<'_, T>; N]) -> Result<(Vec<T>, Shape)> {
        let widths = self.widths(arguments);
        let mut dims = arguments[0].dims.to_vec();
        dims[self.dim] = arguments.iter().map(|argument| argument.dims[self.dim]).sum();
        let (length, width) = (dims.iter().product(), widths.iter().sum::<usize>());
        let write = |mut places: &mut [MaybeUninit<T>], range: Range<usize>| {
            for row in range.start / width.max(1)..range.end / width.max(1) {
                for (argument, width) in arguments.iter().zip(widths) {
                    let (own, rest) = places.split_at_mut(width);
                    own.write_copy_of_slice(&argument.values[row * width..][..width]);
                    places = rest;
                }
            }
        };
        // SAFETY: a part is whole rows, and the widths are those of a row.
        #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
        let (values, _) = unsafe { parts::written(length, width, write) };
        Ok((values, dims.into()))
    }

    fn backward<T: Element>(
        &self,
        arguments: [Argument<'_, T>; N],
        wanted: [bool; N],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; N]> {
        let widths = self.widths(arguments);
        let row: usize = widths.iter().sum();
        let mut first = 0;
        let part = |index: usize| {
            let own = first..first + widths[index];
            first = own.end;
            wanted[index].then(|| {
                let rows = gradient.chunks_exact(row.max(1));
                let mut part = Vec::with_capacity(arguments[index].values.len());
                rows.for_each(|row| part.extend_from_slice(&row[own.clone()]));
                part
            })
        };
        Ok(std::array::from_fn(part))
    }
}
