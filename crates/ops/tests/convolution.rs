//! Convolutions against candle's own ops and finite differences.

mod support;

use candle_core::{DType, Device, Tensor, Var};
use pairnet_ops::channels_last::{self, NormalisedConvolution};
use pairnet_ops::{conv2d, conv2d_relu, conv2d_relu_max_pool, reference};
use proptest::prelude::*;
use support::{assert_close, assert_finite_differences, assert_same, tensor, values, variable};

/// (batch, channels, height, width), outputs, (kernel height, kernel width), padding.
type Shape = ((usize, usize, usize, usize), usize, (usize, usize), usize);

/// Images, weight and bias.
fn variables(shape: Shape, dtype: DType, seed: u64) -> Vec<Var> {
    let ((batch, channels, height, width), outputs, (rows, columns), _) = shape;
    vec![
        variable(&[batch, channels, height, width], dtype, seed),
        variable(&[outputs, channels, rows, columns], dtype, seed + 1),
        variable(&[outputs], dtype, seed + 2),
    ]
}

fn compare(shape: Shape, dtype: DType) {
    let variables = variables(shape, dtype, 1);
    let padding = shape.3;
    let composed = move |v: &[Var]| reference::conv2d(&v[0], &v[1], &v[2], padding);
    let name = |op: &str| format!("{op} {shape:?} {dtype:?}");
    assert_same(&name("conv2d"), &variables, |v| conv2d(&v[0], &v[1], &v[2], padding), composed);
    assert_same(
        &name("conv2d_relu"),
        &variables,
        |v| conv2d_relu(&v[0], &v[1], &v[2], padding),
        |v| composed(v)?.relu(),
    );
    let convolved = composed(&variables).unwrap();
    if convolved.dims()[2] >= 2 && convolved.dims()[3] >= 2 {
        assert_same(
            &name("conv2d_relu_max_pool"),
            &variables,
            |v| conv2d_relu_max_pool(&v[0], &v[1], &v[2], padding),
            |v| reference::max_pool2d(&composed(v)?.relu()?, 2, 2),
        );
    }
}

