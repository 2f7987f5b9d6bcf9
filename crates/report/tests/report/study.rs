//! The report of a study, as text.

use std::fmt::Write as _;

use crate::studies::{Asked, far_apart, names, one_axis, two_axes, with_predictions};
use crate::sweeps::{failed, of, record, sweep};
use pairnet_record::Study;
use pairnet_report::{Answers, Comparison, Summary, read_report, summarise, write_results};
use roxmltree::Document;

fn summary(Asked { study, sweep, records }: &Asked) -> Summary {
    summarise(sweep, Some(study), records, &Answers::default()).unwrap()
}

#[test]
fn tables_of_one_axis_with_runs_that_failed_or_are_missing() {
    insta::assert_snapshot!(summary(&one_axis()).to_markdown());
}

#[test]
fn tables_of_two_axes() {
    insta::assert_snapshot!(summary(&two_axes()).to_markdown());
}

#[test]
fn tables_of_names_and_networks_of_ones_own() {
    insta::assert_snapshot!(summary(&names()).to_markdown());
}

#[test]
fn lines_have_the_axes_and_the_differences() {
    insta::assert_snapshot!(summary(&one_axis()).to_csv());
}

#[test]
fn every_picture_of_a_study_says_what_it_shows() {
    let mut found = String::new();
    for (name, asked) in [
        ("one axis", one_axis()),
        ("far apart", far_apart()),
        ("two axes", two_axes()),
        ("names", names()),
    ] {
        writeln!(found, "== {name}").unwrap();
        for figure in read_report(asked.folder().path()).unwrap().figures().unwrap() {
            writeln!(found, "# {}: {}\n{}", figure.name, figure.title, figure.caption).unwrap();
            for panel in &figure.panels {
                writeln!(found, "- {}: {}", panel.title, panel.description).unwrap();
            }
            let svg = figure.to_svg();
            Document::parse(&svg).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", figure.name);
        }
    }
    insta::assert_snapshot!(found);
}

#[test]
fn a_study_survives_its_json_and_follows_from_it() {
    for asked in [one_axis(), far_apart(), two_axes(), names()] {
        let dir = asked.folder();
        write_results(dir.path(), &read_report(dir.path()).unwrap()).unwrap();
        let written = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let kept = Summary::from_json(&written("results.json")).unwrap();
        assert_eq!(kept.study.as_ref(), Some(&asked.study));
        for (name, text) in kept.to_files().unwrap() {
            assert_eq!(written(&name), text, "{name}");
        }
        assert!(kept.to_markdown().lines().all(|line| line.chars().count() <= 120));
    }
}

/// Each mean of differences between runs of one number, and all in one family.
#[test]
fn cells_with_common_random_numbers_are_paired() {
    let asked = two_axes();
    let found = summary(&asked);
    assert_eq!(found.differences.len(), 6 * 2);
    let tests = found.differences.iter().filter(|difference| difference.p.is_some()).count() as f64;
    let smallest = found.differences.iter().filter_map(|difference| difference.p).reduce(f64::min);
    for difference in &found.differences {
        assert_eq!((difference.comparison, difference.runs), (Comparison::Paired, 6));
        let of = |cell: &pairnet_report::Cell| {
            &found.entry(&cell.recipe, &cell.network).unwrap().test.statistics.values
        };
        let values = of(&difference.of).iter().zip(of(&difference.from)).map(|(a, b)| a - b);
        let mean = values.sum::<f64>() / 6.0;
        assert!((difference.value.unwrap() - mean).abs() < 1e-9, "{difference:?}");
        if difference.p == smallest {
            let adjusted = (tests * smallest.unwrap()).min(1.0);
            assert!((difference.p_holm.unwrap() - adjusted).abs() < 1e-9, "{difference:?}");
        }
    }
}

#[test]
fn cells_with_random_numbers_of_their_own_are_not_paired() {
    let found = summary(&names());
    // Two cells on four networks, and three networks and a pair of them in three cells.
    assert_eq!(found.differences.len(), 2 * 4 + 3 * 3 + 3);
    for difference in &found.differences {
        // Within a cell, runs of one number have the same pairs all the same.
        let expected = if difference.of.recipe == difference.from.recipe {
            Comparison::Paired
        } else {
            Comparison::Welch
        };
        assert_eq!(difference.comparison, expected, "{difference:?}");
    }
    // The networks are told by what they are, whatever they are called.
    assert_eq!(found.effects.len(), 3 * 7);
    assert!(found.effects.iter().all(|effect| effect.backbone == "one branch"));
}

#[test]
fn published_numbers_stand_beside_the_papers_cell_alone() {
    let found = summary(&one_axis());
    for entry in &found.entries {
        let published = entry.recipe == "paper";
        assert_eq!(entry.test.published.is_some(), published, "{} {}", entry.recipe, entry.variant);
    }
    assert!(found.claims.is_empty() && found.against_tables.is_empty());
    let text = found.to_markdown();
    assert!(text.contains("95.09 ± 0.756"), "{text}");
    assert!(!summary(&names()).to_markdown().contains("ublished"));
}

