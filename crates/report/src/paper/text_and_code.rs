//! What the difference between the paper's text and its code is worth.

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::runs::Runs;
use crate::statistics::{Interval, Part, estimate, welch};

/// What the difference between the paper's text and its code is worth for one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeDifference {
    /// Which network.
    pub variant: String,
    /// Mean test accuracy of recipe `paper`, in percent.
    pub paper: Option<f64>,
    /// Mean test accuracy of recipe `authors`, in percent.
    pub authors: Option<f64>,
    /// `paper` minus `authors`, in points.
    pub difference: Option<f64>,
    /// The difference's 95 % Welch interval.
    pub ci95: Option<Interval>,
    /// The same on other test pairs than the one draw that the runs of `authors` share; `None`
    /// without predictions.
    pub total95: Option<Interval>,
}

/// One a variant that both recipes have trained.
pub(crate) fn paper_against_authors(entries: &[Entry]) -> Vec<RecipeDifference> {
    let of = |recipe: &'static str| entries.iter().filter(move |entry| entry.recipe == recipe);
    let difference = |paper: &Entry| {
        let authors = of("authors").find(|entry| entry.variant == paper.variant)?;
        let (paper, authors) = (Runs::of(paper), Runs::of(authors));
        let difference = paper.moments().zip(authors.moments()).map(|(a, b)| welch(a, b));
        let total95 = difference.zip(authors.draw).and_then(|(difference, draw)| {
            estimate(difference.value, &[Part::of(&difference)?, draw]).interval(0.95)
        });
        Some(RecipeDifference {
            variant: paper.variant.clone(),
            paper: paper.test.mean,
            authors: authors.test.mean,
            difference: difference.map(|difference| difference.value),
            ci95: difference.and_then(|difference| difference.interval(0.95)),
            total95,
        })
    };
    of("paper").filter_map(difference).collect()
}
