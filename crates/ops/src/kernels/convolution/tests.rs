//! Images that are cut into bands, against candle's own ops: the bands are so small that small images have
//! several.

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::Conv2dConfig;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::backward::is_filtered_unpooled;
use super::{BAND, Geometry, Saved, Then, Tile, arranged_weights, backward, by_filters, forward};
use crate::kernels::normalised_convolution::{self as normalised, Order, Settings};
use crate::reference;

mod ways;

/// Some images and what follows the convolution.
#[derive(Clone, Copy, Debug)]
struct Case {
    g: Geometry,
    count: usize,
    pooled: bool,
    /// Of what follows a convolution, the one or the other.
    other: bool,
    of_images: bool,
    /// Whether most of the result's gradient is zero.
    zeros: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let any_size = (
        (1usize..4, prop_oneof![1usize..5, Just(16), Just(33)]),
        (1usize..4, 1usize..4),
        (0usize..4, 1usize..4, 1usize..4, 1usize..3),
    );
    // Those of which the weight's gradient has a way of its own, where images need none.
    let short_patches = (
        (1usize..3, (1usize..3).prop_map(|vectors| 16 * vectors)),
        Just((3, 3)),
        (0usize..3, 1usize..3, 1usize..3, Just(1)),
    );
    // Those that minimal filtering takes, and neighbours.
    let minimal =
        ((14usize..35, 14usize..35), Just((3, 3)), (0usize..3, Just(1), Just(1), 1usize..3));
    let layers = prop_oneof![2 => any_size, 1 => short_patches, 1 => minimal];
    let sizes = (1usize..4, 1usize..16, 1usize..9);
    let choices =
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>());
    (layers, sizes, choices).prop_map(|((channels, kernel_size, settings), sizes, choices)| {
        let (padding, stride, dilation, groups) = settings;
        let (pooled, other, of_images, zeros, im2col, band) = choices;
        // Large enough for the filter, and for a window of its results.
        let least = |size: usize, filter: usize| {
            size.max((dilation * (filter - 1) + 1 + stride).saturating_sub(2 * padding))
        };
        let mut g = Geometry {
            height: least(sizes.1, kernel_size.0),
            width: least(sizes.2, kernel_size.1),
            channels: channels.0 * groups,
            outputs: channels.1 * groups,
            kernel_height: kernel_size.0,
            kernel_width: kernel_size.1,
            padding,
            stride,
            dilation,
            groups,
            direct: false,
            im2col: im2col && groups == 1,
            band: BAND,
        };
        let whole = g.group().values() as u64;
        g.band = (band % whole) as usize;
        Case { g, count: sizes.0, pooled, other, of_images, zeros }
    })
}

/// Quarters from −1 to 1, of which no sum here is rounded.
fn quarters(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| f64::from(rng.next_u32() % 9) / 4.0 - 1.0).collect()
}

/// Values from −1 to 1.
fn uniform(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| 2.0 * f64::from(rng.next_u32()) / f64::from(u32::MAX) - 1.0).collect()
}

/// Images, weight as PyTorch has it, bias, and gradients of (images, height, width, outputs).
fn made(case: &Case, then: Then, make: impl Fn(usize, u64) -> Vec<f64>) -> [Vec<f64>; 4] {
    let Case { g, count, .. } = case;
    let (height, width) = g.result(then);
    let weight = g.outputs * g.group().patch();
    let lengths = [count * g.image(), weight, g.outputs, count * height * width * g.outputs];
    let mut seeds = 1..;
    let mut made = lengths.map(|length| make(length, seeds.next().unwrap()));
    if case.zeros {
        let zeros = made[3].iter_mut().enumerate().filter(|(index, _)| index % 7 > 0);
        zeros.for_each(|(_, gradient)| *gradient = 0.0);
    }
    made
}

fn config(g: &Geometry) -> Conv2dConfig {
    let Geometry { padding, stride, dilation, groups, .. } = *g;
    Conv2dConfig { padding, stride, dilation, groups, ..Default::default() }
}

