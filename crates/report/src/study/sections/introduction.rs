//! The question, and how it is put to the runs.

use pairnet_record::Study;

use super::words::counted;
use crate::data_set::DataSet;
use crate::difference::Difference;
use crate::render::Block;
use crate::runs::Comparison;
use crate::summary::Summary;

pub(super) fn blocks(asked: &Study, summary: &Summary) -> Vec<Block> {
    let mut blocks = question(&asked.question);
    blocks.push(Block::Paragraph(trained(summary)));
    blocks.extend(compared(asked, summary).map(Block::Paragraph));
    blocks
}

/// Paragraphs are parted by empty lines.
fn question(text: &str) -> Vec<Block> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => *last += &format!("{line} "),
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.into_iter().map(|paragraph| Block::Paragraph(paragraph.trim().to_owned())).collect()
}

fn trained(summary: &Summary) -> String {
    let (entries, cells) = (&summary.entries, summary.recipes.len());
    let networks = summary.networks().count();
    let measured: usize = entries.iter().map(|entry| entry.measured_runs.len()).sum();
    let runs = entries.first().map_or(0, |entry| entry.runs);
    let digits = match summary.data {
        DataSet::Mnist => " on pairs of MNIST's digits",
        DataSet::Other => "",
    };
    format!(
        "Here {} trained{digits} in {}, {} of each; {measured} of {} runs have a result. A *cell* is \
         a way to train, with all of its settings. Accuracy is that on test pairs, which no network \
         has learned from, unless something else is said. A *point* is a percentage point of it.",
        match networks {
            1 => "one network was".to_owned(),
            networks => format!("{networks} networks were"),
        },
        counted(cells, "cell"),
        counted(runs, "run"),
        entries.iter().map(|entry| entry.runs).sum::<usize>(),
    )
}

/// What is compared with what, and how; `None` where nothing is.
fn compared(asked: &Study, summary: &Summary) -> Option<String> {
    let (networks, cells): (Vec<&Difference>, Vec<&Difference>) =
        summary.differences.iter().partition(|found| found.of.recipe == found.from.recipe);
    let mut sentences = Vec::new();
    if !cells.is_empty() {
        sentences.push(format!(
            "Every cell is compared with the cell `{}`, network by network. {}",
            asked.base,
            match how(&cells) {
                Some(Comparison::Paired) => {
                    "Cells have *common random numbers*: in all of them, runs of one number share their \
                     pairs, and their initial weights and dropout masks wherever shapes allow. So each run \
                     is compared with the run of the same number, and the luck of the draw, which is in \
                     both, cancels."
                }
                Some(Comparison::Welch) => {
                    "Their runs are compared all with all (Welch's t test): cells do not draw new pairs for \
                     every run, or have random numbers of their own, so that runs of one number are no \
                     pairs."
                }
                None => {
                    "Where both have common random numbers, each run is compared with the run of the same \
                     number, so that the luck of the draw cancels; else all runs with all (Welch's t \
                     test)."
                }
            }
        ));
    }
    let within = match (&asked.base_network, asked.contrasts.is_empty()) {
        (Some(base), true) => format!("Every network is compared with `{base}`, cell by cell."),
        (Some(base), false) => format!(
            "Every network is compared with `{base}`, cell by cell, and so are the pairs of networks \
             that the study names."
        ),
        (None, _) => {
            "The pairs of networks that the study names are compared, cell by cell.".to_owned()
        }
    };
    if !networks.is_empty() {
        let how = match how(&networks) {
            Some(Comparison::Paired) => {
                "Runs of one number have the same pairs, and are compared with each other."
            }
            Some(Comparison::Welch) => {
                "Networks do not share their pairs: all runs are compared with all (Welch's t test)."
            }
            None => {
                "Where a cell draws pairs for each run, runs of one number are compared with each \
                 other; else all runs with all (Welch's t test)."
            }
        };
        sentences.push(format!("{within} {how}"));
    }
    if summary.differences.is_empty() {
        return None;
    }
    let family = match summary.differences.iter().filter(|found| found.p.is_some()).count() {
        0 | 1 => "",
        tests => &format!(" The tests of {tests} differences are one family (Holm's procedure)."),
    };
    Some(sentences.join(" ") + family)
}

/// How all of `differences` are compared; `None` where some are in another way.
fn how(differences: &[&Difference]) -> Option<Comparison> {
    let first = differences.first()?.comparison;
    differences.iter().all(|found| found.comparison == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_part_paragraphs() {
        let expected = ["one two", "three"].map(Block::paragraph);
        assert_eq!(question("\none\ntwo\n\n\nthree\n"), expected);
        assert_eq!(question(" \n"), []);
    }
}
