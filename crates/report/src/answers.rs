//! Which test pairs the networks got right, run by run.

use std::collections::BTreeMap;

use pairnet_record::{Predictions, RecipeSettings};

use crate::error::ReportError;
use crate::fields;
use crate::statistics::{Components, CrossedCounts, PairCountError};

/// Which test pairs the networks of a sweep got right; empty where nothing was kept of it.
#[derive(Clone, Debug, Default)]
pub struct Answers(BTreeMap<(String, String), OfNetwork>);

#[derive(Clone, Debug)]
struct OfNetwork {
    /// Of the first run.
    classes: Vec<[u8; 2]>,
    /// Whether every run so far has the same pairs.
    shared: bool,
    counts: CrossedCounts,
}

impl Answers {
    /// Adds what one run's network said.
    ///
    /// # Errors
    ///
    /// Where it was asked of another number of pairs than the runs before it.
    pub fn add(&mut self, predictions: &Predictions) -> Result<(), ReportError> {
        let Predictions { recipe, variant, run, classes, .. } = predictions;
        let mut right = vec![true; classes.len()];
        predictions.wrong().for_each(|pair| right[pair] = false);
        let network = self.0.entry((recipe.clone(), variant.clone())).or_insert_with(|| {
            OfNetwork { classes: classes.clone(), shared: true, counts: CrossedCounts::default() }
        });
        network.shared &= network.classes == *classes;
        let (recipe, variant, run) = (recipe.clone(), variant.clone(), *run);
        let refused = |PairCountError { expected, found }| ReportError::PairCount {
            recipe,
            variant,
            run,
            found,
            expected,
        };
        network.counts.add(&right).map_err(refused)
    }

    /// What test accuracy varies by; `None` with fewer than two runs.
    pub(crate) fn components(&self, recipe: &RecipeSettings, variant: &str) -> Option<Components> {
        let network = self.0.get(&(recipe.name.clone(), variant.to_owned()))?;
        // Digits of one's own may all be of one class, and pairs then look alike that are not.
        network.counts.components(network.shared && !fields::draws_each_run(recipe))
    }
}
