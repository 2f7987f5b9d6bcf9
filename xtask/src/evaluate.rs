//! `cargo xtask evaluate`: how good kept networks are, on fresh test pairs.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pairnet_report::{Answered, Evaluation, Right};
use pairnet_training::{Answer, Kept, answers, fresh_pairs, kept_path, start_threads};
use serde::Serialize;

use crate::data::digits;
use pairnet_terminal::print;

/// Accuracy, confusion and calibration of networks.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Networks that train, reproduce --keep or study --keep has written, or names of shipped ones
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Pairs of the test split; no digit comes twice
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pairs: usize,
    /// Which pairs
    #[arg(long, value_name = "SEED", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// For programs
    #[arg(long)]
    json: bool,
    /// Folder of your own MNIST files (IDX, plain or gzip) [default: the shipped ones]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// One network's evaluation, as JSON has it.
#[derive(Serialize)]
struct Entry<'a> {
    file: String,
    network: &'a str,
    known: &'a pairnet_models::Metadata,
    pairs: usize,
    seed: u64,
    evaluation: &'a Evaluation,
}

pub(crate) fn evaluate(arguments: &Arguments) -> Result<()> {
    start_threads()?;
    let workspace = crate::workspace();
    let load = |file: &PathBuf| {
        let file = kept_path(file, &workspace);
        let kept = Kept::load(&file).context(
            "a network is a file that train --save, reproduce --keep or study --keep has written",
        )?;
        Ok((file, kept))
    };
    let networks = arguments.files.iter().map(load).collect::<Result<Vec<_>>>()?;
    let pairs =
        fresh_pairs(&digits(arguments.data_dir.as_deref())?, arguments.pairs, arguments.seed)?;
    let mut evaluated = Vec::new();
    for (file, kept) in &networks {
        let answered = answers(&kept.trained, pairs.images())?;
        let classes = pairs.classes().as_chunks::<2>().0;
        let answered: Vec<Answered> =
            answered.iter().zip(classes).map(|(answer, &classes)| seen(answer, classes)).collect();
        evaluated.push((file, kept, Evaluation::of(&answered)));
    }
    if arguments.json {
        let entries: Vec<Entry<'_>> = evaluated
            .iter()
            .map(|(file, kept, evaluation)| Entry {
                file: file.display().to_string(),
                network: kept.name(),
                known: &kept.known,
                pairs: arguments.pairs,
                seed: arguments.seed,
                evaluation,
            })
            .collect();
        return print(&(serde_json::to_string_pretty(&entries)? + "\n"));
    }
    let mut text = String::new();
    for (file, kept, evaluation) in &evaluated {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &told(file, kept, evaluation, arguments);
    }
    print(&text)
}

fn seen(answer: &Answer, classes: [u8; 2]) -> Answered {
    Answered { classes, probability: answer.probability, named: answer.named() }
}

fn told(file: &Path, kept: &Kept, evaluation: &Evaluation, arguments: &Arguments) -> String {
    let Evaluation { comparison, accuracy, accuracy_ci95, answers, calibration, .. } = evaluation;
    let mut text = format!("{}: {}, {}\n", file.display(), kept.name(), kept.origin());
    let (pairs, seed) = (arguments.pairs, arguments.seed);
    let mut say = |line: &str| {
        text += "  ";
        text += line;
        text.push('\n');
    };
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2} %"));
    let interval =
        accuracy_ci95.map(|i| format!(", 95 % interval {:.2} to {:.2} %", i.low, i.high));
    say(&format!(
        "{} of {pairs} test pairs (seed {seed}) right: {}{}",
        comparison.right,
        percent(*accuracy),
        interval.unwrap_or_default()
    ));
    say(&format!(
        "first > second: {} said so, {} said otherwise; first <= second: {} said so, {} said otherwise",
        answers[0][0], answers[1][0], answers[1][1], answers[0][1]
    ));
    let calibrated =
        |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    say(&format!(
        "expected calibration error {}, Brier score {}, {} wrong answers given as 99 % sure or more",
        calibrated(calibration.expected_calibration_error),
        calibrated(calibration.brier),
        calibration.sure_and_wrong
    ));
    say("P(first <= second)  pairs  mean P  came true");
    for bin in &calibration.bins {
        let share =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        say(&format!(
            "  {:.1} to {:.1}       {:>7}  {:>6}  {:>9}",
            bin.from,
            bin.from + 0.1,
            bin.count,
            share(bin.mean_probability),
            share(bin.frequency)
        ));
    }
    say("right answers in %, by first digit (down) and second digit (across)");
    let share =
        |right: &Right| right.percent().map_or("-".to_owned(), |value| format!("{value:.0}"));
    table(&mut say, |first, second| share(&evaluation.by_pair[first][second]));
    if let (Some(digits), Some(confusion)) = (evaluation.digits, evaluation.confusion) {
        say(&format!(
            "{} of {} digits named rightly: {}",
            digits.right,
            digits.all,
            percent(digits.percent())
        ));
        say("digits (down) and what they were taken for (across)");
        table(&mut say, |digit, named| confusion[digit][named].to_string());
    }
    text
}

/// Ten rows and columns.
fn table(say: &mut impl FnMut(&str), cell: impl Fn(usize, usize) -> String) {
    let mut line = "   ".to_owned();
    for column in 0..10 {
        let _ = write!(line, "{column:>6}");
    }
    say(&line);
    for row in 0..10 {
        let mut line = format!("  {row}");
        for column in 0..10 {
            let _ = write!(line, "{:>6}", cell(row, column));
        }
        say(&line);
    }
}
