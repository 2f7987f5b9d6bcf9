//! In which settings the recipes `paper` and `authors` differ, and what that does: what the text says is
//! told apart from what is usual where it is silent.

use crate::render::cells::NOTHING;
use crate::render::terms::{self, value};
use crate::render::{Align, Block};
use crate::summary::Summary;
use crate::words::decapitalised;

/// A setting in which text and code differ.
struct Setting {
    field: &'static str,
    /// What the paper's text says of it; nothing where it is silent.
    text: Option<&'static str>,
    /// What it does to the numbers. The sources of these are the formulas and measurements in
    /// `docs/recipes.md`.
    meaning: &'static str,
}

impl Setting {
    /// For readers.
    fn name(&self) -> &'static str {
        terms::field(self.field)
    }
}

const SETTINGS: [Setting; 7] = [
    Setting {
        field: "auxiliary_weight",
        text: Some("0.5"),
        meaning: "The comparison's loss has the weight 0.3 in both; what counts is the ratio of the two, \
                  since Adam divides a common factor out",
    },
    Setting {
        field: "auxiliary_loss",
        text: None,
        meaning: "With the softmax taken twice it cannot fall below 1.46 for a digit, and its \
                  gradient stays small",
    },
    Setting {
        field: "main_loss",
        text: None,
        meaning: "The squared error's gradient vanishes where an answer is wrong and sure",
    },
    Setting {
        field: "adam_state",
        text: None,
        meaning: "Adam that starts anew at every step moves each weight by the whole learning rate, \
                  whatever the size of its gradient: steps never become smaller",
    },
    Setting {
        field: "evaluation",
        text: None,
        meaning: "In training mode each answer depends on the other pairs of its batch, and dropout \
                  stays on",
    },
    Setting {
        field: "train_accuracy",
        text: None,
        meaning: "During the last epoch it is that of a network that is still changing, with dropout \
                  on",
    },
    Setting {
        field: "pair_draw",
        text: None,
        meaning: "With one draw for all runs of a kind, its luck is in every mean and in no spread",
    },
];

/// What the text says, what is usual where it is silent, and what the code does; nothing where the
/// sweep has not both recipes.
pub(super) fn differences(summary: &Summary) -> Vec<Block> {
    let find = |name: &str| summary.recipes.iter().find(|recipe| recipe.name == name);
    let (Some(paper), Some(authors)) = (find("paper"), find("authors")) else {
        return Vec::new();
    };
    let differing: Vec<&Setting> = SETTINGS
        .iter()
        .filter(|setting| paper.fields.get(setting.field) != authors.fields.get(setting.field))
        .collect();
    if differing.is_empty() {
        return Vec::new();
    }
    let header = [
        ("What", Align::Left),
        ("the text says", Align::Left),
        ("practice, where it is silent", Align::Left),
        ("the code does", Align::Left),
    ];
    let row = |setting: &&Setting| {
        let practice = match setting.text {
            Some(_) => NOTHING.to_owned(),
            None => value(paper.fields.get(setting.field)),
        };
        let text = setting.text.unwrap_or(NOTHING).to_owned();
        vec![setting.name().to_owned(), text, practice, value(authors.fields.get(setting.field))]
    };
    let meanings =
        differing.iter().map(|s| format!("*{}*: {}.", s.name(), decapitalised(s.meaning)));
    vec![Block::table(header, differing.iter().map(row).collect()), Block::List(meanings.collect())]
}
