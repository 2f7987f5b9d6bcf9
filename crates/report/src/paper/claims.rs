//! What the paper claims about test accuracy, put to the test.

use serde::{Deserialize, Serialize};

use crate::runs::{Backbone, Comparison, compare, paired_values, total95};
use crate::statistics::{
    Estimate, Interval, Superiority, holm, sign_flip_p_greater, superiority, superiority_paired,
};

/// One of the paper's claims for one recipe and backbone: that the first network's test accuracy
/// is above the other's.
///
/// All claims of a list are one family of tests: for each recipe and backbone whose four networks
/// are there, the three of [`CLAIMS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// How the networks were trained; "published" for the paper's own runs.
    pub recipe: String,
    /// As the paper calls it.
    pub backbone: String,
    /// What is claimed.
    pub claim: String,
    /// The network that is claimed to be better.
    pub better: String,
    /// The network that it is compared with: of several, the one with the largest p value, since
    /// the claim holds only if that one is beaten too.
    pub than: String,
    /// Which runs are compared with which.
    pub comparison: Comparison,
    /// By how many points; `None` where there is nothing to compare.
    pub effect: Option<f64>,
    /// The effect's 95 % interval; `None` where there are too few runs.
    pub ci95: Option<Interval>,
    /// The effect's 95 % interval on other test pairs, where the runs of a network share theirs;
    /// `None` where [`Claim::ci95`] covers that too, and without predictions.
    pub total95: Option<Interval>,
    /// The p value, one-sided, of "not better" by a t test; `None` where there are too few runs.
    pub p: Option<f64>,
    /// The same, adjusted by Holm's procedure over all claims that could be tested.
    pub p_holm: Option<f64>,
    /// The p value of an exact sign-flip test, beside a paired t test.
    pub p_sign_flip: Option<f64>,
    /// The probability that a run of the one beats a run of the other.
    pub superiority: Option<Superiority>,
    /// What follows.
    pub outcome: Outcome,
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

/// What the paper claims: the claim, the better network and those that it beats, by their kinds
/// (basic, weight sharing, auxiliary loss, both).
pub const CLAIMS: [(&str, usize, &[usize]); 3] = [
    ("weight sharing beats basic", 1, &[0]),
    ("adding auxiliary loss beats sharing", 3, &[1]),
    ("both together are best", 3, &[0, 1, 2]),
];

/// The claims for each of `backbones`, as one family.
pub(crate) fn test_claims(backbones: &[Backbone]) -> Vec<Claim> {
    let mut claims: Vec<Claim> = backbones
        .iter()
        .flat_map(|backbone| CLAIMS.iter().filter_map(|claim| test_claim(backbone, *claim)))
        .collect();
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

fn test_claim(
    backbone: &Backbone,
    (claim, better, rivals): (&str, usize, &[usize]),
) -> Option<Claim> {
    let Backbone { comparison, kinds, .. } = backbone;
    let better = &kinds[better];
    let compared =
        rivals.iter().map(|&rival| (&kinds[rival], compare(*comparison, better, &kinds[rival])));
    // An effect that cannot be tested is the least sure of all.
    let sureness = |difference: &Option<Estimate>| {
        difference.and_then(|difference| difference.p_greater()).unwrap_or(f64::INFINITY)
    };
    let smallest = |difference: &Option<Estimate>| difference.map_or(f64::INFINITY, |d| -d.value);
    let (than, difference) = compared.max_by(|a, b| {
        let by_p = sureness(&a.1).total_cmp(&sureness(&b.1));
        by_p.then(smallest(&a.1).total_cmp(&smallest(&b.1)))
    })?;
    let pairs = paired_values(better, than);
    let (p_sign_flip, superiority) = match comparison {
        Comparison::Paired => {
            let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
            (sign_flip_p_greater(&differences), superiority_paired(&pairs))
        }
        Comparison::Welch => (None, superiority(&better.test.values, &than.test.values)),
    };
    Some(Claim {
        recipe: backbone.recipe.clone(),
        backbone: backbone.name.clone(),
        claim: claim.to_owned(),
        better: better.variant.clone(),
        than: than.variant.clone(),
        comparison: *comparison,
        effect: difference.map(|difference| difference.value),
        ci95: difference.and_then(|difference| difference.interval(0.95)),
        total95: difference
            .and_then(|difference| total95(difference, &[(1.0, better), (-1.0, than)])),
        p: difference.and_then(|difference| difference.p_greater()),
        p_holm: None,
        p_sign_flip,
        superiority,
        outcome: Outcome::Undecided,
    })
}
