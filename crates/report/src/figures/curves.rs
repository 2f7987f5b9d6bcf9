//! How the networks learn, epoch by epoch.

mod axes;
mod plot;

use pairnet_record::{Epoch, Record};

use self::axes::{Axes, accuracy_axes, loss_axes, number_of_power};
use self::plot::{plot, spread};
use super::Cell;
use super::figure::{Figure, Panel};
use super::palette::{BLUE, Colour, INK, MUTED, ORANGE};
use super::svg::{Svg, Text};
use crate::error::ReportError;
use crate::words::elided;

/// Four of them stand side by side on a page for a desk.
const SIZE: (f64, f64) = (244.0, 206.0);
const TOP: f64 = 46.0;
const LEFT: f64 = 46.0;
const DOT: f64 = 2.4;
/// Letters of a name that there is room for beside the number of runs.
const NAME: usize = 20;

/// Something that is measured at every epoch.
struct Series {
    name: &'static str,
    colour: Colour,
    value: fn(&Epoch) -> Option<f64>,
}

const ACCURACY: [Series; 2] = [
    Series { name: "train", colour: BLUE, value: |epoch| Some(epoch.train_accuracy) },
    Series { name: "test", colour: ORANGE, value: |epoch| epoch.test_accuracy },
];

const LOSS: [Series; 2] = [
    Series { name: "comparison", colour: BLUE, value: |epoch| Some(epoch.main_loss) },
    Series { name: "digits", colour: ORANGE, value: |epoch| epoch.auxiliary_loss },
];

/// Accuracies and losses, recipe by recipe; none of a recipe by which no epoch was trained.
///
/// `cells` are those of all recipes, whose panels share their axes; `noun` is what a recipe is called.
pub(crate) fn figures(cells: &[Cell<'_>], noun: &str) -> Result<Vec<Figure>, ReportError> {
    let (accuracy, loss) = (accuracy_axes(cells), loss_axes(cells));
    let mut figures = Vec::new();
    for own in cells.chunk_by(|a, b| a.entry.recipe == b.entry.recipe) {
        if epochs(own).next().is_some() {
            figures.push(accuracies(own, &accuracy, noun)?);
            figures.push(losses(own, &loss, noun)?);
        }
    }
    Ok(figures)
}

fn records<'a>(cells: &'a [Cell<'_>]) -> impl Iterator<Item = &'a Record> {
    cells.iter().flat_map(|cell| &cell.records).copied()
}

fn epochs<'a>(cells: &'a [Cell<'_>]) -> impl Iterator<Item = &'a Epoch> {
    records(cells).flat_map(|record| &record.epochs)
}

const HOW: &str = "The strong line is the mean of the runs, the band reaches from the lowest run \
                   to the highest, each thin line is one run; a cross marks where a run failed.";

fn accuracies(cells: &[Cell<'_>], axes: &Axes, noun: &str) -> Result<Figure, ReportError> {
    let recipe = &cells[0].entry.recipe;
    let test = if epochs(cells).any(|epoch| epoch.test_accuracy.is_some()) {
        "Orange: accuracy on the test pairs after each epoch, on which nothing was chosen."
    } else {
        "Orange dots: each run's accuracy on the test pairs after its last epoch."
    };
    Ok(Figure {
        name: format!("curves-accuracy-{recipe}"),
        title: format!("Accuracy while training, {noun} {recipe}"),
        caption: format!(
            "Blue: accuracy on the training pairs, counted during each epoch. {test} The gap \
             between the two is, for the most part, what does not carry over to new pairs. {HOW} All panels, of every \
             {noun}, share their axes."
        ),
        panels: panels(cells, &ACCURACY, axes)?,
        columns: 4,
    })
}

fn losses(cells: &[Cell<'_>], axes: &Axes, noun: &str) -> Result<Figure, ReportError> {
    let recipe = &cells[0].entry.recipe;
    let floor = number_of_power(axes.values.start);
    let below = if axes.below {
        format!(" What is below {floor} is drawn at {floor}.")
    } else {
        String::new()
    };
    Ok(Figure {
        name: format!("curves-loss-{recipe}"),
        title: format!("Losses while training, {noun} {recipe}"),
        caption: format!(
            "Blue: loss of the comparison; orange: loss of the digit classes, where a network is \
             trained on them; both before any weight, on a logarithmic axis.{below} {HOW} All \
             panels, of every {noun}, share their axes; where {noun}s take different losses, \
             their heights cannot be compared."
        ),
        panels: panels(cells, &LOSS, axes)?,
        columns: 4,
    })
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
    svg.text((0.0, 15.0), Text::new(13.0, INK).bold(), &elided(&cell.entry.variant, NAME));
    svg.text((0.0, 33.0), Text::new(10.5, MUTED), axes.label);
    let runs = match (measured == all, all) {
        (true, 1) => "1 run".to_owned(),
        (true, _) => format!("{all} runs"),
        (false, _) => format!("{measured} of {all} runs"),
    };
    svg.text((SIZE.0 - 8.0, 15.0), Text::new(10.5, MUTED).end(), &runs);
    legend(&mut svg, cell, series);
    svg.push(plot(cell, series, axes)?.trim_end());
    if cell.records.is_empty() {
        let middle = (f64::midpoint(LEFT, SIZE.0), f64::midpoint(TOP, SIZE.1 - 30.0));
        svg.text(middle, Text::new(12.0, MUTED).middle(), "no run is trained yet");
    }
    let title = format!("{}: {}", cell.entry.variant, axes.label);
    Ok(Panel { title, description: in_words(cell, series), size: SIZE, body: svg.0 })
}

/// What is drawn of a series: a line, dots at the end, or nothing.
enum Drawn {
    Line,
    Ends,
    Nothing,
}

fn drawn(cell: &Cell<'_>, one: &Series) -> Drawn {
    let mut epochs = cell.records.iter().flat_map(|record| &record.epochs);
    if epochs.any(|epoch| (one.value)(epoch).is_some()) {
        Drawn::Line
    } else if one.name == "test" && cell.records.iter().any(|r| r.test_accuracy.is_some()) {
        Drawn::Ends
    } else {
        Drawn::Nothing
    }
}

/// Each series' name, and right of it a piece of what is drawn of it.
fn legend(svg: &mut Svg, cell: &Cell<'_>, series: &[Series; 2]) {
    let mut right = SIZE.0 - 8.0;
    for one in series.iter().rev() {
        match drawn(cell, one) {
            Drawn::Nothing => continue,
            Drawn::Line => svg.rectangle((right - 14.0, 28.0), (14.0, 2.5), one.colour, 1.0),
            Drawn::Ends => svg.circle((right - 7.0, 29.2), DOT, one.colour),
        }
        svg.text((right - 18.0, 33.0), Text::new(11.0, one.colour).end(), one.name);
        // Sans-serif letters of this size are six pixels wide, roughly.
        right -= 6.0 * one.name.len() as f64 + 30.0;
    }
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
