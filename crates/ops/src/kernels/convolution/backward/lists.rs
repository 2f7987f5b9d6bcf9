//! Gradients that are not zero, in lists, and sums over a list with the sums in registers.

use crate::element::Element;

/// A gradient that is not zero, and where the values that it multiplies begin.
#[derive(Clone, Copy)]
pub(super) struct Entry<T> {
    start: u32,
    gradient: T,
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
        let empty = Entry { start: 0, gradient: T::ZERO };
        Self { entries: vec![empty; lists * capacity], lengths: vec![0; lists], capacity }
    }

    /// Appends without a branch, which half of the gradients would send the wrong way.
    #[inline(always)]
    pub(super) fn push_unless_zero(&mut self, list: usize, start: usize, gradient: T) {
        let length = &mut self.lengths[list];
        self.entries[list * self.capacity + *length] = Entry { start: start as u32, gradient };
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

/// Adds Σ gradient · source[start..] to `target`, over the entries.
#[inline(always)]
pub(super) fn accumulate<T: Element, const FUSED: bool>(
    target: &mut [T],
    entries: &[Entry<T>],
    source: &[T],
) {
    let mut done = 0;
    while done < target.len() {
        let rest = &mut target[done..];
        let source = &source[done..];
        done += match rest.len() {
            64.. => accumulate_block::<T, FUSED, 64>(rest, entries, source),
            48.. => accumulate_block::<T, FUSED, 48>(rest, entries, source),
            32.. => accumulate_block::<T, FUSED, 32>(rest, entries, source),
            16.. => accumulate_block::<T, FUSED, 16>(rest, entries, source),
            8.. => accumulate_block::<T, FUSED, 8>(rest, entries, source),
            4.. => accumulate_block::<T, FUSED, 4>(rest, entries, source),
            _ => accumulate_block::<T, FUSED, 1>(rest, entries, source),
        };
    }
}

/// [`accumulate`] for the first `LENGTH` values, whose sums stay in registers.
#[inline(always)]
fn accumulate_block<T: Element, const FUSED: bool, const LENGTH: usize>(
    target: &mut [T],
    entries: &[Entry<T>],
    source: &[T],
) -> usize {
    let mut sums = [T::ZERO; LENGTH];
    for entry in entries {
        let values = &source[entry.start as usize..][..LENGTH];
        for lane in 0..LENGTH {
            sums[lane] = T::mul_add::<FUSED>(entry.gradient, values[lane], sums[lane]);
        }
    }
    let target = &mut target[..LENGTH];
    for lane in 0..LENGTH {
        target[lane] += sums[lane];
    }
    LENGTH
}
