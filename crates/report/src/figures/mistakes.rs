//! The pairs that the best network answers wrongly, as it saw them and what it took them for.

use std::cmp::Reverse;
use std::fmt::Write as _;

use pairnet_record::{Mistake, Pixels, Predictions};

use super::figure::{Figure, Panel};
use super::palette::{BLACK, BLUE, INK, MUTED, ORANGE};
use super::svg::{Svg, Text, number};
use crate::report::BestNetwork;

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
    /// How sure the wrong answer was, in tenths of a percent, rounded down: 500 to 999.
    ///
    /// Probabilities are kept in four decimals, of which 1 says no more than 99.9 % and above.
    fn certainty(&self) -> usize {
        // Decimals are not exact in binary.
        ((1e3 * self.probability.max(1.0 - self.probability) + 1e-6) as usize).min(999)
    }

    fn same_images(&self, other: &Self) -> bool {
        self.mistake.images == other.mistake.images
    }
}

/// Wrong answers of which the network was sure; `None` where there are no images.
pub(crate) fn figure(best: &BestNetwork) -> Option<Figure> {
    let mut runs: Vec<Vec<Shown<'_>>> = best.runs.iter().map(wrong).collect();
    let all = runs.iter().map(Vec::len).sum();
    let certainty = certainty(&runs);
    for run in &mut runs {
        run.retain(|shown| shown.certainty() >= certainty);
    }
    let sure = runs.iter().map(Vec::len).sum();
    let shown = in_turn(runs);
    let chosen = chosen(shown.len(), sure, all, certainty);
    (!shown.is_empty()).then(|| Figure {
        name: "mistakes".to_owned(),
        title: format!("What {} ({}) gets wrong", best.variant, best.recipe),
        caption: format!(
            "{chosen} Above: what is true, and what the network said and with which probability, \
             rounded down. Below each digit: the probability that it was taken for 0 to 9, the \
             true digit in blue. Where the blue bar is low, the digit was misread; where both are \
             high, the comparison failed."
        ),
        panels: shown.iter().map(panel).collect(),
        columns: 6,
    })
}

/// A run's wrong answers, in the order of its pairs.
fn wrong(run: &Predictions) -> Vec<Shown<'_>> {
    let mistakes = run.mistakes.iter();
    mistakes
        .map(|mistake| Shown {
            run: run.run,
            mistake,
            classes: run.classes[mistake.pair],
            probability: run.probabilities[mistake.pair],
        })
        .collect()
}

/// How sure an answer has to be to be shown, in tenths of a percent: so that there are enough.
fn certainty(runs: &[Vec<Shown<'_>>]) -> usize {
    let mut all: Vec<&Shown<'_>> = runs.iter().flatten().collect();
    all.sort_by_key(|shown| Reverse(shown.certainty()));
    let mut different: Vec<&Shown<'_>> = Vec::with_capacity(SHOWN);
    for shown in &all {
        if different.len() < SHOWN && !different.iter().any(|other| other.same_images(shown)) {
            different.push(shown);
        }
    }
    different.last().map_or(0, |shown| shown.certainty())
}

/// The first of each run, then the second of each, and so on; what looks the same comes once, for
/// runs may share their pairs.
fn in_turn(runs: Vec<Vec<Shown<'_>>>) -> Vec<Shown<'_>> {
    let mut shown: Vec<Shown<'_>> = Vec::with_capacity(SHOWN);
    let mut runs: Vec<_> = runs.into_iter().map(Vec::into_iter).collect();
    while shown.len() < SHOWN {
        let round: Vec<Shown<'_>> = runs.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            break;
        }
        for candidate in round {
            if shown.len() < SHOWN && !shown.iter().any(|other| other.same_images(&candidate)) {
                shown.push(candidate);
            }
        }
    }
    shown
}

/// How those that are `shown` were chosen from those that are sure, and from all.
fn chosen(shown: usize, sure: usize, all: usize, certainty: usize) -> String {
    let certainty = tenths(certainty);
    let order =
        "taken from the runs in turn, in the order of their pairs; each pair of images once.";
    if sure == all {
        let plural = if all == 1 { "" } else { "s" };
        return format!("{shown} of {all} wrong answer{plural}, {order}");
    }
    format!(
        "{shown} of the {sure} wrong answers that the network gave with a probability of at \
         least {certainty} % (of {all} in all), {order}"
    )
}

/// Tenths of a percent, as percent.
fn tenths(certainty: usize) -> String {
    format!("{}.{}", certainty / 10, certainty % 10)
}

fn panel(shown: &Shown<'_>) -> Panel {
    let [first, second] = shown.classes;
    let relation = if first <= second { "≤" } else { ">" };
    let said = if first <= second { ">" } else { "≤" };
    let sure = tenths(shown.certainty());
    let mut svg = Svg::default();
    let truth = format!("{first} {relation} {second}");
    svg.text((0.0, 14.0), Text::new(13.0, INK).bold(), &truth);
    let answer = format!("said {said}, {sure} %");
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
            "First digit {first}, taken for {}; second digit {second}, taken for {}; the answer was \
             at least {sure} % sure.",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(pair: usize, look: u8) -> Mistake {
        let image = Pixels([look; Pixels::COUNT]);
        Mistake { pair, images: [image, image], posteriors: [[0.1; 10]; 2] }
    }

    fn shown(run: usize, mistake: &Mistake, probability: f64) -> Shown<'_> {
        Shown { run, mistake, classes: [1, 2], probability }
    }

    #[test]
    fn certainties_are_rounded_down() {
        let mistake = mistake(0, 1);
        let found = [1.0, 0.0, 0.9994, 0.999, 0.5, 0.2].map(|p| shown(0, &mistake, p).certainty());
        assert_eq!(found, [999, 999, 999, 999, 500, 800]);
        assert_eq!(tenths(999), "99.9");
    }

    #[test]
    fn runs_take_turns_and_nothing_is_shown_twice() {
        let own = [mistake(3, 1), mistake(4, 2), mistake(8, 3)];
        let other = [mistake(1, 2), mistake(2, 4)];
        let first = own.iter().map(|mistake| shown(0, mistake, 0.0)).collect();
        let second = other.iter().map(|mistake| shown(1, mistake, 0.0)).collect();
        let found = in_turn(vec![first, second]);
        let found: Vec<(usize, usize)> = found.iter().map(|s| (s.run, s.mistake.pair)).collect();
        assert_eq!(found, [(0, 3), (1, 1), (1, 2), (0, 8)]);
    }

    #[test]
    fn there_are_enough_that_are_sure() {
        let mistakes: Vec<Mistake> = (0..30).map(|n| mistake(n, n as u8)).collect();
        let sure = |n: usize| if n < 20 { 1.0 } else { 0.95 - 0.001 * n as f64 };
        let runs: Vec<Shown<'_>> =
            mistakes.iter().enumerate().map(|(n, mistake)| shown(0, mistake, sure(n))).collect();
        // The 24th is number 23: 92.7 %.
        assert_eq!(certainty(&[runs]), 927);
        assert_eq!(certainty(&[]), 0);
    }
}
