//! Batch normalisation: running statistics, edges.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{
    BatchStatistics, RunningStatistics, batch_norm, batch_norm_evaluation, reference,
};
use proptest::prelude::*;
use support::{
    assert_close, assert_finite_differences, assert_same, assert_told, composed, device,
    has_empty_variables, tensor, values, variable, whole, with_gradients,
};

const EPSILON: f64 = 1e-5;

proptest! {
    #![proptest_config(support::cases(60))]

    #[test]
    fn any_shape_agrees_with_the_reference(
        rows in 2usize..80,
        channels in prop_oneof![1usize..6, 60usize..70, 255usize..259],
        image in prop::collection::vec(1usize..5, 0..4),
    ) {
        let shape = [vec![rows, channels], image].concat();
        for dtype in [DType::F32, DType::F64] {
            let variables = [
                variable(&shape, dtype, 1),
                variable(&[channels], dtype, 2),
                variable(&[channels], dtype, 3),
            ];
            assert_same(
                &format!("{shape:?}"),
                &variables,
                |v| Ok(batch_norm(&v[0], &v[1], &v[2], 0.1)?.0),
                |v| Ok(reference::batch_norm(&v[0], &v[1], &v[2], 0.1)?.0),
            );
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    for shape in [vec![6, 3], vec![4, 3, 2, 3]] {
        let variables = [
            variable(&shape, DType::F64, 1),
            variable(&[3], DType::F64, 2),
            variable(&[3], DType::F64, 3),
        ];
        assert_finite_differences("batch_norm", &variables, |v| {
            Ok(batch_norm(&v[0], &v[1], &v[2], EPSILON)?.0)
        });
    }
}

/// By hand: values 1, 2, 6 have mean 3, biased variance 14/3 and unbiased variance 7.
#[test]
fn running_statistics_are_unbiased_and_mixed() {
    let input = Tensor::from_slice(&[1f64, 2.0, 6.0], (3, 1), device()).unwrap();
    let (one, zero) = (
        tensor(&[1], DType::F64, 1).ones_like().unwrap(),
        Tensor::zeros(1, DType::F64, device()).unwrap(),
    );
    let (_, statistics) = batch_norm(&input, &one, &zero, EPSILON).unwrap();
    assert_close(
        "variance",
        &statistics.variance,
        &Tensor::new(&[14.0 / 3.0], device()).unwrap(),
        1e-12,
    );
    let mut running = RunningStatistics::new(1, DType::F64, device()).unwrap();
    running.update(&statistics, 0.1).unwrap();
    assert_close("mean", &running.mean, &Tensor::new(&[0.3], device()).unwrap(), 1e-12);
    assert_close(
        "variance",
        &running.variance,
        &Tensor::new(&[0.9 + 0.7], device()).unwrap(),
        1e-12,
    );
    let evaluated = batch_norm_evaluation(&input, &one, &zero, 0.0, &running).unwrap();
    let expected = [0.7, 1.7, 5.7].map(|value| value / 1.6f64.sqrt());
    assert_close(
        "evaluation",
        &evaluated.flatten_all().unwrap(),
        &Tensor::new(&expected, device()).unwrap(),
        1e-12,
    );
}

#[test]
fn evaluation_of_images_is_channel_by_channel() {
    let input = tensor(&[2, 3, 4, 5], DType::F64, 1);
    let (gamma, beta) = (tensor(&[3], DType::F64, 2), tensor(&[3], DType::F64, 3));
    let running = RunningStatistics {
        mean: tensor(&[3], DType::F64, 4),
        variance: tensor(&[3], DType::F64, 5).abs().unwrap(),
    };
    let found = batch_norm_evaluation(&input, &gamma, &beta, EPSILON, &running).unwrap();
    let expected =
        reference::normalise(&input, &gamma, &beta, EPSILON, &running.mean, &running.variance);
    assert_close("evaluation", &found, &expected.unwrap(), 1e-12);
}

#[test]
fn evaluation_takes_an_empty_batch() {
    if composed() || !has_empty_variables() {
        return; // candle loses the graph of tensors without values
    }
    for [rows, channels] in [[0, 3], [2, 0]] {
        let running = RunningStatistics::new(channels, DType::F64, device()).unwrap();
        let variables = [&[rows, channels][..], &[channels], &[channels]]
            .map(|shape| variable(shape, DType::F64, 1));
        let (result, gradients) = with_gradients(&variables, |v| {
            batch_norm_evaluation(&v[0], &v[1], &v[2], EPSILON, &running)
        });
        assert_eq!(result.dims(), [rows, channels]);
        assert_eq!(values(&gradients[1]), vec![0.0; channels]);
    }
}

#[test]
fn gradients_of_evaluation_are_finite_differences() {
    let variables = [
        variable(&[2, 3, 2, 2], DType::F64, 1),
        variable(&[3], DType::F64, 2),
        variable(&[3], DType::F64, 3),
    ];
    let running = RunningStatistics {
        mean: tensor(&[3], DType::F64, 4),
        variance: tensor(&[3], DType::F64, 5).abs().unwrap(),
    };
    assert_finite_differences("evaluation", &variables, |v| {
        batch_norm_evaluation(&v[0], &v[1], &v[2], EPSILON, &running)
    });
}

/// Without variance every x̂ is 0, and ∂x = γ/√ε · (∂y − mean(∂y)).
#[test]
fn a_channel_without_variance_stays_finite() {
    let input = Var::ones((8, 2), DType::F64, device()).unwrap();
    let (gamma, beta) = (variable(&[2], DType::F64, 1), variable(&[2], DType::F64, 2));
    let (result, _) = batch_norm(&input, &gamma, &beta, EPSILON).unwrap();
    assert_eq!(values(&result), values(&beta).repeat(8));
    let given = tensor(&[8, 2], DType::F64, 3);
    let gradients = (result * &given).unwrap().sum_all().unwrap().backward().unwrap();
    let centred = given.broadcast_sub(&given.mean_keepdim(0).unwrap()).unwrap();
    let slope = gamma.affine(1.0 / EPSILON.sqrt(), 0.0).unwrap();
    let expected = centred.broadcast_mul(&slope).unwrap();
    assert_close("input", gradients.get(&input).unwrap(), &expected, 1e-12);
    assert_eq!(values(gradients.get(&gamma).unwrap()), [0.0; 2]);
}

#[test]
fn nan_stays_in_its_channel() {
    let input = Tensor::new(&[[1f32, f32::NAN], [2.0, 3.0]], device()).unwrap();
    let (gamma, beta) = (tensor(&[2], DType::F32, 1), tensor(&[2], DType::F32, 2));
    let (result, statistics) = batch_norm(&input, &gamma, &beta, EPSILON).unwrap();
    let nan: Vec<bool> = values(&result).iter().map(|value| value.is_nan()).collect();
    assert_eq!(nan, [false, true, false, true]);
    assert_eq!(values(&statistics.mean)[0], 1.5);
    assert!(values(&statistics.mean)[1].is_nan());
}

#[test]
fn views_are_read_where_they_lie() {
    let variables = [
        variable(&[5, 6, 4, 3], DType::F64, 1),
        variable(&[7], DType::F64, 2),
        variable(&[7], DType::F64, 3),
    ];
    let views = |v: &[Var]| -> Result<[Tensor; 3]> {
        let input = v[0].narrow(0, 1, 4)?.transpose(1, 2)?.narrow(1, 1, 2)?;
        Ok([input, v[1].narrow(0, 3, 2)?, v[2].narrow(0, 4, 2)?])
    };
    assert_same(
        "views",
        &variables,
        |v| views(v).and_then(|[x, gamma, beta]| Ok(batch_norm(&x, &gamma, &beta, 0.1)?.0)),
        |v| {
            let [x, gamma, beta] = views(v)?;
            Ok(reference::batch_norm(&x.contiguous()?, &gamma, &beta, 0.1)?.0)
        },
    );
}

#[test]
fn errors_name_the_sizes() {
    let (gamma, beta) = (tensor(&[3], DType::F32, 1), tensor(&[3], DType::F32, 2));
    let normalise =
        |shape: &[usize]| batch_norm(&tensor(shape, DType::F32, 3), &gamma, &beta, EPSILON);
    assert_told(normalise(&[1, 3]), "1 value a channel has no variance");
    assert_told(normalise(&[1, 3, 1, 1]), "1 value a channel has no variance");
    assert_told(normalise(&[0, 3]), "0 value a channel has no variance");
    assert_told(normalise(&[5, 4]), "gamma has shape [3], 4 channels need (4,)");
    assert_told(normalise(&[3]), "batch_norm: input has shape [3], (n, channels) or more");
    for epsilon in [-1e-5, f64::NAN, f64::INFINITY] {
        let refused = batch_norm(&tensor(&[5, 3], DType::F32, 3), &gamma, &beta, epsilon);
        assert_told(refused, "batch_norm: epsilon");
    }
    let (input, four) = (tensor(&[5, 3], DType::F32, 3), tensor(&[4], DType::F32, 1));
    let wrong = batch_norm(&input, &gamma, &four, EPSILON);
    assert_told(wrong, "beta has shape [4], 3 channels need (3,)");
    let whole = batch_norm(&whole(&[5, 3]), &gamma, &beta, EPSILON);
    assert_told(whole, "dtype U32 is not supported");
    let mixed = batch_norm(&tensor(&[5, 3], DType::F64, 3), &gamma, &beta, EPSILON);
    assert_told(mixed, "dtype");
    let running = RunningStatistics::new(4, DType::F32, device()).unwrap();
    let wrong = batch_norm_evaluation(&input, &gamma, &four, EPSILON, &running);
    assert_told(wrong, "beta has shape [4]");
    let told = "the running mean has shape [4] and dtype F32, [3] and F32 are needed";
    assert_told(batch_norm_evaluation(&input, &gamma, &beta, EPSILON, &running), told);
    let doubles = RunningStatistics::new(3, DType::F64, device()).unwrap();
    let told = "the running mean has shape [3] and dtype F64, [3] and F32 are needed";
    assert_told(batch_norm_evaluation(&input, &gamma, &beta, EPSILON, &doubles), told);
}

#[test]
fn an_update_that_is_refused_changes_nothing() {
    let statistics = |count| BatchStatistics {
        mean: tensor(&[3], DType::F32, 1),
        variance: tensor(&[3], DType::F32, 2),
        count,
    };
    let mut running = RunningStatistics::new(3, DType::F32, device()).unwrap();
    let told = "batch_norm: 1 value a channel has no unbiased variance";
    assert_told(running.update(&statistics(1), 0.1), told);
    for momentum in [-0.1, 1.1, f64::NAN] {
        assert_told(running.update(&statistics(5), momentum), "batch_norm: momentum");
    }
    let mut other = RunningStatistics::new(4, DType::F32, device()).unwrap();
    let told = "batch_norm: running statistics of shape [4] and dtype F32, the batch's of [3]";
    assert_told(other.update(&statistics(5), 0.1), told);
    let wider = BatchStatistics { variance: tensor(&[4], DType::F32, 1), ..statistics(5) };
    assert_told(running.update(&wider, 0.1), "the batch's of [4]");
    assert_eq!(values(&running.mean), [0.0; 3]);
    assert_eq!(values(&running.variance), [1.0; 3]);
}

/// A hundred thousand values a channel around a large mean, against f64.
#[test]
fn many_values_lose_nothing() {
    if composed() {
        return; // candle's sums on the CPU lose what this test looks for
    }
    let input = tensor(&[100_000, 7], DType::F32, 1).affine(1.0, 100.0).unwrap();
    let (gamma, beta) = (tensor(&[7], DType::F32, 2), tensor(&[7], DType::F32, 3));
    let double = |tensor: &Tensor| tensor.to_dtype(DType::F64).unwrap();
    let (found, statistics) = batch_norm(&input, &gamma, &beta, EPSILON).unwrap();
    let expected = reference::batch_norm(&double(&input), &double(&gamma), &double(&beta), EPSILON);
    let (expected, exact) = expected.unwrap();
    assert_close("mean", &double(&statistics.mean), &exact.mean, 2e-6);
    assert_close("variance", &double(&statistics.variance), &exact.variance, 2e-5);
    assert_close("result", &double(&found), &expected, 2e-4);
}

proptest! {
    #![proptest_config(support::cases(12))]

    #[test]
    fn bits_do_not_depend_on_threads(
        rows in prop_oneof![2usize..300, 2usize..5000],
        channels in prop_oneof![1usize..4, 60usize..70, 300usize..310],
        threads in 2usize..33,
    ) {
        let variables = [
            variable(&[rows, channels], DType::F32, 1),
            variable(&[channels], DType::F32, 2),
            variable(&[channels], DType::F32, 3),
        ];
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (result, gradients) = with_gradients(&variables, |v| {
                    Ok(batch_norm(&v[0], &v[1], &v[2], EPSILON)?.0)
                });
                let all = gradients.iter().chain([&result]).flat_map(values);
                all.map(f64::to_bits).collect::<Vec<_>>()
            })
        };
        prop_assert!(bits(threads) == bits(1));
    }
}
