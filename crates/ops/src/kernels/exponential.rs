//! The exponential function, for loops that the compiler makes vectors of.

/// exp(x) to within two units in the last place, without a branch or a call, so that the compiler
/// makes vectors of a loop over it.
#[inline(always)]
pub(crate) fn exponential<const FUSED: bool>(x: f32) -> f32 {
    let (power, rest) = reduced::<FUSED>(x);
    // 2ⁿ in two factors: it may lie outside of what one can say.
    let half = power >> 1;
    (rest + 1.0) * two_to(half) * two_to(power.wrapping_sub(half))
}

/// exp(x) − 1 of an x that is not above 0, as [`exponential`], and as exact where x is near 0.
#[inline(always)]
pub(crate) fn exponential_minus_one<const FUSED: bool>(x: f32) -> f32 {
    let (power, rest) = reduced::<FUSED>(x);
    // 2ⁿ · (1 + rest) − 1. Of lower powers than can be said nothing is left beside the one.
    let scale = two_to(power.max(-126));
    mul_add::<FUSED>(scale, rest, scale - 1.0)
}

/// n and exp(r) − 1, where x = n · ln 2 + r with |r| ≤ ln 2 / 2 (Cody and Waite, 1980): exp(x) = 2ⁿ · exp(r), and
/// exp(r) is its Taylor series up to r⁷, whose rest is below a tenth of a unit in the last place.
#[inline(always)]
fn reduced<const FUSED: bool>(x: f32) -> (i32, f32) {
    /// ln 2 in two parts; n times the first is exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    /// 1.5 · 2²³: what is added to it is rounded to a whole number, in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // 1/k! for k from 7 down to 2.
    const SERIES: [f32; 6] =
        [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0];
    // Beyond these exp(x) is 0 or infinite.
    let clamped = x.clamp(-104.0, 89.0);
    let shifted = mul_add::<FUSED>(clamped, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = mul_add::<FUSED>(whole, -LN_2[1], mul_add::<FUSED>(whole, -LN_2[0], clamped));
    let mut sum = SERIES[0];
    for factor in &SERIES[1..] {
        sum = mul_add::<FUSED>(sum, rest, *factor);
    }
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    (power, mul_add::<FUSED>(sum, rest * rest, rest))
}

/// 2 to a power from −126 to 127.
#[inline(always)]
fn two_to(power: i32) -> f32 {
    f32::from_bits((power.wrapping_add(127) as u32) << 23)
}

#[inline(always)]
fn mul_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance in units in the last place of the exact value; of the smallest normal number's
    /// below that.
    fn distance(found: f32, x: f32) -> f64 {
        let exact = f64::from(x).exp();
        let unit = 2f64.powi((exact.log2().floor() as i32).max(-126) - 23);
        (f64::from(found) - exact).abs() / unit
    }

    #[test]
    fn values_are_exact_to_two_units() {
        for x in (-87_000..88_700).map(|x| x as f32 / 1000.0) {
            let (fused, not) = (exponential::<true>(x), exponential::<false>(x));
            assert!(distance(fused, x) <= 2.0, "exp({x}) = {fused}");
            assert!(distance(not, x) <= 2.0, "exp({x}) without multiply-add = {not}");
        }
    }

    #[test]
    fn one_less_is_exact_to_two_units_near_zero_too() {
        let near = (-126..8).map(|power| -2f32.powi(power) * 1.23).filter(|&x| x > -200.0);
        for x in near.chain((-100_000..=0).map(|x| x as f32 / 1000.0)) {
            let exact = f64::from(x).exp_m1();
            let unit = 2f64.powi((exact.abs().log2().floor() as i32).max(-126) - 23);
            for found in [exponential_minus_one::<true>(x), exponential_minus_one::<false>(x)] {
                let distance = (f64::from(found) - exact).abs() / unit;
                assert!(distance <= 2.0, "exp({x}) − 1 = {found}, {exact} was expected");
            }
        }
        assert_eq!(
            [-0.0, f32::NEG_INFINITY, f32::MIN].map(exponential_minus_one::<true>),
            [0.0, -1.0, -1.0]
        );
        assert!(exponential_minus_one::<true>(f32::NAN).is_nan());
    }

    #[test]
    fn ends_are_reached() {
        let infinity = f32::INFINITY;
        let values = [0.0, -0.0, 88.73, infinity, -infinity, -105.0, f32::MAX, f32::MIN];
        let found = values.map(exponential::<true>);
        assert_eq!(found, [1.0, 1.0, infinity, infinity, 0.0, 0.0, infinity, 0.0]);
        let [lost, small] = [f32::NAN, -95.0].map(exponential::<true>);
        assert!(lost.is_nan());
        assert!(small > 0.0 && distance(small, -95.0) <= 1.0, "{small}");
    }
}
