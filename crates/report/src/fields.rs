//! What a recipe's fields say that decides how its runs are compared.
//!
//! The fields are those of `pairnet_training::Recipe`, by name; what a recipe does not say is taken
//! for what claims less.

use pairnet_record::RecipeSettings;
use serde_json::{Value, json};

/// What `recipe` has in `field`, or what its absence stands for; `None` where that is not known.
pub(crate) fn value(recipe: &RecipeSettings, field: &str) -> Option<Value> {
    if let Some(value) = recipe.fields.get(field) {
        return Some(value.clone());
    }
    match field {
        "training_pairs" => recipe.fields.get("pairs").cloned(),
        "momentum" | "weight_decay" | "warm_up" | "label_smoothing" => Some(json!(0)),
        "gradient_clip" => Some(json!("none")),
        "optimiser" => Some(json!("adam")),
        "schedule" => Some(json!("constant")),
        "order" => Some(json!("fixed")),
        "input_scale" => Some(json!("raw")),
        "random_numbers" => Some(json!("own")),
        _ => None,
    }
}

/// The fields that `recipe` has. What it is called is no setting of it.
pub(crate) fn names(recipe: &RecipeSettings) -> impl Iterator<Item = &str> {
    let fields = recipe.fields.as_object().into_iter().flat_map(|fields| fields.keys());
    fields.map(String::as_str).filter(|field| *field != "name")
}

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
