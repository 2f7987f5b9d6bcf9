//! Convolution, ReLU, batch norm and max pooling in one op, against the four one after another.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::channels_last::{self, NormalisedConvolution};
use pairnet_ops::{BatchStatistics, Conv2dConfig, RunningStatistics, reference};
use proptest::prelude::*;
use support::{
    assert_close, assert_finite_differences, assert_same, assert_same_before_batch_norm,
    assert_same_within, assert_told, composed, device, quarters, tensor, values, variable,
};

#[derive(Clone, Copy, Debug)]
struct Layer {
    /// (batch, height, width, channels).
    images: (usize, usize, usize, usize),
    outputs: usize,
    kernel: (usize, usize),
    config: Conv2dConfig,
    max_pool: bool,
    relu: Relu,
}

/// Where ReLU is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Relu {
    BeforeBatchNorm,
    AfterBatchNorm,
    Nowhere,
}
use Relu::{AfterBatchNorm, BeforeBatchNorm, Nowhere};

const SMALL: Layer = Layer {
    images: (4, 6, 7, 2),
    outputs: 3,
    kernel: (3, 3),
    config: PLAIN,
    max_pool: true,
    relu: BeforeBatchNorm,
};

const PLAIN: Conv2dConfig =
    Conv2dConfig { padding: 0, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };

/// Large enough that a channel of hardly any variance does not blow up what is rounded.
const EPSILON: f64 = 0.1;

fn padded(padding: usize) -> Conv2dConfig {
    Conv2dConfig { padding, ..PLAIN }
}

/// Weight, bias where there is one, γ and β.
fn parts(trained: &[Var]) -> (&Tensor, Option<&Tensor>, &Tensor, &Tensor) {
    match trained {
        [weight, bias, gamma, beta] => (weight, Some(bias), gamma, beta),
        [weight, gamma, beta] => (weight, None, gamma, beta),
        _ => panic!("{} variables", trained.len()),
    }
}

impl Layer {
    /// [`Layer::variables`] without the bias where batch norm takes it away again: its gradient would be
    /// zero but for what is rounded.
    fn trained(&self, dtype: DType) -> Vec<Var> {
        let mut variables = self.variables(dtype);
        if self.relu != BeforeBatchNorm {
            variables.remove(2);
        }
        variables
    }

    /// Images, weight, bias, γ and β.
    fn variables(&self, dtype: DType) -> Vec<Var> {
        let (batch, height, width, channels) = self.images;
        vec![
            variable(&[batch, height, width, channels], dtype, 1),
            variable(
                &[self.outputs, channels / self.config.groups, self.kernel.0, self.kernel.1],
                dtype,
                2,
            ),
            variable(&[self.outputs], dtype, 3),
            variable(&[self.outputs], dtype, 4),
            variable(&[self.outputs], dtype, 5),
        ]
    }

    fn fused(&self, images: &Tensor, trained: &[Var]) -> Result<(Tensor, BatchStatistics)> {
        let (weight, bias, gamma, beta) = parts(trained);
        let (config, max_pool, epsilon) = (self.config, self.max_pool, EPSILON);
        let layer = NormalisedConvolution { weight, bias, gamma, beta, config, epsilon, max_pool };
        match self.relu {
            BeforeBatchNorm => channels_last::conv2d_relu_batch_norm_nhwc(images, &layer),
            AfterBatchNorm => channels_last::conv2d_batch_norm_relu_nhwc(images, &layer),
            Nowhere => channels_last::conv2d_batch_norm_nhwc(images, &layer),
        }
    }

