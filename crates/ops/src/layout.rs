//! Which way an op's images lie, and how errors tell what they got.

use std::array;
use std::cmp::Reverse;

use candle_core::{Result, Tensor, bail};

/// (n, channels, height, width), as PyTorch has them.
pub(crate) const CHANNELS_FIRST: &str = "(n, channels, height, width)";
/// (n, height, width, channels), as the kernels read them.
pub(crate) const CHANNELS_LAST: &str = "(n, height, width, channels)";

/// The four sizes of images; `operation` is the name that the caller knows.
pub(crate) fn sizes(
    operation: &str,
    images: &Tensor,
    layout: &str,
) -> Result<(usize, usize, usize, usize)> {
    match images.dims() {
        &[first, second, third, fourth] => Ok((first, second, third, fourth)),
        other => bail!("{operation}: images have shape {other:?}, {layout} is needed"),
    }
}

/// Images with PyTorch's shape as channels-last ones; nothing is copied.
pub(crate) fn channels_last(operation: &str, images: &Tensor) -> Result<Tensor> {
    sizes(operation, images, CHANNELS_FIRST)?;
    images.permute((0, 2, 3, 1))
}

/// The dimensions of a permuted tensor, from the one whose values lie furthest apart on. `None` where it is
/// contiguous, and where no permutation makes it so.
fn order(tensor: &Tensor) -> Option<Vec<usize>> {
    if tensor.is_contiguous() {
        return None;
    }
    let mut order: Vec<usize> = (0..tensor.rank()).collect();
    order.sort_by_key(|&dim| Reverse(tensor.stride()[dim]));
    let lies_so = tensor.permute(&order[..]).is_ok_and(|tensor| tensor.is_contiguous());
    lies_so.then_some(order)
}

/// An op on each value for itself, of tensors of one shape: in the order of the first that is permuted, in which the
/// result lies, too. So convolutions and what is between them copy nothing, and a tape goes on.
pub(crate) fn as_they_lie<const N: usize>(
    tensors: [&Tensor; N],
    op: impl FnOnce([&Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    in_order(&tensors, |arranged, _| op(array::from_fn(|index| &arranged[index])))
}

/// An op on tensors of one rank, which gets them contiguous, in the order of the first that is permuted, and
/// that order: which dimension is first, and so on. The result lies in it, too.
pub(crate) fn in_order(
    tensors: &[&Tensor],
    op: impl FnOnce(&[Tensor], &[usize]) -> Result<Tensor>,
) -> Result<Tensor> {
    let order = tensors.iter().find_map(|tensor| order(tensor));
    let Some(order) = order else {
        let contiguous = tensors.iter().map(|tensor| tensor.contiguous());
        let unchanged: Vec<usize> = (0..tensors[0].rank()).collect();
        return op(&contiguous.collect::<Result<Vec<_>>>()?, &unchanged);
    };
    let arranged = tensors.iter().map(|tensor| tensor.permute(&order[..])?.contiguous());
    let result = op(&arranged.collect::<Result<Vec<_>>>()?, &order)?;
    let mut back = vec![0; order.len()];
    for (place, dim) in order.into_iter().enumerate() {
        back[dim] = place;
    }
    result.permute(back)
}

/// The inverse of [`channels_last`].
pub(crate) fn channels_first(images: &Tensor) -> Result<Tensor> {
    images.permute((0, 3, 1, 2))
}

/// `bias`, which has to have one value an output, or zeros that nothing trains.
pub(crate) fn bias_or_zeros(
    operation: &str,
    bias: Option<&Tensor>,
    weight: &Tensor,
) -> Result<Tensor> {
    let outputs = weight.dims()[0];
    match bias {
        None => Tensor::zeros(outputs, weight.dtype(), weight.device()),
        Some(bias) if bias.dims() == [outputs] => bias.contiguous(),
        Some(bias) => bail!(
            "{operation}: bias has shape {:?}, {outputs} outputs need ({outputs},)",
            bias.shape()
        ),
    }
}
