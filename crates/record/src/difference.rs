//! In what two sweeps' settings differ, in words.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::sweep::{RecipeSettings, Settings};

/// One setting that two sweeps do not share.
///
/// Displays as "seed: 0 there, 7 asked".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which setting, e.g. `recipes.paper.learning_rate`.
    pub field: String,
    /// Its value in the sweep that is there; "absent" where it has none.
    pub there: String,
    /// The value that is asked for; "absent" where none is.
    pub asked: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} there, {} asked", self.field, self.there, self.asked)
    }
}

impl Settings {
    /// In what `asked` differs from these settings; empty where the sweep can go on.
    pub fn differences(&self, asked: &Settings) -> Vec<Difference> {
        let mut found = Differences::default();
        let names = |settings: &Settings| {
            settings.recipes.iter().map(|recipe| recipe.name.clone()).collect::<Vec<_>>()
        };
        found.compare("recipes", &names(self).join(", "), &names(asked).join(", "));
        for there in &self.recipes {
            let same_name = |recipe: &&RecipeSettings| recipe.name == there.name;
            if let Some(asked) = asked.recipes.iter().find(same_name) {
                let field = format!("recipes.{}", there.name);
                found.compare_values(&field, Some(&there.fields), Some(&asked.fields));
            }
        }
        found.compare("variants", &self.variants.join(", "), &asked.variants.join(", "));
        found.compare("runs", &self.runs, &asked.runs);
        found.compare("seed", &self.seed, &asked.seed);
        found.compare("device", &self.device, &asked.device);
        found.compare("test_every_epoch", &self.test_every_epoch, &asked.test_every_epoch);
        for file in self.data.keys().chain(asked.data.keys()).collect::<BTreeSet<_>>() {
            let checksum = |settings: &Settings| {
                settings.data.get(file).map_or("absent", String::as_str).to_owned()
            };
            found.compare(&format!("data.{file}"), &checksum(self), &checksum(asked));
        }
        found.0
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn compare<T: fmt::Display + PartialEq>(&mut self, field: &str, there: &T, asked: &T) {
        if there != asked {
            let (there, asked) = (there.to_string(), asked.to_string());
            self.0.push(Difference { field: field.to_owned(), there, asked });
        }
    }

    /// Goes down into objects, so that the field that differs is named and not all of them.
    fn compare_values(&mut self, field: &str, there: Option<&Value>, asked: Option<&Value>) {
        if let (Some(Value::Object(there)), Some(Value::Object(asked))) = (there, asked) {
            for key in there.keys().chain(asked.keys()).collect::<BTreeSet<_>>() {
                self.compare_values(&format!("{field}.{key}"), there.get(key), asked.get(key));
            }
        } else if there != asked {
            let words = |value: Option<&Value>| match value {
                None => "absent".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            let (there, asked) = (words(there), words(asked));
            self.0.push(Difference { field: field.to_owned(), there, asked });
        }
    }
}
