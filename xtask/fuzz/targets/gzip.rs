//! The four files of a folder of digits, compressed: what is in a gzip file, or what comes out of one.
#![no_main]

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((which, bytes)) = input.split_first() else { return };
    if which & 4 == 0 {
        pairnet_fuzz::digits::read(*which, &[&[0x1f, 0x8b], bytes].concat());
    } else {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        pairnet_fuzz::digits::read(*which, &packed.finish().unwrap());
    }
});
