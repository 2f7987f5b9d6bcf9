//! A sweep that has all that pictures need, and was never trained.

use std::path::Path;

use crate::sweeps::{failed, of, record, sweep};
use pairnet_network::{Architecture, Branch, BranchOutput, Layer, Step};
use pairnet_record::{
    Epoch, Mistake, PREDICTIONS_FORMAT, Pixels, Predictions, Record, Sweep, write_predictions,
    write_record, write_sweep,
};

const LENETS: [&str; 4] = ["lenet5", "lenet5-ws", "lenet5-al", "lenet5-ws-al"];
/// Wrong answers of each run of the best network, in 20.
const WRONG: [usize; 3] = [2, 1, 2];

/// Three runs of four networks by both recipes; one has failed, one is missing.
pub(crate) fn pictured() -> (Sweep, Vec<Record>) {
    let mut asked = sweep(&["paper", "authors"], &LENETS, 3);
    asked.networks = LENETS.map(network).to_vec();
    for (recipe, adam_state) in asked.settings.recipes.iter_mut().zip(["kept", "remade-each-step"])
    {
        recipe.fields["adam_state"] = adam_state.into();
        recipe.fields["epochs"] = 4.into();
    }
    let mut records = Vec::new();
    for (recipe, shift) in [("paper", 0.0), ("authors", -1.0)] {
        for (variant, mean) in LENETS.iter().zip([79.0, 84.0, 88.0, 90.0]) {
            for (run, wrong) in WRONG.into_iter().enumerate() {
                let test = match (recipe, *variant) {
                    ("paper", "lenet5-ws-al") => 100.0 - 5.0 * wrong as f64,
                    _ => mean + shift + 0.5 * run as f64,
                };
                let epochs = (1..=4).map(|epoch| epoch_of(epoch, variant.ends_with("al"), test));
                records.push(Record {
                    epochs: epochs.collect(),
                    parameters: network(variant).parameters(),
                    ..record(recipe, variant, run, (99.0, test))
                });
            }
        }
    }
    // Of `authors`: a run of `lenet5-al` fails, and one of `lenet5-ws-al` is not there.
    let broken = failed(records[20].clone());
    records[20] = Record { epochs: broken.epochs[..2].to_vec(), ..broken };
    records.pop();
    let records = of(&asked, records);
    (asked, records)
}

/// The same, in a folder, with the predictions of the best network.
pub(crate) fn pictured_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (sweep, records) = pictured();
    write_sweep(dir.path(), &sweep).unwrap();
    for record in &records {
        write_record(dir.path(), record).unwrap();
    }
    for (run, wrong) in WRONG.into_iter().enumerate() {
        predict(dir.path(), run, wrong);
    }
    dir
}

/// Writes predictions of `paper/lenet5-ws-al` that are wrong as often as told.
pub(crate) fn predict(dir: &Path, run: usize, wrong: usize) {
    let classes: Vec<[u8; 2]> =
        (0..20).map(|pair| [(pair % 10) as u8, ((3 * pair + run) % 10) as u8]).collect();
    let right = |[first, second]: [u8; 2]| if first <= second { 0.98 } else { 0.02 };
    let probabilities = classes
        .iter()
        .enumerate()
        .map(|(pair, &classes)| if pair < wrong { 1.0 - right(classes) } else { right(classes) });
    let mut posterior = [0.01; 10];
    posterior[4] = 0.91;
    let mistakes = (0..wrong).map(|pair| {
        // Runs 0 and 2 get the same pairs wrong, as where runs share their pairs.
        let level = 230 - 20 * (run as u8 % 2) - 10 * pair as u8;
        Mistake { pair, images: [bar(level), ring(level)], posteriors: [posterior; 2] }
    });
    let predictions = Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: "paper".to_owned(),
        variant: "lenet5-ws-al".to_owned(),
        run,
        seed: 0,
        follows_from: pictured().0.follows_from("paper", "lenet5-ws-al").unwrap(),
        probabilities: probabilities.collect(),
        mistakes: mistakes.collect(),
        classes,
    };
    write_predictions(dir, &predictions).unwrap();
}

fn bar(level: u8) -> Pixels {
    draw(level, |y, x| (2..12).contains(&y) && x.abs_diff(9 - y / 3) < 2)
}

fn ring(level: u8) -> Pixels {
    draw(level, |y, x| (16..30).contains(&(y.abs_diff(7).pow(2) + x.abs_diff(7).pow(2))))
}

fn draw(level: u8, ink: fn(usize, usize) -> bool) -> Pixels {
    let mut pixels = [0; Pixels::COUNT];
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = if ink(at / Pixels::SIDE, at % Pixels::SIDE) { level } else { 0 };
    }
    Pixels(pixels)
}

pub(crate) fn epoch_of(epoch: u32, digits: bool, test: f64) -> Epoch {
    let left = 0.5_f64.powi(epoch as i32);
    Epoch {
        total_loss: left,
        main_loss: 0.7 * left,
        auxiliary_loss: digits.then_some(2.3 * left),
        train_accuracy: 100.0 - 45.0 * left,
        test_accuracy: Some(test - 20.0 * left),
    }
}

pub(crate) fn network(name: &str) -> Architecture {
    let (weight_sharing, auxiliary_loss) = (name.contains("-ws"), name.ends_with("-al"));
    let convolution =
        |inputs| Layer::convolution(inputs, 16, 3, &[Step::Relu, Step::BatchNorm, Step::MaxPool]);
    let output = if auxiliary_loss { BranchOutput::Digits } else { BranchOutput::Features };
    let branch = Branch { layers: vec![convolution(1), Layer::linear(576, 10, &[])], output };
    let last = |inputs| Layer::linear(inputs, 1, &[]);
    let whole = name == "lenet5";
    Architecture {
        name: name.to_owned(),
        backbone: "lenet5".to_owned(),
        weight_sharing,
        auxiliary_loss,
        branch: (!whole).then_some(branch),
        comparator: if whole { vec![convolution(2), last(576)] } else { vec![last(20)] },
    }
}
