//! Numbers and outcomes as they stand in cells and sentences.

use crate::entry::Entry;
use crate::statistics::{Interval, Superiority};

/// What stands where there is nothing to tell.
pub(crate) const NOTHING: &str = "—";

/// Why a network has no accuracy.
pub(crate) fn why_nothing(entry: &Entry) -> &'static str {
    if entry.failed_runs.len() == entry.runs {
        "all failed"
    } else if entry.missing_runs.len() == entry.runs {
        "missing"
    } else {
        "failed or missing"
    }
}

/// A difference in points with its interval.
pub(crate) fn difference(value: Option<f64>, interval: Option<Interval>) -> String {
    match (value, interval) {
        (None, _) => NOTHING.to_owned(),
        (Some(value), None) => signed(value),
        (Some(value), Some(Interval { low, high })) => {
            format!("{} [{}, {}]", signed(value), signed(low), signed(high))
        }
    }
}

/// An interval in points; a dash where there is none.
pub(crate) fn interval(interval: Option<Interval>) -> String {
    interval.map_or(NOTHING.to_owned(), |Interval { low, high }| {
        format!("[{}, {}]", signed(low), signed(high))
    })
}

/// With its sign, a minus that is as wide as the plus, and no sign for what rounds to nothing.
pub(crate) fn signed(value: f64) -> String {
    let digits = format!("{:.2}", value.abs());
    match (digits.as_str(), value < 0.0) {
        ("0.00", _) => digits,
        (_, true) => format!("−{digits}"),
        (_, false) => format!("+{digits}"),
    }
}

pub(crate) fn p_value(p: Option<f64>) -> String {
    match p {
        None => NOTHING.to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// The same in a sentence: "p = 0.020".
pub(crate) fn p_in_words(p: f64) -> String {
    let value = p_value(Some(p));
    if value.starts_with('<') { format!("p {value}") } else { format!("p = {value}") }
}

/// A probability with its interval.
pub(crate) fn superiority(superiority: Option<Superiority>) -> String {
    superiority.map_or(NOTHING.to_owned(), |Superiority { value, ci95 }| {
        format!("{value:.2} [{:.2}, {:.2}]", ci95.low, ci95.high)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_only_before_what_is_not_nothing() {
        assert_eq!([0.35, -0.35, 0.004, -0.004].map(signed), ["+0.35", "−0.35", "0.00", "0.00"]);
    }
}
