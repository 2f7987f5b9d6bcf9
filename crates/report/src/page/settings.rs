//! In which settings the recipes `paper` and `authors` differ.

use pairnet_record::{RecipeSettings, Sweep};
use serde_json::Value;

use crate::render::{Align, Block};

/// What a setting is; a setting that is not here is shown without words.
const MEANINGS: [(&str, &str); 8] = [
    ("adam_state", "What becomes of the optimiser's memory between two steps"),
    ("auxiliary_loss", "The loss of the digit classes"),
    ("auxiliary_weight", "The factor of each digit's loss"),
    (
        "evaluation",
        "How accuracy is measured: in training mode, batch norm uses the statistics of each test \
         batch and dropout stays on",
    ),
    ("main_loss", "The loss of the comparison"),
    ("main_weight", "The factor of the comparison's loss"),
    ("pair_draw", "When pairs are drawn: for each run, or once for all of them"),
    ("train_accuracy", "When accuracy on the training pairs is counted"),
];

/// The table; nothing where the sweep has not both recipes.
pub(super) fn differences(sweep: &Sweep) -> Vec<Block> {
    let find = |name: &str| sweep.settings.recipes.iter().find(|recipe| recipe.name == name);
    let (Some(paper), Some(authors)) = (find("paper"), find("authors")) else {
        return Vec::new();
    };
    let rows = rows(paper, authors);
    if rows.is_empty() {
        return Vec::new();
    }
    let header = [
        ("Setting", Align::Left),
        ("`paper`: the text", Align::Left),
        ("`authors`: the code", Align::Left),
        ("What it is", Align::Left),
    ];
    vec![Block::heading(3, "Settings in which text and code differ"), Block::table(header, rows)]
}

fn rows(paper: &RecipeSettings, authors: &RecipeSettings) -> Vec<Vec<String>> {
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
            let meaning = MEANINGS.iter().find(|(name, _)| name == field);
            vec![
                field.replace('_', " "),
                value(text.get(field)),
                value(code.get(field)),
                meaning.map_or(String::new(), |(_, meaning)| (*meaning).to_owned()),
            ]
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
