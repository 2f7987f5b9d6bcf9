//! A record. What is read is what is written again.
#![no_main]

use pairnet_record::{read_record_file, write_record_file};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for bytes in pairnet_fuzz::signed(input) {
        let path = pairnet_fuzz::file("record.json", &bytes);
        if let Ok(record) = read_record_file(&path) {
            write_record_file(&path, &record).unwrap();
            assert_eq!(read_record_file(&path).unwrap(), record);
        }
    }
});
