//! The same bytes on one thread and on many, and work side by side.

mod support;

use candle_core::{DType, Tensor};
use pairnet_ops::channels_last::{NormalisedConvolution, conv2d_relu_batch_norm_nhwc};
use pairnet_ops::{
    Conv2dConfig, NormalisedLinear, batch_norm, conv2d, conv2d_relu, conv2d_relu_max_pool,
    linear_relu, linear_relu_batch_norm, side_by_side,
};
use support::{values, variable, with_gradients};

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let convolution = [
        variable(&[130, 2, 9, 8], DType::F32, 1),
        variable(&[16, 2, 3, 3], DType::F32, 2),
        variable(&[16], DType::F32, 3),
    ];
    let normalised = [
        variable(&[130, 6, 6, 16], DType::F32, 1),
        variable(&[32, 16, 3, 3], DType::F32, 2),
        variable(&[32], DType::F32, 3),
        variable(&[32], DType::F32, 4),
        variable(&[32], DType::F32, 5),
    ];
    let whole_image = [
        variable(&[130, 32, 2, 2], DType::F32, 1),
        variable(&[120, 32, 2, 2], DType::F32, 2),
        variable(&[120], DType::F32, 3),
    ];
    let linear = [
        variable(&[400, 196], DType::F32, 4),
        variable(&[200, 196], DType::F32, 5),
        variable(&[200], DType::F32, 6),
    ];
    // As wide as the networks' second layer: parts of it are narrow.
    let second = [
        variable(&[200, 200], DType::F32, 4),
        variable(&[84, 200], DType::F32, 5),
        variable(&[84], DType::F32, 6),
    ];
    // Deeper than the parts that a sum over the depth is split into.
    let deep = [
        variable(&[100, 2000], DType::F32, 7),
        variable(&[70, 2000], DType::F32, 8),
        variable(&[70], DType::F32, 9),
    ];
    // Bits, for 0 and −0 are equal and NaN is not.
    let bits =
        |tensor: &Tensor| -> Vec<u64> { values(tensor).into_iter().map(f64::to_bits).collect() };
    let bytes = |threads: usize| -> Vec<Vec<u64>> {
        on(threads, || {
            let all = [
                with_gradients(&convolution, |v| {
                    conv2d_relu_max_pool(&v[0], &v[1], Some(v[2].as_tensor()), padded(1))
                }),
                with_gradients(&convolution, |v| {
                    conv2d(&v[0], &v[1], Some(v[2].as_tensor()), padded(2))
                }),
                with_gradients(&whole_image, |v| {
                    conv2d_relu(&v[0], &v[1], Some(v[2].as_tensor()), padded(0))
                }),
                with_gradients(&normalised, |v| {
                    let layer = NormalisedConvolution {
                        weight: &v[1],
                        bias: Some(&v[2]),
                        gamma: &v[3],
                        beta: &v[4],
                        config: padded(0),
                        epsilon: 1e-5,
                        max_pool: true,
                    };
                    Ok(conv2d_relu_batch_norm_nhwc(&v[0], &layer)?.0)
                }),
                with_gradients(&second, |v| linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))),
                with_gradients(&deep, |v| linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))),
                with_gradients(&linear, |v| {
                    let layer = NormalisedLinear {
                        weight: &v[1],
                        bias: Some(&v[2]),
                        gamma: &v[2],
                        beta: &v[2],
                        epsilon: 1e-5,
                    };
                    Ok(linear_relu_batch_norm(&v[0], &layer)?.0)
                }),
                with_gradients(&linear, |v| {
                    let hidden = linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))?;
                    Ok(batch_norm(&hidden, &v[2], &v[2], 1e-5)?.0)
                }),
            ];
            let tensors = all
                .into_iter()
                .flat_map(|(result, gradients)| std::iter::once(result).chain(gradients));
            tensors.map(|tensor| bits(&tensor)).collect()
        })
    };
    let one = bytes(1);
    for threads in [2, 3, 5] {
        assert!(bytes(threads) == one, "{threads} threads give other bytes");
    }
}

fn padded(padding: usize) -> Conv2dConfig {
    Conv2dConfig { padding, ..Default::default() }
}

fn on<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn both_results_come_back_in_their_order() {
    for threads in 1..5 {
        let nested = || side_by_side(|| side_by_side(|| 1, || "two"), || 3.0);
        assert_eq!(on(threads, nested), ((1, "two"), 3.0));
    }
    assert_eq!(side_by_side(|| "outside", || "any pool"), ("outside", "any pool"));
}

#[test]
fn a_panic_on_either_side_is_passed_on() {
    for threads in 1..4 {
        let first = || on(threads, || side_by_side(|| panic!("first"), || 2));
        let second = || on(threads, || side_by_side(|| 1, || panic!("second")));
        let messages = [
            std::panic::catch_unwind(first).map(|((), _)| ()),
            std::panic::catch_unwind(second).map(|(_, ())| ()),
        ];
        let messages = messages.map(|result| *result.unwrap_err().downcast::<&str>().unwrap());
        assert_eq!(messages, ["first", "second"]);
    }
}
