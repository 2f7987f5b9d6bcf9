//! How this workspace's programs speak and end: what is printed and where, logs, signals, exit codes.
//!
//! ```no_run
//! use pairnet_terminal::{end, note, print, start_logs};
//!
//! fn main() -> std::process::ExitCode {
//!     end(start_logs().and_then(|()| {
//!         note("on standard error, and no matter if no one reads it");
//!         print("what was asked for\n")
//!     }))
//! }
//! ```
//!
//! It is for programs. Libraries return what they have to say, and none of them imports this crate.

mod exit;
mod logs;
mod output;
mod signals;

pub use exit::{Exit, ends_with, exit_of};
pub use logs::start_logs;
pub use output::{end, note, print, print_usage};
pub use signals::{Interrupted, Signals};
