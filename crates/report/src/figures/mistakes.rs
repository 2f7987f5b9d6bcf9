//! The pairs that the best network answers wrongly, as it saw them and what it took them for.

use std::fmt::Write as _;

use pairnet_record::{Mistake, Pixels};

use super::figure::{Figure, Panel};
use super::palette::{BLACK, BLUE, INK, MUTED, ORANGE};
use super::svg::{Svg, Text, number};
use crate::folder::BestNetwork;

/// How many are shown.
const SHOWN: usize = 24;
const IMAGE: f64 = 70.0;
const BARS: f64 = 34.0;
/// Between the digits of a pair; pairs are farther apart.
const BETWEEN: f64 = 6.0;
const PAIR: f64 = 2.0 * IMAGE + BETWEEN;
const SIZE: (f64, f64) = (PAIR + 18.0, 166.0);
/// Grey levels that are told apart, black among them.
const LEVELS: usize = 16;

/// A pair, and what the network said of it.
struct Shown<'a> {
    run: usize,
    mistake: &'a Mistake,
    classes: [u8; 2],
    /// P(first ≤ second).
    probability: f64,
}

impl Shown<'_> {
    /// How sure the wrong answer was, 0.5 to 1.
    fn confidence(&self) -> f64 {
        self.probability.max(1.0 - self.probability)
    }
}

/// The wrong answers of which the network was surest; `None` where there are no images.
pub(super) fn figure(best: &BestNetwork) -> Option<Figure> {
    let mut all: Vec<(usize, Shown<'_>)> = Vec::new();
    for run in &best.runs {
        let mut own: Vec<Shown<'_>> = run
            .mistakes
            .iter()
            .map(|mistake| Shown {
                run: run.run,
                mistake,
                classes: run.classes[mistake.pair],
                probability: run.probabilities[mistake.pair],
            })
            .collect();
        own.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
        all.extend(own.into_iter().enumerate());
    }
    // Many are as good as certain: of those that look equally sure, each run's first come first.
    let percent = |shown: &Shown<'_>| (100.0 * shown.confidence()).round();
    all.sort_by(|(rank_a, a), (rank_b, b)| {
        percent(b).total_cmp(&percent(a)).then(rank_a.cmp(rank_b))
    });
    let wrong = all.len();
    let mut shown: Vec<Shown<'_>> = Vec::with_capacity(SHOWN);
    for (_, candidate) in all {
        // Runs may share their pairs.
        let seen = |shown: &Shown<'_>| shown.mistake.images == candidate.mistake.images;
        if shown.len() < SHOWN && !shown.iter().any(seen) {
            shown.push(candidate);
        }
    }
    (!shown.is_empty()).then(|| Figure {
        name: "mistakes".to_owned(),
        title: format!("What {} ({}) gets wrong", best.variant, best.recipe),
        caption: format!(
            "{} of which the network was surest, of {wrong} wrong answers. Above: what \
             is true, and what the network said and how surely. Below each digit: the probability \
             that it was taken for 0 to 9, the true digit in blue. Where the blue bar is low, the \
             digit was misread; where both are high, the comparison failed.",
            if shown.len() == 1 { "The pair".to_owned() } else { format!("{} pairs", shown.len()) }
        ),
        panels: shown.iter().map(panel).collect(),
        columns: 6,
    })
}

fn panel(shown: &Shown<'_>) -> Panel {
    let [first, second] = shown.classes;
    let relation = if first <= second { "≤" } else { ">" };
    let said = if first <= second { ">" } else { "≤" };
    let sure = 100.0 * shown.confidence();
    let mut svg = Svg::default();
    let truth = format!("{first} {relation} {second}");
    svg.text((0.0, 14.0), Text::new(13.0, INK).bold(), &truth);
    let answer = format!("said {said}, {sure:.0} %");
    svg.text((PAIR, 14.0), Text::new(11.0, MUTED).end(), &answer);
    for (digit, x) in [(0, 0.0), (1, IMAGE + BETWEEN)] {
        image(&mut svg, (x, 22.0), &shown.mistake.images[digit]);
        let class = usize::from(shown.classes[digit]);
        bars(&mut svg, (x, 28.0 + IMAGE), &shown.mistake.posteriors[digit], class);
    }
    let run = format!("run {}, pair {}", shown.run, shown.mistake.pair);
    svg.text((0.0, SIZE.1 - 8.0), Text::new(9.5, MUTED), &run);
    let taken: Vec<String> = shown.mistake.posteriors.iter().map(taken_for).collect();
    Panel {
        title: format!("{truth}, answered {said}"),
        description: format!(
            "A {first} taken for {}, and a {second} taken for {}; the answer was {sure:.0} % sure.",
            taken[0], taken[1]
        ),
        size: SIZE,
        body: svg.0,
    }
}

/// "5 (71 %)".
fn taken_for(posterior: &[f64; 10]) -> String {
    let best = posterior.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(String::new(), |(digit, share)| format!("{digit} ({:.0} %)", 100.0 * share))
}

/// White on black in 16 greys, one path a grey: the neighbours of a row in one stroke.
fn image(svg: &mut Svg, (x, y): (f64, f64), pixels: &Pixels) {
    svg.rectangle((x, y), (IMAGE, IMAGE), BLACK, 1.0);
    let scale = IMAGE / Pixels::SIDE as f64;
    let (x, y) = (number(x), number(y));
    svg.push(&format!(
        "<g transform=\"translate({x} {y}) scale({})\" fill=\"white\" \
         shape-rendering=\"crispEdges\">",
        number(scale)
    ));
    let level = |pixel: u8| (usize::from(pixel) * (LEVELS - 1) + 127) / 255;
    let mut paths = vec![String::new(); LEVELS];
    for (row, pixels) in pixels.0.chunks_exact(Pixels::SIDE).enumerate() {
        let mut column = 0;
        for run in pixels.chunk_by(|a, b| level(*a) == level(*b)) {
            // Writing into a string cannot fail.
            let width = run.len();
            let _ = write!(paths[level(run[0])], "M{column} {row}h{width}v1h-{width}z");
            column += width;
        }
    }
    for (level, path) in paths.iter().enumerate().skip(1).filter(|(_, path)| !path.is_empty()) {
        let opacity = number(level as f64 / (LEVELS - 1) as f64);
        svg.push(&format!("<path fill-opacity=\"{opacity}\" d=\"{path}\"/>"));
    }
    svg.push("</g>");
}

fn bars(svg: &mut Svg, (x, y): (f64, f64), posterior: &[f64; 10], class: usize) {
    let pitch = IMAGE / posterior.len() as f64;
    for (digit, &share) in posterior.iter().enumerate() {
        let left = x + digit as f64 * pitch;
        let (colour, text) = if digit == class { (BLUE, INK) } else { (ORANGE, MUTED) };
        // A line where there is nothing, so that the ten places can be seen.
        let height = (share * BARS).max(0.6);
        svg.rectangle((left + 0.6, y + BARS - height), (pitch - 1.2, height), colour, 1.0);
        let style = Text::new(9.0, text).middle();
        let style = if digit == class { style.bold() } else { style };
        svg.text((left + pitch / 2.0, y + BARS + 10.0), style, &digit.to_string());
    }
}
