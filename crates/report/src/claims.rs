//! What the paper claims about test accuracy, and what its text and code differ by, as tests.

use pairnet_record::RecipeSettings;
use serde::{Deserialize, Serialize};

use crate::published::PUBLISHED;
use crate::statistics::{Estimate, Interval, Moments, holm, paired, welch};
use crate::summary::Entry;

/// One of the paper's claims for one recipe and backbone: that the first network's test accuracy
/// is above the other's.
///
/// All claims of a summary are one family of tests, declared beforehand: for each recipe and
/// backbone whose four networks are asked for, the three of [`CLAIMS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// How the networks were trained.
    pub recipe: String,
    /// As the paper calls it.
    pub backbone: String,
    /// What is claimed.
    pub claim: String,
    /// The network that is claimed to be better.
    pub better: String,
    /// The network that it is compared with: of several, the one that it beats least surely,
    /// since the claim holds only if it beats that one too.
    pub than: String,
    /// Which runs are compared with which.
    pub comparison: Comparison,
    /// By how many points; `None` where there is nothing to compare.
    pub effect: Option<f64>,
    /// The effect's 95 % interval; `None` where there are too few runs.
    pub ci95: Option<Interval>,
    /// The p value, one-sided, of "not better"; `None` where there are too few runs.
    pub p: Option<f64>,
    /// The same, adjusted by Holm's procedure over all claims that could be tested.
    pub p_holm: Option<f64>,
    /// How often the one beat the other, run against run.
    pub contests: Contests,
    /// What follows.
    pub outcome: Outcome,
}

/// Which runs are compared with which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Each run with the run of the same number, which has the same pairs: a paired t test.
    Paired,
    /// The runs share nothing, or all of them the same pairs: a Welch test.
    Welch,
}

/// How often one network's runs beat the other's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contests {
    /// Runs of the first that are better.
    pub won: usize,
    /// As good.
    pub tied: usize,
    /// Worse.
    pub lost: usize,
}

/// What the records say about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The adjusted p value is below 5 %.
    Holds,
    /// The effect's 95 % interval lies below 0: it is the other way round.
    Contradicted,
    /// Neither.
    Undecided,
}

/// What the difference between the paper's text and its code is worth for one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeDifference {
    /// Which network.
    pub variant: String,
    /// Mean test accuracy of recipe `paper`, in percent.
    pub paper: Option<f64>,
    /// Mean test accuracy of recipe `authors`, in percent.
    pub authors: Option<f64>,
    /// `paper` less `authors`, in points.
    pub difference: Option<f64>,
    /// The difference's 95 % Welch interval.
    pub ci95: Option<Interval>,
}

/// What the paper claims: the claim, the better network and those that it beats, as rows of a
/// published table (basic, weight sharing, auxiliary loss, both).
pub const CLAIMS: [(&str, usize, &[usize]); 3] = [
    ("weight sharing beats basic", 1, &[0]),
    ("adding auxiliary loss beats sharing", 3, &[1]),
    ("both together are best", 3, &[0, 1, 2]),
];

