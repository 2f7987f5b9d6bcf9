//! MNIST from files: the shipped ones, and folders of the user's own.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use pairnet_data::{DataError, Difference, Digits, Identity, Mnist};

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

/// Packs a file with gzip under another name; the plain one stays.
fn pack(folder: &Path, name: &str, packed: &str) {
    let file = fs::File::create(folder.join(packed)).unwrap();
    let mut encoder = GzEncoder::new(file, Compression::fast());
    encoder.write_all(&fs::read(folder.join(name)).unwrap()).unwrap();
    encoder.finish().unwrap();
}

#[test]
fn plain_and_gzip_files_are_the_same() {
    let folder = folder();
    assert_eq!(Mnist::from_dir(folder.path()).unwrap(), small());
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        pack(folder.path(), name, &format!("{name}.gz"));
        // As after `gunzip --keep`.
        assert_eq!(Mnist::from_dir(folder.path()).unwrap(), small());
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_eq!(Mnist::from_dir(folder.path()).unwrap(), small());
}

#[test]
fn other_spellings_are_read() {
    let folder = folder();
    let path = folder.path();
    fs::rename(path.join("train-images-idx3-ubyte"), path.join("train-images.idx3-ubyte")).unwrap();
    // Some archives have a folder of each file's name beside the file.
    fs::create_dir(path.join("train-images-idx3-ubyte")).unwrap();
    fs::rename(path.join("train-labels-idx1-ubyte"), path.join("TRAIN-LABELS-IDX1-UBYTE")).unwrap();
    pack(path, "t10k-images-idx3-ubyte", "test-images.idx3-ubyte.gz");
    fs::remove_file(path.join("t10k-images-idx3-ubyte")).unwrap();
    let read = Mnist::from_dir(path).unwrap();
    assert_eq!(read, small());
    assert_eq!(read.checksums, small().checksums);
}

#[test]
fn two_spellings_that_differ_are_both_named() {
    let folder = folder();
    let path = folder.path();
    pack(path, "t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz");
    let error = change(path, "t10k-labels-idx1-ubyte", |bytes| bytes[8] = 7);
    let both = format!(
        "{0}/t10k-labels-idx1-ubyte and {0}/t10k-labels-idx1-ubyte.gz differ",
        path.display()
    );
    assert!(error.starts_with(&both), "{error}");
    // One that cannot be read may be the one that is meant.
    let error = change(path, "t10k-labels-idx1-ubyte.gz", |bytes| bytes.truncate(20));
    assert!(error.contains("failed to unpack ") && error.contains("ubyte.gz: "), "{error}");
}

#[test]
fn digits_of_ones_own_are_not_mnist() {
    let error = small().verify().unwrap_err();
    assert!(matches!(error, DataError::Checksum { .. }));
    assert!(error.to_string().contains("train-images-idx3-ubyte has SHA-256"), "{error}");
}

#[test]
fn a_missing_file_is_named_with_what_is_there() {
    let folder = folder();
    let path = folder.path();
    fs::remove_file(path.join("t10k-images-idx3-ubyte")).unwrap();
    let error = Mnist::from_dir(path).unwrap_err().to_string();
    let expected = format!(
        "{} has no t10k-images-idx3-ubyte, plain or as t10k-images-idx3-ubyte.gz; it has \
         t10k-labels-idx1-ubyte, train-images-idx3-ubyte, train-labels-idx1-ubyte",
        path.display()
    );
    assert_eq!(error, expected);

    fs::create_dir(path.join("a folder")).unwrap();
    for index in 0..1_000 {
        fs::write(path.join(format!("b{index:03}")), "").unwrap();
    }
    let error = Mnist::from_dir(path).unwrap_err().to_string();
    assert!(error.contains("it has a folder/, b000, b001"), "{error}");
    assert!(error.ends_with("b007, b008 and 994 more"), "{error}");

    let empty = tempfile::tempdir().unwrap();
    let error = Mnist::from_dir(empty.path()).unwrap_err().to_string();
    assert!(error.ends_with("train-images-idx3-ubyte.gz; it is empty"), "{error}");
    let nowhere = empty.path().join("nowhere");
    let error = Mnist::from_dir(&nowhere).unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to read {}: ", nowhere.display())), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let refused = |put: fn(&Path)| {
        let folder = folder();
        let path = folder.path().join("train-labels-idx1-ubyte");
        fs::remove_file(&path).unwrap();
        put(&path);
        Mnist::from_dir(folder.path()).unwrap_err().to_string()
    };
    let error = refused(|path| fs::create_dir(path).unwrap());
    assert!(error.ends_with("train-labels-idx1-ubyte is a folder, a file was expected"), "{error}");
    // Whoever opened it would wait for a writer.
    let pipe = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let device = |path: &Path| symlink("/dev/zero", path).unwrap();
    for error in [refused(pipe), refused(device)] {
        assert!(error.contains("ubyte is a pipe, a socket or a device, a file"), "{error}");
    }
    let error = refused(|path| symlink("nowhere", path).unwrap());
    assert!(error.contains("failed to read ") && error.contains("No such file"), "{error}");
}

