//! The hub, against a stand-in on loopback that serves parquet files made from the shipped data.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::thread;

use pairnet_data::hub::{Options, fetch};
use pairnet_data::{Digits, Mnist};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

const TRAIN: &str = "mnist/train-00000-of-00001.parquet";
const TEST: &str = "mnist/test-00000-of-00001.parquet";
const REVISION: &str = "77f3279092a1c1579b2250db8eafed0ad422088c";

/// What the dataset's files say of themselves.
const SCHEMA: &str = "message schema {
    optional group image { optional binary bytes; optional binary path (UTF8); }
    optional int64 label;
}";

fn png(pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 28, 28);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

fn parquet_file(digits: &Digits) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties =
        Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let images: Vec<ByteArray> =
        (0..digits.len()).map(|index| png(digits.image(index)).into()).collect();
    let paths: Vec<ByteArray> = (0..digits.len()).map(|_| "digit.png".into()).collect();
    let labels: Vec<i64> = digits.labels().iter().map(|&label| label.into()).collect();
    write_bytes(&mut group, &images);
    write_bytes(&mut group, &paths);
    let mut column = group.next_column().unwrap().unwrap();
    let levels = vec![1; labels.len()];
    column.typed::<Int64Type>().write_batch(&labels, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn write_bytes(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[ByteArray]) {
    let mut column = group.next_column().unwrap().unwrap();
    let levels = vec![2; values.len()];
    column.typed::<ByteArrayType>().write_batch(values, Some(&levels), None).unwrap();
    column.close().unwrap();
}

fn shipped() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

/// Both parquet files of the shipped data, by name.
fn files() -> HashMap<&'static str, Vec<u8>> {
    static FILES: OnceLock<HashMap<&str, Vec<u8>>> = OnceLock::new();
    let make = || {
        HashMap::from([
            (TRAIN, parquet_file(&shipped().train)),
            (TEST, parquet_file(&shipped().test)),
        ])
    };
    FILES.get_or_init(make).clone()
}

/// Serves `files` as the hub does until the program ends, or `status` for all of them; returns the
/// address.
fn serve(files: HashMap<&'static str, Vec<u8>>, status: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let files = Arc::new(files);
        for stream in listener.incoming().flatten() {
            let files = Arc::clone(&files);
            thread::spawn(move || answer(stream, &files, status));
        }
    });
    address
}

fn answer(
    mut stream: TcpStream,
    files: &HashMap<&'static str, Vec<u8>>,
    status: Option<&'static str>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let request = lines.next()?;
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let (first, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
        // "bytes=5-" asks for all that is left.
        let last = last.parse().unwrap_or(usize::MAX);
        name.eq_ignore_ascii_case("range").then(|| (first.parse().unwrap(), last))
    });
    let prefix = format!("/datasets/ylecun/mnist/resolve/{REVISION}/");
    let path = request.split(' ').nth(1)?.strip_prefix(prefix.as_str());
    let file = path.and_then(|name| files.get(name));
    let (Some(bytes), None) = (file, status) else {
        let status = status.unwrap_or("404 Not Found");
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .ok()?;
        return None;
    };
    let (first, last) = range.unwrap_or((0usize, usize::MAX));
    let last = last.min(bytes.len() - 1);
    let part = bytes.get(first..=last)?;
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {first}-{last}/{}\r\n\
         ETag: \"{}\"\r\nX-Repo-Commit: {REVISION}\r\nConnection: close\r\n\r\n",
        part.len(),
        bytes.len(),
        bytes.len(),
    )
    .ok()?;
    stream.write_all(part).ok()
}

fn fetch_from(endpoint: String) -> Result<Mnist, String> {
    let cache = tempfile::tempdir().unwrap();
    let options = Options { endpoint: Some(endpoint), cache: Some(cache.path().to_owned()) };
    fetch(&options).map_err(|error| error.to_string())
}

#[test]
fn what_the_hub_serves_is_the_shipped_data() {
    let cache = tempfile::tempdir().unwrap();
    let options =
        Options { endpoint: Some(serve(files(), None)), cache: Some(cache.path().to_owned()) };
    let fetched = fetch(&options).unwrap();
    assert_eq!(&fetched, shipped());

    // A second time from the cache alone: nobody listens at that address.
    let offline = Options { endpoint: Some("http://127.0.0.1:9".into()), ..options };
    assert_eq!(&fetch(&offline).unwrap(), shipped());

    let folder = tempfile::tempdir().unwrap();
    fetched.write_idx(folder.path()).unwrap();
    assert_eq!(&Mnist::from_dir(folder.path()).unwrap(), shipped());
}

#[test]
fn one_wrong_pixel_is_refused() {
    let mut pixels = shipped().test.images().to_vec();
    pixels[400_000] ^= 1;
    let changed = Digits::new(pixels, shipped().test.labels().to_vec()).unwrap();
    let files = HashMap::from([(TEST, parquet_file(&changed)), (TRAIN, files()[TRAIN].clone())]);
    let error = fetch_from(serve(files, None)).unwrap_err();
    assert!(error.contains("t10k-images-idx3-ubyte has SHA-256"), "{error}");
    let expected = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7";
    assert!(error.contains(expected) && error.contains(TEST), "{error}");
}

#[test]
fn a_wrong_status_is_told_with_the_address() {
    for status in ["404 Not Found", "500 Internal Server Error"] {
        let endpoint = serve(HashMap::new(), Some(status));
        let error = fetch_from(endpoint.clone()).unwrap_err();
        let code = status.split(' ').next().unwrap();
        assert!(error.contains(&endpoint) && error.contains(TRAIN), "{error}");
        assert!(error.contains(code), "{error}");
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let mut cut = files();
    cut.get_mut(TRAIN).unwrap().truncate(100_000);
    let error = fetch_from(serve(cut, None)).unwrap_err();
    assert!(error.starts_with("failed to decode ") && error.contains("fetch it again"), "{error}");
}
