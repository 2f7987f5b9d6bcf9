//! Folders of digits.

use std::fs;
use std::sync::Once;

use pairnet_data::{Digits, Mnist};

pub const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// A training split of three digits and a test split of two.
pub fn few() -> Mnist {
    Mnist::new(digits(3), digits(2))
}

/// As many as the study's networks are trained on.
pub fn many() -> Mnist {
    Mnist::new(digits(20), digits(20))
}

fn digits(count: usize) -> Digits {
    let images = (0..count * 784).map(|place| (place * 7 % 256) as u8);
    Digits::new(images.collect(), (0..count).map(|place| (place % 10) as u8).collect()).unwrap()
}

/// Reads a folder that has `bytes` in the place of one of its files. What is read is what is written
/// again.
pub fn read(which: u8, bytes: &[u8]) {
    static WRITTEN: Once = Once::new();
    let folder = crate::folder();
    WRITTEN.call_once(|| few().write_idx(folder).unwrap());
    let path = folder.join(FILES[usize::from(which % 4)]);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    if let Ok(digits) = Mnist::from_dir(folder) {
        let again = folder.join("again");
        digits.write_idx(&again).unwrap();
        assert_eq!(Mnist::from_dir(&again).unwrap(), digits);
    }
    fs::write(&path, whole).unwrap();
}
