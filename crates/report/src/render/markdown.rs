//! `results.md`: what came back, recipe by recipe, and how to read it.

use crate::claims::Outcome;
use crate::statistics::Verdict;
use crate::summary::Summary;

use super::answers::answers;
use super::block::Align::{Left, Right};
use super::block::{Block, markdown};
use super::cells::{NOTHING, difference};
use super::{numbers, recipe};

/// Pictures that stand beside the answers; all others stand at the end.
const FIRST_PICTURES: [&str; 4] = ["accuracy", "differences", "claims", "text-and-code"];

pub(super) fn document(summary: &Summary) -> String {
    let mut blocks = vec![Block::heading(1, "Results"), introduction(summary)];
    blocks.extend(answers(summary));
    let (first, last): (Vec<Block>, Vec<Block>) =
        summary.pictures.iter().map(|picture| Block::Picture(picture.clone())).partition(is_first);
    if !first.is_empty() {
        blocks.push(Block::heading(2, "The answers in pictures"));
        blocks.extend(first);
    }
    blocks.extend([Block::heading(2, "Recipe by recipe"), in_short(summary)]);
    for name in summary.recipe_names() {
        blocks.extend(recipe::section(summary, name));
    }
    blocks.extend(text_against_code(summary));
    blocks.extend(numbers::section(summary));
    if !last.is_empty() {
        blocks.push(Block::heading(2, "More pictures"));
        blocks.extend(last);
    }
    blocks.extend(how_to_read(summary));
    blocks.push(provenance(summary));
    markdown(&blocks)
}

fn is_first(block: &Block) -> bool {
    matches!(block, Block::Picture(picture) if FIRST_PICTURES.contains(&&*picture.name))
}

/// What this is about, for whoever has not read the paper.
pub(crate) fn introduction(summary: &Summary) -> Block {
    let trained: usize = summary.entries.iter().map(|entry| entry.measured_runs.len()).sum();
    Block::Paragraph(format!(
        "Small networks see two handwritten digits and say whether the first is at most the \
         second. The paper \"Classification, weight sharing, auxiliary losses\" compares eight of \
         them: two backbones (`lenet5`, `mlp`), each plain, with weights shared between the two \
         digits (`ws`), with an auxiliary loss for telling the digits (`al`), and with both \
         (`ws-al`). It says that sharing helps, and that the auxiliary loss helps more. Here \
         {trained} networks were trained, seed {}, device {}, and set beside what was published. \
         *Train* is accuracy on the 1,000 pairs that a network learned from, *test* that on 1,000 \
         others; a coin would have 50 %, and who always says yes 55 %.",
        summary.seed, summary.device
    ))
}

/// One line a recipe.
pub(crate) fn in_short(summary: &Summary) -> Block {
    let header = [
        ("Recipe", Left),
        ("Runs measured", Right),
        ("failed", Right),
        ("missing", Right),
        ("Means reproduced", Right),
        ("differing", Right),
        ("undecided", Right),
        ("Claims holding", Right),
    ];
    let line = |name: &str| {
        let entries = || summary.entries.iter().filter(|entry| entry.recipe == name);
        let failed: usize = entries().map(|entry| entry.failed_runs.len()).sum();
        let missing: usize = entries().map(|entry| entry.missing_runs.len()).sum();
        let runs: usize = entries().map(|entry| entry.runs).sum();
        let verdicts: Vec<Option<Verdict>> = entries()
            .flat_map(|entry| [&entry.train, &entry.test])
            .filter_map(|accuracy| accuracy.published.as_ref().map(|published| published.verdict))
            .collect();
        let count = |verdict| verdicts.iter().filter(|found| **found == Some(verdict)).count();
        let claims = || summary.claims.iter().filter(|claim| claim.recipe == name);
        let holding = claims().filter(|claim| claim.outcome == Outcome::Holds).count();
        let of = |part: usize, all: usize| match all {
            0 => NOTHING.to_owned(),
            all => format!("{part} of {all}"),
        };
        vec![
            format!("`{name}`"),
            of(runs - failed - missing, runs),
            failed.to_string(),
            missing.to_string(),
            of(count(Verdict::Reproduced), verdicts.len()),
            of_any(count(Verdict::Differs), &verdicts),
            of_any(count(Verdict::Undecided), &verdicts),
            of(holding, claims().count()),
        ]
    };
    Block::table(header, summary.recipe_names().map(line).collect())
}

