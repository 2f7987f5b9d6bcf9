//! A convolution in groups: some groups together as one convolution, then the next ones.
//!
//! A group of few channels fills no vector, and to bring its channels together takes longer than its arithmetic. So
//! groups are taken together, with zeros for the weights that would join them: they are multiplied too, but whole
//! vectors of them, and minimal filtering multiplies a quarter. Of a few images at a time the channels of some groups
//! are brought together, and then of the next ones, while these images are in the cache.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::backward::{sum_over, written};
use super::column_slices::{concat_columns, slice_columns};
use super::depthwise::{Layer, WayBack};
use super::{Geometry, Gradients, ResultGradient, Saved, Then, by_filters};
use crate::element::Element;
use crate::kernels::parts;
use crate::memory::unwritten;

impl Geometry {
    /// Whether there are groups of several channels that do not become one by being taken together.
    pub(super) fn are_apart(&self) -> bool {
        (2..self.channels).contains(&self.groups) && self.together().groups > 1
    }

    /// The same layer with fewer groups, of as many of its own as have no more than 32 channels and outputs; one
    /// group where that has no more than 64, for then nothing is brought together. Where the filter's size or the stride
    /// leave direct sums alone, no more than 16, a vector: zeros are multiplied as well. Where all sums
    /// have to be direct, each group stays by itself: none sees what is in another's pixels.
    pub(super) fn together(&self) -> Self {
        let all = self.channels.max(self.outputs);
        let filtered =
            (self.kernel_height, self.kernel_width, self.stride, self.dilation) == (3, 3, 1, 1);
        let most = match all {
            _ if !filtered => 16,
            ..=64 => 64,
            _ => 32,
        };
        let fit =
            |some: &usize| self.groups.is_multiple_of(*some) && all / self.groups * some <= most;
        let some = if self.direct { 1 } else { (1..=self.groups).rev().find(fit).unwrap_or(1) };
        Self { groups: self.groups / some, ..*self }
    }
}

/// As [`super::forward_and`].
pub(super) fn forward_and<T: Element, R: Send>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
    look: impl Fn(&[T]) -> R + Sync,
) -> (Vec<T>, Vec<u8>, Vec<R>) {
    let together = &g.together();
    let weights = &widened(weights, g, together)[..];
    if together.groups == 1 {
        return super::forward_and(images, (weights, bias), together, then, look);
    }
    let own = &together.group();
    let (height, width) = g.result(then);
    let (count, length) = (images.len() / g.image(), height * width * g.outputs);
    let chunk = g.images_together(count);
    let mut result = unwritten(count * length);
    let mut places = unwritten(if then == Then::ReluMaxPool { result.len() } else { 0 });
    let mut place_chunks: Vec<_> = places.chunks_mut(chunk * length).collect();
    place_chunks.resize_with(count.div_ceil(chunk), Default::default);
    let chunks = images.chunks(chunk * g.image()).zip(result.chunks_mut(chunk * length));
    // A chunk too few would leave memory unwritten.
    assert_eq!(chunks.len(), place_chunks.len(), "chunks of images");
    let looks = parts::map(chunks.zip(place_chunks), |((images, result), places)| {
        let trained = weights.chunks(own.outputs * own.patch()).zip(bias.chunks(own.outputs));
        let found = parts::map(trained.enumerate(), |(group, trained)| {
            let images = slice_columns(images, g.channels, columns(group, own.channels));
            super::forward(&images, trained, own, then)
        });
        let (results, of_places): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        concat_columns(&results, g.outputs, result);
        concat_columns(&of_places, g.outputs, places);
        // SAFETY: the chunk's results have been joined in all of it.
        #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
        look(unsafe { result.assume_init_ref() })
    });
    // SAFETY: the chunks are all there is, and each was written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let (result, places) = unsafe { (result.assume_init(), places.assume_init()) };
    (result.into_vec(), places.into_vec(), looks)
}

