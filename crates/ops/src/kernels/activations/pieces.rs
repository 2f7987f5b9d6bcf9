//! Functions of several pieces. Where two meet, the slope is PyTorch 2.15's.

use super::Function;
use crate::element::Element;

/// x above 0, α · (exp(x) − 1) elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Elu(pub(crate) f64);

/// x above 0, a multiple of it elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu(pub(crate) f64);

/// x between 0 and 6, or the nearer of both.
#[derive(Clone, Copy)]
pub(crate) struct Relu6;

/// x / 6 + 1/2 between 0 and 1.
#[derive(Clone, Copy)]
pub(crate) struct HardSigmoid;

/// x · hard sigmoid(x).
#[derive(Clone, Copy)]
pub(crate) struct HardSwish;

impl Function for Elu {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        let below = T::from_f64(self.0) * x.exponential_minus_one::<FUSED>();
        if x > T::ZERO { x } else { below }
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, y: T) -> T {
        if x > T::ZERO { T::ONE } else { y + T::from_f64(self.0) }
    }
}

impl Function for LeakyRelu {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        if x > T::ZERO { x } else { T::from_f64(self.0) * x }
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, _: T) -> T {
        if x > T::ZERO { T::ONE } else { T::from_f64(self.0) }
    }
}

/// x between 0 and so much; NaN stays.
#[inline(always)]
fn clipped<T: Element>(x: T, most: T) -> T {
    let above = if x < T::ZERO { T::ZERO } else { x };
    if above > most { most } else { above }
}

impl Function for Relu6 {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        clipped(x, T::from_f64(6.0))
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, _: T, y: T) -> T {
        // A NaN is at neither end.
        if y <= T::ZERO || y >= T::from_f64(6.0) { T::ZERO } else { T::ONE }
    }
}

impl Function for HardSigmoid {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        clipped(x + T::from_f64(3.0), T::from_f64(6.0)) / T::from_f64(6.0)
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, _: T) -> T {
        let three = T::from_f64(3.0);
        let between = x > T::ZERO - three && x < three;
        if between { T::ONE / T::from_f64(6.0) } else { T::ZERO }
    }
}

impl Function for HardSwish {
    #[inline(always)]
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T {
        x * HardSigmoid.value::<T, FUSED>(x)
    }

    #[inline(always)]
    fn slope<T: Element, const FUSED: bool>(self, x: T, _: T) -> T {
        let three = T::from_f64(3.0);
        let between = x / three + T::from_f64(0.5);
        let above = if x >= three { T::ONE } else { between };
        if x <= T::ZERO - three { T::ZERO } else { above }
    }
}
