//! Numbers and outcomes as they stand in cells and sentences.

use crate::claims::{Contests, Outcome};
use crate::statistics::{Interval, Verdict};
use crate::summary::{Accuracy, AgainstPublished, Entry, FailedRun};

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

/// With its sign, a minus that is as wide as the plus, and no sign for what rounds to nothing.
fn signed(value: f64) -> String {
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
        Some(Verdict::Differs) => "differs",
        Some(Verdict::Undecided) => "undecided",
    }
}

/// The outcome of a claim as a word.
pub(crate) fn claim_outcome(outcome: Outcome) -> &'static str {
    match outcome {
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

pub(super) fn contests(contests: Contests) -> String {
    let Contests { won, tied, lost } = contests;
    match (won + tied + lost, tied) {
        (0, _) => NOTHING.to_owned(),
        (all, 0) => format!("{won}/{all}"),
        (all, tied) => format!("{won}/{all}, {tied} tied"),
    }
}

/// "`mlp`: 8 of 10 runs; 1 failed (…); 1 missing (run 4)", where any run is without a value.
pub(super) fn shortfall(entry: &Entry) -> Option<String> {
    let (failed, missing) = (&entry.failed_runs, &entry.missing_runs);
    if failed.is_empty() && missing.is_empty() {
        return None;
    }
    let mut text =
        format!("`{}`: {} of {} runs", entry.variant, entry.measured_runs.len(), entry.runs);
    if !failed.is_empty() {
        let place = |failed: &FailedRun| {
            let FailedRun { run, epoch, batch, reason } = failed;
            let epoch = epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
            let batch = batch.map_or_else(String::new, |batch| format!(", batch {batch}"));
            format!("run {run}{epoch}{batch}: {reason}")
        };
        text += &format!("; {} failed ({})", failed.len(), list(failed.iter().map(place), 3, "; "));
    }
    if !missing.is_empty() {
        let plural = if missing.len() == 1 { "" } else { "s" };
        let runs = list(missing.iter().map(ToString::to_string), 10, ", ");
        text += &format!("; {} missing (run{plural} {runs})", missing.len());
    }
    Some(text)
}

/// The first `most` of `items`, and how many more there are.
fn list(items: impl ExactSizeIterator<Item = String>, most: usize, separator: &str) -> String {
    let more = items.len().saturating_sub(most);
    let shown = items.take(most).collect::<Vec<_>>().join(separator);
    if more == 0 { shown } else { format!("{shown}{separator}and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_only_before_what_is_not_nothing() {
        assert_eq!([0.35, -0.35, 0.004, -0.004].map(signed), ["+0.35", "−0.35", "0.00", "0.00"]);
    }

    #[test]
    fn long_lists_are_cut() {
        let numbers = (0..12).map(|number| number.to_string());
        assert_eq!(list(numbers, 10, ", "), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 2 more");
    }
}
