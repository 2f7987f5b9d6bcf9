//! The same bytes on one thread and on many, and work side by side.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::channels_last::{
    NormalisedConvolution, conv2d_batch_norm_nhwc, conv2d_batch_norm_relu_nhwc,
    conv2d_relu_batch_norm_nhwc,
};
use pairnet_ops::{
    Conv2dConfig, NormalisedLinear, avg_pool2d, batch_norm, conv2d, conv2d_relu,
    conv2d_relu_max_pool, linear, linear_relu, linear_relu_batch_norm, max_pool2d, side_by_side,
};
use proptest::prelude::*;
use support::{values, variable, with_gradients};

/// An op and the sizes of what goes in.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// (rows, inputs, outputs), and what follows.
    Linear((usize, usize, usize), Follows),
    Convolution(Convolution, Follows),
    /// (n, channels, height, width), size, stride, whether the maximum.
    Pooling([usize; 4], (usize, usize), (usize, usize), bool),
}

#[derive(Clone, Copy, Debug)]
enum Follows {
    Nothing,
    Relu,
    /// As two ops.
    ReluThenBatchNorm,
    /// As one op.
    ReluBatchNorm,
    ReluMaxPool,
    ReluBatchNormMaxPool,
    BatchNormRelu,
    BatchNorm,
}
use Follows::{
    BatchNorm, BatchNormRelu, Nothing, Relu, ReluBatchNorm, ReluBatchNormMaxPool, ReluMaxPool,
    ReluThenBatchNorm,
};

#[derive(Clone, Copy, Debug)]
struct Convolution {
    /// (n, channels, height, width).
    images: [usize; 4],
    outputs: usize,
    kernel: (usize, usize),
    config: Conv2dConfig,
}

impl Op {
    /// Input, weight, bias, γ and β.
    fn variables(&self, dtype: DType) -> Vec<Var> {
        let (input, weight) = match *self {
            Op::Linear((rows, inputs, outputs), _) => (vec![rows, inputs], vec![outputs, inputs]),
            Op::Convolution(Convolution { images, outputs, kernel, config }, _) => {
                let weight = vec![outputs, images[1] / config.groups, kernel.0, kernel.1];
                (images.to_vec(), weight)
            }
            Op::Pooling(images, ..) => return vec![variable(&images, dtype, 1)],
        };
        let outputs = [weight[0]];
        let shapes = [&input[..], &weight, &outputs, &outputs, &outputs];
        shapes.iter().zip(1..).map(|(shape, seed)| variable(shape, dtype, seed)).collect()
    }

    fn compute(&self, v: &[Var]) -> Result<Tensor> {
        let bias = v.get(2).map(Var::as_tensor);
        match *self {
            Op::Linear(_, follows) => match follows {
                Nothing => linear(&v[0], &v[1], bias),
                Relu => linear_relu(&v[0], &v[1], bias),
                ReluThenBatchNorm => {
                    Ok(batch_norm(&linear_relu(&v[0], &v[1], bias)?, &v[3], &v[4], 1e-5)?.0)
                }
                _ => {
                    let (weight, gamma, beta) = (&*v[1], &*v[3], &*v[4]);
                    let layer = NormalisedLinear { weight, bias, gamma, beta, epsilon: 1e-5 };
                    Ok(linear_relu_batch_norm(&v[0], &layer)?.0)
                }
            },
            Op::Convolution(Convolution { config, .. }, follows) => match follows {
                Nothing => conv2d(&v[0], &v[1], bias, config),
                Relu => conv2d_relu(&v[0], &v[1], bias, config),
                ReluMaxPool => conv2d_relu_max_pool(&v[0], &v[1], bias, config),
                ReluThenBatchNorm => {
                    let activations = conv2d_relu(&v[0], &v[1], bias, config)?;
                    Ok(batch_norm(&activations, &v[3], &v[4], 1e-5)?.0)
                }
                ReluBatchNorm | ReluBatchNormMaxPool | BatchNormRelu | BatchNorm => {
                    let (weight, gamma, beta, epsilon) = (&*v[1], &*v[3], &*v[4], 1e-5);
                    let max_pool = matches!(follows, ReluBatchNormMaxPool);
                    let layer = NormalisedConvolution {
                        weight,
                        bias,
                        gamma,
                        beta,
                        config,
                        epsilon,
                        max_pool,
                    };
                    let images = v[0].permute((0, 2, 3, 1))?;
                    Ok(match follows {
                        BatchNormRelu => conv2d_batch_norm_relu_nhwc(&images, &layer)?.0,
                        BatchNorm => conv2d_batch_norm_nhwc(&images, &layer)?.0,
                        _ => conv2d_relu_batch_norm_nhwc(&images, &layer)?.0,
                    })
                }
            },
            Op::Pooling(_, size, stride, true) => max_pool2d(&v[0], size, stride),
            Op::Pooling(_, size, stride, false) => avg_pool2d(&v[0], size, stride),
        }
    }

