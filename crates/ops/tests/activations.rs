//! Activation functions: values, gradients, dtypes, order in memory, what is refused.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{
    elementwise, elu, gelu, gelu_tanh, hard_sigmoid, hard_swish, leaky_relu, relu6, sigmoid, silu,
    tanh,
};
use proptest::prelude::*;
use support::{
    NO_VALUES, assert_finite_differences, assert_same, assert_told, device, has_empty_variables,
    tensor, values, variable, with_gradients,
};

type Function = fn(&Tensor) -> Result<Tensor>;
type Formula = fn(f64) -> f64;

/// Each function, and f(x) and f′(x) of one value as a formula says.
const ALL: [(&str, Function, Formula, Formula); 11] = [
    ("tanh", tanh, f64::tanh, |x| 1.0 / x.cosh().powi(2)),
    ("sigmoid", sigmoid, logistic, |x| logistic(x) * logistic(-x)),
    ("silu", silu, |x| x * logistic(x), |x| logistic(x) * (1.0 + x * logistic(-x))),
    ("gelu", gelu, |x| x * below(x), |x| below(x) + x * density(x)),
    (
        "gelu_tanh",
        gelu_tanh,
        |x| 0.5 * x * (1.0 + inner(x).0.tanh()),
        |x| {
            let (u, slope) = inner(x);
            0.5 * (1.0 + u.tanh()) + 0.5 * x * slope / u.cosh().powi(2)
        },
    ),
    (
        "elu",
        |x| elu(x, 1.5),
        |x| if x > 0.0 { x } else { 1.5 * x.exp_m1() },
        |x| {
            if x > 0.0 { 1.0 } else { 1.5 * x.exp() }
        },
    ),
    (
        "leaky_relu",
        |x| leaky_relu(x, 0.01),
        |x| x.max(0.01 * x),
        |x| {
            if x > 0.0 { 1.0 } else { 0.01 }
        },
    ),
    ("relu6", relu6, |x| x.clamp(0.0, 6.0), |x| f64::from(x > 0.0 && x < 6.0)),
    (
        "hard_sigmoid",
        hard_sigmoid,
        |x| (x / 6.0 + 0.5).clamp(0.0, 1.0),
        |x| f64::from(x > -3.0 && x < 3.0) / 6.0,
    ),
    (
        "hard_swish",
        hard_swish,
        |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        |x| match x {
            _ if x <= -3.0 => 0.0,
            _ if x >= 3.0 => 1.0,
            _ => x / 3.0 + 0.5,
        },
    ),
    ("elementwise", |x| elementwise(x, Tensor::sqr), |x| x * x, |x| 2.0 * x),
];

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn below(x: f64) -> f64 {
    0.5 * candle_core::cpu::erf::erfc_f64(-x / 2f64.sqrt())
}

/// u = √(2/π) · (x + 0.044715·x³) and its slope.
fn inner(x: f64) -> (f64, f64) {
    let scale = (2.0 / std::f64::consts::PI).sqrt();
    (scale * (x + 0.044715 * x.powi(3)), scale * (1.0 + 3.0 * 0.044715 * x * x))
}

fn mapped(tensor: &Tensor, f: Formula) -> Tensor {
    let found: Vec<f64> = values(tensor).into_iter().map(f).collect();
    Tensor::from_vec(found, tensor.dims(), tensor.device()).unwrap()
}

/// Each value to within so much of itself, or of 1: a slope near zero is a difference of two numbers that are not.
fn assert_near(name: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.dims(), expected.dims());
    for (found, expected) in values(found).into_iter().zip(values(expected)) {
        let apart = (found - expected).abs();
        assert!(
            apart <= tolerance * expected.abs().max(1.0),
            "{name} to {tolerance}: {found}, {expected} was expected"
        );
    }
}

#[test]
fn gradients_are_finite_differences() {
    for (name, function, ..) in ALL {
        let one = [variable(&[3, 5], DType::F64, 1)];
        assert_finite_differences(name, &one, |v| function(&v[0].affine(3.0, 0.1)?));
    }
}

/// Values and slopes from −30 to 30, in either type, to a few units of its precision.
#[test]
fn values_and_slopes_are_those_of_the_formulas() {
    let given: Vec<f64> = (-3000..=3000).map(|x| f64::from(x) / 100.0).collect();
    let given = Tensor::new(&given[..], device()).unwrap();
    // candle's own gradients lose a digit.
    let single = if support::composed() { 4e-6 } else { 1e-6 };
    for (dtype, tolerance) in [(DType::F32, single), (DType::F64, 1e-14)] {
        let variable = Var::from_tensor(&given.to_dtype(dtype).unwrap()).unwrap();
        // As the type rounds them.
        let exact = variable.to_dtype(DType::F64).unwrap();
        for (name, function, value, slope) in ALL {
            let result = function(&variable).unwrap();
            assert_eq!(result.dtype(), dtype);
            let gradients = result.sum_all().unwrap().backward().unwrap();
            let pairs = [
                (&result, mapped(&exact, value)),
                (gradients.get(&variable).unwrap(), mapped(&exact, slope)),
            ];
            for (found, expected) in pairs {
                assert_near(name, found, &expected, tolerance);
            }
        }
    }
}

