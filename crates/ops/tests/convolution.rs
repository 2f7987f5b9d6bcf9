//! Convolutions against candle's own ops and finite differences.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{
    Conv2dConfig, channels_last, conv2d, conv2d_relu, conv2d_relu_max_pool, linear, reference,
};
use proptest::prelude::*;
use support::{
    NO_VALUES, assert_finite_differences, assert_same, assert_same_within, assert_told, composed,
    device, has_empty_variables, quarters, tensor, values, variable, whole,
};

type Composed<'a> = dyn Fn(&[Var]) -> Result<Tensor> + 'a;

/// (batch, channels, height, width), outputs, (kernel height, kernel width).
type Shape = ((usize, usize, usize, usize), usize, (usize, usize));

fn padded(padding: usize) -> Conv2dConfig {
    Conv2dConfig { padding, ..Default::default() }
}

/// Images, weight and bias.
fn variables(shape: Shape, groups: usize, dtype: DType, seed: u64) -> Vec<Var> {
    let ((batch, channels, height, width), outputs, (rows, columns)) = shape;
    vec![
        variable(&[batch, channels, height, width], dtype, seed),
        variable(&[outputs, channels / groups, rows, columns], dtype, seed + 1),
        variable(&[outputs], dtype, seed + 2),
    ]
}

/// The three ops agree with candle's own, with a bias and without; `tolerance` is relative.
fn compare(config: Conv2dConfig, variables: &[Var], tolerance: f64) {
    let composed = move |v: &[Var]| reference::conv2d(&v[0], &v[1], bias(v), config);
    let sizes = (variables[0].dims(), variables[1].dims());
    let same = |op: &str, ours: &dyn Fn(&[Var]) -> Result<Tensor>, reference: &Composed| {
        for (variables, biased) in [(variables, "biased"), (&variables[..2], "no bias")] {
            let name = format!("{op} {sizes:?} {config:?} {biased} {:?}", variables[0].dtype());
            assert_same_within(tolerance, &name, variables, ours, reference);
        }
    };
    same("conv2d", &|v| conv2d(&v[0], &v[1], bias(v), config), &composed);
    let rectified = move |v: &[Var]| reference::relu(&composed(v)?);
    same("conv2d_relu", &|v| conv2d_relu(&v[0], &v[1], bias(v), config), &rectified);
    let result = composed(variables).unwrap();
    if result.dims()[2] >= 2 && result.dims()[3] >= 2 {
        same(
            "conv2d_relu_max_pool",
            &|v| conv2d_relu_max_pool(&v[0], &v[1], bias(v), config),
            &|v| reference::max_pool2d(&rectified(v)?, 2, 2),
        );
    }
}

/// The third of the variables, where there are three.
fn bias(variables: &[Var]) -> Option<&Tensor> {
    variables.get(2).map(Var::as_tensor)
}

#[test]
fn the_networks_layers_agree_with_the_reference() {
    for dtype in [DType::F32, DType::F64] {
        let tolerance = if dtype == DType::F64 { 1e-11 } else { 2e-5 };
        for shape in [
            ((70, 1, 14, 14), 16, (3, 3)),
            ((3, 2, 14, 14), 16, (3, 3)),
            ((33, 16, 6, 6), 32, (3, 3)),
            ((5, 32, 2, 2), 120, (2, 2)),
        ] {
            compare(padded(0), &variables(shape, 1, dtype, 1), tolerance);
        }
    }
}

/// On few positions, and on some more, which are taken by minimal filtering.
#[test]
fn layers_of_many_filters_agree_with_the_reference() {
    for (shape, padding) in [
        (((2, 96, 4, 3), 150, (3, 3)), 1),
        (((1, 40, 5, 5), 70, (5, 5)), 2),
        (((3, 130, 11, 9), 131, (3, 3)), 1),
    ] {
        compare(padded(padding), &variables(shape, 1, DType::F64, 1), 1e-11);
    }
}

