//! `cargo xtask study` and `--set`, as their users meet them.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use pairnet_record::{read_study, read_sweep};
use support::{FEW, err, out, records, xtask};

/// A third cell.
const SHUFFLED: &str = "\n[[cell]]\nname = \"shuffled\"\norder = \"shuffled\"\n";

/// A folder with a study's file in it, and where its sweep is to be.
fn study(text: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (file, dir) = (folder.path().join("few.toml"), folder.path().join("sweep"));
    fs::write(&file, text.to_owned() + SHUFFLED).unwrap();
    (folder, file, dir)
}

fn run(file: &Path, dir: &Path, more: &[&str]) -> Output {
    let (file, dir) = (file.display().to_string(), dir.display().to_string());
    xtask(&[&["study", &file, "--out", &dir], more].concat()).output().unwrap()
}

#[test]
fn a_study_is_trained_told_and_can_grow() {
    let (_folder, file, dir) = study(FEW);
    let output = run(&file, &dir, &["--jobs", "1"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("Few epochs"), "{}", out(&output));
    assert!(err(&output).contains("[12/12] "), "{}", err(&output));
    let first = records(&dir);
    let cells: Vec<&str> = first.iter().map(|record| &*record.recipe).collect();
    assert_eq!(first.len(), 12);
    assert!(["base", "optimiser-sgd", "shuffled"].iter().all(|cell| cells.contains(cell)));
    let told = read_study(&dir).unwrap().unwrap();
    assert_eq!(
        (&*told.base, &*told.title, &told.axes[..]),
        ("base", "Few epochs", &["optimiser".to_owned()][..])
    );
    let common = |cell: &pairnet_record::RecipeSettings| cell.fields["random_numbers"] == "common";
    assert!(read_sweep(&dir).unwrap().unwrap().settings.recipes.iter().all(common));

    // The same bytes side by side.
    let beside = dir.with_file_name("beside");
    assert!(run(&file, &beside, &["--jobs", "2"]).status.success());
    assert_eq!(records(&beside), first);

    // Another question, another cell, more runs: nothing that is there is trained again.
    let grown = FEW.replace("Are two enough?", "Is one?").replace("runs = 2", "runs = 3")
        + SHUFFLED
        + "[[cell]]\nname = \"smooth\"\nlabel_smoothing = 0.1\n";
    fs::write(&file, grown).unwrap();
    let output = run(&file, &dir, &[]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(err(&output).contains("12 of 24 networks are trained already"), "{}", err(&output));
    assert_eq!(read_study(&dir).unwrap().unwrap().question, "Is one?");
    let kept =
        records(&dir).into_iter().filter(|record| record.run < 2 && record.recipe != "smooth");
    assert_eq!(kept.collect::<Vec<_>>(), first);

    // What would change a record is refused, with the field.
    fs::write(&file, FEW.replace("epochs = 2", "epochs = 3") + SHUFFLED).unwrap();
    let refused = run(&file, &dir, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("recipes.base.epochs: 2 there, 3 asked"), "{}", err(&refused));
}

#[test]
fn a_dry_run_tells_every_cell_with_all_of_its_settings() {
    let (_folder, file, dir) = study(FEW);
    let output = run(&file, &dir, &["--dry-run"]);
    assert!(output.status.success(), "{}", err(&output));
    let told = out(&output);
    assert!(told.starts_with("12 networks to train, 0 kept"), "{told}");
    let (_, sgd) = told.split_once("\noptimiser-sgd\n").unwrap();
    let (sgd, _) = sgd.split_once("\n\n").unwrap();
    for line in
        ["optimiser = \"sgd\"", "epochs = 2", "order = \"fixed\"", "gradient_clip = \"none\""]
    {
        assert!(sgd.lines().any(|told| told.trim() == line), "{line}: {sgd}");
    }
    assert!(!dir.exists());
}

#[test]
fn what_a_file_has_wrong_is_told_with_file_line_and_nearest_name() {
    for (text, told) in [
        (FEW.replace("epochs = 2", "epoch = 2"), "line 9: epoch = 2: unknown field `epoch`"),
        (FEW.replace("\"sgd\"", "\"sdg\""), "did you mean 'sgd'?"),
        (FEW.replace("[20, 15, 10]", "[20, 15, 11]"), "line 15: "),
        (String::new(), "missing field `title`"),
    ] {
        let (_folder, file, dir) = study(&text);
        let output = run(&file, &dir, &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains(told), "{}", err(&output));
        assert!(err(&output).contains("few.toml"), "{}", err(&output));
        assert!(!dir.exists());
    }
    let missing = run(Path::new("no/such.toml"), Path::new("x"), &[]);
    assert!(err(&missing).contains("no/such.toml"), "{}", err(&missing));
}

#[test]
fn recipes_that_are_set_otherwise_stand_beside_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep").display().to_string();
    let train = |more: &[&str]| {
        let arguments =
            ["reproduce", "--recipe", "paper", "--variant", "mlp", "--runs", "1", "--out", &dir];
        xtask(&[&arguments[..], more].concat()).output().unwrap()
    };
    assert!(train(&[]).status.success());
    let changed = train(&["--set", "epochs=2", "--set", "schedule=cosine"]);
    assert!(changed.status.success(), "{}", err(&changed));
    let records = records(Path::new(&dir));
    let names: Vec<&str> = records.iter().map(|record| &*record.recipe).collect();
    assert_eq!(names, ["paper", "paper--epochs-2--schedule-cosine"]);
    assert_eq!(records[1].epochs.len(), 2);

    let unknown = train(&["--set", "epoch=2"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("did you mean 'epochs'?"), "{}", err(&unknown));
    let no_setting = train(&["--set", "epochs"]);
    assert_eq!(no_setting.status.code(), Some(2));
    assert!(err(&no_setting).contains("'epochs' is no FIELD=VALUE"), "{}", err(&no_setting));
}

#[test]
fn a_folder_is_of_one_kind() {
    let (folder, file, dir) = study(FEW);
    assert!(run(&file, &dir, &["--runs", "1"]).status.success());
    let told = dir.display().to_string();
    let train = |out: &str| {
        let arguments = ["reproduce", "--variant", "mlp", "--recipe", "paper", "--runs", "1"];
        xtask(&[&arguments[..], &["--set", "epochs=1", "--out", out]].concat()).output().unwrap()
    };
    let refused = train(&told);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("holds a study\nname another folder"), "{}", err(&refused));
    let other = folder.path().join("other");
    assert!(train(&other.display().to_string()).status.success());
    let refused = run(&file, &other, &["--runs", "1", "--dry-run"]);
    assert!(err(&refused).contains("holds a sweep that is no study"), "{}", err(&refused));

    // What is asked may be lost, or get other words.
    fs::remove_file(dir.join("study.json")).unwrap();
    assert!(run(&file, &dir, &["--runs", "1"]).status.success());
    fs::write(&file, FEW.replace("Few epochs", "Very few epochs") + SHUFFLED).unwrap();
    let output = run(&file, &dir, &["--runs", "1"]);
    assert!(output.status.success() && err(&output).contains("was called 'Few epochs'"));
    assert!(out(&output).starts_with("# Very few epochs"), "{}", out(&output));
}

/// Killed twenty times at other moments, and gone on with each time.
#[test]
fn a_study_that_is_killed_again_and_again_ends_in_the_same_records() {
    let (_folder, file, dir) = study(&FEW.replace("runs = 2", "runs = 6"));
    let whole = dir.with_file_name("whole");
    assert!(run(&file, &whole, &[]).status.success());
    for kill in 0..20 {
        let (file, dir) = (file.display().to_string(), dir.display().to_string());
        let mut command = xtask(&["study", &file, "--out", &dir]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(150 + 37 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = run(&file, &dir, &[]);
    assert!(last.status.success(), "{}", err(&last));
    assert_eq!(records(&dir), records(&whole));
}
