//! Fields by their names, and what they may be.

use super::*;

#[test]
fn the_recipes_can_be_trained() {
    assert_eq!(Recipe::all().map(|recipe| recipe.name), Recipe::NAMES);
    for recipe in Recipe::all() {
        recipe.check().unwrap();
    }
}

#[test]
fn each_field_is_set_by_its_name() {
    let changes: [(&str, Value); 10] = [
        ("training_pairs", 100.into()),
        ("order", "shuffled".into()),
        ("input_scale", "standardised".into()),
        ("optimiser", "adamw".into()),
        ("schedule", "one-cycle".into()),
        ("weight_decay", 0.1.into()),
        ("gradient_clip", 1.into()),
        ("label_smoothing", 0.1.into()),
        ("random_numbers", "common".into()),
        ("learning_rate", 1.into()),
    ];
    let mut recipe = Recipe::authors();
    for (field, value) in &changes {
        recipe = recipe.with(field, value.clone()).unwrap();
    }
    let written = serde_json::to_value(&recipe).unwrap();
    for (field, value) in &changes {
        assert_eq!(written[field].as_f64(), value.as_f64(), "{field}");
        assert_eq!(written[field].as_str(), value.as_str(), "{field}");
    }
    recipe.check().unwrap();
}

/// Records that are there follow from recipes without them.
#[test]
fn new_fields_are_not_written_at_their_default() {
    let written = serde_json::to_value(Recipe::paper()).unwrap();
    assert_eq!(written.as_object().unwrap().len(), 16);
    let back: Recipe = serde_json::from_value(written).unwrap();
    assert_eq!(back, Recipe::paper());
}

#[test]
fn settings_are_all_fields() {
    let error = Recipe::paper().with("", 0.into()).unwrap_err().reason;
    let mut expected: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
    expected.retain(|field| *field != "name");
    expected.sort_unstable();
    assert_eq!(Recipe::paper().settings().into_keys().collect::<Vec<_>>(), expected);
    let settings = Recipe { momentum: 0.5, ..Recipe::paper() }.settings();
    assert_eq!((&settings["momentum"], &settings["order"]), (&0.5.into(), &"fixed".into()));
}

#[test]
fn what_cannot_be_trained_is_named() {
    let refused = |changes: &[(&str, Value)]| {
        let changed = changes.iter().fold(Recipe::paper(), |recipe, (field, value)| {
            recipe.with(field, value.clone()).unwrap()
        });
        changed.check().unwrap_err().to_string()
    };
    let cases: [(&[(&str, Value)], &str); 13] = [
        (
            &[("epochs", u64::MAX.into())],
            "epochs = 18446744073709551615: at most 1000000 are possible",
        ),
        (
            &[
                ("optimiser", "sgd".into()),
                ("momentum", 0.5.into()),
                ("adam_state", "remade-each-step".into()),
            ],
            "momentum = 0.5: an optimiser that is made anew at every step has none",
        ),
        (&[("epochs", 0.into())], "epochs = 0: at least 1 is needed"),
        (&[("training_pairs", 0.into())], "training_pairs = 0: at least 1 is needed"),
        (&[("beta1", 1.into())], "beta1 = 1.0: it is at least 0 and below 1"),
        (
            &[("label_smoothing", (-0.1).into())],
            "label_smoothing = -0.1: it is at least 0 and below 1",
        ),
        (
            &[("learning_rate", (-1).into())],
            "learning_rate = -1.0: it is a finite number, 0 or more",
        ),
        (&[("gradient_clip", 0.into())], "gradient_clip = 0.0: it is a finite number above 0"),
        (&[("momentum", 0.9.into())], "momentum = 0.9: only the optimiser sgd has momentum"),
        (
            &[("warm_up", 2.into()), ("schedule", "one-cycle".into())],
            "warm_up = 2: the schedule one-cycle has its own",
        ),
        (&[("warm_up", 25.into())], "warm_up = 25: it is fewer epochs than all"),
        (
            &[("warm_up", 5.into()), ("epochs", 5.into())],
            "warm_up = 5: it is fewer epochs than all",
        ),
        (&[("batch_size", 0.into())], "batch_size = 0: at least 1 is needed"),
    ];
    for (changes, message) in cases {
        assert_eq!(refused(changes), message);
    }
    let not_a_number = Recipe { weight_decay: f64::NAN, ..Recipe::paper() };
    assert!(not_a_number.check().is_err());
}

#[test]
fn a_batch_of_one_pair_has_no_variance() {
    let paper = Recipe::paper();
    paper.check_batches("mlp").unwrap();
    for (field, value) in [("batch_size", 1), ("training_pairs", 201), ("pairs", 401)] {
        let error = paper.with(field, value.into()).unwrap().check_batches("mlp").unwrap_err();
        assert!(error.to_string().ends_with("one pair, and mlp has batch norm"), "{error}");
    }
    // Test pairs alone, which batch norm sees in training mode.
    let pairs = Recipe { pairs: 401, training_pairs: Some(400), ..paper };
    pairs.check_batches("mlp").unwrap();
    assert!(Recipe { evaluation: EvaluationMode::Training, ..pairs }.check_batches("mlp").is_err());
}

#[test]
fn unknown_fields_and_values_are_errors() {
    let error =
        |field: &str, value: Value| Recipe::paper().with(field, value).unwrap_err().to_string();
    assert!(error("epoch", 3.into()).contains("unknown field `epoch`, expected one of"));
    assert!(error("optimiser", "sdg".into()).contains("unknown variant `sdg`"));
    assert!(error("epochs", (-3).into()).contains("invalid value"));
    assert!(error("name", "other".into()).contains("none of its settings"));
}
