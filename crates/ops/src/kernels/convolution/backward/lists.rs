//! Gradients that are not zero, and sums over some of them with the sums in registers.

use pulp::Simd;

use crate::element::Element;
use crate::kernels::grid::{Grid, GridMut};

/// A gradient that is not zero, and where the values that it multiplies begin.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry<T> {
    start: u32,
    gradient: T,
}

impl<T: Element> Entry<T> {
    #[inline(always)]
    pub(super) fn new(start: usize, gradient: T) -> Self {
        Self { start: start as u32, gradient }
    }

    #[inline(always)]
    pub(super) fn is_zero(self) -> bool {
        self.gradient == T::ZERO
    }
}

/// Some outputs of a pooling window, a bit each, as entries that multiply their weights.
#[derive(Clone, Copy)]
pub(super) struct Outputs<'a, T> {
    pub(super) bits: u64,
    pub(super) gradients: &'a [T],
    /// Where the first one's weights begin, and from there to the next one's.
    pub(super) start: usize,
    pub(super) apart: usize,
}

impl<T: Element> Iterator for Outputs<'_, T> {
    type Item = Entry<T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Entry<T>> {
        if self.bits == 0 {
            return None;
        }
        let output = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(Entry::new(self.start + output * self.apart, self.gradients[output]))
    }
}

/// Rows of a patch that lie apart in memory.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) length: usize,
    /// From one row of what is added to to the next.
    pub(super) target_stride: usize,
    /// From one row of what is multiplied to the next.
    pub(super) source_stride: usize,
}

/// Adds Σ gradient · source[start..] to `target`, over the entries, three rows together where they are whole vectors.
#[inline(always)]
pub(super) fn accumulate<T: Element, S: Simd>(
    simd: S,
    target: &mut [T],
    entries: impl Iterator<Item = Entry<T>> + Clone,
    source: &[T],
    rows: Rows,
) {
    let lanes = T::lanes::<S>();
    let block = 3 * lanes;
    if rows.count == 3 && rows.length.is_multiple_of(block) {
        for done in (0..rows.length).step_by(block) {
            let (target, source) = (&mut target[done..], &source[done..]);
            whole_block::<T, S, 3, 3>(simd, target, entries.clone(), source, rows);
        }
        return;
    }
    for row in 0..rows.count {
        let target = &mut target[row * rows.target_stride..][..rows.length];
        let source = &source[row * rows.source_stride..];
        let mut done = 0;
        while done < rows.length {
            let (target, source) = (&mut target[done..], &source[done..]);
            let left = Rows { length: rows.length - done, ..rows };
            done += lanes
                * match left.length.div_ceil(lanes) {
                    6.. => block_of::<T, S, 6>(simd, target, entries.clone(), source, left),
                    3.. => block_of::<T, S, 3>(simd, target, entries.clone(), source, left),
                    _ => block_of::<T, S, 1>(simd, target, entries.clone(), source, left),
                };
        }
    }
}

/// [`accumulate`] for the first vectors of one row; how many they are.
#[inline(always)]
fn block_of<T: Element, S: Simd, const VECTORS: usize>(
    simd: S,
    target: &mut [T],
    entries: impl Iterator<Item = Entry<T>> + Clone,
    source: &[T],
    rows: Rows,
) -> usize {
    if rows.length >= VECTORS * T::lanes::<S>() {
        whole_block::<T, S, 1, VECTORS>(simd, target, entries, source, rows);
    } else {
        cut_row::<T, S, VECTORS>(simd, target, entries, source, rows.length);
    }
    VECTORS
}

/// [`accumulate`] with all sums in registers, of whole vectors.
#[inline(always)]
fn whole_block<T: Element, S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    target: &mut [T],
    entries: impl Iterator<Item = Entry<T>>,
    source: &[T],
    rows: Rows,
) {
    let lanes = T::lanes::<S>();
    let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; ROWS];
    let before = Grid::<_, _, ROWS, VECTORS>::new(simd, target, (rows.target_stride, lanes), lanes);
    for row in 0..ROWS {
        sums[row] = before.row(row);
    }
    for entry in entries {
        let gradient = T::splat(simd, entry.gradient);
        let (source, apart) = (&source[entry.start as usize..], (rows.source_stride, lanes));
        let source = Grid::<_, _, ROWS, VECTORS>::new(simd, source, apart, lanes);
        for row in 0..ROWS {
            let values = source.row(row);
            for vector in 0..VECTORS {
                sums[row][vector] = T::fma(simd, gradient, values[vector], sums[row][vector]);
            }
        }
    }
    let apart = (rows.target_stride, lanes);
    let mut target = GridMut::<_, _, ROWS, VECTORS>::new(simd, target, apart, lanes);
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            target.set(row, vector, sums[row][vector]);
        }
    }
}

/// [`accumulate`] of one row of so many values, whose last vector is cut short.
#[inline(always)]
fn cut_row<T: Element, S: Simd, const VECTORS: usize>(
    simd: S,
    target: &mut [T],
    entries: impl Iterator<Item = Entry<T>>,
    source: &[T],
    width: usize,
) {
    let lanes = T::lanes::<S>();
    let mut sums = [T::splat(simd, T::ZERO); VECTORS];
    for vector in 0..VECTORS {
        sums[vector] = T::load(simd, &target[..width][vector * lanes..]);
    }
    for entry in entries {
        let gradient = T::splat(simd, entry.gradient);
        let values = &source[entry.start as usize..][..width];
        for vector in 0..VECTORS {
            let values = T::load(simd, &values[vector * lanes..]);
            sums[vector] = T::fma(simd, gradient, values, sums[vector]);
        }
    }
    for vector in 0..VECTORS {
        T::store(simd, &mut target[..width][vector * lanes..], sums[vector]);
    }
}
