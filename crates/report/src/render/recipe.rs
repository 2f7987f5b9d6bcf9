//! What there is to say about one recipe.

use crate::claims::{Claim, Comparison};
use crate::published::{PUBLISHED, PublishedTable};
use crate::summary::{Entry, Summary};

use super::block::Align::{Left, Right};
use super::block::Block;
use super::cells::{self, Deviation, NOTHING};

pub(crate) fn section(summary: &Summary, recipe: &str) -> Vec<Block> {
    let deviation = Deviation::of_recipe(recipe);
    let entries: Vec<&Entry> =
        summary.entries.iter().filter(|entry| entry.recipe == recipe).collect();
    // Only recipes that retrain the paper's tables are set beside them.
    let (beside, alone): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.test.published.is_some());

    let mut blocks = introduction(recipe);
    for published in &PUBLISHED {
        let rows = || published.rows.iter().map(|row| row.variant);
        if beside.iter().any(|entry| rows().any(|variant| variant == entry.variant)) {
            blocks.extend(paper_table(published, &beside, deviation));
        }
    }
    if !alone.is_empty() {
        blocks.extend(other_networks(&alone, deviation));
    }
    let shortfalls: Vec<String> =
        entries.iter().filter_map(|entry| cells::shortfall(entry)).collect();
    if !shortfalls.is_empty() {
        let text = "Not all runs have a result; the numbers are of those that do:";
        blocks.extend([Block::paragraph(text), Block::List(shortfalls)]);
    }
    if !beside.is_empty() {
        blocks.extend(differences(&beside));
    }
    blocks.extend(claims(summary, recipe));
    blocks
}

fn introduction(recipe: &str) -> Vec<Block> {
    let (title, text) = match recipe {
        "paper" => (
            ": what the paper's text says",
            "\
Trained as the text says, with usual practice where it is silent. The published numbers were
made by the authors' code, which does not always do what the text says; a mean that differs here is
first of all a difference between those two. Measured stds are sample stds (they divide by n − 1),
published ones population stds (they divide by n).",
        ),
        "authors" => (
            ": what the authors' code does",
            "\
Trained as the released code does, which made the published tables. All stds are population stds
(they divide by n), as that code computes them. All runs share one draw of pairs, and the published
ones shared another: the luck of the two draws, about ±1 point each on 1,000 test pairs, is in the
differences and not in their intervals, which speak of the one draw.",
        ),
        _ => ("", "The paper has no numbers for it. Stds are sample stds (they divide by n − 1)."),
    };
    vec![Block::heading(2, format!("Recipe `{recipe}`{title}")), Block::paragraph(text)]
}

/// The paper's table with what was measured beside it.
fn paper_table(published: &PublishedTable, entries: &[&Entry], deviation: Deviation) -> [Block; 2] {
    let header = [
        ("Neural Nets", Left),
        ("Train: published", Right),
        ("measured", Right),
        ("Test: published", Right),
        ("measured", Right),
    ];
    let rows: Vec<Vec<String>> = published
        .rows
        .iter()
        .map(|row| {
            let entry = entries.iter().find(|entry| entry.variant == row.variant);
            let measured = |accuracy: fn(&Entry) -> &_| {
                entry.map_or(NOTHING.to_owned(), |entry| {
                    cells::measured(entry, accuracy(entry), deviation)
                })
            };
            vec![
                row.title.to_owned(),
                cells::published(row.train.mean, row.train.std_population),
                measured(|entry| &entry.train),
                cells::published(row.test.mean, row.test.std_population),
                measured(|entry| &entry.test),
            ]
        })
        .collect();
    [Block::heading(3, published.caption), Block::table(header, rows)]
}

fn other_networks(entries: &[&Entry], deviation: Deviation) -> [Block; 2] {
    let header = [("Network", Left), ("Train", Right), ("Test", Right)];
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let measured = |accuracy| cells::measured(entry, accuracy, deviation);
            vec![format!("`{}`", entry.variant), measured(&entry.train), measured(&entry.test)]
        })
        .collect();
    [Block::heading(3, "Networks without published numbers"), Block::table(header, rows)]
}

fn differences(entries: &[&Entry]) -> [Block; 2] {
    let header = [
        ("Network", Left),
        ("Train: difference [95 %]", Right),
        ("verdict", Left),
        ("Test: difference [95 %]", Right),
        ("verdict", Left),
    ];
    let in_tables = PUBLISHED.iter().flat_map(|table| &table.rows);
    let rows: Vec<Vec<String>> = in_tables
        .filter_map(|row| entries.iter().find(|entry| entry.variant == row.variant))
        .map(|entry| {
            let mut cells = vec![format!("`{}`", entry.variant)];
            for accuracy in [&entry.train, &entry.test] {
                let published = accuracy.published.as_ref();
                let value = published.and_then(|published| published.difference);
                let interval = published.and_then(|published| published.ci95);
                cells.extend([cells::difference(value, interval), cells::verdict(published)]);
            }
            cells
        })
        .collect();
    [Block::heading(3, "Did the published means come back?"), Block::table(header, rows)]
}

fn claims(summary: &Summary, recipe: &str) -> Vec<Block> {
    let claims = || summary.claims.iter().filter(|claim| claim.recipe == recipe);
    let Some(first) = claims().next() else {
        return Vec::new();
    };
    let how = match first.comparison {
        Comparison::Paired => "Run against run of the same number, since these share their pairs",
        Comparison::Welch => {
            "Each run against each, since runs of one number share no more than others"
        }
    };
    let mut blocks = vec![
        Block::heading(3, "Do the paper's claims hold?"),
        Block::Paragraph(format!("{how}. Effects on test accuracy are in points.")),
    ];
    for backbone in PUBLISHED.iter().map(|table| table.backbone) {
        let rows: Vec<Vec<String>> =
            claims().filter(|claim| claim.backbone == backbone).map(claim_row).collect();
        if !rows.is_empty() {
            blocks.push(claim_table(backbone, rows));
        }
    }
    blocks
}

fn claim_table(backbone: &str, rows: Vec<Vec<String>>) -> Block {
    let header = [
        ("Claim", Left),
        ("against", Left),
        ("effect [95 %]", Right),
        ("p (Holm)", Right),
        ("better in", Right),
        ("outcome", Left),
    ];
    let header = header.map(|(title, align)| (title.to_owned(), align)).to_vec();
    Block::captioned(backbone, header, rows)
}

fn claim_row(claim: &Claim) -> Vec<String> {
    vec![
        claim.claim.clone(),
        format!("`{}`", claim.than),
        cells::difference(claim.effect, claim.ci95),
        cells::p_value(claim.p_holm),
        cells::contests(claim.contests),
        cells::claim_outcome(claim.outcome).to_owned(),
    ]
}
