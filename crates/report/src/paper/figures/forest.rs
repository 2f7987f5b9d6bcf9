//! The paper's claims, and text against code, as effects with intervals.

use super::super::claims::{Claim, Outcome};
use super::super::published;
use super::super::sections::claim_outcome;
use super::super::text_and_code::RecipeDifference;
use crate::error::ReportError;
use crate::figures::Figure;
use crate::figures::forest::{Effect, panel, range};
use crate::figures::marks::Mark;
use crate::figures::rows::Label;
use crate::statistics::Interval;
use crate::summary::Summary;

impl From<&Claim> for Effect {
    fn from(claim: &Claim) -> Self {
        let mark = match claim.outcome {
            Outcome::Holds => Mark::Disc,
            Outcome::Contradicted => Mark::Square,
            Outcome::Undecided => Mark::Ring,
        };
        Self {
            label: Label::noted(in_short(claim), claim.backbone.clone()),
            value: claim.effect,
            wide: claim.total95.or(claim.ci95),
            narrow: claim.total95.and(claim.ci95),
            mark,
            outcome: claim_outcome(claim),
        }
    }
}

impl From<&RecipeDifference> for Effect {
    fn from(row: &RecipeDifference) -> Self {
        let wide = row.total95.or(row.ci95);
        let (mark, outcome) = match wide {
            Some(Interval { low, .. }) if low > 0.0 => (Mark::Disc, "paper better"),
            Some(Interval { high, .. }) if high < 0.0 => (Mark::Square, "authors better"),
            _ => (Mark::Ring, "undecided"),
        };
        let name = published::title(&row.variant).unwrap_or_else(|| row.variant.clone());
        let label = Label::new(name);
        let narrow = row.total95.and(row.ci95);
        Self { label, value: row.difference, wide, narrow, mark, outcome }
    }
}

/// A claim in the few words that leave room for its interval.
fn in_short(claim: &Claim) -> String {
    let short = [
        ("weight sharing beats basic", "sharing beats basic"),
        ("adding auxiliary loss beats sharing", "both beat sharing"),
        ("both together are best", "both are best"),
    ];
    let words = short.iter().find(|(text, _)| *text == claim.claim);
    words.map_or(claim.claim.clone(), |(_, words)| (*words).to_owned())
}

/// One panel a recipe, and one of the published runs; `None` where no claim can be tested.
pub(super) fn claims(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let all = || summary.claims.iter().chain(&summary.published_claims);
    let tested: Vec<Effect> = summary.claims.iter().map(Effect::from).collect();
    let effects: Vec<Effect> = all().map(Effect::from).collect();
    let (Some(_), Some(range)) = (range(&tested), range(&effects)) else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for recipe in summary.recipe_names().chain(["published"]) {
        let effects: Vec<Effect> =
            all().filter(|claim| claim.recipe == recipe).map(Effect::from).collect();
        if !effects.is_empty() {
            let title = match recipe {
                "published" => "The paper's own runs".to_owned(),
                recipe => format!("Recipe {recipe}"),
            };
            panels.push(panel(&title, "difference of test accuracy, in points", &range, &effects)?);
        }
    }
    Ok(Some(Figure {
        name: "claims".to_owned(),
        title: "Two claims of the paper, and one that its tables suggest".to_owned(),
        caption: "The mark is the difference of mean test accuracies in the claim's direction, the line \
                  its 95 % interval; where two lines are drawn, the thick one speaks of the test pairs \
                  that all runs share, the thin one of other test pairs too. Disc: the claim holds on \
                  these pairs, all claims tested together; square: it is the other way round; ring: \
                  undecided. The first picture, of each effect for itself, has a ring where other test \
                  pairs could turn it."
            .to_owned(),
        panels,
        columns: 2,
    }))
}

/// `None` where not both recipes were trained.
pub(super) fn text_and_code(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let effects: Vec<Effect> = summary.paper_against_authors.iter().map(Effect::from).collect();
    let Some(range) = range(&effects) else {
        return Ok(None);
    };
    let title = "Recipe paper minus recipe authors: test";
    let panel = panel(title, "paper − authors, in points", &range, &effects)?;
    Ok(Some(Figure {
        name: "text-and-code".to_owned(),
        title: "What all differences between the two recipes are worth".to_owned(),
        caption: "The mark is the mean test accuracy of networks trained by recipe paper, minus that of \
                  networks trained by recipe authors. The thick line is its 95 % interval on the test \
                  pairs that all runs of authors share, the thin one on other test pairs too. Disc: \
                  the thin line lies above 0, paper does better; square: authors does; ring: \
                  undecided."
            .to_owned(),
        panels: vec![panel],
        columns: 1,
    }))
}