/// Outputs around the lane width, batches around the chunk, windows that do not fill the image.
fn shapes() -> impl Strategy<Value = (Shape, Conv2dConfig)> {
    let images = (prop_oneof![1usize..4, 31usize..35], 1usize..7, 3usize..8, 3usize..8);
    let outputs = prop_oneof![1usize..5, 15usize..18, 31usize..34];
    let plain = (images, outputs, (1usize..4, 1usize..4), 0usize..3).prop_map(
        |(images, outputs, kernel, padding)| ((images, outputs, kernel), padded(padding)),
    );
    prop_oneof![plain, configured()]
}

/// Strides, dilation and groups, depthwise ones among them; the kernel fits.
fn configured() -> impl Strategy<Value = (Shape, Conv2dConfig)> {
    let images = (prop_oneof![1usize..4, 31usize..35], 1usize..4, 1usize..10, 1usize..10);
    let settings = (0usize..4, 1usize..4, 1usize..4, 1usize..4);
    let kernel = (1usize..4, 1usize..4);
    (images, prop_oneof![1usize..4, 15usize..18], kernel, settings).prop_map(
        |((batch, channels, height, width), outputs, (rows, columns), settings)| {
            let (padding, stride, dilation, groups) = settings;
            let config = Conv2dConfig { padding, stride, dilation, groups, ..Default::default() };
            let least = |size: usize, kernel: usize| {
                size.max((dilation * (kernel - 1) + 1).saturating_sub(2 * padding))
            };
            let sizes = (least(height, rows), least(width, columns));
            let images = (batch, channels * groups, sizes.0, sizes.1);
            ((images, outputs * groups, (rows, columns)), config)
        },
    )
}

proptest! {
    #![proptest_config(support::cases(60))]

    #[test]
    fn any_shape_agrees_with_the_reference((shape, config) in shapes()) {
        compare(config, &variables(shape, config.groups, DType::F64, 1), 1e-11);
    }

    /// Nothing is rounded, and most windows hold ties and zeros: no bit may differ.
    #[test]
    fn any_shape_is_exact_in_f32((shape, config) in shapes()) {
        let rounded: Vec<Var> = variables(shape, config.groups, DType::F32, 1)
            .iter()
            .zip(1..)
            .map(|(variable, seed)| quarters(variable.dims(), DType::F32, seed))
            .collect();
        compare(config, &rounded, 0.0);
    }
}

#[test]
fn gradients_are_finite_differences() {
    let shape = ((2, 3, 5, 6), 4, (3, 2));
    let variables = variables(shape, 1, DType::F64, 5);
    assert_finite_differences("conv2d", &variables, |v| {
        conv2d(&v[0], &v[1], Some(v[2].as_tensor()), padded(1))
    });
    assert_finite_differences("relu", &variables, |v| {
        conv2d_relu(&v[0], &v[1], Some(v[2].as_tensor()), padded(1))
    });
    assert_finite_differences("pool", &variables, |v| {
        conv2d_relu_max_pool(&v[0], &v[1], Some(v[2].as_tensor()), padded(1))
    });
}

/// Images of which not all patches are there at once, and of which a thread takes few at a time.
#[test]
fn large_images_agree_with_the_reference() {
    for (padding, stride, dilation, groups) in [(1, 1, 1, 1), (0, 1, 2, 1), (1, 1, 1, 2)] {
        let config = Conv2dConfig { padding, stride, dilation, groups, ..Default::default() };
        let shape = ((3, 24, 40, 42), 4, (3, 3));
        compare(config, &variables(shape, groups, DType::F64, 1), 1e-11);
    }
}

/// A filter of one pixel is a linear layer. The weights are so large that not all chunks of images have
/// gradients of their own at once.
#[test]
fn large_weights_agree_with_a_linear_layer() {
    let (batch, channels, outputs) = (280, 1024, 1040);
    let variables = [
        variable(&[batch, 2, 2, channels], DType::F32, 1),
        variable(&[outputs, channels, 1, 1], DType::F32, 2),
    ];
    assert_same_within(
        2e-5,
        "large weights",
        &variables,
        |v| channels_last::conv2d_nhwc(&v[0], &v[1], None, padded(0)),
        |v| linear(&v[0], &v[1].reshape((outputs, channels))?, None),
    );
}

