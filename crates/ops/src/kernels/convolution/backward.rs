//! The gradients of a convolution.
//!
//! There are several ways to them, and [`Way::of`] says which a layer takes; each has a file, but for the
//! product where each image is one patch.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use self::direct::{Direct, Turned};
use self::image_gradients::ImageGradients;
use self::partial_sums::added_up;
use self::patches::Patches;
use self::short_patches::ShortPatches;
use self::sparse::Sparse;
use self::winograd::{Transforms, Winograd};
use super::bands::Band;
use super::windows::Unpooled;
use super::{Geometry, ResultRows, Then, by_filters, depthwise, groups, im2col};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::linear;
use crate::kernels::lines::Lines;
use crate::kernels::matmul::Matrix;
use crate::kernels::through_relu::ThroughRelu;
use crate::kernels::{dispatch, parts, vectorised};
use crate::memory::unwritten;

mod direct;
mod image_gradients;
mod lists;
mod partial_sums;
mod patches;
mod short_patches;
mod sparse;
mod way;
mod winograd;

pub(super) use self::partial_sums::sum_over;
pub(super) use self::patches::add_patches;
pub(super) use self::way::Way;
#[cfg(test)]
pub(super) use self::way::is_filtered_unpooled;
pub(super) use self::winograd::{Add, OuterProducts};

/// What the forward pass took and gave, for the backward pass.
pub(crate) struct Saved<'a, T> {
    pub(crate) images: &'a [T],
    /// [Arranged](super::arranged_weights).
    pub(crate) weights: &'a [T],
    pub(crate) result: &'a [T],
    pub(crate) places: &'a [u8],
    pub(crate) then: Then,
}

impl<T> Saved<'_, T> {
    /// Rows of the result, if it has been through ReLU.
    #[inline(always)]
    pub(super) fn rectified(&self, at: &ResultRows) -> Option<&[T]> {
        (self.then != Then::Nothing).then(|| &self.result[at.values.clone()])
    }
}

/// Where the gradient of each image's result comes from.
pub(crate) trait ResultGradient<T>: Sync {
    /// Writes the gradients of some rows (height, width, outputs) of an image's result, with ReLU undone
    /// where `rectified` holds that result. Before the end there is an even number of rows.
    fn write(&self, at: &ResultRows, rectified: Option<&[T]>, gradients: &mut [T]);

    /// Whether so little of it is not zero that lists of it are worth their while.
    fn is_mostly_zero(&self, outputs: usize) -> bool;
}

/// The gradients of all images' results are there already.
impl<T: Element> ResultGradient<T> for &[T] {
    fn write(&self, at: &ResultRows, rectified: Option<&[T]>, gradients: &mut [T]) {
        let given = ThroughRelu { rectified, gradient: &self[at.values.clone()] };
        vectorised!(write_all::<T>(given, gradients));
    }

    fn is_mostly_zero(&self, outputs: usize) -> bool {
        sparse::is_mostly_zero(self, outputs)
    }
}

#[inline(always)]
fn write_all<T: Element, const FUSED: bool>(given: ThroughRelu<'_, T>, gradients: &mut [T]) {
    given.write(0..gradients.len(), gradients);
}

/// The gradients of some images' results, with ReLU undone.
pub(super) fn written<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    images: Range<usize>,
    g: &Geometry,
) -> Lines<T> {
    let (height, width) = g.result(saved.then);
    let length = height * width * g.outputs;
    let mut gradients = Lines::unspecified(images.len() * length);
    parts::for_each(images.zip(gradients.chunks_exact_mut(length)), |(image, gradients)| {
        let values = image * length..(image + 1) * length;
        let at = ResultRows { image, rows: 0..height, values };
        result_gradient.write(&at, saved.rectified(&at), gradients);
    });
    gradients
}

/// The gradients of a convolution.
pub(crate) struct Gradients<T> {
    /// Empty where it was not wanted.
    pub(crate) images: Vec<T>,
    /// [Arranged](super::arranged_weights).
    pub(crate) weights: Vec<T>,
    pub(crate) bias: Vec<T>,
}

