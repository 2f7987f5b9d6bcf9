//! Every output, made from a summary: that of the paper's report or of a study's.

use crate::error::ReportError;
use crate::figures::{self, Figure};
use crate::page;
use crate::paper;
use crate::render;
use crate::report::Report;
use crate::study;
use crate::summary::{RESULTS_FORMAT, Summary};

impl Summary {
    /// `results.md`: for people, in a terminal or rendered.
    pub fn to_markdown(&self) -> String {
        let document = match &self.study {
            Some(asked) => study::document(asked, self),
            None => paper::document(self),
        };
        render::markdown(&document, self)
    }

    /// The summary that [`Summary::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// Where `text` is of another version, or no summary; where its entries are not one a recipe and network,
    /// as the tables have them.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        if value["format"] != RESULTS_FORMAT {
            let found = value["format"].to_string();
            return Err(ReportError::Version { found, readable: RESULTS_FORMAT });
        }
        let summary: Self = serde_json::from_str(text)?;
        if summary.is_grid() { Ok(summary) } else { Err(ReportError::Entries) }
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
        render::csv(self)
    }

    /// Every file that follows from the summary alone, by its name below the results' folder:
    /// tables and the pictures of them.
    ///
    /// # Errors
    ///
    /// Where a chart cannot be drawn.
    pub fn to_files(&self) -> Result<Vec<(String, String)>, ReportError> {
        let mut files = vec![
            ("results.md".to_owned(), self.to_markdown()),
            ("results.csv".to_owned(), self.to_csv()),
        ];
        for figure in of_summary(self)? {
            files.push((figure.file_name(), figure.to_svg()));
        }
        Ok(files)
    }
}

impl Report {
    /// All pictures, in the order in which the page has them.
    ///
    /// # Errors
    ///
    /// Where a chart cannot be drawn.
    pub fn figures(&self) -> Result<Vec<Figure>, ReportError> {
        let mut figures = of_summary(&self.summary)?;
        figures.extend(match &self.summary.study {
            Some(asked) => study::figures_of_records(asked, self)?,
            None => paper::figures_of_records(self)?,
        });
        figures.extend(figures::confusion(&self.predictions));
        figures.extend(figures::mistakes(&self.predictions));
        Ok(figures)
    }

    /// `report.html`: everything on one page that needs no other file.
    pub fn to_html(&self, figures: &[Figure]) -> String {
        let document = match &self.summary.study {
            Some(asked) => study::document(asked, &self.summary),
            None => paper::page(self),
        };
        page::page(&document, figures, &self.summary)
    }

    /// Every file of the results, by its name below the sweep's folder: `results.json`,
    /// `results.md`, `results.csv`, `report.html` and `figures/*.svg`.
    ///
    /// # Errors
    ///
    /// Where a chart cannot be drawn.
    pub fn to_files(&self) -> Result<Vec<(String, String)>, ReportError> {
        let figures = self.figures()?;
        let pictures = figures.iter().map(Figure::picture).collect();
        let summary = Summary { pictures, ..self.summary.clone() };
        let mut files = vec![
            ("results.json".to_owned(), summary.to_json()?),
            ("results.md".to_owned(), summary.to_markdown()),
            ("results.csv".to_owned(), summary.to_csv()),
            ("report.html".to_owned(), self.to_html(&figures)),
        ];
        files.extend(figures.iter().map(|figure| (figure.file_name(), figure.to_svg())));
        Ok(files)
    }
}

/// The pictures that follow from a summary alone; what there is nothing to draw for is left out.
fn of_summary(summary: &Summary) -> Result<Vec<Figure>, ReportError> {
    match &summary.study {
        Some(asked) => study::figures(asked, summary),
        None => paper::figures(summary),
    }
}
