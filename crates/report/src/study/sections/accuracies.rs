//! Mean accuracies, cells by networks.

use pairnet_record::Study;

use crate::entry::{Accuracy, Entry};
use crate::paper::PAPER;
use crate::render::Align::{Left, Right};
use crate::render::Block;
use crate::render::cells::{NOTHING, why_nothing};
use crate::statistics::Interval;
use crate::summary::Summary;

/// Columns of numbers side by side: more would not fit a phone.
const MOST_COLUMNS: usize = 4;
/// Letters of a line in a terminal, and of a column of numbers.
const LINE: usize = 110;
const COLUMN: usize = 25;

/// What stands for one cell, or beside it, network by network.
struct Line {
    title: String,
    numbers: Vec<String>,
}

pub(super) fn test(asked: &Study, summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "How accurate is each cell?")];
    let lines = lines(asked, summary, |entry| &entry.test, true);
    blocks.extend(tables(
        "Mean accuracy on test pairs in %, with its 95 % interval",
        &lines,
        summary,
    ));
    let notes = notes(asked, summary);
    blocks.extend((!notes.is_empty()).then_some(Block::List(notes)));
    blocks
}

pub(super) fn train(asked: &Study, summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "How well are the training pairs learned?")];
    let lines = lines(asked, summary, |entry| &entry.train, false);
    let caption = "Mean accuracy on training pairs in %, with its 95 % interval";
    blocks.extend(tables(caption, &lines, summary));
    if summary.entries.iter().any(|entry| entry.train.published.is_some()) {
        let text = "Published numbers were counted during the last epoch, while the network was still \
                    changing; how a cell counts is among its settings.";
        blocks.push(Block::paragraph(text));
    }
    blocks
}

/// One a cell, and below it what was published of it or is given for it.
fn lines(
    asked: &Study,
    summary: &Summary,
    accuracy: fn(&Entry) -> &Accuracy,
    references: bool,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for cell in summary.recipe_names() {
        let own: Vec<&Entry> = summary.entries.iter().filter(|e| e.recipe == cell).collect();
        lines.push(Line {
            title: format!("`{cell}`"),
            numbers: own.iter().map(|entry| measured(entry, accuracy(entry))).collect(),
        });
        if own.iter().any(|entry| accuracy(entry).published.is_some()) {
            let number = |entry: &&Entry| {
                let published = accuracy(entry).published.as_ref();
                published.map_or(NOTHING.to_owned(), |there| with_std(there.mean, Some(there.std)))
            };
            let title = format!("`{cell}` (published)");
            lines.push(Line { title, numbers: own.iter().map(number).collect() });
        }
        for (number, source) in sources(asked).iter().enumerate().filter(|_| references) {
            let given: Vec<_> = asked
                .references
                .iter()
                .filter(|given| given.cell == cell && given.source == *source)
                .collect();
            let of = |entry: &&Entry| {
                let own = given.iter().find(|given| given.network == entry.variant);
                own.map_or(NOTHING.to_owned(), |given| with_std(given.mean, given.std))
            };
            if !given.is_empty() {
                let title = format!("`{cell}` (reference {})", number + 1);
                lines.push(Line { title, numbers: own.iter().map(of).collect() });
            }
        }
    }
    lines
}

/// Of references, each once.
fn sources(asked: &Study) -> Vec<&str> {
    let mut sources: Vec<&str> = Vec::new();
    for reference in &asked.references {
        if !sources.contains(&&*reference.source) {
            sources.push(&reference.source);
        }
    }
    sources
}

/// Where numbers come from that were not measured here.
fn notes(asked: &Study, summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    if summary.entries.iter().any(|entry| entry.test.published.is_some()) {
        notes.push(format!(
            "Published: the tables of [the paper]({PAPER}), mean ± standard deviation (over n) of ten runs"
        ));
    }
    let sources = sources(asked).into_iter().enumerate();
    notes.extend(sources.map(|(number, source)| format!("Reference {}: {source}", number + 1)));
    notes
}

fn measured(entry: &Entry, accuracy: &Accuracy) -> String {
    let statistics = &accuracy.statistics;
    let Some(mean) = statistics.mean else { return why_nothing(entry).to_owned() };
    let interval = statistics.ci95.map(|Interval { low, high }| format!(" [{low:.2}, {high:.2}]"));
    let some = if statistics.n == entry.runs {
        String::new()
    } else {
        format!(" ({} of {})", statistics.n, entry.runs)
    };
    format!("{mean:.2}{}{some}", interval.unwrap_or_default())
}

fn with_std(mean: f64, std: Option<f64>) -> String {
    let std = std.map(|std| format!(" ± {std}"));
    format!("{mean:.2}{}", std.unwrap_or_default())
}

/// The longer side of cells and networks goes down, the other across, in parts.
fn tables(caption: &str, lines: &[Line], summary: &Summary) -> Vec<Block> {
    let networks: Vec<String> = summary.networks().map(|name| format!("`{name}`")).collect();
    let titles: Vec<String> = lines.iter().map(|line| line.title.clone()).collect();
    let cells_go_down = lines.len() > networks.len() || networks.len() == 1;
    let (first, down, across) =
        if cells_go_down { ("Cell", titles, networks) } else { ("Network", networks, titles) };
    let longest = down.iter().map(|title| title.chars().count()).max().unwrap_or(0);
    let most = (LINE.saturating_sub(longest) / COLUMN).clamp(1, MOST_COLUMNS);
    // Parts of one size, so that none has a single column where another is full.
    let columns = across.len().div_ceil(across.len().div_ceil(most).max(1)).max(1);
    let number = |row: usize, column: usize| {
        let (line, network) = if cells_go_down { (row, column) } else { (column, row) };
        lines[line].numbers[network].clone()
    };
    let part = |from: usize| {
        let shown = from..across.len().min(from + columns);
        let mut header = vec![(first.to_owned(), Left)];
        header.extend(across[shown.clone()].iter().map(|title| (title.clone(), Right)));
        let row = |(index, title): (usize, &String)| {
            let numbers = shown.clone().map(|column| number(index, column));
            [title.clone()].into_iter().chain(numbers).collect()
        };
        let caption = if across.len() > columns {
            format!("{caption}: {}", across[shown.clone()].join(", "))
        } else {
            caption.to_owned()
        };
        Block::captioned(caption, header, down.iter().enumerate().map(row).collect())
    };
    (0..across.len()).step_by(columns).map(part).collect()
}