/// The result, and the gradients of images, weight and vectors, by candle's own ops, whose images have
/// channels second.
fn by_candle(
    case: &Case,
    (images, weight, vectors): (&[f64], &[f64], &[&[f64]]),
    gradients: &[f64],
    compute: impl Fn([&Tensor; 2], &[Var]) -> Result<Tensor>,
) -> Result<Vec<Vec<f64>>> {
    let Case { g, count, .. } = *case;
    let variable = |values: &[f64], shape: &[usize]| {
        Var::from_tensor(&Tensor::from_slice(values, shape, &Device::Cpu)?)
    };
    let shape = [g.outputs, g.channels / g.groups, g.kernel_height, g.kernel_width];
    let mut variables =
        vec![variable(images, &[count, g.height, g.width, g.channels])?, variable(weight, &shape)?];
    for values in vectors {
        variables.push(variable(values, &[values.len()])?);
    }
    let channels_second = variables[0].permute((0, 3, 1, 2))?;
    let result = compute([&channels_second, &variables[1]], &variables[2..])?;
    let result = result.permute((0, 2, 3, 1))?.contiguous()?;
    let given = Tensor::from_slice(gradients, result.shape(), &Device::Cpu)?;
    let found = (&result * given)?.sum_all()?.backward()?;
    let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1();
    let mut all = vec![flat(&result)?];
    for variable in &variables {
        all.push(found.get(variable).map_or(Ok(Vec::new()), flat)?);
    }
    Ok(all)
}

/// Result and gradients by the kernels, the weight's as they arrange it.
fn by_kernels<T: crate::element::Element>(
    case: &Case,
    then: Then,
    [images, weight, bias, gradients]: &[Vec<T>; 4],
) -> [Vec<T>; 4] {
    let weights = arranged_weights(weight, &case.g);
    let (result, places) = forward(images, (&weights, bias), &case.g, then);
    let saved = Saved { images, weights: &weights, result: &result, places: &places, then };
    let found = backward(&saved, &&gradients[..], &case.g, case.of_images);
    [result, found.images, found.weights, found.bias]
}

fn on<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(work)
}

/// Kernels and candle's own ops give the same bits, of values of which no sum is rounded; but minimal filtering by
/// tiles of four, which rounds all, gives the same in f64 within that type's rounding.
fn assert_the_same(case: &Case) {
    let then = match (case.pooled, case.other) {
        (true, _) => Then::ReluMaxPool,
        (false, true) => Then::Relu,
        (false, false) => Then::Nothing,
    };
    let own = case.g.together().group();
    let by_filters = [&own, &case.g].iter().any(|g| by_filters::fit(g, case.count));
    let rounded =
        by_filters || Tile::of(&own, then) == Some(Tile::Four) || is_filtered_unpooled(&own);
    let exact = case.g.im2col || !rounded;
    let given = if exact { made(case, then, quarters) } else { made(case, then, uniform) };
    let [images, weight, bias, gradients] = &given;
    let vectors: [&[f64]; 1] = [bias];
    let compute = |[images, weight]: [&Tensor; 2], vectors: &[Var]| {
        let convolved = reference::conv2d(images, weight, Some(&vectors[0]), config(&case.g))?;
        match then {
            Then::Nothing => Ok(convolved),
            Then::Relu => reference::relu(&convolved),
            Then::ReluMaxPool => reference::max_pool2d(&reference::relu(&convolved)?, 2, 2),
        }
    };
    let expected = by_candle(case, (images, weight, &vectors), gradients, compute).unwrap();
    let of_weights = arranged_weights(&expected[2], &case.g);
    let of_images = if case.of_images { &expected[1][..] } else { &[] };
    let expected = [&expected[0], of_images, &of_weights, &expected[3]];
    let found = by_kernels(case, then, &given);
    if !exact {
        for (found, expected) in found.iter().zip(expected) {
            assert!(apart(found, expected) < 64.0 * f64::EPSILON, "{case:?}");
        }
    }
    let narrow = given.each_ref().map(|values| values.iter().map(|&value| value as f32).collect());
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    if !exact {
        // Where rounding decides what is above zero or larger, gradients go elsewhere.
        let compared = if then == Then::Nothing { 4 } else { 1 };
        let found: [Vec<f64>; 4] = by_kernels(case, then, &narrow).map(wide);
        for (found, expected) in found.iter().zip(expected).take(compared) {
            let apart = apart(found, expected);
            assert!(apart < 64.0 * f64::from(f32::EPSILON), "{case:?}: {apart}");
        }
        return;
    }
    for found in [found, by_kernels(case, then, &narrow).map(wide)] {
        assert_eq!(found.each_ref().map(|values| &values[..]), expected);
    }
}