fn of_any<T>(count: usize, all: &[T]) -> String {
    if all.is_empty() { NOTHING.to_owned() } else { count.to_string() }
}

pub(crate) fn text_against_code(summary: &Summary) -> Vec<Block> {
    let rows: Vec<Vec<String>> = summary
        .paper_against_authors
        .iter()
        .map(|row| {
            let mean =
                |mean: Option<f64>| mean.map_or(NOTHING.to_owned(), |mean| format!("{mean:.2}"));
            let name = format!("`{}`", row.variant);
            vec![name, mean(row.paper), mean(row.authors), difference(row.difference, row.ci95)]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let header =
        [("Network", Left), ("`paper`", Right), ("`authors`", Right), ("difference [95 %]", Right)];
    vec![
        Block::heading(2, "What the difference between text and code is worth"),
        Block::paragraph(
            "Mean test accuracy in %, recipe `paper` less recipe `authors` in points. Each interval \
             (Welch) speaks for its own network; of twenty, one is expected to miss. The runs of \
             `authors` share one draw of pairs, whose luck is in the difference and not in its \
             interval.",
        ),
        Block::table(header, rows),
    ]
}

pub(crate) fn how_to_read(summary: &Summary) -> [Block; 2] {
    let margin = summary.margin;
    let compared = summary.entries.iter().any(|entry| entry.test.published.is_some());
    let tested = summary.claims.iter().filter(|claim| claim.p.is_some()).count();
    let mut items = Vec::new();
    if compared {
        items.push(
            "\
*Difference*: measured less published mean, in points, with its 95 % Welch interval. The
published std is a population std (it divides by n), since the authors' code computes that;
for the interval it is converted to a sample std (n − 1), and the measured one is such."
                .to_owned(),
        );
        items.push(format!(
            "\
*Reproduced*: the two means are shown to be less than {margin} points apart, a margin declared
beforehand: the 90 % interval of the difference lies within ±{margin} (two one-sided tests at
5 %). A difference may be there for sure and yet too small to matter."
        ));
        items.push("*Differs*: not reproduced, and the 95 % interval leaves out 0.".to_owned());
        let each = "Each verdict speaks for its own mean: of twenty means that are the same, one is \
                    expected to leave out 0 by chance.";
        items.push(each.to_owned());
        items.push(
            "\
*Undecided*: neither; there are too few runs, or they spread too much. That a difference is not
significant does not make a mean reproduced."
                .to_owned(),
        );
    }
    if tested > 0 {
        items.push(format!(
            "\
*Claims* are about test accuracy. The p value is that of one-sided t tests, adjusted by Holm's
procedure over the {tested} claims tested here; a claim *holds* where it is below 0.05, and is
*contradicted* where the effect's 95 % interval lies below 0. \"Both together are best\" is
tested against the network that they beat least surely."
        ));
    }
    items.push(format!(
        "\
{NOTHING} stands where there is no number: one run has no std, and a network that was not asked
for has no accuracy."
    ));
    [Block::heading(2, "How to read this"), Block::List(items)]
}

pub(crate) fn provenance(summary: &Summary) -> Block {
    let provenance = &summary.provenance;
    let revision = provenance.git_revision.as_deref().unwrap_or("unknown");
    let changes = if provenance.git_dirty == Some(true) { " with changes" } else { "" };
    Block::Paragraph(format!(
        "Trained by version {}, revision {revision}{changes}, on {}.",
        provenance.version, provenance.machine
    ))
}
