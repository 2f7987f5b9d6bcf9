//! Fully connected layers, ReLU and dropout.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{dropout, linear, linear_relu, reference};
use proptest::prelude::*;
use support::{
    NO_VALUES, assert_close, assert_finite_differences, assert_same, assert_same_within,
    assert_told, composed, device, has_empty_variables, quarters, tensor, values, variable, whole,
};

fn numbers(values: &[f64]) -> Tensor {
    Tensor::new(values, device()).unwrap()
}

/// Both layers agree with candle's own ops, with a bias and without; `tolerance` is relative.
fn compare(variables: &[Var], tolerance: f64) {
    fn bias(variables: &[Var]) -> Option<&Tensor> {
        variables.get(2).map(Var::as_tensor)
    }
    let plain = |v: &[Var]| reference::linear(&v[0], &v[1], bias(v));
    for variables in [variables, &variables[..2]] {
        let shapes: Vec<&[usize]> = variables.iter().map(|v| v.dims()).collect();
        let name = format!("{shapes:?}");
        assert_same_within(tolerance, &name, variables, |v| linear(&v[0], &v[1], bias(v)), plain);
        assert_same_within(
            tolerance,
            &format!("relu {name}"),
            variables,
            |v| linear_relu(&v[0], &v[1], bias(v)),
            |v| reference::relu(&plain(v)?),
        );
    }
}

/// One row alone, and rows of rows.
#[test]
fn inputs_of_any_rank() {
    for shape in [&[4][..], &[3, 4], &[2, 3, 4], &[2, 1, 3, 4], &[2, 0, 4]] {
        if shape.contains(&0) && !has_empty_variables() {
            let weight = tensor(&[5, 4], DType::F64, 2);
            assert_told(linear(&tensor(shape, DType::F64, 1), &weight, None), NO_VALUES);
            continue;
        }
        let variables = [
            variable(shape, DType::F64, 1),
            variable(&[5, 4], DType::F64, 2),
            variable(&[5], DType::F64, 3),
        ];
        let result = linear(&variables[0], &variables[1], None).unwrap();
        assert_eq!(result.dims(), [&shape[..shape.len() - 1], &[5]].concat());
        if !shape.contains(&0) {
            compare(&variables, 1e-11);
        }
    }
}

#[test]
fn large_layers_agree_with_the_reference() {
    for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-11)] {
        for (rows, inputs, outputs) in [(200, 392, 200), (400, 196, 200), (200, 200, 84)] {
            let variables = [
                variable(&[rows, inputs], dtype, 1),
                variable(&[outputs, inputs], dtype, 2),
                variable(&[outputs], dtype, 3),
            ];
            compare(&variables, tolerance);
        }
    }
}

/// Weights that are copied, a band of their rows at a time, before they are packed.
#[test]
fn weights_a_critical_stride_apart() {
    for dtype in [DType::F32, DType::F64] {
        for (rows, inputs, outputs) in
            [(1, 1024, 3), (2, 256, 1), (3, 512, 129), (33, 256, 300), (6, 1024, 10)]
        {
            let variables = [
                quarters(&[rows, inputs], dtype, 1),
                quarters(&[outputs, inputs], dtype, 2),
                quarters(&[outputs], dtype, 3),
            ];
            compare(&variables, 0.0);
        }
    }
}

proptest! {
    #![proptest_config(support::cases(60))]

    /// Nothing is rounded, and ReLU is often at its kink: no bit may differ.
    #[test]
    fn any_shape_is_exact(rows in 1usize..40, inputs in 1usize..40, outputs in 1usize..40) {
        for dtype in [DType::F32, DType::F64] {
            let variables = [
                quarters(&[rows, inputs], dtype, 1),
                quarters(&[outputs, inputs], dtype, 2),
                quarters(&[outputs], dtype, 3),
            ];
            compare(&variables, 0.0);
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let variables = [
        variable(&[3, 4], DType::F64, 1),
        variable(&[5, 4], DType::F64, 2),
        variable(&[5], DType::F64, 3),
    ];
    assert_finite_differences("linear", &variables, |v| {
        linear(&v[0], &v[1], Some(v[2].as_tensor()))
    });
    assert_finite_differences("relu", &variables, |v| {
        linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))
    });
}

/// The first layer: no gradient of the input is asked for, and the others are the same.
#[test]
fn the_input_needs_no_gradient() {
    let input = tensor(&[6, 4], DType::F64, 1);
    assert_same(
        "trained alone",
        &[variable(&[5, 4], DType::F64, 2), variable(&[5], DType::F64, 3)],
        |v| linear_relu(&input, &v[0], Some(v[1].as_tensor())),
        |v| reference::relu(&reference::linear(&input, &v[0], Some(v[1].as_tensor()))?),
    );
}

