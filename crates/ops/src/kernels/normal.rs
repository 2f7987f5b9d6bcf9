//! The normal distribution, for loops that the compiler makes vectors of.

use candle_core::cpu::erf::erfc_f64;

use crate::kernels::exponential::exponential;

/// 1 / √(2π).
const HEIGHT: f64 = 0.398_942_280_401_432_7;

/// The density at x, and the probability of being below x, each to within 4e-7 + x² · 2⁻²³ of itself, for squares are
/// rounded; without a branch or a call.
///
/// The probability of being further out than |x| is exp(−x²/2) times a smooth function, here t times a polynomial in
/// t = 1 / (1 + 0.35·|x|), as in Abramowitz and Stegun (1964), 26.2.17. The coefficients are the least squares of
/// relative errors, weighted until all extremes were alike (Lawson, 1961): 3.2e-8 for |x| ≤ 13.5.
#[inline(always)]
pub(crate) fn normal<const FUSED: bool>(x: f32) -> (f32, f32) {
    const NEAR: f32 = 0.35;
    /// From the highest power down.
    const POLYNOMIAL: [f32; 9] = [
        -0.029_125_85,
        0.143_872_17,
        -0.255_504_46,
        0.158_929_18,
        -0.022_937_084,
        0.105_432_92,
        0.119_852_44,
        0.139_859_08,
        0.139_621_57,
    ];
    let mul_add = |a: f32, b: f32, c: f32| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let out = x.abs();
    let t = 1.0 / mul_add(NEAR, out, 1.0);
    let mut sum = POLYNOMIAL[0];
    for coefficient in &POLYNOMIAL[1..] {
        sum = mul_add(sum, t, *coefficient);
    }
    let fall = exponential::<FUSED>(-0.5 * out * out);
    let beyond = fall * t * sum;
    (fall * HEIGHT as f32, if x > 0.0 { 1.0 - beyond } else { beyond })
}

/// [`normal`] with the precision of f64.
pub(crate) fn normal_f64(x: f64) -> (f64, f64) {
    ((-0.5 * x * x).exp() * HEIGHT, 0.5 * erfc_f64(-x * std::f64::consts::FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_those_of_f64() {
        for x in (-8_000..=8_000).map(|x| x as f32 / 1000.0) {
            let exact = normal_f64(f64::from(x));
            for found in [normal::<true>(x), normal::<false>(x)] {
                let far = f64::from(x * x) * f64::from(f32::EPSILON);
                let close =
                    |found: f32, exact: f64| (f64::from(found) / exact - 1.0).abs() <= 4e-7 + far;
                assert!(
                    close(found.0, exact.0) && close(found.1, exact.1),
                    "{x}: {found:?}, {exact:?}"
                );
            }
        }
        assert!((HEIGHT * (2.0 * std::f64::consts::PI).sqrt() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn ends_are_reached() {
        let below = [f32::NEG_INFINITY, -40.0, 40.0, f32::INFINITY, f32::MAX].map(normal::<true>);
        assert_eq!(below, [(0.0, 0.0), (0.0, 0.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)]);
        let (density, probability) = normal::<true>(f32::NAN);
        assert!(density.is_nan() && probability.is_nan());
    }
}
