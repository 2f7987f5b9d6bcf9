//! Classes as numbers.

use candle_core::{DType, Result, Tensor, bail};

/// The columns of `scores` (n, classes), where there is one, and the class of each row, which is one
/// of them.
///
/// # Errors
///
/// Where the shapes do not fit, a class is out of range, or the classes are not whole numbers.
pub(crate) fn columns_and_classes(
    operation: &str,
    scores: &Tensor,
    classes: &Tensor,
) -> Result<(usize, Vec<u32>)> {
    let [rows, columns] = *scores.dims() else {
        bail!("{operation}: scores of shape {:?}, (n, classes) is needed", scores.shape());
    };
    if columns == 0 {
        bail!("{operation}: scores {:?} are those of no class", scores.shape());
    }
    if classes.dims() != [rows] || rows == 0 {
        bail!(
            "{operation}: {rows} rows of scores need as many classes, one at least, got {:?}",
            classes.shape()
        );
    }
    Ok((columns, numbers(operation, classes, columns)?))
}

/// Classes (n) below `columns`.
pub(crate) fn numbers(operation: &str, classes: &Tensor, columns: usize) -> Result<Vec<u32>> {
    fn within<N: Copy + std::fmt::Display>(
        operation: &str,
        classes: Vec<N>,
        columns: usize,
    ) -> Result<Vec<u32>>
    where
        u32: TryFrom<N>,
    {
        let class = |class: N| match u32::try_from(class) {
            Ok(number) if (number as usize) < columns => Ok(number),
            _ => bail!("{operation}: class {class} of {columns} classes"),
        };
        classes.into_iter().map(class).collect()
    }
    match classes.dtype() {
        DType::U8 => within(operation, classes.to_vec1::<u8>()?, columns),
        DType::U32 => within(operation, classes.to_vec1::<u32>()?, columns),
        DType::I64 => within(operation, classes.to_vec1::<i64>()?, columns),
        other => bail!("{operation}: classes have dtype {other:?}, U8, U32 or I64 is needed"),
    }
}

/// The same classes as candle's ops take them beside `scores`: those that were given, where they are so
/// already.
pub(crate) fn beside(scores: &Tensor, given: &Tensor, numbers: Vec<u32>) -> Result<Tensor> {
    if given.dtype() == DType::U32 && given.device().same_device(scores.device()) {
        return Ok(given.clone());
    }
    let count = numbers.len();
    Tensor::from_vec(numbers, count, scores.device())
}
