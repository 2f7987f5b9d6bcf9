//! Convolutions of each channel by itself, as a MobileNet has them (Howard et al., 2017), or of few channels by
//! themselves, as a ResNeXt (Xie et al., 2017): vectors run along the channels of all groups.
//!
//! Such groups are too narrow for the other kernels, whose vectors run along the outputs of a group. Here a pixel of the
//! result is a sum over the filter's taps, each with a vector of weights; so is a pixel of the images' gradient, over the
//! same taps the other way round. What reaches beyond the image is left out.
//!
//! Where each channel has one output, images and gradients are read as they lie. Else they are [spread](Groups::spread):
//! a pixel has a row for each channel of a group, where each output finds that channel of its own group. So a tap has as
//! many vectors of weights as a group has channels, and nothing is multiplied by zero.

use std::mem::MaybeUninit;
use std::ops::Range;

use self::gather::Gather;
use self::groups::Groups;
use self::side::{Side, alike};
use self::weight_sums::WeightSums;
use super::windows::pooled;
use super::{Geometry, Gradients, ResultGradient, ResultRows, Saved, Then};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Lines;
use crate::kernels::{dispatch, parts};
use crate::memory::unwritten;

mod gather;
mod groups;
mod side;
mod way_back;
mod weight_sums;

pub(super) use self::way_back::WayBack;

/// Whether this is the way for such a layer.
pub(super) fn fit(g: &Geometry) -> bool {
    /// Channels and outputs of a group up to which it is, and how many times as many there have to be in all: else
    /// less is multiplied where groups are one convolution, with zeros between, by minimal filtering.
    const NARROW: usize = 4;
    const TIMES: usize = 8;
    /// Values of an image or its gradient, once for each output or channel of a group.
    const VALUES: usize = 1 << 20;
    let own = g.group();
    let single = own.channels == 1 && own.outputs <= g.channels;
    let narrow = own.channels.max(own.outputs) <= NARROW
        && own.channels * TIMES <= g.channels.min(g.outputs);
    let (height, width) = g.convolved();
    let spread = g.image().max(height * width * g.groups * own.channels) * own.outputs;
    let small = (own.channels, own.outputs) == (1, 1) || spread <= VALUES;
    g.groups > 1 && (single || narrow) && small
}

/// What all images need.
pub(super) struct Layer<T> {
    rows: Side,
    columns: Side,
    /// A row of all outputs for each tap, and there for each channel of a group.
    taps: Vec<T>,
    groups: Groups,
}

impl<T: Element> Layer<T> {
    /// `weights` are channels-last, one row of patch length an output.
    pub(super) fn new(weights: &[T], g: &Geometry) -> Self {
        let (height, width) = g.convolved();
        Self {
            rows: Side::new((g.height, height, g.kernel_height), g),
            columns: Side::new((g.width, width, g.kernel_width), g),
            taps: turned(weights, g.group().patch()),
            groups: Groups::of(g),
        }
    }
}

/// As [`super::forward`].
pub(super) fn forward<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let (layer, (height, width)) = (&Layer::new(weights, g), g.convolved());
    let columns = &alike(&layer.columns.of_results)[..];
    let (count, length) = (images.len() / g.image(), height * width * g.outputs);
    let (chunk, pool) = (g.chunk(count), then == Then::ReluMaxPool);
    let then = if pool { Then::Nothing } else { then };
    let mut result = unwritten(count * length);
    let image_chunks = images.chunks(chunk * g.image());
    let result_chunks = result.chunks_mut(chunk * length);
    // A chunk too few on one side would leave memory unwritten.
    assert_eq!(image_chunks.len(), result_chunks.len(), "chunks of images and of results");
    parts::for_each(image_chunks.zip(result_chunks), |(images, result)| {
        let mut room = layer.groups.room(g.image());
        let results = result.chunks_exact_mut(length);
        for (image, target) in images.chunks_exact(g.image()).zip(results) {
            dispatch(Gather {
                source: layer.groups.spread(image, &mut room),
                source_width: g.width,
                each: layer.groups.channels,
                rows: &layer.rows.of_results,
                columns,
                taps: &layer.taps,
                kernel_width: g.kernel_width,
                start: bias,
                then,
                target,
            });
        }
    });
    // SAFETY: each result has its image, and each of its pixels is written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() }.into_vec();
    if pool { pooled(&result, g) } else { (result, Vec::new()) }
}

