use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const PIXELS: usize = SIDE * SIDE;

fn file(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    [&header(kind, bytes), bytes].concat()
}

fn read_all(bytes: &[u8], kind: Kind) -> Result<Vec<u8>, String> {
    let read = read(bytes, bytes.len() as u64, kind, "some-file".as_ref());
    read.map(|body| body.bytes).map_err(|error| error.to_string())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_is_written_is_read() {
    let pixels: Vec<u8> = (0..3 * PIXELS).map(|index| index as u8).collect();
    for (kind, bytes) in
        [(Kind::Images, &pixels[..]), (Kind::Labels, &[1, 2, 3]), (Kind::Labels, &[])]
    {
        let whole = file(kind, bytes);
        assert_eq!(read_all(&whole, kind).unwrap(), bytes);
        assert_eq!(read_all(&gzip(&whole), kind).unwrap(), bytes);
        let body = read(&whole[..], whole.len() as u64, kind, "f".as_ref()).unwrap();
        assert_eq!(body.checksum, checksum(&[], &whole));
    }
}

#[test]
fn errors_name_file_expected_and_found() {
    let good = file(Kind::Images, &[0; PIXELS]);
    let error = |bytes: &[u8]| read_all(bytes, Kind::Images).unwrap_err();
    assert_eq!(
        error(&file(Kind::Labels, &[0])),
        "some-file begins with the magic number 0x00000801, 0x00000803 was expected: is it an IDX file of images?"
    );
    // Floats in three dimensions.
    assert!(error(&[0, 0, 0x0d, 3, 0, 0, 0, 0]).contains("magic number 0x00000d03, 0x00000803"));
    for packed in [false, true] {
        let error = |bytes: &[u8]| if packed { error(&gzip(bytes)) } else { error(bytes) };
        assert_eq!(
            error(&good[..799]),
            "some-file has 799 bytes, 800 were expected from its header"
        );
        assert_eq!(error(&good[..3]), "some-file has 3 bytes, 16 were expected from its header");
        let mut narrow = good.clone();
        narrow[15] = 27;
        assert_eq!(error(&narrow), "some-file has images of 28×27 pixels, 28×28 were expected");
        // A count that would overflow 32 bits when multiplied.
        let mut many = good.clone();
        many[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(
            error(&many),
            "some-file has 800 bytes, 3367254359296 were expected from its header"
        );
    }
    assert_eq!(error(&[]), "some-file has 0 bytes, 16 were expected from its header");
    let long = [&good[..], &[0]].concat();
    assert_eq!(error(&long), "some-file has 801 bytes, 800 were expected from its header");
    assert_eq!(
        error(&gzip(&long)),
        "some-file unpacks to more than the 800 bytes that were expected from its header"
    );
    assert_eq!(error(&[gzip(&good), gzip(&good)].concat()), error(&gzip(&long)));
}

#[test]
fn a_broken_gzip_is_an_error() {
    let good = gzip(&file(Kind::Labels, &[1, 2, 3]));
    let error = |bytes: &[u8]| read_all(bytes, Kind::Labels).unwrap_err();
    let mut wrong_sum = good.clone();
    let sum = good.len() - 8;
    wrong_sum[sum] ^= 1;
    for broken in [
        &[0x1f, 0x8b, 8, 0, 0],
        &good[..good.len() - 1],
        &wrong_sum,
        &[&good[..], b"garbage"].concat(),
        &[&good[..], &[0; 512]].concat(),
    ] {
        assert!(error(broken).starts_with("failed to unpack some-file: "), "{}", error(broken));
    }
}

/// Hands out zeros, and counts them.
struct Zeros(u64);

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        self.0 += buffer.len() as u64;
        Ok(buffer.len())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_members_read_the_same(
        pixels in prop::collection::vec(any::<u8>(), 2 * PIXELS),
        mut cuts in prop::collection::vec(0usize..=2 * PIXELS + 16, 0..20),
    ) {
        let whole = file(Kind::Images, &pixels);
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        // Where two cuts are equal, a member is empty.
        let members = cuts.windows(2).flat_map(|cut| gzip(&whole[cut[0]..cut[1]]));
        prop_assert_eq!(read_all(&members.collect::<Vec<_>>(), Kind::Images).unwrap(), pixels);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), images: bool) {
        let kind = if images { Kind::Images } else { Kind::Labels };
        let begun = |start: &[u8]| [start, &bytes].concat();
        for bytes in [
            begun(&[]),
            begun(&kind.magic().to_be_bytes()),
            begun(&[0x1f, 0x8b, 8]),
            gzip(&begun(&kind.magic().to_be_bytes())),
        ] {
            let _ = read_all(&bytes, kind);
        }
    }

    /// A changed bit is noticed, or changes nothing that is read (gzip keeps a time and a name).
    #[test]
    fn a_changed_or_cut_file_is_not_believed(
        labels in prop::collection::vec(0u8..10, 1..100), place: prop::sample::Index, bit in 0u8..8,
    ) {
        let good = gzip(&file(Kind::Labels, &labels));
        let place = place.index(good.len());
        prop_assert!(read_all(&good[..place], Kind::Labels).is_err());
        let mut changed = good;
        changed[place] ^= 1u8 << bit;
        if let Ok(read) = read_all(&changed, Kind::Labels) {
            prop_assert_eq!(read, labels);
        }
    }

    #[test]
    fn one_byte_more_than_promised_is_read_at_most(count in 0u32..10_000) {
        let header = [&Kind::Labels.magic().to_be_bytes()[..], &count.to_be_bytes()].concat();
        let mut zeros = Zeros(0);
        let source = header.chain(&mut zeros);
        let failed = |source| DataError::Read { file: "f".into(), source };
        let error = parse(source, Size::AtMost(u64::MAX), Kind::Labels, "f".as_ref(), failed).err().unwrap();
        let too_long = matches!(error, DataError::TooLong { .. });
        prop_assert!(too_long);
        prop_assert_eq!(zeros.0, u64::from(count) + 1);
    }
}
