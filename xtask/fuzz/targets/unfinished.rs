//! A training that was broken off.
#![no_main]

use pairnet_fuzz::networks::{first, setup};
use pairnet_training::State;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (id, origin) = first();
    for bytes in pairnet_fuzz::signed_tensors(input, "pairnet-training") {
        let path = pairnet_fuzz::file("network.safetensors.unfinished", &bytes);
        let _ = State::load(&path, (&id, &origin), &setup());
    }
});
