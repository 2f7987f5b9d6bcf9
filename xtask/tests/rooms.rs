//! Which crate may know which: the table of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

const SIBLINGS: [&str; 7] = [
    "pairnet-data",
    "pairnet-network",
    "pairnet-ops",
    "pairnet-models",
    "pairnet-record",
    "pairnet-training",
    "pairnet-report",
];
const CANDLE: [&str; 2] = ["candle-core", "candle-nn"];

/// The direct dependencies of every workspace member; development ones do not count.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let direct = |package: &cargo_metadata::Package| {
        let normal = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
        normal.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), direct(package))).collect()
}

#[test]
fn no_crate_knows_what_it_must_not() {
    let dependencies = dependencies();
    let never = |package: &str, forbidden: &[&str]| {
        let known = &dependencies[package];
        for name in forbidden.iter().filter(|&&name| name != package) {
            assert!(!known.contains(*name), "{package} imports {name}");
        }
    };
    for package in ["pairnet-data", "pairnet-network", "pairnet-ops"] {
        never(package, &SIBLINGS);
    }
    // What a network is made of is in its settings and in its records: all that it knows.
    never(
        "pairnet-record",
        &SIBLINGS.map(|name| if name == "pairnet-network" { "" } else { name }),
    );
    for package in ["pairnet-data", "pairnet-network", "pairnet-record", "pairnet-report"] {
        never(package, &CANDLE);
    }
    never("pairnet-network", &["serde_json", "toml", "rayon"]);
    never(
        "pairnet-models",
        &["pairnet-data", "pairnet-training", "pairnet-record", "pairnet-report", "hf-hub"],
    );
    never("pairnet-training", &["pairnet-report", "indicatif"]);
    never("pairnet-report", &["pairnet-data", "pairnet-models", "pairnet-training", "pairnet-ops"]);
    never("pairnet-serve", &SIBLINGS);
    never("pairnet-serve", &CANDLE);
    never("pairnet-serve", &["clap", "tracing-subscriber", "anyhow", "xtask"]);
    for package in SIBLINGS {
        never(package, &["clap", "tracing-subscriber", "anyhow", "xtask"]);
    }
}

#[test]
fn networks_touch_files_in_one_place() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/models/src");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let may = path.file_name().is_some_and(|name| name == "checkpoint.rs");
        assert_eq!(
            text.contains("std::fs") || text.contains("tempfile"),
            may,
            "{}",
            path.display()
        );
    }
}
