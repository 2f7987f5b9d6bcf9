//! Some columns of a matrix by themselves, and back: channels of pixels, or outputs of positions.

use std::mem::MaybeUninit;
use std::ops::{Deref, Range};

use crate::kernels::parts;
use crate::memory::unwritten;

/// Some columns of a matrix of so many.
pub(super) fn slice_columns<T: Copy>(values: &[T], columns: usize, some: Range<usize>) -> Vec<T> {
    let rows = values.chunks_exact(columns);
    let mut part = unwritten(rows.len() * some.len());
    for (target, row) in part.chunks_exact_mut(some.len()).zip(rows) {
        copy(&row[some.clone()], target);
    }
    // SAFETY: there is a target for each row, and each was written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe { part.assume_init() }.into_vec()
}

/// The inverse of [`slice_columns`]: writes rows of so many values to every place of `all`. There may be none.
pub(super) fn concat_columns<T: Copy + Send + Sync>(
    parts: &[impl Deref<Target = [T]> + Sync],
    row: usize,
    all: &mut [MaybeUninit<T>],
) {
    let rows = all.len() / row;
    let widths: usize = parts.iter().map(|part| part.len() / rows.max(1)).sum();
    // A column too few would leave memory unwritten.
    assert_eq!(
        (widths * rows, rows * row),
        (all.len(), all.len()),
        "the parts' rows fill each row"
    );
    let together = parts::part(all.len(), row);
    parts::for_each(all.chunks_mut(together).enumerate(), |(number, targets)| {
        for (index, target) in targets.chunks_exact_mut(row).enumerate() {
            let (index, mut target) = (number * together / row + index, target);
            for part in parts {
                let width = part.len() / rows;
                let own;
                (own, target) = target.split_at_mut(width);
                copy(&part[index * width..][..width], own);
            }
        }
    });
}

/// Copies some values, without a call where they are one or two vectors of AVX-512.
#[inline(always)]
pub(super) fn copy<T: Copy>(source: &[T], target: &mut [MaybeUninit<T>]) {
    const LINE: usize = 16;
    let ((lines, rest), (targets, last)) =
        (source.as_chunks::<LINE>(), target.as_chunks_mut::<LINE>());
    for (line, target) in lines.iter().zip(targets) {
        target.write_copy_of_slice(line);
    }
    for (value, target) in rest.iter().zip(last) {
        target.write(*value);
    }
}
