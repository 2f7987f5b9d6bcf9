//! The device that tensors live on.

use anyhow::Result;
use candle_core::Device;
use clap::ValueEnum;

/// As it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceName {
    /// The processor.
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

impl DeviceName {
    pub(crate) fn open(self) -> Result<Device> {
        match self {
            DeviceName::Cpu => Ok(Device::Cpu),
            DeviceName::Cuda => open_cuda(),
        }
    }
}

#[cfg(feature = "cuda")]
fn open_cuda() -> Result<Device> {
    use anyhow::Context;
    Device::new_cuda(0).context(
        "there is no usable NVIDIA GPU: --device cuda needs one, with its driver; --device cpu does not",
    )
}

/// The GPU's name, where `device` is one and tells it.
#[cfg(feature = "cuda")]
pub(crate) fn gpu(device: &Device) -> Option<String> {
    device.as_cuda_device().ok()?.cuda_stream().context().name().ok()
}

#[cfg(not(feature = "cuda"))]
pub(crate) fn gpu(_device: &Device) -> Option<String> {
    None
}

#[cfg(not(feature = "cuda"))]
fn open_cuda() -> Result<Device> {
    anyhow::bail!(
        "this build cannot use a GPU: --device cuda needs the feature 'cuda' and the CUDA compiler. Type\n  \
         cargo run --release --package xtask --features cuda -- reproduce --device cuda"
    )
}
