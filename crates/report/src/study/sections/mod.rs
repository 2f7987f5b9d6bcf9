//! What a study's report says.

mod accuracies;
mod answer;
mod differences;
mod effects;
mod introduction;
mod reading;
mod settings;
mod words;

use pairnet_record::Study;

use self::words::of_cell;
use crate::entry::Entry;
use crate::render::{self, Block, Document, Section};
use crate::summary::Summary;

/// The answer first, then all that it rests on; each picture below the words that it belongs to.
pub(crate) fn document(asked: &Study, summary: &Summary) -> Document {
    let sections = vec![
        Section::new(answer::blocks(asked, summary), &[]),
        Section::new(accuracies::test(asked, summary), &["line", "heat-map", "accuracy"]),
        Section::new(differences::of_cells(asked, summary), &["cells"]),
        Section::new(differences::of_networks(asked, summary), &["compared-networks"]),
        Section::new(differences::of_pairs(asked, summary), &["compared-pairs"]),
        Section::new(effects::blocks(summary), &["effects"]),
        Section::new(settings::blocks(asked, summary), &[]),
        Section::new(accuracies::train(asked, summary), &[]),
        Section::new(render::components(summary, "cell"), &[]),
        Section::of_pictures("How the networks learn", &["curves-"]),
        Section::of_pictures("Where the best network fails", &["confusion", "mistakes"]),
        Section::of_pictures("The networks", &["networks"]),
        Section::new(render::numbers(summary, "cell"), &[]),
        Section::new(without_result(summary), &[]),
        Section::new(reading::blocks(summary), &[]),
    ];
    let title = asked.title.split_whitespace().collect::<Vec<_>>().join(" ");
    Document { title, introduction: introduction::blocks(asked, summary), sections }
}

fn without_result(summary: &Summary) -> Vec<Block> {
    let entries: Vec<&Entry> = summary.entries.iter().collect();
    let blocks = render::shortfalls(&entries, |entry| of_cell(&entry.variant, &entry.recipe));
    let heading = Block::heading(2, "Runs to know about");
    if blocks.is_empty() { blocks } else { [vec![heading], blocks].concat() }
}
