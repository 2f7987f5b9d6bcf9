//! What there is to say about one recipe.

use crate::against::{AgainstSplit, AgainstTables};
use crate::data_set::DataSet;
use crate::entry::{Entry, LOST, SPLITS, split_in_words};
use crate::render::Align::{Left, Right};
use crate::render::cells::{self, NOTHING};
use crate::render::{Block, shortfalls};
use crate::statistics::Statistics;
use crate::summary::Summary;

use super::super::published::{PUBLISHED, PublishedTable};
use super::others;
use super::outcomes::{self, Deviation};

pub(crate) fn section(summary: &Summary, recipe: &str) -> Vec<Block> {
    let deviation = Deviation::of_recipe(recipe);
    let entries: Vec<&Entry> =
        summary.entries.iter().filter(|entry| entry.recipe == recipe).collect();
    // Only recipes that retrain the paper's tables are set beside them.
    let (beside, alone): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.test.published.is_some());

    let mut blocks = introduction(summary, recipe);
    for published in &PUBLISHED {
        let rows = || published.rows.iter().map(|row| row.variant);
        if beside.iter().any(|entry| rows().any(|variant| variant == entry.variant)) {
            blocks.extend(paper_table(published, &beside, deviation));
        }
    }
    if !alone.is_empty() {
        blocks.extend(other_networks(&alone, deviation));
    }
    blocks.extend(shortfalls(&entries, |entry| format!("`{}`", entry.variant)));
    if let Some(tables) = summary.against_tables.iter().find(|tables| tables.recipe == recipe) {
        blocks.extend(differences(&beside));
        blocks.extend(margins(tables));
    }
    blocks.extend(others::blocks(summary, recipe));
    blocks
}

fn introduction(summary: &Summary, recipe: &str) -> Vec<Block> {
    let same_pairs = summary.against_tables.iter().any(|t| t.recipe == recipe && t.same_pairs);
    let (title, text) = match recipe {
        _ if summary.data == DataSet::Other => (
            "",
            "On other digits than MNIST. Standard deviations are those of samples (they divide by n − 1), \
             but for recipe `authors`, whose code divides by n.",
        ),
        "paper" => (
            ": the paper's text, completed by usual practice",
            "Trained as the text says, and as is usual where it is silent. The published numbers \
             were made by the authors' code, which does not always do what the text says: a mean \
             that differs here is first of all a difference between those two. Training accuracy is \
             measured after the last epoch, the published one was counted during it: the two stand \
             side by side without a verdict. Measured standard deviations divide by n − 1, published \
             ones by n.",
        ),
        "authors" if same_pairs => (
            ": what the authors' code does",
            "Trained as the released code does, which made the published tables, on the very pairs \
             of the published runs: PyTorch's generator draws them again, one draw for each of the \
             four kinds, the same for all runs and for both backbones. So the luck of a draw is the \
             same in the published mean and in ours, and cancels: but for the programs, a published \
             run and one of ours could change places. All standard deviations divide by n, as that \
             code computes them.",
        ),
        "authors" => (
            ": what the authors' code does",
            "Trained as the released code does, which made the published tables, on other pairs than \
             the published runs: the luck of both draws is in the differences and not in their \
             intervals (seed 0 draws the published pairs). All runs of a kind share one draw, on \
             both backbones. All standard deviations divide by n, as that code computes them.",
        ),
        _ => (
            "",
            "The paper has no numbers for it. Standard deviations are those of samples (they divide \
             by n − 1).",
        ),
    };
    let mut blocks =
        vec![Block::heading(2, format!("Recipe `{recipe}`{title}")), Block::paragraph(text)];
    blocks.extend((recipe == "authors" && same_pairs).then(remarkable));
    blocks
}

