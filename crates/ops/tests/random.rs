//! Masks and initial weights: which bits they are, how they are spread, what is refused.

mod support;

use candle_core::DType;
use candle_nn::init::{FanInOut, NonLinearity};
use pairnet_ops::random::{dropout_mask, fan_in_bound, kaiming_normal, kaiming_uniform, uniform};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use support::{assert_told, device, least, values};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

#[test]
fn masks_are_16_bits_a_value() {
    for (count, probability) in [(least(), 0.5), (1, 0.5), (7, 0.3), (1000, 0.7)] {
        let (mut drawn, mut words) = (rng(), rng());
        let mask = dropout_mask(count, probability, device(), &mut drawn).unwrap();
        assert_eq!(mask.dtype(), DType::U8);
        let threshold = (probability * 65_536f64).round() as u16;
        let draws = (0..count.div_ceil(2)).flat_map(|_| {
            let word = words.next_u32();
            [word as u16, (word >> 16) as u16]
        });
        let expected: Vec<f64> =
            draws.take(count).map(|d| f64::from(u8::from(d >= threshold))).collect();
        assert_eq!(values(&mask), expected);
        assert_eq!(drawn.next_u32(), words.next_u32(), "the next draw begins where this one ended");
    }
}

#[test]
fn masks_drop_with_their_probability() {
    for probability in [0.0, 0.2, 0.7, 0.999] {
        let mask = dropout_mask((100, 1000), probability, device(), &mut rng()).unwrap();
        let kept = values(&mask).iter().sum::<f64>() / 100_000.0;
        assert!((kept - (1.0 - probability)).abs() < 0.005, "{kept} kept at {probability}");
    }
    let none = dropout_mask(1000, 0.0, device(), &mut rng()).unwrap();
    assert_eq!(values(&none), [1.0; 1000]);
    for probability in [1.0, -0.1, f64::NAN] {
        let refused = dropout_mask(3, probability, device(), &mut rng());
        assert_told(refused, "dropout_mask: probability");
    }
}

#[test]
fn uniform_weights_are_24_bits_a_value() {
    let mut words = rng();
    let expected: Vec<f64> = (0..50)
        .map(|_| (2.0 * f64::from(words.next_u32() >> 8) / 16_777_216.0 - 1.0) * 0.25)
        .collect();
    let found = uniform((5, 10), 0.25, DType::F64, device(), &mut rng()).unwrap();
    assert_eq!(values(&found), expected);
    let single = uniform((5, 10), 0.25, DType::F32, device(), &mut rng()).unwrap();
    assert_eq!(values(&single), expected, "exact in f32 too, where the bound is a power of two");
}

#[test]
fn weights_spread_as_pytorch_s_and_candle_s() {
    for shape in [&[300, 200][..], &[64, 8, 5, 5]] {
        let fan_in: usize = shape[1..].iter().product();
        let weight = kaiming_uniform(shape, DType::F32, device(), &mut rng()).unwrap();
        assert_eq!(fan_in_bound(weight.shape()), 1.0 / (fan_in as f64).sqrt());
        let numbers = values(&weight);
        let largest = numbers.iter().fold(0f64, |largest, value| largest.max(value.abs()));
        let limit = fan_in_bound(weight.shape());
        assert!(largest <= limit && largest > 0.999 * limit, "{largest}, at most {limit}");
        let variance = |numbers: &[f64]| {
            numbers.iter().map(|value| value * value).sum::<f64>() / numbers.len() as f64
        };
        assert!((variance(&numbers) / (limit * limit / 3.0) - 1.0).abs() < 0.03);

        let weight = kaiming_normal(shape, DType::F32, device(), &mut rng()).unwrap();
        let numbers = values(&weight);
        let of_candle =
            NonLinearity::ReLU.gain().powi(2) / FanInOut::FanIn.for_shape(weight.shape()) as f64;
        assert!((variance(&numbers) / of_candle - 1.0).abs() < 0.03);
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!(mean.abs() < 4.0 * (of_candle / numbers.len() as f64).sqrt());
        let beyond = numbers.iter().filter(|value| value.abs() > 2.0 * of_candle.sqrt()).count();
        let share = beyond as f64 / numbers.len() as f64;
        assert!((share - 0.0455).abs() < 0.005, "{share} beyond two deviations");
    }
}

#[test]
fn errors_and_edges() {
    assert_told(uniform(3, -1.0, DType::F32, device(), &mut rng()), "uniform: bound -1");
    assert_told(uniform(3, f64::NAN, DType::F32, device(), &mut rng()), "uniform: bound NaN");
    assert_told(
        uniform(3, 1.0, DType::U32, device(), &mut rng()),
        "uniform: dtype U32 is no float",
    );
    assert_told(kaiming_normal(3, DType::U8, device(), &mut rng()), "dtype U8 is no float");
    for shape in [(0, 3), (3, 0)] {
        assert_eq!(
            kaiming_uniform(shape, DType::F32, device(), &mut rng()).unwrap().elem_count(),
            0
        );
        assert_eq!(
            kaiming_normal(shape, DType::F32, device(), &mut rng()).unwrap().elem_count(),
            0
        );
    }
    let odd = kaiming_normal((1, 3), DType::F64, device(), &mut rng()).unwrap();
    assert!(values(&odd).iter().all(|value| value.is_finite() && *value != 0.0));
}
