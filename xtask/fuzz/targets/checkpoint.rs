//! A network's file. One that is read answers, and is written as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pairnet_fuzz::networks::read(input));
