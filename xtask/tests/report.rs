//! `cargo xtask report`: results made, published and checked.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pairnet_report::{Accuracy, Entry, PUBLISHED, Summary};
use support::xtask;

fn run(arguments: &[&str]) -> Output {
    xtask(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn check(folder: &Path) -> Output {
    let file = folder.join("results.json").display().to_string();
    run(&["report", "--check", &file])
}

/// Published results with all that belongs to them, to be spoiled.
fn copy_of_docs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("figures")).unwrap();
    for name in ["results.json", "results.md", "results.csv"] {
        fs::copy(docs().join(name), dir.path().join(name)).unwrap();
    }
    for entry in fs::read_dir(docs().join("figures")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.path().join("figures").join(entry.file_name())).unwrap();
    }
    dir
}

/// What is committed is what follows from the committed numbers.
#[test]
fn the_docs_follow_from_their_summaries() {
    for folder in [docs(), docs().join("forty")] {
        let output = check(&folder);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let (out, there) = (text(&output.stdout), "results.md, results.csv, figures/effects.svg");
        assert!(out.starts_with(there), "{out}");
    }
    let studies = fs::read_dir(docs().join("../data/studies")).unwrap();
    for study in studies.map(|entry| entry.unwrap().path()) {
        let output = check(&docs().join("studies").join(study.file_stem().unwrap()));
        assert!(output.status.success(), "{}: {}", study.display(), text(&output.stderr));
    }
}

/// Every `results.json` below `docs`, however deep.
#[test]
fn all_results_below_docs_are_checked() {
    let (dir, whole) = (tempfile::tempdir().unwrap(), copy_of_docs());
    let deep = dir.path().join("docs/studies/one");
    fs::create_dir_all(deep.parent().unwrap()).unwrap();
    fs::rename(whole.path(), &deep).unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["report", "--check"]).env("CARGO_MANIFEST_DIR", dir.path().join("xtask"));
        command.output().unwrap()
    };
    assert!(check().status.success(), "{}", text(&check().stderr));
    fs::write(deep.join("results.csv"), "nothing").unwrap();
    let told = text(&check().stderr);
    assert!(told.contains("studies/one/results.csv does not follow from"), "{told}");
    fs::remove_dir_all(dir.path().join("docs/studies")).unwrap();
    assert!(text(&check().stderr).contains("has no results.json, nor has a folder below it"));
}

/// The README's table, typed by hand, is that of the docs.
#[test]
fn the_readme_has_the_numbers_of_the_docs() {
    let summary = Summary::from_json(&fs::read_to_string(docs().join("results.json")).unwrap());
    let summary = summary.unwrap();
    let measured = |recipe: &str, variant: &str, accuracy: fn(&Entry) -> &Accuracy| {
        let statistics = &accuracy(summary.entry(recipe, variant).unwrap()).statistics;
        let std = match recipe {
            "authors" => statistics.std_population,
            _ => statistics.std_sample,
        };
        format!("{:.2} ± {:.2}", statistics.mean.unwrap(), std.unwrap())
    };
    let mut lines = Vec::new();
    for table in &PUBLISHED {
        for row in &table.rows {
            let title = match row.title {
                "Weight sharing + Auxiliary loss" => "both".to_owned(),
                title => title.to_lowercase(),
            };
            let mut cells = vec![format!("{}, {title}", table.backbone)];
            for (published, accuracy) in [
                (row.train, (|entry| &entry.train) as fn(&Entry) -> &Accuracy),
                (row.test, |entry| &entry.test),
            ] {
                cells.push(format!("{:.2} ± {}", published.mean, published.std_population));
                for recipe in ["authors", "paper"] {
                    cells.push(measured(recipe, row.variant, accuracy));
                }
            }
            lines.push(format!("| {} |", cells.join(" | ")));
        }
    }
    let expected = lines.join("\n");
    let readme = fs::read_to_string(docs().join("../README.md")).unwrap();
    assert!(readme.contains(&expected), "README.md should have:\n{expected}");
}