/// Rests that stride and padding leave, a filter with gaps, groups, and no bias.
#[test]
fn gradients_of_every_setting_are_finite_differences() {
    for (padding, stride, dilation, groups) in
        [(1, 2, 1, 1), (2, 1, 2, 2), (0, 3, 1, 4), (1, 2, 2, 4)]
    {
        let config = Conv2dConfig { padding, stride, dilation, groups, ..Default::default() };
        let variables = variables(((2, 4, 6, 7), 8, (2, 3)), groups, DType::F64, 5);
        let name = format!("{config:?}");
        assert_finite_differences(&name, &variables[..2], |v| conv2d(&v[0], &v[1], None, config));
        assert_finite_differences(&name, &variables, |v| {
            conv2d_relu(&v[0], &v[1], bias(v), config)
        });
    }
}

/// All-zero images with no bias: every window ties at zero, and ReLU lets no gradient through.
#[test]
fn zeros_have_no_gradient_but_the_plain_bias() {
    let images = Var::zeros((2, 1, 6, 6), DType::F32, device()).unwrap();
    let weight = variable(&[16, 1, 3, 3], DType::F32, 1);
    let bias = Var::zeros(16, DType::F32, device()).unwrap();
    let pooled = conv2d_relu_max_pool(&images, &weight, Some(&bias), padded(0)).unwrap();
    let gradients = pooled.sum_all().unwrap().backward().unwrap();
    for variable in [&images, &weight, &bias] {
        assert!(values(gradients.get(variable).unwrap()).iter().all(|&value| value == 0.0));
    }
    let plain = conv2d(&images, &weight, Some(&bias), padded(0))
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    assert_eq!(values(plain.get(&bias).unwrap()), [32.0; 16]);
}

#[test]
fn nan_and_infinities_come_through() {
    let pixels = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 1.0];
    for pixel in pixels {
        let mut image = vec![1f32; 16];
        image[5] = pixel;
        let images = Tensor::from_vec(image, (1, 1, 4, 4), device()).unwrap();
        let weight = Tensor::ones((1, 1, 3, 3), DType::F32, device()).unwrap();
        let bias = Tensor::zeros(1, DType::F32, device()).unwrap();
        let result =
            values(&conv2d_relu_max_pool(&images, &weight, Some(&bias), padded(0)).unwrap())[0];
        let expected = (8.0 + f64::from(pixel)).max(if pixel.is_nan() { f64::NAN } else { 0.0 });
        assert!(result == expected || (result.is_nan() && pixel.is_nan()), "{pixel}: {result}");
    }
}

/// The first layer: no gradient of the images is asked for, and the others are the same.
#[test]
fn images_need_no_gradient() {
    let shape = ((3, 2, 8, 8), 16, (3, 3));
    let all = variables(shape, 1, DType::F64, 3);
    let constant = all[0].as_tensor().detach();
    assert_same(
        "weights alone",
        &all[1..],
        |v| conv2d_relu_max_pool(&constant, &v[0], Some(v[1].as_tensor()), padded(0)),
        |v| {
            reference::max_pool2d(
                &reference::conv2d(&constant, &v[0], Some(v[1].as_tensor()), padded(0))?.relu()?,
                2,
                2,
            )
        },
    );
}

