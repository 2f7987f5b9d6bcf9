//! Max pooling with the right gradient.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::element::{self, Element, composed, slice, values, with_float};
use crate::reference;
use crate::tape::apply1;

/// The maximum of each `size`×`size` window, `stride` apart.
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
pub fn max_pool2d(images: &Tensor, size: usize, stride: usize) -> Result<Tensor> {
    channels_last_max_pool(&images.permute((0, 2, 3, 1))?, size, stride)?.permute((0, 3, 1, 2))
}

pub(crate) fn channels_last_max_pool(
    images: &Tensor,
    size: usize,
    stride: usize,
) -> Result<Tensor> {
    let (_, height, width, channels) = images.dims4()?;
    if channels == 0 {
        bail!("max_pool2d: images have 0 channels, one at least is needed");
    }
    if size == 0 || stride == 0 || size > height || size > width {
        bail!(
            "max_pool2d: windows of {size}×{size}, {stride} apart, do not fit an image of {height}×{width}"
        );
    }
    if composed("max_pool2d", images)? {
        let images = images.permute((0, 3, 1, 2))?;
        return reference::max_pool2d(&images, size, stride)?.permute((0, 2, 3, 1));
    }
    apply1(&images.contiguous()?, MaxPool { size, stride, sources: OnceLock::new() })
}

/// Channels-last images → channels-last maxima.
struct MaxPool {
    size: usize,
    stride: usize,
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
            ((height - self.size) / self.stride + 1, (width - self.size) / self.stride + 1);
        let mut result = vec![T::ZERO; count * rows * columns * channels];
        let mut sources = vec![0; result.len()];
        let windows = result.chunks_exact_mut(channels).zip(sources.chunks_exact_mut(channels));
        for (window, (result, sources)) in windows.enumerate() {
            let (image, place) = (window / (rows * columns), window % (rows * columns));
            let (y, x) = ((place / columns) * self.stride, (place % columns) * self.stride);
            let corner = (image * height + y) * width + x;
            for place in 0..self.size * self.size {
                let pixel = corner + (place / self.size) * width + place % self.size;
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
        "max_pool2d"
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
