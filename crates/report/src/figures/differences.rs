//! How far the measured means are from the published ones.

use plotters::element::{PathElement, Rectangle};

use super::chart::{DrawingError, fill, stroke};
use super::figure::{Figure, Panel};
use super::marks::{Mark, interval};
use super::palette::{MUTED, SHADE};
use super::rows::{RowChart, Rows, middle};
use crate::error::ReportError;
use crate::render::{self, outcome_of};
use crate::statistics::Verdict;
use crate::summary::{AgainstPublished, Entry, SPLITS, Summary};

/// Intervals that reach farther, of two or three runs, would hide all others.
const FARTHEST: f64 = 8.0;

/// One panel a recipe and split that has published numbers; `None` where there is none.
pub(super) fn figure(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let margin = summary.margin;
    let reach = reach(summary).clamp(2.0 * margin, FARTHEST.max(2.0 * margin));
    let mut panels = Vec::new();
    for (split, accuracy) in SPLITS {
        for recipe in summary.recipe_names() {
            let own = summary.entries.iter().filter(|entry| entry.recipe == recipe);
            let (entries, published): (Vec<&Entry>, Vec<&AgainstPublished>) =
                own.filter_map(|entry| Some((entry, accuracy(entry).published.as_ref()?))).unzip();
            if entries.is_empty() {
                continue;
            }
            let rows = Rows {
                title: format!("Recipe {recipe}: {split}"),
                labels: entries.iter().map(|&entry| entry.into()).collect(),
                range: -reach..reach,
                axis: "measured − published, in points",
                remarks: published.iter().map(|there| outcome_of(there).to_owned()).collect(),
            };
            let (size, body) = rows.draw(|chart| {
                let count = published.len();
                let band = [(-margin, 0.0), (margin, count as f64)];
                chart.draw_series([Rectangle::new(band, fill(SHADE, 1.0))])?;
                let zero = vec![(0.0, 0.0), (0.0, count as f64)];
                chart.draw_series([PathElement::new(zero, stroke(MUTED, 1.0, 1.0))])?;
                for (index, there) in published.iter().enumerate() {
                    row(chart, there, middle(index, count), reach)?;
                }
                Ok(())
            })?;
            let words: Vec<String> = entries
                .iter()
                .zip(&published)
                .map(|(entry, there)| {
                    let difference = render::difference(there.difference, there.ci95);
                    format!("{} {difference} {}", entry.variant, outcome_of(there))
                })
                .collect();
            let title = format!("Differences on {split} pairs, recipe {recipe}");
            let description = format!("In points, with 95 % intervals: {}.", words.join("; "));
            panels.push(Panel { title, description, size, body });
        }
    }
    Ok((!panels.is_empty()).then(|| Figure {
        name: "differences".to_owned(),
        title: "How far the measured means are from the published ones".to_owned(),
        caption: format!(
            "The mark is measured less published mean, the thin line its 95 % interval, the thick \
             one its 90 % interval; the shaded band is the margin of ±{margin} points that was \
             declared beforehand. Reproduced (disc): the thick line lies within the band. Differs \
             (square): it does not, and the thin line leaves out 0. Undecided (ring): neither. \
             An arrow: the interval goes on outside."
        ),
        panels,
        columns: 2,
    }))
}

/// The farthest end of an interval, in whole points.
fn reach(summary: &Summary) -> f64 {
    let ends = summary.entries.iter().flat_map(|entry| [&entry.test, &entry.train]);
    let ends = ends.filter_map(|accuracy| accuracy.published.as_ref()).flat_map(|there| {
        let interval = there.ci95.map(|interval| [interval.low, interval.high]);
        there.difference.into_iter().chain(interval.into_iter().flatten())
    });
    ends.map(f64::abs).fold(0.0, f64::max).ceil()
}

fn row(
    chart: &mut RowChart<'_, '_>,
    there: &AgainstPublished,
    y: f64,
    reach: f64,
) -> Result<(), DrawingError> {
    let Some(difference) = there.difference else {
        return Ok(());
    };
    interval(chart, there.ci95, y, 1.3)?;
    interval(chart, there.ci90, y, 3.6)?;
    let mark = match there.verdict {
        Some(Verdict::Differs) => Mark::Square,
        Some(Verdict::Reproduced) => Mark::Disc,
        Some(Verdict::Undecided) | None => Mark::Ring,
    };
    mark.draw(chart, (difference.clamp(-reach, reach), y))
}
