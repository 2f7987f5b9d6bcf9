//! From records to a summary.

use pairnet_record::{Record, Study, Sweep};

use crate::answers::Answers;
use crate::data_set::DataSet;
use crate::entries::entries;
use crate::error::ReportError;
use crate::paper;
use crate::statistics::Margins;
use crate::study;
use crate::summary::{RESULTS_FORMAT, Summary};

/// What `records`, and `answers` where networks left some, say about what `sweep` asked for, and in
/// answer to `study`.
///
/// Without a study, the paper's recipes are set beside the paper's numbers; of recipes that the paper
/// does not know, the first is compared with all others.
///
/// Runs without a record are listed as missing in their entry, failed ones as failed; neither has
/// a part in any number.
///
/// # Errors
///
/// Where there is no record, two of one run, one that the sweep does not ask for, or one that
/// was made with other settings; where the study names a cell or network that the sweep has not.
pub fn summarise(
    sweep: &Sweep,
    study: Option<&Study>,
    records: &[Record],
    answers: &Answers,
) -> Result<Summary, ReportError> {
    let settings = &sweep.settings;
    let study = match study {
        Some(study) => Some(study::checked(study, settings)?),
        None if paper::is_asked(settings) => None,
        None => study::implied(settings),
    };
    let variants = match study {
        Some(_) => settings.variants.clone(),
        None => paper::in_order(&settings.variants),
    };
    let mut summary = Summary {
        format: RESULTS_FORMAT,
        data: DataSet::of(&settings.data),
        study,
        recipes: settings.recipes.clone(),
        entries: entries(sweep, &variants, records, answers)?,
        against_tables: Vec::new(),
        claims: Vec::new(),
        published_claims: Vec::new(),
        effects: Vec::new(),
        published_effects: Vec::new(),
        paper_against_authors: Vec::new(),
        differences: Vec::new(),
        margins: Margins::DECLARED,
        seed: settings.seed,
        device: settings.device.clone(),
        provenance: sweep.provenance.clone(),
        pictures: Vec::new(),
    };
    paper::set_beside(&mut summary);
    match summary.study.clone() {
        Some(asked) => study::answer(&asked, &sweep.networks, &mut summary),
        None => paper::answer(&mut summary, settings),
    }
    Ok(summary.rounded()?)
}
