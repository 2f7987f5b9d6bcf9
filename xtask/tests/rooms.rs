//! Which crate may know which: the table of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

const SIBLINGS: [&str; 8] = [
    "pairnet-data",
    "pairnet-network",
    "pairnet-ops",
    "pairnet-models",
    "pairnet-record",
    "pairnet-training",
    "pairnet-report",
    "pairnet-study",
];
const CANDLE: [&str; 2] = ["candle-core", "candle-nn"];

/// The workspace's members, as `cargo metadata` tells them.
///
/// <https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format>
fn members() -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array_mut().unwrap();
    packages.drain(..).map(|package| (text(&package["name"]), package)).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Where the manifest of each workspace member is.
fn manifests() -> BTreeMap<String, PathBuf> {
    let manifest = |package: Value| text(&package["manifest_path"]).into();
    members().into_iter().map(|(name, package)| (name, manifest(package))).collect()
}

/// The direct dependencies of every workspace member; development ones do not count.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let direct = |package: Value| {
        let all = package["dependencies"].as_array().unwrap();
        let normal = all.iter().filter(|dependency| dependency["kind"] != "dev");
        normal.map(|dependency| text(&dependency["name"])).collect()
    };
    members().into_iter().map(|(name, package)| (name, direct(package))).collect()
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
        &[
            "pairnet-data",
            "pairnet-training",
            "pairnet-record",
            "pairnet-report",
            "pairnet-study",
            "hf-hub",
        ],
    );
    never("pairnet-training", &["pairnet-report", "pairnet-study", "indicatif"]);
    never(
        "pairnet-study",
        &["pairnet-data", "pairnet-ops", "pairnet-report", CANDLE[0], CANDLE[1]],
    );
    never(
        "pairnet-report",
        &["pairnet-data", "pairnet-models", "pairnet-training", "pairnet-ops", "pairnet-study"],
    );
    never("pairnet-serve", &SIBLINGS);
    never("pairnet-serve", &CANDLE);
    never("pairnet-images", &SIBLINGS);
    never("pairnet-images", &CANDLE);
    never("pairnet-terminal", &SIBLINGS);
    never("pairnet-terminal", &CANDLE);
    for package in SIBLINGS.into_iter().chain(["pairnet-images", "pairnet-serve"]) {
        never(
            package,
            &["clap", "tracing-subscriber", "anyhow", "ask", "xtask", "pairnet-terminal"],
        );
    }
    // What they bring takes long to build, and the main job does not wait for it.
    never("xtask", &["ask", "pairnet-images", "pairnet-serve"]);
    never("ask", &["pairnet-report", "pairnet-study", "xtask"]);
}

/// Every package that cargo builds for `root`, with its features.
fn built_for(root: &str) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(["--no-dedupe", "--format", "{p}|{f}", "--package", root])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages = text.lines().filter_map(|line| line.split_once('|'));
    packages.map(|(package, features)| (package.to_owned(), features.to_owned())).collect()
}

#[test]
fn the_main_job_builds_no_server_and_predict_builds_nothing_again() {
    let (main, ask) = (built_for("xtask"), built_for("ask"));
    for name in ["axum ", "hyper ", "image ", "tokio "] {
        let has = |built: &BTreeMap<String, String>| built.keys().any(|key| key.starts_with(name));
        assert!(has(&ask) && !has(&main), "{name}");
    }
    for (package, features) in &ask {
        // With other features it would be another build, and that of all which stands on it.
        let same = main.get(package).is_none_or(|others| others == features);
        assert!(same, "{package} has the features {features}, for xtask {}", main[package]);
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

/// Lints that a manifest has of its own cannot stand beside the workspace's, so those of the one crate that may
/// have `unsafe` are a copy.
#[test]
fn unsafe_code_is_forbidden_but_in_one_crate() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
    let read = |path: &str| std::fs::read_to_string(format!("{root}{path}")).unwrap();
    let lints = |manifest: &str, table: &str| -> Vec<String> {
        let lines = manifest.lines().skip_while(|line| *line != format!("[{table}]")).skip(1);
        let own = lines.take_while(|line| !line.starts_with('['));
        own.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    };
    let (workspace, ops) = (read("Cargo.toml"), read("crates/ops/Cargo.toml"));
    for table in ["lints.rust", "lints.clippy"] {
        let all = lints(&workspace, &format!("workspace.{table}"));
        let all: Vec<_> = all.iter().map(|lint| lint.replace("\"forbid\"", "\"deny\"")).collect();
        assert!(!all.is_empty());
        assert_eq!(lints(&ops, table), all);
    }
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    for (package, manifest) in manifests() {
        let inherits = lints(&std::fs::read_to_string(manifest).unwrap(), "lints");
        assert_eq!(inherits == ["workspace = true"], package != "pairnet-ops", "{package}");
    }
    for outside in ["examples/Cargo.toml", "xtask/fuzz/Cargo.toml"] {
        assert!(
            lints(&read(outside), "lints.rust").contains(&"unsafe_code = \"forbid\"".to_owned())
        );
    }
}
