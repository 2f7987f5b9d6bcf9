//! A study's file: from TOML to the plan of a sweep, and what is asked.

use std::collections::BTreeMap;

use pairnet_models::variants;
use pairnet_network::Architecture;
use pairnet_record::{Reference, STUDY_FORMAT, Study};
use pairnet_training::{Plan, RandomNumbers, Recipe};
use serde::Deserialize;
use toml::Spanned;

use crate::cells::{Setting, check_name, json, name_of, with};
use crate::error::{StudyError, unknown};
use crate::networks::network;

/// Cells that a study can have at most.
pub const MOST_CELLS: usize = 10_000;

/// Runs of each cell and network where the file says nothing, as in the paper.
const RUNS: usize = 10;

/// What the cell of the base recipe is called where `[set]` makes it another.
const BASE: &str = "base";

/// Fields by name, each with its place in the file.
type Settings = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// The file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    question: String,
    base: Option<Spanned<String>>,
    base_network: Option<Spanned<String>>,
    #[serde(default)]
    compare: Vec<[Spanned<String>; 2]>,
    runs: Option<usize>,
    seed: Option<u64>,
    variants: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    set: Settings,
    #[serde(default)]
    grid: BTreeMap<Spanned<String>, Spanned<Vec<toml::Value>>>,
    #[serde(default)]
    cell: Vec<Spanned<Settings>>,
    #[serde(default)]
    network: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    reference: Vec<Spanned<Reference>>,
}

/// Reads a study's file: what is to be trained, and what is asked.
///
/// ```
/// let text = r#"
/// title = "Longer trainings"
/// question = "The paper trains for 25 epochs. Is that enough?"
/// base = "paper"
/// variants = ["mlp-ws-al", "wide"]
///
/// [grid]
/// epochs = [10, 25, 50]
///
/// [[cell]]
/// name = "faster"
/// learning_rate = 0.02
///
/// [[network]]
/// name = "wide"
/// from = "mlp-ws-al"
/// branch_outputs = [400, 168, 10]
/// "#;
/// let (plan, study) = pairnet_study::read(text)?;
/// let cells: Vec<&str> = plan.recipes.iter().map(|recipe| &*recipe.name).collect();
/// assert_eq!(cells, ["paper", "epochs-10", "epochs-50", "faster"]);
/// assert_eq!((study.base, study.axes), ("paper".to_owned(), vec!["epochs".to_owned()]));
/// assert_eq!((plan.variants.len(), plan.jobs().count()), (2, 80));
/// # Ok::<(), pairnet_study::StudyError>(())
/// ```
///
/// The base's own cell comes first, then those of the grid, whose last list goes fastest, then those with
/// names. All of them have their random numbers in common ([`RandomNumbers::Common`]).
///
/// # Errors
///
/// With the line of the file where it is no TOML; where a field, a recipe, a variant or a value is
/// unknown, with the nearest that there is; where two cells or networks have one name, or a cell is the
/// base under another name; where a network's sizes do not fit each other.
pub fn read(text: &str) -> Result<(Plan, Study), StudyError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let told = StudyError::new(error.message().trim_end());
        error.span().map_or(told.clone(), |span| told.at(text, span.start))
    })?;
    if file.title.trim().is_empty() {
        return Err(StudyError::new("the title is empty"));
    }
    let (base, set) = file.base(text)?;
    let axes = in_file_order(&file.grid);
    let mut recipes = vec![base.clone()];
    for (place, cell) in file.grid_cells(text, &base, &axes)? {
        add(&mut recipes, cell).map_err(|error| error.at(text, place))?;
    }
    for cell in &file.cell {
        let recipe = named_cell(text, (&base, &set), cell)?;
        if let Some(same) = recipes.iter().find(|other| same_training(other, &recipe)) {
            let reason = format!("cell '{}' is cell '{}' again", recipe.name, same.name);
            return Err(StudyError::new(reason).at(text, cell.span().start));
        }
        add(&mut recipes, recipe).map_err(|error| error.at(text, cell.span().start))?;
    }
    let variants = file.networks(text)?;
    let known = |name: &Spanned<String>, names: &[&str], what: &str| {
        let found = names.contains(&name.get_ref().as_str());
        let error = || unknown(what, name.get_ref(), names.iter().copied());
        if found { Ok(()) } else { Err(error().at(text, name.span().start)) }
    };
    let network_names: Vec<&str> = variants.iter().map(|network| &*network.name).collect();
    if let Some(name) = &file.base_network {
        known(name, &network_names, "network")?;
    }
    for (index, [better, than]) in file.compare.iter().enumerate() {
        let same = |other: &&[Spanned<String>; 2]| {
            let [a, b] = other.each_ref().map(Spanned::get_ref);
            [[a, b], [b, a]].contains(&[better.get_ref(), than.get_ref()])
        };
        if file.compare[..index].iter().any(|other| same(&other)) {
            let (better, than, place) = (better.get_ref(), than.get_ref(), better.span().start);
            let reason = format!("'{better}' and '{than}' are compared twice");
            return Err(StudyError::new(reason).at(text, place));
        }
        known(better, &network_names, "network")?;
        known(than, &network_names, "network")?;
        if better.get_ref() == than.get_ref() {
            let reason = format!("'{}' is compared with itself", than.get_ref());
            return Err(StudyError::new(reason).at(text, than.span().start));
        }
    }
    for reference in &file.reference {
        let Reference { cell, network, mean, std, .. } = reference.get_ref();
        let percent = |value: &f64| (0.0..=100.0).contains(value);
        if !percent(mean) || !std.iter().all(percent) {
            let reason = "a reference's mean is in percent, and its std in points".to_owned();
            return Err(StudyError::new(reason).at(text, reference.span().start));
        }
        let cells: Vec<&str> = recipes.iter().map(|recipe| &*recipe.name).collect();
        let place = reference.span();
        known(&Spanned::new(place.clone(), cell.clone()), &cells, "cell")?;
        known(&Spanned::new(place, network.clone()), &network_names, "network")?;
    }
    let study = Study {
        format: STUDY_FORMAT,
        title: file.title,
        question: file.question.trim().to_owned(),
        base: base.name,
        base_network: file.base_network.map(Spanned::into_inner),
        contrasts: file.compare.into_iter().map(|pair| pair.map(Spanned::into_inner)).collect(),
        axes: axes.into_iter().map(|(field, _)| field.get_ref().clone()).collect(),
        references: file.reference.into_iter().map(Spanned::into_inner).collect(),
    };
    let (runs, seed) = (file.runs.unwrap_or(RUNS), file.seed.unwrap_or(0));
    Ok((Plan { recipes, variants, runs, seed }, study))
}

