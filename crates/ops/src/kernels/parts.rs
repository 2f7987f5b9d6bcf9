//! Work in parts, for threads to take; among it matrices in parts of their rows.
//!
//! These parts follow from the matrix alone, so that sums come in the same order whatever threads there
//! are: two halves, and more parts where a half would be longer than [`rows_of_a_part`]. What a thread has
//! written it finds in its own cache when it goes on with the same half.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::kernels::columns::rows_of_a_part;
use crate::memory::unwritten;
use crate::threads::join;

/// Does `work` with each part.
pub(crate) fn for_each<P: Send>(parts: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    let parts: Vec<_> = parts.map(|part| Mutex::new(Some(part))).collect();
    by_number(parts.len(), &|number| {
        let part = parts[number].lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(part) = part {
            work(part);
        }
    });
}

/// What `work` makes of each part, in their order.
pub(crate) fn map<P: Send, R: Send>(
    parts: impl Iterator<Item = P>,
    work: impl Fn(P) -> R + Sync,
) -> Vec<R> {
    let parts: Vec<_> = parts.collect();
    let mut results: Vec<_> = parts.iter().map(|_| None).collect();
    let places = parts.into_iter().zip(&mut results);
    for_each(places, |(part, place)| *place = Some(work(part)));
    results.into_iter().flatten().collect()
}

/// Does `work` with each number below `count`. Of many a thread takes some at a time, few enough for all to end
/// together.
fn by_number(count: usize, work: &(dyn Fn(usize) + Sync)) {
    const PIECES: usize = 32;
    let pieces = PIECES.max(4 * rayon::current_num_threads());
    in_halves(0..count, (count / pieces).max(1), work);
}

/// Does `work` with each of these numbers, up to `most` of them at a time: another thread may take the second half, and
/// so on within each half.
///
/// With `work` behind a pointer this is one function for the compiler, not one a kernel.
fn in_halves(numbers: Range<usize>, most: usize, work: &(dyn Fn(usize) + Sync)) {
    if numbers.len() <= most {
        return numbers.for_each(work);
    }
    let middle = numbers.start + numbers.len() / 2;
    join(
        || in_halves(numbers.start..middle, most, work),
        || in_halves(middle..numbers.end, most, work),
    );
}

/// Values in each part but the last of a matrix of so many values.
pub(crate) fn part(length: usize, columns: usize) -> usize {
    let columns = columns.max(1);
    let half = (length / columns).div_ceil(2).max(1);
    half.min(rows_of_a_part(columns)) * columns
}

/// A new matrix of so many values, and what `write` returns for each part: it gets the places for the
/// values, and which of them all they are.
///
/// # Safety
///
/// `write` writes to every place that it gets.
#[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
pub(crate) unsafe fn written<T: Send, R: Send>(
    length: usize,
    columns: usize,
    write: impl Fn(&mut [MaybeUninit<T>], Range<usize>) -> R + Sync,
) -> (Vec<T>, Vec<R>) {
    let mut values = unwritten(length);
    let part = part(length, columns);
    let results = map(values.chunks_mut(part).enumerate(), |(index, places)| {
        let first = index * part;
        let range = first..first + places.len();
        write(places, range)
    });
    // SAFETY: the parts are all there is, and the caller sees to it that each is written.
    (unsafe { values.assume_init() }.into_vec(), results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_rows() {
        let of = |rows: usize, columns: usize| {
            let number = |range: Range<usize>| range.map(|place| place as f32);
            let write = |places: &mut [MaybeUninit<f32>], range: Range<usize>| {
                for (place, value) in places.iter_mut().zip(number(range.clone())) {
                    place.write(value);
                }
                range
            };
            // SAFETY: there is a number for each place.
            #[expect(unsafe_code, reason = "the function under test")]
            let (values, parts) = unsafe { written(rows * columns, columns, write) };
            assert_eq!(values, number(0..rows * columns).collect::<Vec<_>>());
            parts
        };
        assert_eq!(of(5, 3), [0..9, 9..15]);
        assert_eq!(of(1, 4), vec![0..4]);
        assert!(of(0, 4).is_empty());
        let whole = rows_of_a_part(300) * 300;
        assert_eq!(of(rows_of_a_part(300) * 2 + 1, 300).len(), 3);
        assert_eq!(of(rows_of_a_part(300) * 2 + 1, 300)[0], 0..whole);
    }
}
