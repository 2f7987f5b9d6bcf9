//! The four files of a folder of digits, as they are; the first byte says which of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some((which, bytes)) = input.split_first() {
        pairnet_fuzz::digits::read(*which, bytes);
    }
});
