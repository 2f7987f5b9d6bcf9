//! The products of a fully connected layer: `gemm`'s, and where a good part of what is multiplied is zero those that
//! leave that out.

use super::matmul::{Matrix, product};
use super::sparse::{self, pays, zeros};
use super::transposed::transposed;
use crate::element::Element;
use crate::threads::side_by_side;

/// input · weightᵀ, of row-major matrices.
pub(crate) fn weighted<T: Element>(input: Matrix<'_, T>, weight: Matrix<'_, T>) -> Vec<T> {
    by_rows(input, weight.transposed())
}

/// The gradients of the input, where it is wanted, and of the weight, given that of the outputs.
pub(crate) fn gradients<T: Element>(
    input: Matrix<'_, T>,
    weight: Matrix<'_, T>,
    gradient: Matrix<'_, T>,
    of_input: bool,
) -> (Option<Vec<T>>, Vec<T>) {
    let of_weight = || weight_gradient(gradient, input);
    if of_input {
        let (of_input, of_weight) = side_by_side(|| by_rows(gradient, weight), of_weight);
        (Some(of_input), of_weight)
    } else {
        (None, of_weight())
    }
}

/// left · right, where rows of `left`, which is row-major, may be zero in part.
fn by_rows<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
    let sparse = pays(left, zeros(left), right);
    let sparse = sparse.then(|| sparse::product(left, right)).flatten();
    sparse.unwrap_or_else(|| product(left, right))
}

/// gradientᵀ · input, of row-major matrices: the gradient of the weight, given that of the outputs.
///
/// Where either has zeros, those of the one are left out of which more time is saved.
fn weight_gradient<T: Element>(gradient: Matrix<'_, T>, input: Matrix<'_, T>) -> Vec<T> {
    /// Rows whose products take as long as turning the result, which begins with the inputs where their zeros are
    /// left out.
    const TURNING: f64 = 20.0;
    let (left, right) = (gradient.transposed(), input.transposed());
    let (of_gradient, of_input) = (zeros(gradient), zeros(input) - TURNING / input.rows() as f64);
    let sparse = if of_gradient >= of_input && pays(left, of_gradient, input) {
        sparse::product(left, input)
    } else if pays(right, of_input, gradient) {
        let turned = sparse::product(right, gradient);
        turned.map(|turned| transposed(&turned, input.columns(), gradient.columns()))
    } else {
        None
    };
    sparse.unwrap_or_else(|| product(left, input))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A depth at which `gemm` rounds otherwise tells which of them has multiplied.
    #[test]
    fn each_product_is_multiplied_by_its_kernel() {
        if matches!(crate::kernels::arch(), pulp::Arch::Scalar) {
            return;
        }
        let (rows, inputs, outputs) = (600, 600, 600);
        let wave = |least: f32| -> Vec<f32> {
            let wave = (0..rows * inputs).map(|place| (place as f32 * 1.7).sin());
            wave.map(|x| if x > least { x } else { 0.0 }).collect()
        };
        let (dense, half, few) = (wave(-1.0), wave(0.0), wave(0.6));
        let [dense, half, few] =
            [&dense, &half, &few].map(|values| Matrix::new(values, rows, outputs));
        let of =
            |left: Matrix<'_, f32>, right: Matrix<'_, f32>| sparse::product(left, right).unwrap();
        for left in [half, half.transposed()] {
            assert!(product(left, dense) != of(left, dense), "rounded alike");
        }

        assert!(weighted(half, dense) == of(half, dense.transposed()));
        assert!(weighted(dense, half) == product(dense, half.transposed()));
        let of_input = |gradient, weight| gradients(half, weight, gradient, true).0;
        assert!(of_input(half, dense) == Some(of(half, dense)));
        assert!(of_input(dense, half) == Some(product(dense, half)));
        assert!(weight_gradient(half, dense) == of(half.transposed(), dense));
        assert!(weight_gradient(few, half) == of(few.transposed(), half));
        let turned = |left: Matrix<'_, f32>, right: Matrix<'_, f32>| {
            transposed(&of(left, right), inputs, outputs)
        };
        assert!(weight_gradient(dense, half) == turned(half.transposed(), dense));
        assert!(weight_gradient(half, few) == turned(few.transposed(), half));
        assert!(weight_gradient(dense, dense) == product(dense.transposed(), dense));
    }
}
