//! MNIST from files: the shipped ones, and folders of the user's own.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use pairnet_data::{DataError, Digits, Mnist};

/// Three training digits and two test digits.
fn small() -> Mnist {
    let digits = |labels: &[u8]| {
        let pixels = (0..labels.len() * 784).map(|index| (index % 251) as u8).collect();
        Digits::new(pixels, labels.to_vec()).unwrap()
    };
    Mnist::new(digits(&[5, 0, 9]), digits(&[1, 2]))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small().write_idx(folder.path()).unwrap();
    folder
}

fn change(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let path = folder.join(name);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    Mnist::from_dir(folder).unwrap_err().to_string()
}

/// SHA-256 of the uncompressed files, whose MD5 sums have been published with MNIST for years.
#[test]
fn the_shipped_files_are_mnist() {
    let mnist = Mnist::shipped().unwrap();
    assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
    let checksums: Vec<(&str, &str)> =
        mnist.checksums.iter().map(|(file, sum)| (file.as_str(), sum.as_str())).collect();
    assert_eq!(
        checksums,
        [
            (
                "t10k-images-idx3-ubyte",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            (
                "t10k-labels-idx1-ubyte",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
            (
                "train-images-idx3-ubyte",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            (
                "train-labels-idx1-ubyte",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
        ]
    );
    assert_eq!(mnist.train.labels()[..5], [5, 0, 4, 1, 9]);
}

#[test]
fn plain_and_gzip_files_are_the_same() {
    let folder = folder();
    assert_eq!(Mnist::from_dir(folder.path()).unwrap(), small());
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        let plain = folder.path().join(name);
        let packed = fs::File::create(folder.path().join(format!("{name}.gz"))).unwrap();
        let mut encoder = GzEncoder::new(packed, Compression::fast());
        encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
        encoder.finish().unwrap();
        fs::remove_file(plain).unwrap();
    }
    assert_eq!(Mnist::from_dir(folder.path()).unwrap(), small());
}

#[test]
fn digits_of_ones_own_are_not_mnist() {
    let error = small().verify().unwrap_err();
    assert!(matches!(error, DataError::Checksum { .. }));
    assert!(error.to_string().contains("train-images-idx3-ubyte has SHA-256"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder();
    fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
    let error = Mnist::from_dir(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz"),
        "{error}"
    );
}

#[test]
fn wrong_contents_name_the_file_and_both_values() {
    let wrong = |name: &str, edit: fn(&mut Vec<u8>)| {
        let folder = folder();
        change(folder.path(), name, edit)
    };
    let error = wrong("train-labels-idx1-ubyte", |bytes| bytes[10] = 10);
    assert!(
        error.ends_with("train-labels-idx1-ubyte: label 2 is 10, a digit from 0 to 9 was expected"),
        "{error}"
    );
    let error = wrong("train-labels-idx1-ubyte", |bytes| {
        bytes.pop();
        bytes[7] = 2;
    });
    assert!(error.starts_with("3 images and 2 labels in "), "{error}");
    let error = wrong("t10k-images-idx3-ubyte", |bytes| bytes.truncate(1_000));
    assert!(error.contains("1000 bytes, 1584 were expected"), "{error}");
    let error = wrong("t10k-labels-idx1-ubyte", Vec::clear);
    assert!(error.contains("t10k-labels-idx1-ubyte has 0 bytes, 8 were expected"), "{error}");
}
