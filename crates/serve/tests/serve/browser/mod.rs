//! The page in a real browser: Chromium without a window.
//!
//! Ignored where tests run without one; `.ci/run` installs it and runs these.

mod chromium;
mod drawing;
mod looks;
mod page;

use crate::stand::Stand;
use chromium::{Browser, Look};
use page::{BLOT, DESK, FIRST, LOOKS, ONE, PHONE, SECOND, draw, last_answer, lines, says, settled};

fn open(stand: &Stand, look: Look) -> Browser {
    page::open(&stand.address.to_string(), look)
}

/// Nothing was asked of anyone else, and nothing complained.
fn clean(browser: &Browser, stand: &Stand) {
    page::clean(browser, &stand.address.to_string());
}
