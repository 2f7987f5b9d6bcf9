//! What the numbers say, in plain words: all of it follows from the summary.

use crate::claims::{CLAIMS, Claim, Outcome, RecipeDifference};
use crate::render::{Block, difference};
use crate::statistics::{Interval, Verdict};
use crate::summary::{Accuracy, AgainstPublished, Entry, SPLITS, Summary};

/// The first things that a reader wants to know.
pub(super) fn in_plain_words(summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "In plain words")];
    blocks.extend(shortfall(summary));
    blocks.push(Block::heading(3, "Which published numbers came back?"));
    blocks.extend(came_back(summary));
    blocks.push(Block::heading(3, "Which of the paper's claims hold?"));
    blocks.extend(claims(summary));
    blocks.push(Block::heading(3, "Why do the paper's text and its code differ?"));
    blocks.extend(text_and_code(summary));
    blocks
}

fn shortfall(summary: &Summary) -> Option<Block> {
    let count = |of: fn(&Entry) -> usize| summary.entries.iter().map(of).sum::<usize>();
    let asked = count(|entry| entry.runs);
    let failed = count(|entry| entry.failed_runs.len());
    let missing = count(|entry| entry.missing_runs.len());
    (failed + missing > 0).then(|| {
        Block::Paragraph(format!(
            "Not all is there: of {asked} runs, {failed} failed and {missing} are missing. What \
             follows is about the {} that have a result.",
            asked - failed - missing
        ))
    })
}

/// A network, one of its accuracies, and what the paper says of it.
type Compared<'a> = (&'a Entry, &'a Accuracy, &'a AgainstPublished);

fn compared<'a>(
    summary: &'a Summary,
    recipe: &str,
    split: fn(&Entry) -> &Accuracy,
) -> Vec<Compared<'a>> {
    let entries = summary.entries.iter().filter(|entry| entry.recipe == recipe);
    let compared = entries.filter_map(|entry| {
        let accuracy = split(entry);
        Some((entry, accuracy, accuracy.published.as_ref()?))
    });
    compared.collect()
}

fn came_back(summary: &Summary) -> Vec<Block> {
    let mut blocks = Vec::new();
    for recipe in summary.recipes() {
        let all: Vec<Compared<'_>> =
            SPLITS.iter().flat_map(|(_, split)| compared(summary, recipe, *split)).collect();
        if all.is_empty() {
            continue;
        }
        let count = |verdict| all.iter().filter(|c| c.2.verdict == Some(verdict)).count();
        let (same, other) = (count(Verdict::Reproduced), count(Verdict::Differs));
        blocks.push(Block::Paragraph(format!(
            "Trained by the recipe `{recipe}`{}: of {} published means, {same} came back to within \
             {} points, {} for sure, and for {} it cannot be told.",
            meaning(recipe),
            all.len(),
            summary.margin,
            verb(other, "differs", "differ"),
            all.len() - same - other
        )));
        let items: Vec<String> = SPLITS
            .iter()
            .map(|(name, split)| {
                let name = if *name == "test" { "Test" } else { "Training" };
                format!("*{name} pairs*: {}.", by_verdict(&compared(summary, recipe, *split)))
            })
            .collect();
        blocks.push(Block::List(items));
    }
    if blocks.is_empty() {
        let text =
            "The paper has no numbers for what was trained here: there is nothing to compare.";
        blocks.push(Block::paragraph(text));
    }
    blocks
}

/// What a recipe is, for those that the paper is about.
fn meaning(recipe: &str) -> &'static str {
    match recipe {
        "paper" => " (what the text says)",
        "authors" => " (what the released code does)",
        _ => "",
    }
}

