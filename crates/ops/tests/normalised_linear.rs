//! A fully connected layer, ReLU and batch norm in one op, against the three one after another.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{BatchStatistics, NormalisedLinear, linear_relu_batch_norm, reference};
use proptest::prelude::*;
use support::{
    assert_close, assert_finite_differences, assert_same, assert_same_before_batch_norm,
    assert_told, has_empty_variables, tensor, variable,
};

/// Large enough that a channel of hardly any variance does not blow up what is rounded.
const EPSILON: f64 = 0.1;

/// Input, weight, bias, γ and β.
fn variables(rows: usize, inputs: usize, outputs: usize, dtype: DType) -> Vec<Var> {
    vec![
        variable(&[rows, inputs], dtype, 1),
        variable(&[outputs, inputs], dtype, 2),
        variable(&[outputs], dtype, 3),
        variable(&[outputs], dtype, 4),
        variable(&[outputs], dtype, 5),
    ]
}

fn fused(input: &Tensor, v: &[Var]) -> Result<(Tensor, BatchStatistics)> {
    let [weight, bias, gamma, beta] = [0, 1, 2, 3].map(|index| v[index].as_tensor());
    let layer = NormalisedLinear { weight, bias: Some(bias), gamma, beta, epsilon: EPSILON };
    linear_relu_batch_norm(input, &layer)
}

fn composed(input: &Tensor, v: &[Var]) -> Result<(Tensor, BatchStatistics)> {
    let activations = reference::relu(&reference::linear(input, &v[0], Some(v[1].as_tensor()))?)?;
    reference::batch_norm(&activations, &v[2], &v[3], EPSILON)
}

fn compare(rows: usize, inputs: usize, outputs: usize, dtype: DType) {
    let all = variables(rows, inputs, outputs, dtype);
    assert_same_before_batch_norm(
        &format!("{rows} rows, {inputs} → {outputs}, {dtype:?}"),
        &all,
        |v| Ok(fused(&v[0], &v[1..])?.0),
        |v| Ok(composed(&v[0], &v[1..])?.0),
    );
    if dtype == DType::F64 {
        let found = fused(&all[0], &all[1..]).unwrap().1;
        let expected = composed(&all[0], &all[1..]).unwrap().1;
        assert_close("mean", &found.mean, &expected.mean, 1e-11);
        assert_close("variance", &found.variance, &expected.variance, 1e-11);
        assert_eq!(found.count, expected.count);
    }
}

#[test]
fn the_networks_layers_are_their_parts_one_after_another() {
    for dtype in [DType::F32, DType::F64] {
        compare(40, 196, 200, dtype);
        compare(20, 392, 200, dtype);
    }
}

proptest! {
    #![proptest_config(support::cases(40))]

    #[test]
    fn any_layer_is_its_parts_one_after_another(
        rows in 2usize..60,
        inputs in 1usize..20,
        outputs in 1usize..20,
    ) {
        compare(rows, inputs, outputs, DType::F64);
    }
}

#[test]
fn gradients_are_finite_differences() {
    let all = variables(6, 3, 4, DType::F64);
    assert_finite_differences("linear_relu_batch_norm", &all, |v| Ok(fused(&v[0], &v[1..])?.0));
}

/// The first layer: no gradient of the input is asked for, and the others are the same.
#[test]
fn the_input_needs_no_gradient() {
    let mut all = variables(8, 5, 3, DType::F64);
    let input = all.remove(0).as_tensor().detach();
    assert_same("trained alone", &all, |v| Ok(fused(&input, v)?.0), |v| Ok(composed(&input, v)?.0));
}

/// No bias is a bias of zeros.
#[test]
fn a_layer_without_bias() {
    let all = variables(8, 5, 3, DType::F64);
    let layer = |v: &[Var]| {
        let [weight, gamma, beta] = [1, 3, 4].map(|index| v[index].as_tensor());
        let layer = NormalisedLinear { weight, bias: None, gamma, beta, epsilon: EPSILON };
        Ok(linear_relu_batch_norm(&v[0], &layer)?.0)
    };
    let zeros = tensor(&[3], DType::F64, 1).zeros_like().unwrap();
    let mut found = all.clone();
    found.remove(2);
    let with = |v: &[Var]| {
        vec![v[0].clone(), v[1].clone(), variable(&[3], DType::F64, 3), v[2].clone(), v[3].clone()]
    };
    assert_same(
        "no bias",
        &found,
        |v| layer(&with(v)),
        |v| {
            let activations = reference::relu(&reference::linear(&v[0], &v[1], Some(&zeros))?)?;
            Ok(reference::batch_norm(&activations, &v[2], &v[3], EPSILON)?.0)
        },
    );
}

#[test]
fn errors_are_those_of_the_parts() {
    let all = variables(4, 3, 5, DType::F32);
    let one = tensor(&[1, 3], DType::F32, 1);
    assert_told(fused(&one, &all[1..]), "1 value a channel has no variance");
    assert_told(fused(&tensor(&[4, 2], DType::F32, 1), &all[1..]), "input has 2 columns");
    assert_told(fused(&tensor(&[4, 3], DType::F64, 1), &all[1..]), "dtype");
    if has_empty_variables() {
        let none = variables(4, 3, 0, DType::F32);
        assert_told(fused(&none[0], &none[1..]), "no variance");
    }
    let told = "linear_relu_batch_norm: input has shape [2, 2, 3], (n, inputs) is needed";
    assert_told(fused(&tensor(&[2, 2, 3], DType::F32, 1), &all[1..]), told);
    let mut wrong = variables(4, 3, 5, DType::F32);
    wrong[3] = variable(&[4], DType::F32, 1);
    assert_told(fused(&wrong[0], &wrong[1..]), "gamma has shape [4], 5 channels need (5,)");
}