impl File {
    /// The cell that the others are compared with, and what is set in all of them.
    fn base(&self, text: &str) -> Result<(Recipe, Vec<Setting>), StudyError> {
        let recipe = match &self.base {
            Some(name) => known_recipe(name).map_err(|error| error.at(text, name.span().start))?,
            None => Recipe::paper(),
        };
        let recipe = Recipe { random_numbers: RandomNumbers::Common, ..recipe };
        let changed = settings(text, &recipe, &self.set)?;
        let name = if self.set.is_empty() { &recipe.name } else { BASE };
        let place = self.set.keys().map(|field| field.span().start).min();
        let base =
            with(&recipe, name, &changed).map_err(|error| error.at(text, place.unwrap_or(0)))?;
        Ok((base, changed))
    }

    /// The cells of the grid but for the base's own, with the place of the grid in the file.
    fn grid_cells(
        &self,
        text: &str,
        base: &Recipe,
        axes: &[(&Spanned<String>, &Spanned<Vec<toml::Value>>)],
    ) -> Result<Vec<(usize, Recipe)>, StudyError> {
        let Some(place) = axes.first().map(|(field, _)| field.span().start) else {
            return Ok(Vec::new());
        };
        let mut points: Vec<Vec<Setting>> = vec![Vec::new()];
        for (field, values) in axes {
            let here = |error: StudyError| error.at(text, field.span().start);
            let values = values.get_ref().iter().map(|value| {
                let setting =
                    Setting { field: field.get_ref().clone(), value: json(value.clone())? };
                // Each value alone, so that the line of the one that cannot be is told.
                base.with(&setting.field, setting.value.clone()).map_err(StudyError::new)?;
                Ok(setting)
            });
            let values = values.collect::<Result<Vec<Setting>, _>>().map_err(here)?;
            if values.is_empty() {
                return Err(here(StudyError::new(format!("{}: no values", field.get_ref()))));
            }
            if points.len().saturating_mul(values.len()) > MOST_CELLS {
                return Err(here(StudyError::new(format!(
                    "the grid has more than {MOST_CELLS} cells"
                ))));
            }
            let further = |point: &Vec<Setting>| -> Vec<Vec<Setting>> {
                values.iter().map(|value| [point, std::slice::from_ref(value)].concat()).collect()
            };
            points = points.iter().flat_map(further).collect();
        }
        let mut cells: Vec<(usize, Recipe)> = Vec::with_capacity(points.len());
        for point in points {
            let cell =
                with(base, &name_of(&point), &point).map_err(|error| error.at(text, place))?;
            let there = cells.iter().map(|(_, cell)| cell).chain([base]);
            if !there.into_iter().any(|other| same_training(other, &cell)) {
                cells.push((place, cell));
            }
        }
        Ok(cells)
    }

