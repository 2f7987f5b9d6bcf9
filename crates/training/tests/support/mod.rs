//! Where the tests compute.

use std::sync::OnceLock;

use candle_core::Device;

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
