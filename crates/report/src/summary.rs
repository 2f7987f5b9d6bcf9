//! What the records of a sweep say, as one value from which every output is made.

use pairnet_record::{Provenance, RecipeSettings, Study};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::against::AgainstTables;
use crate::data_set::DataSet;
use crate::difference::Difference;
use crate::entry::Entry;
use crate::factorial::FactorialEffect;
use crate::paper::claims::Claim;
use crate::paper::text_and_code::RecipeDifference;
use crate::statistics::Margins;

/// The version of `results.json`.
pub const RESULTS_FORMAT: u32 = 3;

/// What the records of a sweep say. Accuracies are in percent, differences in points.
///
/// Every number has twelve significant digits at most: what comes after them is the rounding of
/// sums. So its JSON is short, and read again it gives the same summary to the last bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`RESULTS_FORMAT`].
    pub format: u32,
    /// Which digits: the published numbers are about MNIST.
    pub data: DataSet,
    /// What was asked; `None` where the paper's recipes are reported as the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<Study>,
    /// How each recipe trains, in the order in which the sweep asks for them.
    pub recipes: Vec<RecipeSettings>,
    /// One a recipe and variant: recipes in the order in which the sweep asks for them, variants in
    /// that of a study, or of the paper's tables with others behind.
    pub entries: Vec<Entry>,
    /// How each recipe's means lie beside the published ones, for recipes that have some.
    pub against_tables: Vec<AgainstTables>,
    /// What the paper claims, put to the test; of MNIST, so that there is none for other digits.
    pub claims: Vec<Claim>,
    /// The same tests on the ten runs that the paper published; a family of their own.
    pub published_claims: Vec<Claim>,
    /// What sharing and the auxiliary loss are worth, alone and together.
    pub effects: Vec<FactorialEffect>,
    /// The same of the published runs.
    pub published_effects: Vec<FactorialEffect>,
    /// What the difference between the paper's text and its code is worth.
    pub paper_against_authors: Vec<RecipeDifference>,
    /// How far cells are from a study's base, and networks from its base network; of the paper's
    /// sweep, how far recipes that the paper has not are from the first. One family of tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// How far a mean may be from the published one and still count as reproduced.
    pub margins: Margins,
    /// The sweep's seed.
    pub seed: u64,
    /// Where the networks were trained.
    pub device: String,
    /// What trained them.
    pub provenance: Provenance,
    /// What was drawn of it, in reading order. [`crate::summarise`] draws nothing and leaves it
    /// empty.
    pub pictures: Vec<Picture>,
}

/// A picture that stands beside the results, as `figures/<name>.svg`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The name of its file, without `.svg`.
    pub name: String,
    /// What it is.
    pub title: String,
    /// What to see in it.
    pub caption: String,
}

impl Summary {
    /// The entry of `recipe` and `variant`, where the sweep asks for it.
    pub fn entry(&self, recipe: &str, variant: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.recipe == recipe && entry.variant == variant)
    }

    /// The names of the recipes, in the sweep's order.
    pub fn recipe_names(&self) -> impl Iterator<Item = &str> {
        self.recipes.iter().map(|recipe| recipe.name.as_str())
    }

    /// The names of the networks, in the order of the entries.
    pub fn networks(&self) -> impl Iterator<Item = &str> {
        let count = self.entries.len() / self.recipes.len().max(1);
        self.entries.iter().take(count).map(|entry| entry.variant.as_str())
    }

    /// Whether the entries are one a recipe and network, in their order.
    pub(crate) fn is_grid(&self) -> bool {
        let networks: Vec<&str> = self.networks().collect();
        let of_recipe = |recipe| networks.iter().map(move |network| (recipe, *network));
        let entries = self.entries.iter().map(|entry| (&*entry.recipe, &*entry.variant));
        !networks.is_empty() && self.recipe_names().flat_map(of_recipe).eq(entries)
    }

    /// The same with twelve significant digits of every number.
    pub(crate) fn rounded(self) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        round(&mut value);
        serde_json::from_value(value)
    }
}

fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().and_then(|exact| format!("{exact:.11e}").parse().ok());
            if let Some(rounded) = rounded.and_then(Number::from_f64) {
                *number = rounded;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}