/// What the examples printed is on the page and in the docs, the same to the letter.
#[test]
fn the_recipes_have_the_tables_of_the_page() {
    let recipes = fs::read_to_string(docs().join("recipes.md")).unwrap();
    for name in ["differences", "draws"] {
        let path = docs().join(format!("../crates/report/src/paper/sections/{name}.md"));
        let printed = fs::read_to_string(path).unwrap();
        assert!(recipes.contains(&printed), "docs/recipes.md should have:\n{printed}");
    }
}

#[test]
fn docs_that_do_not_follow_are_found_out() {
    let spoil = |name: &str, spoil: fn(String) -> Option<String>| {
        let dir = copy_of_docs();
        let path = dir.path().join(name);
        match spoil(fs::read_to_string(&path).unwrap_or_default()) {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let output = check(dir.path());
        assert_eq!(output.status.code(), Some(1), "{name}");
        text(&output.stderr)
    };
    for (name, change, told) in [
        (
            "results.md",
            (|text| Some(text.replace("reproduced", "undecided"))) as fn(String) -> _,
            "results.md does not follow from",
        ),
        ("results.csv", |text| Some(text + "one line more\n"), "results.csv does not follow from"),
        ("figures/claims.svg", |text| Some(text.replace("circle", "rect")), "claims.svg does not"),
        ("figures/networks.svg", |_| None, "networks.svg is missing"),
        ("figures/old.svg", |_| Some(String::new()), "old.svg is no picture of"),
        // The numbers changed, and nothing that is made from them.
        (
            "results.json",
            |text| Some(text.replacen("\"mean\": 7", "\"mean\": 8", 1)),
            "does not follow from",
        ),
        (
            "results.json",
            |text| Some(text.replacen("\"format\": 3", "\"format\": 9", 1)),
            "format 9",
        ),
        ("results.json", |_| Some("{".to_owned()), "no whole results.json"),
    ] {
        let message = spoil(name, change);
        assert!(message.contains(told), "{name}: {message}");
    }
}

#[test]
fn a_sweep_is_published_as_it_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (sweep, docs) = (path("sweep"), path("docs"));
    let arguments = ["--recipe", "paper", "--variant", "mlp", "--runs", "2", "--test-every-epoch"];
    let trained = run(&[&["reproduce", "--out", &sweep], &arguments[..]].concat());
    assert!(trained.status.success(), "{}", text(&trained.stderr));
    let published = run(&["report", &sweep, "--publish", &docs]);
    assert!(published.status.success(), "{}", text(&published.stderr));
    let output = check(docs.as_ref());
    assert!(output.status.success(), "{}", text(&output.stderr));
    // All but the page, which is for looking at and not for committing.
    for (name, there) in
        [("results.md", true), ("figures/networks.svg", true), ("report.html", false)]
    {
        assert_eq!(Path::new(&docs).join(name).exists(), there, "{name}");
        assert!(Path::new(&sweep).join(name).exists(), "{name}");
    }
    // Test accuracy was asked for after every epoch, and is drawn.
    let curves = fs::read_to_string(Path::new(&sweep).join("figures/curves-accuracy-paper.svg"));
    assert!(curves.unwrap().contains("after each epoch, on which nothing"));
}

#[test]
fn folders_that_give_no_results_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |told: &str| {
        let output = run(&["report", &dir.path().display().to_string()]);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let message = text(&output.stderr);
        assert!(message.contains(told), "{told}: {message}");
        assert!(!dir.path().join("results.md").exists(), "{told}: results were written");
    };
    refusal("holds no sweep");
    fs::write(dir.path().join("sweep.json"), "{ \"format\": 99 }").unwrap();
    refusal("has sweep format 99, this program reads format");
    fs::write(dir.path().join("sweep.json"), "{ \"format\":").unwrap();
    refusal("is not a whole sweep");
}
