#![doc = include_str!("../README.md")]
#![no_std]

/// 60,000 images of 28×28 bytes: `train-images-idx3-ubyte`.
pub static IMAGES: &[u8] = include_bytes!("../train-images-idx3-ubyte.gz");

/// 60,000 labels, 0 to 9: `train-labels-idx1-ubyte`.
pub static LABELS: &[u8] = include_bytes!("../train-labels-idx1-ubyte.gz");
