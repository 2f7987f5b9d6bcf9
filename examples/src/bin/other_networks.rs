//! Times training steps of four networks, as a program of one's own that uses `pairnet-ops` would take
//! them: with the system's allocator, and no variable set. `cargo xtask bench --other-networks` runs it beside
//! PyTorch.
//!
//! ```sh
//! cargo run --release --bin other_networks -- mnist functions 32 2 1.5
//! ```
//!
//! Prints the median of a step in milliseconds: of a network (mnist, lenet5, residual, mlp), by candle, by
//! the layers of `pairnet_ops::nn` or by functions, at a size of batch, on so many threads, for so
//! many seconds.

use std::error::Error;
use std::time::Duration;

use pairnet_examples::bench::{NETWORKS, STYLES, steps};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, style, batch, threads, seconds] = &arguments[..] else {
        return Err("NETWORK STYLE BATCH THREADS SECONDS are needed".into());
    };
    if !NETWORKS.contains(&&**network) || !STYLES.contains(&&**style) {
        return Err(format!("networks are {NETWORKS:?}, styles {STYLES:?}").into());
    }
    let time = Duration::from_secs_f64(seconds.parse()?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let batch = batch.parse()?;
    let mut times = pool.install(|| steps(network, style, batch, time))?;
    times.sort_by(f64::total_cmp);
    println!("{}", times[times.len() / 2]);
    Ok(())
}