/// A folder's name that is not UTF-8 loses nothing in an error, and its files are read.
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_comes_through() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join(OsStr::from_bytes(b"caf\xe9"));
    small().write_idx(&dir).unwrap();
    assert_eq!(Mnist::from_dir(&dir).unwrap(), small());
    let error = change(&dir, "t10k-labels-idx1-ubyte", |bytes| bytes[8] = 10);
    assert!(error.contains(r"caf\xE9/t10k-labels-idx1-ubyte"), "{error}");
}

#[test]
fn too_few_digits_are_told_with_split_and_file() {
    let folder = folder();
    let read = Mnist::from_dir(folder.path()).unwrap();
    read.require_pairs(1, 1).unwrap();
    let images = |file: &str| folder.path().join(file).display().to_string();
    assert_eq!(
        read.require_pairs(2, 2).unwrap_err().to_string(),
        format!("2 pairs need 4 training digits, {} has 3", images("train-images-idx3-ubyte"))
    );
    let more = Mnist::new(Digits::new(vec![0; 784 * 4], vec![0; 4]).unwrap(), read.test);
    assert_eq!(
        more.require_pairs(2, 2).unwrap_err().to_string(),
        "2 pairs need 4 test digits, t10k-images-idx3-ubyte has 2"
    );
    let error = more.require_pairs(usize::MAX, usize::MAX).unwrap_err().to_string();
    assert!(error.contains(" need 36893488147419103230 training digits, "), "{error}");
}

#[test]
fn where_digits_first_differ_is_told() {
    let shipped = Mnist::shipped().unwrap();
    let told = |mnist: &Mnist| mnist.identity().unwrap().to_string();
    assert!(shipped.identity().unwrap().is_shipped());
    assert!(!small().identity().unwrap().is_shipped());

    // Labels and counts are those of another set, and so is a pixel: that comes first.
    let mut other = shipped.clone();
    let mut pixels = shipped.test.images()[..2 * 784].to_vec();
    pixels[784 + 28 * 7 + 6] ^= 1;
    other.test = Digits::new(pixels, vec![0, 0]).unwrap();
    let Identity::Other(difference) = other.identity().unwrap() else { panic!("the same") };
    let pixel = shipped.test.image(1)[28 * 7 + 6];
    let expected = Difference::Pixel {
        file: "t10k-images-idx3-ubyte",
        index: 1,
        row: 7,
        column: 6,
        found: pixel ^ 1,
        shipped: pixel,
    };
    assert_eq!(difference, expected);

    other.test = Digits::new(shipped.test.images()[..2 * 784].to_vec(), vec![7, 3]).unwrap();
    assert_eq!(
        told(&other),
        "other digits: t10k-labels-idx1-ubyte differs from MNIST as shipped, first at label 1 \
         (3 here, 2 there)"
    );
    other.test = Digits::new(shipped.test.images()[..2 * 784].to_vec(), vec![7, 2]).unwrap();
    assert_eq!(
        told(&other),
        "other digits: t10k-images-idx3-ubyte has 2 images, MNIST as shipped has 10000; the first \
         2 are the same"
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
