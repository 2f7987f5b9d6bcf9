//! Pictures and the page, as text: what a browser makes of them is `browser.rs`'s affair.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::pictured::{pictured, pictured_folder};
use crate::sweeps::full;
use pairnet_record::write_sweep;
use pairnet_report::{Answers, Report, read_report, summarise};
use roxmltree::{Document, Node};

fn report() -> Report {
    read_report(pictured_folder().path()).unwrap()
}

/// What is written in `text`, an SVG file, in the order of the file.
fn words<'a>(document: &'a Document<'_>) -> Vec<&'a str> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text()).map(str::trim).collect()
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn every_picture_says_what_it_shows() {
    let mut found = String::new();
    for figure in report().figures().unwrap() {
        writeln!(found, "# {}: {}\n{}", figure.name, figure.title, figure.caption).unwrap();
        for panel in &figure.panels {
            writeln!(found, "- {}: {}", panel.title, panel.description).unwrap();
        }
    }
    insta::assert_snapshot!(found);
}

#[test]
fn every_picture_has_its_words() {
    let mut found = String::new();
    for figure in report().figures().unwrap() {
        let svg = figure.to_svg();
        let document = Document::parse(&svg).unwrap();
        writeln!(found, "# {}\n{}", figure.name, words(&document).join(" | ")).unwrap();
    }
    insta::assert_snapshot!(found);
}

/// One whole file, so that a change of what is drawn where is seen.
#[test]
fn a_forest_plot_to_the_last_line() {
    let (sweep, records) = pictured();
    let files = summarise(&sweep, None, &records, &Answers::default()).unwrap().to_files().unwrap();
    let (_, svg) = files.into_iter().find(|(name, _)| name == "figures/text-and-code.svg").unwrap();
    insta::assert_snapshot!(svg);
}

#[test]
fn pictures_are_whole_files_without_holes() {
    for figure in report().figures().unwrap() {
        let (name, svg) = (&figure.name, figure.to_svg());
        let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let root = document.root_element();
        let (width, height) = (number(root, "width"), number(root, "height"));
        assert!(width > 100.0 && height > 100.0, "{name}: {width} {height}");
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name}");
        assert!(!svg.contains("href"), "{name} needs another file");
        // What is said of the picture is there: its title, and a caption that is more than that.
        let part = |tag: &str| root.children().find(|node| node.has_tag_name(tag)).unwrap().text();
        assert_eq!(part("title"), Some(figure.title.as_str()));
        assert!(part("desc").unwrap().len() > figure.caption.len(), "{name}");
    }
}

#[test]
fn both_recipes_networks_and_axes_are_in_place() {
    let figures = report().figures().unwrap();
    let panels = |name: &str| {
        let figure = figures.iter().find(|figure| figure.name == name);
        figure.unwrap_or_else(|| panic!("{name} is missing")).panels.as_slice()
    };
    for (name, count) in [
        ("accuracy", 2),
        ("accuracy-train", 2),
        ("differences", 3),
        ("claims", 3),
        ("text-and-code", 1),
        ("curves-accuracy-paper", 4),
        ("curves-loss-paper", 4),
        ("curves-accuracy-authors", 4),
        ("curves-loss-authors", 4),
        ("networks", 4),
        ("confusion", 1),
        // Of five wrong answers two are about the same images as others.
        ("mistakes", 3),
    ] {
        assert_eq!(panels(name).len(), count, "{name}");
    }
    // Panels of one figure have one size, so that they can be compared: but for networks, which
    // are as high as they are deep, and claims, where the paper has two backbones and this sweep one.
    let alike = |name: &str| !["networks", "claims"].contains(&name);
    for figure in figures.iter().filter(|figure| alike(&figure.name)) {
        let sizes: BTreeSet<String> =
            figure.panels.iter().map(|panel| format!("{:?}", panel.size)).collect();
        assert_eq!(sizes.len(), 1, "{}: {sizes:?}", figure.name);
    }
}

#[test]
fn a_sweep_without_predictions_has_the_other_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let (sweep, records) = full();
    write_sweep(dir.path(), &sweep).unwrap();
    for record in &records {
        pairnet_record::write_record(dir.path(), record).unwrap();
    }
    let report = read_report(dir.path()).unwrap();
    let figures = report.figures().unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(
        names,
        ["effects", "accuracy", "accuracy-train", "differences", "claims", "text-and-code"]
    );
    assert!(report.to_html(&figures).contains("The folder has no predictions"));
}

/// The page without what is drawn, its style and its script: what a reader gets to read.
#[test]
fn a_page_to_the_last_word() {
    let report = report();
    let page = report.to_html(&report.figures().unwrap());
    let without = |page: String, tag: &str| {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        page.split(&open).enumerate().fold(String::new(), |kept, (index, part)| {
            let part = if index == 0 { part } else { part.split_once(&close).unwrap().1 };
            kept + part
        })
    };
    let read = ["style", "script", "svg"].into_iter().fold(page, without);
    insta::assert_snapshot!(read);
}

#[test]
fn a_page_needs_no_other_file() {
    let report = report();
    // A link is followed by a reader; nothing of it is loaded.
    let page =
        report.to_html(&report.figures().unwrap()).replace("<a href=\"https://", "<a href=\"");
    for outside in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn names_cannot_break_out_of_the_page() {
    let (mut sweep, mut records) = full();
    sweep.provenance.machine = "<script>alert(1)</script>".to_owned();
    records.truncate(1);
    let summary = summarise(&sweep, None, &records, &Answers::default()).unwrap();
    let report = Report { sweep, records, summary, predictions: Default::default() };
    let page = report.to_html(&report.figures().unwrap());
    assert!(!page.contains("<script>alert"), "the machine's name is not escaped");
}
