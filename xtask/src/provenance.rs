//! Where a sweep's numbers come from: program, revision and machine.

use std::path::Path;
use std::process::Command;

use candle_core::Device;
use pairnet_record::Provenance;

use crate::device::gpu;

pub(crate) fn provenance(workspace: &Path, device: &Device) -> Provenance {
    let status = git(workspace, &["status", "--porcelain"]);
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: git(workspace, &["rev-parse", "HEAD"]),
        git_dirty: status.map(|status| !status.is_empty()),
        machine: match gpu(device) {
            Some(gpu) => format!("{gpu}; {}", machine()),
            None => machine(),
        },
    }
}

/// What git prints, or `None` where there is no git or no repository.
fn git(workspace: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(workspace).args(arguments).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim().to_owned())
}

/// Processor, cores and system.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (system, processor) = (std::env::consts::OS, processor());
    format!("{processor}, {cores} cores, {system}")
}

/// The processor's name where Linux tells it, else its architecture.
fn processor() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
