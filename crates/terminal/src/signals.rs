//! Ctrl-C, and what else asks a program to end.
//!
//! What is in hand is left whole, and then the program ends by the signal that it got: so whoever
//! started it, a shell's loop say, knows of it and ends too.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};
#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};

#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Signals that are waited for while there is work that has to be left whole.
///
/// The first one sets a flag that the work looks at; a second one ends the program at once.
pub struct Signals {
    stop: Arc<AtomicBool>,
    /// 0 until there is one.
    received: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to wait.
    ///
    /// # Errors
    ///
    /// Where the system refuses.
    pub fn listen() -> Result<Self> {
        let signals = Self { stop: Arc::default(), received: Arc::default() };
        let register = |signal: i32| {
            let Self { stop, received } = &signals;
            // In this order: a second signal finds the flag set, and whoever sees it finds the signal.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(stop))?;
            signal_hook::flag::register_usize(signal, Arc::clone(received), signal as usize)?;
            signal_hook::flag::register(signal, Arc::clone(stop))
        };
        for signal in SIGNALS.into_iter().filter(|&signal| !ignored(signal)) {
            register(signal).context("failed to listen for Ctrl-C")?;
        }
        Ok(signals)
    }

    /// The flag, which an error may set too.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// The work is done or left: from now on a signal ends the program at once. Is the one that has
    /// come before.
    pub fn end(self) -> Option<i32> {
        self.stop.store(true, Ordering::SeqCst);
        let signal = self.received.load(Ordering::SeqCst) as i32;
        (signal != 0).then_some(signal)
    }
}

/// Whether whoever started the program wants it to live through `signal`: `nohup` does, and so does
/// a shell script for what it starts in the background. Only Linux tells.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Work that ended because of a signal.
#[derive(Debug)]
pub struct Interrupted {
    /// Its number.
    pub signal: i32,
    /// What is left of it, for whoever watches.
    pub told: String,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.told)
    }
}

impl std::error::Error for Interrupted {}

impl Interrupted {
    /// Ends the program by the signal; there is a code where that is not possible.
    pub(crate) fn end_program(&self) -> ExitCode {
        crate::output::note(self);
        // The first process of a container ends by no signal that it has not asked for: the code is what
        // a shell would tell of it.
        if std::process::id() == 1 {
            return ExitCode::from(128 + self.signal as u8);
        }
        // Ends by an abort where the signal does not end it, and fails only for one that it does not
        // know.
        let _ = signal_hook::low_level::emulate_default_handler(self.signal);
        ExitCode::FAILURE
    }
}
