//! What the numbers say, in plain words: all of it follows from the summary.

use crate::claims::{CLAIMS, Claim, Outcome, RecipeDifference};
use crate::published::PUBLISHED;
use crate::statistics::{Interval, Verdict};
use crate::summary::{Accuracy, AgainstPublished, Entry, SPLITS, Summary};

use super::block::{Align, Block};
use super::cells::{self, NOTHING, difference};
use super::settings;

/// The first things that a reader wants to know.
pub(crate) fn answers(summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "The answers")];
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

/// What the paper says of each network that was trained by `recipe` and that it has.
fn compared<'a>(summary: &'a Summary, recipe: &str) -> Vec<&'a AgainstPublished> {
    let entries = summary.entries.iter().filter(|entry| entry.recipe == recipe);
    let accuracies = entries.flat_map(|entry| SPLITS.map(|(_, accuracy)| accuracy(entry)));
    accuracies.filter_map(|accuracy| accuracy.published.as_ref()).collect()
}

fn count(compared: &[&AgainstPublished], verdict: Verdict) -> usize {
    compared.iter().filter(|published| published.verdict == Some(verdict)).count()
}

fn came_back(summary: &Summary) -> Vec<Block> {
    let mut items = Vec::new();
    let mut recipes = Vec::new();
    for recipe in summary.recipe_names() {
        let all = compared(summary, recipe);
        if all.is_empty() {
            continue;
        }
        let (same, other) = (count(&all, Verdict::Reproduced), count(&all, Verdict::Differs));
        let open = count(&all, Verdict::Undecided);
        let rest = match all.len() - same - other - open {
            0 => String::new(),
            unmeasured => format!("; {} measured", verb(unmeasured, "is not", "are not")),
        };
        items.push(format!(
            "Trained {}: of {} published means, *{same} came back* to within {} points, {}, and \
             for {open} it cannot be told{rest}.",
            meaning(recipe),
            all.len(),
            summary.margin,
            verb(other, "differs", "differ")
        ));
        recipes.push(recipe);
    }
    if recipes.is_empty() {
        let text =
            "The paper has no numbers for what was trained here: there is nothing to compare.";
        return vec![Block::paragraph(text)];
    }
    let mut blocks = vec![Block::List(items)];
    for (split, accuracy) in SPLITS {
        blocks.push(verdicts(summary, &recipes, split, accuracy));
    }
    blocks
}

/// Published and measured means of one split, network by network.
fn verdicts(
    summary: &Summary,
    recipes: &[&str],
    split: &str,
    accuracy: fn(&Entry) -> &Accuracy,
) -> Block {
    let mut header =
        vec![("Network".to_owned(), Align::Left), ("published".to_owned(), Align::Right)];
    for recipe in recipes {
        header.push((format!("`{recipe}`"), Align::Right));
        header.push((String::from("verdict"), Align::Left));
    }
    let mut rows = Vec::new();
    for table in &PUBLISHED {
        for row in &table.rows {
            let entries: Vec<Option<&Entry>> =
                recipes.iter().map(|recipe| summary.entry(recipe, row.variant)).collect();
            if entries.iter().all(Option::is_none) {
                continue;
            }
            let published = if split == "test" { row.test.mean } else { row.train.mean };
            let name = format!("{}, {}", table.backbone, row.title.to_lowercase());
            let mut cells = vec![name, format!("{published:.2}")];
            for entry in entries {
                let accuracy = entry.map(accuracy);
                let mean = accuracy.and_then(|accuracy| accuracy.statistics.mean);
                cells.push(mean.map_or(NOTHING.to_owned(), |mean| format!("{mean:.2}")));
                let published = accuracy.and_then(|accuracy| accuracy.published.as_ref());
                cells.push(cells::verdict(published));
            }
            rows.push(cells);
        }
    }
    let split = if split == "test" { "test" } else { "training" };
    Block::captioned(format!("Mean accuracy on {split} pairs, in %"), header, rows)
}

