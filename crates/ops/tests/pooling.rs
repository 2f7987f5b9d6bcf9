//! Max pooling: the gradient that candle gets wrong, and the values at the edges of the numbers.

mod support;

use candle_core::{DType, Tensor, Var};
use pairnet_ops::{avg_pool2d, channels_last, max_pool2d, reference};
use proptest::prelude::*;
use support::{
    NO_VALUES, assert_finite_differences, assert_same, assert_same_within, assert_told, device,
    has_empty_variables, quarters, tensor, values, variable, whole,
};

fn image(values: &[f64], height: usize, width: usize) -> Var {
    let tensor = Tensor::from_slice(values, (1, 1, height, width), device()).unwrap();
    Var::from_tensor(&tensor).unwrap()
}

/// The maxima, and the gradient of their sum.
fn pool(image: &Var, size: usize, stride: usize) -> (Vec<f64>, Vec<f64>) {
    let result = max_pool2d(image, size, stride).unwrap();
    let gradients = result.sum_all().unwrap().backward().unwrap();
    (values(&result), values(gradients.get(image).unwrap()))
}

proptest! {
    #![proptest_config(support::cases(60))]

    #[test]
    fn any_shape_agrees_with_the_reference(
        (batch, channels, height, width) in (1usize..4, 1usize..20, 3usize..9, 3usize..9),
        (size, stride) in prop_oneof![
            ((1usize..4, 1usize..4), (1usize..4, 1usize..4)),
            // The usual ones, which have a kernel of their own.
            Just(((2, 2), (2, 2))),
        ],
    ) {
        let shape = [batch, channels, height, width];
        let name = |op: &str| format!("{op}: {shape:?} {size:?} {stride:?}");
        for dtype in [DType::F32, DType::F64] {
            let images = [variable(&shape, dtype, 1)];
            assert_same(
                &name("max"),
                &images,
                |v| max_pool2d(&v[0], size, stride),
                |v| reference::max_pool2d(&v[0], size, stride),
            );
            assert_same(
                &name("avg"),
                &images,
                |v| avg_pool2d(&v[0], size, stride),
                |v| reference::avg_pool2d(&v[0], size, stride),
            );
            // A maximum is exact, so is the sum of gradients in 64ths: no bit may differ.
            assert_same_within(
                0.0,
                &name("ties"),
                &[quarters(&shape, dtype, 1)],
                |v| max_pool2d(&v[0], size, stride),
                |v| reference::max_pool2d(&v[0], size, stride),
            );
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let images = variable(&[2, 3, 5, 7], DType::F64, 1);
    assert_finite_differences("2/2", std::slice::from_ref(&images), |v| max_pool2d(&v[0], 2, 2));
    assert_finite_differences("3/2", std::slice::from_ref(&images), |v| max_pool2d(&v[0], 3, 2));
    let (size, stride) = ((2, 3), (1, 2));
    let oblong = std::slice::from_ref(&images);
    assert_finite_differences("2×3/1×2", oblong, |v| max_pool2d(&v[0], size, stride));
    assert_finite_differences("mean", oblong, |v| avg_pool2d(&v[0], size, stride));
    assert_finite_differences("gaps", oblong, |v| avg_pool2d(&v[0], (1, 2), (2, 3)));
    assert_finite_differences("reference", oblong, |v| reference::max_pool2d(&v[0], 3, 2));
    assert_finite_differences("means", &[images], |v| reference::avg_pool2d(&v[0], size, stride));
}

#[test]
fn the_first_of_equal_values_takes_the_gradient() {
    let ties = image(&[1.0, 1.0, 0.0, 2.0, 1.0, 1.0, 2.0, 2.0], 2, 4);
    assert_eq!(pool(&ties, 2, 2), (vec![1.0, 2.0], vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
    let zeros = image(&[0.0; 4], 2, 2);
    assert_eq!(pool(&zeros, 2, 2), (vec![0.0], vec![1.0, 0.0, 0.0, 0.0]));
}

#[test]
fn what_fills_no_window_has_no_gradient() {
    let odd = image(&[1.0, 2.0, 9.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0], 3, 3);
    assert_eq!(pool(&odd, 2, 2), (vec![4.0], vec![0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
}

#[test]
fn nan_is_the_largest_and_minus_infinity_the_smallest() {
    let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(pool(&image(&[least; 4], 2, 2), 2, 2), (vec![least], vec![1.0, 0.0, 0.0, 0.0]));
    assert_eq!(pool(&image(&[least, -1.0, least, least], 2, 2), 2, 2).1, [0.0, 1.0, 0.0, 0.0]);
    let (maxima, gradient) = pool(&image(&[most, f64::NAN, 1.0, most], 2, 2), 2, 2);
    assert!(maxima[0].is_nan());
    assert_eq!(gradient, [0.0, 1.0, 0.0, 0.0]);
    // Of several NaN, PyTorch takes the last.
    let several = image(&[f64::NAN, 1.0, f64::NAN, most], 2, 2);
    assert_eq!(pool(&several, 2, 2).1, [0.0, 0.0, 1.0, 0.0]);
    let composed = reference::max_pool2d(&several, 2, 2).unwrap().sum_all().unwrap();
    let gradients = composed.backward().unwrap();
    assert_eq!(values(gradients.get(&several).unwrap()), [0.0, 0.0, 1.0, 0.0]);
}

/// One maximum may be that of many windows: it takes the gradient of each.
#[test]
fn overlapping_windows_add_up() {
    let mut peak = [0.0; 25];
    peak[12] = 1.0;
    let peak = image(&peak, 5, 5);
    let mut gradient = [0.0; 25];
    gradient[12] = 4.0;
    assert_eq!(pool(&peak, 3, 2), (vec![1.0; 4], gradient.to_vec()));
}

/// Why this op exists. When this fails, candle has mended its gradient.
#[test]
fn candles_own_gradient_is_wrong() {
    let image = image(&[1.0, 2.0, 3.0, 4.0], 2, 2);
    let result = image.max_pool2d(2).unwrap();
    let gradients = result.sum_all().unwrap().backward().unwrap();
    let candles = values(gradients.get(&image).unwrap());
    assert_eq!(candles, [0.0, 0.0, 0.0, 0.25], "candle has changed its pooling gradient");
    assert_eq!(pool(&image, 2, 2).1, [0.0, 0.0, 0.0, 1.0]);

    let equal = self::image(&[1.0; 4], 2, 2);
    let gradients = equal.max_pool2d(2).unwrap().sum_all().unwrap().backward().unwrap();
    let candles = values(gradients.get(&equal).unwrap());
    assert_eq!(candles, [1.0; 4], "candle has changed its pooling gradient");
    assert_eq!(pool(&equal, 2, 2).1, [1.0, 0.0, 0.0, 0.0]);
}

/// No images are an empty batch; no channels are a mistake.
#[test]
fn sizes_of_nothing() {
    assert_told(max_pool2d(&tensor(&[2, 0, 4, 4], DType::F32, 1), 2, 2), "0 channels");
    if !has_empty_variables() {
        assert_told(max_pool2d(&tensor(&[0, 3, 4, 4], DType::F32, 1), 2, 2), NO_VALUES);
        return;
    }
    let images = variable(&[0, 3, 4, 4], DType::F32, 1);
    let result = max_pool2d(&images, 2, 2).unwrap();
    assert_eq!(result.dims(), [0, 3, 2, 2]);
    let gradients = result.sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get(&images).unwrap().dims(), [0, 3, 4, 4]);
}

#[test]
fn views_are_read_where_they_lie() {
    assert_same(
        "views",
        &[variable(&[4, 5, 6, 7], DType::F64, 1)],
        |v| max_pool2d(&v[0].narrow(0, 1, 2)?.transpose(2, 3)?.narrow(1, 2, 3)?, 2, 2),
        |v| reference::max_pool2d(&v[0].narrow(0, 1, 2)?.transpose(2, 3)?.narrow(1, 2, 3)?, 2, 2),
    );
}

#[test]
fn errors_name_window_and_image() {
    let image = image(&[0.0; 6], 2, 3);
    for (size, stride) in [(3, 1), (0, 1), (2, 0)] {
        let told = format!(
            "windows of {size}×{size}, {stride}×{stride} apart, do not fit an image of 2×3"
        );
        assert_told(max_pool2d(&image, size, stride), &told);
    }
    assert_told(max_pool2d(&whole(&[1, 1, 4, 4]), 2, 2), "dtype U32 is not supported");
    let told = "max_pool2d: images have shape [4, 4], (n, channels, height, width) is needed";
    assert_told(max_pool2d(&whole(&[4, 4]), 2, 2), told);
    let told = "avg_pool2d_nhwc: images have shape [4, 4], (n, height, width, channels) is needed";
    assert_told(channels_last::avg_pool2d_nhwc(&whole(&[4, 4]), 2, 2), told);
    assert_told(avg_pool2d(&whole(&[1, 1, 4, 4]), 2, 2), "dtype U32 is not supported");
    assert_told(avg_pool2d(&image, (3, 1), 1), "windows of 3×1, 1×1 apart");
}

#[test]
fn the_reference_refuses_what_does_not_fit_too() {
    let images = tensor(&[2, 3, 4, 1], DType::F32, 1);
    type Pool = fn(&Tensor, (usize, usize), (usize, usize)) -> candle_core::Result<Tensor>;
    let pools: [Pool; 2] = [reference::max_pool2d, reference::avg_pool2d];
    for pool in pools {
        assert_told(pool(&images, (2, 2), (2, 2)), "windows of (2, 2) do not fit images of (4, 1)");
        assert_told(pool(&images, (5, 1), (1, 1)), "windows of (5, 1) do not fit images of (4, 1)");
        assert_told(pool(&images, (2, 1), (0, 1)), "a stride of (0, 1)");
        assert_told(pool(&images, (0, 1), (1, 1)), "a window of no size");
    }
}
