//! A hub on loopback, with the manners of the world.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use pairnet_data::{Digits, Mnist};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

pub(crate) const TRAIN: &str = "mnist/train-00000-of-00001.parquet";
pub(crate) const TEST: &str = "mnist/test-00000-of-00001.parquet";
pub(crate) const REVISION: &str = "77f3279092a1c1579b2250db8eafed0ad422088c";

type Files = HashMap<&'static str, Vec<u8>>;

/// How to answer a request for a file. None knows of ranges or ETags.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// The file, with its length.
    File,
    /// The file without a header, until the connection closes.
    Bare,
    /// The file in chunks.
    Chunked,
    /// Elsewhere, by a relative address; the file is there.
    Redirect,
    /// To the same place, for ever.
    Loop,
    /// A status, and headers.
    Status(&'static str, &'static str),
    /// A login page with status 200.
    Page,
    /// Nothing, with status 200.
    Empty,
    /// No answer.
    Hang,
    /// Half of the file, and no more of it.
    HangWithin,
    /// Half of the file, and the connection closes.
    Cut,
    /// The same within a chunk.
    CutChunk,
    /// The connection closes without a word.
    Close,
    /// A beginning without an end.
    Endless,
    /// A beginning, and nothing of its kind.
    Nonsense,
}

pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Answers the first requests as `first` says, and then all as `rest` says, with the shipped data.
    pub(crate) fn start(first: Vec<Answer>, rest: Answer) -> Self {
        Self::serving(files(), first, rest)
    }

    /// The same with other files.
    pub(crate) fn serving(files: Files, first: Vec<Answer>, rest: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        thread::spawn(move || {
            let files = Arc::new(files);
            for stream in listener.incoming().flatten() {
                let answer =
                    first.get(count.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(rest);
                let files = Arc::clone(&files);
                // Whoever asked may be gone.
                thread::spawn(move || respond(stream, &files, answer).ok());
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn respond(mut stream: TcpStream, files: &Files, answer: Answer) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let prefix = format!("/datasets/ylecun/mnist/resolve/{REVISION}/");
    let elsewhere = path.strip_prefix("/elsewhere/");
    let name = elsewhere.or_else(|| path.strip_prefix(&prefix));
    let Some(file) = name.and_then(|name| files.get(name)) else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    let mut start = |status: &str, headers: &str| {
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n")
    };
    let length = format!("Content-Length: {}\r\n", file.len());
    let half = &file[..file.len() / 2];
    match answer {
        Answer::Redirect if elsewhere.is_none() => {
            let location = format!("Location: /elsewhere/{}\r\n", name.unwrap_or_default());
            start("307 Temporary Redirect", &format!("{location}Content-Length: 0\r\n"))
        }
        Answer::File | Answer::Redirect => {
            start("200 OK", &length)?;
            stream.write_all(file)
        }
        Answer::Bare => {
            start("200 OK", "")?;
            stream.write_all(file)
        }
        Answer::Chunked => {
            start("200 OK", "Transfer-Encoding: chunked\r\n")?;
            for part in file.chunks(100_000) {
                write!(stream, "{:x}\r\n", part.len())?;
                stream.write_all(part)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Answer::Loop => start("302 Found", &format!("Location: {path}\r\nContent-Length: 0\r\n")),
        Answer::Status(status, headers) => {
            start(status, &format!("{headers}Content-Length: 0\r\n"))
        }
        Answer::Page => {
            start("200 OK", "Content-Type: text/html\r\n")?;
            stream.write_all(b"<!doctype html><title>Log in</title>")
        }
        Answer::Empty => start("200 OK", "Content-Length: 0\r\n"),
        Answer::Hang => hang(),
        Answer::HangWithin => {
            start("200 OK", &length)?;
            stream.write_all(half)?;
            hang()
        }
        Answer::Cut => {
            start("200 OK", &length)?;
            stream.write_all(half)
        }
        Answer::CutChunk => {
            start("200 OK", "Transfer-Encoding: chunked\r\n")?;
            write!(stream, "{:x}\r\n", file.len())?;
            stream.write_all(half)
        }
        Answer::Close => Ok(()),
        Answer::Endless => {
            start("200 OK", "")?;
            stream.write_all(b"PAR1")?;
            loop {
                stream.write_all(&[0; 1 << 16])?;
            }
        }
        Answer::Nonsense => {
            start("200 OK", "")?;
            stream.write_all(b"PAR1 is what it begins with")
        }
    }
}

fn hang() -> std::io::Result<()> {
    thread::sleep(Duration::from_secs(60));
    Ok(())
}

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

pub(crate) fn parquet_file(digits: &Digits) -> Vec<u8> {
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

pub(crate) fn shipped() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

/// Both parquet files of the shipped data, by name.
pub(crate) fn files() -> Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    let make = || {
        HashMap::from([
            (TRAIN, parquet_file(&shipped().train)),
            (TEST, parquet_file(&shipped().test)),
        ])
    };
    FILES.get_or_init(make).clone()
}