/// As [`super::backward`].
pub(super) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    let together = &g.together();
    let weights = &widened(saved.weights, g, together)[..];
    if together.groups == 1 {
        let saved = Saved { weights, ..*saved };
        let found = super::backward(&saved, result_gradient, together, of_images);
        return Gradients { weights: narrowed(&found.weights, g, together), ..found };
    }
    let own = &together.group();
    let (height, width) = g.result(saved.then);
    let (count, length) = (saved.images.len() / g.image(), height * width * g.outputs);
    let chunk = g.images_together(count);
    let mut image_gradients = unwritten(if of_images { saved.images.len() } else { 0 });
    let mut targets: Vec<_> = image_gradients.chunks_mut(chunk * g.image()).collect();
    targets.resize_with(count.div_ceil(chunk), Default::default);
    let layer = (of_images && is_gathered(g, saved.then)).then(|| Layer::new(saved.weights, g));
    let back = layer.as_ref().map(|layer| WayBack::new(layer, g));
    let gradients_of = |(number, target): (usize, &mut [MaybeUninit<T>])| {
        let images = number * chunk..count.min((number + 1) * chunk);
        let values = images.start * length..images.end * length;
        let gradients = &written(saved, result_gradient, images.clone(), g)[..];
        let images = &saved.images[images.start * g.image()..images.end * g.image()];
        let places = saved.places.get(values.clone()).unwrap_or_default();
        let of_results =
            |values: &[T], group| slice_columns(values, g.outputs, columns(group, own.outputs));
        let each = weights.chunks(own.outputs * own.patch()).enumerate();
        let found = parts::map(each, |(group, weights)| {
            let own_saved = Saved {
                images: &slice_columns(images, g.channels, columns(group, own.channels)),
                weights,
                result: &of_results(&saved.result[values.clone()], group),
                places: &slice_columns(places, g.outputs, columns(group, own.outputs)),
                then: saved.then,
            };
            // ReLU has been undone, and to undo it again changes nothing.
            let gradients = &of_results(gradients, group)[..];
            super::backward(&own_saved, &gradients, own, of_images && back.is_none())
        });
        let (images, sums): (Vec<_>, Vec<_>) =
            found.into_iter().map(|found| (found.images, (found.weights, found.bias))).unzip();
        match &back {
            Some(back) => {
                let targets = target.chunks_exact_mut(g.image());
                parts::for_each(
                    gradients.chunks_exact(length).zip(targets),
                    |(gradients, target)| {
                        back.write(gradients, &mut back.room(length), target);
                    },
                );
            }
            None => concat_columns(&images, g.channels, target),
        }
        let (weights, bias): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
        (weights.concat(), bias.concat())
    };
    let (weights, bias) = sum_over(targets.into_iter().enumerate(), together, gradients_of);
    // SAFETY: the chunks are all there is, and each was written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let images = unsafe { image_gradients.assume_init() }.into_vec();
    Gradients { images, weights: narrowed(&weights, g, together), bias }
}

impl Geometry {
    /// Images of a batch of so many whose groups are taken one after another: each of these reads a part of every pixel,
    /// which had better be in the cache. But what is done once for all of them, with the weights and their gradient, had
    /// better be done for as many values; and where a group has many filters, it is done once for the whole batch.
    fn images_together(&self, count: usize) -> usize {
        const VALUES: usize = 1 << 19;
        let own = self.together().group();
        if own.channels * own.outputs >= by_filters::MANY {
            return count.max(1);
        }
        let values = VALUES.max(4 * self.outputs * own.patch());
        own.chunk(count).min((values / self.values()).max(1))
    }
}

/// Whether the gradient of each pixel of the images is summed up by itself. Else, where the stride is above 1, it is a
/// product with the weights, which is added patch by patch.
fn is_gathered(g: &Geometry, then: Then) -> bool {
    /// Channels and outputs of a group: of more, what takes more time is to multiply.
    const MOST: usize = 8;
    /// Values of a result's gradient, once for each channel of a group.
    const VALUES: usize = 1 << 19;
    let (own, (height, width)) = (g.group(), g.convolved());
    let spread = height * width * g.outputs * own.channels;
    let strided = g.stride > 1 && then != Then::ReluMaxPool;
    strided && own.channels.max(own.outputs) <= MOST && spread <= VALUES
}

/// The weights of a layer with fewer groups: for each place of the filter the channels of all groups that are taken
/// together, and zero for those of another group.
fn widened<T: Element>(weights: &[T], g: &Geometry, together: &Geometry) -> Vec<T> {
    let (channels, wide) = (g.group().channels, together.group().channels);
    let mut widened = vec![T::ZERO; weights.len() / channels * wide];
    for (output, own) in own_channels(g, together).enumerate() {
        let patch = g.group().patch();
        let rows = widened[output * patch / channels * wide..].chunks_exact_mut(wide);
        let weights = &weights[output * patch..][..patch];
        for (row, weights) in rows.zip(weights.chunks_exact(channels)) {
            row[own.clone()].copy_from_slice(weights);
        }
    }
    widened
}

/// The inverse of [`widened`].
fn narrowed<T: Element>(weights: &[T], g: &Geometry, together: &Geometry) -> Vec<T> {
    let patches = weights.chunks_exact(together.group().patch());
    let rows = patches.zip(own_channels(g, together)).flat_map(|(patch, own)| {
        let rows = patch.chunks_exact(together.group().channels);
        rows.flat_map(move |row| &row[own.clone()])
    });
    rows.copied().collect()
}

/// For each output, which of the channels that are taken together are its own.
fn own_channels(g: &Geometry, together: &Geometry) -> impl Iterator<Item = Range<usize>> {
    let (outputs, channels) = (g.group().outputs, g.group().channels);
    let some = g.groups / together.groups;
    (0..g.outputs).map(move |output| columns(output / outputs % some, channels))
}

fn columns(group: usize, width: usize) -> Range<usize> {
    group * width..(group + 1) * width
}