    /// Result and all gradients on so many threads, as bits: 0 and −0 would be equal and NaN would not.
    fn bits(&self, variables: &[Var], threads: usize) -> Vec<Vec<u64>> {
        let used = match self {
            Op::Linear(_, Nothing | Relu) | Op::Convolution(_, Nothing | Relu | ReluMaxPool) => 3,
            _ => variables.len(),
        };
        let (result, gradients) =
            on(threads, || with_gradients(&variables[..used], |v| self.compute(v)));
        let all = std::iter::once(result).chain(gradients);
        all.map(|tensor| values(&tensor).into_iter().map(f64::to_bits).collect()).collect()
    }

    fn assert_alike(&self, dtype: DType, threads: &[usize]) {
        let variables = self.variables(dtype);
        let one = self.bits(&variables, 1);
        for &threads in threads {
            let same = self.bits(&variables, threads) == one;
            assert!(same, "{threads} threads give other bytes: {self:?} {dtype:?}");
        }
    }
}

/// Sizes at which splitting has been wrong: products that are narrow, deep, or hardly larger than what
/// is summed in another way; and those of the networks.
#[test]
fn shapes_that_are_hard_to_split() {
    let images = |images, outputs, kernel| {
        let config = Conv2dConfig::default();
        Convolution { images, outputs, kernel, config }
    };
    for op in [
        Op::Linear((130, 784, 40), Nothing),
        Op::Linear((200, 700, 40), Nothing),
        Op::Linear((17, 392, 200), ReluBatchNorm),
        Op::Linear((400, 196, 200), ReluBatchNorm),
        Op::Linear((200, 200, 84), Relu),
        Op::Linear((100, 2000, 70), Relu),
        Op::Linear((5, 1024, 520), Nothing),
        Op::Linear((2, 512, 1030), Nothing),
        Op::Linear((70, 256, 129), Relu),
        Op::Linear((66, 3000, 5), Nothing),
        Op::Linear((3000, 65, 4), Nothing),
        Op::Convolution(images([130, 32, 2, 2], 120, (2, 2)), Relu),
        Op::Convolution(images([130, 16, 6, 6], 32, (3, 3)), ReluBatchNormMaxPool),
        // Few images a chunk, and not all of their patches at once.
        Op::Convolution(images([5, 24, 41, 42], 6, (3, 3)), ReluBatchNorm),
        Op::Convolution(images([5, 24, 41, 42], 6, (3, 3)), ReluMaxPool),
    ] {
        op.assert_alike(DType::F32, &[2, 3, 5, 8]);
    }
}

fn follows() -> impl Strategy<Value = Follows> {
    prop_oneof![
        Just(Nothing),
        Just(Relu),
        Just(ReluThenBatchNorm),
        Just(ReluBatchNorm),
        Just(ReluMaxPool),
        Just(ReluBatchNormMaxPool),
        Just(BatchNormRelu),
        Just(BatchNorm)
    ]
}