/// What a recipe is, for those that the paper is about.
fn meaning(recipe: &str) -> String {
    match recipe {
        "paper" => "as the paper's text says (recipe `paper`)".to_owned(),
        "authors" => {
            "as the authors' code does, which made the paper's tables (recipe `authors`)".to_owned()
        }
        other => format!("by the recipe `{other}`"),
    }
}

fn verb(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn claims(summary: &Summary) -> Vec<Block> {
    let items: Vec<String> = CLAIMS
        .iter()
        .filter_map(|(text, ..)| {
            let tested: Vec<&Claim> = summary.claims.iter().filter(|c| c.claim == *text).collect();
            let (holding, others): (Vec<&Claim>, Vec<&Claim>) =
                tested.iter().partition(|claim| claim.outcome == Outcome::Holds);
            let mut sentence = format!(
                "*{}*: holds in {} of {} cases{}",
                capital(text),
                holding.len(),
                tested.len(),
                effects(&holding)
            );
            for other in others {
                sentence += &format!("; {}", exception(other));
            }
            (!tested.is_empty()).then_some(sentence + ".")
        })
        .collect();
    if items.is_empty() {
        let text = "A claim is put to the test where all four networks of a backbone were trained; \
                    that is not so here.";
        return vec![Block::paragraph(text)];
    }
    let introduction = "A case is a backbone (LeNet 5 or MLPNet) trained by a recipe. A claim holds \
                        where its effect on test accuracy is not chance, all tests taken together \
                        (5 %, Holm's procedure).";
    vec![Block::paragraph(introduction), Block::List(items)]
}

/// ", by 4.95 to 6.67 points".
fn effects(claims: &[&Claim]) -> String {
    let effects = || claims.iter().filter_map(|claim| claim.effect);
    let (low, high) = (effects().reduce(f64::min), effects().reduce(f64::max));
    match low.zip(high) {
        None => String::new(),
        Some((low, high)) if claims.len() == 1 || low == high => format!(", by {low:.2} points"),
        Some((low, high)) => format!(", by {low:.2} to {high:.2} points"),
    }
}

fn exception(claim: &Claim) -> String {
    let outcome = match claim.outcome {
        Outcome::Contradicted => "the contrary is true",
        Outcome::Holds | Outcome::Undecided => "it cannot be told",
    };
    let Claim { backbone, recipe, than, .. } = claim;
    if claim.effect.is_none() {
        return format!("not measured for {backbone} by `{recipe}`");
    }
    let effect = difference(claim.effect, claim.ci95);
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
    let came_back = |recipe| count(&compared(summary, recipe), Verdict::Reproduced);
    let (by_text, by_code) = (came_back("paper"), came_back("authors"));
    let conclusion = match by_code.cmp(&by_text) {
        std::cmp::Ordering::Greater => "the published numbers fit the code better than the text",
        std::cmp::Ordering::Equal => "this does not tell which of the two made the tables",
        std::cmp::Ordering::Less => "the published numbers fit the text better than the code",
    };
    let text = format!(
        "The authors' code, which made the paper's tables, does not do all that the text says. \
         Trained as the code does, {} back; trained as the text says, {by_text}: {conclusion}.",
        verb(by_code, "published mean came", "published means came")
    );
    let mut blocks = vec![Block::Paragraph(text)];
    blocks.extend(settings::differences(summary));
    blocks.push(Block::paragraph("What all of that together is worth on test pairs, in points:"));
    blocks.push(Block::List(worth(rows)));
    blocks
}

/// Which of text and code does better, for which networks.
fn worth(rows: &[RecipeDifference]) -> Vec<String> {
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
        ("Trained as the text says, these are better", better),
        ("Trained as the code does, these are better", worse),
        ("No difference is shown for these", open),
    ];
    let groups = groups.into_iter().filter(|(_, rows)| !rows.is_empty());
    groups.map(|(what, rows)| format!("{what}: {}.", list(rows))).collect()
}
