//! Networks of a study's own: written out, or a variant of the table with some sizes changed.

use pairnet_models::{names, variant, variants};
use pairnet_network::{Architecture, Layer, Step, Weights};
use serde::Deserialize;

use crate::error::{StudyError, unknown};
use crate::file::File;

/// A variant of the table with some of it changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    name: String,
    from: String,
    backbone: Option<String>,
    weight_sharing: Option<bool>,
    auxiliary_loss: Option<bool>,
    /// Of the branch's layers, one each.
    branch_outputs: Option<Vec<usize>>,
    /// Of the comparator's layers but the last, one each.
    comparator_outputs: Option<Vec<usize>>,
    /// Of every layer that has some; 0 takes it away.
    dropout: Option<f64>,
}

/// The networks: those of the table or of the file, by name; all of either where none is named.
pub(crate) fn networks(text: &str, file: &File) -> Result<Vec<Architecture>, StudyError> {
    let mut own: Vec<Architecture> = Vec::new();
    for table in &file.network {
        let here = |error: StudyError| error.at(text, table.span().start);
        let network = network(table.get_ref().clone()).map_err(here)?;
        if own.iter().chain(variants()).any(|other| other.name == network.name) {
            let reason = format!("there are two networks '{}'", network.name);
            return Err(here(StudyError::new(reason)));
        }
        own.push(network);
    }
    let Some(asked) = &file.variants else {
        return Ok(if own.is_empty() { variants().to_vec() } else { own });
    };
    let all = || own.iter().chain(variants());
    let mut networks: Vec<Architecture> = Vec::new();
    for name in asked {
        let here = |error: StudyError| error.at(text, name.span().start);
        let Some(network) = all().find(|network| network.name == *name.get_ref()) else {
            let known = all().map(|network| &*network.name);
            return Err(here(unknown("network", name.get_ref(), known)));
        };
        if networks.contains(network) {
            return Err(here(StudyError::new(format!("'{}' stands twice", name.get_ref()))));
        }
        networks.push(network.clone());
    }
    match networks.is_empty() {
        true => Err(StudyError::new("variants names no network")),
        false => Ok(networks),
    }
}

/// The network that `table` describes: as a checkpoint does, or by what is changed of a variant.
fn network(table: toml::Table) -> Result<Architecture, StudyError> {
    if table.contains_key("from") {
        return table.try_into::<Changed>().map_err(|e| StudyError::new(e.message()))?.network();
    }
    table.try_into().map_err(|error: toml::de::Error| StudyError::new(error.message()))
}

impl Changed {
    fn network(self) -> Result<Architecture, StudyError> {
        let Self { name, from, backbone, weight_sharing, auxiliary_loss, .. } = self;
        let from = variant(&from).map_err(|_| unknown("variant", &from, names()))?;
        let mut network = Architecture {
            name,
            backbone: backbone.unwrap_or_else(|| from.backbone.clone()),
            weight_sharing: weight_sharing.unwrap_or(from.weight_sharing),
            auxiliary_loss: auxiliary_loss.unwrap_or(from.auxiliary_loss),
            ..from.clone()
        };
        match (&mut network.branch, self.branch_outputs) {
            (Some(branch), Some(outputs)) => {
                let before = branch.layers.last().map_or(0, |layer| layer.weights.outputs());
                resize("branch_outputs", &mut branch.layers, &outputs)?;
                let after = branch.layers.last().map_or(0, |layer| layer.weights.outputs());
                if let Some(first) = network.comparator.first_mut() {
                    first.weights = taking(first.weights, before, after);
                }
            }
            (None, Some(_)) => {
                return Err(StudyError::new(format!(
                    "branch_outputs: '{}' has no branch",
                    from.name
                )));
            }
            _ => {}
        }
        if let Some(outputs) = self.comparator_outputs {
            let (there, given) = (network.comparator.len().saturating_sub(1), outputs.len());
            if there != given {
                return Err(StudyError::new(format!(
                    "comparator_outputs: there are {there} layers before the last, not {given}"
                )));
            }
            let outputs = [&outputs[..], &[1]].concat();
            resize("comparator_outputs", &mut network.comparator, &outputs)?;
        }
        if let Some(probability) = self.dropout {
            let branch = network.branch.iter_mut().flat_map(|branch| &mut branch.layers);
            for layer in branch.chain(&mut network.comparator) {
                set_dropout(&mut layer.steps, probability);
            }
        }
        network.check().map_err(StudyError::new)?;
        Ok(network)
    }
}

/// Gives layers other outputs, and what follows each the inputs that fit.
fn resize(what: &str, layers: &mut [Layer], outputs: &[usize]) -> Result<(), StudyError> {
    if layers.len() != outputs.len() {
        let (there, given) = (layers.len(), outputs.len());
        return Err(StudyError::new(format!("{what}: there are {there} layers, not {given}")));
    }
    let mut changed: Option<(usize, usize)> = None;
    for (layer, &after) in layers.iter_mut().zip(outputs) {
        if let Some((before, after)) = changed {
            layer.weights = taking(layer.weights, before, after);
        }
        changed = Some((layer.weights.outputs(), after));
        match &mut layer.weights {
            Weights::Linear { outputs, .. } | Weights::Convolution { outputs, .. } => {
                *outputs = after;
            }
        }
    }
    Ok(())
}

/// The same weights behind a layer of `after` outputs, which had `before`: several inputs an output
/// where an image is flattened.
fn taking(weights: Weights, before: usize, after: usize) -> Weights {
    let fitting = |inputs: usize| match inputs.checked_div(before) {
        Some(places) => places.saturating_mul(after),
        None => inputs,
    };
    match weights {
        Weights::Linear { inputs, outputs } => Weights::Linear { inputs: fitting(inputs), outputs },
        Weights::Convolution { inputs, outputs, kernel } => {
            Weights::Convolution { inputs: fitting(inputs), outputs, kernel }
        }
    }
}

fn set_dropout(steps: &mut Vec<Step>, probability: f64) {
    if probability == 0.0 {
        steps.retain(|step| !matches!(step, Step::Dropout(_)));
    }
    for step in steps {
        if let Step::Dropout(there) = step {
            *there = probability;
        }
    }
}
