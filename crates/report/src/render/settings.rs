//! In which settings the recipes `paper` and `authors` differ, and what that does.

use pairnet_record::RecipeSettings;
use serde_json::Value;

use crate::summary::Summary;

use super::block::Block;

/// A setting, its name for readers, and what it does to the numbers; one that is not here is
/// shown without words. The sources
/// of these are the formulas and measurements in `docs/recipes.md`.
const MEANINGS: [(&str, &str, &str); 8] = [
    (
        "adam_state",
        "Adam's state",
        "Adam that starts anew at every step moves each weight by the whole learning rate, \
         whatever the size of its gradient: steps never become smaller",
    ),
    (
        "auxiliary_loss",
        "Auxiliary loss",
        "The loss of the digit classes; with the softmax taken twice it cannot fall below 1.46 \
         for a digit, and its gradient stays small",
    ),
    (
        "auxiliary_weight",
        "Weight of the auxiliary loss",
        "The factor of each digit's loss; what counts is its ratio to the factor of the comparison",
    ),
    (
        "evaluation",
        "Mode of evaluation",
        "How accuracy is measured; in training mode each answer depends on the other pairs of its \
         batch, and dropout stays on",
    ),
    (
        "main_loss",
        "Main loss",
        "The loss of the comparison; the squared error's gradient vanishes where an answer is \
         wrong and sure",
    ),
    ("main_weight", "Weight of the main loss", "The factor of the comparison's loss"),
    (
        "pair_draw",
        "Draw of pairs",
        "When pairs are drawn; the luck of one draw for all runs is in the mean, and not in the \
         spread",
    ),
    (
        "train_accuracy",
        "Train accuracy",
        "When accuracy on training pairs is counted; during the last epoch it is that of a \
         network that is still changing, with dropout on",
    ),
];

/// One item a setting, under a sentence; nothing where the sweep has not both recipes.
pub(super) fn differences(summary: &Summary) -> Vec<Block> {
    let find = |name: &str| summary.recipes.iter().find(|recipe| recipe.name == name);
    let (Some(paper), Some(authors)) = (find("paper"), find("authors")) else {
        return Vec::new();
    };
    let items = items(paper, authors);
    if items.is_empty() {
        return Vec::new();
    }
    vec![Block::paragraph("The settings in which the two differ:"), Block::List(items)]
}

fn items(paper: &RecipeSettings, authors: &RecipeSettings) -> Vec<String> {
    let (Value::Object(text), Value::Object(code)) = (&paper.fields, &authors.fields) else {
        return Vec::new();
    };
    let mut fields: Vec<&String> = text.keys().chain(code.keys()).collect();
    fields.sort();
    fields.dedup();
    fields
        .into_iter()
        .filter(|field| *field != "name" && text.get(*field) != code.get(*field))
        .map(|field| {
            let (text, code) = (value(text.get(field)), value(code.get(field)));
            let known = MEANINGS.iter().find(|(known, ..)| known == field);
            let name = known.map_or(field.replace('_', " "), |(_, name, _)| (*name).to_owned());
            let meaning = known.map_or(String::new(), |(.., meaning)| format!(" {meaning}."));
            format!("*{name}*: *{text}* by the text, *{code}* by the code.{meaning}")
        })
        .collect()
}

fn value(value: Option<&Value>) -> String {
    match value {
        None => "—".to_owned(),
        Some(Value::String(name)) => name.replace('-', " "),
        Some(other) => other.to_string(),
    }
}
