//! How far networks and recipes are from those that they are compared with.

use pairnet_record::RecipeSettings;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::fields;
use crate::runs::{Comparison, Runs, compare, paired_values, within};
use crate::statistics::{Interval, holm};

/// How far the mean test accuracy of one network, trained by one recipe, is from that of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What is compared.
    pub of: Cell,
    /// What it is compared with.
    pub from: Cell,
    /// Which runs are compared with which.
    pub comparison: Comparison,
    /// How many runs: pairs of runs where they are paired, else the fewer of the two.
    pub runs: usize,
    /// Whether each of several pairs of runs ended alike, as where a setting is about what the network has
    /// not: there is nothing to test then, and no part of the family.
    pub same: bool,
    /// In points; `None` where there is nothing to compare.
    pub value: Option<f64>,
    /// Its 95 % interval; `None` where there are too few runs, or all are the same.
    pub ci95: Option<Interval>,
    /// The two-sided p value of a t test of "no difference"; `None` where there is no interval.
    pub p: Option<f64>,
    /// The same, adjusted by Holm's procedure over all differences of the summary.
    pub p_holm: Option<f64>,
}

impl Difference {
    /// Whether the adjusted p value tells the two apart, at 5 %.
    pub fn is_apart(&self) -> bool {
        self.p_holm.is_some_and(|p| p < 0.05)
    }
}

/// One network, trained by one recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How it was trained.
    pub recipe: String,
    /// Which network.
    pub network: String,
}

impl Cell {
    fn of(entry: &Entry) -> Self {
        Self { recipe: entry.recipe.clone(), network: entry.variant.clone() }
    }
}

/// Two networks to compare, the first less the second.
pub(crate) struct Pair<'a> {
    pub(crate) of: &'a Entry,
    pub(crate) from: &'a Entry,
}

/// One a pair, adjusted together by Holm's procedure.
pub(crate) fn family(pairs: &[Pair<'_>], recipes: &[RecipeSettings]) -> Vec<Difference> {
    let recipe = |entry: &Entry| recipes.iter().find(|recipe| recipe.name == entry.recipe);
    let how = |pair: &Pair<'_>| match (recipe(pair.of), recipe(pair.from)) {
        (Some(a), Some(b)) => comparison(a, b),
        _ => Comparison::Welch,
    };
    let mut family: Vec<Difference> =
        pairs.iter().map(|pair| difference(pair, how(pair))).collect();
    let p_values: Vec<Option<f64>> = family.iter().map(|difference| difference.p).collect();
    for (difference, adjusted) in family.iter_mut().zip(holm(&p_values)) {
        difference.p_holm = adjusted;
    }
    family
}

/// Within a recipe that draws pairs for each run, runs of one number share them. Runs of two recipes
/// share more than chance where both say so.
fn comparison(a: &RecipeSettings, b: &RecipeSettings) -> Comparison {
    if a.name == b.name {
        within(a)
    } else if [a, b].into_iter().all(fields::has_common_random_numbers) {
        Comparison::Paired
    } else {
        Comparison::Welch
    }
}

fn difference(Pair { of, from }: &Pair<'_>, comparison: Comparison) -> Difference {
    let (a, b) = (Runs::of(of), Runs::of(from));
    let pairs = paired_values(&a, &b);
    let paired = comparison == Comparison::Paired;
    let same = paired && pairs.len() > 1 && pairs.iter().all(|(a, b)| (a - b).abs() < 1e-9);
    let found = compare(comparison, &a, &b);
    let tested = found.filter(|_| !same);
    Difference {
        of: Cell::of(of),
        from: Cell::of(from),
        comparison,
        runs: if paired { pairs.len() } else { a.test.n.min(b.test.n) },
        same,
        value: found.map(|found| found.value),
        ci95: tested.and_then(|found| found.interval(0.95)),
        p: tested.and_then(|found| found.p_two_sided()),
        p_holm: None,
    }
}
