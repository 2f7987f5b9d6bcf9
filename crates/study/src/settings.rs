//! Recipes changed field by field, and what they are then called.

use pairnet_record::is_name;
use pairnet_training::Recipe;
use serde_json::Value;

use crate::error::StudyError;

/// A field of a recipe, and what it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// By its name in [`Recipe`].
    pub field: String,
    /// As JSON.
    pub value: Value,
}

impl Setting {
    /// The setting that `FIELD=VALUE` names, where the value is as in TOML; words need no quotes, and
    /// `none` is no value.
    ///
    /// ```
    /// use pairnet_study::Setting;
    ///
    /// assert_eq!(Setting::parse("epochs=50")?.value, 50);
    /// assert_eq!(Setting::parse("schedule = cosine")?.value, "cosine");
    /// assert_eq!(Setting::parse("gradient_clip=none")?.value, serde_json::Value::Null);
    /// # Ok::<(), pairnet_study::StudyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where there is no `=`.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let Some((field, value)) = text.split_once('=') else {
            return Err(StudyError::new(format!("'{text}' is no FIELD=VALUE")));
        };
        let (field, value) = (field.trim().to_owned(), value.trim());
        let as_toml = format!("value = {value}").parse::<toml::Table>();
        let value = match as_toml.ok().and_then(|mut table| table.remove("value")) {
            Some(value) => json(value)?,
            None => json(toml::Value::String(value.to_owned()))?,
        };
        Ok(Self { field, value })
    }

    /// As a part of a cell's name.
    pub(crate) fn name(&self) -> String {
        let Self { field, value } = self;
        match value {
            Value::Null => format!("{field}-none"),
            Value::String(word) => format!("{field}-{word}"),
            // A name has no plus, as in 1e+30.
            number => format!("{field}-{number}").replace('+', ""),
        }
    }
}

/// A value of TOML as that of a field: one number, word, or yes and no.
pub(crate) fn json(value: toml::Value) -> Result<Value, StudyError> {
    match value {
        toml::Value::String(word) if word == "none" => Ok(Value::Null),
        toml::Value::String(word) => Ok(word.into()),
        toml::Value::Integer(number) => Ok(number.into()),
        toml::Value::Float(number) if number.is_finite() => Ok(number.into()),
        toml::Value::Boolean(is) => Ok(is.into()),
        toml::Value::Float(number) => Err(StudyError::new(format!("a field cannot be {number}"))),
        other => Err(StudyError::new(format!(
            "a field is one number, word, true or false, and cannot be of type {}",
            other.type_str()
        ))),
    }
}

/// Between the settings in a cell's name.
const AND: &str = "--";

/// What settings are called together, as in `epochs-50--optimiser-sgd`.
pub(crate) fn name_of(settings: &[Setting]) -> String {
    settings.iter().map(Setting::name).collect::<Vec<_>>().join(AND)
}

/// `recipe` with other settings and another name.
pub(crate) fn with(
    recipe: &Recipe,
    name: &str,
    settings: &[Setting],
) -> Result<Recipe, StudyError> {
    let changed =
        settings.iter().try_fold(recipe.clone(), |recipe, Setting { field, value }| {
            recipe.with(field, value.clone()).map_err(StudyError::new)
        })?;
    let changed = Recipe { name: name.to_owned(), ..changed };
    changed.check().map_err(|error| StudyError::new(format!("cell '{name}': {error}")))?;
    Ok(changed)
}

/// Letters of a cell's name: longer ones are no names of folders and files everywhere.
const LONGEST: usize = 150;

/// Whether a cell can have this name, which stands in paths.
pub(crate) fn check_name(name: &str) -> Result<(), StudyError> {
    if name.len() > LONGEST {
        return Err(StudyError::new(format!(
            "'{name}' is too long for a cell: {LONGEST} letters are possible; give it a name of its own"
        )));
    }
    if !is_name(name) {
        return Err(StudyError::new(format!(
            "'{name}' is no name of a cell: letters, digits, '-', '_' and '.', a letter or digit first"
        )));
    }
    Ok(())
}

/// `recipe` with other settings, under a name that says which: `paper--epochs-50`. Without any, the
/// recipe itself.
///
/// ```
/// use pairnet_study::{Setting, changed};
/// use pairnet_training::Recipe;
///
/// let longer = changed(&Recipe::paper(), &[Setting::parse("epochs=50")?])?;
/// assert_eq!((&*longer.name, longer.epochs), ("paper--epochs-50", 50));
/// # Ok::<(), pairnet_study::StudyError>(())
/// ```
///
/// # Errors
///
/// Where there is no such field, or it cannot be that; where a setting is none of a network's training
/// ([`Recipe::check`]).
pub fn changed(recipe: &Recipe, settings: &[Setting]) -> Result<Recipe, StudyError> {
    match settings {
        [] => Ok(recipe.clone()),
        _ => {
            for (index, Setting { field, .. }) in settings.iter().enumerate() {
                if settings[..index].iter().any(|other| other.field == *field) {
                    return Err(StudyError::new(format!("{field} is set twice")));
                }
            }
            let name = format!("{}{AND}{}", recipe.name, name_of(settings));
            check_name(&name)?;
            with(recipe, &name, settings)
        }
    }
}
