//! What a recipe's fields say that decides how its runs are compared.
//!
//! The fields are those of `pairnet_training::Recipe`, by name; what a recipe does not say is taken
//! for what claims less.

use pairnet_record::RecipeSettings;
use serde_json::Value;

pub(crate) fn text<'a>(recipe: &'a RecipeSettings, field: &str) -> Option<&'a str> {
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

/// Whether runs of one number share pairs, initial weights and dropout masks with those of other
/// recipes that say the same.
pub(crate) fn has_common_random_numbers(recipe: &RecipeSettings) -> bool {
    draws_each_run(recipe) && text(recipe, "random_numbers") == Some("common")
}
