//! Networks as JSON.

use pairnet_network::{Architecture, Branch, BranchOutput, Layer, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

fn small() -> Architecture {
    Architecture {
        name: "small".to_owned(),
        backbone: "lenet5".to_owned(),
        weight_sharing: true,
        auxiliary_loss: true,
        branch: Some(Branch {
            layers: vec![
                Layer::convolution(1, 4, 3, &[Step::Relu, Step::MaxPool]),
                Layer::linear(144, 10, &[]),
            ],
            output: BranchOutput::Digits,
        }),
        comparator: vec![
            Layer::linear(20, 5, &[Step::Relu, Step::BatchNorm, Step::Dropout(0.7)]),
            Layer::linear(5, 1, &[]),
        ],
    }
}

#[test]
fn a_network_is_written_with_its_parameters_and_steps_in_words() {
    let text = serde_json::to_string(&small()).unwrap();
    let expected = concat!(
        r#"{"name":"small","backbone":"lenet5","weight_sharing":true,"auxiliary_loss":true,"#,
        r#""parameters":1611,"branch":{"layers":[{"kind":"convolution","inputs":1,"outputs":4,"#,
        r#""kernel":3,"steps":["relu","max-pool"]},{"kind":"linear","inputs":144,"outputs":10,"#,
        r#""kernel":null,"steps":[]}],"output":"digits"},"comparator":[{"kind":"linear","#,
        r#""inputs":20,"outputs":5,"kernel":null,"steps":["relu","batch-norm","dropout 0.7"]},"#,
        r#"{"kind":"linear","inputs":5,"outputs":1,"kernel":null,"steps":[]}]}"#,
    );
    assert_eq!(text, expected);
    // 4·(9 + 1) + 10·(144 + 1), then 5·(20 + 1) + 2·5 of batch norm + 5 + 1.
    assert_eq!(1_611, 40 + 1_450 + 105 + 10 + 6);
    assert_eq!(serde_json::from_str::<Architecture>(&text).unwrap(), small());
}

/// What is said of the small network after one change.
fn error(pointer: &str, value: Value) -> String {
    let mut written = serde_json::to_value(small()).unwrap();
    *written.pointer_mut(pointer).unwrap() = value;
    serde_json::from_value::<Architecture>(written).unwrap_err().to_string()
}

#[test]
fn a_written_network_is_checked_when_it_is_read() {
    for (pointer, value, expected) in [
        ("/parameters", json!(1_612), "network 'small' has 1611 parameters, not 1612"),
        ("/comparator/1/inputs", json!(6), "comparator.1 takes 6 inputs, comparator.0 gives 5"),
        ("/comparator/0/steps/0", json!("tanh"), "there is no step 'tanh'; the steps are relu, "),
        ("/comparator/0/steps/2", json!("dropout"), "there is no step 'dropout'; "),
        ("/comparator/0/steps/2", json!("dropout half"), "there is no step 'dropout half'; "),
        ("/comparator/0/steps/2", json!("dropout NaN"), "comparator.0 has dropout NaN: "),
        ("/comparator/0/kernel", json!(2), "a linear layer has no kernel"),
        ("/branch/layers/0/kernel", json!(null), "a convolution has a kernel"),
        ("/branch/output", json!("digit"), "unknown variant `digit`"),
    ] {
        let found = error(pointer, value);
        assert!(found.contains(expected), "{pointer}: {found}");
    }
}

#[test]
fn a_count_of_parameters_may_be_left_out_and_no_other_field_may_be_there() {
    let mut written = serde_json::to_value(small()).unwrap();
    written.as_object_mut().unwrap().remove("parameters");
    assert_eq!(serde_json::from_value::<Architecture>(written.clone()).unwrap(), small());
    written["stride"] = json!(1);
    let error = serde_json::from_value::<Architecture>(written).unwrap_err().to_string();
    assert!(error.contains("unknown field `stride`"), "{error}");
}

proptest! {
    #[test]
    fn steps_come_back_as_they_were(probability in 0.0..1.0_f64) {
        for step in [Step::Relu, Step::BatchNorm, Step::MaxPool, Step::Dropout(probability)] {
            prop_assert_eq!(step.to_string().parse::<Step>(), Ok(step));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,20}") {
        let _ = text.parse::<Step>();
        let _ = serde_json::from_str::<Architecture>(&text);
    }
}
