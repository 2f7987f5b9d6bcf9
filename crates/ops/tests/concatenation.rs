//! One tensor after another, against candle's own.

mod support;

use candle_core::{DType, Tensor, Var};
use pairnet_ops::{Conv2dConfig, cat, conv2d, relu};
use proptest::prelude::*;
use support::{
    assert_told, cases, composed, device, least, tensor, values, variable, weighted_sum, whole,
    with_gradients,
};

/// Sizes of a tensor, the dimension that differs, and how long each tensor is there.
fn shapes() -> impl Strategy<Value = (Vec<usize>, usize, Vec<usize>)> {
    let dims = prop::collection::vec(least()..4, 1..=4);
    (dims, prop::collection::vec(least()..5, 1..=12)).prop_flat_map(|(dims, lengths)| {
        let dim = 0..dims.len();
        (Just(dims), dim, Just(lengths))
    })
}

proptest! {
    #![proptest_config(cases(128))]

    /// Of contiguous tensors and of such as lie the other way round, the first or another.
    #[test]
    fn values_and_gradients_are_candle_s((dims, dim, lengths) in shapes(), turned in 0..8usize) {
        let rank = dims.len();
        let back: Vec<usize> = (0..rank).rev().collect();
        let is_turned = |index: usize| index == turned || turned == 7;
        let of = |(index, &length): (usize, &usize)| {
            let mut dims = dims.clone();
            dims[dim] = length;
            if is_turned(index) {
                dims.reverse();
            }
            variable(&dims, DType::F64, index as u64)
        };
        let variables: Vec<Var> = lengths.iter().enumerate().map(of).collect();
        let tensors = |variables: &[Var]| {
            let tensor = |(index, variable): (usize, &Var)| match is_turned(index) {
                true => variable.permute(&back[..]),
                false => Ok(variable.as_tensor().clone()),
            };
            variables.iter().enumerate().map(tensor).collect::<candle_core::Result<Vec<_>>>()
        };
        let (result, gradients) = with_gradients(&variables, |v| cat(&tensors(v)?, dim));
        let expected = Tensor::cat(&tensors(&variables).unwrap(), dim).unwrap();
        prop_assert_eq!(result.dims(), expected.dims());
        prop_assert_eq!(values(&result), values(&expected));
        let by_candle = weighted_sum(&expected).unwrap().backward().unwrap();
        for (variable, gradient) in variables.iter().zip(&gradients) {
            prop_assert_eq!(values(gradient), values(by_candle.get(variable).unwrap()));
        }
    }
}

/// As in a network whose convolutions see the images of all before.
#[test]
fn images_side_by_side_copy_no_gradient() {
    let images = tensor(&[2, 3, 6, 5], DType::F64, 1);
    let weights = [[4, 3, 3, 3], [4, 7, 3, 3], [2, 11, 3, 3]]
        .map(|shape| variable(&shape, DType::F64, shape[1] as u64));
    let padded = Conv2dConfig { padding: 1, ..Default::default() };
    let forward = |v: &[Var]| {
        v.iter().try_fold(images.clone(), |seen, weight| {
            let new = relu(&conv2d(&seen, weight, None, padded)?)?;
            cat(&[&seen, &new], 1)
        })
    };
    let (result, _) = with_gradients(&weights, forward);
    assert_eq!(result.dims(), [2, 13, 6, 5]);
    if !composed() && device().is_cpu() {
        let loss = pairnet_ops::flatten(&forward(&weights).unwrap()).unwrap();
        // The flattened result is the last.
        let copied = |node: &&Tensor| !node.is_variable() && node.elem_count() > 1;
        assert_eq!(loss.sorted_nodes().into_iter().filter(copied).count(), 1);
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let one = tensor(&[2, 3], DType::F32, 1);
    assert_told(cat(&[&one, &tensor(&[3, 3], DType::F32, 1)], 1), "shape mismatch");
    assert_told(cat(&[&one, &tensor(&[2], DType::F32, 1)], 0), "");
    assert_told(cat(&[&one, &tensor(&[2, 3], DType::F64, 1)], 0), "dtype mismatch");
    assert_told(cat(&[&one, &one], 2), "cat");
    assert_told(cat::<Tensor, _>(&[], 0), "at least one tensor");
    // Whole numbers are candle's.
    assert_eq!(values(&cat(&[whole(&[2]), whole(&[1])], 0).unwrap()), [1.0; 3]);
}
