//! Pictures and test pairs shown to networks.

use std::fs;
use std::path::{Path, PathBuf};

use image::GrayImage;
use pairnet_data::Mnist;
use pairnet_training::{Kept, fresh_pairs};

use super::pictures::{drawn, three_and_seven};
use super::{err, out, predict, prediction};

/// A 3 and a 7 in files of `folder`.
fn pictures(folder: &Path, scale: u32, dark_on_light: bool) -> [PathBuf; 2] {
    let digits = Mnist::shipped().unwrap().test;
    let mut paths = [folder.join("three.png"), folder.join("seven.png")];
    for (path, index) in paths.iter_mut().zip(three_and_seven(&digits)) {
        drawn(&digits, index, scale, dark_on_light).save(path).unwrap();
    }
    paths
}

#[test]
fn digits_are_named_and_compared_however_they_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for (scale, dark_on_light) in [(1, false), (8, true), (30, false)] {
        let [three, seven] = pictures(folder.path(), scale, dark_on_light);
        let output = predict(&[&three, &seven]);
        assert!(output.status.success(), "{}", err(&output));
        let told = out(&output);
        assert!(told.starts_with("lenet5-ws-al: recipe paper, seed 0, run 0, "), "{told}");
        assert!(told.contains(": first <= second\n"), "{told}");
        let named: Vec<_> = told.lines().map(|line| line.split(' ').next_back()).collect();
        assert_eq!(named[3..], [Some("3"), Some("7")], "{told}");
        assert!(out(&predict(&[&seven, &three])).contains(": first > second\n"), "{told}");
    }
}

#[test]
fn json_has_what_the_text_has() {
    let folder = tempfile::tempdir().unwrap();
    let [three, seven] = pictures(folder.path(), 8, true);
    let seen = prediction(&[&seven, &three]);
    assert_eq!(seen["network"], "lenet5-ws-al");
    assert_eq!(seen["known"]["recipe"], "paper");
    assert_eq!(seen["pictures"][0], seven.display().to_string());
    assert_eq!(seen["named"], serde_json::json!([7, 3]));
    assert_eq!(seen["holds"], false);
    assert!(seen["probability"].as_f64().unwrap() < 0.5);
    for digit in seen["digits"].as_array().unwrap() {
        let sum: f64 = digit.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{digit}");
    }
    assert!(seen["test_pair"].is_null());
}

#[test]
fn a_test_pair_is_told_with_what_it_shows() {
    let data = Mnist::shipped().unwrap();
    let pairs = fresh_pairs(&data, 5000, 0).unwrap();
    for (index, classes) in pairs.classes().as_chunks::<2>().0.iter().enumerate().step_by(1250) {
        let output = predict(&["--test-pair".to_owned(), index.to_string()]);
        let shows = format!("test pair {index} shows {} and {}: ", classes[0], classes[1]);
        assert!(out(&output).contains(&shows), "{}{}", out(&output), err(&output));
        let seen = prediction(&["--test-pair".to_owned(), index.to_string()]);
        assert_eq!(seen["test_pair"]["classes"], serde_json::json!(classes));
        assert_eq!(seen["test_pair"]["holds"], classes[0] <= classes[1]);
    }
}

#[test]
fn every_shipped_network_is_known_by_its_name() {
    for name in pairnet_models::names() {
        let seen = prediction(&[name, "--test-pair", "0"]);
        assert_eq!(seen["network"], name);
        assert_eq!(seen["digits"].is_null(), !name.ends_with("al"), "{name}");
        let file = seen["file"].as_str().unwrap();
        // The same file by its path.
        assert_eq!(prediction(&[file, "--test-pair", "0"]), seen);
    }
}

/// Each ends with 1 and one line that names the file; nothing is printed in the place of an answer.
#[test]
fn bad_pictures_end_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let [three, _] = pictures(folder.path(), 4, true);
    let bad = folder.path().join("bad.png");
    let whole = fs::read(&three).unwrap();
    let png = |picture: GrayImage| {
        picture.save(&bad).unwrap();
        fs::read(&bad).unwrap()
    };
    let blank = png(GrayImage::new(50, 50));
    let (small, wide) = (png(GrayImage::new(1, 1)), png(GrayImage::new(50_000, 1)));
    for (bytes, told) in [
        (None, "No such file"),
        (Some(&b""[..]), "it is empty"),
        (Some(b"no picture"), "it is no picture that can be read"),
        (Some(&whole[..whole.len() / 2]), "it is damaged"),
        (Some(&blank), "nothing is drawn on it"),
        (Some(&small), "nothing is drawn on it"),
        (Some(&wide), "it has 50000×1 pixels; at most 20000"),
    ] {
        let _ = fs::remove_file(&bad);
        if let Some(bytes) = bytes {
            fs::write(&bad, bytes).unwrap();
        }
        for (first, second) in [(&bad, &three), (&three, &bad)] {
            let output = predict(&[first, second]);
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert_eq!(out(&output), "", "{told}");
            let begin = format!("error: {}: {told}", bad.display());
            assert!(err(&output).starts_with(&begin), "{begin}: {}", err(&output));
            assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
        }
    }
}

#[test]
fn what_is_no_network_ends_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let [three, seven] = pictures(folder.path(), 4, true);
    for (network, told) in [
        (Path::new("lenet6"), "failed to read lenet6: No such file"),
        (&three, "three.png holds no network: not a whole safetensors file"),
    ] {
        let output = predict(&[network, &three, &seven]);
        assert_eq!((output.status.code(), &*out(&output)), (Some(1), ""));
        assert!(err(&output).contains(told), "{}", err(&output));
        assert!(err(&output).contains("train --save"), "{}", err(&output));
    }
    // One whose last number was changed.
    let network = folder.path().join("changed.safetensors");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/networks/mlp.safetensors");
    let kept = Kept::load(Path::new(shipped)).unwrap();
    let mut bytes = kept.trained.network.to_safetensors(&kept.known).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&network, bytes).unwrap();
    let output = predict(&[&network, &three, &seven]);
    assert_eq!((output.status.code(), &*out(&output)), (Some(1), ""));
    let told = "changed.safetensors holds no network: it was changed since it was written";
    assert!(err(&output).contains(told), "{}", err(&output));
}

#[test]
fn wrong_arguments_exit_with_two_and_say_what_is_needed() {
    for (arguments, told) in [
        (&[][..], "either two pictures or --test-pair"),
        (&["one.png"], "either two pictures or --test-pair"),
        (&["mlp", "a.png", "b.png", "c.png"], "FILE"),
        (&["mlp", "a.png", "--test-pair", "0"], "either two pictures or --test-pair"),
        (&["--test-pair", "5000"], "0..5000"),
        (&["--test-pair", "first"], "--test-pair"),
    ] {
        let output = predict(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(told), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains("--help"), "{arguments:?}: {}", err(&output));
    }
}
