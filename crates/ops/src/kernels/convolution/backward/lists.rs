//! Gradients that are not zero, in lists, and sums over a list with the sums in registers.

use pulp::Simd;

use crate::element::Element;

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

/// Lists of entries of a fixed greatest length, side by side in one allocation.
pub(super) struct EntryLists<T> {
    entries: Vec<Entry<T>>,
    lengths: Vec<usize>,
    capacity: usize,
}

impl<T: Element> EntryLists<T> {
    pub(super) fn new(lists: usize, longest: usize) -> Self {
        // One place more than asked for: a zero is written there and not counted.
        let capacity = longest + 1;
        Self {
            entries: vec![Entry::default(); lists * capacity],
            lengths: vec![0; lists],
            capacity,
        }
    }

    /// Appends without a branch, which half of the gradients would send the wrong way.
    #[inline(always)]
    pub(super) fn push_unless_zero(&mut self, list: usize, start: usize, gradient: T) {
        let length = &mut self.lengths[list];
        self.entries[list * self.capacity + *length] = Entry::new(start, gradient);
        *length += usize::from(gradient != T::ZERO);
    }

    #[inline(always)]
    pub(super) fn list(&self, list: usize) -> &[Entry<T>] {
        &self.entries[list * self.capacity..][..self.lengths[list]]
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.lengths.fill(0);
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
    entries: &[Entry<T>],
    source: &[T],
    rows: Rows,
) {
    let lanes = T::lanes::<S>();
    let block = 3 * lanes;
    if rows.count == 3 && rows.length.is_multiple_of(block) {
        for done in (0..rows.length).step_by(block) {
            let (target, source) = (&mut target[done..], &source[done..]);
            accumulate_block::<T, S, 3, 3, true>(simd, target, entries, source, rows);
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
                    6.. => block_of::<T, S, 6>(simd, target, entries, source, left),
                    3.. => block_of::<T, S, 3>(simd, target, entries, source, left),
                    _ => block_of::<T, S, 1>(simd, target, entries, source, left),
                };
        }
    }
}

/// [`accumulate`] for the first vectors of one row; how many they are.
#[inline(always)]
fn block_of<T: Element, S: Simd, const VECTORS: usize>(
    simd: S,
    target: &mut [T],
    entries: &[Entry<T>],
    source: &[T],
    rows: Rows,
) -> usize {
    if rows.length >= VECTORS * T::lanes::<S>() {
        accumulate_block::<T, S, 1, VECTORS, true>(simd, target, entries, source, rows);
    } else {
        accumulate_block::<T, S, 1, VECTORS, false>(simd, target, entries, source, rows);
    }
    VECTORS
}

/// [`accumulate`] with all sums in registers; unless `WHOLE`, the last vector is cut short by the row's end.
#[inline(always)]
fn accumulate_block<
    T: Element,
    S: Simd,
    const ROWS: usize,
    const VECTORS: usize,
    const WHOLE: bool,
>(
    simd: S,
    target: &mut [T],
    entries: &[Entry<T>],
    source: &[T],
    rows: Rows,
) {
    let lanes = T::lanes::<S>();
    let width = if WHOLE { VECTORS * lanes } else { rows.length };
    let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; ROWS];
    for row in 0..ROWS {
        let target = &target[row * rows.target_stride..][..width];
        for vector in 0..VECTORS {
            sums[row][vector] = T::load(simd, &target[vector * lanes..]);
        }
    }
    for entry in entries {
        let gradient = T::splat(simd, entry.gradient);
        let source = &source[entry.start as usize..];
        for row in 0..ROWS {
            let values = &source[row * rows.source_stride..][..width];
            for vector in 0..VECTORS {
                let values = T::load(simd, &values[vector * lanes..]);
                sums[row][vector] = T::fma(simd, gradient, values, sums[row][vector]);
            }
        }
    }
    for row in 0..ROWS {
        let target = &mut target[row * rows.target_stride..][..width];
        for vector in 0..VECTORS {
            T::store(simd, &mut target[vector * lanes..], sums[row][vector]);
        }
    }
}
