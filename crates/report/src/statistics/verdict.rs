//! Whether a measured mean is the published one.

use serde::{Deserialize, Serialize};

use super::Interval;

/// How many points of accuracy two means may be apart and still count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// On test pairs.
    pub test: f64,
    /// On training pairs.
    pub train: f64,
}

impl Margins {
    /// Declared before the numbers that they judge, and not to be moved once those are seen.
    ///
    /// Most published training means lie above 98.5: with 1.5 there, too, any network that learns
    /// its pairs by heart would count as a reproduction. Half a point is about the deviation of
    /// the published runs.
    pub const DECLARED: Self = Self { test: 1.5, train: 0.5 };
}

/// Whether a measured mean is the published one: two questions, whether the two are near, and
/// whether they can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The two are less than the margin apart, and nothing tells them apart.
    Reproduced,
    /// The two are less than the margin apart, and yet not the same.
    Within,
    /// They are not the same, and not shown to be less than the margin apart.
    Differs,
    /// Neither is shown: too few runs, or too spread. A difference that is not significant is for
    /// that reason alone no reproduction.
    Undecided,
}

/// What follows from the 90 % interval of a difference, which lies within ±`margin` where two
/// one-sided tests at 5 % show it to be smaller (Schuirmann, 1987), and from the p value of the
/// difference, adjusted for all that are tested with it.
pub fn verdict(ci90: Option<Interval>, margin: f64, p: Option<f64>) -> Verdict {
    let near = ci90.is_some_and(|interval| -margin < interval.low && interval.high < margin);
    let apart = p.is_some_and(|p| p < 0.05);
    match (near, apart) {
        (true, false) => Verdict::Reproduced,
        (true, true) => Verdict::Within,
        (false, true) => Verdict::Differs,
        (false, false) => Verdict::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_apart_are_two_questions() {
        let interval = |low, high| Some(Interval { low, high });
        let cases = [
            (interval(-0.5, 0.9), Some(0.4), Verdict::Reproduced),
            (interval(0.5, 1.3), Some(0.01), Verdict::Within),
            (interval(-3.9, -2.1), Some(0.001), Verdict::Differs),
            (interval(0.9, 1.9), Some(0.04), Verdict::Differs),
            (interval(-1.4, 1.8), Some(0.8), Verdict::Undecided),
            (interval(0.5, 2.5), Some(0.05), Verdict::Undecided),
            (None, None, Verdict::Undecided),
        ];
        for (ci90, p, expected) in cases {
            assert_eq!(verdict(ci90, 1.5, p), expected, "{ci90:?} {p:?}");
        }
    }

    #[test]
    fn the_margin_itself_is_too_far() {
        let point = |end| Some(Interval { low: end, high: end });
        assert_eq!(verdict(point(1.499), 1.5, None), Verdict::Reproduced);
        assert_eq!(verdict(point(1.5), 1.5, None), Verdict::Undecided);
        assert_eq!(verdict(point(-1.5), 1.5, None), Verdict::Undecided);
    }
}
