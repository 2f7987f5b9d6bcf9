//! What the pages of a parquet file claim to hold, read before memory is taken for it.
//!
//! The header of a page is a struct of Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>), with the fields of
//! `PageHeader` in <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use std::io::{self, ErrorKind, Read};

/// Bytes of a page: all of MNIST has 47 MB of pixels.
const MOST_BYTES: i64 = 64 << 20;

/// Bytes of the shortest entry of a dictionary that MNIST's columns can have: the length of a string.
const SHORTEST: i64 = 4;

/// PLAIN, PLAIN_DICTIONARY, RLE and RLE_DICTIONARY: the others are decoded into as much as they say that there is.
const ENCODINGS: [i64; 4] = [0, 2, 3, 8];

/// Types of fields; a false one is told by its own.
const FALSE: u8 = 2;
const TRUE: u8 = 1;
const NUMBER: u8 = 5;
const STRUCT: u8 = 12;

/// Stands for the field of what is in one of the header's fields.
const STATISTICS: i16 = -1;

const NO_FIELD: &str = "the header of a page has a field with a number of more than 16 bits";

/// Reads the header of a page.
///
/// # Errors
///
/// Where the page or its dictionary claims more than one of MNIST's can have, or is encoded otherwise, and where the
/// header is none.
pub(super) fn check(header: &mut impl Read) -> io::Result<()> {
    let mut claims = Claims::default();
    read_struct(header, None, &mut claims)?;
    let Claims { bytes, entries, encodings } = claims;
    if bytes > MOST_BYTES {
        return Err(unusable(format!(
            "a page claims {bytes} bytes, {MOST_BYTES} at most are read"
        )));
    }
    if entries.saturating_mul(SHORTEST) > bytes {
        return Err(unusable(format!("a dictionary claims {entries} entries in {bytes} bytes")));
    }
    match encodings.iter().find(|encoding| !ENCODINGS.contains(encoding)) {
        Some(encoding) => {
            Err(unusable(format!("a page has encoding {encoding}, which is not read")))
        }
        None => Ok(()),
    }
}

/// The largest of what stands there, should it stand there twice.
#[derive(Default)]
struct Claims {
    /// Of the page, decompressed.
    bytes: i64,
    /// Of the dictionary.
    entries: i64,
    encodings: Vec<i64>,
}

