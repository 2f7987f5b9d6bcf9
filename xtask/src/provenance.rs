//! Where a sweep's numbers come from: program, revision and machine.

use std::path::Path;
use std::process::Command;

use candle_core::Device;
use pairnet_record::Provenance;

use crate::device::gpu;

pub(crate) fn provenance(workspace: &Path, device: &Device) -> Provenance {
    let revision = git(workspace, &["rev-parse", "HEAD"]);
    let revision = revision.and_then(|output| String::from_utf8(output).ok());
    // Names of changed files, which need not be UTF-8.
    let changes = git(workspace, &["status", "--porcelain"]);
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: revision.map(|revision| revision.trim().to_owned()),
        git_dirty: changes.map(|changes| !changes.is_empty()),
        machine: match gpu(device) {
            Some(gpu) => format!("{gpu}; {}", machine()),
            None => machine(),
        },
    }
}

/// What git prints, or `None` where there is no git or no repository.
fn git(workspace: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("git").arg("-C").arg(workspace).args(arguments).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// Processor, the instruction set that rounds the sums, cores and system.
///
/// One name may stand for processors of several sets, as a virtual machine's does.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (system, processor) = (std::env::consts::OS, processor());
    format!("{processor} ({}), {cores} cores, {system}", pairnet_ops::instructions())
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
