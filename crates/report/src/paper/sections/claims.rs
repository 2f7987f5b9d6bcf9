//! The claims and the effects behind them, in numbers.

use super::super::claims::Claim;
use super::outcomes;
use crate::render::Align::{self, Left, Right};
use crate::render::cells::{self, NOTHING, difference};
use crate::render::{Block, effect_tables};
use crate::runs::Comparison;
use crate::summary::Summary;

/// The paper's claims, recipe by recipe, and in the paper's own runs.
pub(crate) fn claims(summary: &Summary) -> Vec<Block> {
    if summary.claims.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![
        Block::heading(2, "The claims in numbers"),
        Block::paragraph(
            "Effects on test accuracy are in points. *p (Holm)* is that of one-sided t tests, \
             adjusted by Holm's procedure over all claims tested here; the published runs are a \
             family of their own. *p, signs* is that of an exact sign-flip test of the same \
             differences, before any adjustment, which assumes only that without an effect each \
             difference is as likely positive as negative. \"Both together are best\" is tested against \
             the one of the three that gives the largest p. Intervals of the published runs leave out \
             other test pairs, since no answers to single pairs were kept of them.",
        ),
    ];
    for recipe in summary.recipe_names() {
        let own: Vec<&Claim> = summary.claims.iter().filter(|c| c.recipe == recipe).collect();
        blocks.extend(claim_table(format!("Recipe `{recipe}`"), &own));
    }
    let published: Vec<&Claim> = summary.published_claims.iter().collect();
    blocks.extend(claim_table("The paper's own ten runs".to_owned(), &published));
    blocks.extend(superiority(summary));
    blocks
}

fn claim_table(title: String, claims: &[&Claim]) -> Vec<Block> {
    let Some(first) = claims.first() else { return Vec::new() };
    let paired = first.comparison == Comparison::Paired;
    let how = if paired {
        "each run against the run of the same number, which has the same pairs"
    } else {
        "each run against each, since the networks of a claim have different draws of pairs"
    };
    let draws = claims.iter().any(|claim| claim.total95.is_some());
    let mut header = vec![("Claim", Left), ("outcome", Left), ("effect [95 %]", Right)];
    header.extend(draws.then_some(("other test pairs", Right)));
    header.push(("p (Holm)", Right));
    header.extend(paired.then_some(("p, signs", Right)));
    let row = |claim: &&Claim| {
        let best = if claim.claim.ends_with("best") { " (best)" } else { "" };
        let mut row = vec![
            format!("`{}` > `{}`{best}", claim.better, claim.than),
            outcomes::claim_outcome(claim).to_owned(),
            difference(claim.effect, claim.ci95),
        ];
        row.extend(draws.then(|| cells::interval(claim.total95)));
        row.push(cells::p_value(claim.p_holm));
        row.extend(paired.then(|| cells::p_value(claim.p_sign_flip)));
        row
    };
    let rows = claims.iter().map(row).collect();
    vec![Block::captioned(format!("{title}: {how}"), named(header), rows)]
}

/// How often a run beats another, claim by claim.
fn superiority(summary: &Summary) -> Vec<Block> {
    let sources = sources(summary);
    let mut header = vec![("Claim".to_owned(), Left)];
    header.extend(sources.iter().map(|name| (source_name(name), Right)));
    let all = || summary.claims.iter().chain(&summary.published_claims);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for claim in &summary.claims {
        let place = (&*claim.backbone, &*claim.claim);
        if seen.contains(&place) {
            continue;
        }
        seen.push(place);
        let cell = |source: &&str| {
            let same = |c: &&Claim| c.recipe == **source && (&*c.backbone, &*c.claim) == place;
            cells::superiority(all().find(same).and_then(|claim| claim.superiority))
        };
        let name = format!("{}: {}", claim.backbone, claim.claim);
        rows.push([name].into_iter().chain(sources.iter().map(cell)).collect());
    }
    let text = "The probability that a run of the one beats a run of the other, with its 95 % \
                interval (Newcombe, 2006; Wilson, 1927, where runs are paired): 0.5 is no \
                difference, and from 0.75 on Bouthillier and others (2021) call one meaningful. This \
                asks of single runs, and each interval speaks for itself; the outcomes above ask of \
                means, all tests taken together.";
    let caption = "How often a run is the better one";
    vec![Block::paragraph(text), Block::captioned(caption, header, rows)]
}

