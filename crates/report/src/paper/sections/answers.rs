//! The answers in plain words: all of it follows from the summary.

use crate::data_set::DataSet;
use crate::factorial::FactorialEffect;
use crate::render::cells::{difference, signed};
use crate::render::{Block, shortfall};
use crate::statistics::Interval;
use crate::summary::Summary;
use crate::words::capital;

use super::super::claims::{CLAIMS, Claim, Outcome};
use super::{came_back, measured, settings};

/// The question of the title, answered in two sentences before anything else.
pub(crate) fn answer(summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "The answer")];
    blocks.extend(shortfall(summary));
    let of = |name: &str| -> Vec<&FactorialEffect> {
        let measured = summary.effects.iter().filter(|e| e.effect == name && e.value.is_some());
        measured.collect()
    };
    let sharing = of("sharing, without auxiliary loss");
    let auxiliary = of("auxiliary loss, with sharing");
    let both = of("sharing, with auxiliary loss");
    if summary.effects.is_empty() {
        let text = "An answer takes all four networks of a backbone, which were not trained here.";
        blocks.push(Block::paragraph(text));
        return blocks;
    }
    if sharing.is_empty() && auxiliary.is_empty() {
        let text = "Too few of the four networks of a backbone have a result here for an answer.";
        blocks.push(Block::paragraph(text));
        return blocks;
    }
    let runs = summary.entries.iter().map(|entry| entry.runs).max().unwrap_or(0);
    let each =
        if runs == 1 { "one run".to_owned() } else { format!("means of {runs} runs at most") };
    let mut sentences = Vec::new();
    if !sharing.is_empty() {
        sentences.push(format!(
            "*Weight sharing*: networks that see both digits with the same weights {} than plain \
             ones, {}.",
            better(&sharing),
            across(&sharing)
        ));
    }
    if !auxiliary.is_empty() {
        sentences.push(format!(
            "*Auxiliary loss*: networks with shared weights that are also trained to name the digits \
             {} than those that are not, {}.",
            better(&auxiliary),
            across(&auxiliary)
        ));
    }
    sentences.push(format!(
        "(On test pairs; {each}; compared on each backbone by each recipe, in {} cases.)",
        sharing.len().max(auxiliary.len())
    ));
    blocks.push(Block::Paragraph(sentences.join(" ")));
    let mut cautions = "What these runs cannot say is how much of it is due to the two names. Networks \
                        with shared weights also differ from plain ones in depth, in the part that \
                        compares the digits and, for LeNet 5, in batch norm; networks with an auxiliary \
                        loss also compare ten digit probabilities a digit, and have dropout."
        .to_owned();
    if !both.is_empty() {
        let with_interval: Vec<Interval> = both.iter().filter_map(|e| interval(e)).collect();
        let open = with_interval.iter().filter(|span| span.low <= 0.0 && span.high >= 0.0).count();
        let includes = match with_interval.len() {
            0 => String::new(),
            all => format!("; of {all} intervals {open} include 0"),
        };
        cautions += &format!(
            " Where nothing but sharing differs, beside an auxiliary loss, it changes the accuracy {}\
             {includes}.",
            across(&both)
        );
    }
    blocks.push(Block::Paragraph(cautions));
    blocks
}

/// "are better", where all intervals say so, and in how many comparisons they do otherwise.
fn better(effects: &[&FactorialEffect]) -> String {
    let surely = |above: bool| {
        let beyond =
            |interval: &Interval| if above { interval.low > 0.0 } else { interval.high < 0.0 };
        effects.iter().filter(|effect| interval(effect).as_ref().is_some_and(beyond)).count()
    };
    let (better, worse, all) = (surely(true), surely(false), effects.len());
    match (better, worse) {
        (better, 0) if better == all => "do better".to_owned(),
        (0, worse) if worse == all => "do worse".to_owned(),
        (0, 0) => "are not shown to do better or worse".to_owned(),
        (better, 0) => format!("do better in {better} of {all} comparisons, and else undecidedly"),
        (better, worse) => {
            format!("do better in {better} and worse in {worse} of {all} comparisons")
        }
    }
}

/// The interval that covers other test pairs, where there is one.
fn interval(effect: &FactorialEffect) -> Option<Interval> {
    effect.total95.or(effect.ci95)
}

/// "by 4.95 to 6.67 points (95 % intervals between +3.05 and +8.10)".
fn across(effects: &[&FactorialEffect]) -> String {
    let values = || effects.iter().filter_map(|effect| effect.value);
    let Some((low, high)) = values().reduce(f64::min).zip(values().reduce(f64::max)) else {
        return "which was not measured".to_owned();
    };
    let ends = |end: fn(Interval) -> f64| {
        effects.iter().filter_map(move |effect| interval(effect)).map(end)
    };
    let widest =
        ends(|span| span.low).reduce(f64::min).zip(ends(|span| span.high).reduce(f64::max));
    let points = match effects.len() {
        1 => format!("by {} points", signed(low)),
        _ => format!("by {} to {} points", signed(low), signed(high)),
    };
    match widest {
        None => format!("{points} (too few runs for an interval)"),
        Some((low, high)) => {
            format!("{points} (95 % intervals between {} and {})", signed(low), signed(high))
        }
    }
}

