//! Images as rows: values, gradients, dtypes, what is refused.

mod support;

use candle_core::{DType, Tensor, Var};
use pairnet_ops::flatten;
use proptest::prelude::*;
use support::{assert_finite_differences, assert_same, assert_told, quarters, tensor, variable};

#[test]
fn gradients_are_finite_differences() {
    let images = [variable(&[2, 4, 3, 5], DType::F64, 1)];
    assert_finite_differences("flatten", &images, |v| flatten(&v[0].permute((0, 3, 1, 2))?));
}

proptest! {
    /// Images of any size, whichever way they lie.
    #[test]
    fn any_images_are_rows(
        sizes in prop::array::uniform4(1usize..20),
        order in Just([0usize, 1, 2, 3]).prop_shuffle(),
        seed in any::<u64>(),
    ) {
        for dtype in [DType::F32, DType::F64] {
            let images = [quarters(&sizes, dtype, seed)];
            let permute = |v: &[Var]| v[0].permute(&order[..]);
            assert_same("flatten", &images, |v| flatten(&permute(v)?), |v| permute(v)?.flatten_from(1));
        }
    }

    #[test]
    fn other_ranks_are_rows_too(sizes in prop::collection::vec(1usize..5, 2..6), seed in any::<u64>()) {
        let values = [quarters(&sizes, DType::F32, seed)];
        let last = sizes.len() - 1;
        assert_same("flatten", &values, |v| flatten(&v[0]), |v| v[0].flatten_from(1));
        let turned = |v: &[Var]| v[0].transpose(last - 1, last);
        assert_same("flatten", &values, |v| flatten(&turned(v)?), |v| turned(v)?.flatten_from(1));
    }
}

#[test]
fn what_does_not_fit_is_told() {
    assert_told(flatten(&tensor(&[2, 3], DType::F32, 1).to_dtype(DType::U8).unwrap()), "flatten");
    assert_told(
        flatten(&tensor(&[3], DType::F32, 1)),
        "flatten: images have shape [3], (n, …) is needed",
    );
}

#[test]
fn nothing_gives_nothing() {
    let empty = Tensor::zeros((2, 4, 0, 3), DType::F32, support::device()).unwrap();
    for order in [[0, 1, 2, 3], [0, 3, 1, 2]] {
        let images = empty.permute(order).unwrap();
        assert_eq!(flatten(&images).unwrap().dims(), [2, 0]);
    }
}