/// The gradients, given that of the result.
pub(crate) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    let count = saved.images.len() / g.image();
    let g = &g.of_batch(count, saved.then);
    let mostly_zero = || result_gradient.is_mostly_zero(g.outputs);
    let way = Way::of(g, count, saved.then, of_images, mostly_zero);
    if way == Way::Unpooled {
        let unpooled = Unpooled { saved, result_gradient, g };
        let saved = Saved { then: Then::Nothing, ..*saved };
        return backward(&saved, &unpooled, g, of_images);
    }
    if way == Way::ByFilters {
        return by_filters::backward(saved, result_gradient, g, of_images);
    }
    if way == Way::Im2col {
        return im2col::backward(saved, result_gradient, g, of_images);
    }
    if way == Way::Depthwise {
        return depthwise::backward(saved, result_gradient, g, of_images);
    }
    if way == Way::Groups {
        return groups::backward(saved, result_gradient, g, of_images);
    }
    if way == Way::OnePatch {
        let one = OnePatch { saved, result_gradient, g, of_images };
        return dispatch(one);
    }
    assert_eq!(saved.images.len() % g.image(), 0, "values of whole images");
    let turned = if way == Way::Direct && of_images { Turned::new(saved.weights, g) } else { None };
    let filters = match way {
        Way::Winograd(tile) if of_images => Some(Transforms::new(saved.weights, g, tile)),
        _ => None,
    };
    let filters = filters.as_ref();
    let (chunk, bands) = (g.chunk(count), g.bands(saved.then));
    let mut image_gradients = unwritten(if of_images { saved.images.len() } else { 0 });
    let mut chunks: Vec<_> = image_gradients.chunks_mut(chunk * g.image()).collect();
    chunks.resize_with(count.div_ceil(chunk), Default::default);
    let gradients_of = |(index, image_gradients): (usize, &mut [MaybeUninit<T>])| {
        let images = index * chunk..count.min((index + 1) * chunk);
        if way == Way::Direct {
            let (band, turned) = (&bands[0], turned.as_ref());
            let direct =
                Direct { saved, images, band, result_gradient, g, turned, image_gradients };
            return dispatch(direct);
        }
        let mut image_gradients = ImageGradients::new(image_gradients, g.image());
        let of_band = |band: &Band| {
            let (images, image_gradients) = (images.clone(), &mut image_gradients);
            match way {
                Way::ShortPatches => {
                    dispatch(ShortPatches { saved, images, band, result_gradient, g })
                }
                Way::Sparse => {
                    dispatch(Sparse { saved, images, band, result_gradient, g, image_gradients })
                }
                Way::Winograd(tile) => dispatch(Winograd {
                    saved,
                    tile,
                    images,
                    band,
                    result_gradient,
                    g,
                    filters,
                    image_gradients,
                }),
                _ => dispatch(Patches { saved, images, band, result_gradient, g, image_gradients }),
            }
        };
        let sums = added_up(bands.iter().map(of_band), g);
        image_gradients.finish();
        sums
    };
    let (weights, bias) = sum_over(chunks.into_iter().enumerate(), g, gradients_of);
    // SAFETY: every chunk was zeroed or written.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    let images = unsafe { image_gradients.assume_init() }.into_vec();
    Gradients { images, weights, bias }
}

/// The gradients where each image is one patch, which makes each of them a matrix product.
struct OnePatch<'a, T> {
    saved: &'a Saved<'a, T>,
    result_gradient: &'a dyn ResultGradient<T>,
    g: &'a Geometry,
    of_images: bool,
}

impl<T: Element> WithSimd for OnePatch<'_, T> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Gradients<T> {
        let Self { saved, result_gradient, g, of_images } = self;
        let mut gradients = vec![T::ZERO; saved.result.len()];
        let mut bias = ColumnSums::new(g.outputs);
        for (image, gradients) in gradients.chunks_exact_mut(g.outputs).enumerate() {
            let values = image * g.outputs..(image + 1) * g.outputs;
            let at = ResultRows { image, rows: 0..1, values };
            result_gradient.write(&at, saved.rectified(&at), gradients);
        }
        bias.add(&gradients);
        let count = saved.images.len() / g.image();
        let gradients = Matrix::new(&gradients, count, g.outputs);
        let images = Matrix::new(saved.images, count, g.image());
        let filters = Matrix::new(saved.weights, g.outputs, g.patch());
        let (images, weights) = linear::gradients(images, filters, gradients, of_images);
        let images = images.unwrap_or_default();
        Gradients { images, weights, bias: bias.total() }
    }
}
