//! Digits beside those that are shipped.

use crate::digits::{Digits, SIDE};
use crate::identity::Difference;
use crate::shipped::SplitFiles;

/// A split, digits, and those of it that are shipped.
pub(crate) type Compared<'a> = (&'static SplitFiles, &'a Digits, &'a Digits);

/// Where any of the splits first differs.
pub(crate) fn difference(splits: &[Compared<'_>]) -> Option<Difference> {
    splits.iter().find_map(content).or_else(|| splits.iter().find_map(count))
}

fn content(&(split, found, shipped): &Compared<'_>) -> Option<Difference> {
    let pixel = first(found.images(), shipped.images()).map(|place| {
        let (index, pixel) = (place / (SIDE * SIDE), place % (SIDE * SIDE));
        Difference::Pixel {
            file: split.images.name,
            index,
            row: pixel / SIDE,
            column: pixel % SIDE,
            found: found.images()[place],
            shipped: shipped.images()[place],
        }
    });
    pixel.or_else(|| {
        first(found.labels(), shipped.labels()).map(|index| Difference::Label {
            file: split.labels.name,
            index,
            found: found.label(index),
            shipped: shipped.label(index),
        })
    })
}

fn count(&(split, found, shipped): &Compared<'_>) -> Option<Difference> {
    let (found, shipped) = (found.len(), shipped.len());
    (found != shipped).then_some(Difference::Count { file: split.images.name, found, shipped })
}

fn first(found: &[u8], shipped: &[u8]) -> Option<usize> {
    found.iter().zip(shipped).position(|(found, shipped)| found != shipped)
}
