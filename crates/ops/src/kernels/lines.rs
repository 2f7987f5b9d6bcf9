//! Memory that begins where a cache line does.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::element::Element;

/// Values of which the first begins a cache line: a vector across two of them is loaded twice.
///
/// A kernel needs memory of the same sizes at every step. When it is done with some, the thread keeps it for the next
/// that fits: it lies in the nearer caches, and need not be zeroed where all that is read of it is written before. From
/// the allocator, another block would come each time, which went through memory.
pub(crate) struct Lines<T: Element> {
    values: Vec<T>,
    /// Where those begin that are used, and how many they are.
    start: usize,
    count: usize,
}

/// Blocks that a thread keeps, and how large they are at most, each and together: what has no place in its caches gains
/// nothing.
const MOST_BLOCKS: usize = 16;
const MOST_BYTES: usize = 2 << 20;
const ALL_BYTES: usize = 8 << 20;

impl<T: Element> Lines<T> {
    /// Those of new memory are written, too: what is added to it finds its pages there.
    pub(crate) fn zeros(count: usize) -> Self {
        let mut lines = Self::unspecified(count);
        lines.fill(T::ZERO);
        lines
    }

    /// Values of any kind, such as earlier ones: they are to be written before they are read. In debug builds and tests
    /// all are NaN, for a kernel to be found out.
    pub(crate) fn unspecified(count: usize) -> Self {
        let line = 64 / size_of::<T>();
        let needed = count + line;
        let values = kept(needed).unwrap_or_else(|| vec![T::ZERO; needed]);
        let start = values.as_ptr().align_offset(64).min(line);
        let mut lines = Self { values, start, count };
        if cfg!(any(test, debug_assertions)) {
            lines.fill(T::from_f64(f64::NAN));
        }
        lines
    }
}

/// The smallest block that this thread has kept for so many values, unless it is far too large.
fn kept<T: Element>(needed: usize) -> Option<Vec<T>> {
    let take = |blocks: &RefCell<Vec<Vec<T>>>| {
        let mut blocks = blocks.try_borrow_mut().ok()?;
        let fits = |block: &Vec<T>| needed <= block.len() && block.len() / 2 <= needed;
        let fitting = blocks.iter().enumerate().filter(|(_, block)| fits(block));
        let (place, _) = fitting.min_by_key(|(_, block)| block.len())?;
        Some(blocks.remove(place))
    };
    // A thread that ends has nothing left.
    T::kept_blocks().try_with(take).ok().flatten()
}

impl<T: Element> Drop for Lines<T> {
    fn drop(&mut self) {
        let block = std::mem::take(&mut self.values);
        if self.count == 0 || size_of_val(&block[..]) > MOST_BYTES {
            return;
        }
        // Where it is not kept, it is freed.
        let _kept = T::kept_blocks().try_with(|blocks| {
            if let Ok(mut blocks) = blocks.try_borrow_mut() {
                blocks.push(block);
                let bytes = |blocks: &[Vec<T>]| -> usize {
                    blocks.iter().map(|block| size_of_val(&block[..])).sum()
                };
                while blocks.len() > MOST_BLOCKS || bytes(&blocks[..]) > ALL_BYTES {
                    blocks.remove(0);
                }
            }
        });
    }
}

impl<T: Element> Deref for Lines<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.start..][..self.count]
    }
}

impl<T: Element> DerefMut for Lines<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..][..self.count]
    }
}

/// Values from the beginning of a cache line on: where they do not lie so, as with the system's allocator, a copy.
pub(crate) enum Aligned<'a, T: Element> {
    /// As they lie.
    Given(&'a [T]),
    Copied(Lines<T>),
}

impl<'a, T: Element> Aligned<'a, T> {
    pub(crate) fn new(values: &'a [T]) -> Self {
        if values.as_ptr().addr().is_multiple_of(64) {
            return Self::Given(values);
        }
        let mut copy = Lines::unspecified(values.len());
        copy.copy_from_slice(values);
        Self::Copied(copy)
    }
}

impl<T: Element> Deref for Aligned<'_, T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            Self::Given(values) => values,
            Self::Copied(values) => values,
        }
    }
}

/// Asks for values that are read soon, while something else is computed.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for line in values.chunks(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction changes no value, and every x86-64 processor has it.
        #[expect(unsafe_code, reason = "no safe function is this instruction")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a thread of its own, which has kept nothing yet.
    fn alone(test: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(test).join()).unwrap();
    }

    #[test]
    fn zeros_are_zero_wherever_their_memory_comes_from() {
        alone(|| {
            for count in [0, 1, 15, 16, 17, 1000] {
                Lines::<f32>::unspecified(1000).fill(7.0);
                let lines = Lines::<f32>::zeros(count);
                assert_eq!(*lines, vec![0.0; count]);
                assert!(lines.as_ptr().addr().is_multiple_of(64));
            }
        });
    }

    #[test]
    fn memory_is_taken_again_by_what_fits() {
        alone(|| {
            let place = |count| Lines::<f64>::unspecified(count).as_ptr().addr();
            let first = place(5000);
            assert_eq!([5000, 4000, 2504].map(place), [first; 3]);
            // Far too much for these, too little for those.
            let (_half, _more) = (Lines::<f64>::unspecified(2000), Lines::<f64>::unspecified(5009));
            assert_eq!(place(5000), first);
            let (one, other) = (Lines::<f64>::unspecified(5000), Lines::<f64>::unspecified(5000));
            assert_ne!(one.as_ptr(), other.as_ptr(), "two at the same time");
        });
    }

    #[test]
    fn a_thread_keeps_few_blocks_and_none_that_is_large() {
        alone(|| {
            let kept = || f32::kept_blocks().with_borrow(Vec::len);
            let many: Vec<_> = (0..MOST_BLOCKS + 3).map(|_| Lines::<f32>::zeros(100)).collect();
            drop(many);
            assert_eq!(kept(), MOST_BLOCKS);
            drop((Lines::<f32>::zeros(MOST_BYTES / 4), Lines::<f32>::zeros(0)));
            assert_eq!(kept(), MOST_BLOCKS);
            let half = MOST_BYTES / 8;
            drop((0..9).map(|_| Lines::<f32>::zeros(half)).collect::<Vec<_>>());
            assert_eq!(
                kept(),
                ALL_BYTES / (4 * half) - 1,
                "each begins a cache line, and is longer"
            );
        });
    }
}
