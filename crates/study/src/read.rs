//! From a study's file to the plan of a sweep, and what is asked.

use pairnet_network::Architecture;
use pairnet_record::{Reference, STUDY_FORMAT, Study};
use pairnet_training::{Plan, Recipe};
use toml::Spanned;

use crate::cells::cells;
use crate::error::{StudyError, unknown};
use crate::file::{File, in_file_order};
use crate::networks::networks;

/// Runs of each cell and network where the file says nothing, as in the paper.
const RUNS: usize = 10;

/// Reads a study's file: what is to be trained, and what is asked.
///
/// ```
/// let text = r#"
/// title = "Longer trainings"
/// question = "The paper trains for 25 epochs. Is that enough?"
/// base = "paper"
/// variants = ["mlp-ws-al", "wide"]
///
/// [grid]
/// epochs = [10, 25, 50]
///
/// [[cell]]
/// name = "faster"
/// learning_rate = 0.02
///
/// [[network]]
/// name = "wide"
/// from = "mlp-ws-al"
/// branch_outputs = [400, 168, 10]
/// "#;
/// let (plan, study) = pairnet_study::read(text)?;
/// let cells: Vec<&str> = plan.recipes.iter().map(|recipe| &*recipe.name).collect();
/// assert_eq!(cells, ["paper", "epochs-10", "epochs-50", "faster"]);
/// assert_eq!((study.base, study.axes), ("paper".to_owned(), vec!["epochs".to_owned()]));
/// assert_eq!((plan.variants.len(), plan.jobs().count()), (2, 80));
/// # Ok::<(), pairnet_study::StudyError>(())
/// ```
///
/// The base's own cell comes first, then those of the grid, whose last list goes fastest, then those with
/// names. All of them have their random numbers in common ([`pairnet_training::RandomNumbers::Common`]).
///
/// # Errors
///
/// With the line of the file where it is no TOML; where a field, a recipe, a variant or a value is
/// unknown, with the nearest that there is; where two cells or networks have one name, or a cell is the
/// base under another name; where a network's sizes do not fit each other.
pub fn read(text: &str) -> Result<(Plan, Study), StudyError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let told = StudyError::new(error.message().trim_end());
        error.span().map_or(told.clone(), |span| told.at(text, span.start))
    })?;
    if file.title.trim().is_empty() {
        return Err(StudyError::new("the title is empty"));
    }
    let recipes = cells(text, &file)?;
    let variants = networks(text, &file)?;
    check_names(text, &file, &recipes, &variants)?;
    let axes = in_file_order(&file.grid).into_iter().map(|(field, _)| field.get_ref().clone());
    let axes = axes.collect();
    let study = Study {
        format: STUDY_FORMAT,
        title: file.title,
        question: file.question.trim().to_owned(),
        base: recipes[0].name.clone(),
        base_network: file.base_network.map(Spanned::into_inner),
        contrasts: file.compare.into_iter().map(|pair| pair.map(Spanned::into_inner)).collect(),
        axes,
        references: file.reference.into_iter().map(Spanned::into_inner).collect(),
    };
    let (runs, seed) = (file.runs.unwrap_or(RUNS), file.seed.unwrap_or(0));
    Ok((Plan { recipes, variants, runs, seed }, study))
}

/// Whether what is compared, and what stands beside a cell, is there.
fn check_names(
    text: &str,
    file: &File,
    recipes: &[Recipe],
    variants: &[Architecture],
) -> Result<(), StudyError> {
    let known = |name: &Spanned<String>, names: &[&str], what: &str| {
        let found = names.contains(&name.get_ref().as_str());
        let error = || unknown(what, name.get_ref(), names.iter().copied());
        if found { Ok(()) } else { Err(error().at(text, name.span().start)) }
    };
    let network_names: Vec<&str> = variants.iter().map(|network| &*network.name).collect();
    if let Some(name) = &file.base_network {
        known(name, &network_names, "network")?;
    }
    for (index, [better, than]) in file.compare.iter().enumerate() {
        let same = |other: &&[Spanned<String>; 2]| {
            let [a, b] = other.each_ref().map(Spanned::get_ref);
            [[a, b], [b, a]].contains(&[better.get_ref(), than.get_ref()])
        };
        if file.compare[..index].iter().any(|other| same(&other)) {
            let (better, than, place) = (better.get_ref(), than.get_ref(), better.span().start);
            let reason = format!("'{better}' and '{than}' are compared twice");
            return Err(StudyError::new(reason).at(text, place));
        }
        known(better, &network_names, "network")?;
        known(than, &network_names, "network")?;
        if better.get_ref() == than.get_ref() {
            let reason = format!("'{}' is compared with itself", than.get_ref());
            return Err(StudyError::new(reason).at(text, than.span().start));
        }
    }
    for reference in &file.reference {
        let Reference { cell, network, mean, std, .. } = reference.get_ref();
        let percent = |value: &f64| (0.0..=100.0).contains(value);
        if !percent(mean) || !std.iter().all(percent) {
            let reason = "a reference's mean is in percent, and its std in points".to_owned();
            return Err(StudyError::new(reason).at(text, reference.span().start));
        }
        let cells: Vec<&str> = recipes.iter().map(|recipe| &*recipe.name).collect();
        let place = reference.span();
        known(&Spanned::new(place.clone(), cell.clone()), &cells, "cell")?;
        known(&Spanned::new(place, network.clone()), &network_names, "network")?;
    }
    Ok(())
}
