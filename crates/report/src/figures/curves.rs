//! How the networks learn, epoch by epoch.

use std::ops::Range;

use pairnet_record::{Epoch, Record};
use plotters::chart::ChartBuilder;
use plotters::element::{Circle, Cross, Polygon};
use plotters::series::LineSeries;

use super::Cell;
use super::chart::{self, elements, fill, round_range, scaled, stroke};
use super::figure::{Figure, Panel};
use super::palette::{BLUE, Colour, GRID, INK, MUTED, ORANGE};
use super::svg::{Svg, Text, number};
use crate::error::ReportError;

/// More faint lines than this are one grey area.
const MOST_LINES: usize = 30;
/// Four of them stand side by side on a page for a desk.
const SIZE: (f64, f64) = (284.0, 216.0);
const TOP: f64 = 46.0;
const LEFT: f64 = 48.0;

/// Something that is measured at every epoch.
struct Series {
    name: &'static str,
    colour: Colour,
    value: fn(&Epoch) -> Option<f64>,
}

/// The axes that the panels of a figure share.
struct Axes {
    /// In epochs, counted from 1.
    epochs: Range<f64>,
    /// Of values, or of their decimal logarithms.
    values: Range<f64>,
    label: &'static str,
    logarithmic: bool,
}

impl Axes {
    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }
}

const ACCURACY: [Series; 2] = [
    Series { name: "train", colour: BLUE, value: |epoch| Some(epoch.train_accuracy) },
    Series { name: "test", colour: ORANGE, value: |epoch| epoch.test_accuracy },
];

const LOSS: [Series; 2] = [
    Series { name: "comparison", colour: BLUE, value: |epoch| Some(epoch.main_loss) },
    Series { name: "digits", colour: ORANGE, value: |epoch| epoch.auxiliary_loss },
];