fn verb(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn by_verdict(compared: &[Compared<'_>]) -> String {
    let names = |wanted: Option<Verdict>, describe: fn(&Compared<'_>) -> String| {
        let chosen = compared.iter().filter(|c| c.2.verdict == wanted).map(describe);
        chosen.collect::<Vec<_>>().join(", ")
    };
    let name = |c: &Compared<'_>| format!("`{}`", c.0.variant);
    let with_means = |c: &Compared<'_>| match c.1.statistics.mean {
        Some(mean) => format!("`{}` ({mean:.2} %, published {:.2} %)", c.0.variant, c.2.mean),
        None => format!("`{}`", c.0.variant),
    };
    let groups = [
        ("came back", names(Some(Verdict::Reproduced), name)),
        ("different", names(Some(Verdict::Differs), with_means)),
        ("cannot be told", names(Some(Verdict::Undecided), name)),
        ("not measured", names(None, name)),
    ];
    let parts = groups.iter().filter(|(_, names)| !names.is_empty());
    parts.map(|(what, names)| format!("{what}: {names}")).collect::<Vec<_>>().join("; ")
}

fn claims(summary: &Summary) -> Vec<Block> {
    let items: Vec<String> = CLAIMS
        .iter()
        .filter_map(|(text, ..)| {
            let tested: Vec<&Claim> = summary.claims.iter().filter(|c| c.claim == *text).collect();
            let holding = tested.iter().filter(|c| c.outcome == Outcome::Holds).count();
            let exceptions: Vec<String> = tested
                .iter()
                .filter(|c| c.outcome != Outcome::Holds)
                .map(|c| exception(c))
                .collect();
            let exceptions = match &exceptions[..] {
                [] => String::new(),
                some => format!(": {}", some.join("; ")),
            };
            (!tested.is_empty()).then(|| {
                format!(
                    "*{}*: holds in {holding} of {} cases{exceptions}.",
                    capital(text),
                    tested.len()
                )
            })
        })
        .collect();
    if items.is_empty() {
        let text = "A claim is put to the test where all four networks of a backbone were trained; \
                    that is not so here.";
        return vec![Block::paragraph(text)];
    }
    let introduction = "A case is a backbone trained by a recipe. A claim holds where its effect on \
                        test accuracy is not chance, all tests taken together.";
    vec![Block::paragraph(introduction), Block::List(items)]
}

fn exception(claim: &Claim) -> String {
    let outcome = match claim.outcome {
        Outcome::Contradicted => "the contrary is true",
        Outcome::Holds | Outcome::Undecided => "it cannot be told",
    };
    let effect = difference(claim.effect, claim.ci95);
    let Claim { backbone, recipe, than, .. } = claim;
    format!("{outcome} for {backbone} by `{recipe}` ({effect} points against `{than}`)")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn text_and_code(summary: &Summary) -> Vec<Block> {
    let rows = &summary.paper_against_authors;
    if rows.is_empty() {
        let text = "Only where networks are trained by both `paper` and `authors` can the two be \
                    compared.";
        return vec![Block::paragraph(text)];
    }
    let mut text = "The paper's tables were made by its code, which does not do all that its text \
                    says; the settings in which the two differ are listed below. "
        .to_owned();
    let came_back = |recipe| {
        let all = SPLITS.iter().flat_map(|(_, split)| compared(summary, recipe, *split));
        all.filter(|c| c.2.verdict == Some(Verdict::Reproduced)).count()
    };
    let (by_text, by_code) = (came_back("paper"), came_back("authors"));
    text += &format!(
        "Trained as the code does, {} back; trained as the text says, {}. ",
        verb(by_code, "published mean came", "published means came"),
        by_text
    );
    text += match by_code.cmp(&by_text) {
        std::cmp::Ordering::Greater => "So the published numbers are those of the code.",
        std::cmp::Ordering::Equal => "So this does not tell which of the two made them.",
        std::cmp::Ordering::Less => "So the published numbers are nearer to the text.",
    };
    let surely = |row: &&RecipeDifference, higher: bool| {
        row.ci95.is_some_and(|Interval { low, high }| if higher { low > 0.0 } else { high < 0.0 })
    };
    let list = |chosen: Vec<&RecipeDifference>| {
        let names = chosen
            .iter()
            .map(|row| format!("`{}` {}", row.variant, difference(row.difference, row.ci95)));
        names.collect::<Vec<_>>().join(", ")
    };
    let better: Vec<_> = rows.iter().filter(|row| surely(row, true)).collect();
    let worse: Vec<_> = rows.iter().filter(|row| surely(row, false)).collect();
    let open: Vec<_> =
        rows.iter().filter(|row| !surely(row, true) && !surely(row, false)).collect();
    let groups = [
        ("The text does better on test pairs, in points", better),
        ("The code does better on test pairs, in points", worse),
        ("No difference is shown", open),
    ];
    let items = groups.into_iter().filter(|(_, rows)| !rows.is_empty());
    let items = items.map(|(what, rows)| format!("*{what}*: {}.", list(rows))).collect();
    vec![Block::Paragraph(text), Block::List(items)]
}
