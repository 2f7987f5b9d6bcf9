//! Recipes changed field by field, and what their fields may be.

use std::collections::BTreeMap;

use pairnet_data::Split;
use serde_json::{Value, json};

use crate::choices::{AdamState, EvaluationMode, OptimiserKind, Schedule};
use crate::recipe::Recipe;

/// A field of a recipe that cannot be what it is to be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field} = {value}: {reason}")]
pub struct FieldError {
    /// As [`Recipe`] and its JSON have it.
    pub field: String,
    /// As JSON.
    pub value: Value,
    /// Why it cannot be that.
    pub reason: String,
}

/// Pairs, epochs and pairs a batch that a recipe can have: more than any training that ends.
const MOST: usize = 1_000_000;

impl Recipe {
    /// The same recipe but for one field, by its name and its value as JSON.
    ///
    /// ```
    /// use pairnet_training::{OptimiserKind, Recipe};
    ///
    /// let paper = Recipe::paper();
    /// let longer = paper.with("epochs", 50.into())?.with("optimiser", "sgd".into())?;
    /// assert_eq!((longer.epochs, longer.optimiser), (50, OptimiserKind::Sgd));
    /// let error = paper.with("epochs", "many".into()).unwrap_err();
    /// assert!(error.to_string().starts_with(r#"epochs = "many": invalid type"#));
    /// # Ok::<(), pairnet_training::FieldError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where there is no such field, or it cannot hold such a value. Whether the fields make sense
    /// together is [`Recipe::check`]'s affair.
    pub fn with(&self, field: &str, value: Value) -> Result<Self, FieldError> {
        let refused = |source: serde_json::Error| FieldError {
            field: field.to_owned(),
            value: value.clone(),
            reason: source.to_string(),
        };
        if field == "name" {
            let reason = "a recipe's name is none of its settings".to_owned();
            return Err(FieldError { field: field.to_owned(), value, reason });
        }
        let mut fields = serde_json::to_value(self).map_err(refused)?;
        fields[field] = value.clone();
        serde_json::from_value(fields).map_err(refused)
    }

    /// All fields but the name, by name, those at their default too.
    pub fn settings(&self) -> BTreeMap<String, Value> {
        let at_default = json!({
            "training_pairs": self.training_pairs,
            "order": self.order,
            "input_scale": self.input_scale,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "warm_up": self.warm_up,
            "momentum": self.momentum,
            "weight_decay": self.weight_decay,
            "gradient_clip": self.gradient_clip,
            "label_smoothing": self.label_smoothing,
            "random_numbers": self.random_numbers,
        });
        let written = serde_json::to_value(self).unwrap_or_default();
        let fields = [at_default, written].into_iter().filter_map(|fields| match fields {
            Value::Object(fields) => Some(fields),
            _ => None,
        });
        fields.flatten().filter(|(field, _)| field != "name").collect()
    }

    /// Whether networks can be trained so.
    ///
    /// # Errors
    ///
    /// For the first field that is out of its range, or that another field would leave without effect.
    pub fn check(&self) -> Result<(), FieldError> {
        let sgd = self.optimiser == OptimiserKind::Sgd;
        let counts = [
            ("pairs", Some(self.pairs)),
            ("training_pairs", self.training_pairs),
            ("epochs", Some(self.epochs)),
            ("batch_size", Some(self.batch_size)),
        ];
        for (field, count) in counts {
            match count {
                Some(0) => return refuse(field, 0, "at least 1 is needed"),
                Some(count) if count > MOST => {
                    return refuse(field, count, "at most 1000000 are possible");
                }
                _ => {}
            }
        }
        let shares = [
            ("beta1", self.beta1),
            ("beta2", self.beta2),
            ("label_smoothing", self.label_smoothing),
        ];
        for (field, share) in shares {
            if !(0.0..1.0).contains(&share) {
                return refuse(field, share, "it is at least 0 and below 1");
            }
        }
        let sizes = [
            ("learning_rate", self.learning_rate),
            ("momentum", self.momentum),
            ("weight_decay", self.weight_decay),
            ("epsilon", self.epsilon),
            ("main_weight", self.main_weight),
            ("auxiliary_weight", self.auxiliary_weight),
        ];
        for (field, size) in sizes {
            if !(size.is_finite() && size >= 0.0) {
                return refuse(field, size, "it is a finite number, 0 or more");
            }
        }
        if let Some(norm) = self.gradient_clip.filter(|norm| !(norm.is_finite() && *norm > 0.0)) {
            return refuse("gradient_clip", norm, "it is a finite number above 0");
        }
        if self.momentum != 0.0 && !sgd {
            let reason = "only the optimiser sgd has momentum";
            return refuse("momentum", self.momentum, reason);
        }
        if self.momentum != 0.0 && self.adam_state == AdamState::RemadeEachStep {
            let reason = "an optimiser that is made anew at every step has none";
            return refuse("momentum", self.momentum, reason);
        }
        if self.warm_up > 0 && self.schedule == Schedule::OneCycle {
            return refuse("warm_up", self.warm_up, "the schedule one-cycle has its own");
        }
        if self.warm_up > 0 && self.warm_up >= self.epochs {
            return refuse("warm_up", self.warm_up, "it is fewer epochs than all");
        }
        Ok(())
    }

    /// Whether every batch has two pairs or more, as batch norm needs it to have a variance; for a network
    /// that has some.
    pub(crate) fn check_batches(&self, network: &str) -> Result<(), FieldError> {
        let alone = |split| self.batch_size == 1 || self.pairs_of(split) % self.batch_size == 1;
        let seen_in_training = match self.evaluation {
            EvaluationMode::Evaluation => alone(Split::Train),
            EvaluationMode::Training => alone(Split::Train) || alone(Split::Test),
        };
        if seen_in_training {
            let reason = format!("a batch would have one pair, and {network} has batch norm");
            return refuse("batch_size", self.batch_size, &reason);
        }
        Ok(())
    }
}

fn refuse(field: &str, value: impl Into<Value>, reason: &str) -> Result<(), FieldError> {
    let (field, value, reason) = (field.to_owned(), value.into(), reason.to_owned());
    Err(FieldError { field, value, reason })
}

#[cfg(test)]
mod tests;
