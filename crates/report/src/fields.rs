//! What a recipe's fields say that decides how its runs are compared.
//!
//! The fields are those of `pairnet_training::Recipe`, by name; what a recipe does not say is taken
//! for what claims less.

use pairnet_record::{RecipeSettings, Settings};
use serde_json::Value;

fn text<'a>(recipe: &'a RecipeSettings, field: &str) -> Option<&'a str> {
    recipe.fields.get(field).and_then(Value::as_str)
}

/// Whether runs of one number share their pairs, and runs of different numbers do not.
pub(crate) fn draws_each_run(recipe: &RecipeSettings) -> bool {
    text(recipe, "pair_draw") == Some("each-run")
}

/// Whether training accuracy is counted during the last epoch, as the published one is.
pub(crate) fn counts_while_training(recipe: &RecipeSettings) -> bool {
    text(recipe, "train_accuracy") == Some("during-last-epoch")
}

/// Whether the networks were trained on the pairs of the published runs: those that PyTorch's
/// generator draws from seed 0 out of MNIST. It takes 32 bits of a seed.
pub(crate) fn published_pairs(recipe: &RecipeSettings, settings: &Settings, mnist: bool) -> bool {
    let pairs = recipe.fields.get("pairs").and_then(Value::as_u64);
    mnist
        && text(recipe, "pair_draw") == Some("pytorch-once-per-kind")
        && pairs == Some(1_000)
        && settings.seed as u32 == 0
}
