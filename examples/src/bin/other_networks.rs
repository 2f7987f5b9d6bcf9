//! Times training steps of eight networks, as a program of one's own that uses `pairnet-ops` would take
//! them: with the system's allocator, and no variable set. `cargo xtask bench --other-networks` runs it beside
//! PyTorch.
//!
//! ```sh
//! cargo run --release --bin other_networks -- mnist functions 32 2 1.5
//! ```
//!
//! Prints the median of a step in milliseconds, and by how many MiB the memory of the process grew at most
//! (where the kernel tells): of a network (mnist, lenet5, lenet5-tanh, residual, residual:SIDE, vgg11, vgg11:WIDTH,
//! mobilenet, mobilenet:SIDE, resnext, resnext:SIDE, mlp, mlp:WIDTH), by candle, by the layers of `pairnet_ops::nn` or
//! by functions, at a size of batch, on so many threads, for so many seconds.

use std::error::Error;
use std::time::Duration;

use pairnet_examples::bench::{NETWORKS, Network, STYLES, steps};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, style, batch, threads, seconds] = &arguments[..] else {
        return Err("NETWORK STYLE BATCH THREADS SECONDS are needed".into());
    };
    let network = Network::named(network).ok_or_else(|| format!("networks are {NETWORKS:?}"))?;
    if !STYLES.contains(&&**style) {
        return Err(format!("styles are {STYLES:?}").into());
    }
    let time = Duration::from_secs_f64(seconds.parse()?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let batch = batch.parse()?;
    // What code and threads take is there once a small network has been trained.
    if let Some(small) = Network::named("lenet5") {
        pool.install(|| steps(small, style, 1, Duration::ZERO))?;
    }
    let before = memory("VmRSS");
    let mut times = pool.install(|| steps(network, style, batch, time))?;
    times.sort_by(f64::total_cmp);
    let grown = memory("VmHWM").zip(before).map(|(most, before)| most - before);
    println!("{} {}", times[times.len() / 2], grown.unwrap_or(f64::NAN));
    Ok(())
}

/// What Linux says of this process's memory, in MiB.
fn memory(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
