//! Which way an op's images lie, and how errors tell what they got.

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