#[test]
fn the_networks_layers_agree_with_the_reference() {
    for dtype in [DType::F32, DType::F64] {
        compare(((70, 1, 14, 14), 16, (3, 3), 0), dtype);
        compare(((3, 2, 14, 14), 16, (3, 3), 0), dtype);
        compare(((33, 16, 6, 6), 32, (3, 3), 0), dtype);
        compare(((5, 32, 2, 2), 120, (2, 2), 0), dtype);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Outputs around the lane width, batches around the chunk, windows that do not fill the image.
    #[test]
    fn any_shape_agrees_with_the_reference(
        batch in prop_oneof![1usize..4, 31usize..35],
        channels in 1usize..7,
        outputs in prop_oneof![1usize..5, 15usize..18, 31usize..34],
        (height, width) in (3usize..8, 3usize..8),
        kernel in (1usize..4, 1usize..4),
        padding in 0usize..3,
    ) {
        compare(((batch, channels, height, width), outputs, kernel, padding), DType::F64);
    }
}

#[test]
fn gradients_are_finite_differences() {
    let shape = ((2, 3, 5, 6), 4, (3, 2), 1);
    let variables = variables(shape, DType::F64, 5);
    assert_finite_differences("conv2d", &variables, |v| conv2d(&v[0], &v[1], &v[2], 1));
    assert_finite_differences("relu", &variables, |v| conv2d_relu(&v[0], &v[1], &v[2], 1));
    assert_finite_differences("pool", &variables, |v| conv2d_relu_max_pool(&v[0], &v[1], &v[2], 1));
}

/// Layout, batch norm groups and pooling of the op that does all at once.
#[test]
fn a_normalised_convolution_is_its_parts_one_after_another() {
    for (channels, outputs, max_pool, groups) in
        [(1, 16, true, 2), (3, 5, true, 1), (16, 32, true, 2), (2, 16, false, 2), (4, 7, false, 1)]
    {
        for dtype in [DType::F32, DType::F64] {
            let variables = vec![
                variable(&[34, 7, 6, channels], dtype, 1),
                variable(&[outputs, channels, 3, 3], dtype, 2),
                variable(&[outputs], dtype, 3),
                variable(&[outputs], dtype, 4),
                variable(&[outputs], dtype, 5),
            ];
            let fused = |v: &[Var]| {
                let layer = NormalisedConvolution {
                    weight: &v[1],
                    bias: &v[2],
                    gamma: &v[3],
                    beta: &v[4],
                    padding: 0,
                    epsilon: 1e-5,
                    groups,
                    max_pool,
                };
                channels_last::conv2d_relu_batch_norm(&v[0], &layer)
            };
            let parts = |v: &[Var]| {
                let convolved = reference::conv2d(&v[0].permute((0, 3, 1, 2))?, &v[1], &v[2], 0)?;
                let (normalised, statistics) =
                    reference::batch_norm(&convolved.relu()?, &v[3], &v[4], 1e-5, groups)?;
                let result =
                    if max_pool { reference::max_pool2d(&normalised, 2, 2)? } else { normalised };
                candle_core::Result::Ok((result.permute((0, 2, 3, 1))?, statistics))
            };
            let name = format!("{channels}→{outputs} pool {max_pool} groups {groups}");
            assert_same(&name, &variables, |v| Ok(fused(v)?.0), |v| Ok(parts(v)?.0));
            let (found, expected) = (fused(&variables).unwrap().1, parts(&variables).unwrap().1);
            assert_eq!(found.len(), groups);
            for (found, expected) in found.iter().zip(&expected) {
                assert_close("mean", &found.mean, &expected.mean, 1e-5);
                assert_close("variance", &found.variance, &expected.variance, 1e-5);
                assert_eq!(found.count, expected.count);
            }
        }
    }
}

#[test]
fn a_normalised_convolution_has_the_gradients_of_finite_differences() {
    let variables = vec![
        variable(&[4, 6, 7, 2], DType::F64, 1),
        variable(&[3, 2, 3, 3], DType::F64, 2),
        variable(&[3], DType::F64, 3),
        variable(&[3], DType::F64, 4),
        variable(&[3], DType::F64, 5),
    ];
    for max_pool in [true, false] {
        assert_finite_differences("normalised", &variables, |v| {
            let layer = NormalisedConvolution {
                weight: &v[1],
                bias: &v[2],
                gamma: &v[3],
                beta: &v[4],
                padding: 0,
                epsilon: 1e-5,
                groups: 2,
                max_pool,
            };
            Ok(channels_last::conv2d_relu_batch_norm(&v[0], &layer)?.0)
        });
    }
}

/// Small whole numbers are summed without rounding, so that most windows tie: the first of the
/// largest takes the gradient, as in the reference. The biases are halves, so that no sum is zero,
/// where candle's ReLU lets the gradient through and PyTorch's does not.
#[test]
fn the_first_of_equal_values_takes_the_gradient() {
    let whole = |shape: &[usize], seed| {
        let thirds = tensor(shape, DType::F64, seed).affine(1.5, 0.0).unwrap().round().unwrap();
        Var::from_tensor(&thirds).unwrap()
    };
    let halves = |shape: &[usize], seed| {
        Var::from_tensor(&whole(shape, seed).affine(1.0, 0.5).unwrap()).unwrap()
    };
    let variables = [whole(&[5, 2, 7, 8], 1), whole(&[17, 2, 2, 2], 2), halves(&[17], 3)];
    assert_same(
        "ties",
        &variables,
        |v| conv2d_relu_max_pool(&v[0], &v[1], &v[2], 0),
        |v| reference::max_pool2d(&reference::conv2d(&v[0], &v[1], &v[2], 0)?.relu()?, 2, 2),
    );
    let variables = [
        whole(&[4, 6, 6, 2], 1),
        whole(&[3, 2, 3, 3], 2),
        halves(&[3], 3),
        whole(&[3], 4),
        whole(&[3], 5),
    ];
    assert_same(
        "normalised ties",
        &variables,
        |v| {
            let layer = NormalisedConvolution {
                weight: &v[1],
                bias: &v[2],
                gamma: &v[3],
                beta: &v[4],
                padding: 0,
                epsilon: 1e-5,
                groups: 1,
                max_pool: true,
            };
            Ok(channels_last::conv2d_relu_batch_norm(&v[0], &layer)?.0)
        },
        |v| {
            let activations = channels_last::conv2d_relu(&v[0], &v[1], &v[2], 0)?;
            let normalised = channels_last::batch_norm(&activations, &v[3], &v[4], 1e-5, 1)?.0;
            channels_last::max_pool2d(&normalised, 2, 2)
        },
    );
}

/// All-zero images with no bias: every window ties at zero, and ReLU lets no gradient through.
#[test]
fn zeros_have_no_gradient_but_the_plain_bias() {
    let images = Var::zeros((2, 1, 6, 6), DType::F32, &Device::Cpu).unwrap();
    let weight = variable(&[16, 1, 3, 3], DType::F32, 1);
    let bias = Var::zeros(16, DType::F32, &Device::Cpu).unwrap();
    let pooled = conv2d_relu_max_pool(&images, &weight, &bias, 0).unwrap();
    let gradients = pooled.sum_all().unwrap().backward().unwrap();
    for variable in [&images, &weight, &bias] {
        assert!(values(gradients.get(variable).unwrap()).iter().all(|&value| value == 0.0));
    }
    let plain = conv2d(&images, &weight, &bias, 0).unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(values(plain.get(&bias).unwrap()), [32.0; 16]);
}

#[test]
fn nan_and_infinities_come_through() {
    let pixels = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 1.0];
    for pixel in pixels {
        let mut image = vec![1f32; 16];
        image[5] = pixel;
        let images = Tensor::from_vec(image, (1, 1, 4, 4), &Device::Cpu).unwrap();
        let weight = Tensor::ones((1, 1, 3, 3), DType::F32, &Device::Cpu).unwrap();
        let bias = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
        let result = values(&conv2d_relu_max_pool(&images, &weight, &bias, 0).unwrap())[0];
        let expected = (8.0 + f64::from(pixel)).max(if pixel.is_nan() { f64::NAN } else { 0.0 });
        assert!(result == expected || (result.is_nan() && pixel.is_nan()), "{pixel}: {result}");
    }
}

