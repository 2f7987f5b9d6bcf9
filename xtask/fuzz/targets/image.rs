//! A picture of a digit, of any format.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = pairnet_images::decode(input);
});
