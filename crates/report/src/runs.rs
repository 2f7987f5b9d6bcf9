//! Test accuracies run by run, and how those of two networks are compared.

use std::collections::BTreeMap;

use pairnet_record::RecipeSettings;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::fields;
use crate::statistics::{
    Components, Estimate, Interval, Moments, Part, Statistics, estimate, paired, welch,
};

/// Which runs are compared with which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Each run with the run of the same number, which has the same pairs: a paired t test.
    Paired,
    /// The runs of different networks share nothing that would tell them apart from other runs: a
    /// Welch test.
    Welch,
}

/// The test accuracies of one network's runs.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    pub(crate) variant: String,
    /// Which runs, as long as the values.
    pub(crate) numbers: Vec<usize>,
    pub(crate) test: Statistics,
    /// What the draw of test pairs adds to the variance of the mean, where all runs share one.
    pub(crate) draw: Option<Part>,
}

impl Runs {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            variant: entry.variant.clone(),
            numbers: entry.measured_runs.clone(),
            test: entry.test.statistics.clone(),
            draw: entry.components.as_ref().and_then(Components::draw),
        }
    }

    /// Runs of which nothing but their accuracies is known.
    pub(crate) fn of_values(variant: &str, values: Vec<f64>) -> Self {
        Self {
            variant: variant.to_owned(),
            numbers: (0..values.len()).collect(),
            test: Statistics::of(values),
            draw: None,
        }
    }

    pub(crate) fn moments(&self) -> Option<Moments> {
        Moments::of(&self.test)
    }

    /// Test accuracies by the number of the run.
    pub(crate) fn by_number(&self) -> BTreeMap<usize, f64> {
        self.numbers.iter().copied().zip(self.test.values.iter().copied()).collect()
    }
}

/// The four kinds on one backbone: basic, weight sharing, auxiliary loss, both.
#[derive(Clone, Debug)]
pub(crate) struct Backbone {
    /// How they were trained; "published" for runs that were published.
    pub(crate) recipe: String,
    pub(crate) name: String,
    pub(crate) comparison: Comparison,
    pub(crate) kinds: [Runs; 4],
}

/// How runs of one recipe are compared with each other.
pub(crate) fn within(recipe: &RecipeSettings) -> Comparison {
    if fields::draws_each_run(recipe) { Comparison::Paired } else { Comparison::Welch }
}

/// Test accuracy of `a` minus that of `b`; `None` where there is nothing to compare.
pub(crate) fn compare(comparison: Comparison, a: &Runs, b: &Runs) -> Option<Estimate> {
    let found = match comparison {
        Comparison::Paired => {
            let differences: Vec<f64> = paired_values(a, b).iter().map(|(a, b)| a - b).collect();
            paired(&differences)
        }
        Comparison::Welch => Some(welch(a.moments()?, b.moments()?)),
    };
    found.map(with_spread)
}

/// Points that rounding alone can put between accuracies that are the same.
const ROUNDING: f64 = 1e-9;

/// The estimate, without a standard error where no value differed from another: two runs that happen to
/// differ alike would look as sure as can be.
pub(crate) fn with_spread(found: Estimate) -> Estimate {
    Estimate { error: found.error.filter(|error| error.size > ROUNDING), ..found }
}

/// The test accuracies of the runs that both have.
pub(crate) fn paired_values(a: &Runs, b: &Runs) -> Vec<(f64, f64)> {
    let of_b = b.by_number();
    let both = a.by_number().into_iter().filter_map(|(run, a)| Some((a, *of_b.get(&run)?)));
    both.collect()
}

/// The 95 % interval of `found`, a sum of means by weight, with the draws of test pairs in it, one a
/// network; `None` where a network's runs do not share theirs.
pub(crate) fn total95(found: Estimate, weighed: &[(f64, &Runs)]) -> Option<Interval> {
    let mut parts = vec![Part::of(&found)?];
    for (weight, runs) in weighed {
        let Part { variance, degrees } = runs.draw?;
        parts.push(Part { variance: weight.powi(2) * variance, degrees });
    }
    estimate(found.value, &parts).interval(0.95)
}
