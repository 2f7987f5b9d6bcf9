//! A convolution in groups: one a group, put together again.

use std::ops::Range;

use super::{Geometry, Gradients, ResultGradient, ResultRows, Saved, Then};
use crate::element::Element;
use crate::kernels::parts;

/// As [`super::forward`].
pub(super) fn forward<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let own = &g.group();
    let (height, width) = g.result(then);
    let length = images.len() / g.image() * height * width * g.outputs;
    let mut result = vec![T::ZERO; length];
    let mut places = vec![0; if then == Then::ReluMaxPool { length } else { 0 }];
    let trained = weights.chunks_exact(own.outputs * own.patch()).zip(bias.chunks(own.outputs));
    for (group, trained) in trained.enumerate() {
        let images = gathered(images, g.channels, columns(group, own.channels));
        let outputs = columns(group, own.outputs);
        let (own_result, own_places) = super::forward(&images, trained, own, then);
        scatter(&own_result, &mut result, g.outputs, outputs.clone());
        scatter(&own_places, &mut places, g.outputs, outputs);
    }
    (result, places)
}

/// As [`super::backward`].
pub(super) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    let own = &g.group();
    let gradients = written(saved, result_gradient, g);
    let mut images = vec![T::ZERO; if of_images { saved.images.len() } else { 0 }];
    let (mut weights, mut bias) = (Vec::new(), Vec::new());
    for (group, of_group) in saved.weights.chunks_exact(own.outputs * own.patch()).enumerate() {
        let (channels, outputs) = (columns(group, own.channels), columns(group, own.outputs));
        let own_images = gathered(saved.images, g.channels, channels.clone());
        let result = gathered(saved.result, g.outputs, outputs.clone());
        let places = gathered(saved.places, g.outputs, outputs.clone());
        let gradients = &gathered(&gradients, g.outputs, outputs)[..];
        let own_saved = Saved {
            images: &own_images,
            weights: of_group,
            result: &result,
            places: &places,
            then: saved.then,
        };
        // ReLU has been undone, and to undo it again changes nothing.
        let found = super::backward(&own_saved, &gradients, own, of_images);
        scatter(&found.images, &mut images, g.channels, channels);
        weights.extend(found.weights);
        bias.extend(found.bias);
    }
    Gradients { images, weights, bias }
}

/// The gradients of all results, with ReLU undone.
fn written<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
) -> Vec<T> {
    let (height, width) = g.result(saved.then);
    let length = height * width * g.outputs;
    let mut gradients = vec![T::ZERO; saved.images.len() / g.image() * length];
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
    let mut part = vec![T::default(); values.len() / columns * some.len()];
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
