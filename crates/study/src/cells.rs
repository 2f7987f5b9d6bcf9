//! The cells of a study: its base, a grid, and those with names.

use pairnet_training::{RandomNumbers, Recipe};
use toml::Spanned;

use crate::error::{StudyError, unknown};
use crate::file::{Fields, File, KEYS, in_file_order};
use crate::settings::{Setting, check_name, json, name_of, with};

/// Cells that a study can have at most.
pub const MOST_CELLS: usize = 10_000;

/// What the cell of the base recipe is called where `[set]` makes it another.
const BASE: &str = "base";

/// The base first, then the cells of the grid, then those with names.
pub(crate) fn cells(text: &str, file: &File) -> Result<Vec<Recipe>, StudyError> {
    let (base, set) = base(text, file)?;
    let mut cells = Cells::default();
    cells.add(base.clone())?;
    if let Some(place) = file.grid.keys().map(|field| field.span().start).min() {
        for point in points(text, file, &base)? {
            let here = |error: StudyError| error.at(text, place);
            let cell = with(&base, &name_of(&point), &point).map_err(here)?;
            // Another way to say what is there.
            if cells.same_training(&cell).is_none() {
                cells.add(cell).map_err(here)?;
            }
        }
    }
    for cell in &file.cell {
        let here = |error: StudyError| error.at(text, cell.span().start);
        let recipe = named_cell(text, (&base, &set), cell)?;
        if let Some(same) = cells.same_training(&recipe) {
            let reason = format!("cell '{}' is cell '{}' again", recipe.name, same.name);
            return Err(here(StudyError::new(reason)));
        }
        cells.add(recipe).map_err(here)?;
    }
    Ok(cells.recipes)
}

/// The cell that the others are compared with, and what is set in all of them.
fn base(text: &str, file: &File) -> Result<(Recipe, Vec<Setting>), StudyError> {
    let recipe = match &file.base {
        Some(name) => known_recipe(name).map_err(|error| error.at(text, name.span().start))?,
        None => Recipe::paper(),
    };
    let recipe = Recipe { random_numbers: RandomNumbers::Common, ..recipe };
    let changed = settings(text, &recipe, &file.set)?;
    let name = if file.set.is_empty() { &recipe.name } else { BASE };
    let place = file.set.keys().map(|field| field.span().start).min();
    let base = with(&recipe, name, &changed).map_err(|error| error.at(text, place.unwrap_or(0)))?;
    Ok((base, changed))
}

/// The settings of each point of the grid, whose last list goes fastest.
fn points(text: &str, file: &File, base: &Recipe) -> Result<Vec<Vec<Setting>>, StudyError> {
    let mut points: Vec<Vec<Setting>> = vec![Vec::new()];
    for (field, values) in in_file_order(&file.grid) {
        let here = |error: StudyError| error.at(text, field.span().start);
        let values = values.get_ref().iter().map(|value| {
            // Each value alone, so that the line of the one that cannot be is told.
            let here = |error: StudyError| error.at(text, value.span().start);
            let (field, value) = (field.get_ref().clone(), json(value.get_ref().clone()));
            let setting = Setting { field, value: value.map_err(here)? };
            let alone = base.with(&setting.field, setting.value.clone());
            alone.map_err(|error| here(StudyError::new(error)))?;
            Ok(setting)
        });
        let values = values.collect::<Result<Vec<Setting>, _>>()?;
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
    Ok(points)
}

/// The fields that are set, each of which alone could be.
fn settings(text: &str, recipe: &Recipe, set: &Fields) -> Result<Vec<Setting>, StudyError> {
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
    cell: &Spanned<Fields>,
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

fn known_recipe(name: &Spanned<String>) -> Result<Recipe, StudyError> {
    Recipe::named(name.get_ref()).map_err(|_| unknown("recipe", name.get_ref(), Recipe::NAMES))
}

/// Cells that are told apart by what they train and by their names.
#[derive(Default)]
struct Cells {
    recipes: Vec<Recipe>,
    /// As many, without what two that train the same may differ by.
    trainings: Vec<Recipe>,
}

/// The recipe without its name, and with what another field says for it.
fn training(recipe: &Recipe) -> Recipe {
    let training_pairs = Some(recipe.training_pairs.unwrap_or(recipe.pairs));
    Recipe { name: String::new(), training_pairs, ..recipe.clone() }
}

impl Cells {
    /// The cell that trains as `recipe` does.
    fn same_training(&self, recipe: &Recipe) -> Option<&Recipe> {
        let training = training(recipe);
        let place = self.trainings.iter().position(|other| *other == training)?;
        self.recipes.get(place)
    }

    /// Adds a cell, whose name no other may have, and which stands in paths.
    fn add(&mut self, cell: Recipe) -> Result<(), StudyError> {
        let name = &cell.name;
        check_name(name)?;
        if self.recipes.iter().any(|other| other.name == *name) {
            return Err(StudyError::new(format!("there are two cells '{name}'")));
        }
        if let Ok(recipe) = Recipe::named(name)
            && training(&cell)
                != training(&Recipe { random_numbers: cell.random_numbers, ..recipe })
        {
            return Err(StudyError::new(format!(
                "cell '{name}' is not the recipe '{name}', whose published numbers would stand beside \
                 it; call it otherwise"
            )));
        }
        self.trainings.push(training(&cell));
        self.recipes.push(cell);
        Ok(())
    }
}
