//! Studies that were never trained.

use std::path::Path;

use crate::pictured::{epoch_of, network, pictured_folder};
use crate::sweeps::{failed, of, record, sweep};
use pairnet_network::Architecture;
use pairnet_record::{
    RecipeSettings, Record, Reference, STUDY_FORMAT, Study, Sweep, write_record, write_study,
    write_sweep,
};
use serde_json::{Value, json};

/// What is asked, of which sweep, and what was measured.
pub(crate) struct Asked {
    pub(crate) study: Study,
    pub(crate) sweep: Sweep,
    pub(crate) records: Vec<Record>,
}

impl Asked {
    /// In a folder, as the training leaves it.
    pub(crate) fn folder(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        dir
    }

    pub(crate) fn write(&self, dir: &Path) {
        write_sweep(dir, &self.sweep).unwrap();
        write_study(dir, &self.study).unwrap();
        self.records.iter().for_each(|record| {
            write_record(dir, record).unwrap();
        });
    }
}

fn study(title: &str, question: &str, axes: &[&str]) -> Study {
    Study {
        format: STUDY_FORMAT,
        title: title.to_owned(),
        question: question.to_owned(),
        base: "paper".to_owned(),
        base_network: None,
        contrasts: Vec::new(),
        axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
        references: Vec::new(),
    }
}

/// The paper's recipe with common random numbers, and some fields set otherwise.
fn cell(name: &str, changed: Value) -> RecipeSettings {
    let mut fields = json!({
        "name": name, "pairs": 1000, "pair_draw": "each-run", "epochs": 4, "learning_rate": 0.01,
        "auxiliary_loss": "cross-entropy", "auxiliary_weight": 0.5,
        "train_accuracy": "after-last-epoch", "random_numbers": "common"
    });
    for (field, value) in changed.as_object().unwrap() {
        fields[field] = value.clone();
    }
    RecipeSettings { name: name.to_owned(), fields }
}

/// `runs` of each network in each cell, about the means that `mean` tells.
fn asked(
    study: Study,
    cells: Vec<RecipeSettings>,
    networks: Vec<Architecture>,
    runs: usize,
    mean: impl Fn(usize, usize) -> f64,
) -> Asked {
    let names: Vec<&str> = networks.iter().map(|network| &*network.name).collect();
    let mut sweep = sweep(&[], &names, runs);
    let mut records = Vec::new();
    for (row, cell) in cells.iter().enumerate() {
        for (column, network) in networks.iter().enumerate() {
            for run in 0..runs {
                // The luck of a run is the same everywhere, and a smaller part is a network's own.
                let luck = ((7 * run) % runs) as f64 / runs as f64 - 0.5;
                let mixed = 11 * run * run + 7 * column + 5 * row + 3 * run * row;
                let own = (mixed % 13) as f64 / 13.0 - 0.5;
                let test = (10.0 * (mean(row, column) + 2.0 * luck + own)).round() / 10.0;
                let epochs = (1..=4).map(|epoch| epoch_of(epoch, network.auxiliary_loss, test));
                records.push(Record {
                    epochs: epochs.collect(),
                    parameters: network.parameters(),
                    ..record(&cell.name, &network.name, run, (99.0 + 0.5 * own, test.min(100.0)))
                });
            }
        }
    }
    sweep.settings.recipes = cells;
    sweep.networks = networks;
    let records = of(&sweep, records);
    Asked { study, sweep, records }
}

const LENETS: [&str; 4] = ["lenet5", "lenet5-ws", "lenet5-al", "lenet5-ws-al"];

fn lenets() -> Vec<Architecture> {
    LENETS.map(network).to_vec()
}

/// One number, from 0: a linear axis. One run has failed, two are missing, and a network has none.
pub(crate) fn one_axis() -> Asked {
    let weights = [0.0, 0.05, 0.5, 2.0, 5.0];
    let cells = weights.map(|weight| match weight {
        0.5 => cell("paper", json!({})),
        weight => {
            cell(&format!("auxiliary_weight-{weight}"), json!({ "auxiliary_weight": weight }))
        }
    });
    let question = "The paper weighs each digit's loss with 0.5.\n\nWhich weight is enough?";
    let study = study("How much auxiliary loss?", question, &["auxiliary_weight"]);
    let means = [80.0, 88.0, 95.0, 96.3, 96.1];
    let mut asked = asked(study, cells.to_vec(), lenets()[1..].to_vec(), 5, |row, column| {
        if column == 0 { 84.0 } else { means[row] + 0.5 * column as f64 }
    });
    asked.records[4] = failed(asked.records[4].clone());
    let gone = |record: &Record| {
        record.recipe == "auxiliary_weight-5"
            && (record.variant == "lenet5-ws" || (record.variant == "lenet5-al" && record.run > 2))
    };
    asked.records.retain(|record| !gone(record));
    asked
}

