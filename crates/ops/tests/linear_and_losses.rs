//! Fully connected layers, losses and dropout.

mod support;

use candle_core::{D, DType, Device, Tensor, Var};
use pairnet_ops::{
    binary_cross_entropy, cross_entropy, dropout, linear, linear_relu, mean_squared_error,
    reference,
};
use support::{assert_close, assert_finite_differences, assert_same, tensor, values, variable};

fn numbers(values: &[f64]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

fn classes(classes: &[u32]) -> Tensor {
    Tensor::new(classes, &Device::Cpu).unwrap()
}

#[test]
fn linear_layers_agree_with_the_reference_and_finite_differences() {
    for dtype in [DType::F32, DType::F64] {
        for (rows, inputs, outputs) in [(1, 1, 1), (200, 196, 200), (7, 33, 5), (3, 20, 84)] {
            let variables = [
                variable(&[rows, inputs], dtype, 1),
                variable(&[outputs, inputs], dtype, 2),
                variable(&[outputs], dtype, 3),
            ];
            let plain = |v: &[Var]| reference::linear(&v[0], &v[1], &v[2]);
            assert_same("linear", &variables, |v| linear(&v[0], &v[1], &v[2]), plain);
            assert_same(
                "relu",
                &variables,
                |v| linear_relu(&v[0], &v[1], &v[2]),
                |v| plain(v)?.relu(),
            );
        }
    }
    let variables = [
        variable(&[3, 4], DType::F64, 1),
        variable(&[5, 4], DType::F64, 2),
        variable(&[5], DType::F64, 3),
    ];
    assert_finite_differences("linear", &variables, |v| linear(&v[0], &v[1], &v[2]));
    assert_finite_differences("relu", &variables, |v| linear_relu(&v[0], &v[1], &v[2]));
}

/// At 0 the gradient is 0 and NaN comes through, as in PyTorch, composed and fused.
#[test]
fn relu_at_the_edges() {
    let input = Var::new(&[[-1.0, 0.0, 2.0, f64::NAN]], &Device::Cpu).unwrap();
    let result = reference::relu(&input).unwrap();
    assert_eq!(values(&result)[..3], [0.0, 0.0, 2.0]);
    assert!(values(&result)[3].is_nan());
    let gradients = result.sum_all().unwrap().backward().unwrap();
    assert_eq!(values(gradients.get(&input).unwrap()), [0.0, 0.0, 1.0, 1.0]);

    let (input, weight) = (numbers(&[-1.0, 0.0, 2.0]).reshape((3, 1)).unwrap(), numbers(&[1.0]));
    let (input, bias) = (Var::from_tensor(&input).unwrap(), numbers(&[0.0]));
    let result = linear_relu(&input, &weight.reshape((1, 1)).unwrap(), &bias).unwrap();
    let gradients = result.sum_all().unwrap().backward().unwrap();
    assert_eq!(values(gradients.get(&input).unwrap()), [0.0, 0.0, 1.0]);
}

#[test]
fn losses_agree_with_the_reference_and_finite_differences() {
    let labels = classes(&[0, 3, 2, 2, 1]);
    let targets = numbers(&[0.0, 1.0, 1.0, 0.0, 1.0]);
    for dtype in [DType::F32, DType::F64] {
        let logits = variable(&[5, 4], dtype, 1);
        assert_same(
            "cross-entropy",
            &[logits],
            |v| cross_entropy(&v[0], &labels),
            |v| reference::cross_entropy(&v[0], &labels),
        );
        let targets = targets.to_dtype(dtype).unwrap();
        assert_same(
            "binary",
            &[variable(&[5], dtype, 2)],
            |v| binary_cross_entropy(&v[0], &targets),
            |v| reference::binary_cross_entropy(&v[0], &targets),
        );
    }
    let logits = [variable(&[5, 4], DType::F64, 1)];
    assert_finite_differences("cross-entropy", &logits, |v| cross_entropy(&v[0], &labels));
    // What the authors' code does: the softmax taken for logits.
    assert_finite_differences("softmax twice", &logits, |v| {
        cross_entropy(&candle_nn::ops::softmax(&v[0], D::Minus1)?, &labels)
    });
    let logits = [variable(&[5], DType::F64, 2)];
    assert_finite_differences("binary", &logits, |v| binary_cross_entropy(&v[0], &targets));
    assert_finite_differences("squared error", &logits, |v| {
        mean_squared_error(&candle_nn::ops::sigmoid(&v[0])?, &targets)
    });
}

/// −log σ(200) = 0 to the last bit of f32, and −log σ(−200) = 200.
#[test]
fn extreme_logits_stay_finite() {
    let logits = Var::new(&[200f32, -200.0, 200.0, -200.0], &Device::Cpu).unwrap();
    let targets = Tensor::new(&[1f32, 0.0, 0.0, 1.0], &Device::Cpu).unwrap();
    let loss = binary_cross_entropy(&logits, &targets).unwrap();
    assert_eq!(values(&loss), [100.0]);
    let gradients = loss.backward().unwrap();
    assert_eq!(values(gradients.get(&logits).unwrap()), [0.0, 0.0, 0.25, -0.25]);

    let logits = Var::new(&[[200f32, -200.0], [-200.0, 200.0]], &Device::Cpu).unwrap();
    let loss = cross_entropy(&logits, &classes(&[0, 0])).unwrap();
    assert_eq!(values(&loss), [200.0]);
    let gradients = loss.backward().unwrap();
    assert_eq!(values(gradients.get(&logits).unwrap()), [0.0, 0.0, -0.5, 0.5]);
}

#[test]
fn nan_comes_through() {
    let targets = Tensor::new(&[1f32, 0.0], &Device::Cpu).unwrap();
    let logits = Tensor::new(&[f32::NAN, 0.0], &Device::Cpu).unwrap();
    assert!(values(&binary_cross_entropy(&logits, &targets).unwrap())[0].is_nan());
    let logits = Tensor::new(&[[f32::NAN, 0.0]], &Device::Cpu).unwrap();
    assert!(values(&cross_entropy(&logits, &classes(&[1])).unwrap())[0].is_nan());
}

#[test]
fn dropout_keeps_and_scales() {
    let input = variable(&[2, 2], DType::F64, 1);
    let mask = numbers(&[1.0, 0.0, 0.0, 1.0]).reshape((2, 2)).unwrap();
    let result = dropout(&input, &mask, 0.75).unwrap();
    let expected = (input.as_tensor() * &mask).unwrap().affine(4.0, 0.0).unwrap();
    assert_close("dropout", &result, &expected, 1e-15);
    assert_finite_differences("dropout", &[input], |v| dropout(&v[0], &mask, 0.75));
}

#[test]
fn errors_name_what_does_not_fit() {
    let text = |result: candle_core::Result<Tensor>| result.unwrap_err().to_string();
    let logits = tensor(&[2, 3], DType::F32, 1);
    assert!(text(cross_entropy(&logits, &classes(&[0, 3]))).contains("class 3 of 3 classes"));
    assert!(text(cross_entropy(&logits, &classes(&[0]))).contains("2 rows of logits"));
    let one = tensor(&[2], DType::F32, 1);
    assert!(text(binary_cross_entropy(&one, &logits)).contains("must both be (n,)"));
    assert!(text(dropout(&one, &one, 1.0)).contains("probability 1 is not in [0, 1)"));
    assert!(text(dropout(&one, &logits, 0.5)).contains("differ in shape"));
    let weight = tensor(&[4, 5], DType::F32, 2);
    assert!(text(linear(&logits, &weight, &one)).contains("input has 3 columns"));
    let weight = tensor(&[4, 3], DType::F32, 2);
    assert!(text(linear(&logits, &weight, &one)).contains("4 outputs need (4,)"));
}
