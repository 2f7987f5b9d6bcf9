#![doc = include_str!("../README.md")]
#![no_std]

/// 10,000 images of 28×28 bytes: `t10k-images-idx3-ubyte`.
pub static IMAGES: &[u8] = include_bytes!("../t10k-images-idx3-ubyte.gz");

/// 10,000 labels, 0 to 9: `t10k-labels-idx1-ubyte`.
pub static LABELS: &[u8] = include_bytes!("../t10k-labels-idx1-ubyte.gz");
