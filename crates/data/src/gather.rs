//! Rows in another order.

/// Rows of `width` values, those of `order`.
pub(crate) fn gather<T: Copy>(rows: &[T], width: usize, order: &[u32]) -> Vec<T> {
    order.iter().flat_map(|&row| &rows[row as usize * width..][..width]).copied().collect()
}