/// Reads a struct: that of a field of the header, or the header itself.
fn read_struct(input: &mut impl Read, outer: Option<i16>, claims: &mut Claims) -> io::Result<()> {
    let mut field = 0i16;
    loop {
        let [head] = bytes(input)?;
        field = match head >> 4 {
            _ if head & 15 == 0 => return Ok(()),
            0 => i16::try_from(number(input)?).map_err(|_| unusable(NO_FIELD.to_owned()))?,
            delta => {
                field.checked_add(delta.into()).ok_or_else(|| unusable(NO_FIELD.to_owned()))?
            }
        };
        let kind = head & 15;
        // What knows a field takes it for what it should be.
        if expected(outer, field)
            .is_some_and(|expected| expected != if kind == FALSE { TRUE } else { kind })
        {
            return Err(unusable(format!("the header of a page has a field of type {kind}")));
        }
        match kind {
            // A truth value is its type.
            FALSE | TRUE => {}
            3 => drop(bytes::<1>(input)?),
            4 | NUMBER | 6 => {
                let value = number(input)?;
                // Longer ones are cut off where they are read again; a page's statistics are not.
                if i32::try_from(value).is_err() && outer != Some(STATISTICS) {
                    return Err(unusable(format!("the header of a page has the number {value}")));
                }
                match (outer, field) {
                    (None, 2) => claims.bytes = claims.bytes.max(value),
                    (Some(7), 1) => claims.entries = claims.entries.max(value),
                    (Some(5 | 7), 2) | (Some(8), 4) => claims.encodings.push(value),
                    _ => {}
                }
            }
            7 => drop(bytes::<8>(input)?),
            8 => {
                let length = unsigned(input)?;
                if io::copy(&mut input.take(length), &mut io::sink())? < length {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            }
            STRUCT if outer.is_none() => read_struct(input, Some(field), claims)?,
            STRUCT if matches!(outer, Some(5 | 8)) => read_struct(input, Some(STATISTICS), claims)?,
            _ => return Err(unusable(format!("the header of a page has a field of type {kind}"))),
        }
    }
}

/// Of which type a field is that is read again: of the header, of a data page's of either version, or a dictionary's.
fn expected(outer: Option<i16>, field: i16) -> Option<u8> {
    match (outer, field) {
        (None | Some(5), 1..=4) | (Some(7), 1..=2) | (Some(8), 1..=6) => Some(NUMBER),
        (None, 5..=8) | (Some(5), 5) | (Some(8), 8) => Some(STRUCT),
        (Some(7), 3) | (Some(8), 7) => Some(TRUE),
        _ => None,
    }
}

fn number(input: &mut impl Read) -> io::Result<i64> {
    let zigzag = unsigned(input)?;
    Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

fn unsigned(input: &mut impl Read) -> io::Result<u64> {
    let mut value = 0;
    for place in (0..64).step_by(7) {
        let [byte] = bytes(input)?;
        value |= u64::from(byte & 127) << place;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(unusable("the header of a page has a number of more than 64 bits".to_owned()))
}

fn bytes<const COUNT: usize>(input: &mut impl Read) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    match input.read_exact(&mut bytes) {
        // Told in the words that a string has which is cut.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(ErrorKind::UnexpectedEof.into())
        }
        end => end.map(|()| bytes),
    }
}

fn unusable(reason: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Type, decompressed and compressed bytes, then the header of one kind of page.
    fn header(bytes: i64, inner: &[u8]) -> Vec<u8> {
        let zigzag = |value: i64| -> Vec<u8> {
            let mut value = ((value << 1) ^ (value >> 63)).cast_unsigned();
            let mut all = Vec::new();
            while value > 127 {
                all.push((value & 127) as u8 | 128);
                value >>= 7;
            }
            all.push(value as u8);
            all
        };
        [&[0x15, 4, 0x15], &*zigzag(bytes), &[0x15, 20], inner, &[0]].concat()
    }

    fn told(header: &[u8]) -> String {
        check(&mut { header }).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn claims_are_bounded() {
        // Field 7: a dictionary of ten entries, plain. Field 5: a data page with statistics of two bytes.
        let dictionary = [0x4c, 0x15, 20, 0x15, 0, 0];
        let data = [0x2c, 0x15, 20, 0x15, 16, 0x15, 6, 0x15, 6, 0x1c, 0x18, 2, 7, 7, 0, 0];
        assert_eq!(told(&header(40, &dictionary)), "fine");
        assert_eq!(told(&header(40, &data)), "fine");
        assert_eq!(told(&header(MOST_BYTES, &data)), "fine");
        let all = "a page claims 67108865 bytes, 67108864 at most are read";
        assert_eq!(told(&header(MOST_BYTES + 1, &data)), all);
        let all = "a dictionary claims 10 entries in 39 bytes";
        assert_eq!(told(&header(39, &dictionary)), all);
        // Twice the same field, the larger one first.
        let twice = [0x4c, 0x15, 0x80, 0x80, 0x80, 0x08, 0x05, 2, 20, 0x15, 0, 0];
        assert_eq!(told(&header(40, &twice)), "a dictionary claims 8388608 entries in 40 bytes");
        // What would be 2,000,000,000 in 32 bits.
        let below = header(2_000_000_000 - (1 << 32), &data);
        assert_eq!(told(&below), "the header of a page has the number -2294967296");
        let far = [&[0x05][..], &[0x84, 0x80, 0x08, 2]].concat();
        assert_eq!(told(&far), NO_FIELD);
        // A string where a number is read again, of the same bytes.
        let string = [&[0x15, 4, 0x18][..], &[0x80, 0x80, 0x80, 0x80, 0x0f]].concat();
        assert_eq!(told(&string), "the header of a page has a field of type 8");
        let delta = [0x2c, 0x15, 20, 0x15, 10, 0];
        assert_eq!(told(&header(40, &delta)), "a page has encoding 5, which is not read");
    }

    #[test]
    fn headers_that_are_none_are_errors() {
        let whole =
            header(40, &[0x2c, 0x15, 20, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c, 0x18, 2, 7, 7, 0, 0]);
        for length in 0..whole.len() {
            assert_eq!(told(&whole[..length]), "unexpected end of file", "{length} bytes");
        }
        assert_eq!(told(&[0x19, 0x15]), "the header of a page has a field of type 9");
        let long = [&[0x15][..], &[0x80; 10]].concat();
        assert_eq!(told(&long), "the header of a page has a number of more than 64 bits");
        let deep = [0x2c; 100];
        assert_eq!(told(&deep), "the header of a page has a field of type 12");
    }
}