/// At 0 the gradient is 0, and NaN comes through with its gradient, as in PyTorch: composed and
/// fused.
#[test]
fn relu_at_the_edges() {
    let input = Var::new(&[[-1.0], [0.0], [2.0], [f64::NAN]], device()).unwrap();
    let weight = Tensor::new(&[[1.0]], device()).unwrap();
    for result in [reference::relu(&input), linear_relu(&input, &weight, Some(&numbers(&[0.0])))] {
        let result = result.unwrap();
        assert_eq!(values(&result)[..3], [0.0, 0.0, 2.0]);
        assert!(values(&result)[3].is_nan());
        let gradients = result.sum_all().unwrap().backward().unwrap();
        assert_eq!(values(gradients.get(&input).unwrap()), [0.0, 0.0, 1.0, 1.0]);
    }
}

#[test]
fn views_are_read_where_they_lie() {
    let views = |v: &[Var]| -> Result<[Tensor; 3]> {
        Ok([v[0].narrow(1, 1, 6)?.t()?, v[1].narrow(0, 2, 5)?, v[2].narrow(0, 1, 5)?])
    };
    assert_same(
        "views",
        &[
            variable(&[4, 8], DType::F64, 1),
            variable(&[8, 4], DType::F64, 2),
            variable(&[7], DType::F64, 3),
        ],
        |v| views(v).and_then(|[input, weight, bias]| linear_relu(&input, &weight, Some(&bias))),
        |v| {
            let [input, weight, bias] = views(v)?;
            reference::relu(&reference::linear(&input.contiguous()?, &weight, Some(&bias))?)
        },
    );
}

/// No rows are an empty batch; without inputs the bias is left; without outputs, nothing.
#[test]
fn sizes_of_nothing() {
    if !has_empty_variables() {
        return;
    }
    for (rows, inputs, outputs) in [(0, 4, 3), (2, 0, 3), (2, 4, 0), (64, 0, 32), (64, 32, 0)] {
        let variables = [
            variable(&[rows, inputs], DType::F64, 1),
            variable(&[outputs, inputs], DType::F64, 2),
            variable(&[outputs], DType::F64, 3),
        ];
        let result = linear(&variables[0], &variables[1], Some(variables[2].as_tensor())).unwrap();
        assert_eq!(result.dims(), [rows, outputs]);
        if composed() {
            continue; // candle loses the graph of tensors without values
        }
        let gradients = result.sum_all().unwrap().backward().unwrap();
        for variable in &variables {
            assert_eq!(gradients.get(variable).unwrap().dims(), variable.dims());
        }
        assert_eq!(values(gradients.get(&variables[2]).unwrap()), vec![rows as f64; outputs]);
    }
}

#[test]
fn dropout_keeps_and_scales() {
    for shape in [[2, 2], [1, 1], [5, 7]] {
        let input = variable(&shape, DType::F64, 1);
        let mask = tensor(&shape, DType::F64, 2).ge(0.0).unwrap();
        let result = dropout(&input, &mask, 0.75).unwrap();
        let kept = mask.to_dtype(DType::F64).unwrap();
        let expected = (input.as_tensor() * kept).unwrap().affine(4.0, 0.0).unwrap();
        assert_close("dropout", &result, &expected, 1e-15);
        assert_finite_differences("dropout", &[input], |v| dropout(&v[0], &mask, 0.75));
    }
}

#[test]
fn errors_name_what_does_not_fit() {
    let (input, bias) = (tensor(&[2, 3], DType::F32, 1), tensor(&[2], DType::F32, 1));
    let connect = |weight: &[usize]| linear(&input, &tensor(weight, DType::F32, 2), Some(&bias));
    assert_told(connect(&[4, 5]), "input has 3 columns, the weight [4, 5] takes 5");
    assert_told(connect(&[4, 3]), "bias has shape [2], 4 outputs need (4,)");
    let scalar = Tensor::new(1f32, device()).unwrap();
    assert_told(linear(&scalar, &input, None), "linear: input has shape [], (…, inputs) is needed");
    let told = "linear_relu: weight has shape [2], (outputs, inputs) is needed";
    assert_told(linear_relu(&input, &bias, None), told);
    let mixed = linear(&input, &tensor(&[2, 3], DType::F64, 2), Some(&bias));
    assert_told(mixed, "dtype");
    let none = linear_relu(&whole(&[2, 3]), &whole(&[2, 3]), Some(&whole(&[2])));
    assert_told(none, "dtype U32 is not supported");
    for probability in [1.0, -0.1, f64::NAN] {
        let told = format!("probability {probability} is not in [0, 1)");
        assert_told(dropout(&bias, &bias, probability), &told);
    }
    assert_told(dropout(&bias, &input, 0.5), "mask [2, 3] and input [2] differ in shape");
    assert_told(dropout(&bias, &bias, 0.5), "a mask has dtype U8, this one has F32");
}