/// The first layer: no gradient of the images is asked for, and the others are the same.
#[test]
fn images_need_no_gradient() {
    let shape = ((3, 2, 8, 8), 16, (3, 3), 0);
    let all = variables(shape, DType::F64, 3);
    let constant = all[0].as_tensor().detach();
    assert_same(
        "weights alone",
        &all[1..],
        |v| conv2d_relu_max_pool(&constant, &v[0], &v[1], 0),
        |v| reference::max_pool2d(&reference::conv2d(&constant, &v[0], &v[1], 0)?.relu()?, 2, 2),
    );
}

#[test]
fn errors_name_the_sizes() {
    let images = tensor(&[1, 2, 4, 4], DType::F32, 1);
    let bias = tensor(&[3], DType::F32, 2);
    let error = |images: &Tensor, weight: &[usize], bias: &Tensor| {
        let weight = tensor(weight, DType::F32, 3);
        conv2d_relu_max_pool(images, &weight, bias, 0).unwrap_err().to_string()
    };
    assert!(error(&images, &[3, 1, 3, 3], &bias).contains("images have 2 channels"));
    assert!(error(&images, &[4, 2, 3, 3], &bias).contains("4 outputs need (4,)"));
    assert!(
        error(&images, &[3, 2, 5, 3], &bias)
            .contains("a kernel of 5×3 does not fit a padded image of 4×4")
    );
    assert!(
        error(&images, &[3, 2, 4, 4], &bias).contains("(1, 1) is smaller than a pooling window")
    );
    let none = Tensor::zeros(0, DType::F32, &Device::Cpu).unwrap();
    assert!(error(&images, &[0, 2, 3, 3], &none).contains("2 channels and 0 outputs"));
    let whole = Tensor::ones((1, 2, 4, 4), DType::U32, &Device::Cpu).unwrap();
    assert!(error(&whole, &[3, 2, 3, 3], &bias).contains("dtype U32 is not supported"));
}
