//! Images as rows.

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{Element, composed};
use crate::kernels::transposed::each_transposed;
use crate::layout::channels_last;
use crate::op::{Argument, Op, apply};

/// (n, …) → (n, values), as [`Tensor::flatten_from`] of 1: what comes between convolutions and linear layers. A tape
/// goes on behind it, where candle's own copies images that the ops of this crate have made.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let images = Tensor::zeros((8, 64, 4, 4), DType::F32, &Device::Cpu)?;
/// assert_eq!(images.apply(&pairnet_ops::flatten)?.dims(), [8, 1024]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where the tensor has fewer than two dimensions, or its dtype is neither F32 nor F64.
pub fn flatten(images: &Tensor) -> Result<Tensor> {
    if images.rank() < 2 {
        bail!("flatten: images have shape {:?}, (n, …) is needed", images.shape());
    }
    // What is contiguous keeps its place in memory, by which a tape knows it.
    let kept = images.is_contiguous() || images.elem_count() == 0;
    if composed("flatten", images)? || kept || images.rank() != 4 {
        return images.flatten_from(1);
    }
    let last = channels_last("flatten", images)?;
    if last.is_contiguous() { apply(Flatten, [&last]) } else { images.flatten_from(1) }
}

/// Of (n, height, width, channels), in the order of (n, channels, height, width).
struct Flatten;

impl Op<1> for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn forward<T: Element>(&self, [images]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        let (pixels, channels) = sizes(images.dims);
        let shape = (images.dims[0], pixels * channels);
        Ok((each_transposed(images.values, (pixels, channels)), shape.into()))
    }

    fn backward<T: Element>(
        &self,
        [images]: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        let (pixels, channels) = sizes(images.dims);
        Ok([Some(each_transposed(gradient, (channels, pixels)))])
    }
}

/// Pixels and channels of an image.
fn sizes(dims: &[usize]) -> (usize, usize) {
    (dims[1..3].iter().product(), dims[3])
}
