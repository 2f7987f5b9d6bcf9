//! The runs of the four kinds of network on one backbone, ours or the published ones.

use std::collections::BTreeMap;

use pairnet_record::RecipeSettings;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::fields;
use crate::published::{PUBLISHED, PublishedRow};
use crate::statistics::{Components, Estimate, Interval, Moments, Part, Statistics, estimate};

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

    fn published(row: &PublishedRow) -> Self {
        Self {
            variant: row.variant.to_owned(),
            numbers: (0..row.test.runs.len()).collect(),
            test: Statistics::of(row.test.runs.to_vec()),
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
    /// How they were trained; "published" for the paper's own runs.
    pub(crate) recipe: String,
    /// As the paper calls it.
    pub(crate) name: &'static str,
    pub(crate) comparison: Comparison,
    pub(crate) kinds: [Runs; 4],
}

/// Every backbone of every recipe that has all four kinds among `entries`.
pub(crate) fn backbones(recipes: &[RecipeSettings], entries: &[Entry]) -> Vec<Backbone> {
    let mut backbones = Vec::new();
    for recipe in recipes {
        let find = |row: &PublishedRow| {
            let same = |e: &&Entry| (&*e.recipe, &*e.variant) == (&*recipe.name, row.variant);
            entries.iter().find(same).map(Runs::of)
        };
        for table in &PUBLISHED {
            let [basic, sharing, auxiliary, both] = table.rows.each_ref().map(find);
            let kinds = basic.zip(sharing).zip(auxiliary.zip(both));
            backbones.extend(kinds.map(|((basic, sharing), (auxiliary, both))| Backbone {
                recipe: recipe.name.clone(),
                name: table.backbone,
                comparison: comparison(recipe),
                kinds: [basic, sharing, auxiliary, both],
            }));
        }
    }
    backbones
}

/// The paper's own runs.
pub(crate) fn published_backbones() -> [Backbone; 2] {
    PUBLISHED.each_ref().map(|table| Backbone {
        recipe: "published".to_owned(),
        name: table.backbone,
        comparison: Comparison::Welch,
        kinds: table.rows.each_ref().map(Runs::published),
    })
}

fn comparison(recipe: &RecipeSettings) -> Comparison {
    if fields::draws_each_run(recipe) { Comparison::Paired } else { Comparison::Welch }
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
