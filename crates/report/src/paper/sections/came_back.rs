//! Which published numbers came back, in short.

use crate::against::{AgainstPublished, AgainstTables};
use crate::data_set::DataSet;
use crate::entry::{Accuracy, Entry, SPLITS, split_in_words};
use crate::render::cells::{NOTHING, p_in_words};
use crate::render::{Align, Block};
use crate::statistics::{Margins, Verdict};
use crate::summary::Summary;

use super::super::published::{PUBLISHED, kind};
use super::outcomes;

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    if summary.data == DataSet::Other {
        let text = "The published numbers are about MNIST: nothing here is compared with them.";
        return vec![Block::paragraph(text)];
    }
    if summary.against_tables.is_empty() {
        let text =
            "The paper has no numbers for what was trained here: there is nothing to compare.";
        return vec![Block::paragraph(text)];
    }
    let Margins { test, train } = summary.margins;
    let mut blocks = vec![Block::Paragraph(format!(
        "A published mean is *reproduced* where ours is shown to be near: less than {test} points from \
         it on test pairs, less than {train} on training pairs (the *margin*). It *differs* where a \
         permutation test rejects that the published runs and ours are draws of the same, at 5 % \
         over all tests of the recipe: it deals all runs into two groups in every way and asks how \
         often their means lie as far apart. Both can be true: then it lies *within* the margin, *yet \
         differs*. Where neither is shown it is *undecided*. Other runs would give other counts; \
         each recipe's section says how they depend on the margin."
    ))];
    // The code made the tables: what it gives is the reproduction, and comes first.
    let mut recipes: Vec<&AgainstTables> = summary.against_tables.iter().collect();
    recipes.sort_by_key(|tables| tables.recipe != "authors");
    for tables in recipes {
        let told = format!("Recipe `{}`, {}:", tables.recipe, meaning(tables));
        blocks.extend([Block::Paragraph(told), Block::List(in_words(summary, tables))]);
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

fn in_words(summary: &Summary, tables: &AgainstTables) -> Vec<String> {
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
    let measured = judged.iter().filter(|(.., there)| there.verdict.is_some()).count();
    let unmeasured = match judged.len() - measured {
        0 => String::new(),
        count => format!(", {count} not measured"),
    };
    let counts = if counts.is_empty() { "none measured".to_owned() } else { counts.join(", ") };
    let mut items = vec![format!("Of {} published means: *{counts}*{unmeasured}.", judged.len())];
    let judged_splits = tables.splits.iter().filter(|split| !split.within.is_empty());
    let rms: Vec<String> = judged_splits
        .filter_map(|split| {
            let name = split_in_words(&split.split);
            let (rms, alone) = (split.rms?, split.rms_of_spread?);
            Some(format!("{rms:.2} points on {name} pairs ({alone:.2})"))
        })
        .collect();
    if !rms.is_empty() {
        items.push(format!(
            "Root mean square of the differences, and what the spread of the runs alone would give: \
             {}.",
            rms.join(", ")
        ));
    }
    if let Some(p) = tables.p_global {
        let what = if tables.same_pairs {
            "One test of the sum of all differences, in which one large one counts for little"
        } else {
            "One test of the sum of all differences, which are also those of other pairs"
        };
        items.push(format!(
            "{what}: {} (how often chance alone would do as much; above 0.05 it does not show that \
             they are the same).",
            p_in_words(p)
        ));
    }
    items.extend(open(&judged));
    items
}

/// What a recipe is to the published numbers.
fn meaning(tables: &AgainstTables) -> &'static str {
    match (&*tables.recipe, tables.same_pairs) {
        ("authors", true) => {
            "the released code on the very pairs of the published runs, a replication"
        }
        ("authors", false) => {
            "the released code on other pairs than the published runs, so that the luck of both draws \
             is in the differences"
        }
        ("paper", _) => {
            "the text completed by usual practice, on pairs drawn anew for every run, which is another \
             experiment than the one that made the tables (these verdicts are about its draw of \
             pairs, whose luck is in the published means and not in the intervals)"
        }
        _ => "which the paper does not have",
    }
}

/// What stays open, and how many runs would close it.
fn open(judged: &[(&Entry, &str, &AgainstPublished)]) -> Vec<String> {
    let open = judged.iter().filter(|(.., there)| there.verdict == Some(Verdict::Undecided));
    let (mut some, mut none, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for (entry, split, there) in open {
        let name = format!("`{}` ({split})", entry.variant);
        match there.runs_needed {
            _ if there.ci90.is_none() => alone.push(name),
            Some(runs) => some.push(format!("{name} {runs}")),
            None => none.push(name),
        }
    }
    let mut items = Vec::new();
    if !alone.is_empty() {
        items.push(format!("One run alone decides nothing: {}.", alone.join(", ")));
    }
    if !some.is_empty() {
        items.push(format!(
            "Runs of ours with which the interval would just lie within the margin, if means and \
             deviations stayed what they are: {}.",
            some.join(", ")
        ));
    }
    if !none.is_empty() {
        items.push(format!(
            "Not to be shown reproduced with any number of runs of ours, since the ten published ones \
             are too spread or the means too far apart: {}.",
            none.join(", ")
        ));
    }
    items
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
                format!("{}, {}", table.backbone, kind(row.title)),
                format!("{:.2}", there.mean),
                mean.map_or(NOTHING.to_owned(), |mean| format!("{mean:.2}")),
                outcomes::verdict(Some(there)),
            ]);
        }
    }
    let split = split_in_words(split);
    let caption = format!("Recipe `{recipe}`: mean accuracy on {split} pairs, in %");
    let header = header.map(|(title, align)| (title.to_owned(), align)).to_vec();
    (!rows.is_empty()).then(|| Block::captioned(caption, header, rows))
}