/// One number, far apart: a logarithmic axis; the base is where the field is absent.
pub(crate) fn far_apart() -> Asked {
    let counts = [100, 300, 1000, 3000, 10_000];
    let cells = counts.map(|count| match count {
        1000 => cell("paper", json!({})),
        count => cell(&format!("training_pairs-{count}"), json!({ "training_pairs": count })),
    });
    let study = study("How much data?", "", &["training_pairs"]);
    asked(study, cells.to_vec(), lenets()[..1].to_vec(), 10, |row, _| 65.0 + 7.0 * row as f64)
}

/// Two numbers, and one cell beside the grid.
pub(crate) fn two_axes() -> Asked {
    let mut cells = Vec::new();
    for weight in [0.05, 0.5, 2.0] {
        for rate in [0.001, 0.01] {
            let fields = json!({ "auxiliary_weight": weight, "learning_rate": rate });
            let name = match (weight, rate) {
                (0.5, 0.01) => "paper".to_owned(),
                _ => format!("auxiliary_weight-{weight}--learning_rate-{rate}"),
            };
            cells.push(cell(&name, fields));
        }
    }
    cells.push(cell("sgd", json!({ "optimiser": "sgd", "momentum": 0.9 })));
    let question = "Do weight and learning rate go together?";
    let study = study("Weight and rate", question, &["auxiliary_weight", "learning_rate"]);
    asked(study, cells, lenets()[2..].to_vec(), 6, |row, column| {
        90.0 + (row % 4) as f64 + 2.0 * column as f64
    })
}

/// Named cells, networks of one's own that cross sharing with the auxiliary loss, a base network and
/// numbers from elsewhere; cells without common random numbers.
pub(crate) fn names() -> Asked {
    let mut networks = lenets();
    for (network, name) in
        networks.iter_mut().zip(["apart", "shared", "apart-digits", "shared-digits"])
    {
        network.name = name.to_owned();
        network.backbone = "one branch".to_owned();
    }
    let own = |name: &str, changed: Value| {
        let mut cell = cell(name, changed);
        cell.fields.as_object_mut().unwrap().remove("random_numbers");
        cell
    };
    let cells = vec![
        own("paper", json!({})),
        own("softmax-twice", json!({ "auxiliary_loss": "cross-entropy-of-softmax" })),
        own("long", json!({ "epochs": 4, "own_field": "a-b", "weight_decay": 0.01 })),
    ];
    let reference = |network: &str, mean, std| Reference {
        source: "another program, [run again](https://a.example)".to_owned(),
        cell: "paper".to_owned(),
        network: network.to_owned(),
        mean,
        std,
    };
    let mut study = study("What does sharing *alone* do?", "Is it `sharing`?", &[]);
    study.base_network = Some("apart".to_owned());
    // The second is a difference from the base network, too.
    study.contrasts = [["shared-digits", "shared"], ["shared", "apart"]]
        .map(|pair| pair.map(str::to_owned))
        .to_vec();
    study.references = vec![reference("apart", 82.1, Some(0.9)), reference("shared", 84.0, None)];
    asked(study, cells, networks, 8, |row, column| {
        [80.0, 81.5, 93.0, 95.5][column] - 1.5 * row as f64
    })
}

/// The paper's two recipes as cells, in a folder with the predictions of the best network.
pub(crate) fn with_predictions() -> tempfile::TempDir {
    let dir = pictured_folder();
    write_study(dir.path(), &study("What does the code do?", "", &[])).unwrap();
    dir
}

/// Long names, many values, and a base network: what there is hardly room for.
pub(crate) fn crowded() -> Asked {
    let rates = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
    let mut cells = vec![cell("paper", json!({}))];
    for schedule in ["constant", "cosine", "one-cycle"] {
        for rate in rates {
            let fields = json!({ "learning_rate": rate, "schedule": schedule });
            cells.push(cell(&format!("learning_rate-{rate}--schedule-{schedule}"), fields));
        }
    }
    // The grid has the base's place already, and a name of a cell may be long and without a hyphen.
    cells.retain(|cell| cell.name != "learning_rate-0.01--schedule-constant");
    cells.push(cell(
        "a-cell-of-a-long-name-without-two-hyphens-in-a-row",
        json!({ "weight_decay": 0.1 }),
    ));
    let mut networks = lenets();
    networks[0].name = "a-network-with-a-name-that-is-rather-long-and-goes-on".to_owned();
    let backbone = "a backbone with a name that is not short either".to_owned();
    networks.iter_mut().for_each(|network| network.backbone.clone_from(&backbone));
    let mut study =
        study("Which learning rate, and which schedule of it?", "", &["learning_rate", "schedule"]);
    study.base_network = Some(networks[0].name.clone());
    asked(study, cells, networks, 4, |row, column| 70.0 + row as f64 / 2.0 + column as f64)
}
