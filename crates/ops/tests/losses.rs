//! Losses: values, gradients, extreme logits.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{
    accuracy, binary_cross_entropy_with_logits, cross_entropy, log_softmax, mean_squared_error,
    nll, reference, softmax,
};
use support::{
    NO_VALUES, assert_finite_differences, assert_same, assert_told, device, has_empty_variables,
    tensor, values, variable, whole, with_gradients,
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
                |v| binary_cross_entropy_with_logits(&v[0].affine(8.0, 0.0)?, &v[1]),
                |v| reference::binary_cross_entropy_with_logits(&v[0].affine(8.0, 0.0)?, &v[1]),
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
    assert_finite_differences("binary", &both, |v| binary_cross_entropy_with_logits(&v[0], &v[1]));
    assert_finite_differences("squared error", &both, |v| {
        mean_squared_error(&candle_nn::ops::sigmoid(&v[0])?, &v[1])
    });
}

/// −log σ(200) = 0 to the last bit of f32, and −log σ(−200) = 200.
#[test]
fn extreme_logits_stay_finite() {
    let targets = Tensor::new(&[1f32, 0.0, 0.0, 1.0], device()).unwrap();
    let logits = Var::new(&[200f32, -200.0, 200.0, -200.0], device()).unwrap();
    let binary = loss(&logits, |logits| binary_cross_entropy_with_logits(logits, &targets));
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
    let (binary, gradient) =
        loss(&logits, |logits| binary_cross_entropy_with_logits(logits, &targets));
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
        |v| binary_cross_entropy_with_logits(&column(&v[0])?, &column(&v[1])?),
        |v| reference::binary_cross_entropy_with_logits(&column(&v[0])?, &column(&v[1])?),
    );
}

