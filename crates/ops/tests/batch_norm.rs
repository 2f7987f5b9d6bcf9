//! Batch normalisation: groups, running statistics, edges.

mod support;

use candle_core::{DType, Device, Tensor};
use pairnet_ops::{RunningStatistics, batch_norm, batch_norm_evaluation, reference};
use proptest::prelude::*;
use support::{assert_close, assert_finite_differences, assert_same, tensor, values, variable};

const EPSILON: f64 = 1e-5;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_shape_agrees_with_the_reference(
        rows in 2usize..40,
        channels in prop_oneof![1usize..6, 60usize..70, 255usize..259],
        image in prop_oneof![Just(None), (1usize..5, 1usize..5).prop_map(Some)],
        groups in 1usize..3,
    ) {
        let shape = match image {
            None => vec![rows * groups, channels],
            Some((height, width)) => vec![rows * groups, channels, height, width],
        };
        for dtype in [DType::F32, DType::F64] {
            let variables = [
                variable(&shape, dtype, 1),
                variable(&[channels], dtype, 2),
                variable(&[channels], dtype, 3),
            ];
            assert_same(
                &format!("{shape:?} {groups}"),
                &variables,
                |v| Ok(batch_norm(&v[0], &v[1], &v[2], 0.1, groups)?.0),
                |v| Ok(reference::batch_norm(&v[0], &v[1], &v[2], 0.1, groups)?.0),
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
        for groups in [1, 2] {
            assert_finite_differences("batch_norm", &variables, |v| {
                Ok(batch_norm(&v[0], &v[1], &v[2], EPSILON, groups)?.0)
            });
        }
    }
}

#[test]
fn groups_are_batches_of_their_own() {
    let input = tensor(&[10, 4], DType::F64, 1);
    let (gamma, beta) = (tensor(&[4], DType::F64, 2), tensor(&[4], DType::F64, 3));
    let (together, statistics) = batch_norm(&input, &gamma, &beta, EPSILON, 2).unwrap();
    for (half, statistics) in statistics.iter().enumerate() {
        let rows = input.narrow(0, 5 * half, 5).unwrap();
        let (alone, own) = batch_norm(&rows, &gamma, &beta, EPSILON, 1).unwrap();
        assert_eq!(values(&together.narrow(0, 5 * half, 5).unwrap()), values(&alone));
        assert_eq!(values(&statistics.mean), values(&own[0].mean));
        assert_eq!(statistics.count, 5);
    }
}

/// By hand: values 1, 2, 6 have mean 3, biased variance 14/3 and unbiased variance 7.
#[test]
fn running_statistics_are_unbiased_and_mixed() {
    let input = Tensor::from_slice(&[1f64, 2.0, 6.0], (3, 1), &Device::Cpu).unwrap();
    let (one, zero) = (
        tensor(&[1], DType::F64, 1).ones_like().unwrap(),
        Tensor::zeros(1, DType::F64, &Device::Cpu).unwrap(),
    );
    let (_, statistics) = batch_norm(&input, &one, &zero, EPSILON, 1).unwrap();
    assert_close(
        "variance",
        &statistics[0].variance,
        &Tensor::new(&[14.0 / 3.0], &Device::Cpu).unwrap(),
        1e-12,
    );
    let mut running = RunningStatistics::new(1, DType::F64, &Device::Cpu).unwrap();
    running.update(&statistics[0], 0.1).unwrap();
    assert_close("mean", &running.mean, &Tensor::new(&[0.3], &Device::Cpu).unwrap(), 1e-12);
    assert_close(
        "variance",
        &running.variance,
        &Tensor::new(&[0.9 + 0.7], &Device::Cpu).unwrap(),
        1e-12,
    );
    let evaluated = batch_norm_evaluation(&input, &one, &zero, 0.0, &running).unwrap();
    let expected = [0.7, 1.7, 5.7].map(|value| value / 1.6f64.sqrt());
    assert_close(
        "evaluation",
        &evaluated.flatten_all().unwrap(),
        &Tensor::new(&expected, &Device::Cpu).unwrap(),
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
fn a_channel_without_variance_stays_finite() {
    let input = candle_core::Var::ones((8, 2), DType::F32, &Device::Cpu).unwrap();
    let (gamma, beta) = (variable(&[2], DType::F32, 1), variable(&[2], DType::F32, 2));
    let (result, _) = batch_norm(&input, &gamma, &beta, EPSILON, 1).unwrap();
    assert_eq!(values(&result), values(&beta).repeat(8));
    let gradients = result.sum_all().unwrap().backward().unwrap();
    assert!(values(gradients.get(&input).unwrap()).iter().all(|&value| value == 0.0));
}

#[test]
fn errors_name_the_sizes() {
    let (gamma, beta) = (tensor(&[3], DType::F32, 1), tensor(&[3], DType::F32, 2));
    let error = |shape: &[usize], groups| {
        batch_norm(&tensor(shape, DType::F32, 3), &gamma, &beta, EPSILON, groups)
            .unwrap_err()
            .to_string()
    };
    assert!(error(&[1, 3], 1).contains("1 value a channel has no variance"));
    assert!(error(&[5, 3], 2).contains("a batch of 5 does not split into 2 equal groups"));
    assert!(error(&[5, 3], 0).contains("into 0 equal groups"));
    assert!(error(&[5, 4], 1).contains("4 channels need (4,)"));
    assert!(error(&[5, 3, 2], 1).contains("[5, 3, 2]"));
}
