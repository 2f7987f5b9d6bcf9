//! Losses: values, gradients, extreme logits.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{binary_cross_entropy, cross_entropy, mean_squared_error, reference, softmax};
use support::{
    assert_finite_differences, assert_same, assert_told, device, tensor, values, variable, whole,
};

fn classes(classes: &[u32]) -> Tensor {
    Tensor::new(classes, device()).unwrap()
}

/// A loss of `logits`, and its gradient.
fn loss(logits: &Var, compute: impl Fn(&Tensor) -> Result<Tensor>) -> (f64, Vec<f64>) {
    let loss = compute(logits).unwrap();
    let gradients = loss.backward().unwrap();
    (values(&loss)[0], values(gradients.get(logits).unwrap()))
}

#[test]
fn losses_agree_with_the_reference() {
    for dtype in [DType::F32, DType::F64] {
        for (rows, width) in [(1, 1), (1, 10), (5, 4), (200, 10)] {
            let labels: Vec<u32> = (0..rows).map(|row| (7 * row % width) as u32).collect();
            let labels = classes(&labels);
            // Eight times the range, so that probabilities near 0 and 1 occur.
            assert_same(
                "cross-entropy",
                &[variable(&[rows, width], dtype, 1)],
                |v| cross_entropy(&v[0].affine(8.0, 0.0)?, &labels),
                |v| reference::cross_entropy(&v[0].affine(8.0, 0.0)?, &labels),
            );
            assert_same(
                "softmax",
                &[variable(&[rows, width], dtype, 4)],
                |v| softmax(&v[0].affine(8.0, 0.0)?),
                |v| reference::softmax(&v[0].affine(8.0, 0.0)?),
            );
            let targets = variable(&[rows], dtype, 3);
            assert_same(
                "binary",
                &[variable(&[rows], dtype, 2), targets],
                |v| binary_cross_entropy(&v[0].affine(8.0, 0.0)?, &v[1]),
                |v| reference::binary_cross_entropy(&v[0].affine(8.0, 0.0)?, &v[1]),
            );
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let labels = classes(&[0, 3, 2, 2, 1]);
    let logits = [variable(&[5, 4], DType::F64, 1)];
    assert_finite_differences("cross-entropy", &logits, |v| cross_entropy(&v[0], &labels));
    // What the authors' code does: the softmax taken for logits.
    assert_finite_differences("softmax twice", &logits, |v| {
        cross_entropy(&softmax(&v[0])?, &labels)
    });
    assert_finite_differences("softmax", &logits, |v| softmax(&v[0]));
    // Targets too have a gradient, where they are trained.
    let both = [variable(&[5], DType::F64, 2), variable(&[5], DType::F64, 3)];
    assert_finite_differences("binary", &both, |v| binary_cross_entropy(&v[0], &v[1]));
    assert_finite_differences("squared error", &both, |v| {
        mean_squared_error(&candle_nn::ops::sigmoid(&v[0])?, &v[1])
    });
}

/// −log σ(200) = 0 to the last bit of f32, and −log σ(−200) = 200.
#[test]
fn extreme_logits_stay_finite() {
    let targets = Tensor::new(&[1f32, 0.0, 0.0, 1.0], device()).unwrap();
    let logits = Var::new(&[200f32, -200.0, 200.0, -200.0], device()).unwrap();
    let binary = loss(&logits, |logits| binary_cross_entropy(logits, &targets));
    assert_eq!(binary, (100.0, vec![0.0, 0.0, 0.25, -0.25]));
    let logits = Var::new(&[[200f32, -200.0], [-200.0, 200.0]], device()).unwrap();
    let several = loss(&logits, |logits| cross_entropy(logits, &classes(&[0, 0])));
    assert_eq!(several, (200.0, vec![0.0, 0.0, -0.5, 0.5]));
}

/// What logits have in common cancels before anything is added to it.
#[test]
fn large_logits_lose_nothing() {
    let [small, large] = [0.0, 10_000.0].map(|common| {
        let logits = Var::new(&[[0.5f32 + common, 0.0 + common]], device()).unwrap();
        loss(&logits, |logits| cross_entropy(logits, &classes(&[0])))
    });
    assert_eq!(small, large);
}

/// A class of probability 0 costs nothing unless it is the right one, and then without bound.
#[test]
fn minus_infinity_is_no_probability() {
    let logits = Var::new(&[[f32::NEG_INFINITY, 3.0]], device()).unwrap();
    let right = loss(&logits, |logits| cross_entropy(logits, &classes(&[1])));
    assert_eq!(right, (0.0, vec![0.0, 0.0]));
    let wrong = loss(&logits, |logits| cross_entropy(logits, &classes(&[0])));
    assert_eq!(wrong, (f64::INFINITY, vec![-1.0, 1.0]));
}

#[test]
fn softmax_of_extreme_logits() {
    let rows = [[1000f32, 0.0], [f32::NEG_INFINITY, -1000.0], [3.0, 3.0]];
    let logits = Var::new(&rows, device()).unwrap();
    let (sum, gradient) = loss(&logits, |logits| softmax(logits)?.narrow(1, 0, 1)?.sum_all());
    assert_eq!((sum, gradient), (1.5, vec![0.0, 0.0, 0.0, 0.0, 0.25, -0.25]));
    // Nothing is larger than anything else: no probabilities, as in PyTorch.
    let lost = Tensor::new(&[[f32::NEG_INFINITY; 2], [f32::NAN, 0.0], [0.0, f32::NAN]], device());
    assert!(values(&softmax(&lost.unwrap()).unwrap()).into_iter().all(f64::is_nan));
}

#[test]
fn nan_comes_through() {
    let targets = Tensor::new(&[1f32, 0.0], device()).unwrap();
    let logits = Var::new(&[f32::NAN, 0.0], device()).unwrap();
    let (binary, gradient) = loss(&logits, |logits| binary_cross_entropy(logits, &targets));
    assert!(binary.is_nan() && gradient[0].is_nan());
    assert_eq!(gradient[1], 0.25);
    for row in [[f32::NAN, 0.0], [0.0, f32::NAN]] {
        let logits = Var::new(&[row], device()).unwrap();
        let (several, gradient) = loss(&logits, |logits| cross_entropy(logits, &classes(&[1])));
        assert!(several.is_nan() && gradient.iter().all(|value| value.is_nan()));
    }
}

#[test]
fn views_are_read_where_they_lie() {
    let all = classes(&[9, 1, 0, 2, 9]);
    let labels = all.narrow(0, 1, 3).unwrap();
    let views = |v: &[Var]| v[0].narrow(1, 1, 3)?.t();
    assert_same(
        "views",
        &[variable(&[3, 5], DType::F64, 1)],
        |v| cross_entropy(&views(v)?, &labels),
        |v| reference::cross_entropy(&views(v)?.contiguous()?, &labels.copy()?),
    );
    let column = |v: &Var| v.narrow(1, 1, 1)?.squeeze(1);
    assert_same(
        "binary views",
        &[variable(&[3, 5], DType::F64, 1), variable(&[3, 2], DType::F64, 2)],
        |v| binary_cross_entropy(&column(&v[0])?, &column(&v[1])?),
        |v| reference::binary_cross_entropy(&column(&v[0])?, &column(&v[1])?),
    );
}

#[test]
fn errors_name_what_does_not_fit() {
    let logits = tensor(&[2, 3], DType::F32, 1);
    assert_told(cross_entropy(&logits, &classes(&[0, 3])), "class 3 of 3 classes");
    assert_told(cross_entropy(&logits, &classes(&[0])), "2 rows of logits");
    let bytes = classes(&[0, 1]).to_dtype(DType::U8).unwrap();
    assert_told(cross_entropy(&logits, &bytes), "got [2] of U8");
    let nothing = tensor(&[0, 3], DType::F32, 1);
    assert_told(cross_entropy(&nothing, &classes(&[])), "0 rows of logits");
    let nothing = tensor(&[2, 0], DType::F32, 1);
    assert_told(cross_entropy(&nothing, &classes(&[0, 0])), "logits [2, 0] are those of no class");
    assert_told(cross_entropy(&whole(&[2, 3]), &classes(&[0, 1])), "dtype U32 is not supported");

    assert_told(softmax(&whole(&[2, 3])), "softmax: dtype U32 is not supported");
    assert_eq!(softmax(&nothing).unwrap().dims(), [2, 0]);

    let one = tensor(&[2], DType::F32, 1);
    assert_told(softmax(&one), "[2]");
    let told = "logits [2] and targets [2, 3] must both be (n,)";
    assert_told(binary_cross_entropy(&one, &logits), told);
    let nothing = tensor(&[0], DType::F32, 1);
    assert_told(binary_cross_entropy(&nothing, &nothing), "n at least 1");
    assert_told(binary_cross_entropy(&whole(&[2]), &whole(&[2])), "dtype U32 is not supported");
    assert_told(binary_cross_entropy(&one, &tensor(&[2], DType::F64, 1)), "dtype");
    assert_told(mean_squared_error(&one, &logits), "[2, 3]");
}
