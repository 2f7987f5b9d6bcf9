//! The share of right answers.

use candle_core::{DType, Result, Tensor, bail};

use super::classes::{columns_and_classes, numbers};

/// The share, in \[0, 1\], of rows of `logits` whose largest value is that of their class.
///
/// `logits` (n, classes), of any float dtype, with `classes` (n) of dtype U8, U32 or I64. Of equal
/// maxima the first counts, as `argmax` has it. A row with a NaN has no largest value, and is wrong.
///
/// A single logit a row, (n), says class 1 where it is above 0, and class 0 where it is not: its classes
/// (n) are 0 and 1, in those dtypes or as floats. NaN is wrong here too.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use pairnet_ops::accuracy;
///
/// # fn main() -> candle_core::Result<()> {
/// let logits = Tensor::new(&[[0.1f32, 0.9], [0.8, 0.2], [0.5, 0.5]], &Device::Cpu)?;
/// let classes = Tensor::new(&[1u8, 1, 0], &Device::Cpu)?;
/// assert_eq!(accuracy(&logits, &classes)?, 2.0 / 3.0);
/// let single = Tensor::new(&[3f32, -1.0], &Device::Cpu)?;
/// assert_eq!(accuracy(&single, &Tensor::new(&[1f32, 0.0], &Device::Cpu)?)?, 1.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where the shapes do not fit, there is no row, a class is out of range, or `logits` are no floats.
pub fn accuracy(logits: &Tensor, classes: &Tensor) -> Result<f64> {
    if !logits.dtype().is_float() {
        bail!("accuracy: logits have dtype {:?}, floats are needed", logits.dtype());
    }
    let right = match logits.rank() {
        1 => right_signs(logits, classes)?,
        _ => right_rows(logits, classes)?,
    };
    let rows = classes.elem_count();
    Ok(right as f64 / rows as f64)
}

fn right_rows(logits: &Tensor, classes: &Tensor) -> Result<usize> {
    let (columns, classes) = columns_and_classes("accuracy", logits, classes)?;
    let values = numbers_of(logits)?;
    let rows = values.chunks_exact(columns).zip(classes);
    Ok(rows.filter(|(row, class)| first_largest(row) == Some(*class as usize)).count())
}

/// The place of the first largest value; none where one is NaN.
fn first_largest(row: &[f64]) -> Option<usize> {
    let mut place = 0;
    for (index, value) in row.iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        if *value > row[place] {
            place = index;
        }
    }
    Some(place)
}

fn right_signs(logits: &Tensor, classes: &Tensor) -> Result<usize> {
    if logits.shape() != classes.shape() || logits.elem_count() == 0 {
        bail!(
            "accuracy: logits of shape {:?} and classes of {:?} must both be (n,), n at least 1",
            logits.shape(),
            classes.shape()
        );
    }
    let classes: Vec<f64> = if classes.dtype().is_float() {
        numbers_of(classes)?
    } else {
        numbers("accuracy", classes, 2)?.into_iter().map(f64::from).collect()
    };
    if let Some(class) = classes.iter().find(|class| ![0.0, 1.0].contains(*class)) {
        bail!("accuracy: class {class} of a single logit, which are 0 and 1");
    }
    let logits = numbers_of(logits)?;
    let pairs = logits.into_iter().zip(classes);
    Ok(pairs.filter(|(logit, class)| !logit.is_nan() && (*logit > 0.0) == (*class == 1.0)).count())
}

fn numbers_of(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}
