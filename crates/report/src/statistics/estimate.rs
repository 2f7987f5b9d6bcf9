//! What is known of a sample, and of an estimate: how sure it is, and whether it is little.

use super::sample::mean_and_squares;
use super::student::{half_width, upper_tail};
use super::{Interval, Statistics};

/// What a test needs to know of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// How many values there are.
    pub n: usize,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation with n − 1; `None` where there are fewer than two values.
    pub std_sample: Option<f64>,
}

impl Moments {
    /// The moments of `values`, which have to be finite; `None` where there are none.
    pub fn of_values(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let (mean, squares) = mean_and_squares(values)?;
        let std_sample = (n > 1).then(|| (squares / (n as f64 - 1.0)).sqrt());
        Some(Self { n, mean, std_sample })
    }

    /// The moments of what was measured; `None` where nothing was.
    pub fn of(statistics: &Statistics) -> Option<Self> {
        let Statistics { n, mean, std_sample, .. } = *statistics;
        Some(Self { n, mean: mean?, std_sample })
    }
}

/// A difference of means, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The difference.
    pub value: f64,
    /// `None` where there are too few values to tell.
    pub error: Option<StandardError>,
}

/// The standard error of an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StandardError {
    /// In the unit of the estimate; 0 where no value differed from another.
    pub size: f64,
    /// Of Student's t.
    pub degrees: f64,
}

impl Estimate {
    /// The interval of `confidence` (0.95, say); `None` where there are too few values.
    ///
    /// A point where the standard error is 0: as sure as values that never differed look.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let StandardError { size, degrees } = self.error?;
        let reach = if size > 0.0 { half_width(confidence, degrees)? * size } else { 0.0 };
        Some(Interval { low: self.value - reach, high: self.value + reach })
    }

    /// The p value of "the difference is 0 or less" against "it is more"; `None` where there are
    /// too few values.
    pub fn p_greater(&self) -> Option<f64> {
        let StandardError { size, degrees } = self.error?;
        if size > 0.0 {
            upper_tail(self.value / size, degrees)
        } else {
            Some(if self.value > 0.0 { 0.0 } else { 1.0 })
        }
    }

    /// The p value of "the difference is 0" against "it is not"; `None` where there are too few
    /// values.
    pub fn p_two_sided(&self) -> Option<f64> {
        let StandardError { size, degrees } = self.error?;
        if size > 0.0 {
            Some(2.0 * upper_tail((self.value / size).abs(), degrees)?)
        } else {
            Some(if self.value == 0.0 { 1.0 } else { 0.0 })
        }
    }
}