/// Sigmoid is not 1 − something there, nor tanh and ELU 1 less than something: no digit is lost.
#[test]
fn small_values_have_all_their_digits() {
    if support::composed() {
        return;
    }
    let near: Vec<f32> = (1..40).map(|power| -1.7 * 2f32.powi(-power)).collect();
    let far: Vec<f32> = (0..80).map(|x| -x as f32).collect();
    let cases: [(Function, Formula, &[f32]); 3] = [
        (tanh, f64::tanh, &near),
        (|x| elu(x, 1.0), f64::exp_m1, &near),
        (sigmoid, logistic, &far),
    ];
    for (function, exact, given) in cases {
        let found = function(&Tensor::new(given, device()).unwrap()).unwrap();
        for (&x, found) in given.iter().zip(found.to_vec1::<f32>().unwrap()) {
            let expected = exact(f64::from(x));
            let apart = f64::from(found) / expected - 1.0;
            assert!(apart.abs() < 5e-7, "of {x}: {found}, {expected} was expected");
        }
    }
}

#[test]
fn ends_have_the_values_of_their_limits() {
    let ends = Var::new(&[f32::NEG_INFINITY, -1e30, 1e30, f32::INFINITY], device()).unwrap();
    let infinity = f32::INFINITY;
    let expected: [(Function, [f32; 4]); 4] = [
        (tanh, [-1.0, -1.0, 1.0, 1.0]),
        (sigmoid, [0.0, 0.0, 1.0, 1.0]),
        (|x| elu(x, 2.0), [-2.0, -2.0, 1e30, infinity]),
        (|x| leaky_relu(x, 0.5), [-infinity, -5e29, 1e30, infinity]),
    ];
    for (function, expected) in expected {
        let result = function(&ends).unwrap();
        assert_eq!(result.to_vec1::<f32>().unwrap(), expected);
        let gradients = result.sum_all().unwrap().backward().unwrap();
        assert!(values(gradients.get(&ends).unwrap()).into_iter().all(f64::is_finite));
    }
    if support::composed() {
        return;
    }
    // A large negative value times no probability.
    for function in [silu, gelu, gelu_tanh] {
        for (size, dtype) in [
            (100.0, DType::F32),
            (1e15, DType::F32),
            (1e20, DType::F32),
            (3e38, DType::F32),
            (1e300, DType::F64),
        ] {
            let large = Tensor::new(&[-size, size], device()).unwrap().to_dtype(dtype).unwrap();
            let large = Var::from_tensor(&large).unwrap();
            let result = function(&large).unwrap();
            assert_eq!(values(&result), [0.0, values(&large)[1]]);
            let gradients = result.sum_all().unwrap().backward().unwrap();
            assert_eq!(values(gradients.get(&large).unwrap()), [0.0, 1.0]);
        }
    }
}

#[test]
fn what_is_no_number_stays_none() {
    for dtype in [DType::F32, DType::F64] {
        let one = Tensor::new(&[f64::NAN], device()).unwrap().to_dtype(dtype).unwrap();
        for (name, function, ..) in ALL {
            assert!(values(&function(&one).unwrap())[0].is_nan(), "{name} in {dtype:?}");
        }
    }
}

proptest! {
    /// Of any length, on any number of threads: each value for itself.
    #[test]
    fn any_tensor_is_activated((rows, columns) in (1..400usize, 1..40usize), threads in 1..9usize) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for (name, function, value, slope) in ALL {
                for dtype in [DType::F32, DType::F64] {
                    let one = variable(&[rows, columns], dtype, 3);
                    let (result, _) = with_gradients(std::slice::from_ref(&one), |v| function(&v[0]));
                    let gradients = result.sum_all().unwrap().backward().unwrap();
                    let exact = one.to_dtype(DType::F64).unwrap();
                    assert_near(name, &result, &mapped(&exact, value), 1e-6);
                    let found = gradients.get(&one).unwrap();
                    assert_near(name, found, &mapped(&exact, slope), 1e-6);
                }
            }
        });
    }
}

/// So that convolutions before and behind it copy nothing.
#[test]
fn what_is_permuted_keeps_its_order() {
    for (name, function, ..) in ALL {
        for permuted in [[0, 3, 1, 2], [3, 2, 1, 0], [2, 3, 0, 1], [0, 1, 2, 3]] {
            let one = [variable(&[2, 3, 4, 5], DType::F32, 1)];
            let permute = |v: &[Var]| v[0].permute(permuted);
            let expected = |v: &[Var]| function(&v[0])?.permute(permuted);
            assert_same(name, &one, |v| function(&permute(v)?), expected);
            let part = |values: &Tensor| values.narrow(1, 1, 1);
            assert_same(name, &one, |v| function(&part(&permute(v)?)?), |v| part(&expected(v)?));
            if !support::composed() {
                let given = permute(&one).unwrap();
                assert_eq!(function(&given).unwrap().stride(), given.stride(), "{name}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let whole = support::whole(&[2, 3]);
    for (name, function, ..) in &ALL[..10] {
        assert_told(function(&whole), &format!("{name}: dtype U32 is not supported"));
    }
}

#[test]
fn nothing_gives_nothing() {
    for (_, function, ..) in &ALL[..10] {
        if !has_empty_variables() {
            assert_told(function(&tensor(&[0, 3], DType::F32, 1)), NO_VALUES);
            continue;
        }
        let empty = Var::zeros((0, 3), DType::F32, device()).unwrap();
        let (result, gradients) = with_gradients(&[empty], |v| function(&v[0]));
        assert_eq!((result.dims(), gradients.len()), (&[0, 3][..], 1));
    }
}