/// Rows from one to thousands, of which a batch norm needs two.
fn linears() -> impl Strategy<Value = Op> {
    let rows = prop_oneof![3 => 2usize..20, 4 => 60usize..270, 1 => 500usize..3500];
    // Among them inputs whose rows lie a critical stride apart.
    let critical = (1usize..5).prop_map(|times| 256 * times);
    let inputs = prop_oneof![1usize..20, 30usize..140, 500usize..1100, critical];
    let outputs = prop_oneof![1usize..20, 30usize..140, 150usize..270, 270usize..600];
    (rows, inputs, outputs, follows()).prop_map(|(rows, inputs, outputs, follows)| {
        // As much work as a test has time for.
        let rows = rows.min(20_000_000 / (inputs * outputs)).max(2);
        let one_row = matches!(follows, Nothing | Relu) && rows % 8 == 0;
        let rows = if one_row { 1 } else { rows };
        Op::Linear((rows, inputs, outputs), follows)
    })
}

/// Batches around the chunks of images, every setting, and kernels as large as the image.
fn convolutions() -> impl Strategy<Value = Op> {
    let batch = prop_oneof![3 => 1usize..6, 3 => 30usize..70, 1 => 100usize..140];
    let sizes = (1usize..13, 1usize..13, 1usize..9, 1usize..20);
    let kernel = (1usize..4, 1usize..4);
    let settings = (0usize..3, 1usize..4, 1usize..3, 1usize..4);
    let every = (batch.clone(), sizes, kernel, settings, follows()).prop_map(
        |(batch, (height, width, channels, outputs), kernel, settings, follows)| {
            let (padding, stride, dilation, groups) = settings;
            let config = Conv2dConfig { padding, stride, dilation, groups, ..Default::default() };
            // Large enough for the kernel, and for a window of its results.
            let least = |size: usize, kernel: usize| {
                size.max((dilation * (kernel - 1) + 1 + stride).saturating_sub(2 * padding))
            };
            let (height, width) = (least(height, kernel.0), least(width, kernel.1));
            let images = [batch, channels * groups, height, width];
            let outputs = outputs * groups;
            Op::Convolution(Convolution { images, outputs, kernel, config }, follows)
        },
    );
    let whole = (batch, (1usize..4, 1usize..4), 1usize..150, 1usize..150, any::<bool>()).prop_map(
        |(batch, kernel, channels, outputs, rectified)| {
            let images = [batch, channels, kernel.0, kernel.1];
            let config = Conv2dConfig::default();
            let follows = if rectified { Relu } else { Nothing };
            Op::Convolution(Convolution { images, outputs, kernel, config }, follows)
        },
    );
    prop_oneof![4 => every, 1 => whole]
}

fn poolings() -> impl Strategy<Value = Op> {
    let images = (1usize..70, 1usize..20, 4usize..14, 4usize..14);
    let window = || (1usize..5, 1usize..5);
    (images, window(), window(), any::<bool>()).prop_map(
        |((batch, channels, height, width), size, stride, max)| {
            Op::Pooling([batch, channels, height, width], size, stride, max)
        },
    )
}

/// Cases that a property is tried on; the environment variable `PROPTEST_CASES` asks for others.
fn cases(usual: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usual),
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn linear_layers_are_the_same_on_any_number_of_threads(
        op in linears(), threads in 2usize..33, double: bool,
    ) {
        op.assert_alike(if double { DType::F64 } else { DType::F32 }, &[threads]);
    }

    #[test]
    fn convolutions_are_the_same_on_any_number_of_threads(
        op in convolutions(), threads in 2usize..33, double: bool,
    ) {
        op.assert_alike(if double { DType::F64 } else { DType::F32 }, &[threads]);
    }

    #[test]
    fn pooling_is_the_same_on_any_number_of_threads(
        op in poolings(), threads in 2usize..33, double: bool,
    ) {
        op.assert_alike(if double { DType::F64 } else { DType::F32 }, &[threads]);
    }
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
