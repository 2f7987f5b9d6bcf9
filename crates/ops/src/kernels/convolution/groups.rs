//! A convolution in groups: some groups together as one convolution, then the next ones.
//!
//! A group of few channels fills no vector, and to bring its channels together takes longer than its arithmetic. So
//! groups are taken together, with zeros for the weights that would join them: they are multiplied too, but whole
//! vectors of them, and minimal filtering multiplies a quarter.

use std::ops::Range;

use super::{Geometry, Gradients, ResultGradient, ResultRows, Saved, Then};
use crate::element::Element;
use crate::kernels::parts;
use crate::memory::{unwritten, zeroed};

impl Geometry {
    /// Whether there are groups of several channels that do not become one by being taken together.
    pub(super) fn are_apart(&self) -> bool {
        (2..self.channels).contains(&self.groups) && self.together().groups > 1
    }

    /// The same layer with fewer groups, of as many of its own as have no more than 32 channels and outputs; one
    /// group where that has no more than 64, for then nothing is brought together. Where all sums have
    /// to be direct, each group stays by itself: none sees what is in another's pixels.
    pub(super) fn together(&self) -> Self {
        let all = self.channels.max(self.outputs);
        let most = if all <= 64 { 64 } else { 32 };
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
    let count = images.len() / g.image();
    let length = height * width * g.outputs;
    let mut result = zeros(count * length);
    let mut places = zeros(if then == Then::ReluMaxPool { result.len() } else { 0 });
    let trained = weights.chunks_exact(own.outputs * own.patch()).zip(bias.chunks(own.outputs));
    for (group, trained) in trained.enumerate() {
        let images = gathered(images, g.channels, columns(group, own.channels));
        let outputs = columns(group, own.outputs);
        let (own_result, own_places) = super::forward(&images, trained, own, then);
        scatter(&own_result, &mut result, g.outputs, outputs.clone());
        scatter(&own_places, &mut places, g.outputs, outputs);
    }
    let looks = parts::map(result.chunks(g.chunk(count) * length), look);
    (result, places, looks)
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
    let gradients = written(saved, result_gradient, g);
    let mut images = zeros(if of_images { saved.images.len() } else { 0 });
    let (mut of_weights, mut bias) = (Vec::new(), Vec::new());
    for (group, weights) in weights.chunks_exact(own.outputs * own.patch()).enumerate() {
        let (channels, outputs) = (columns(group, own.channels), columns(group, own.outputs));
        let own_images = gathered(saved.images, g.channels, channels.clone());
        let result = gathered(saved.result, g.outputs, outputs.clone());
        let places = gathered(saved.places, g.outputs, outputs.clone());
        let gradients = &gathered(&gradients, g.outputs, outputs)[..];
        let own_saved = Saved {
            images: &own_images,
            weights,
            result: &result,
            places: &places,
            then: saved.then,
        };
        // ReLU has been undone, and to undo it again changes nothing.
        let found = super::backward(&own_saved, &gradients, own, of_images);
        scatter(&found.images, &mut images, g.channels, channels);
        of_weights.extend(found.weights);
        bias.extend(found.bias);
    }
    Gradients { images, weights: narrowed(&of_weights, g, together), bias }
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

/// The gradients of all results, with ReLU undone.
pub(super) fn written<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
) -> Vec<T> {
    let (height, width) = g.result(saved.then);
    let length = height * width * g.outputs;
    let mut gradients = zeros(saved.images.len() / g.image() * length);
    parts::for_each(gradients.chunks_exact_mut(length).enumerate(), |(image, gradients)| {
        let values = image * length..(image + 1) * length;
        let at = ResultRows { image, rows: 0..height, values };
        result_gradient.write(&at, saved.rectified(&at), gradients);
    });
    gradients
}

fn columns(group: usize, width: usize) -> Range<usize> {
    group * width..(group + 1) * width
}

/// Some columns of a matrix of so many.
fn gathered<T: Copy + Default + Send + Sync>(
    values: &[T],
    columns: usize,
    some: Range<usize>,
) -> Vec<T> {
    let mut part = zeros(values.len() / columns * some.len());
    let together = parts::part(values.len(), columns) / columns;
    let pieces = part.chunks_mut(together * some.len()).zip(values.chunks(together * columns));
    parts::for_each(pieces, |(part, values)| {
        let rows = values.chunks_exact(columns);
        for (part, row) in part.chunks_exact_mut(some.len()).zip(rows) {
            part.copy_from_slice(&row[some.clone()]);
        }
    });
    part
}

/// The inverse of [`gathered`].
fn scatter<T: Copy + Send + Sync>(
    part: &[T],
    values: &mut [T],
    columns: usize,
    some: Range<usize>,
) {
    let together = parts::part(values.len(), columns) / columns;
    let pieces = part.chunks(together * some.len()).zip(values.chunks_mut(together * columns));
    parts::for_each(pieces, |(part, values)| {
        let rows = values.chunks_exact_mut(columns);
        for (row, part) in rows.zip(part.chunks_exact(some.len())) {
            row[some.clone()].copy_from_slice(part);
        }
    });
}

/// Values of a batch that are to be written.
fn zeros<T: Copy + Default>(count: usize) -> Vec<T> {
    let mut places = unwritten(count);
    zeroed(&mut places);
    // SAFETY: all were filled.
    #[expect(unsafe_code, reason = "large blocks are asked for in huge pages")]
    unsafe { places.assume_init() }.into_vec()
}
