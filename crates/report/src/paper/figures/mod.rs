//! What the paper's report shows beside the pictures that all reports have.

mod differences;
mod forest;
mod label;

use serde_json::Value;

use self::label::label;
use crate::error::ReportError;
use crate::figures::{self, Figure, Group, Row};
use crate::report::Report;
use crate::summary::Summary;

/// The networks that the paper draws.
const DRAWN: [(&str, &str); 2] =
    [("lenet5-al", "the paper's figure 1"), ("lenet5-ws-al", "the paper's figure 2")];

const OURS: &str = "Blue: each run of this reproduction";

/// The pictures that follow from a summary alone: `effects`, `accuracy`, `accuracy-train`, `differences`,
/// `claims` and `text-and-code`. What there is nothing to draw for is left out.
pub(crate) fn of_summary(summary: &Summary) -> Result<Vec<Figure>, ReportError> {
    let groups = groups(summary);
    let figures = [
        effects(summary)?,
        figures::accuracy(&groups, OURS)?,
        figures::train_accuracy(&groups, OURS)?
            .map(|figure| Figure { caption: figure.caption + &counted(summary), ..figure }),
        differences::figure(summary)?,
        forest::claims(summary)?,
        forest::text_and_code(summary)?,
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// Those that need the records: curves, and the networks.
pub(crate) fn of_records(report: &Report) -> Result<Vec<Figure>, ReportError> {
    let mut figures = figures::curves(&figures::cells(report), "recipe")?;
    let note = |name: &str| DRAWN.iter().find(|(own, _)| *own == name).map(|(_, note)| *note);
    let networks = &report.sweep.networks;
    figures.extend(figures::networks(networks, " Sizes come from the code.", note).map(|figure| {
        let caption =
            figure.caption + " lenet5-al and lenet5-ws-al are the paper's figures 1 and 2.";
        Figure { caption, ..figure }
    }));
    Ok(figures)
}

/// A panel a recipe, with its networks.
fn groups(summary: &Summary) -> Vec<Group<'_>> {
    let row = |entry| Row { label: label(entry), name: entry.variant.clone(), entry };
    let group = |recipe: &str| {
        let own = summary.entries.iter().filter(|entry| entry.recipe == recipe);
        let (title, words) = (format!("Recipe {recipe}"), format!("recipe {recipe}"));
        Group { title, words, rows: own.map(row).collect() }
    };
    summary.recipe_names().map(group).collect()
}

/// When accuracy on training pairs is counted, where recipes differ in that.
fn counted(summary: &Summary) -> String {
    let when = |fields: &Value| Some(fields.get("train_accuracy")?.as_str()?.replace('-', " "));
    let parts: Vec<(String, &str)> = summary
        .recipes
        .iter()
        .filter_map(|recipe| Some((when(&recipe.fields)?, recipe.name.as_str())))
        .collect();
    if parts.iter().all(|(when, _)| *when == parts[0].0) {
        return String::new();
    }
    let parts: Vec<String> =
        parts.iter().map(|(when, recipe)| format!("{when} by recipe {recipe}")).collect();
    format!(" Accuracy on training pairs is counted {}.", parts.join(", "))
}

/// One panel a backbone and source; `None` where no backbone has all four kinds.
fn effects(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let all = || summary.effects.iter().chain(&summary.published_effects);
    let draws = match (all().any(|e| e.total95.is_some()), summary.published_effects.is_empty()) {
        (false, _) => "",
        (true, true) => ", which speak of other test pairs, too",
        (true, false) => {
            ", which speak of other test pairs, too (those of the published runs do not: no answers to \
             single pairs were kept)"
        }
    };
    let named = summary.recipe_names().map(|recipe| (recipe, format!("recipe {recipe}")));
    let published = ("published", "the paper's own runs".to_owned());
    let sources: Vec<(&str, String)> = named.chain([published]).collect();
    let figure = figures::effects(&summary.effects, &summary.published_effects, &sources, draws)?;
    Ok(figure.map(|figure| Figure {
        caption: figure.caption
            + " Networks differ in more than these names, but for the second row.",
        ..figure
    }))
}