/// Accuracies and losses of one recipe's networks; none where no epoch was trained.
pub(super) fn figures(recipe: &str, cells: &[Cell<'_>]) -> Result<Vec<Figure>, ReportError> {
    let records = || cells.iter().flat_map(|cell| &cell.records);
    let epochs = records().map(|record| record.epochs.len()).max().unwrap_or(0);
    if epochs == 0 {
        return Ok(Vec::new());
    }
    let values = |series: &[Series; 2], logarithmic: bool| {
        let all = records().flat_map(|record| &record.epochs);
        let values: Vec<f64> =
            all.flat_map(|epoch| series.iter().filter_map(|one| (one.value)(epoch))).collect();
        let ends = records().filter_map(|record| record.test_accuracy);
        if logarithmic {
            round_range(values.into_iter().map(f64::log10), 1.0)
        } else {
            round_range(values.into_iter().chain(ends), 10.0)
        }
    };
    let axes = |series, label, logarithmic| Axes {
        epochs: 1.0..(epochs as f64).max(1.5),
        values: values(series, logarithmic).unwrap_or(0.0..1.0),
        label,
        logarithmic,
    };
    let tested = records().flat_map(|record| &record.epochs).any(|e| e.test_accuracy.is_some());
    let test = if tested {
        "Orange: accuracy on the test pairs after each epoch, on which nothing was chosen."
    } else {
        "Orange dots: each run's accuracy on the test pairs after its last epoch."
    };
    let how = "The strong line is the mean of the runs, the band reaches from the lowest run to \
               the highest, each thin line is one run; a cross marks where a run failed. All \
               panels share their axes.";
    Ok(vec![
        Figure {
            name: format!("curves-accuracy-{recipe}"),
            title: format!("Accuracy while training, recipe {recipe}"),
            caption: format!(
                "Blue: accuracy on the training pairs, counted during each epoch. {test} The gap \
                 between the two is what a network learned by heart. {how}"
            ),
            panels: panels(cells, &ACCURACY, &axes(&ACCURACY, "accuracy in %", false))?,
            columns: 4,
        },
        Figure {
            name: format!("curves-loss-{recipe}"),
            title: format!("Losses while training, recipe {recipe}"),
            caption: format!(
                "Blue: loss of the comparison; orange: loss of the digit classes, where a network \
                 is trained on them; both before any weight, on a logarithmic axis. {how}"
            ),
            panels: panels(cells, &LOSS, &axes(&LOSS, "loss", true))?,
            columns: 4,
        },
    ])
}

fn panels(
    cells: &[Cell<'_>],
    series: &[Series; 2],
    axes: &Axes,
) -> Result<Vec<Panel>, ReportError> {
    cells.iter().map(|cell| panel(cell, series, axes)).collect()
}

fn panel(cell: &Cell<'_>, series: &[Series; 2], axes: &Axes) -> Result<Panel, ReportError> {
    let mut svg = Svg::default();
    let (measured, all) = (cell.entry.measured_runs.len(), cell.entry.runs);
    svg.text((0.0, 15.0), Text::new(13.0, INK).bold(), &cell.entry.variant);
    svg.text((0.0, 33.0), Text::new(10.5, MUTED), axes.label);
    let runs = match (measured == all, all) {
        (true, 1) => "1 run".to_owned(),
        (true, _) => format!("{all} runs"),
        (false, _) => format!("{measured} of {all} runs"),
    };
    svg.text((SIZE.0 - 8.0, 33.0), Text::new(10.5, MUTED).end(), &runs);
    let mut right = SIZE.0 - 8.0;
    let shown = |one: &&Series| {
        let ends = one.name == "test";
        cell.records.iter().any(|record| {
            ends && record.test_accuracy.is_some()
                || record.epochs.iter().any(|e| (one.value)(e).is_some())
        })
    };
    for one in series.iter().rev().filter(shown) {
        svg.text((right, 15.0), Text::new(11.0, one.colour).end(), one.name);
        // Sans-serif letters of this size are five and a half pixels wide, roughly.
        right -= 5.5 * one.name.len() as f64 + 6.0;
        svg.rectangle((right - 14.0, 10.0), (14.0, 2.5), one.colour, 1.0);
        right -= 24.0;
    }
    svg.push(plot(cell, series, axes)?.trim_end());
    if cell.records.is_empty() {
        let middle = (f64::midpoint(LEFT, SIZE.0), f64::midpoint(TOP, SIZE.1 - 30.0));
        svg.text(middle, Text::new(12.0, MUTED).middle(), "no run is trained yet");
    }
    let title = format!("{}: {}", cell.entry.variant, axes.label);
    Ok(Panel { title, description: in_words(cell, series), size: SIZE, body: svg.0 })
}

fn plot(cell: &Cell<'_>, series: &[Series; 2], axes: &Axes) -> Result<String, ReportError> {
    elements(SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(scaled(TOP))
            .margin_right(scaled(8.0))
            .y_label_area_size(scaled(LEFT))
            .x_label_area_size(scaled(30.0))
            .build_cartesian_2d(axes.epochs.clone(), axes.values.clone())?;
        let whole_powers = (axes.values.end - axes.values.start) as usize + 1;
        let value = |value: &f64| match axes.logarithmic {
            true => number_of_power(*value),
            false => number(*value),
        };
        chart
            .configure_mesh()
            .light_line_style(stroke(GRID, 0.0, 1.0))
            .bold_line_style(stroke(GRID, 1.0, 0.8))
            .axis_style(stroke(GRID, 1.0, 1.0))
            .set_all_tick_mark_size(scaled(4.0))
            .disable_x_mesh()
            .x_labels(6)
            .y_labels(if axes.logarithmic { whole_powers } else { 6 })
            .label_style(chart::text(10.5, MUTED))
            .axis_desc_style(chart::text(10.5, MUTED))
            .x_desc("epoch")
            .x_label_formatter(&|epoch| number(*epoch))
            .y_label_formatter(&value)
            .draw()?;
        for one in series {
            let line = |record: &Record| -> Vec<(f64, f64)> {
                let points = (1..).zip(&record.epochs).filter_map(|(epoch, measured)| {
                    let value = axes.place((one.value)(measured)?);
                    value.is_finite().then_some((f64::from(epoch), value))
                });
                points.collect()
            };
            let step = cell.records.len().div_ceil(MOST_LINES).max(1);
            for record in cell.records.iter().step_by(step) {
                chart.draw_series(LineSeries::new(line(record), stroke(one.colour, 0.3, 0.7)))?;
            }
            let spread = spread(&cell.records, one.value);
            let place = |pick: fn(&Spread) -> f64| {
                let points = (1..)
                    .zip(&spread)
                    .map(move |(epoch, at)| (f64::from(epoch), axes.place(pick(at))));
                points.filter(|point: &(f64, f64)| point.1.is_finite()).collect::<Vec<_>>()
            };
            let finished = cell.entry.measured_runs.len();
            if finished > 1 {
                let mut around = place(|at| at.highest);
                around.extend(place(|at| at.lowest).into_iter().rev());
                if around.len() > 2 {
                    chart.draw_series([Polygon::new(around, fill(one.colour, 0.16))])?;
                }
            }
            chart
                .draw_series(LineSeries::new(place(|at| at.mean), stroke(one.colour, 1.0, 2.0)))?;
            for record in cell.records.iter().filter(|record| record.failure.is_some()) {
                let end =
                    line(record).last().copied().unwrap_or((axes.epochs.start, axes.values.start));
                chart.draw_series([Cross::new(end, scaled(4.0), stroke(INK, 1.0, 1.6))])?;
            }
            let ends = one.name == "test" && spread.is_empty();
            for record in cell.records.iter().filter(|_| ends).step_by(step) {
                if let Some(accuracy) = record.test_accuracy {
                    let point = (record.epochs.len() as f64, accuracy);
                    chart.draw_series([Circle::new(point, scaled(2.4), fill(one.colour, 0.6))])?;
                }
            }
        }
        Ok(())
    })
}

/// What finished runs measured at one epoch.
struct Spread {
    lowest: f64,
    mean: f64,
    highest: f64,
}

/// One an epoch, as far as all finished runs have a value.
fn spread(records: &[&Record], value: fn(&Epoch) -> Option<f64>) -> Vec<Spread> {
    let finished: Vec<&&Record> = records.iter().filter(|r| r.failure.is_none()).collect();
    let at = |epoch: usize| {
        let values: Option<Vec<f64>> =
            finished.iter().map(|record| value(record.epochs.get(epoch)?)).collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some(Spread {
            lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
            mean: values.iter().sum::<f64>() / values.len() as f64,
            highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    };
    (0..).map_while(at).collect()
}

/// 10^`power`, as people write it.
fn number_of_power(power: f64) -> String {
    format!("{}", (10f64.powf(power) * 1e9).round() / 1e9)
}

fn in_words(cell: &Cell<'_>, series: &[Series; 2]) -> String {
    let mut parts = vec![format!("{} of {} runs", cell.entry.measured_runs.len(), cell.entry.runs)];
    for one in series {
        let spread = spread(&cell.records, one.value);
        if let [first, .., last] = &spread[..] {
            let (name, count) = (one.name, spread.len());
            let (first, last) = (significant(first.mean), significant(last.mean));
            parts.push(format!("mean {name} from {first} in epoch 1 to {last} in epoch {count}"));
        }
    }
    if !cell.entry.failed_runs.is_empty() {
        parts.push(format!("{} failed", cell.entry.failed_runs.len()));
    }
    parts.join("; ") + "."
}

/// Three significant digits.
fn significant(value: f64) -> String {
    let digits = if value == 0.0 { 0.0 } else { 2.0 - value.abs().log10().floor() };
    format!("{value:.*}", digits.clamp(0.0, 9.0) as usize)
}
