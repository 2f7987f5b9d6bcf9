//! What a recipe's fields and their values are called in a text.
//!
//! The fields are those of `pairnet_training::Recipe`; others keep their own names.

use serde_json::Value;

use super::cells::NOTHING;

const FIELDS: [(&str, &str); 26] = [
    ("pairs", "Pairs in each set"),
    ("training_pairs", "Training pairs"),
    ("pair_draw", "Draw of pairs"),
    ("epochs", "Epochs"),
    ("batch_size", "Pairs a batch"),
    ("order", "Order of the pairs"),
    ("input_scale", "Scale of the input"),
    ("optimiser", "Optimiser"),
    ("learning_rate", "Learning rate"),
    ("schedule", "Schedule of the learning rate"),
    ("warm_up", "Epochs of warm-up"),
    ("momentum", "Momentum"),
    ("weight_decay", "Weight decay"),
    ("gradient_clip", "Largest norm of the gradient"),
    ("beta1", "Adam's β₁"),
    ("beta2", "Adam's β₂"),
    ("epsilon", "Adam's ε"),
    ("adam_state", "Adam's state"),
    ("main_loss", "Loss of the comparison"),
    ("auxiliary_loss", "Loss of the digits"),
    ("main_weight", "Weight of the comparison's loss"),
    ("auxiliary_weight", "Weight of each digit's loss"),
    ("label_smoothing", "Label smoothing"),
    ("evaluation", "Mode of evaluation"),
    ("train_accuracy", "Training accuracy"),
    ("random_numbers", "Random numbers"),
];

/// A field's name for readers.
pub(crate) fn field(field: &str) -> &str {
    FIELDS.iter().find(|(name, _)| *name == field).map_or(field, |(_, words)| words)
}

/// `fields`, each once: those of a recipe in the order in which one reads them, then others.
pub(crate) fn in_order<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let place = |field: &str| FIELDS.iter().position(|(name, _)| *name == field);
    let mut fields: Vec<&str> = fields.collect();
    fields.sort_by_key(|field| (place(field).unwrap_or(FIELDS.len()), *field));
    fields.dedup();
    fields
}

/// A field's value for readers.
pub(crate) fn value(value: Option<&Value>) -> String {
    match value {
        None => NOTHING.to_owned(),
        Some(Value::String(name)) => match name.as_str() {
            "pytorch-once-per-kind" => "once for each kind, by PyTorch's generator".to_owned(),
            "each-run" => "new for every run".to_owned(),
            "remade-each-step" => "made anew at every step".to_owned(),
            "kept" => "kept through the run".to_owned(),
            "cross-entropy" => "cross-entropy of the logits".to_owned(),
            "cross-entropy-of-softmax" => "cross-entropy of the softmax: softmax twice".to_owned(),
            "binary-cross-entropy" => "binary cross-entropy of the logit".to_owned(),
            "squared-error-of-sigmoid" => "squared error of the sigmoid".to_owned(),
            "evaluation" => "running statistics, no dropout".to_owned(),
            "training" => "statistics of the test batch, dropout on".to_owned(),
            "after-last-epoch" => "measured after the last epoch".to_owned(),
            "during-last-epoch" => "counted during the last epoch".to_owned(),
            "common" => "shared by all cells".to_owned(),
            "adam" => "Adam".to_owned(),
            "adamw" => "AdamW".to_owned(),
            "sgd" => "SGD".to_owned(),
            other => other.replace('-', " "),
        },
        Some(number @ Value::Number(_)) => in_digits(number),
        Some(other) => other.to_string(),
    }
}

/// As people write it: 1 and not 1.0, but 1e-8.
fn in_digits(number: &Value) -> String {
    match number.as_f64() {
        Some(value) if value == 0.0 || value.abs() >= 1e-4 => value.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        let found = [json!(1.0), json!(0.05), json!(1000), json!(1e-8)].map(|n| value(Some(&n)));
        assert_eq!(found, ["1", "0.05", "1000", "1e-8"]);
    }

    #[test]
    fn fields_come_in_reading_order_and_each_once() {
        let found = in_order(["own", "momentum", "epochs", "another", "epochs"].into_iter());
        assert_eq!(found, ["epochs", "momentum", "another", "own"]);
    }
}
