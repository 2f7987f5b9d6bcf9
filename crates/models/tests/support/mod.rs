//! Where the tests compute, and of what.

use std::sync::OnceLock;

use candle_core::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The CPU, or the first NVIDIA GPU where `PAIRNET_TEST_DEVICE` is `cuda`; the same one at every
/// call.
pub(crate) fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| match std::env::var("PAIRNET_TEST_DEVICE").as_deref() {
        Err(_) | Ok("cpu") => Device::Cpu,
        Ok("cuda") => Device::new_cuda(0).expect("a GPU, and a build with the feature 'cuda'"),
        Ok(other) => panic!("PAIRNET_TEST_DEVICE is '{other}', not 'cpu' or 'cuda'"),
    })
}

/// Pairs of digits, (pairs, 2, 14, 14): noise, the same at every call.
pub(crate) fn images(pairs: usize) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let pixels: Vec<f32> = (0..pairs * 392).map(|_| (rng.next_u32() >> 24) as f32).collect();
    Tensor::from_vec(pixels, (pairs, 2, 14, 14), device()).unwrap()
}
