//! What a file promises takes no memory before it is there. The only test of its program, so that no
//! other adds to what is measured.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use pairnet_data::{DataError, Digits, Mnist};

/// The most memory that this program has ever held, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

fn header(count: u32) -> Vec<u8> {
    [0x0803, count, 28, 28].into_iter().flat_map(u32::to_be_bytes).collect()
}

#[test]
fn no_more_is_unpacked_than_the_header_promises() {
    let folder = tempfile::tempdir().unwrap();
    let digits = Digits::new(vec![0; 10 * 784], vec![0; 10]).unwrap();
    Mnist::new(digits.clone(), digits).write_idx(folder.path()).unwrap();
    fs::remove_file(folder.path().join("train-images-idx3-ubyte")).unwrap();
    let path = folder.path().join("train-images-idx3-ubyte.gz");
    let pack = |count: u32, zeros: u64| {
        let mut encoder = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        encoder.write_all(&header(count)).unwrap();
        io::copy(&mut io::repeat(0).take(zeros), &mut encoder).unwrap();
        encoder.finish().unwrap();
    };
    let before = peak();
    let read = || {
        let start = Instant::now();
        let result = Mnist::from_dir(folder.path());
        assert!(start.elapsed() < Duration::from_secs(5));
        let taken = peak() - before;
        assert!(taken < 16 << 20, "{taken} bytes");
        result.unwrap_err()
    };

    pack(10, 1 << 29);
    assert!(matches!(read(), DataError::TooLong { expected: 7_856, .. }));
    pack(u32::MAX, 100);
    assert!(matches!(read(), DataError::Length { found: 116, .. }));
    fs::remove_file(&path).unwrap();

    // A plain file of 1 TiB that takes no room on disk.
    let file = File::create(folder.path().join("train-images-idx3-ubyte")).unwrap();
    (&file).write_all(&header(10)).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(read(), DataError::Length { expected: 7_856, .. }));
    fs::write(folder.path().join("train-images-idx3-ubyte"), header(u32::MAX)).unwrap();
    assert!(matches!(read(), DataError::Length { found: 16, .. }));
}