/// With a filter of a single one, the op pools the image itself.
#[test]
fn the_pooled_gradient_goes_to_the_first_maximum() {
    const NAN: f64 = f64::NAN;
    for (image, maximum, gradient) in [
        ([1.0, 3.0, 3.0, 2.0], 3.0, [0.0, 1.0, 0.0, 0.0]),
        ([2.0; 4], 2.0, [1.0, 0.0, 0.0, 0.0]),
        ([0.0; 4], 0.0, [0.0; 4]),
        ([-1.0, -2.0, f64::NEG_INFINITY, -0.0], 0.0, [0.0; 4]),
        ([1.0, 2.0, f64::INFINITY, 3.0], f64::INFINITY, [0.0, 0.0, 1.0, 0.0]),
        ([NAN, 1.0, 2.0, f64::INFINITY], NAN, [1.0, 0.0, 0.0, 0.0]),
        // Of several NaN, PyTorch's pooling takes the last.
        ([5.0, NAN, NAN, 6.0], NAN, [0.0, 0.0, 1.0, 0.0]),
    ] {
        let images = Tensor::from_slice(&image, (1, 1, 2, 2), device()).unwrap();
        let images = Var::from_tensor(&images).unwrap();
        let one = Tensor::ones((1, 1, 1, 1), DType::F64, device()).unwrap();
        let zero = Tensor::zeros(1, DType::F64, device()).unwrap();
        let pooled = conv2d_relu_max_pool(&images, &one, Some(&zero), padded(0)).unwrap();
        let gradients = pooled.sum_all().unwrap().backward().unwrap();
        let found = values(&pooled)[0];
        assert!(found == maximum || found.is_nan() && maximum.is_nan(), "{image:?}: {found}");
        assert_eq!(values(gradients.get(&images).unwrap()), gradient, "{image:?}");
    }
}

/// Parts of larger tensors, in another order than they lie in memory.
#[test]
fn views_are_read_where_they_lie() {
    let variables = [
        variable(&[6, 5, 3, 7], DType::F64, 1),
        variable(&[20, 2, 3, 3], DType::F64, 2),
        variable(&[20], DType::F64, 3),
    ];
    let views = |v: &[Var]| -> Result<[Tensor; 3]> {
        let images = v[0].narrow(0, 1, 4)?.transpose(1, 2)?.narrow(1, 1, 2)?;
        let weight = v[1].transpose(2, 3)?.narrow(0, 2, 17)?;
        Ok([images, weight, v[2].narrow(0, 2, 17)?])
    };
    assert_same(
        "views",
        &variables,
        |v| {
            views(v)
                .and_then(|[images, weight, bias]| conv2d(&images, &weight, Some(&bias), padded(1)))
        },
        |v| {
            let [images, weight, bias] = views(v)?;
            reference::conv2d(&images, &weight.contiguous()?, Some(&bias.contiguous()?), padded(1))
        },
    );
}

/// The last batch of a split may be empty; channels or outputs that are not there are a mistake.
#[test]
fn sizes_of_nothing() {
    if !has_empty_variables() {
        let (images, weight) = ([0, 2, 4, 4], tensor(&[3, 2, 3, 3], DType::F32, 2));
        let nothing = conv2d(&tensor(&images, DType::F32, 1), &weight, None, padded(0));
        assert_told(nothing, NO_VALUES);
        return;
    }
    let sized = |batch, channels, outputs| {
        let shape = ((batch, channels, 4, 4), outputs, (3, 3));
        let variables = variables(shape, 1, DType::F32, 1);
        let result = conv2d_relu_max_pool(
            &variables[0],
            &variables[1],
            Some(variables[2].as_tensor()),
            padded(0),
        )?;
        let gradients = result.sum_all()?.backward()?;
        Ok((result, gradients.get(&variables[1]).unwrap().clone()))
    };
    let (result, weight_gradient) = sized(0, 2, 3).unwrap();
    assert_eq!(result.dims(), [0, 3, 1, 1]);
    assert_eq!(values(&weight_gradient), [0.0; 54]);
    assert_told(sized(2, 0, 3), "0 channels and 3 outputs");
    assert_told(sized(2, 2, 0), "2 channels and 0 outputs");
}

