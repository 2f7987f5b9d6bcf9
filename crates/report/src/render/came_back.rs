//! Which published numbers came back, in short.

use crate::against::{AgainstPublished, AgainstTables};
use crate::entry::{Accuracy, Entry, SPLITS};
use crate::published::PUBLISHED;
use crate::statistics::{Margins, Verdict};
use crate::summary::Summary;

use super::block::{Align, Block};
use super::cells::{self, NOTHING, p_in_words};

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    if summary.against_tables.is_empty() {
        let text =
            "The paper has no numbers for what was trained here: there is nothing to compare.";
        return vec![Block::paragraph(text)];
    }
    let Margins { test, train } = summary.margins;
    let mut blocks = vec![Block::Paragraph(format!(
        "A published mean is *reproduced* where ours is shown to be less than {test} points from it \
         on test pairs, less than {train} on training pairs. It *differs* where the ten published \
         runs and ours are not draws of the same, as far as a permutation test can tell. Both can \
         be true: then it lies *within the margin, yet differs*. Where neither is shown it is \
         *undecided*."
    ))];
    // The code made the tables: what it gives is the reproduction, and comes first.
    let mut recipes: Vec<&AgainstTables> = summary.against_tables.iter().collect();
    recipes.sort_by_key(|tables| tables.recipe != "authors");
    blocks.push(Block::List(recipes.iter().map(|tables| in_words(summary, tables)).collect()));
    for tables in recipes {
        for (split, accuracy) in SPLITS {
            blocks.extend(verdicts(summary, &tables.recipe, split, accuracy));
        }
    }
    blocks
}

/// The published accuracies that `recipe` is judged by, with whose they are.
fn judged<'a>(
    summary: &'a Summary,
    recipe: &str,
) -> Vec<(&'a Entry, &'static str, &'a AgainstPublished)> {
    let entries = summary.entries.iter().filter(|entry| entry.recipe == recipe);
    let all = entries.flat_map(|entry| {
        SPLITS.map(|(split, accuracy)| (entry, split, accuracy(entry).published.as_ref()))
    });
    all.filter_map(|(entry, split, published)| {
        Some((entry, split, published.filter(|published| published.margin.is_some())?))
    })
    .collect()
}

fn in_words(summary: &Summary, tables: &AgainstTables) -> String {
    let judged = judged(summary, &tables.recipe);
    let count =
        |verdict| judged.iter().filter(|(.., there)| there.verdict == Some(verdict)).count();
    let counts = [
        (Verdict::Reproduced, "reproduced"),
        (Verdict::Within, "within the margin, yet different"),
        (Verdict::Differs, "different"),
        (Verdict::Undecided, "undecided"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(verdict, word)| (count(verdict), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let counts = if counts.is_empty() { "none measured".to_owned() } else { counts.join(", ") };
    let mut text = format!(
        "Recipe `{}`, {}: of {} published means, *{counts}*.",
        tables.recipe,
        meaning(tables),
        judged.len()
    );
    let rms: Vec<String> = tables
        .splits
        .iter()
        .filter_map(|split| {
            let name = if split.split == "test" { "test" } else { "training" };
            Some(format!("{:.2} points on {name} pairs", split.rms?))
        })
        .collect();
    if !rms.is_empty() {
        text += &format!(" Root mean square of the differences: {}.", rms.join(", "));
    }
    if let Some(p) = tables.p_global {
        text += &format!(
            " All of them tested together, that the published runs and ours are draws of the same: \
             {}.",
            p_in_words(p)
        );
    }
    text += &open(&judged);
    text
}

/// What a recipe is to the published numbers.
fn meaning(tables: &AgainstTables) -> &'static str {
    match (&*tables.recipe, tables.same_pairs) {
        ("authors", true) => {
            "the released code, on the very pairs of the published runs: a replication"
        }
        ("authors", false) => {
            "the released code, on other pairs than the published runs: the luck of both draws is in \
             the differences"
        }
        ("paper", _) => {
            "the paper's text, on pairs drawn anew for every run: another experiment than the one \
             that made the tables"
        }
        _ => "which the paper does not have",
    }
}

/// What stays open, and how many runs would close it.
fn open(judged: &[(&Entry, &str, &AgainstPublished)]) -> String {
    let open = judged.iter().filter(|(.., there)| there.verdict == Some(Verdict::Undecided));
    let (mut some, mut none) = (Vec::new(), Vec::new());
    for (entry, split, there) in open {
        let name = format!("`{}` ({split})", entry.variant);
        match there.runs_needed {
            Some(runs) => some.push(format!("{name} {runs}")),
            None => none.push(name),
        }
    }
    let mut text = String::new();
    if !some.is_empty() {
        text += &format!(
            " Undecided until there are more runs, if means and deviations stay what they are: {}.",
            some.join(", ")
        );
    }
    if !none.is_empty() {
        text += &format!(
            " Undecided with any number of runs, as the ten published ones stay ten and are too \
             spread, or the means too far apart: {}.",
            none.join(", ")
        );
    }
    text
}

/// Published and measured means of one split, network by network; `None` where none is judged.
fn verdicts(
    summary: &Summary,
    recipe: &str,
    split: &str,
    accuracy: fn(&Entry) -> &Accuracy,
) -> Option<Block> {
    let header = [
        ("Network", Align::Left),
        ("published", Align::Right),
        ("measured", Align::Right),
        ("verdict", Align::Left),
    ];
    let mut rows = Vec::new();
    for table in &PUBLISHED {
        for row in &table.rows {
            let accuracy = summary.entry(recipe, row.variant).map(accuracy);
            let published = accuracy.and_then(|accuracy| accuracy.published.as_ref());
            let Some(there) = published.filter(|there| there.margin.is_some()) else { continue };
            let mean = accuracy.and_then(|accuracy| accuracy.statistics.mean);
            rows.push(vec![
                format!("{}, {}", table.backbone, cells::kind(row.title)),
                format!("{:.2}", there.mean),
                mean.map_or(NOTHING.to_owned(), |mean| format!("{mean:.2}")),
                cells::verdict(Some(there)),
            ]);
        }
    }
    let split = if split == "test" { "test" } else { "training" };
    let caption = format!("Recipe `{recipe}`: mean accuracy on {split} pairs, in %");
    let header = header.map(|(title, align)| (title.to_owned(), align)).to_vec();
    (!rows.is_empty()).then(|| Block::captioned(caption, header, rows))
}
