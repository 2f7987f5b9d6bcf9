//! How far two means are apart.

use super::contrast::linear;
use super::estimate::{Estimate, Moments};

/// The mean of `a` less that of `b`, whose values have nothing to do with each other and whose
/// variances may differ (Welch, 1947; degrees of freedom by Satterthwaite, 1946).
pub fn welch(a: Moments, b: Moments) -> Estimate {
    linear(&[(1.0, a), (-1.0, b)])
}

/// The mean of differences between values that belong together, such as two networks' accuracies
/// on the same pairs (Student, 1908); `None` where there are no differences.
pub fn paired(differences: &[f64]) -> Option<Estimate> {
    Some(linear(&[(1.0, Moments::of_values(differences)?)]))
}

#[cfg(test)]
mod tests;
