//! What is drawn in a panel of curves.

use pairnet_record::{Epoch, Record};
use plotters::chart::ChartBuilder;
use plotters::element::{Circle, Cross, Polygon};
use plotters::series::LineSeries;

use super::super::Cell;
use super::super::chart::{self, elements, fill, scaled, stroke};
use super::super::palette::{GRID, INK, MUTED};
use super::super::svg::number;
use super::axes::{Axes, number_of_power};
use super::{DOT, Drawn, LEFT, SIZE, Series, TOP, drawn};
use crate::error::ReportError;

/// More faint lines than this are one grey area.
const MOST_LINES: usize = 30;
/// The curves of one panel, with their axes.
pub(crate) fn plot(
    cell: &Cell<'_>,
    series: &[Series; 2],
    axes: &Axes,
) -> Result<String, ReportError> {
    elements(SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(scaled(TOP))
            .margin_right(scaled(8.0))
            .y_label_area_size(scaled(LEFT))
            .x_label_area_size(scaled(30.0))
            .build_cartesian_2d(axes.epochs.clone(), axes.values.clone())?;
        let whole_powers = (axes.values.end - axes.values.start) as usize + 1;
        let value = |value: &f64| match axes.logarithmic {
            true if axes.below && *value <= axes.values.start => {
                format!("≤ {}", number_of_power(*value))
            }
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
            let ends = matches!(drawn(cell, one), Drawn::Ends);
            for record in cell.records.iter().filter(|_| ends).step_by(step) {
                if let Some(accuracy) = record.test_accuracy {
                    let point = (record.epochs.len() as f64, accuracy);
                    chart.draw_series([Circle::new(point, scaled(DOT), fill(one.colour, 0.6))])?;
                }
            }
        }
        Ok(())
    })
}

/// What finished runs measured at one epoch.
pub(crate) struct Spread {
    pub(crate) lowest: f64,
    pub(crate) mean: f64,
    pub(crate) highest: f64,
}

/// One an epoch, as far as all finished runs have a value.
pub(crate) fn spread(records: &[&Record], value: fn(&Epoch) -> Option<f64>) -> Vec<Spread> {
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
