//! Whole outputs of sweeps that were never trained.

use crate::sweeps::{failed, full, of, record, sweep};
use pairnet_record::{Record, Sweep, write_record, write_sweep};
use pairnet_report::{Answers, Summary, read_report, summarise, write_results};

fn summary((sweep, records): &(Sweep, Vec<Record>)) -> Summary {
    summarise(sweep, None, records, &Answers::default()).unwrap()
}

/// A failed run, a missing one, a network of one run and one of none.
fn with_gaps() -> (Sweep, Vec<Record>) {
    let sweep = sweep(&["authors"], &["lenet5", "lenet5-ws", "lenet5-al", "lenet5-ws-al"], 4);
    let broken = |run| failed(record("authors", "lenet5-al", run, (0.0, 0.0)));
    let records = vec![
        record("authors", "lenet5", 0, (98.0, 79.0)),
        failed(record("authors", "lenet5", 1, (0.0, 0.0))),
        record("authors", "lenet5", 3, (99.0, 80.5)),
        record("authors", "lenet5-ws", 2, (99.1, 85.2)),
        broken(0),
        broken(1),
        broken(2),
        broken(3),
    ];
    let records = of(&sweep, records);
    (sweep, records)
}

#[test]
fn tables_of_a_full_sweep() {
    insta::assert_snapshot!(summary(&full()).to_markdown());
}

#[test]
fn lines_of_a_full_sweep() {
    insta::assert_snapshot!(summary(&full()).to_csv());
}

#[test]
fn tables_with_gaps() {
    insta::assert_snapshot!(summary(&with_gaps()).to_markdown());
}

#[test]
fn numbers_with_gaps() {
    insta::assert_snapshot!(summary(&with_gaps()).to_json().unwrap());
}

#[test]
fn lines_with_gaps() {
    insta::assert_snapshot!(summary(&with_gaps()).to_csv());
}

#[test]
fn tables_of_one_run_and_of_names_that_the_paper_has_not() {
    let sweep = sweep(&["paper", "best"], &["mlp-ws", "wide"], 1);
    let records = [
        record("paper", "mlp-ws", 0, (99.9, 84.4)),
        record("paper", "wide", 0, (99.9, 98.2)),
        record("best", "mlp-ws", 0, (99.9, 88.0)),
        record("best", "wide", 0, (99.9, 99.0)),
    ];
    insta::assert_snapshot!(summary(&(sweep, records.to_vec())).to_markdown());
}

/// Other digits are named before anything else, and nothing is said of them that is MNIST's.
#[test]
fn other_digits_are_named_first_and_compared_with_nothing() {
    let (mut sweep, records) = full();
    sweep.settings.data.insert("train-labels-idx1-ubyte".to_owned(), "0".repeat(64));
    let found = summarise(&sweep, None, &records, &Answers::default()).unwrap();
    assert!(found.claims.is_empty() && found.published_claims.is_empty());
    assert!(found.against_tables.is_empty() && found.published_effects.is_empty());
    let text = found.to_markdown();
    let (_, first) = text.split_once("\n\n").unwrap();
    assert!(
        first.starts_with("*These networks were trained on other digits than MNIST*"),
        "{text}"
    );
    for word in ["reproduced", "79.56", "about 55 %", "holds in", "measured once", "very pairs"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    assert!(found.to_json().unwrap().starts_with("{\n  \"format\": 3,\n  \"data\": \"other\""));
    assert!(found.to_csv().lines().skip(1).all(|line| line.starts_with("other,")));
    let names: Vec<String> = found.to_files().unwrap().into_iter().map(|(name, _)| name).collect();
    assert!(!names.iter().any(|name| name.contains("claims")), "{names:?}");
}

/// The thirds and roots of means and deviations among them.
#[test]
fn a_summary_survives_its_json() {
    for sweep in [full(), with_gaps()] {
        let summary = summary(&sweep);
        assert_eq!(Summary::from_json(&summary.to_json().unwrap()).unwrap(), summary);
    }
}

#[test]
fn the_order_of_records_does_not_matter() {
    let (sweep, mut records) = full();
    let forwards = summarise(&sweep, None, &records, &Answers::default()).unwrap();
    records.reverse();
    assert_eq!(forwards, summarise(&sweep, None, &records, &Answers::default()).unwrap());
}

#[test]
fn raw_lines_fit_a_terminal() {
    let text = summary(&full()).to_markdown();
    let longest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
    assert!(longest.chars().count() <= 120, "{longest}");
}

#[test]
fn a_folder_gives_what_its_records_give() {
    let dir = tempfile::tempdir().unwrap();
    let (sweep, records) = with_gaps();
    write_sweep(dir.path(), &sweep).unwrap();
    for record in &records {
        write_record(dir.path(), record).unwrap();
    }
    let report = read_report(dir.path()).unwrap();
    let found = &report.summary;
    assert_eq!(*found, summarise(&sweep, None, &records, &Answers::default()).unwrap());
    write_results(dir.path(), &report).unwrap();
    let written = |name| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let kept = Summary::from_json(&written("results.json")).unwrap();
    assert_eq!(Summary { pictures: vec![], ..kept.clone() }, *found);
    assert_eq!(written("results.md"), kept.to_markdown());
    assert_eq!(written("results.csv"), found.to_csv());
    for picture in &kept.pictures {
        let link = format!("![{}](figures/{}.svg)", picture.title, picture.name);
        assert!(written("results.md").contains(&link), "{link}");
    }
    let mut names: Vec<String> = kept.pictures.iter().map(|p| format!("{}.svg", p.name)).collect();
    names.sort();
    let folder = std::fs::read_dir(dir.path().join("figures")).unwrap();
    let mut there: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    assert_eq!(there, names);
}
