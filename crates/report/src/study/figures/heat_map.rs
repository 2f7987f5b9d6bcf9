//! Two swept fields: the mean accuracy at each place, a map a network.

use pairnet_record::Study;

use super::super::axes::{Axis, PlaneCell};
use crate::figures::confusion::{GROUND, STRONGEST};
use crate::figures::palette::{BLUE, INK, MUTED, SHADE};
use crate::figures::svg::{Svg, Text};
use crate::figures::{Figure, Panel};
use crate::render::cells::NOTHING;
use crate::statistics::Statistics;
use crate::summary::Summary;
use crate::words::{decapitalised, elided};

const WIDTH: f64 = 372.0;
const TOP: f64 = 64.0;
const HEIGHT: f64 = 40.0;
/// A cell is not wider, however few there are.
const WIDEST: f64 = 72.0;
/// Sans-serif letters of the labels' size are six pixels wide, roughly.
const LETTER: f64 = 6.2;
const LABEL: usize = 16;

/// What is known of one place.
struct Place<'a> {
    cell: &'a PlaneCell<'a>,
    statistics: &'a Statistics,
}

/// `None` where nothing was measured.
pub(super) fn figure(
    asked: &Study,
    summary: &Summary,
    [rows, columns]: [&Axis<'_>; 2],
    cells: &[PlaneCell<'_>],
) -> Option<Figure> {
    let panels: Vec<Panel> = summary
        .networks()
        .filter_map(|network| panel(asked, summary, network, [rows, columns], cells))
        .collect();
    let (down, across) = (rows.title(), columns.title());
    let frame = if cells.iter().any(|cell| cell.name == asked.base) {
        &format!(" The frame is the cell {}, which the others are compared with.", asked.base)
    } else {
        ""
    };
    (!panels.is_empty()).then(|| Figure {
        name: "heat-map".to_owned(),
        title: format!("Accuracy by {} and {}", decapitalised(down), decapitalised(across)),
        caption: format!(
            "Mean test accuracy in %, and below it how far its 95 % interval reaches to either side. \
             Down: {}; across: {}. The stronger a cell's colour, the higher its mean, from the lowest to the \
             highest of the network.{frame}",
            decapitalised(down),
            decapitalised(across),
        ),
        panels,
        columns: 2,
    })
}

fn panel(
    asked: &Study,
    summary: &Summary,
    network: &str,
    [rows, columns]: [&Axis<'_>; 2],
    cells: &[PlaneCell<'_>],
) -> Option<Panel> {
    let places: Vec<Place<'_>> = cells
        .iter()
        .filter_map(|cell| {
            Some(Place { cell, statistics: &summary.entry(cell.name, network)?.test.statistics })
        })
        .collect();
    let means = || places.iter().filter_map(|place| place.statistics.mean);
    let (low, high) = means().reduce(f64::min).zip(means().reduce(f64::max))?;

    let (down, across) = (rows.labels(), columns.labels());
    let longest = down.iter().map(|label| label.chars().count().min(LABEL)).max().unwrap_or(0);
    let left = LETTER * longest as f64 + 14.0;
    let width = ((WIDTH - left) / across.len() as f64).min(WIDEST);
    let letters = (width / LETTER) as usize;
    let mut svg = Svg::default();
    svg.text((0.0, 15.0), Text::new(13.0, INK).bold(), &elided(network, 46));
    svg.text((left, 37.0), Text::new(11.0, MUTED), &format!("{} →", columns.title()));
    let x = |column: usize| left + column as f64 * width;
    let y = |row: usize| TOP + row as f64 * HEIGHT;
    for (column, label) in across.iter().enumerate() {
        let at = (x(column) + width / 2.0, TOP - 8.0);
        svg.text(at, Text::new(11.5, INK).middle(), &elided(label, letters));
    }
    for (row, label) in down.iter().enumerate() {
        let at = (left - 7.0, y(row) + HEIGHT / 2.0 + 4.0);
        svg.text(at, Text::new(11.5, INK).end(), &elided(label, LABEL));
        for column in 0..across.len() {
            let corner = (x(column) + 0.5, y(row) + 0.5);
            svg.rectangle(corner, (width - 1.0, HEIGHT - 1.0), SHADE, GROUND);
            let own = places.iter().find(|p| (p.cell.row, p.cell.column) == (row, column));
            let share = |mean: f64| if high > low { (mean - low) / (high - low) } else { 0.0 };
            let statistics = own.map(|own| own.statistics);
            if let Some(mean) = statistics.and_then(|statistics| statistics.mean) {
                let opacity = STRONGEST * share(mean);
                svg.rectangle(corner, (width - 1.0, HEIGHT - 1.0), BLUE, opacity);
            }
            numbers(&mut svg, (corner.0 + width / 2.0, corner.1), statistics);
        }
    }
    if let Some(base) = places.iter().find(|place| place.cell.name == asked.base) {
        let (x, y) = (x(base.cell.column), y(base.cell.row));
        let (right, bottom) = (x + width, y + HEIGHT);
        svg.line(
            &[(x, y), (right, y), (right, bottom), (x, bottom), (x, y - 1.0)],
            (INK, 2.0),
            false,
        );
    }
    let below = y(down.len()) + 16.0;
    svg.text((0.0, below), Text::new(11.0, MUTED), &format!("↑ {}", rows.title()));
    let words: Vec<String> = places.iter().map(|place| in_words(place, &down, &across)).collect();
    Some(Panel {
        title: format!("Mean test accuracy of {network}"),
        description: format!(
            "{} and {}: {}.",
            rows.title(),
            decapitalised(columns.title()),
            words.join("; ")
        ),
        size: (WIDTH, below + 8.0),
        body: svg.0,
    })
}

/// The mean, and below it half of the interval.
fn numbers(svg: &mut Svg, (middle, top): (f64, f64), statistics: Option<&Statistics>) {
    let Some((mean, statistics)) = statistics.and_then(|own| Some((own.mean?, own))) else {
        let text = if statistics.is_some() { NOTHING } else { "" };
        svg.text((middle, top + 24.0), Text::new(11.5, INK).middle(), text);
        return;
    };
    let half = statistics.ci95.map(|interval| (interval.high - interval.low) / 2.0);
    let down = if half.is_some() { 17.0 } else { 24.0 };
    svg.text((middle, top + down), Text::new(11.5, INK).middle(), &format!("{mean:.1}"));
    if let Some(half) = half {
        svg.text((middle, top + 31.0), Text::new(9.5, INK).middle(), &format!("±{half:.1}"));
    }
}

fn in_words(place: &Place<'_>, down: &[String], across: &[String]) -> String {
    let PlaneCell { row, column, .. } = *place.cell;
    let mean = place.statistics.mean.map_or("no result".to_owned(), |mean| format!("{mean:.2} %"));
    format!("{} and {} {mean}", down[row], across[column])
}
