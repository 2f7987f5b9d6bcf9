//! Every run's accuracy beside the published mean and standard deviation.

use plotters::element::{Circle, PathElement, Polygon};

use super::chart::{DrawingError, fill, round_range, scaled, stroke};
use super::figure::{Figure, Panel};
use super::palette::{BLUE, INK};
use super::rows::{RowChart, Rows, middle};
use crate::entry::{Accuracy, Entry, SPLITS};
use crate::error::ReportError;
use crate::summary::Summary;

/// More dots than this say no more.
const MOST_DOTS: usize = 200;

/// One panel a recipe and split; `None` where nothing was measured.
pub(super) fn figure(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let mut panels = Vec::new();
    for (split, accuracy) in SPLITS {
        let values = summary.entries.iter().flat_map(|entry| values(accuracy(entry)));
        let Some(range) = round_range(values, if split == "test" { 5.0 } else { 1.0 }) else {
            continue;
        };
        for recipe in summary.recipe_names() {
            let entries: Vec<&Entry> =
                summary.entries.iter().filter(|entry| entry.recipe == recipe).collect();
            let rows = Rows {
                title: format!("Recipe {recipe}: {split}"),
                labels: entries.iter().map(|&entry| entry.into()).collect(),
                range: range.clone(),
                axis: "accuracy in %",
                remarks: Vec::new(),
            };
            let (size, body) = rows.draw(|chart| {
                for (index, entry) in entries.iter().enumerate() {
                    row(chart, accuracy(entry), middle(index, entries.len()))?;
                }
                Ok(())
            })?;
            let words: Vec<String> =
                entries.iter().map(|entry| in_words(entry, accuracy(entry))).collect();
            let title = format!("Accuracy on {split} pairs, recipe {recipe}");
            panels.push(Panel { title, description: words.join("; ") + ".", size, body });
        }
    }
    Ok((!panels.is_empty()).then(|| Figure {
        name: "accuracy".to_owned(),
        title: "Accuracy of every run, and the published means".to_owned(),
        caption:
            "Each dot is one run, the tall blue stroke their mean. Below it, in the colour of \
                  the text: the published mean (diamond) ± one standard deviation. The nearer \
                  diamond and stroke are, the better the published number came back. Panels of \
                  one split share their axis."
                .to_owned(),
        panels,
        columns: 2,
    }))
}

/// All that has to be on the axis.
fn values(accuracy: &Accuracy) -> impl Iterator<Item = f64> {
    let published = accuracy.published.as_ref();
    let ends = published.map(|there| [there.mean - there.std, there.mean + there.std]);
    accuracy.statistics.values.iter().copied().chain(ends.into_iter().flatten())
}

fn row(chart: &mut RowChart<'_, '_>, accuracy: &Accuracy, y: f64) -> Result<(), DrawingError> {
    let values = &accuracy.statistics.values;
    let step = values.len().div_ceil(MOST_DOTS).max(1);
    for (index, &value) in values.iter().step_by(step).enumerate() {
        // Three heights, so that equal values do not hide each other.
        let height = y + 0.16 + 0.11 * ((index % 3) as f64 - 1.0);
        chart.draw_series([Circle::new((value, height), scaled(2.4), fill(BLUE, 0.5))])?;
    }
    if let Some(mean) = accuracy.statistics.mean {
        let ends = vec![(mean, y - 0.06), (mean, y + 0.38)];
        chart.draw_series([PathElement::new(ends, stroke(BLUE, 1.0, 2.4))])?;
    }
    if let Some(published) = &accuracy.published {
        let (mean, std, y) = (published.mean, published.std, y - 0.24);
        let ends = vec![(mean - std, y), (mean + std, y)];
        chart.draw_series([PathElement::new(ends, stroke(INK, 1.0, 1.4))])?;
        let (x_size, y_size) = per_pixel(chart, 4.2);
        let corners =
            vec![(mean - x_size, y), (mean, y + y_size), (mean + x_size, y), (mean, y - y_size)];
        chart.draw_series([Polygon::new(corners, fill(INK, 1.0))])?;
    }
    Ok(())
}

/// What `pixels` are in the units of the axes.
pub(super) fn per_pixel(chart: &RowChart<'_, '_>, pixels: f64) -> (f64, f64) {
    let (width, height) = chart.plotting_area().dim_in_pixel();
    let (x, y) = (chart.x_range(), chart.y_range());
    let share = |range: std::ops::Range<f64>, size: u32| {
        (range.end - range.start) * f64::from(scaled(pixels)) / f64::from(size.max(1))
    };
    (share(x, width), share(y, height))
}

fn in_words(entry: &Entry, accuracy: &Accuracy) -> String {
    let measured = match (accuracy.statistics.mean, accuracy.statistics.n) {
        (Some(mean), 1) => format!("{mean:.2} %, one run"),
        (Some(mean), count) => format!("mean {mean:.2} % of {count} runs"),
        (None, _) => "nothing measured".to_owned(),
    };
    let published = accuracy.published.as_ref();
    let published = published.map(|there| format!(", published {:.2} %", there.mean));
    format!("{} {measured}{}", entry.variant, published.unwrap_or_default())
}
