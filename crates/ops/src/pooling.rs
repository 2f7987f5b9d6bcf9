//! Pooling with the right gradient.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, ToUsize2, bail};

use crate::element::{self, Element, composed, slice, values, with_float};
use crate::layout::{CHANNELS_LAST, channels_first, channels_last, sizes};
use crate::reference;
use crate::tape::apply1;

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
    check(operation, images, size, stride)?;
    if composed(operation, images)? {
        let result = reference::max_pool2d(&channels_first(images)?, size, stride)?;
        return channels_last(operation, &result);
    }
    apply1(&images.contiguous()?, MaxPool { operation, size, stride, sources: OnceLock::new() })
}

pub(crate) fn channels_last_avg_pool(
    operation: &'static str,
    images: &Tensor,
    size: (usize, usize),
    stride: (usize, usize),
) -> Result<Tensor> {
    check(operation, images, size, stride)?;
    composed(operation, images)?;
    let result = reference::avg_pool2d(&channels_first(images)?, size, stride)?;
    channels_last(operation, &result)
}

/// Sees to it that there are channels, and that the windows fit channels-last images.
fn check(
    operation: &str,
    images: &Tensor,
    size: (usize, usize),
    stride: (usize, usize),
) -> Result<()> {
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
    Ok(())
}

/// Channels-last images → channels-last maxima.
struct MaxPool {
    /// The name that the caller knows.
    operation: &'static str,
    /// Down, then across.
    size: (usize, usize),
    stride: (usize, usize),
    /// For each maximum, the index of the value it is, kept for the backward pass.
    sources: OnceLock<Vec<u32>>,
}

impl MaxPool {
    fn compute<T: Element>(
        &self,
        images: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (count, height, width, channels) = layout.shape().dims4()?;
        let images: &[T] = slice(images, layout)?;
        let (rows, columns) =
            ((height - self.size.0) / self.stride.0 + 1, (width - self.size.1) / self.stride.1 + 1);
        let mut result = vec![T::ZERO; count * rows * columns * channels];
        let mut sources = vec![0; result.len()];
        let windows = result.chunks_exact_mut(channels).zip(sources.chunks_exact_mut(channels));
        for (window, (result, sources)) in windows.enumerate() {
            let (image, place) = (window / (rows * columns), window % (rows * columns));
            let (y, x) = ((place / columns) * self.stride.0, (place % columns) * self.stride.1);
            let corner = (image * height + y) * width + x;
            for place in 0..self.size.0 * self.size.1 {
                let pixel = corner + (place / self.size.1) * width + place % self.size.1;
                let start = pixel * channels;
                keep_larger(result, sources, &images[start..start + channels], start, place == 0);
            }
        }
        self.sources.get_or_init(|| sources);
        Ok((T::to_cpu_storage_owned(result), (count, rows, columns, channels).into()))
    }

    fn gradient<T: Element>(&self, images: &Tensor, result_gradient: &Tensor) -> Result<Tensor> {
        let result_gradient = result_gradient.contiguous()?;
        let gradient_values = result_gradient.storage_and_layout();
        let mut gradient = vec![T::ZERO; images.elem_count()];
        let sources = self.sources.get().map_or(&[][..], Vec::as_slice);
        for (&source, &term) in sources.iter().zip(values::<T, _>(&gradient_values)?) {
            gradient[source as usize] += term;
        }
        element::tensor(gradient, images.shape(), images)
    }
}

/// Channel by channel, `values` and where they lie take the place of smaller ones, or of any where
/// they come `first`.
fn keep_larger<T: Element>(
    result: &mut [T],
    sources: &mut [u32],
    values: &[T],
    start: usize,
    first: bool,
) {
    for (channel, &value) in values.iter().enumerate() {
        #[expect(clippy::eq_op, reason = "NaN is the value that differs from itself")]
        let larger = first | (value > result[channel]) | (value != value);
        result[channel] = if larger { value } else { result[channel] };
        sources[channel] = if larger { (start + channel) as u32 } else { sources[channel] };
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        self.operation
    }

    fn cpu_fwd(&self, images: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), images.dtype(), T => self.compute::<T>(images, layout))
    }

    fn bwd(
        &self,
        images: &Tensor,
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<Option<Tensor>> {
        with_float!(self.name(), images.dtype(), T => {
            self.gradient::<T>(images, result_gradient).map(Some)
        })
    }
}