/// Which published numbers came back, which claims hold, and why text and code differ.
pub(crate) fn questions(summary: &Summary) -> Vec<Vec<Block>> {
    let section = |heading: &str, content: Vec<Block>| {
        let mut blocks = vec![Block::heading(2, heading)];
        blocks.extend(content);
        blocks
    };
    vec![
        section("Which published numbers came back?", came_back::blocks(summary)),
        section("Do the paper's claims hold?", claims(summary)),
        section("Where do text, practice and code differ?", text_and_code(summary)),
    ]
}

fn claims(summary: &Summary) -> Vec<Block> {
    let items: Vec<String> =
        CLAIMS.iter().filter_map(|(text, ..)| claim_in_words(text, summary)).collect();
    if summary.data == DataSet::Other {
        return vec![Block::paragraph(
            "They are claims about MNIST, and not tested on other digits.",
        )];
    }
    if items.is_empty() {
        let text = "A claim is put to the test where all four networks of a backbone were trained; \
                    that is not so here.";
        return vec![Block::paragraph(text)];
    }
    let introduction = "The text makes two claims, and its tables suggest a third. A case is a \
                        backbone trained by a recipe. A claim *holds* in a case where a one-sided t \
                        test finds the effect above 0 at 5 %, all cases and claims tested together \
                        (Holm's procedure, which asks more of each test the more there are). A test \
                        speaks of other initial weights and dropout on the same pairs, and for \
                        `paper` of other pairs, too. By `authors`, and in the paper, each kind of \
                        network has training pairs of its own: a lucky draw can pass for an effect.";
    vec![Block::paragraph(introduction), Block::List(items)]
}

fn claim_in_words(text: &str, summary: &Summary) -> Option<String> {
    let of = |claims: &'_ [Claim]| claims.iter().filter(|c| c.claim == text).cloned().collect();
    let (tested, published): (Vec<Claim>, Vec<Claim>) =
        (of(&summary.claims), of(&summary.published_claims));
    if tested.is_empty() {
        return None;
    }
    let holding =
        |claims: &[Claim]| claims.iter().filter(|claim| claim.outcome == Outcome::Holds).count();
    let mut sentence =
        format!("*{}*: holds in {} of {} cases", capital(text), holding(&tested), tested.len());
    for other in tested.iter().filter(|claim| claim.outcome != Outcome::Holds) {
        sentence += &format!("; {}", exception(other));
    }
    let surely = |claim: &&Claim| {
        let spans = claim.total95.or(claim.ci95);
        claim.outcome == Outcome::Holds && spans.is_some_and(|span| span.low > 0.0)
    };
    let elsewhere = tested.iter().filter(surely).count();
    if elsewhere < holding(&tested) {
        sentence += &format!(
            "; with other test pairs allowed for, the interval lies above 0 in {elsewhere} of {}",
            tested.len()
        );
    }
    let open: Vec<String> = published
        .iter()
        .filter(|claim| claim.outcome != Outcome::Holds)
        .map(|claim| format!("{}: {}", claim.backbone, difference(claim.effect, claim.ci95)))
        .collect();
    sentence += &match (holding(&published), open.is_empty()) {
        (all, true) => format!(". The paper's own runs show it in {all} of {}.", published.len()),
        (some, false) => format!(
            ". The paper's own runs show it in {some} of {} ({}).",
            published.len(),
            open.join("; ")
        ),
    };
    Some(sentence)
}

fn exception(claim: &Claim) -> String {
    let outcome = match claim.outcome {
        Outcome::Contradicted => "the contrary is true",
        Outcome::Holds | Outcome::Undecided => "undecided",
    };
    let Claim { backbone, recipe, than, .. } = claim;
    if claim.effect.is_none() {
        return format!("not measured for {backbone} by `{recipe}`");
    }
    let effect = difference(claim.effect, claim.ci95);
    format!("{outcome} for {backbone} by `{recipe}` ({effect} points against `{than}`)")
}

fn text_and_code(summary: &Summary) -> Vec<Block> {
    if summary.paper_against_authors.is_empty() {
        let text = "Only where networks are trained by both `paper` and `authors` can the two be \
                    compared.";
        return vec![Block::paragraph(text)];
    }
    let mut blocks = vec![Block::paragraph(
        "The paper's tables were made by its authors' code, which does not do all that the text \
         says; and where the text is silent, the code does not always do what is usual. The recipe \
         `paper` does what the text says and what is usual where it is silent, `authors` what the \
         code does.",
    )];
    blocks.extend(settings::differences(summary));
    if summary.data == DataSet::Mnist {
        blocks.extend(measured::differences());
    }
    blocks
}