/// What is to be known of the published runs themselves.
fn remarkable() -> Block {
    let mut text = "Two published numbers stand out. The training accuracy of `lenet5`, 98.38, is not \
                    what its own program gives today: run again on these pairs with PyTorch 2.15, it \
                    ended at 97.91 ± 0.49 over ten runs, and another implementation in PyTorch at \
                    97.62 ± 0.55 over forty."
        .to_owned();
    for row in PUBLISHED.iter().flat_map(|table| &table.rows) {
        let all = Statistics::of(row.test.runs.to_vec());
        let Some(median) = all.median else { continue };
        let (lost, rest): (Vec<f64>, Vec<f64>) =
            row.test.runs.iter().partition(|run| **run < median - LOST);
        if let ([lost], Some(mean)) = (&lost[..], Statistics::of(rest).mean) {
            text += &format!(
                " And the {:.2} of `{}` on test pairs has one run of {lost} in it, {:.1} points below \
                 the median; the mean of the other nine is {mean:.2}.",
                row.test.mean,
                row.variant,
                median - lost
            );
        }
    }
    Block::Paragraph(text)
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
                    outcomes::measured(entry, accuracy(entry), deviation)
                })
            };
            vec![
                row.title.to_owned(),
                outcomes::published(row.train.mean, row.train.std_population),
                measured(|entry| &entry.train),
                outcomes::published(row.test.mean, row.test.std_population),
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
            let measured = |accuracy| outcomes::measured(entry, accuracy, deviation);
            vec![format!("`{}`", entry.variant), measured(&entry.train), measured(&entry.test)]
        })
        .collect();
    [Block::heading(3, "Networks without published numbers"), Block::table(header, rows)]
}

fn differences(entries: &[&Entry]) -> Vec<Block> {
    let header = [
        ("Network", Left),
        ("difference [95 %]", Right),
        ("p", Right),
        ("p (Holm)", Right),
        ("within", Right),
        ("verdict", Left),
    ];
    let mut blocks = vec![
        Block::heading(3, "How far from the published means?"),
        Block::paragraph(
            "Measured minus published mean in points, with its Welch interval; p values of exact \
             permutation tests of the runs themselves, alone and adjusted for all of this recipe's \
             tests (Holm); *within*: the smallest margin at which the two would count as the same.",
        ),
    ];
    for (split, accuracy) in SPLITS {
        let in_tables = PUBLISHED.iter().flat_map(|table| &table.rows);
        let rows: Vec<Vec<String>> = in_tables
            .filter_map(|row| entries.iter().find(|entry| entry.variant == row.variant))
            .filter_map(|entry| Some((entry, accuracy(entry).published.as_ref()?)))
            .map(|(entry, there)| {
                let within = there.smallest_margin.map(|margin| format!("±{margin:.2}"));
                vec![
                    format!("`{}`", entry.variant),
                    cells::difference(there.difference, there.ci95),
                    cells::p_value(there.p),
                    cells::p_value(there.p_holm),
                    within.unwrap_or_else(|| NOTHING.to_owned()),
                    outcomes::verdict(Some(there)),
                ]
            })
            .collect();
        let header = header.map(|(title, align)| (title.to_owned(), align)).to_vec();
        let split = if split == "test" { "Test pairs" } else { "Training pairs" };
        blocks.push(Block::captioned(split, header, rows));
    }
    blocks
}

/// How the count of reproduced means depends on the margin.
fn margins(tables: &AgainstTables) -> Vec<Block> {
    let judged: Vec<&AgainstSplit> =
        tables.splits.iter().filter(|split| !split.within.is_empty()).collect();
    let Some(first) = judged.first() else { return Vec::new() };
    let mut header = vec![("Pairs".to_owned(), Left)];
    header.extend(first.within.iter().map(|within| (format!("±{}", within.margin), Right)));
    let row = |split: &&AgainstSplit| {
        let name = split_in_words(&split.split);
        let counts = split.within.iter().map(|w| format!("{} of {}", w.count, split.compared));
        [name.to_owned()].into_iter().chain(counts).collect()
    };
    let caption = "Means within a margin, in points, by the margin";
    vec![Block::captioned(caption, header, judged.iter().map(row).collect())]
}
