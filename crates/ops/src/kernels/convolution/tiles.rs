//! Sums of some patches with the weights of some outputs, held in registers.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::Geometry;
use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::transposed::transpose;
use crate::kernels::{dispatch, parts};
use crate::memory::places;

/// Vectors of outputs, and positions in the image, that a tile has: with eight vectors of sums
/// hardly any waits for the one before it, with sixteen none, where the registers hold them.
#[inline(always)]
pub(super) fn shape<T: Element, S: Simd>(outputs: usize) -> (usize, usize) {
    match outputs.div_ceil(T::lanes::<S>()) {
        _ if S::REGISTER_COUNT < 32 => (2, 4),
        0 | 1 => (1, 8),
        _ => (2, 8),
    }
}

/// Weights and biases of all outputs as tiles read them: panel after panel of as many outputs as a
/// tile has, one row a place in the patch, zeros where the outputs end.
pub(super) struct Panels<T: Element> {
    values: Lines<T>,
    bias: Vec<T>,
    width: usize,
    patch: usize,
}

impl<T: Element> Panels<T> {
    /// Weights, biases and first output of each panel.
    #[inline(always)]
    pub(super) fn all(&self) -> impl Iterator<Item = (&[T], &[T], usize)> {
        let weights = self.values.chunks_exact(self.patch * self.width);
        let biases = self.bias.chunks_exact(self.width);
        weights.zip(biases).zip((0..).step_by(self.width)).map(|((w, b), first)| (w, b, first))
    }

    /// Outputs of a panel.
    pub(super) fn width(&self) -> usize {
        self.width
    }
}

/// `weights` are channels-last, one row of patch length an output.
pub(super) fn pack<T: Element>(weights: &[T], bias: &[T], g: &Geometry) -> Panels<T> {
    let width = dispatch(Width::<T> { outputs: g.outputs, of: PhantomData });
    let patch = g.patch();
    let panels = g.outputs.div_ceil(width);
    let mut values = Lines::zeros(panels * patch * width);
    let targets = places(&mut values).chunks_exact_mut(patch * width);
    parts::for_each(weights.chunks(patch * width).zip(targets), |(weights, target)| {
        transpose((weights, patch), (weights.len() / patch, patch), (target, width));
    });
    let mut biases = vec![T::ZERO; panels * width];
    biases[..bias.len()].copy_from_slice(bias);
    Panels { values, bias: biases, width, patch }
}

/// Outputs in one panel.
struct Width<T> {
    outputs: usize,
    of: PhantomData<T>,
}

impl<T: Element> WithSimd for Width<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        shape::<T, S>(self.outputs).0 * T::lanes::<S>()
    }
}

/// The rows of each patch: worked out once, for a tile takes no longer than a few divisions.
#[derive(Clone, Copy)]
pub(super) struct PatchRows {
    count: usize,
    /// Values of a row.
    pub(super) segment: usize,
    /// From one row to the next.
    pub(super) step: usize,
}

impl PatchRows {
    pub(super) fn of(g: &Geometry) -> Self {
        Self { count: g.kernel_height, segment: g.segment(), step: g.row_below() }
    }
}

/// The sums of the patches that begin at `starts` with a panel's weights.
///
/// The shortest segments, of three pixels with one or two channels, are known to the compiler:
/// their loops would cost more than their arithmetic.
#[inline(always)]
pub(super) fn tile<T: Element, S: Simd, const VECTORS: usize, const POSITIONS: usize>(
    simd: S,
    image: &[T],
    starts: [usize; POSITIONS],
    (panel, bias): (&[T], &[T]),
    rows: PatchRows,
) -> [[T::Vector<S>; VECTORS]; POSITIONS] {
    let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; POSITIONS];
    for vector in 0..VECTORS {
        let bias = T::load(simd, &bias[vector * T::lanes::<S>()..][..T::lanes::<S>()]);
        for position in 0..POSITIONS {
            sums[position][vector] = bias;
        }
    }
    let patches = Patches { image, starts, row: rows.step };
    match (rows.count, rows.segment) {
        (3, 3) => patches.add::<S, VECTORS, 3>(simd, &mut sums, panel, (3, 3)),
        (3, 6) => patches.add::<S, VECTORS, 6>(simd, &mut sums, panel, (3, 6)),
        size => patches.add::<S, VECTORS, 4>(simd, &mut sums, panel, size),
    }
    sums
}

struct Patches<'a, T, const POSITIONS: usize> {
    image: &'a [T],
    starts: [usize; POSITIONS],
    /// From one row of a patch to the next.
    row: usize,
}

impl<T: Element, const POSITIONS: usize> Patches<'_, T, POSITIONS> {
    /// Adds what each row of the patches gives, `STEP` values at a time and then one by one.
    #[inline(always)]
    fn add<S: Simd, const VECTORS: usize, const STEP: usize>(
        &self,
        simd: S,
        sums: &mut [[T::Vector<S>; VECTORS]; POSITIONS],
        panel: &[T],
        (rows, segment): (usize, usize),
    ) {
        let width = VECTORS * T::lanes::<S>();
        for row in 0..rows {
            let weights = &panel[row * segment * width..][..segment * width];
            let mut segments = [&self.image[..0]; POSITIONS];
            for position in 0..POSITIONS {
                segments[position] =
                    &self.image[self.starts[position] + row * self.row..][..segment];
            }
            let mut place = 0;
            while place + STEP <= segment {
                add_places::<T, S, VECTORS, POSITIONS, STEP>(simd, sums, segments, weights, place);
                place += STEP;
            }
            while place < segment {
                add_places::<T, S, VECTORS, POSITIONS, 1>(simd, sums, segments, weights, place);
                place += 1;
            }
        }
    }
}

#[inline(always)]
fn add_places<
    T: Element,
    S: Simd,
    const VECTORS: usize,
    const POSITIONS: usize,
    const STEP: usize,
>(
    simd: S,
    sums: &mut [[T::Vector<S>; VECTORS]; POSITIONS],
    mut segments: [&[T]; POSITIONS],
    weights: &[T],
    place: usize,
) {
    let (lanes, width) = (T::lanes::<S>(), VECTORS * T::lanes::<S>());
    let weights = &weights[place * width..][..STEP * width];
    for position in 0..POSITIONS {
        segments[position] = &segments[position][place..][..STEP];
    }
    for step in 0..STEP {
        let mut row = [T::splat(simd, T::ZERO); VECTORS];
        for vector in 0..VECTORS {
            row[vector] = T::load(simd, &weights[step * width + vector * lanes..][..lanes]);
        }
        for position in 0..POSITIONS {
            let input = T::splat(simd, segments[position][step]);
            for vector in 0..VECTORS {
                sums[position][vector] = T::fma(simd, input, row[vector], sums[position][vector]);
            }
        }
    }
}
