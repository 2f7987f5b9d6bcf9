//! `results.md`: the answers first, then all that they rest on.

use crate::summary::Summary;

use super::answers::{answer, questions};
use super::block::{Block, markdown};
use super::introduction::{how_to_cite, how_to_read, introduction};
use super::{claims, components, numbers, recipe};

pub(crate) const TITLE: &str = "Do weight sharing and auxiliary losses help?";

/// The picture that stands beside the answer.
const FIRST: &str = "effects";
/// Pictures that stand beside the questions; all others stand at the end.
const SECOND: [&str; 5] = ["accuracy", "accuracy-train", "differences", "claims", "text-and-code"];

pub(super) fn document(summary: &Summary) -> String {
    let pictures = |wanted: &dyn Fn(&str) -> bool| -> Vec<Block> {
        let wanted = summary.pictures.iter().filter(|picture| wanted(&picture.name));
        wanted.cloned().map(Block::Picture).collect()
    };
    let mut blocks = vec![Block::heading(1, TITLE)];
    blocks.extend(introduction(summary));
    blocks.extend(answer(summary));
    blocks.extend(pictures(&|name| name == FIRST));
    blocks.extend(questions(summary).into_iter().flatten());
    let beside = pictures(&|name| SECOND.contains(&name));
    if !beside.is_empty() {
        blocks.push(Block::heading(2, "The answers in pictures"));
        blocks.extend(beside);
    }
    blocks.extend(claims::claims(summary));
    blocks.extend(claims::effects(summary));
    blocks.extend(components::section(summary));
    for name in summary.recipe_names() {
        blocks.extend(recipe::section(summary, name));
    }
    blocks.extend(claims::text_against_code(summary));
    blocks.extend(numbers::section(summary));
    let last = pictures(&|name| name != FIRST && !SECOND.contains(&name));
    if !last.is_empty() {
        blocks.push(Block::heading(2, "More pictures"));
        blocks.extend(last);
    }
    blocks.extend(how_to_read(summary));
    blocks.extend(how_to_cite());
    blocks.push(provenance(summary));
    markdown(&blocks)
}

pub(crate) fn provenance(summary: &Summary) -> Block {
    let provenance = &summary.provenance;
    let revision = provenance.git_revision.as_deref().unwrap_or("unknown");
    let changes = if provenance.git_dirty == Some(true) { " with changes" } else { "" };
    Block::Paragraph(format!(
        "Begun by version {}, revision {revision}{changes}, on {}; seed {}, device {}. Runs are \
         counted from 0.",
        provenance.version, provenance.machine, summary.seed, summary.device
    ))
}
