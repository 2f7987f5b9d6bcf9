//! Patches that lie side by side, which share most of their pixels: each is read once.

use pulp::Simd;

use super::Geometry;
use super::tiles::PatchRows;
use crate::element::Element;
use crate::kernels::vectors::WINDOW;

/// Whether [`near_tile`] takes this layer: so short patches have more pixels to read than sums to add to.
pub(super) fn near(g: &Geometry) -> bool {
    (g.kernel_height, g.kernel_width, g.stride, g.dilation) == (3, 3, 1, 1) && g.channels <= 2
}

/// As [`tile`](super::tiles::tile), of two groups of so many patches, each from its `start` on, with the same sums.
#[inline(always)]
fn near_tile<T: Element, S: Simd, const VECTORS: usize, const PATCHES: usize>(
    simd: S,
    image: &[T],
    starts: [usize; 2],
    (panel, bias): (&[T], &[T]),
    rows: PatchRows,
) -> [[[T::Vector<S>; VECTORS]; PATCHES]; 2] {
    let mut sums = [[[T::splat(simd, T::ZERO); VECTORS]; PATCHES]; 2];
    for vector in 0..VECTORS {
        let bias = T::load(simd, &bias[vector * T::lanes::<S>()..][..T::lanes::<S>()]);
        for group in 0..2 {
            for patch in 0..PATCHES {
                sums[group][patch][vector] = bias;
            }
        }
    }
    let weights = (panel, rows.step);
    if rows.segment == 3 {
        add_near::<T, S, VECTORS, PATCHES, 1, 3>(simd, &mut sums, image, starts, weights);
    } else {
        add_near::<T, S, VECTORS, PATCHES, 2, 6>(simd, &mut sums, image, starts, weights);
    }
    sums
}

#[inline(always)]
fn add_near<
    T: Element,
    S: Simd,
    const VECTORS: usize,
    const PATCHES: usize,
    const CHANNELS: usize,
    const SEGMENT: usize,
>(
    simd: S,
    sums: &mut [[[T::Vector<S>; VECTORS]; PATCHES]; 2],
    image: &[T],
    starts: [usize; 2],
    (panel, step): (&[T], usize),
) {
    let lanes = T::lanes::<S>();
    for (row, panel) in panel.chunks_exact(SEGMENT * VECTORS * lanes).enumerate() {
        for group in 0..2 {
            let line = &image[starts[group] + row * step..][..SEGMENT + (PATCHES - 1) * CHANNELS];
            for place in 0..SEGMENT {
                for vector in 0..VECTORS {
                    let weights = &panel[(place * VECTORS + vector) * lanes..][..lanes];
                    let weights = T::load(simd, weights);
                    for patch in 0..PATCHES {
                        let value = T::splat(simd, line[place + patch * CHANNELS]);
                        let sum = &mut sums[group][patch][vector];
                        *sum = T::fma(simd, value, weights, *sum);
                    }
                }
            }
        }
    }
}

/// The sums of [`tile`](super::tiles::tile) of patches of which each half lies side by side.
#[inline(always)]
pub(super) fn row_tile<T: Element, S: Simd, const VECTORS: usize, const POSITIONS: usize>(
    simd: S,
    image: &[T],
    starts: [usize; POSITIONS],
    panel: (&[T], &[T]),
    rows: PatchRows,
) -> [[T::Vector<S>; VECTORS]; POSITIONS] {
    let starts = [starts[0], starts[POSITIONS / 2]];
    let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; POSITIONS];
    // Half of a generic constant cannot be written as one.
    if POSITIONS == 8 {
        let halves = near_tile::<T, S, VECTORS, 4>(simd, image, starts, panel, rows);
        sums.copy_from_slice(&halves.as_flattened()[..POSITIONS]);
    } else {
        let halves = near_tile::<T, S, VECTORS, 2>(simd, image, starts, panel, rows);
        sums.copy_from_slice(&halves.as_flattened()[..POSITIONS]);
    }
    sums
}

/// The sums of [`tile`](super::tiles::tile) of the patches of one pooling window, or of two side by side: those of
/// the upper rows are read together, and those of the lower.
#[inline(always)]
pub(super) fn window_tile<T: Element, S: Simd, const VECTORS: usize, const POSITIONS: usize>(
    simd: S,
    image: &[T],
    mut starts: [usize; POSITIONS],
    panel: (&[T], &[T]),
    rows: PatchRows,
) -> [[T::Vector<S>; VECTORS]; POSITIONS] {
    // The lower rows begin with the third place of the first window.
    starts[POSITIONS / 2] = starts[2];
    let lines = row_tile::<T, S, VECTORS, POSITIONS>(simd, image, starts, panel, rows);
    let mut sums = lines;
    for position in 0..POSITIONS {
        let (window, place) = (position / WINDOW, position % WINDOW);
        sums[position] = lines[place / 2 * (POSITIONS / 2) + 2 * window + place % 2];
    }
    sums
}
