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

#[cfg(test)]
mod tests {
    use super::*;

    /// A depth at which `gemm` rounds otherwise tells which of the two has multiplied.
    #[test]
    fn each_input_is_multiplied_by_its_kernel() {
        let (rows, inputs, outputs) = (600, 600, 70);
        let wave = |count: usize| (0..count).map(|place| (place as f32 * 1.7).sin());
        let weight: Vec<f32> = wave(outputs * inputs).collect();
        let gradient: Vec<f32> = wave(rows * outputs).collect();
        for (least, is_sparse) in [(0.6, true), (-0.5, false)] {
            let input = wave(rows * inputs).map(|x| if x > least { x } else { 0.0 });
            let input: Vec<f32> = input.collect();
            let input = Matrix::new(&input, rows, inputs);
            let weight = Matrix::new(&weight, outputs, inputs);
            let gradient = Matrix::new(&gradient, rows, outputs);
            let (found, found_gradient) =
                (weighted(input, weight), weight_gradient(gradient, input));
            let dense = product(input, weight.transposed());
            assert_eq!(found == dense, !is_sparse);
            assert_eq!(Some(found) == sparse::weighted(input, weight), is_sparse);
            assert_eq!(found_gradient == product(gradient.transposed(), input), !is_sparse);
            let expected = sparse::weight_gradient(gradient, input);
            assert_eq!(Some(found_gradient) == expected, is_sparse);
        }
    }
}