#[test]
fn errors_name_the_sizes() {
    let images = tensor(&[1, 2, 4, 4], DType::F32, 1);
    let bias = tensor(&[3], DType::F32, 2);
    let convolve = |images: &Tensor, weight: &[usize]| {
        conv2d_relu_max_pool(images, &tensor(weight, DType::F32, 3), Some(&bias), padded(0))
    };
    assert_told(convolve(&images, &[3, 1, 3, 3]), "images have 2 channels");
    assert_told(convolve(&images, &[4, 2, 3, 3]), "bias has shape [3], 4 outputs need (4,)");
    assert_told(convolve(&images, &[3, 2, 5, 3]), "5×3 does not fit a padded image of 4×4");
    assert_told(convolve(&images, &[3, 2, 0, 3]), "a kernel size of 0×3");
    assert_told(convolve(&images, &[3, 2, 4, 4]), "(1, 1) is smaller than a pooling window");
    assert_told(convolve(&whole(&[1, 2, 4, 4]), &[3, 2, 3, 3]), "dtype U32 is not supported");
    let doubles = tensor(&[1, 2, 4, 4], DType::F64, 1);
    assert_told(convolve(&doubles, &[3, 2, 3, 3]), "dtype");
    let weight = tensor(&[3, 2, 7, 5], DType::F32, 3);
    let too_small = conv2d(&images, &weight, Some(&bias), padded(1));
    assert_told(too_small, "a kernel size of 7×5 does not fit a padded image of 6×6");
    let told = "conv2d: images have shape [2, 4, 4], (n, channels, height, width) is needed";
    assert_told(conv2d(&images.get(0).unwrap(), &weight, None, padded(0)), told);
    let told =
        "conv2d_relu_nhwc: images have shape [2, 4, 4], (n, height, width, channels) is needed";
    let flat = channels_last::conv2d_relu_nhwc(&images.get(0).unwrap(), &weight, None, padded(0));
    assert_told(flat, told);
    let flat = conv2d(&images, &weight.get(0).unwrap(), None, padded(0));
    assert_told(flat, "conv2d: weight has shape [2, 7, 5]");
}

/// Whatever a setting is, it counts or is refused.
#[test]
fn errors_name_the_settings() {
    let images = tensor(&[1, 4, 5, 5], DType::F32, 1);
    let convolve = |config| conv2d(&images, &tensor(&[6, 2, 3, 3], DType::F32, 3), None, config);
    let grouped = Conv2dConfig { groups: 2, ..Default::default() };
    for (config, told) in [
        (padded(0), "images have 4 channels, the weight [6, 2, 3, 3] has 2"),
        (
            Conv2dConfig { groups: 4, ..grouped },
            "4 groups do not divide both 4 channels and 6 outputs",
        ),
        (Conv2dConfig { groups: 1, ..grouped }, "images have 4 channels, the weight"),
        (
            Conv2dConfig { stride: 0, ..grouped },
            "stride 0, dilation 1 and 2 groups: 1 is the least",
        ),
        (
            Conv2dConfig { dilation: 0, ..grouped },
            "stride 1, dilation 0 and 2 groups: 1 is the least",
        ),
        (
            Conv2dConfig { groups: 0, ..grouped },
            "stride 1, dilation 1 and 0 groups: 1 is the least",
        ),
        (
            Conv2dConfig { dilation: 3, ..grouped },
            "a kernel size of 3×3, dilated by 3, does not fit",
        ),
        (Conv2dConfig { dilation: usize::MAX, ..grouped }, "does not fit a padded image of 5×5"),
        (Conv2dConfig { padding: 1 << 63, ..grouped }, "too large"),
        (Conv2dConfig { padding: usize::MAX / 4, ..grouped }, "too large"),
    ] {
        assert_told(convolve(config), told);
    }
    let narrow = Conv2dConfig { groups: 2, stride: 3, ..Default::default() };
    let weight = tensor(&[6, 2, 3, 3], DType::F32, 3);
    let pooled = conv2d_relu_max_pool(&images, &weight, None, narrow);
    assert_told(pooled, "conv2d_relu_max_pool: (1, 1) is smaller than a pooling window");
    let large = Conv2dConfig { stride: usize::MAX, dilation: 2, ..grouped };
    assert_eq!(convolve(large).unwrap().dims(), [1, 6, 1, 1]);
    // A filter of one has no gaps.
    let one = tensor(&[6, 2, 1, 1], DType::F32, 3);
    let apart = Conv2dConfig { stride: usize::MAX, dilation: usize::MAX, ..grouped };
    assert_eq!(conv2d(&images, &one, None, apart).unwrap().dims(), [1, 6, 1, 1]);
}

