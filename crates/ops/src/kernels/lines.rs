//! Memory that begins where a cache line does.

use std::ops::{Deref, DerefMut};

use crate::element::Element;

/// Values of which the first begins a cache line: a vector across two of them is loaded twice.
pub(crate) struct Lines<T> {
    values: Vec<T>,
    start: usize,
}

impl<T: Element> Lines<T> {
    pub(crate) fn zeros(count: usize) -> Self {
        let line = 64 / size_of::<T>();
        let values = vec![T::ZERO; count + line];
        let start = values.as_ptr().align_offset(64).min(line);
        let mut lines = Self { values, start };
        lines.values.truncate(start + count);
        lines
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.start..]
    }
}

impl<T> DerefMut for Lines<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..]
    }
}

/// Values from the beginning of a cache line on: where they do not lie so, as with the system's allocator, a copy.
pub(crate) enum Aligned<'a, T> {
    /// As they lie.
    Given(&'a [T]),
    Copied(Lines<T>),
}

impl<'a, T: Element> Aligned<'a, T> {
    pub(crate) fn new(values: &'a [T]) -> Self {
        if values.as_ptr().addr().is_multiple_of(64) {
            return Self::Given(values);
        }
        let mut copy = Lines::zeros(values.len());
        copy.copy_from_slice(values);
        Self::Copied(copy)
    }
}

impl<T> Deref for Aligned<'_, T> {
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
