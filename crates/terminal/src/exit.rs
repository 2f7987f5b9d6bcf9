//! Exit codes, which tell a scheduler whether to start a program again.

use std::fmt;
use std::io;
use std::process::ExitCode;

use anyhow::Error;

/// How a program ends that has not done its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 1: refused, or failed; the same again ends the same.
    Failed,
    /// 2: the arguments are not understood.
    Usage,
    /// 3: all that was there is done, and something is missing.
    Incomplete,
    /// 75, `EX_TEMPFAIL` of `sysexits.h`: the same again, later or elsewhere, can end otherwise.
    TryAgain,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
            Exit::TryAgain => 75,
        })
    }
}

/// An error that says how the program ends.
#[derive(Debug)]
struct Ending {
    exit: Exit,
    error: Error,
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, formatter)
    }
}

impl std::error::Error for Ending {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// `error`, by which the program is to end with `exit`.
///
/// ```
/// use pairnet_terminal::{Exit, ends_with, exit_of};
///
/// let busy = ends_with(Exit::TryAgain, anyhow::anyhow!("another is at it"));
/// assert_eq!(exit_of(&busy), Exit::TryAgain);
/// ```
pub fn ends_with(exit: Exit, error: impl Into<Error>) -> Error {
    Ending { exit, error: error.into() }.into()
}

/// How a program ends by `error`: as that says ([`ends_with`]), else by what the system told.
///
/// ```
/// use std::io::ErrorKind;
/// use pairnet_terminal::{Exit, exit_of};
///
/// let full: std::io::Error = ErrorKind::StorageFull.into();
/// assert_eq!(exit_of(&full.into()), Exit::TryAgain);
/// assert_eq!(exit_of(&anyhow::anyhow!("broken")), Exit::Failed);
/// ```
pub fn exit_of(error: &Error) -> Exit {
    if let Some(Ending { exit, .. }) = error.downcast_ref() {
        return *exit;
    }
    let passing = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| is_passing(error.kind()))
    };
    if error.chain().any(passing) { Exit::TryAgain } else { Exit::Failed }
}

/// What a system tells that may be otherwise a while later, or on another machine.
fn is_passing(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        HostUnreachable, NetworkDown, NetworkUnreachable, OutOfMemory, QuotaExceeded, ResourceBusy,
        StaleNetworkFileHandle, StorageFull, TimedOut, WouldBlock,
    };
    matches!(
        kind,
        StorageFull
            | QuotaExceeded
            | OutOfMemory
            | ResourceBusy
            | StaleNetworkFileHandle
            | TimedOut
            | NetworkDown
            | NetworkUnreachable
            | HostUnreachable
            // EAGAIN: no thread could be begun.
            | WouldBlock
    )
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_passes_is_worth_another_try() {
        let error = |code: i32| -> Error {
            let failed: Result<(), _> = Err(io::Error::from_raw_os_error(code));
            failed.context("failed to write").unwrap_err()
        };
        // ENOSPC, EDQUOT, ESTALE, ENOMEM, EAGAIN; EACCES, EROFS, ENOENT: Linux's numbers.
        if cfg!(target_os = "linux") {
            for code in [28, 122, 116, 12, 11] {
                assert_eq!(exit_of(&error(code)), Exit::TryAgain, "{code}");
            }
            for code in [13, 30, 2] {
                assert_eq!(exit_of(&error(code)), Exit::Failed, "{code}");
            }
        }
        assert_eq!(exit_of(&anyhow::anyhow!("broken")), Exit::Failed);
        // Said by whoever knows better, and under words that were added.
        let said = ends_with(Exit::Failed, io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(exit_of(&said), Exit::Failed);
        let said = ends_with(Exit::Incomplete, anyhow::anyhow!("a run")).context("not all");
        assert_eq!(exit_of(&said), Exit::Incomplete);
    }
}
