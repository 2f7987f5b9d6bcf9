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
