//! The promises of `docs/reliability.md` are kept by tests that are there.

use std::fs;

#[test]
fn each_promise_has_its_test() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
    let docs = fs::read_to_string(format!("{root}docs/reliability.md")).unwrap();
    let (promised, _) = docs.split_once("## What is not promised").unwrap();
    let promises: Vec<&str> = promised.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(promises.len() > 20, "{promises:?}");
    for promise in promises {
        let parts: Vec<&str> = promise.rsplitn(5, '`').collect();
        let [_, name, _, file, _] = parts[..] else { panic!("{promise}: no file and test") };
        let text = fs::read_to_string(format!("{root}{file}"))
            .unwrap_or_else(|error| panic!("{promise}: {file}: {error}"));
        let function = format!("fn {name}(");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let place = lines.iter().position(|line| line.starts_with(&function));
        let place = place.unwrap_or_else(|| panic!("{promise}: {file} has no {name}"));
        let attributes = lines[..place].iter().rev().take_while(|line| line.starts_with("#["));
        let attributes: Vec<_> = attributes.collect();
        // In a macro, as `proptest!`, too; and not one that is left out.
        assert!(attributes.contains(&&"#[test]"), "{promise}: {name} is no test");
        assert!(attributes.iter().all(|line| !line.starts_with("#[ignore")), "{promise}: ignored");
    }
}
