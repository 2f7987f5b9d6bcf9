//! Which digits the best network confuses: the share of wrong answers for each pair of classes.

use super::figure::{Figure, Panel};
use super::palette::{INK, MUTED, ORANGE, PAPER, SHADE};
use super::svg::{Svg, Text};
use crate::report::BestNetwork;
use crate::words::thousands;

const CELL: f64 = 31.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 50.0;
/// How much a cell is coloured at most: with more, its number could not be read.
pub(crate) const STRONGEST: f64 = 0.5;
/// How much a cell is shaded below its colour.
pub(crate) const GROUND: f64 = 0.45;

#[derive(Clone, Copy, Default)]
struct Count {
    wrong: usize,
    all: usize,
}

impl Count {
    /// In percent; `None` where there is no such pair.
    fn share(self) -> Option<f64> {
        (self.all > 0).then(|| 100.0 * self.wrong as f64 / self.all as f64)
    }
}

/// `None` where there are no predictions.
pub(crate) fn figure(best: &BestNetwork) -> Option<Figure> {
    let counts = count(best)?;
    let strongest =
        counts.as_flattened().iter().filter_map(|count| count.share()).fold(0.0, f64::max);
    let mut svg = Svg::default();
    let label = Text::new(11.5, MUTED);
    let middle = LEFT + 5.0 * CELL;
    svg.text((middle, 14.0), label.middle(), "second digit");
    svg.push(&format!("<g transform=\"rotate(-90 12 {0})\">", TOP + 5.0 * CELL));
    svg.text((12.0, TOP + 5.0 * CELL), label.middle(), "first digit");
    svg.push("</g>");
    for (first, row) in counts.iter().enumerate() {
        let at = |index: usize| index as f64 * CELL;
        let digit = first.to_string();
        let name = Text::new(12.5, INK).bold();
        svg.text((LEFT + at(first) + CELL / 2.0, TOP - 8.0), name.middle(), &digit);
        svg.text((LEFT - 9.0, TOP + at(first) + 20.0), name.end(), &digit);
        for (second, count) in row.iter().enumerate() {
            let corner = (LEFT + at(second) + 0.5, TOP + at(first) + 0.5);
            let size = (CELL - 1.0, CELL - 1.0);
            svg.rectangle(corner, size, SHADE, GROUND);
            let text = match count.share() {
                None => "–".to_owned(),
                Some(0.0) => "0".to_owned(),
                Some(share) => {
                    svg.rectangle(corner, size, ORANGE, STRONGEST * share / strongest);
                    if share < 0.5 { "<1".to_owned() } else { format!("{share:.0}") }
                }
            };
            let colour = if count.wrong == 0 { MUTED } else { INK };
            let at = (corner.0 + size.0 / 2.0, corner.1 + 19.0);
            svg.text(at, Text::new(11.5, colour).middle(), &text);
        }
    }
    boundary(&mut svg);
    let BestNetwork { recipe, variant, runs, .. } = best;
    let many = runs.len();
    let pairs = thousands(runs.iter().map(|run| run.classes.len()).sum());
    let plural = if many == 1 { "" } else { "s" };
    Some(Figure {
        name: "confusion".to_owned(),
        title: format!("Where {variant} ({recipe}) answers wrongly"),
        caption: format!(
            "Wrong answers in %, by what the two digits are; {pairs} test pairs of {many} \
             run{plural} of the network with the highest mean test accuracy. Above the line the \
             first digit is at most the second, below it is greater. {}. The stronger a cell's \
             colour, the more often its answer is wrong; – : there was no such pair.",
            by_distance(&counts)
        ),
        panels: vec![Panel {
            title: "Wrong answers by pair of digits".to_owned(),
            description: worst(&counts),
            size: (LEFT + 10.0 * CELL + 6.0, TOP + 10.0 * CELL + 26.0),
            body: svg.0,
        }],
        columns: 1,
    })
}

/// The line at which the true answer turns, as stairs, and the answer on either side.
fn boundary(svg: &mut Svg) {
    let at = |column: usize, row: usize| (LEFT + column as f64 * CELL, TOP + row as f64 * CELL);
    let mut stairs = vec![at(0, 1)];
    for step in 1..10 {
        stairs.extend([at(step, step), at(step, step + 1)]);
    }
    // Its own paper around it, so that it stands out from the strongest cell.
    svg.line(&stairs, (PAPER, 4.5), false);
    svg.line(&stairs, (INK, 2.0), false);
    let style = Text::new(11.5, INK).bold();
    svg.text((LEFT + 10.0 * CELL, 14.0), style.end(), "first ≤ second");
    svg.text((LEFT, TOP + 10.0 * CELL + 18.0), style, "first > second");
}

/// By first and second class.
fn count(best: &BestNetwork) -> Option<[[Count; 10]; 10]> {
    let mut counts = [[Count::default(); 10]; 10];
    for run in &best.runs {
        for &[first, second] in &run.classes {
            counts[usize::from(first)][usize::from(second)].all += 1;
        }
        for pair in run.wrong() {
            let [first, second] = run.classes[pair].map(usize::from);
            counts[first][second].wrong += 1;
        }
    }
    counts.as_flattened().iter().any(|count| count.all > 0).then_some(counts)
}

/// How the errors lie: on equal digits, on those that differ by 1, and on others.
fn by_distance(counts: &[[Count; 10]; 10]) -> String {
    let mut groups = [Count::default(); 3];
    for (first, row) in counts.iter().enumerate() {
        for (second, count) in row.iter().enumerate() {
            let group = &mut groups[first.abs_diff(second).min(2)];
            group.wrong += count.wrong;
            group.all += count.all;
        }
    }
    let names = ["of pairs of equal digits", "of those that differ by 1", "of all others"];
    let parts: Vec<String> = groups
        .iter()
        .zip(names)
        .filter_map(|(group, name)| Some(format!("{:.1} % {name}", group.share()?)))
        .collect();
    format!("Answered wrongly are {}", parts.join(", "))
}

/// The pairs with the most wrong answers, in words.
fn worst(counts: &[[Count; 10]; 10]) -> String {
    let mut shares: Vec<(f64, usize, usize)> = Vec::new();
    for (first, row) in counts.iter().enumerate() {
        for (second, count) in row.iter().enumerate() {
            shares.extend(count.share().filter(|&share| share > 0.0).map(|s| (s, first, second)));
        }
    }
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let parts: Vec<String> = shares
        .iter()
        .take(5)
        .map(|(share, first, second)| format!("{first} and {second}, {share:.0} %"))
        .collect();
    if parts.is_empty() {
        return "No answer is wrong.".to_owned();
    }
    format!("Most often wrong, first and second digit: {}.", parts.join("; "))
}
