//! The picture of growth: a panel an axis, times above and memory below, on logarithmic axes.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::other_networks::Step;
use super::{Measured, Point};

const PANEL: (u32, u32) = (300, 260);
/// Those of the report's pictures (Okabe and Ito, 2008).
const OURS: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const PYTORCH: RGBColor = RGBColor(0xc0, 0x4f, 0x00);
const INK: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
const GRID: RGBColor = RGBColor(0xda, 0xdd, 0xe1);

/// A number that a step has, and what it is.
type Quantity = (&'static str, fn(&Step) -> Option<f64>);

const QUANTITIES: [Quantity; 2] = [
    ("milliseconds", |step| Some(step.milliseconds)),
    ("MiB", |step| step.memory.filter(|&memory| memory > 0.0)),
];

pub(super) fn draw(series: &[Measured]) -> Result<String> {
    let size = (PANEL.0 * series.len() as u32, PANEL.1 * QUANTITIES.len() as u32);
    let mut svg = String::new();
    draw_on(SVGBackend::with_string(&mut svg, size).into_drawing_area(), series)
        .map_err(|error| anyhow!("the picture cannot be drawn: {error}"))?;
    Ok(svg)
}

fn draw_on<'a>(area: Area<'a>, series: &[Measured]) -> Result<(), DrawingError<'a>> {
    area.fill(&WHITE)?;
    let panels = area.split_evenly((QUANTITIES.len(), series.len()));
    let wanted =
        QUANTITIES.iter().flat_map(|quantity| series.iter().map(move |own| (quantity, own)));
    for (panel, (quantity, own)) in panels.iter().zip(wanted) {
        draw_panel(panel, own, *quantity)?;
    }
    area.present()
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type DrawingError<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_panel<'a>(
    area: &Area<'a>,
    series: &Measured,
    (unit, quantity): Quantity,
) -> Result<(), DrawingError<'a>> {
    let line = |step: fn(&Point) -> Option<Step>| -> Vec<(f64, f64)> {
        let point = |point: &Point| Some((point.size as f64, quantity(&step(point)?)?));
        series.points.iter().filter_map(point).collect()
    };
    let lines = [
        ("pairnet-ops", OURS, line(|point| Some(point.functions))),
        ("PyTorch", PYTORCH, line(|point| point.pytorch)),
    ];
    let all = || lines.iter().flat_map(|(_, _, points)| points);
    if all().next().is_none() {
        return Ok(());
    }
    let (across, up) = (powers(all().map(|point| point.0)), powers(all().map(|point| point.1)));
    let label = |&value: &f64| if value < 1.0 { format!("{value}") } else { format!("{value:.0}") };
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(series.title.replace('`', ""), ("sans-serif", 14, &INK))
        .x_label_area_size(38)
        .y_label_area_size(52)
        .build_cartesian_2d(across.log_scale(), up.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(("sans-serif", 12, &INK))
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .x_desc(series.along)
        .y_desc(unit)
        .x_labels(6)
        .y_labels(6)
        .draw()?;
    for (name, colour, points) in &lines {
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        for &point in points {
            chart.draw_series([Circle::new(point, 3, colour.filled())])?;
        }
        // Beside the middle of a line that rises, where there is room: ours below it, PyTorch's above.
        if let Some(&middle) = points.get(points.len() / 2) {
            let ours = *colour == OURS;
            let (side, offset) =
                if ours { (HPos::Left, (8, 12)) } else { (HPos::Right, (-8, -12)) };
            let anchor = Pos::new(side, VPos::Center);
            let style = ("sans-serif", 12, colour).into_text_style(area).pos(anchor);
            chart.draw_series([EmptyElement::at(middle) + Text::new(*name, offset, style)])?;
        }
    }
    Ok(())
}

/// From a power of ten below all values to one above.
fn powers(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    10f64.powf(low.log10().floor())..10f64.powf(high.log10().ceil()).max(low * 10.0)
}
