//! Weight gradients of 3×3 kernels on images of one or two channels, whose patches are too short
//! for vectors: these run along the outputs instead.

use std::ops::Range;

use super::super::{Geometry, WINDOW, load};
use super::{Pass, ResultGradient, add};
use crate::element::Element;

const SIDE: usize = 3;
const WEIGHTS: usize = SIDE * SIDE;

/// Whether [`short_patches_chunk`] can take this convolution.
pub(super) fn fit(g: &Geometry) -> bool {
    (g.kernel_height, g.kernel_width) == (SIDE, SIDE)
        && matches!(g.channels, 1 | 2)
        && g.outputs.is_multiple_of(8)
}

/// Weight and bias gradients of some images, `LANES` outputs at a time.
///
/// A gradient belongs to one of `PLACES` neighbours: the four of a pooling window, or one alone.
#[inline(always)]
pub(super) fn short_patches_chunk<
    T: Element,
    const FUSED: bool,
    const LANES: usize,
    const PLACES: usize,
>(
    (pass, range): (&Pass<'_, T>, Range<usize>),
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
) -> (Vec<T>, Vec<T>) {
    let starts = g.starts(pass.then);
    let length = starts.len() * g.outputs;
    let mut bias = vec![T::ZERO; g.outputs];
    let mut gradients = vec![T::ZERO; length];
    let mut sums = vec![[[T::ZERO; LANES]; WEIGHTS]; g.outputs / LANES * g.channels];
    let mut seen = Vec::with_capacity(starts.len());
    for image in range {
        let results = image * length..(image + 1) * length;
        result_gradient.write::<FUSED>(image, pass.rectified(results.clone()), &mut gradients);
        for gradients in gradients.chunks_exact(g.outputs) {
            add(&mut bias, gradients);
        }
        let pixels = &pass.images[image * g.image()..][..g.image()];
        // Zero times what is not finite is not zero.
        let finite = bias.iter().all(|&sum| sum * T::ZERO == T::ZERO);
        look::<T, PLACES>(pixels, &starts, !finite, g, &mut seen);
        let part = Part {
            pixels,
            gradients: &gradients,
            places: pass.places.get(results).unwrap_or_default(),
            seen: &seen,
        };
        match g.channels {
            1 => add_image::<T, FUSED, LANES, PLACES, 1, 3>(&mut sums, &part, g),
            _ => add_image::<T, FUSED, LANES, PLACES, 2, 6>(&mut sums, &part, g),
        }
    }
    let mut weights = vec![T::ZERO; pass.weights.len()];
    for (index, sums) in sums.iter().enumerate() {
        let (block, channel) = (index / g.channels, index % g.channels);
        for (weight, sums) in sums.iter().enumerate() {
            for (lane, &sum) in sums.iter().enumerate() {
                let output = block * LANES + lane;
                weights[output * g.patch() + weight * g.channels + channel] = sum;
            }
        }
    }
    (weights, bias)
}

/// What one image adds.
struct Part<'a, T> {
    pixels: &'a [T],
    /// One for each place where a patch starts and each output.
    gradients: &'a [T],
    places: &'a [u8],
    /// Those of the starts, by number and place in the image, that have an input other than zero:
    /// no other adds anything.
    seen: &'a [(usize, usize)],
}

/// `SPAN` is the length of a row under the kernel.
#[inline(always)]
fn add_image<
    T: Element,
    const FUSED: bool,
    const LANES: usize,
    const PLACES: usize,
    const CHANNELS: usize,
    const SPAN: usize,
>(
    sums: &mut [[[T; LANES]; WEIGHTS]],
    part: &Part<'_, T>,
    g: &Geometry,
) {
    let row = g.row();
    let offsets = g.window_offsets();
    for (index, sums) in sums.iter_mut().enumerate() {
        let (block, channel) = (index / CHANNELS, index % CHANNELS);
        let mut totals = *sums;
        for &(number, start) in part.seen {
            let first = number * g.outputs + block * LANES;
            let all: [T; LANES] = load(&part.gradients[first..]);
            let mut at = [0u32; LANES];
            if PLACES > 1 {
                let places: [u8; LANES] = load(&part.places[first..]);
                for lane in 0..LANES {
                    at[lane] = u32::from(places[lane]);
                }
            }
            for place in 0..PLACES {
                let mut gradients = all;
                for lane in 0..LANES {
                    let here = at[lane] == place as u32;
                    gradients[lane] = if here { all[lane] } else { T::ZERO };
                }
                let patch = &part.pixels[start + offsets[place]..];
                let rows = [&patch[..SPAN], &patch[row..][..SPAN], &patch[2 * row..][..SPAN]];
                for weight in 0..WEIGHTS {
                    let input = rows[weight / SIDE][weight % SIDE * CHANNELS + channel];
                    for lane in 0..LANES {
                        totals[weight][lane] =
                            T::mul_add::<FUSED>(input, gradients[lane], totals[weight][lane]);
                    }
                }
            }
        }
        *sums = totals;
    }
}

/// Notes which of the starts have an input other than zero, or `all` of them.
#[inline(always)]
fn look<T: Element, const PLACES: usize>(
    pixels: &[T],
    starts: &[usize],
    all: bool,
    g: &Geometry,
    seen: &mut Vec<(usize, usize)>,
) {
    // A window's patches together span one pixel more.
    let side = if PLACES == WINDOW { SIDE + 1 } else { SIDE };
    let mut marked_row = None;
    let mut marks = vec![false; g.row()];
    seen.clear();
    for (number, &start) in starts.iter().enumerate() {
        let (y, x) = (start / g.row(), start % g.row());
        if marked_row != Some(y) {
            marked_row = Some(y);
            marks.fill(all);
            for row in pixels[y * g.row()..][..side * g.row()].chunks_exact(g.row()) {
                for (mark, &pixel) in marks.iter_mut().zip(row) {
                    *mark |= pixel != T::ZERO;
                }
            }
        }
        if marks[x..x + side * g.channels].contains(&true) {
            seen.push((number, start));
        }
    }
}
