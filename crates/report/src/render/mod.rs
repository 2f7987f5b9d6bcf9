//! The outputs, each made from a summary alone.

mod answers;
mod block;
mod came_back;
mod cells;
mod claims;
mod components;
mod csv;
mod introduction;
mod markdown;
mod measured;
mod numbers;
mod recipe;
mod settings;
mod shortfall;
mod table;

use crate::error::ReportError;
use crate::summary::{RESULTS_FORMAT, Summary};

pub(crate) use answers::{answer, questions};
pub(crate) use block::Block;
pub(crate) use cells::{claim_outcome, difference, outcome_of, signed as points};
pub(crate) use claims::{claims, effects, text_against_code};
pub(crate) use components::section as components;
pub(crate) use introduction::{how_to_cite, how_to_read, introduction};
pub(crate) use markdown::{TITLE, provenance};
pub(crate) use numbers::section as numbers;
pub(crate) use recipe::section as recipe_section;
pub(crate) use table::{Align, Table};

impl Summary {
    /// `results.md`: for people, in a terminal or rendered.
    pub fn to_markdown(&self) -> String {
        markdown::document(self)
    }

    /// The summary that [`Summary::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// Where `text` is of another version, or no summary.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        if value["format"] != RESULTS_FORMAT {
            let found = value["format"].to_string();
            return Err(ReportError::Version { found, readable: RESULTS_FORMAT });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// `results.json`: for programs; the summary as it is, a missing number as `null`.
    ///
    /// # Errors
    ///
    /// Where `serde_json` cannot write the summary.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// `results.csv`: one line a recipe, variant and split; a missing number is an empty cell.
    pub fn to_csv(&self) -> String {
        csv::table(self)
    }
}