/// Sums over a hundred thousand images, of equal values: each addition errs on one side.
#[test]
fn many_images_lose_nothing() {
    if composed() || !device().is_cpu() {
        return; // candle's sums lose what this test looks for
    }
    let count = 100_000;
    let images = Tensor::full(0.1f32, (count, 1, 3, 3), device()).unwrap();
    let weight = Var::from_tensor(&Tensor::full(0.1f32, (2, 1, 2, 2), device()).unwrap()).unwrap();
    let bias = Var::zeros(2, DType::F32, device()).unwrap();
    let result = conv2d(&images, &weight, Some(bias.as_tensor()), padded(0)).unwrap();
    let given = result.affine(0.0, f64::from(0.1f32)).unwrap();
    let gradients = (result * given.detach()).unwrap().sum_all().unwrap().backward().unwrap();
    let tenth = f64::from(0.1f32);
    for (variable, term) in [(&weight, tenth * tenth), (&bias, tenth)] {
        let exact = term * 4.0 * count as f64;
        for sum in values(gradients.get(variable).unwrap()) {
            let apart = (sum - exact).abs() / exact;
            assert!(apart < 2e-6, "{sum}, {exact} was expected");
        }
    }
}

/// Of one image whose channels are convolved each by itself: wide rows, and many of them.
#[test]
fn many_pixels_of_a_channel_lose_nothing() {
    if composed() || !device().is_cpu() {
        return; // candle's sums lose what this test looks for
    }
    for (channels, height, width) in [(70, 224, 224), (2, 1, 300_000), (33, 5_000, 3)] {
        let images = Tensor::full(0.1f32, (1, channels, height, width), device()).unwrap();
        let ones = Tensor::ones((channels, 1, 1, 3), DType::F32, device()).unwrap();
        let weight = Var::from_tensor(&ones).unwrap();
        let config = Conv2dConfig { groups: channels, ..padded(0) };
        let result = conv2d(&images, &weight, None, config).unwrap();
        let gradients = result.affine(f64::from(0.1f32), 0.0).unwrap().sum_all().unwrap();
        let gradients = gradients.backward().unwrap();
        let exact = f64::from(0.1f32).powi(2) * (height * (width - 2)) as f64;
        for sum in values(gradients.get(&weight).unwrap()) {
            let apart = (sum - exact).abs() / exact;
            assert!(apart < 2e-6, "{channels}×{height}×{width}: {sum}, {exact} was expected");
        }
    }
}

#[test]
fn images_without_pixels_are_refused() {
    let weight = tensor(&[3, 2, 3, 3], DType::F32, 1);
    for dims in [[1, 2, 0, 4], [1, 2, 4, 0], [0, 2, 0, 0]] {
        let pixels = Tensor::zeros(&dims[..], DType::F32, &candle_core::Device::Cpu).unwrap();
        for padding in [0, 2] {
            assert_told(conv2d(&pixels, &weight, None, padded(padding)), "have no pixels");
        }
    }
}

#[test]
fn the_reference_refuses_what_does_not_fit_too() {
    let (images, weight) =
        (tensor(&[2, 3, 4, 4], DType::F32, 1), tensor(&[2, 3, 5, 1], DType::F32, 2));
    let told = |config: Conv2dConfig, part: &str| {
        assert_told(pairnet_ops::reference::conv2d(&images, &weight, None, config), part);
    };
    let config = Conv2dConfig::default();
    for stride in [1, 2, usize::MAX] {
        told(
            Conv2dConfig { stride, ..config },
            "a filter that covers 5 does not fit 4 padded pixels",
        );
    }
    told(Conv2dConfig { dilation: usize::MAX, ..config }, "does not fit 4 padded pixels");
    told(
        Conv2dConfig { stride: 0, ..config },
        "stride 0, dilation 1 and groups 1 have to be above 0",
    );
    told(Conv2dConfig { dilation: 0, ..config }, "have to be above 0");
    told(Conv2dConfig { groups: 0, ..config }, "have to be above 0");
}
