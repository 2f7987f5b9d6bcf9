//! How runs are computed.

use candle_core::Device;
use pairnet_models::Kernels;
use pairnet_record::Provenance;

/// How runs are computed. It changes no number but for rounding.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where tensors live.
    pub device: Device,
    /// Which ops compute.
    pub kernels: Kernels,
    /// Whether the test accuracy is recorded after every epoch too; it costs time.
    pub test_every_epoch: bool,
    /// The program, where a sweep keeps each trained network beside its record ([`crate::keep()`]).
    pub keep: Option<Provenance>,
}
