//! What the paper's report says.

mod answers;
mod came_back;
mod claims;
mod introduction;
mod measured;
mod others;
mod outcomes;
mod recipe;
mod settings;

use crate::data_set::DataSet;
use crate::render::{self, Block, Document, Section};
use crate::report::Report;
use crate::summary::Summary;

pub(super) use outcomes::{claim_outcome, outcome_of};

const TITLE: &str = "Do weight sharing and auxiliary losses help?";

/// As a file of text: the answers first, then all that they rest on.
pub(crate) fn document(summary: &Summary) -> Document {
    let mut sections = vec![Section::new(answers::answer(summary), &["effects"])];
    sections.extend(answers::questions(summary).into_iter().map(|own| Section::new(own, &[])));
    sections.push(Section::of_pictures(
        "The answers in pictures",
        &["accuracy", "differences", "claims", "text-and-code"],
    ));
    for content in [claims::claims(summary), claims::effects(summary), components(summary)] {
        sections.push(Section::new(content, &[]));
    }
    sections.extend(recipes(summary));
    sections.push(Section::new(claims::text_against_code(summary), &[]));
    sections.push(Section::new(render::numbers(summary, "recipe"), &[]));
    sections.push(Section::of_pictures(
        "More pictures",
        &["curves-", "networks", "confusion", "mistakes"],
    ));
    sections.push(Section::new(introduction::how_to_read(summary), &[]));
    sections.push(Section::new(introduction::how_to_cite(), &[]));
    whole(summary, sections)
}

/// As a page, where each picture stands below the words that it belongs to.
pub(crate) fn page(report: &Report) -> Document {
    let summary = &report.summary;
    let mut sections = vec![Section::new(answers::answer(summary), &["effects"])];
    let beside: [&[&str]; 3] = [&["accuracy", "differences"], &["claims"], &["text-and-code"]];
    let questions = answers::questions(summary).into_iter().zip(beside);
    sections.extend(questions.map(|(own, pictures)| Section::new(own, pictures)));
    for content in [claims::claims(summary), claims::effects(summary), components(summary)] {
        sections.push(Section::new(content, &[]));
    }
    sections.push(Section::of_pictures("How the networks learn", &["curves-"]));
    sections.push(Section::new(failures(report), &["confusion", "mistakes"]));
    sections.push(Section::of_pictures("The networks", &["networks"]));
    sections.extend(recipes(summary));
    for content in [
        claims::text_against_code(summary),
        render::numbers(summary, "recipe"),
        introduction::how_to_read(summary),
        introduction::how_to_cite(),
    ] {
        sections.push(Section::new(content, &[]));
    }
    whole(summary, sections)
}

fn whole(summary: &Summary, sections: Vec<Section>) -> Document {
    let introduction = introduction::introduction(summary);
    Document { title: TITLE.to_owned(), introduction, sections }
}

fn recipes(summary: &Summary) -> impl Iterator<Item = Section> {
    summary.recipe_names().map(|name| Section::new(recipe::section(summary, name), &[]))
}

fn components(summary: &Summary) -> Vec<Block> {
    let mut blocks = render::components(summary, "recipe");
    let by_authors = summary.recipe_names().any(|name| name == "authors");
    if !blocks.is_empty() && summary.data == DataSet::Mnist && by_authors {
        blocks.extend(measured::draws());
    }
    blocks
}

/// What is said before the pictures of the best network's mistakes.
fn failures(report: &Report) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "Where the best network fails")];
    if report.predictions.runs.is_empty() {
        let text = "The folder has no predictions of the network with the highest mean test \
                    accuracy, so that its mistakes cannot be shown.";
        blocks.push(Block::paragraph(text));
    }
    blocks
}
