//! A report from records of one's own: a training that has nothing to do with these crates leaves its
//! numbers as records, with its question beside them, and gets tables, intervals, pictures and a page.
//!
//! ```sh
//! cargo run --release --bin own_records -- my-report
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use pairnet_record::{
    Epoch, Provenance, RECORD_FORMAT, RecipeSettings, Record, STUDY_FORMAT, SWEEP_FORMAT, Settings,
    Study, Sweep, Timing, write_record, write_study, write_sweep,
};
use pairnet_report::{read_report, write_results};

/// How the regression is trained: its name, and the size of its steps.
const RECIPES: [(&str, f64); 3] =
    [("small-steps", 0.1), ("medium-steps", 0.4), ("large-steps", 0.9)];

/// What was measured: accuracies in percent after each of five epochs, of a ridge regression say.
fn accuracy(step: f64, run: usize, epoch: usize) -> f64 {
    let luck = ((run * 7919) % 13) as f64 / 10.0;
    88.0 + 2.0 * step + luck - 20.0 / (1.0 + epoch as f64)
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("my-report"), PathBuf::from);
    let settings = |(name, step): (&str, f64)| RecipeSettings {
        name: name.to_owned(),
        fields: [("step", step)].into_iter().collect(),
    };
    let sweep = Sweep {
        format: SWEEP_FORMAT,
        settings: Settings {
            recipes: RECIPES.map(settings).into(),
            variants: vec!["ridge".to_owned()],
            runs: 6,
            seed: 0,
            device: "cpu".to_owned(),
            test_every_epoch: true,
            data: BTreeMap::new(),
        },
        networks: Vec::new(),
        provenance: Provenance {
            version: "1.0".to_owned(),
            git_revision: None,
            git_dirty: None,
            machine: "a laptop".to_owned(),
        },
    };
    write_sweep(&dir, &sweep)?;
    let study = Study {
        format: STUDY_FORMAT,
        title: "Do larger steps help?".to_owned(),
        question: "A ridge regression is trained with three sizes of step.".to_owned(),
        base: "small-steps".to_owned(),
        base_network: None,
        contrasts: Vec::new(),
        axes: vec!["step".to_owned()],
        references: Vec::new(),
    };
    write_study(&dir, &study)?;
    for (recipe, step) in RECIPES {
        for run in 0..sweep.settings.runs {
            let measured = |epoch| accuracy(step, run, epoch);
            let epochs = (0..5).map(|epoch| Epoch {
                total_loss: 1.0 / (1.0 + epoch as f64),
                main_loss: 1.0 / (1.0 + epoch as f64),
                auxiliary_loss: None,
                train_accuracy: measured(epoch) + 2.0,
                test_accuracy: Some(measured(epoch)),
            });
            let record = Record {
                format: RECORD_FORMAT,
                recipe: recipe.to_owned(),
                variant: "ridge".to_owned(),
                run,
                seed: 0,
                follows_from: sweep.follows_from(recipe, "ridge").unwrap_or_default(),
                parameters: 785,
                train_accuracy: Some(measured(4) + 2.0),
                test_accuracy: Some(measured(4)),
                failure: None,
                epochs: epochs.collect(),
                timing: Timing { seconds: 0.1 },
            };
            write_record(&dir, &record)?;
        }
    }
    let report = read_report(&dir)?;
    write_results(&dir, &report)?;
    for (recipe, _) in RECIPES {
        let entry = report.summary.entry(recipe, "ridge").ok_or("there is no such entry")?;
        let mean = entry.test.statistics.mean.ok_or("nothing was measured")?;
        println!("{recipe}: {mean:.2} % of test digits");
    }
    println!("the page is {}", dir.join("report.html").display());
    Ok(())
}
