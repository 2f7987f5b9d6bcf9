//! A file of the hub's, found in its cache.
#![no_main]

use std::panic;
use std::sync::Once;

use pairnet_data::hub::{Options, fetch};

const NAME: &str = "datasets--ylecun--mnist/snapshots/77f3279092a1c1579b2250db8eafed0ad422088c/\
                    mnist/test-00000-of-00001.parquet";

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // The crate that reads parquet panics on some files, which is caught: the fuzzer's hook would end here.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| panic::set_hook(Box::new(|_| {})));
    pairnet_fuzz::file(NAME, input);
    let cache = Some(pairnet_fuzz::folder().to_owned());
    let options = Options { cache, offline: Some(true), ..Options::default() };
    if panic::catch_unwind(|| fetch(&options, &mut |_| {}).is_ok()).unwrap_or(true) {
        std::process::abort();
    }
});