#[test]
fn errors_name_what_does_not_fit() {
    let logits = tensor(&[2, 3], DType::F32, 1);
    for (name, loss) in [("cross_entropy", cross_entropy as fn(&_, &_) -> _), ("nll", nll)] {
        let told =
            |result: Result<Tensor>, part: &str| assert_told(result, &format!("{name}: {part}"));
        told(loss(&logits, &classes(&[0, 3])), "class 3 of 3 classes");
        let signed = |values: &[i64]| Tensor::new(values, device()).unwrap();
        told(loss(&logits, &signed(&[0, -1])), "class -1 of 3 classes");
        told(loss(&logits, &signed(&[1 << 40, 0])), "class 1099511627776 of 3 classes");
        told(
            loss(&logits, &classes(&[0])),
            "2 rows of scores need as many classes, one at least, got [1]",
        );
        let floats = tensor(&[2], DType::F32, 1);
        told(loss(&logits, &floats), "classes have dtype F32, U8, U32 or I64 is needed");
        let nothing = tensor(&[0, 3], DType::F32, 1);
        let none = classes(&[0]).narrow(0, 0, 0).unwrap();
        told(loss(&nothing, &none), "0 rows of scores");
        let nothing = tensor(&[2, 0], DType::F32, 1);
        told(loss(&nothing, &classes(&[0, 0])), "scores [2, 0] are those of no class");
        told(loss(&whole(&[2, 3]), &classes(&[0, 1])), "dtype U32 is not supported");
        told(loss(&floats, &classes(&[0, 1])), "scores of shape [2], (n, classes) is needed");
    }

    let one = tensor(&[2], DType::F32, 1);
    let scalar = Tensor::new(1f32, device()).unwrap();
    for (name, op) in [("softmax", softmax as fn(&_) -> _), ("log_softmax", log_softmax)] {
        assert_told(op(&whole(&[2, 3])), &format!("{name}: dtype U32 is not supported"));
        assert_told(op(&scalar), &format!("{name}: a scalar has no classes"));
    }

    let pairs = [
        ("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits as fn(&_, &_) -> _),
        ("mean_squared_error", mean_squared_error),
    ];
    for (name, loss) in pairs {
        let told =
            |result: Result<Tensor>, part: &str| assert_told(result, &format!("{name}: {part}"));
        let shapes = "values of shape [2] and dtype F32, targets of [2, 3] and F32";
        told(loss(&one, &logits), shapes);
        told(
            loss(&one, &tensor(&[2], DType::F64, 1)),
            "values of shape [2] and dtype F32, targets of [2] and F64",
        );
        let nothing = tensor(&[0], DType::F32, 1);
        told(loss(&nothing, &nothing), "values of shape [0], one at least is needed");
        told(loss(&whole(&[2]), &whole(&[2])), "dtype U32 is not supported");
    }
}

#[test]
fn classes_may_have_any_dtype_of_candle_s_losses() {
    let logits = variable(&[4, 3], DType::F32, 1);
    let labels = [2u8, 0, 1, 2]; // as they come from a file
    let labels = Tensor::from_slice(&labels, 4, device()).unwrap();
    let expected = loss(&logits, |logits| cross_entropy(logits, &labels));
    for dtype in [DType::U32, DType::I64] {
        let labels = labels.to_dtype(dtype).unwrap();
        assert_eq!(loss(&logits, |logits| cross_entropy(logits, &labels)), expected);
        let by_parts = loss(&logits, |logits| nll(&log_softmax(logits)?, &labels));
        assert!((by_parts.0 - expected.0).abs() < 1e-6);
    }
}

#[test]
fn nothing_has_no_probabilities() {
    for shape in [&[2, 0][..], &[0, 3], &[0], &[3, 0, 2]] {
        if !has_empty_variables() {
            assert_told(softmax(&tensor(shape, DType::F32, 1)), NO_VALUES);
            continue;
        }
        let nothing = variable(shape, DType::F32, 1);
        for op in [softmax as fn(&Tensor) -> Result<Tensor>, log_softmax] {
            let (result, gradients) = with_gradients(std::slice::from_ref(&nothing), |v| op(&v[0]));
            assert_eq!((result.dims(), gradients[0].dims()), (shape, shape));
        }
    }
}

#[test]
fn accuracy_is_the_share_of_right_rows() {
    let nan = f32::NAN;
    let rows =
        [[1f32, 2.0, 3.0], [3.0, 3.0, 0.0], [3.0, 3.0, 0.0], [nan, 1.0, 0.0], [0.0, 1.0, nan]];
    let logits = Tensor::new(&rows, device()).unwrap();
    for dtype in [DType::U8, DType::U32, DType::I64] {
        let labels = classes(&[2, 0, 1, 0, 1]).to_dtype(dtype).unwrap();
        assert_eq!(accuracy(&logits, &labels).unwrap(), 2.0 / 5.0);
    }
    let half = logits.narrow(0, 0, 3).unwrap().to_dtype(DType::F16).unwrap();
    assert_eq!(accuracy(&half, &classes(&[2, 0, 0])).unwrap(), 1.0);
    let single = Tensor::new(&[0.5f32, 0.0, -1.0, nan, nan], device()).unwrap();
    let targets = Tensor::new(&[1f32, 0.0, 1.0, 1.0, 0.0], device()).unwrap();
    assert_eq!(accuracy(&single, &targets).unwrap(), 2.0 / 5.0);
    assert_eq!(accuracy(&single, &classes(&[1, 0, 1, 1, 0])).unwrap(), 2.0 / 5.0);

    assert_told(accuracy(&logits, &classes(&[0; 4])), "accuracy: 5 rows of scores");
    assert_told(accuracy(&logits, &classes(&[0, 1, 2, 3, 0])), "accuracy: class 3 of 3 classes");
    assert_told(accuracy(&single, &classes(&[0, 1, 2, 1, 0])), "accuracy: class 2 of 2 classes");
    let halves = targets.affine(0.5, 0.0).unwrap();
    assert_told(accuracy(&single, &halves), "accuracy: class 0.5 of a single logit");
    assert_told(accuracy(&single, &classes(&[0])), "logits of shape [5] and classes of [1]");
    assert_told(accuracy(&whole(&[1, 2]), &classes(&[0])), "logits have dtype U32");
}
