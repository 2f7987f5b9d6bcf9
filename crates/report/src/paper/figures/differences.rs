//! How far the measured means are from the published ones.

use plotters::element::{PathElement, Rectangle};

use super::super::sections::outcome_of;
use super::label::label;
use crate::against::AgainstPublished;
use crate::entry::{Accuracy, Entry, SPLITS};
use crate::error::ReportError;
use crate::figures::chart::{DrawingError, fill, stroke};
use crate::figures::marks::{Mark, interval};
use crate::figures::palette::{MUTED, SHADE};
use crate::figures::rows::{RowChart, Rows, middle};
use crate::figures::{Figure, Panel};
use crate::render::cells;
use crate::statistics::Verdict;
use crate::summary::Summary;

/// Intervals that reach farther, of two or three runs, would hide all others.
const FARTHEST: f64 = 6.0;

/// One panel a recipe and split that is judged; `None` where none is.
pub(super) fn figure(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let mut panels = Vec::new();
    for (split, accuracy) in SPLITS {
        let reach = reach(summary, accuracy);
        for recipe in summary.recipe_names() {
            let own = summary.entries.iter().filter(|entry| entry.recipe == recipe);
            let judged: Vec<(&Entry, &AgainstPublished, f64)> = own
                .filter_map(|entry| {
                    let there = accuracy(entry).published.as_ref()?;
                    Some((entry, there, there.margin?))
                })
                .collect();
            if !judged.is_empty() {
                panels.push(panel((recipe, split), &judged, reach)?);
            }
        }
    }
    let test = summary.margins.test;
    let train = summary.margins.train;
    Ok((!panels.is_empty()).then(|| Figure {
        name: "differences".to_owned(),
        title: "How far the measured means are from the published ones".to_owned(),
        caption: format!(
            "The mark is measured minus published mean, the line its 90 % interval. Where the line \
             lies within the shaded margin (±{test} points on test pairs, ±{train} on training \
             pairs), the mean is reproduced (disc), or, where a permutation test tells our runs from \
             the published ones all the same, within the margin and yet different (disc in a \
             square). Differs (square): not within, and told apart. Undecided (ring): neither. An \
             arrow: the interval goes on outside."
        ),
        panels,
        columns: 2,
    }))
}

fn panel(
    (recipe, split): (&str, &str),
    judged: &[(&Entry, &AgainstPublished, f64)],
    reach: f64,
) -> Result<Panel, ReportError> {
    let count = judged.len();
    let rows = Rows {
        title: format!("Recipe {recipe}: {split}"),
        labels: judged.iter().map(|(entry, ..)| label(entry)).collect(),
        range: -reach..reach,
        axis: "measured − published, in points",
        remarks: judged.iter().map(|(_, there, _)| outcome_of(there).to_owned()).collect(),
    };
    let (size, body) = rows.draw(|chart| {
        for (index, (_, there, margin)) in judged.iter().enumerate() {
            let y = middle(index, count);
            let band = [(-margin, y - 0.5), (*margin, y + 0.5)];
            chart.draw_series([Rectangle::new(band, fill(SHADE, 1.0))])?;
            row(chart, there, y, reach)?;
        }
        let zero = vec![(0.0, 0.0), (0.0, count as f64)];
        chart.draw_series([PathElement::new(zero, stroke(MUTED, 1.0, 1.0))])?;
        Ok(())
    })?;
    let words = judged.iter().map(|(entry, there, _)| {
        let difference = cells::difference(there.difference, there.ci90);
        format!("{} {difference} {}", entry.variant, outcome_of(there))
    });
    let words = words.collect::<Vec<_>>().join("; ");
    let title = format!("Differences on {split} pairs, recipe {recipe}");
    let description = format!("In points, with 90 % intervals: {words}.");
    Ok(Panel { title, description, size, body })
}

/// The farthest end of an interval on one split, in whole points, and more than the margin.
fn reach(summary: &Summary, accuracy: fn(&Entry) -> &Accuracy) -> f64 {
    let judged = summary.entries.iter().filter_map(|entry| accuracy(entry).published.as_ref());
    let judged = judged.filter(|there| there.margin.is_some());
    let ends = judged.flat_map(|there| {
        let interval = there.ci90.map(|interval| [interval.low, interval.high]);
        let ends = there.difference.into_iter().chain(interval.into_iter().flatten());
        ends.chain(there.margin.map(|margin| 1.5 * margin))
    });
    ends.map(f64::abs).fold(0.0, f64::max).ceil().clamp(1.0, FARTHEST)
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
    interval(chart, there.ci90, y, 1.8)?;
    let mark = match there.verdict {
        Some(Verdict::Differs) => Mark::Square,
        Some(Verdict::Within) => Mark::Framed,
        Some(Verdict::Reproduced) => Mark::Disc,
        Some(Verdict::Undecided) | None => Mark::Ring,
    };
    mark.draw(chart, (difference.clamp(-reach, reach), y))
}