    /// The networks: those of the table or of the file, by name; all of either where none is named.
    fn networks(&self, text: &str) -> Result<Vec<Architecture>, StudyError> {
        let mut own: Vec<Architecture> = Vec::new();
        for table in &self.network {
            let here = |error: StudyError| error.at(text, table.span().start);
            let network = network(table.get_ref().clone()).map_err(here)?;
            if own.iter().chain(variants()).any(|other| other.name == network.name) {
                let reason = format!("there are two networks '{}'", network.name);
                return Err(here(StudyError::new(reason)));
            }
            own.push(network);
        }
        let Some(asked) = &self.variants else {
            return Ok(if own.is_empty() { variants().to_vec() } else { own });
        };
        let all = || own.iter().chain(variants());
        let mut networks: Vec<Architecture> = Vec::new();
        for name in asked {
            let here = |error: StudyError| error.at(text, name.span().start);
            let Some(network) = all().find(|network| network.name == *name.get_ref()) else {
                let known = all().map(|network| &*network.name);
                return Err(here(unknown("network", name.get_ref(), known)));
            };
            if networks.contains(network) {
                return Err(here(StudyError::new(format!("'{}' stands twice", name.get_ref()))));
            }
            networks.push(network.clone());
        }
        match networks.is_empty() {
            true => Err(StudyError::new("variants names no network")),
            false => Ok(networks),
        }
    }
}

/// Keys of the study itself, which a reader of TOML takes for a table's where they stand behind one.
const KEYS: [&str; 8] =
    ["title", "question", "base", "base_network", "compare", "runs", "seed", "variants"];

/// What stands in a map, as the file has it.
fn in_file_order<T>(map: &BTreeMap<Spanned<String>, T>) -> Vec<(&Spanned<String>, &T)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The fields that are set, each of which alone could be.
fn settings(text: &str, recipe: &Recipe, set: &Settings) -> Result<Vec<Setting>, StudyError> {
    let mut settings = Vec::with_capacity(set.len());
    for (field, value) in in_file_order(set) {
        let here = |error: StudyError| error.at(text, field.span().start);
        let value = json(value.get_ref().clone()).map_err(|error| {
            let field = field.get_ref();
            let hint = if KEYS.contains(&field.as_str()) {
                "; keys of the study stand before the first [table]"
            } else {
                ""
            };
            here(StudyError { line: None, reason: format!("{field}: {}{hint}", error.reason) })
        })?;
        let field = field.get_ref().clone();
        recipe.with(&field, value.clone()).map_err(|error| here(StudyError::new(error)))?;
        settings.push(Setting { field, value });
    }
    Ok(settings)
}

/// A cell with a name: what it sets, from the study's base or from a recipe of its own.
fn named_cell(
    text: &str,
    (base, set): (&Recipe, &[Setting]),
    cell: &Spanned<Settings>,
) -> Result<Recipe, StudyError> {
    let here = |error: StudyError| error.at(text, cell.span().start);
    let mut fields = cell.get_ref().clone();
    let mut word = |key: &str| {
        let found = fields.keys().find(|field| field.get_ref() == key).cloned();
        let value = found.and_then(|field| fields.remove(&field))?;
        let place = value.span().start;
        Some(match value.into_inner() {
            toml::Value::String(word) => Ok(Spanned::new(place..place, word)),
            other => {
                let reason = format!("{key} is a word, not {}", other.type_str());
                Err(StudyError::new(reason).at(text, place))
            }
        })
    };
    let Some(name) = word("name").transpose()? else {
        return Err(here(StudyError::new("a cell has a name")));
    };
    let from = match word("base").transpose()? {
        Some(other) => {
            let recipe =
                known_recipe(&other).map_err(|error| error.at(text, other.span().start))?;
            let recipe = Recipe { random_numbers: RandomNumbers::Common, ..recipe };
            with(&recipe, &recipe.name, set).map_err(here)?
        }
        None => base.clone(),
    };
    let settings = settings(text, &from, &fields)?;
    with(&from, name.get_ref(), &settings).map_err(here)
}

/// Whether two cells are the same but for their names, and for how they say it.
fn same_training(a: &Recipe, b: &Recipe) -> bool {
    let said = |recipe: &Recipe| Recipe {
        name: String::new(),
        training_pairs: Some(recipe.training_pairs.unwrap_or(recipe.pairs)),
        ..recipe.clone()
    };
    said(a) == said(b)
}

/// Adds a cell, whose name no other may have, and which stands in paths.
fn add(recipes: &mut Vec<Recipe>, cell: Recipe) -> Result<(), StudyError> {
    let name = &cell.name;
    check_name(name)?;
    if recipes.iter().any(|other| other.name == *name) {
        return Err(StudyError::new(format!("there are two cells '{name}'")));
    }
    if let Ok(recipe) = Recipe::named(name)
        && !same_training(&cell, &Recipe { random_numbers: cell.random_numbers, ..recipe })
    {
        return Err(StudyError::new(format!(
            "cell '{name}' is not the recipe '{name}', whose published numbers would stand beside it; \
             call it otherwise"
        )));
    }
    recipes.push(cell);
    Ok(())
}

fn known_recipe(name: &Spanned<String>) -> Result<Recipe, StudyError> {
    Recipe::named(name.get_ref()).map_err(|_| unknown("recipe", name.get_ref(), Recipe::NAMES))
}