/// As [`super::backward`], unpooled.
pub(super) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    assert_eq!(saved.images.len() % g.image(), 0, "values of whole images");
    let layer = &Layer::new(saved.weights, g);
    let back = of_images.then(|| WayBack::new(layer, g));
    let back = back.as_ref();
    let count = saved.images.len() / g.image();
    let chunk = g.chunk(count);
    let mut image_gradients = unwritten(if of_images { saved.images.len() } else { 0 });
    let mut chunks: Vec<_> = image_gradients.chunks_mut(chunk * g.image()).collect();
    chunks.resize_with(count.div_ceil(chunk), Default::default);
    let sums = parts::map(chunks.into_iter().enumerate(), |(index, image_gradients)| {
        let images = index * chunk..count.min((index + 1) * chunk);
        Chunk { saved, result_gradient, g, layer, back }.gradients(images, image_gradients)
    });
    let mut weights = ColumnSums::of_sums(layer.taps.len());
    let mut bias = ColumnSums::of_sums(g.outputs);
    for (of_weights, of_bias) in &sums {
        weights.add(of_weights);
        bias.add(of_bias);
    }
    // SAFETY: where they are wanted, each image has its gradients, and each of its pixels is written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let images = unsafe { image_gradients.assume_init() }.into_vec();
    let weights = turned(&weights.total(), g.outputs);
    Gradients { images, weights, bias: bias.total() }
}

/// What the gradients of some images are computed from.
struct Chunk<'a, T> {
    saved: &'a Saved<'a, T>,
    result_gradient: &'a dyn ResultGradient<T>,
    g: &'a Geometry,
    layer: &'a Layer<T>,
    /// Where the images' gradient is wanted.
    back: Option<&'a WayBack<'a, T>>,
}

impl<T: Element> Chunk<'_, T> {
    /// The sums of the weights' gradients, one row a tap, and of the bias's; those of the images are written.
    fn gradients(
        &self,
        images: Range<usize>,
        image_gradients: &mut [MaybeUninit<T>],
    ) -> (Vec<T>, Vec<T>) {
        let Self { saved, result_gradient, g, layer, back } = *self;
        let (height, width) = g.convolved();
        let length = height * width * g.outputs;
        let mut gradients = Lines::unspecified(length);
        let mut bias = ColumnSums::new(g.outputs);
        let mut weights = ColumnSums::of_sums(layer.taps.len());
        let mut room = layer.groups.room(g.image());
        let mut back_room = back.map_or_else(|| Lines::unspecified(0), |back| back.room(length));
        let mut targets = image_gradients.chunks_exact_mut(g.image());
        for image in images {
            let values = image * length..(image + 1) * length;
            let at = ResultRows { image, rows: 0..height, values };
            result_gradient.write(&at, saved.rectified(&at), &mut gradients);
            bias.add(&gradients);
            let image = &saved.images[image * g.image()..][..g.image()];
            dispatch(WeightSums {
                image: layer.groups.spread(image, &mut room),
                gradients: &gradients,
                each: layer.groups.channels,
                rows: &layer.rows.of_results,
                columns: &layer.columns.of_taps,
                image_width: g.width,
                result_width: width,
                outputs: g.outputs,
                taps: g.kernel_height * g.kernel_width,
                sums: &mut weights,
            });
            if let Some((back, target)) = back.zip(targets.next()) {
                back.write(&gradients, &mut back_room, target);
            }
        }
        (weights.total(), bias.total())
    }
}

/// A matrix of rows of so many values, transposed.
fn turned<T: Copy>(values: &[T], row: usize) -> Vec<T> {
    let column = |first: usize| values.iter().skip(first).step_by(row).copied();
    (0..row).flat_map(column).collect()
}