/// The largest difference, in terms of the largest value.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let differences = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    differences.fold(0.0, f64::max) / largest.max(f64::MIN_POSITIVE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bands_give_what_candles_own_ops_give(case in cases()) {
        assert_the_same(&case);
    }

    #[test]
    fn bands_are_the_same_on_any_number_of_threads(case in cases(), threads in 2usize..33) {
        let then = if case.pooled { Then::ReluMaxPool } else { Then::Relu };
        let given = made(&case, then, uniform);
        let given = given.map(|values| values.iter().map(|&value| value as f32).collect());
        let bits = |threads| {
            let found = on(threads, || by_kernels(&case, then, &given));
            found.map(|values| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
        };
        prop_assert_eq!(bits(threads), bits(1));
    }

    #[test]
    fn bands_are_normalised_as_by_candles_own_ops(case in cases()) {
        const EPSILON: f64 = 1e-2;
        let Case { g, pooled, other, .. } = case;
        let (then, order) = (
            if pooled { Then::ReluMaxPool } else { Then::Nothing },
            if other { Order::ReluBatchNorm } else { Order::BatchNormRelu },
        );
        let [images, weight, beta, gradients] = &made(&case, then, uniform);
        let gamma = &uniform(g.outputs, 9)[..];
        let compute = |[images, weight]: [&Tensor; 2], vectors: &[Var]| {
            let normalise = |values: &Tensor| -> Result<Tensor> {
                Ok(reference::batch_norm(values, &vectors[0], &vectors[1], EPSILON)?.0)
            };
            let convolved = reference::conv2d(images, weight, None, config(&g))?;
            let result = match order {
                Order::ReluBatchNorm => normalise(&reference::relu(&convolved)?)?,
                Order::BatchNormRelu => reference::relu(&normalise(&convolved)?)?,
                Order::BatchNorm => normalise(&convolved)?,
            };
            if pooled { reference::max_pool2d(&result, 2, 2) } else { Ok(result) }
        };
        let vectors: [&[f64]; 2] = [gamma, beta];
        let expected = by_candle(&case, (images, weight, &vectors), gradients, compute).unwrap();
        let settings =
            Settings { gamma, beta, epsilon: EPSILON, frozen: None, max_pool: pooled, order };
        let weights = &arranged_weights(weight, &g)[..];
        let bias = vec![0.0; g.outputs];
        let made = normalised::forward(images, (weights, &bias), &settings, &g);
        let saved = normalised::Saved {
            images,
            weights,
            normaliser: &made.normaliser,
            activations: &made.activations,
            places: &made.places,
            maxima: &made.maxima,
            result: &made.result,
        };
        let found = normalised::backward(&saved, &settings, gradients, &g, case.of_images);
        let of_images = if case.of_images { &expected[1] } else { &vec![] };
        let of_weights = arranged_weights(&expected[2], &g);
        let pairs = [
            ("result", &made.result, &expected[0]),
            ("images", &found.convolution.images, of_images),
            ("weights", &found.convolution.weights, &of_weights.into_owned()),
            ("gamma", &found.gamma, &expected[3]),
            ("beta", &found.beta, &expected[4]),
        ];
        for (name, found, expected) in pairs {
            prop_assert_eq!(found.len(), expected.len(), "{}", name);
            for (found, expected) in found.iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-10, "{}: {} not {}", name, found, expected);
            }
        }
    }

    /// All rows of the result are in one band each, and nothing but a band of the fewest rows is large.
    #[test]
    fn bands_follow_each_other_and_are_as_small_as_was_asked(case in cases()) {
        let g = case.g.group();
        let then = if case.pooled { Then::ReluMaxPool } else { Then::Relu };
        let bands = g.bands(then);
        prop_assert!(g.cut());
        let mut next = 0;
        for band in &bands {
            prop_assert_eq!(band.rows.start, next);
            prop_assert!(band.under.end <= g.padded().0);
            let last = band.rows.end == g.result(then).0;
            let convolved = band.rows.len() * then.rows_apart();
            prop_assert!(last || convolved % 2 == 0, "{:?}", band);
            let values = band.under.len() * g.row() + convolved * g.convolved().1 * g.outputs;
            prop_assert!(values <= g.band || convolved <= 2, "{:?} has {}", band, values);
            next = band.rows.end;
        }
        prop_assert_eq!(next, g.result(then).0);
    }
}

/// A step that no result is large enough to take.
#[test]
fn one_row_is_one_band_whatever_the_stride() {
    let g = Geometry {
        height: 700,
        width: 700,
        channels: 1,
        outputs: 1,
        kernel_height: 3,
        kernel_width: 3,
        padding: 0,
        stride: usize::MAX,
        dilation: 1,
        groups: 1,
        direct: false,
        im2col: false,
        band: BAND,
    };
    let bands = g.bands(Then::Nothing);
    assert_eq!((g.cut(), bands.len()), (true, 1));
    assert_eq!((&bands[0].rows, &bands[0].under), (&(0..1), &(0..3)));
}