    fn composed(&self, images: &Tensor, trained: &[Var]) -> Result<(Tensor, BatchStatistics)> {
        let (weight, bias, gamma, beta) = parts(trained);
        let images = images.permute((0, 3, 1, 2))?;
        let mut result = reference::conv2d(&images, weight, bias, self.config)?;
        if self.relu == BeforeBatchNorm {
            result = reference::relu(&result)?;
        }
        let (mut result, statistics) = reference::batch_norm(&result, gamma, beta, EPSILON)?;
        if self.relu == AfterBatchNorm {
            result = reference::relu(&result)?;
        }
        if self.max_pool {
            result = reference::max_pool2d(&result, 2, 2)?;
        }
        Ok((result.permute((0, 2, 3, 1))?, statistics))
    }

    fn compare(&self, dtype: DType) {
        let variables = self.variables(dtype);
        let name = format!("{self:?} {dtype:?}");
        assert_same_before_batch_norm(
            &name,
            &variables,
            |v| Ok(self.fused(&v[0], &v[1..])?.0),
            |v| Ok(self.composed(&v[0], &v[1..])?.0),
        );
        // In f64: sums over thousands of values are not candle's strength in f32.
        let tolerance = if dtype == DType::F64 { 1e-11 } else { 2e-6 };
        let found = self.fused(&variables[0], &variables[1..]).unwrap().1;
        let exact = self.variables(DType::F64);
        let expected = self.composed(&exact[0], &exact[1..]).unwrap().1;
        assert_close("mean", &found.mean, &expected.mean, tolerance);
        assert_close("variance", &found.variance, &expected.variance, tolerance);
        assert_eq!(found.count, expected.count);
    }

    fn compare_without_bias(&self, dtype: DType) {
        let mut variables = self.variables(dtype);
        variables.remove(2);
        assert_same(
            &format!("{self:?} {dtype:?} without bias"),
            &variables,
            |v| Ok(self.fused(&v[0], &v[1..])?.0),
            |v| Ok(self.composed(&v[0], &v[1..])?.0),
        );
    }
}

/// The layers of `lenet5-ws`; batches that chunks of 32 images do not divide. Fewer images in f32: the
/// reference's gradient of γ, a sum over thousands of values, has fewer digits than the op's.
#[test]
fn the_networks_layers_are_their_parts_one_after_another() {
    for (dtype, batch) in [(DType::F32, 35), (DType::F64, 70)] {
        if dtype == DType::F32 && composed() {
            continue; // candle's sums over thousands of values in f32 have fewer digits than asked for
        }
        for (images, outputs, kernel, max_pool) in [
            ((batch, 14, 14, 1), 16, (3, 3), true),
            ((batch, 6, 6, 16), 32, (3, 3), true),
            ((batch, 2, 2, 32), 120, (2, 2), false),
        ] {
            for relu in [BeforeBatchNorm, AfterBatchNorm, Nowhere] {
                Layer { images, outputs, kernel, max_pool, relu, ..SMALL }.compare(dtype);
            }
        }
    }
}

/// On few positions, and on some more, which are taken by minimal filtering.
#[test]
fn layers_of_many_filters_are_their_parts_one_after_another() {
    let kernel = (3, 3);
    for (images, outputs) in [((2, 4, 3, 96), 150), ((3, 11, 9, 130), 131)] {
        for (max_pool, relu) in [(true, BeforeBatchNorm), (false, AfterBatchNorm), (true, Nowhere)]
        {
            let config = padded(1);
            let layer = Layer { images, outputs, kernel, config, max_pool, relu };
            layer.compare(DType::F64);
            layer.compare_without_bias(DType::F64);
        }
    }
}

