//! Weight gradients where a patch is too short to fill vectors: they run along the outputs.

use super::{Geometry, LANES};
use crate::element::Element;

/// Weight gradients of one image, vectors running along the outputs.
#[inline(always)]
pub(super) fn accumulate_along_outputs<T: Element, const FUSED: bool>(
    weights: &mut [T],
    pixels: &[T],
    spread: &[T],
    g: &Geometry,
) {
    for first in (0..g.outputs).step_by(LANES) {
        let mut place = 0;
        while place < g.patch() {
            place += match g.patch() - place {
                3.. => accumulate_places::<T, FUSED, 3>(weights, pixels, spread, g, (first, place)),
                _ => accumulate_places::<T, FUSED, 1>(weights, pixels, spread, g, (first, place)),
            };
        }
    }
}

/// [`accumulate_along_outputs`] for `COUNT` weights of `LANES` outputs, whose sums stay in
/// registers.
#[inline(always)]
fn accumulate_places<T: Element, const FUSED: bool, const COUNT: usize>(
    weights: &mut [T],
    pixels: &[T],
    spread: &[T],
    g: &Geometry,
    (first, place): (usize, usize),
) -> usize {
    let (_, width) = g.convolved();
    let offsets: [usize; COUNT] = std::array::from_fn(|index| {
        let place = place + index;
        (place / g.segment()) * g.row() + place % g.segment()
    });
    let mut sums = [[T::ZERO; LANES]; COUNT];
    for (y, gradients) in spread.chunks_exact(width * g.outputs).enumerate() {
        let row = (width - 1) * g.channels + 1;
        let inputs = offsets.map(|offset| &pixels[offset + y * g.row()..][..row]);
        for (x, gradients) in gradients.chunks_exact(g.outputs).enumerate() {
            let gradients = &gradients[first..first + LANES];
            for (sums, inputs) in sums.iter_mut().zip(inputs) {
                let input = inputs[x * g.channels];
                for (sum, &gradient) in sums.iter_mut().zip(gradients) {
                    *sum = T::mul_add::<FUSED>(input, gradient, *sum);
                }
            }
        }
    }
    for (index, sums) in sums.into_iter().enumerate() {
        for (lane, sum) in sums.into_iter().enumerate() {
            weights[(first + lane) * g.patch() + place + index] += sum;
        }
    }
    COUNT
}
