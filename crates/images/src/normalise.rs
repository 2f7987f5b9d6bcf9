//! From grey levels to a digit as MNIST has it.

use std::ops::Range;

use crate::error::ImageError;

/// Rows, and columns, of the result.
pub const SIDE: usize = 28;
/// The larger side of the digit in it.
const BOX: usize = 20;
/// Ink fainter than so many times the median deviation from the page is page: five standard deviations,
/// where the deviations are normal.
const DEVIATIONS: f64 = 7.5;
/// Ink that is never page, however uneven that is.
const STRONG: f64 = 0.4;
/// Ink at which a crop ends: JPEG leaves fainter traces around each stroke.
const EDGE: f64 = 0.08;

/// What MNIST would have made of `pixels` (`height` rows of `width` bytes): 28×28 bytes, the digit
/// light on dark. The [crate](crate)'s page tells the steps.
///
/// # Errors
///
/// Where there are not width · height bytes, or all are alike.
pub fn like_mnist(
    pixels: &[u8],
    width: usize,
    height: usize,
) -> Result<[u8; SIDE * SIDE], ImageError> {
    if width.checked_mul(height) != Some(pixels.len()) {
        return Err(ImageError::Length { found: pixels.len(), width, height });
    }
    let ink = ink(pixels).ok_or(ImageError::Blank { width, height })?;
    let (rows, columns) = extent(&ink, width);
    let scale = BOX as f64 / rows.len().max(columns.len()) as f64;
    let scaled = |length: usize| ((length as f64 * scale).round() as usize).clamp(1, BOX);
    let (high, wide) = (scaled(rows.len()), scaled(columns.len()));
    let digit = resize(&ink, width, (&rows, &columns), (high, wide));
    let (y, x) = centred(&digit, high, wide);
    let mut result = [0; SIDE * SIDE];
    for (row, values) in digit.chunks_exact(wide).enumerate() {
        let places = &mut result[(y + row) * SIDE + x..][..wide];
        for (place, value) in places.iter_mut().zip(values) {
            *place = (value * 255.0).round() as u8;
        }
    }
    Ok(result)
}

/// How much each pixel differs from the page, from 0 to 1; `None` where none does.
fn ink(pixels: &[u8]) -> Option<Vec<f64>> {
    let page = median(pixels.iter().copied())?;
    let apart = pixels.iter().map(|level| level.abs_diff(page));
    let deviation = median(apart.clone())?;
    let strongest = apart.max().filter(|&strongest| strongest > 0)?;
    // What differs most from the page is ink, whichever is darker.
    let lighter = pixels.iter().any(|&level| level > page && level - page == strongest);
    let contrast = f64::from(strongest);
    let faint = (DEVIATIONS * f64::from(deviation) / contrast).min(STRONG);
    let amount = |&level: &u8| {
        let above = f64::from(level) - f64::from(page);
        let amount = (if lighter { above } else { -above }) / contrast;
        if amount > faint { amount } else { 0.0 }
    };
    Some(pixels.iter().map(amount).collect())
}

/// The value in the middle; `None` of none.
fn median(values: impl Iterator<Item = u8>) -> Option<u8> {
    let mut counts = [0usize; 256];
    values.for_each(|value| counts[usize::from(value)] += 1);
    let half = counts.iter().sum::<usize>().div_ceil(2);
    let mut below = 0;
    let place = counts.iter().position(|count| {
        below += count;
        below >= half
    });
    place.filter(|_| half > 0).map(|place| place as u8)
}

/// The rows and columns that have more than a trace of ink.
fn extent(ink: &[f64], width: usize) -> (Range<usize>, Range<usize>) {
    let places = ink.iter().enumerate().filter(|(_, ink)| **ink > EDGE);
    let (mut rows, mut columns) = ([usize::MAX, 0], [usize::MAX, 0]);
    for (place, _) in places {
        let (y, x) = (place / width, place % width);
        rows = [rows[0].min(y), rows[1].max(y + 1)];
        columns = [columns[0].min(x), columns[1].max(x + 1)];
    }
    (rows[0]..rows[1], columns[0]..columns[1])
}

/// A part of the ink as `high` rows of `wide` values, each the mean over the area that it covers.
fn resize(
    ink: &[f64],
    width: usize,
    (rows, columns): (&Range<usize>, &Range<usize>),
    (high, wide): (usize, usize),
) -> Vec<f64> {
    let (down, across) = (overlaps(rows, high), overlaps(columns, wide));
    let mut result = Vec::with_capacity(high * wide);
    for row in &down {
        for column in &across {
            let of_row = |y: usize| -> f64 {
                column.iter().map(|&(x, share)| ink[y * width + x] * share).sum()
            };
            result.push(row.iter().map(|&(y, share)| of_row(y) * share).sum());
        }
    }
    result
}

/// For each of `count` equal parts of a range, the places that it covers and their shares of it.
fn overlaps(range: &Range<usize>, count: usize) -> Vec<Vec<(usize, f64)>> {
    let length = range.len() as f64 / count as f64;
    (0..count)
        .map(|part| {
            let (from, to) = (part as f64 * length, (part + 1) as f64 * length);
            (from as usize..range.len().min(to.ceil() as usize))
                .map(|place| {
                    let covered = (place as f64 + 1.0).min(to) - (place as f64).max(from);
                    (range.start + place, covered.max(0.0) / length)
                })
                .collect()
        })
        .collect()
}

/// Where the first row and column go, so that the centre of mass comes to the middle.
fn centred(digit: &[f64], high: usize, wide: usize) -> (usize, usize) {
    let (mut mass, mut y, mut x) = (0.0, 0.0, 0.0);
    for (row, values) in digit.chunks_exact(wide).enumerate() {
        for (column, value) in values.iter().enumerate() {
            mass += value;
            y += value * (row as f64 + 0.5);
            x += value * (column as f64 + 0.5);
        }
    }
    let first = |moment: f64, length: usize| {
        // As in MNIST, where it lies between 14 and 15 pixels from the edge.
        (SIDE / 2).saturating_sub((moment / mass) as usize).min(SIDE - length)
    };
    (first(y, high), first(x, wide))
}