proptest! {
    #![proptest_config(support::cases(60))]

    #[test]
    fn any_layer_is_its_parts_one_after_another(
        batch in prop_oneof![2usize..13, 30usize..58],
        (height, width, channels) in (3usize..8, 3usize..8, 1usize..7),
        outputs in prop_oneof![3usize..6, 15usize..18, 31usize..34],
        kernel in (1usize..4, 1usize..4),
        (padding, stride, dilation, groups) in (0usize..3, 1usize..3, 1usize..3, 1usize..3),
        pooled in any::<bool>(),
        relu in prop_oneof![Just(BeforeBatchNorm), Just(AfterBatchNorm), Just(Nowhere)],
    ) {
        let config = Conv2dConfig { padding, stride, dilation, groups, ..PLAIN };
        // At least as large as the kernel.
        let least = |size: usize, kernel: usize| size.max(dilation * (kernel - 1) + 1);
        let (height, width) = (least(height, kernel.0), least(width, kernel.1));
        let convolved = |size: usize, kernel: usize| {
            (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
        };
        let max_pool =
            pooled && convolved(height, kernel.0) >= 2 && convolved(width, kernel.1) >= 2;
        let (images, outputs) = ((batch, height, width, channels * groups), outputs * groups);
        let layer = Layer { images, outputs, kernel, config, max_pool, relu };
        layer.compare(DType::F64);
        layer.compare_without_bias(DType::F64);
    }
}

#[test]
fn gradients_are_finite_differences() {
    for (padding, max_pool, relu) in [
        (0, true, BeforeBatchNorm),
        (1, true, BeforeBatchNorm),
        (0, false, BeforeBatchNorm),
        (1, true, AfterBatchNorm),
        (0, false, AfterBatchNorm),
        (1, true, Nowhere),
        (0, false, Nowhere),
    ] {
        let layer = Layer { config: padded(padding), max_pool, relu, ..SMALL };
        let variables = layer.trained(DType::F64);
        assert_finite_differences(&format!("{layer:?}"), &variables, |v| {
            Ok(layer.fused(&v[0], &v[1..])?.0)
        });
    }
}

/// Activations are the same to the bit, so that most windows tie in both: the first of the largest
/// takes the gradient. Only the parts of this crate round batch norm alike.
#[test]
fn the_first_of_equal_values_takes_the_gradient() {
    let layer = Layer { images: (4, 6, 6, 2), ..SMALL };
    let rounded: Vec<Var> = layer
        .variables(DType::F64)
        .iter()
        .zip(1..)
        .map(|(variable, seed)| quarters(variable.dims(), DType::F64, seed))
        .collect();
    assert_same_within(
        1e-11,
        "ties",
        &rounded,
        |v| Ok(layer.fused(&v[0], &v[1..])?.0),
        |v| {
            let activations =
                channels_last::conv2d_relu_nhwc(&v[0], &v[1], Some(v[2].as_tensor()), padded(0))?;
            let normalised = channels_last::batch_norm_nhwc(&activations, &v[3], &v[4], EPSILON)?.0;
            channels_last::max_pool2d_nhwc(&normalised, 2, 2)
        },
    );
}

/// The first layer: no gradient of the images is asked for, and the others are the same.
#[test]
fn images_need_no_gradient() {
    for padding in [0, 1] {
        let layer = Layer { config: padded(padding), ..SMALL };
        let mut variables = layer.variables(DType::F64);
        let images = variables.remove(0).as_tensor().detach();
        assert_same(
            "trained alone",
            &variables,
            |v| Ok(layer.fused(&images, v)?.0),
            |v| Ok(layer.composed(&images, v)?.0),
        );
    }
}

/// A filter of zeros leaves each channel one value, so that all is β and γ has no gradient.
#[test]
fn a_channel_without_variance_stays_finite() {
    // 64 equal quarters have exactly their own mean.
    let layer = Layer { images: (4, 6, 6, 2), ..SMALL };
    let mut variables = layer.variables(DType::F64);
    variables[1] = Var::zeros((3, 2, 3, 3), DType::F64, device()).unwrap();
    variables[2] = quarters(&[3], DType::F64, 3);
    let (result, _) = layer.fused(&variables[0], &variables[1..]).unwrap();
    assert_eq!(values(&result), values(&variables[4]).repeat(4 * 2 * 2));
    let gradients = support::weighted_sum(&result).unwrap().backward().unwrap();
    assert_eq!(values(gradients.get(&variables[3]).unwrap()), [0.0; 3]);
    for variable in &variables {
        let gradient = values(gradients.get(variable).unwrap());
        assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
    }
}

/// Evaluation with running statistics, its gradients too.
#[test]
fn evaluation_is_its_parts_one_after_another() {
    let places = [BeforeBatchNorm, AfterBatchNorm, Nowhere];
    for (relu, (max_pool, padding)) in
        places.into_iter().flat_map(|relu| [(true, 0), (false, 1)].map(|rest| (relu, rest)))
    {
        let config = padded(padding);
        let layer = Layer { max_pool, config, relu, ..SMALL };
        let variables = layer.variables(DType::F64);
        let running = RunningStatistics {
            mean: tensor(&[3], DType::F64, 6),
            variance: tensor(&[3], DType::F64, 7).abs().unwrap(),
        };
        let fused = |v: &[Var]| {
            let [weight, bias, gamma, beta] = [1, 2, 3, 4].map(|index| v[index].as_tensor());
            let (bias, epsilon) = (Some(bias), EPSILON);
            let whole =
                NormalisedConvolution { weight, bias, gamma, beta, config, epsilon, max_pool };
            let evaluate = match relu {
                BeforeBatchNorm => channels_last::conv2d_relu_batch_norm_evaluation_nhwc,
                AfterBatchNorm => channels_last::conv2d_batch_norm_relu_evaluation_nhwc,
                Nowhere => channels_last::conv2d_batch_norm_evaluation_nhwc,
            };
            evaluate(&v[0], &whole, &running)
        };
        let parts = |v: &[Var]| {
            let bias = Some(v[2].as_tensor());
            let mut convolved = channels_last::conv2d_nhwc(&v[0], &v[1], bias, config)?;
            if relu == BeforeBatchNorm {
                convolved = reference::relu(&convolved)?;
            }
            let RunningStatistics { mean, variance } = &running;
            let slope = (&*v[3] / (variance + EPSILON)?.sqrt()?)?;
            let mut result =
                convolved.broadcast_sub(mean)?.broadcast_mul(&slope)?.broadcast_add(&v[4])?;
            if relu == AfterBatchNorm {
                result = reference::relu(&result)?;
            }
            if max_pool { channels_last::max_pool2d_nhwc(&result, 2, 2) } else { Ok(result) }
        };
        assert_same("evaluation", &variables, fused, parts);
    }
}

#[test]
fn errors_are_those_of_the_parts() {
    let refused = |layer: Layer, part: &str| {
        let variables = layer.variables(DType::F32);
        assert_told(layer.fused(&variables[0], &variables[1..]), part);
    };
    refused(Layer { kernel: (7, 2), ..SMALL }, "a kernel size of 7×2 does not fit");
    refused(Layer { kernel: (6, 6), ..SMALL }, "(1, 2) is smaller than a pooling window");
    let whole_image = Layer { images: (1, 3, 3, 2), kernel: (3, 3), max_pool: false, ..SMALL };
    refused(whole_image, "1 value a channel has no variance");
    let mut variables = SMALL.variables(DType::F32);
    variables[3] = variable(&[4], DType::F32, 1);
    assert_told(
        SMALL.fused(&variables[0], &variables[1..]),
        "gamma has shape [4], 3 channels need (3,)",
    );
    variables.swap(3, 4);
    variables[3] = variable(&[3], DType::F32, 1);
    assert_told(
        SMALL.fused(&variables[0], &variables[1..]),
        "beta has shape [4], 3 channels need (3,)",
    );
    let trained = &SMALL.variables(DType::F32)[1..];
    assert_told(SMALL.fused(&tensor(&[4, 6, 7, 2], DType::F64, 1), trained), "dtype");
    let whole: Vec<Var> =
        trained.iter().map(|v| Var::from_tensor(&support::whole(v.dims())).unwrap()).collect();
    let images = support::whole(&[4, 6, 7, 2]);
    assert_told(SMALL.fused(&images, &whole), "dtype U32 is not supported");
}
