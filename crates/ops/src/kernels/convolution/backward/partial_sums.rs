//! Sums of the weights' and the bias's gradients over chunks and bands of images.
//!
//! They are added in the order of the images, so that they do not depend on the number of threads.

use super::super::Geometry;
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::{parts, vectorised};

/// Weights whose partial sums a thread adds up at a time.
const STRIPE: usize = 4096;

/// The sums of what each of `chunks` gives for its images: the gradients of the weights and of the bias.
pub(in super::super) fn sum_over<T: Element, C: Send>(
    chunks: impl ExactSizeIterator<Item = C>,
    g: &Geometry,
    gradients_of: impl Fn(C) -> (Vec<T>, Vec<T>) + Sync,
) -> (Vec<T>, Vec<T>) {
    let mut chunks = chunks.peekable();
    if chunks.len() == 1 {
        return parts::map(chunks, gradients_of).swap_remove(0);
    }
    let all = g.outputs * g.group().patch();
    let stripes = (0..all).step_by(STRIPE).map(|first| first..all.min(first + STRIPE));
    let mut weights: Vec<_> =
        stripes.map(|stripe| (ColumnSums::of_sums(stripe.len()), stripe)).collect();
    let mut bias = ColumnSums::of_sums(g.outputs);
    while chunks.peek().is_some() {
        let partial_sums = parts::map(chunks.by_ref().take(at_once(all)), &gradients_of);
        parts::for_each(weights.iter_mut(), |(sums, stripe)| {
            for (partial_weights, _) in &partial_sums {
                vectorised!(add_row::<T>(sums, &partial_weights[stripe.clone()]));
            }
        });
        for (_, partial_bias) in &partial_sums {
            bias.add(partial_bias);
        }
    }
    let weights = parts::map(weights.into_iter(), |(sums, _)| sums.total()).concat();
    (weights, bias.total())
}

/// Chunks of which each has gradients of its own at the same time. All at once would take the memory of
/// all `weights` once a chunk.
fn at_once(weights: usize) -> usize {
    const VALUES: usize = 1 << 24;
    (VALUES / weights.max(1)).max(16)
}

#[inline(always)]
fn add_row<T: Element, const FUSED: bool>(sums: &mut ColumnSums<T>, row: &[T]) {
    sums.add(row);
}

/// The sums of what the bands of a chunk give.
pub(super) fn added_up<T: Element>(
    mut bands: impl ExactSizeIterator<Item = (Vec<T>, Vec<T>)>,
    g: &Geometry,
) -> (Vec<T>, Vec<T>) {
    if bands.len() == 1
        && let Some(whole) = bands.next()
    {
        return whole;
    }
    let mut weights = ColumnSums::of_sums(g.outputs * g.patch());
    let mut bias = ColumnSums::of_sums(g.outputs);
    for (of_weights, of_bias) in bands {
        weights.add(&of_weights);
        bias.add(&of_bias);
    }
    (weights.total(), bias.total())
}
