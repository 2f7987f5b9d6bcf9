//! Numbers and outcomes as they stand in cells and sentences.

use crate::against::AgainstPublished;
use crate::claims::{Claim, Outcome};
use crate::entry::{Accuracy, Entry};
use crate::statistics::{Interval, Superiority, Verdict};

/// What stands where there is nothing to tell.
pub(super) const NOTHING: &str = "—";

/// Which standard deviation stands beside a measured mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deviation {
    /// With n, as the authors' code computes it.
    Population,
    /// With n − 1.
    Sample,
}

impl Deviation {
    pub(super) fn of_recipe(recipe: &str) -> Self {
        if recipe == "authors" { Self::Population } else { Self::Sample }
    }
}

/// The published mean, and its std with the digits that were printed.
pub(super) fn published(mean: f64, std: f64) -> String {
    format!("{mean:.2} ± {std}")
}

/// Mean and std, and how many runs they are of where that is not all.
pub(super) fn measured(entry: &Entry, accuracy: &Accuracy, deviation: Deviation) -> String {
    let statistics = &accuracy.statistics;
    let Some(mean) = statistics.mean else {
        let all_failed = entry.failed_runs.len() == entry.runs;
        let all_missing = entry.missing_runs.len() == entry.runs;
        let why = if all_failed {
            "all failed"
        } else if all_missing {
            "missing"
        } else {
            "failed or missing"
        };
        return why.to_owned();
    };
    let std = match deviation {
        Deviation::Population => statistics.std_population,
        Deviation::Sample => statistics.std_sample,
    };
    let std = std.map_or_else(|| NOTHING.to_owned(), |std| format!("{std:.2}"));
    if statistics.n == entry.runs {
        format!("{mean:.2} ± {std}")
    } else {
        format!("{mean:.2} ± {std} ({} of {})", statistics.n, entry.runs)
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
pub(super) fn interval(interval: Option<Interval>) -> String {
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

pub(super) fn verdict(published: Option<&AgainstPublished>) -> String {
    published.map_or(NOTHING, outcome_of).to_owned()
}

/// The verdict as a word.
pub(crate) fn outcome_of(published: &AgainstPublished) -> &'static str {
    match published.verdict {
        None => NOTHING,
        Some(Verdict::Reproduced) => "reproduced",
        Some(Verdict::Within) => "within, yet differs",
        Some(Verdict::Differs) => "differs",
        Some(Verdict::Undecided) => "undecided",
    }
}

/// The outcome of a claim as a word.
pub(crate) fn claim_outcome(claim: &Claim) -> &'static str {
    match claim.outcome {
        _ if claim.effect.is_none() => "not measured",
        Outcome::Holds => "holds",
        Outcome::Contradicted => "contradicted",
        Outcome::Undecided => "undecided",
    }
}

pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => NOTHING.to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// The same in a sentence: "p = 0.020".
pub(super) fn p_in_words(p: f64) -> String {
    let value = p_value(Some(p));
    if value.starts_with('<') { format!("p {value}") } else { format!("p = {value}") }
}

/// A probability with its interval.
pub(super) fn superiority(superiority: Option<Superiority>) -> String {
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
