//! In what two sweeps' settings differ, in words.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use crate::sweep::{RecipeSettings, Settings, Sweep};

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

impl Sweep {
    /// What `asked` would change in the records of this sweep; empty where both can share a folder.
    ///
    /// More runs, other recipes and other variants change no record that is there.
    pub fn differences(&self, asked: &Sweep) -> Vec<Difference> {
        let mut found = Differences::default();
        for there in &self.settings.recipes {
            let same_name = |recipe: &&RecipeSettings| recipe.name == there.name;
            if let Some(asked) = asked.settings.recipes.iter().find(same_name) {
                let field = format!("recipes.{}", there.name);
                found.compare_values(&field, Some(&there.fields), Some(&asked.fields));
            }
        }
        for there in &self.networks {
            if let Some(asked) = asked.networks.iter().find(|asked| asked.name == there.name) {
                let field = format!("networks.{}", there.name);
                found.compare_values(&field, Some(&json!(there)), Some(&json!(asked)));
            }
        }
        let (there, asked) = (&self.settings, &asked.settings);
        found.compare("seed", &there.seed, &asked.seed);
        found.compare("device", &there.device, &asked.device);
        found.compare("test_every_epoch", &there.test_every_epoch, &asked.test_every_epoch);
        for file in there.data.keys().chain(asked.data.keys()).collect::<BTreeSet<_>>() {
            let checksum = |settings: &Settings| {
                settings.data.get(file).map_or("absent", String::as_str).to_owned()
            };
            found.compare(&format!("data.{file}"), &checksum(there), &checksum(asked));
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

    /// Goes down into objects, and into lists of one length, so that the field that differs is named
    /// and not all of them.
    fn compare_values(&mut self, field: &str, there: Option<&Value>, asked: Option<&Value>) {
        if let (Some(Value::Array(there)), Some(Value::Array(asked))) = (there, asked)
            && there.len() == asked.len()
        {
            for (index, (there, asked)) in there.iter().zip(asked).enumerate() {
                self.compare_values(&format!("{field}.{index}"), Some(there), Some(asked));
            }
        } else if let (Some(Value::Object(there)), Some(Value::Object(asked))) = (there, asked) {
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
