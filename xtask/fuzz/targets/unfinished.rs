//! A training that was broken off.
#![no_main]

use pairnet_fuzz::networks::{first, setup};
use pairnet_training::State;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = pairnet_fuzz::file("network.safetensors.unfinished", input);
    let (id, origin) = first();
    let _ = State::load(&path, (&id, &origin), &setup());
});
