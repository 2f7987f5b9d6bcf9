//! The outputs, each made from a summary alone.

mod cells;
mod csv;
mod markdown;
mod recipe;
mod table;

use crate::error::ReportError;
use crate::summary::Summary;

impl Summary {
    /// `results.md`: for people, in a terminal or rendered.
    pub fn to_markdown(&self) -> String {
        markdown::document(self)
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