#[test]
fn a_study_of_what_its_sweep_has_not_is_refused() {
    let asked = names();
    let refusal = |change: fn(&mut Study)| {
        let mut study = asked.study.clone();
        change(&mut study);
        let found = summarise(&asked.sweep, Some(&study), &asked.records, &Answers::default());
        found.unwrap_err().to_string()
    };
    assert_eq!(
        refusal(|study| study.base = "papers".to_owned()),
        "the study names the base 'papers', which its sweep has not; it has paper, softmax-twice, long"
    );
    let message = refusal(|study| study.base_network = Some("mlp".to_owned()));
    assert!(
        message.contains("base network 'mlp'") && message.ends_with("shared-digits"),
        "{message}"
    );
    let message = refusal(|study| study.contrasts[1][0] = "z".to_owned());
    assert!(message.contains("network of a comparison 'z'"), "{message}");
    let message = refusal(|study| study.references[0].cell = "x".to_owned());
    assert!(message.contains("cell of a reference 'x'"), "{message}");
    let message = refusal(|study| study.references[1].network = "y".to_owned());
    assert!(message.contains("network of a reference 'y'"), "{message}");
}

/// Records of one's own, of which the paper knows nothing and nobody has asked anything.
#[test]
fn recipes_that_the_paper_has_not_are_compared_with_the_first() {
    let asked = sweep(&["small", "large"], &["ridge"], 3);
    let records = ["small", "large"].into_iter().enumerate().flat_map(|(row, recipe)| {
        (0..3).map(move |run| record(recipe, "ridge", run, (99.0, 80.0 + (2 * row + run) as f64)))
    });
    let records = of(&asked, records.collect());
    let found = summarise(&asked, None, &records, &Answers::default()).unwrap();
    assert_eq!(found.differences[0].value, Some(2.0));
    let text = found.to_markdown();
    assert!(text.starts_with("# What the runs say\n"), "{text}");
    for word in ["Jaleh", "ublished", "LeNet", "`paper`", "recipe"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

/// What differs does not reach the network: no test, and no part of the family.
#[test]
fn runs_that_are_the_same_are_not_tested() {
    let mut asked = one_axis();
    let of_paper: Vec<_> = asked.records.iter().filter(|r| r.recipe == "paper").cloned().collect();
    for record in asked.records.iter_mut().filter(|record| record.variant == "lenet5-ws") {
        let same = of_paper.iter().find(|r| (&r.variant, r.run) == (&record.variant, record.run));
        if record.failure.is_none() {
            record.test_accuracy = same.unwrap().test_accuracy;
        }
    }
    let found = summary(&asked);
    let own = found.differences.iter().filter(|one| one.of.network == "lenet5-ws" && one.runs > 0);
    assert_eq!(own.clone().count(), 3);
    assert!(own.clone().all(|one| one.same && one.value == Some(0.0) && one.p.is_none()));
    let text = found.to_markdown();
    assert!(text.contains("0, all runs the same"), "{text}");
    assert!(text.contains("3 others are 0 in every run"), "{text}");
}

/// One run has no interval, one cell no comparison, and runs that all failed no number; yet each has its
/// report.
#[test]
fn studies_of_next_to_nothing_have_a_report() {
    let one_run = {
        let mut asked = two_axes();
        asked.sweep.settings.runs = 1;
        asked.records.retain(|record| record.run == 0);
        asked
    };
    let one_cell = {
        let mut asked = names();
        asked.sweep.settings.recipes.truncate(1);
        asked.records.retain(|record| record.recipe == "paper");
        asked
    };
    let nothing = {
        let mut asked = names();
        let all = asked.records.drain(..).map(failed).collect();
        asked.records = all;
        asked
    };
    for (asked, told) in [
        (one_run, "No difference from the cell `paper` could be tested"),
        (one_cell, "All 3 differences from the network `apart` are told apart from 0"),
        (nothing, "all failed"),
    ] {
        let dir = asked.folder();
        let report = read_report(dir.path()).unwrap();
        write_results(dir.path(), &report).unwrap();
        let text = report.summary.to_markdown();
        assert!(text.contains(told), "{text}");
        for figure in report.figures().unwrap() {
            assert!(!figure.to_svg().contains("NaN"), "{}", figure.name);
        }
    }
}

/// What the runs answered to each pair is there as in every report, and the paper's words are not.
#[test]
fn predictions_give_a_study_what_they_give_the_paper() {
    let text = read_report(with_predictions().path()).unwrap().summary.to_markdown();
    assert!(text.contains("## What do the intervals cover?"), "{text}");
    for word in ["Do the paper's claims hold?", "reproduced", "How to cite", "measured once"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}
