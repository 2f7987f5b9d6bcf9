//! Functions whose slope has no steps.

use super::Function;
use crate::element::Element;

/// (exp(x) − exp(−x)) / (exp(x) + exp(−x)).
#[derive(Clone, Copy)]
pub(crate) struct Tanh;

/// 1 / (1 + exp(−x)).
#[derive(Clone, Copy)]
pub(crate) struct Sigmoid;

/// x · sigmoid(x).
#[derive(Clone, Copy)]
pub(crate) struct Silu;

/// x times the probability that a normal variable is below x.
#[derive(Clone, Copy)]
pub(crate) struct Gelu;

/// [`Gelu`] with x · sigmoid(2u), u = √(2/π) · (x + 0.044715·x³), in the probability's place.
#[derive(Clone, Copy)]
pub(crate) struct GeluTanh;

impl Function for Tanh {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        // −(exp(−2x) − 1) / (exp(−2x) + 1) of the absolute value, which is as exact near zero.
        let positive = if x < T::ZERO { T::ZERO - x } else { x };
        let falls = (T::ZERO - (positive + positive)).exponential_minus_one::<FUSED>();
        let value = falls / (falls + T::ONE + T::ONE);
        if x < T::ZERO { value } else { T::ZERO - value }
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, _: T, y: T) -> T {
        T::ONE - y * y
    }
}

impl Sigmoid {
    /// sigmoid(x) and its slope, with all digits of both.
    #[inline(always)]
    fn value_and_slope<T: Element, const FUSED: bool>(x: T) -> (T, T) {
        let falls = (T::ZERO - x).exponential::<FUSED>();
        let value = T::ONE / (T::ONE + falls);
        // 1 − the value would have lost its digits near 1.
        let rest = if x > T::ZERO { falls * value } else { T::ONE - value };
        (value, value * rest)
    }
}

impl Function for Sigmoid {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        T::ONE / (T::ONE + (T::ZERO - x).exponential::<FUSED>())
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, _: T, y: T) -> T {
        y * (T::ONE - y)
    }
}

impl Function for Silu {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        x * Sigmoid.value::<T, FUSED>(x)
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, _: T) -> T {
        let (sigmoid, slope) = Sigmoid::value_and_slope::<T, FUSED>(x);
        T::mul_add::<FUSED>(slope, x, sigmoid)
    }
}

impl Function for Gelu {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        let (_, below) = x.normal::<FUSED>();
        x * below
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, _: T) -> T {
        let (density, below) = x.normal::<FUSED>();
        T::mul_add::<FUSED>(x, density, below)
    }
}

impl GeluTanh {
    /// Of 2u, the factor of x: 2 · √(2/π).
    pub(crate) const LINEAR: f64 = 1.595_769_121_605_730_8;
    /// And that of x³.
    pub(crate) const CUBIC: f64 = Self::LINEAR * 0.044715;

    /// 2u / x; with three times the cubic term, the slope of 2u.
    #[inline(always)]
    fn scale<T: Element, const FUSED: bool>(x: T, times: f64) -> T {
        let [linear, cubic] = [Self::LINEAR, times * Self::CUBIC].map(T::from_f64);
        T::mul_add::<FUSED>(cubic, x * x, linear)
    }
}

impl Function for GeluTanh {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        x * Sigmoid.value::<T, FUSED>(x * Self::scale::<T, FUSED>(x, 1.0))
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, _: T) -> T {
        // Further out the slope is 0 or 1, and the powers of x are infinite sooner or later.
        let far = T::from_f64(64.0);
        let x = if x > far { far } else { x };
        let x = if x < T::ZERO - far { T::ZERO - far } else { x };
        let twice = x * Self::scale::<T, FUSED>(x, 1.0);
        let (gate, slope) = Sigmoid::value_and_slope::<T, FUSED>(twice);
        T::mul_add::<FUSED>(slope, x * Self::scale::<T, FUSED>(x, 3.0), gate)
    }
}
