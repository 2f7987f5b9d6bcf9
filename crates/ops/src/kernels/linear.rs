//! The products of a fully connected layer: `gemm`'s, and where the input is mostly zeros those that leave them out.

use super::matmul::{Matrix, product};
use super::sparse::{self, is_sparse};
use crate::element::Element;

/// input · weightᵀ, of row-major matrices.
pub(crate) fn weighted<T: Element>(input: Matrix<'_, T>, weight: Matrix<'_, T>) -> Vec<T> {
    let sparse = is_sparse(input, weight.rows()).then(|| sparse::weighted(input, weight)).flatten();
    sparse.unwrap_or_else(|| product(input, weight.transposed()))
}

/// gradientᵀ · input, of row-major matrices: the gradient of the weight, given that of the outputs.
pub(crate) fn weight_gradient<T: Element>(gradient: Matrix<'_, T>, input: Matrix<'_, T>) -> Vec<T> {
    let sparse = is_sparse(input, gradient.columns());
    let sparse = sparse.then(|| sparse::weight_gradient(gradient, input)).flatten();
    sparse.unwrap_or_else(|| product(gradient.transposed(), input))
}
