//! Published numbers, verdicts and outcomes as they stand in cells.

use super::super::claims::{Claim, Outcome};
use crate::against::AgainstPublished;
use crate::entry::{Accuracy, Entry};
use crate::render::cells::{NOTHING, why_nothing};
use crate::statistics::Verdict;

/// Which standard deviation stands beside a measured mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deviation {
    /// With n, as the authors' code computes it.
    Population,
    /// With n − 1.
    Sample,
}

impl Deviation {
    pub(crate) fn of_recipe(recipe: &str) -> Self {
        if recipe == "authors" { Self::Population } else { Self::Sample }
    }
}

/// The published mean, and its std with the digits that were printed.
pub(crate) fn published(mean: f64, std: f64) -> String {
    format!("{mean:.2} ± {std}")
}

/// Mean and std, and how many runs they are of where that is not all.
pub(crate) fn measured(entry: &Entry, accuracy: &Accuracy, deviation: Deviation) -> String {
    let statistics = &accuracy.statistics;
    let Some(mean) = statistics.mean else {
        return why_nothing(entry).to_owned();
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

pub(crate) fn verdict(published: Option<&AgainstPublished>) -> String {
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
