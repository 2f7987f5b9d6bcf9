//! What a network's file says of it, above tensors that are those of the study's first network.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| {
    pairnet_fuzz::networks::read(&pairnet_fuzz::networks::described(input));
});
