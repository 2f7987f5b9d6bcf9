//! One network: trained, broken off, gone on with, kept and evaluated.

mod support;

use std::path::Path;
use std::process::Output;

use pairnet_record::{Record, read_record_file, read_records};
use serde_json::Value;
use support::{err, xtask};

fn run(arguments: &[&str]) -> Output {
    xtask(arguments).output().unwrap()
}

fn train(file: &Path, more: &[&str]) -> Output {
    let file = file.to_str().unwrap();
    run(&[&["train", "mlp-ws", "--seed", "3", "--run", "1", "--save", file], more].concat())
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn without_timing(record: Record) -> Record {
    Record { timing: pairnet_record::Timing { seconds: 0.0 }, ..record }
}

#[test]
fn a_run_is_the_same_alone_in_many_sittings_and_in_a_sweep() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, sittings) =
        (dir.path().join("whole.safetensors"), dir.path().join("b.safetensors"));
    let told = out(&train(&whole, &[]));
    assert!(told.starts_with("mlp-ws by paper, seed 3, run 1: "), "{told}");
    assert!(told.ends_with("whole.safetensors\n") || told.contains("whole.json\n"), "{told}");

    // A copy of a training that was killed after some epochs.
    let mut child = xtask(&["train", "mlp-ws", "--seed", "3", "--run", "1", "--save"])
        .arg(&sittings)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let unfinished = dir.path().join("b.safetensors.unfinished");
    while !unfinished.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let _ = child.kill();
    child.wait().unwrap();
    if unfinished.exists() {
        let refused = train(&sittings, &[]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(err(&refused).contains("go on with --resume"), "{}", err(&refused));
        let gone_on = train(&sittings, &["--resume"]);
        assert!(err(&gone_on).contains(" of 25 epochs are there"), "{}", err(&gone_on));
        out(&gone_on);
    }
    assert!(!unfinished.exists());
    // The program's revision is the same, so every byte is.
    assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&sittings).unwrap());

    let sweep = dir.path().join("sweep");
    let options =
        ["reproduce", "--recipe", "paper", "--variant", "mlp-ws", "--seed", "3", "--keep"];
    out(&xtask(&options).args(["--runs", "2", "--out"]).arg(&sweep).output().unwrap());
    let alone = without_timing(read_record_file(&dir.path().join("whole.json")).unwrap());
    let in_sweep = read_records(&sweep).unwrap().into_iter().find(|record| record.run == 1);
    assert_eq!(without_timing(in_sweep.unwrap()), alone);
    assert_eq!(alone, without_timing(read_record_file(&dir.path().join("b.json")).unwrap()));
    let kept = sweep.join("networks/paper/mlp-ws/1.safetensors");
    assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&kept).unwrap());

    // A network that is gone is trained again; the others are not.
    std::fs::remove_file(&kept).unwrap();
    let again = xtask(&options).args(["--runs", "2", "--out"]).arg(&sweep).output().unwrap();
    assert!(err(&again).contains("[1/1] paper mlp-ws run 1"), "{}", err(&again));
    assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&kept).unwrap());
}

/// A training that is killed after its end, or asked for twice, has nothing to go on with.
#[test]
fn what_is_trained_already_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (file, unfinished) = ("a.safetensors", "a.safetensors.unfinished");
    let (file, unfinished) = (dir.path().join(file), dir.path().join(unfinished));
    let few = ["--set", "epochs=2", "--set", "pairs=100", "--resume"];
    let told = out(&train(&file, &few));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&unfinished, "killed before it was removed").unwrap();
    let again = train(&file, &few);
    assert_eq!((out(&again), err(&again)), (told, "it is trained already\n".to_owned()));
    assert!(!unfinished.exists());
    // Another run's is in the way as ever, and so is one without --resume.
    for more in [&few[..4], &["--resume"]] {
        let refused = train(&file, more);
        assert!(err(&refused).contains("a.safetensors is there already"), "{}", err(&refused));
    }
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn what_is_there_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.safetensors");
    std::fs::write(&file, "mine").unwrap();
    let refused = train(&file, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("mine.safetensors is there already"), "{}", err(&refused));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let refused = train(&dir.path().join("network.json"), &[]);
    assert!(err(&refused).contains("that is the name of its record"), "{}", err(&refused));
}

#[test]
fn an_evaluation_counts_what_a_network_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("network.safetensors");
    let name = file.to_str().unwrap();
    out(&run(&["train", "mlp-ws-al", "--save", name]));
    let text = out(&run(&["evaluate", name, "--pairs", "400"]));
    assert!(text.contains("mlp-ws-al, recipe paper, seed 0, run 0"), "{text}");
    assert!(text.contains("of 400 test pairs (seed 0) right"), "{text}");
    let json: Value =
        serde_json::from_str(&out(&run(&["evaluate", name, name, "--pairs", "400", "--json"])))
            .unwrap();
    assert_eq!(json[0]["evaluation"], json[1]["evaluation"]);
    let evaluation = &json[0]["evaluation"];
    let right = evaluation["comparison"]["right"].as_u64().unwrap();
    assert!(right > 340, "{right} of 400");
    let sum = |table: &Value, of: fn(&Value) -> u64| -> u64 {
        let rows = table.as_array().unwrap().iter();
        rows.flat_map(|row| row.as_array().unwrap()).map(of).sum()
    };
    let number = |value: &Value| value.as_u64().unwrap();
    assert_eq!(sum(&evaluation["answers"], number), 400);
    assert_eq!(sum(&evaluation["confusion"], number), 800);
    assert_eq!(sum(&evaluation["by_pair"], |cell| cell["right"].as_u64().unwrap()), right);
    let bins = evaluation["calibration"]["bins"].as_array().unwrap();
    assert_eq!(bins.iter().map(|bin| bin["count"].as_u64().unwrap()).sum::<u64>(), 400);
    let other = out(&run(&["evaluate", name, "--pairs", "400", "--seed", "1"]));
    assert_ne!(other, text);
}

#[test]
fn what_is_no_network_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("network.safetensors");
    let told = |arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
        err(&output)
    };
    let name = file.to_str().unwrap();
    assert!(told(&["evaluate", name]).contains("network.safetensors"));
    std::fs::write(&file, "no network").unwrap();
    assert!(told(&["evaluate", name]).contains("network.safetensors"));
    let pickle = dir.path().join("network.pt");
    std::fs::write(&pickle, b"PK\x03\x04\0\0\x08\x08").unwrap();
    let pickled = told(&["evaluate", pickle.to_str().unwrap()]);
    assert!(pickled.contains("network.pt") && pickled.contains("never read"), "{pickled}");
    out(&{
        std::fs::remove_file(&file).unwrap();
        run(&["train", "mlp", "--save", name])
    });
    assert!(told(&["evaluate", name, "--pairs", "5001"]).contains("5001 pairs need 10002 digits"));
}
