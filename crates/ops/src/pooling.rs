//! Pooling with the right gradient.

use std::sync::OnceLock;

use candle_core::{Result, Shape, Tensor, ToUsize2, bail};

use crate::element::{Element, composed};
use crate::kernels::pooling::{Sources, Windows, maxima, maxima_gradient, means, means_gradient};
use crate::layout::{CHANNELS_LAST, channels_first, channels_last, sizes};
use crate::op::{Argument, Op, apply, kept};
use crate::reference;

/// The maximum of each window of `size`, (height, width) or one number for both, `stride` apart.
///
/// `images` (n, channels, height, width) → (n, channels, (height − size)/stride + 1, (width −
/// size)/stride + 1), rounded down: what fills no window is dropped. The gradient of a window goes
/// to its first maximum, row by row, and NaN is larger than any number, as in
/// [`torch.nn.functional.max_pool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html).
/// candle 0.11.1 divides the gradient by the window's area instead, and multiplies it where values
/// tie.
///
/// # Errors
///
/// Where `size` or `stride` is 0, the window is larger than the image, there are no channels, or the
/// dtype is neither F32 nor F64.
pub fn max_pool2d(images: &Tensor, size: impl ToUsize2, stride: impl ToUsize2) -> Result<Tensor> {
    const NAME: &str = "max_pool2d";
    let images = channels_last(NAME, images)?;
    channels_first(&channels_last_max_pool(NAME, &images, size.to_usize2(), stride.to_usize2())?)
}

/// The mean of each window of `size`, (height, width) or one number for both, `stride` apart.
///
/// Shapes as [`max_pool2d`]; as
/// [`torch.nn.functional.avg_pool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html)
/// without padding. candle 0.11.1 has no gradient where windows overlap or leave gaps.
///
/// # Errors
///
/// As [`max_pool2d`].
pub fn avg_pool2d(images: &Tensor, size: impl ToUsize2, stride: impl ToUsize2) -> Result<Tensor> {
    const NAME: &str = "avg_pool2d";
    let images = channels_last(NAME, images)?;
    channels_first(&channels_last_avg_pool(NAME, &images, size.to_usize2(), stride.to_usize2())?)
}

pub(crate) fn channels_last_max_pool(
    operation: &'static str,
    images: &Tensor,
    size: (usize, usize),
    stride: (usize, usize),
) -> Result<Tensor> {
    let windows = windows(operation, images, size, stride)?;
    if composed(operation, images)? {
        let result = reference::max_pool2d(&channels_first(images)?, size, stride)?;
        return channels_last(operation, &result);
    }
    let pooling = Pooling { name: operation, windows, sources: Some(OnceLock::new()) };
    apply(pooling, [&images.contiguous()?])
}

pub(crate) fn channels_last_avg_pool(
    operation: &'static str,
    images: &Tensor,
    size: (usize, usize),
    stride: (usize, usize),
) -> Result<Tensor> {
    let windows = windows(operation, images, size, stride)?;
    if composed(operation, images)? {
        let result = reference::avg_pool2d(&channels_first(images)?, size, stride)?;
        return channels_last(operation, &result);
    }
    let pooling = Pooling { name: operation, windows, sources: None };
    apply(pooling, [&images.contiguous()?])
}

/// The sizes, of channels-last images; an error where they do not fit.
fn windows(
    operation: &str,
    images: &Tensor,
    size: (usize, usize),
    stride: (usize, usize),
) -> Result<Windows> {
    let (_, height, width, channels) = sizes(operation, images, CHANNELS_LAST)?;
    if channels == 0 {
        bail!("{operation}: images have 0 channels, one at least is needed");
    }
    let nothing = [size.0, size.1, stride.0, stride.1].contains(&0);
    if nothing || size.0 > height || size.1 > width {
        bail!(
            "{operation}: windows of {}×{}, {}×{} apart, do not fit an image of {height}×{width}",
            size.0,
            size.1,
            stride.0,
            stride.1
        );
    }
    // Where in its image a maximum lies is kept in 32 bits.
    let values = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    if values.is_none_or(|values| u32::try_from(values).is_err()) {
        bail!("{operation}: images of {height}×{width} with {channels} channels are too large");
    }
    Ok(Windows { height, width, channels, size, stride })
}

/// Channels-last images → channels-last maxima or means.
struct Pooling {
    name: &'static str,
    windows: Windows,
    /// Of maxima, where they were, kept for the backward pass.
    sources: Option<OnceLock<Sources>>,
}

impl Op<1> for Pooling {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward<T: Element>(&self, [images]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        let result = match &self.sources {
            Some(kept) => {
                let (result, sources) = maxima(images.values, self.windows);
                kept.get_or_init(|| sources);
                result
            }
            None => means(images.values, self.windows),
        };
        let (rows, columns) = self.windows.count();
        Ok((result, (images.dims[0], rows, columns, self.windows.channels).into()))
    }

    fn backward<T: Element>(
        &self,
        _images: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        Ok([Some(match &self.sources {
            Some(sources) => maxima_gradient(gradient, kept(self.name, sources)?, self.windows),
            None => means_gradient(gradient, self.windows),
        })])
    }
}
