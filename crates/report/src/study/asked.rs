//! What a study asks of its sweep.

use pairnet_record::{STUDY_FORMAT, Settings, Study};

use crate::error::ReportError;

/// `study`, whose cells and networks are those of its sweep.
///
/// # Errors
///
/// Where it names one that the sweep has not.
pub(crate) fn checked(study: &Study, settings: &Settings) -> Result<Study, ReportError> {
    let cells: Vec<&str> = settings.recipes.iter().map(|recipe| &*recipe.name).collect();
    let networks: Vec<&str> = settings.variants.iter().map(|variant| &**variant).collect();
    there("base", &study.base, &cells)?;
    if let Some(base) = &study.base_network {
        there("base network", base, &networks)?;
    }
    for network in study.contrasts.iter().flatten() {
        there("network of a comparison", network, &networks)?;
    }
    for reference in &study.references {
        there("cell of a reference", &reference.cell, &cells)?;
        there("network of a reference", &reference.network, &networks)?;
    }
    Ok(study.clone())
}

fn there(what: &'static str, name: &str, names: &[&str]) -> Result<(), ReportError> {
    if names.contains(&name) {
        return Ok(());
    }
    let (name, there) = (name.to_owned(), names.join(", "));
    Err(ReportError::NotInSweep { what, name, there })
}

/// What a sweep asks that has nobody's question: how its recipes compare with the first.
///
/// `None` where it has no recipe.
pub(crate) fn implied(settings: &Settings) -> Option<Study> {
    let base = settings.recipes.first()?.name.clone();
    Some(Study {
        format: STUDY_FORMAT,
        title: "What the runs say".to_owned(),
        question: String::new(),
        base,
        base_network: None,
        contrasts: Vec::new(),
        axes: Vec::new(),
        references: Vec::new(),
    })
}
