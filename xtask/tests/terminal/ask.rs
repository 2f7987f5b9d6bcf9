//! What is handed over to the program `ask`, by a cargo that says what it was given.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use super::{err, out, xtask};

/// What `cargo xtask ARGUMENTS` gives where cargo is a script that ends with `last`.
fn handed_over(arguments: &[&OsStr], last: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    fs::write(&cargo, format!("#!/bin/sh\nprintf '%s\\n' \"$@\"\n{last}\n")).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    xtask().args(arguments).env("CARGO", &cargo).output().unwrap()
}

#[test]
fn every_argument_reaches_the_other_program_as_it_was_typed() {
    let odd = OsStr::from_bytes(b"a \xff.png");
    for arguments in [
        &["predict", "mlp", "--json"].map(OsStr::new)[..],
        &["predict", "--help"].map(OsStr::new),
        &["predict", "--test-pair", "3"].map(OsStr::new),
        &[OsStr::new("predict"), OsStr::new("--"), odd, OsStr::new("-b.png")],
        &["serve"].map(OsStr::new),
        &["serve", "-h", "--port=0"].map(OsStr::new),
    ] {
        let output = handed_over(arguments, "exit 0");
        assert!(output.status.success(), "{}", err(&output));
        let mut expected = b"--package\nask\n".to_vec();
        assert!(output.stdout.windows(expected.len()).any(|window| window == expected));
        expected = b"--\n".to_vec();
        for argument in arguments {
            expected.extend(argument.as_bytes());
            expected.push(b'\n');
        }
        assert!(output.stdout.ends_with(&expected), "{}", output.stdout.escape_ascii());
    }
}

#[test]
fn its_end_is_the_end_of_the_other_program() {
    assert_eq!(handed_over(&["serve"].map(OsStr::new), "exit 7").status.code(), Some(7));
    assert_eq!(handed_over(&["serve"].map(OsStr::new), "kill -TERM $$").status.signal(), Some(15));
}

#[test]
fn without_cargo_it_says_what_to_type() {
    for command in ["predict", "serve"] {
        let output = xtask().arg(command).output().unwrap();
        assert_eq!((output.status.code(), &*out(&output)), (Some(1), ""));
        assert!(err(&output).contains("type `cargo xtask"), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
    }
}