/// All recipes, and the published runs where they are compared.
fn sources(summary: &Summary) -> Vec<&str> {
    let published = (!summary.published_claims.is_empty()).then_some("published");
    summary.recipe_names().chain(published).collect()
}

/// Sharing and the auxiliary loss as two factors.
pub(crate) fn effects(summary: &Summary) -> Vec<Block> {
    if summary.effects.is_empty() {
        return Vec::new();
    }
    let draws = if summary.effects.iter().any(|effect| effect.total95.is_some()) {
        "; where all runs of a network share their test pairs, the interval covers other test pairs too"
    } else {
        ""
    };
    let published = if summary.published_effects.is_empty() {
        ""
    } else {
        " Those of the published runs do not cover other test pairs, since no answers to single pairs \
         were kept of them: they look narrower than they are."
    };
    let mut blocks = vec![
        Block::heading(2, "Sharing and the auxiliary loss, alone and together"),
        Block::Paragraph(format!(
            "The four kinds of network are a factorial design: sharing or not, auxiliary loss or \
             not. Sharing without an auxiliary loss and sharing with one are two claims and not one; \
             the *interaction* is by how much the second is the larger. Effects on test accuracy in \
             points, with 95 % intervals{draws}.{published}"
        )),
        Block::paragraph(
            "What is compared differs in more than its name. Without an auxiliary loss, the network \
             with sharing also differs in depth, in the part that compares and, for LeNet 5, in batch \
             norm: that row is sharing and all of this. Beside an auxiliary loss the two networks have \
             the same layers: that row is sharing alone. And with sharing, the network with an \
             auxiliary loss also compares ten digit probabilities a digit, has dropout, another \
             comparator and, for LeNet 5, no batch norm behind its convolutions: that row is the loss \
             and all of this, and the interaction has both in it.",
        ),
    ];
    let titled: Vec<(&str, String)> =
        sources(summary).into_iter().map(|name| (name, source_name(name))).collect();
    blocks.extend(effect_tables(&summary.effects, &summary.published_effects, &titled));
    blocks
}

fn source_name(name: &str) -> String {
    if name == "published" { "published runs".to_owned() } else { format!("`{name}`") }
}

/// What the difference between text and code is worth, all of it together.
pub(crate) fn text_against_code(summary: &Summary) -> Vec<Block> {
    let rows: Vec<Vec<String>> = summary
        .paper_against_authors
        .iter()
        .map(|row| {
            let mean =
                |mean: Option<f64>| mean.map_or(NOTHING.to_owned(), |mean| format!("{mean:.2}"));
            vec![
                format!("`{}`", row.variant),
                mean(row.paper),
                mean(row.authors),
                difference(row.difference, row.ci95),
                cells::interval(row.total95),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let header = [
        ("Network", Left),
        ("`paper`", Right),
        ("`authors`", Right),
        ("difference [95 %]", Right),
        ("other test pairs", Right),
    ];
    vec![
        Block::heading(2, "All differences between text and code together"),
        Block::paragraph(
            "Mean test accuracy in %, and recipe `paper` minus recipe `authors` in points (the table \
             of single differences goes the other way: what the code's trait adds to `paper`). The \
             runs of `authors` share one draw of pairs a kind: the first interval (Welch) speaks of that \
             draw, the second of other test pairs too. Neither covers another draw of the training \
             pairs. Each interval speaks for its own network: of eight such intervals of networks \
             that do not differ, one leaves out 0 with a probability of about a third.",
        ),
        Block::table(header, rows),
    ]
}

fn named(header: Vec<(&'static str, Align)>) -> Vec<(String, Align)> {
    header.into_iter().map(|(title, align)| (title.to_owned(), align)).collect()
}