pub(crate) fn test_claims(recipes: &[RecipeSettings], entries: &[Entry]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for recipe in recipes {
        let comparison = comparison(recipe);
        for table in &PUBLISHED {
            let rows: Vec<&Entry> = table
                .rows
                .iter()
                .filter_map(|row| find(entries, &recipe.name, row.variant))
                .collect();
            if rows.len() < table.rows.len() {
                continue;
            }
            for (claim, better, rivals) in CLAIMS {
                let closest = rivals
                    .iter()
                    .map(|&rival| (rival, difference(comparison, rows[better], rows[rival])));
                // An effect that cannot be tested is the least sure of all.
                let sureness = |difference: &Option<Estimate>| {
                    difference.and_then(|d| d.p_greater()).unwrap_or(f64::INFINITY)
                };
                let Some((rival, estimate)) =
                    closest.max_by(|a, b| sureness(&a.1).total_cmp(&sureness(&b.1)))
                else {
                    continue;
                };
                claims.push(Claim {
                    recipe: recipe.name.clone(),
                    backbone: table.backbone.to_owned(),
                    claim: claim.to_owned(),
                    better: table.rows[better].variant.to_owned(),
                    than: table.rows[rival].variant.to_owned(),
                    comparison,
                    effect: estimate.map(|estimate| estimate.value),
                    ci95: estimate.and_then(|estimate| estimate.interval(0.95)),
                    p: estimate.and_then(|estimate| estimate.p_greater()),
                    p_holm: None,
                    contests: contests(comparison, rows[better], rows[rival]),
                    outcome: Outcome::Undecided,
                });
            }
        }
    }
    let p_values: Vec<Option<f64>> = claims.iter().map(|claim| claim.p).collect();
    for (claim, adjusted) in claims.iter_mut().zip(holm(&p_values)) {
        claim.p_holm = adjusted;
        claim.outcome = if adjusted.is_some_and(|p| p < 0.05) {
            Outcome::Holds
        } else if claim.ci95.is_some_and(|interval| interval.high < 0.0) {
            Outcome::Contradicted
        } else {
            Outcome::Undecided
        };
    }
    claims
}

pub(crate) fn paper_against_authors(
    variants: &[String],
    entries: &[Entry],
) -> Vec<RecipeDifference> {
    let difference = |variant: &String| {
        let paper = find(entries, "paper", variant)?;
        let authors = find(entries, "authors", variant)?;
        let difference = difference(Comparison::Welch, paper, authors);
        Some(RecipeDifference {
            variant: variant.clone(),
            paper: paper.test.statistics.mean,
            authors: authors.test.statistics.mean,
            difference: difference.map(|difference| difference.value),
            ci95: difference.and_then(|difference| difference.interval(0.95)),
        })
    };
    variants.iter().filter_map(difference).collect()
}

fn find<'a>(entries: &'a [Entry], recipe: &str, variant: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.recipe == recipe && entry.variant == variant)
}

/// Runs of one number share their pairs where each run draws its own; what a recipe does not say
/// is taken for the weaker test.
fn comparison(recipe: &RecipeSettings) -> Comparison {
    match recipe.fields.get("pair_draw").and_then(|draw| draw.as_str()) {
        Some("each-run") => Comparison::Paired,
        _ => Comparison::Welch,
    }
}

/// Test accuracy of `a` less that of `b`.
fn difference(comparison: Comparison, a: &Entry, b: &Entry) -> Option<Estimate> {
    match comparison {
        Comparison::Paired => {
            let differences: Vec<f64> = shared(a, b).map(|(a, b)| a - b).collect();
            paired(&differences)
        }
        Comparison::Welch => {
            let moments = |entry: &Entry| Moments::of(&entry.test.statistics);
            Some(welch(moments(a)?, moments(b)?))
        }
    }
}

/// The test accuracies of the runs that both have.
fn shared(a: &Entry, b: &Entry) -> impl Iterator<Item = (f64, f64)> {
    let runs = |entry: &Entry| {
        entry
            .measured_runs
            .iter()
            .copied()
            .zip(entry.test.statistics.values.iter().copied())
            .collect::<Vec<_>>()
    };
    let of_b: std::collections::BTreeMap<usize, f64> = runs(b).into_iter().collect();
    runs(a).into_iter().filter_map(move |(run, a)| Some((a, *of_b.get(&run)?)))
}

fn contests(comparison: Comparison, a: &Entry, b: &Entry) -> Contests {
    let mut contests = Contests::default();
    let mut count = |a: f64, b: f64| {
        let field = match a.total_cmp(&b) {
            std::cmp::Ordering::Greater => &mut contests.won,
            std::cmp::Ordering::Equal => &mut contests.tied,
            std::cmp::Ordering::Less => &mut contests.lost,
        };
        *field += 1;
    };
    match comparison {
        Comparison::Paired => shared(a, b).for_each(|(a, b)| count(a, b)),
        Comparison::Welch => {
            for &a in &a.test.statistics.values {
                for &b in &b.test.statistics.values {
                    count(a, b);
                }
            }
        }
    }
    contests
}
