//! Losses and softmax of many rows and many classes: exact, and the same on any number of threads.

mod support;

use candle_core::{DType, Tensor, Var};
use pairnet_ops::{
    binary_cross_entropy_with_logits, cross_entropy, log_softmax, mean_squared_error, nll,
    reference, softmax,
};
use proptest::prelude::*;
use support::{
    assert_finite_differences, assert_same, composed, device, least, tensor, values, variable,
    weighted_sum,
};

fn classes(classes: &[u32]) -> Tensor {
    Tensor::new(classes, device()).unwrap()
}

/// ln 10 of each row, however many.
#[test]
fn many_equal_terms_lose_nothing() {
    if composed() || !device().is_cpu() {
        return; // candle's sums lose what these tests look for
    }
    for rows in [1, 200, 100_000, 1_000_000] {
        let logits = Tensor::zeros((rows, 10), DType::F32, device()).unwrap();
        let labels = Tensor::zeros(rows, DType::U8, device()).unwrap();
        let single = Tensor::zeros(rows, DType::F32, device()).unwrap();
        let tenth = single.affine(0.0, f64::from(0.1f32)).unwrap();
        let found = [
            ("cross-entropy", cross_entropy(&logits, &labels), 10f64.ln()),
            ("binary", binary_cross_entropy_with_logits(&single, &tenth), 2f64.ln()),
            ("squares", mean_squared_error(&single, &tenth), f64::from(0.1f32).powi(2)),
            ("nll", nll(&log_softmax(&logits).unwrap(), &labels), 10f64.ln()),
        ];
        for (name, found, expected) in found {
            let found = values(&found.unwrap())[0];
            let ulps = (found - expected).abs() / (expected * f64::from(f32::EPSILON));
            assert!(ulps <= 4.0, "{name} of {rows}: {found}, {expected} was expected");
        }
    }
}

/// A million classes: each probability to a few units, and their logarithms.
#[test]
fn many_classes_lose_nothing() {
    if composed() {
        return; // candle's sums on the CPU lose what these tests look for
    }
    for count in [33, 1000, 20_000, 1_000_000] {
        let logits = tensor(&[1, count], DType::F32, 1).affine(3.0, 0.0).unwrap();
        let exact = values(&logits);
        let sum: f64 = exact.iter().map(|logit| logit.exp()).sum();
        let found = values(&softmax(&logits).unwrap());
        let logarithms = values(&log_softmax(&logits).unwrap());
        for ((found, logarithm), logit) in found.into_iter().zip(logarithms).zip(exact) {
            let expected = logit.exp() / sum;
            let ulps = (found - expected).abs() / (expected * f64::from(f32::EPSILON));
            assert!(ulps <= 8.0, "{found}, {expected} was expected");
            assert!((logarithm - (logit - sum.ln())).abs() < 4e-6, "{logarithm}");
        }
    }
}

/// Rows short and long: the way back through them, by finite differences.
#[test]
fn long_rows_go_back_as_short_ones() {
    let wide = [variable(&[2, 40], DType::F64, 1)];
    assert_finite_differences("softmax", &wide, |v| softmax(&v[0]));
    assert_finite_differences("log_softmax", &wide, |v| log_softmax(&v[0]));
    let long = [variable(&[2, 17_000], DType::F64, 1)];
    assert_same("softmax", &long, |v| softmax(&v[0]), |v| reference::softmax(&v[0]));
    let ours = |v: &[Var]| log_softmax(&v[0]);
    assert_same("log_softmax", &long, ours, |v| reference::log_softmax(&v[0]));
    let labels = classes(&[16_999, 3]);
    let ours = |v: &[Var]| cross_entropy(&v[0], &labels);
    assert_same("cross-entropy", &long, ours, |v| reference::cross_entropy(&v[0], &labels));
}

proptest! {
    #![proptest_config(support::cases(24))]

    #[test]
    fn bits_do_not_depend_on_threads(
        rows in prop_oneof![least()..5, 1usize..4000],
        width in prop_oneof![1usize..12, 30usize..70],
        long in 16_000usize..40_000,
        threads in 2usize..33,
    ) {
        let labels: Vec<u32> = (0..rows).map(|row| (7 * row % width) as u32).collect();
        let labels = classes(&labels);
        let variables = [
            variable(&[rows, width], DType::F32, 1),
            variable(&[rows, width], DType::F32, 2),
            variable(&[2, long], DType::F32, 3),
        ];
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut losses = vec![
                    softmax(&variables[0]).unwrap(),
                    log_softmax(&variables[0]).unwrap(),
                    softmax(&variables[2]).unwrap(),
                    log_softmax(&variables[2]).unwrap(),
                ];
                if rows > 0 {
                    losses.push(cross_entropy(&variables[0], &labels).unwrap());
                    losses.push(nll(&variables[0], &labels).unwrap());
                    let pair = (&variables[0], &variables[1]);
                    losses.push(binary_cross_entropy_with_logits(pair.0, pair.1).unwrap());
                    losses.push(mean_squared_error(pair.0, pair.1).unwrap());
                }
                let mut all = Vec::new();
                for loss in losses {
                    let gradients = weighted_sum(&loss).unwrap().backward().unwrap();
                    let gradients = variables.iter().filter_map(|variable| gradients.get(variable));
                    all.extend(gradients.chain([&loss]).flat_map(values).map(f64::to_bits));
                }
                all
            })
        };
        prop_assert!(bits(threads) == bits(1));
    }
}
