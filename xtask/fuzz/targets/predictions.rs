//! What a network said of its test pairs. What is read is what is written again.
#![no_main]

use pairnet_record::{read_predictions, write_predictions};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for bytes in pairnet_fuzz::signed(input) {
        pairnet_fuzz::file("predictions/base/small/0.json", &bytes);
        let read = || read_predictions(pairnet_fuzz::folder(), "base", "small", 0);
        if let Ok(predictions) = read() {
            assert!(predictions.wrong().count() <= predictions.classes.len());
            write_predictions(pairnet_fuzz::folder(), &predictions).unwrap();
            assert_eq!(read().unwrap(), predictions);
        }
    }
});
