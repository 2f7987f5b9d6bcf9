//! Writes what the targets begin with into the folder that is named: files as this workspace's programs
//! write them, and its own pictures, studies and results. usage: seeds FOLDER, in the workspace.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::Arc;

use flate2::{Compression, write::GzEncoder};
use image::ImageFormat;
use pairnet_data::Digits;
use pairnet_fuzz::{digits, networks};
use parquet::basic::Compression as Packed;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let corpus = std::env::args_os().nth(1).ok_or("usage: seeds FOLDER")?;
    let seed = |target: &str, name: &str, bytes: &[u8]| -> Result<()> {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), bytes)?)
    };
    let scratch = tempfile::tempdir()?;
    let dir = scratch.path();

    digits::few().write_idx(dir)?;
    for (which, name) in (0..).zip(digits::FILES) {
        let bytes = fs::read(dir.join(name))?;
        seed("idx", name, &[&[which], &bytes[..]].concat())?;
        seed("gzip", &format!("{name}-plain"), &[&[which | 4], &bytes[..]].concat())?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&bytes)?;
        seed("gzip", name, &[&[which], &packed.finish()?[2..]].concat())?;
    }
    for (name, compression) in [("plain", Packed::UNCOMPRESSED), ("snappy", Packed::SNAPPY)] {
        seed("parquet", name, &parquet_file(&digits::few().train, compression)?)?;
    }

    let sweep = dir.join("sweep");
    networks::train(&sweep);
    seed("sweep", "sweep", &fs::read(sweep.join("sweep.json"))?)?;
    seed("study", "study", &fs::read(sweep.join("study.json"))?)?;
    for network in ["small", "other"] {
        seed("record", network, &fs::read(sweep.join(format!("records/base/{network}/0.json")))?)?;
        let kept = fs::read(sweep.join(format!("networks/base/{network}/0.safetensors")))?;
        let metadata = safetensors::SafeTensors::read_metadata(&kept)?.1;
        let description = metadata.metadata().as_ref().and_then(|all| all.get("pairnet"));
        seed("description", network, description.ok_or("there is no description")?.as_bytes())?;
        seed("checkpoint", network, &kept)?;
    }
    seed("predictions", "small", &fs::read(sweep.join("predictions/base/small/0.json"))?)?;
    pairnet_report::write_results(&sweep, &pairnet_report::read_report(&sweep)?)?;
    seed("results", "study", &fs::read(sweep.join("results.json"))?)?;
    let (id, origin) = networks::first();
    let unfinished = dir.join("unfinished");
    networks::begun().save(&unfinished, (&id, &origin))?;
    seed("unfinished", "begun", &fs::read(unfinished)?)?;

    seed("study_file", "small", networks::STUDY.as_bytes())?;
    for study in fs::read_dir("data/studies")? {
        let path = study?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a name")?.to_owned();
        seed("study_file", &name, &fs::read(path)?)?;
    }
    let three = fs::read("docs/guide/three.png")?;
    seed("image", "three", &three)?;
    let small = image::load_from_memory(&three)?.thumbnail(28, 28);
    for format in [ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::WebP] {
        let mut bytes = Cursor::new(Vec::new());
        // Of WebP there is an encoder for colours alone.
        small.to_rgb8().write_to(&mut bytes, format)?;
        seed("image", &format!("{format:?}"), bytes.get_ref())?;
    }
    let mut grey = Cursor::new(Vec::new());
    small.to_luma8().write_to(&mut grey, ImageFormat::Png)?;
    seed("image", "grey", grey.get_ref())?;
    requests(&seed)
}

fn requests(seed: &dyn Fn(&str, &str, &[u8]) -> Result<()>) -> Result<()> {
    for (name, path) in [("page", "/"), ("networks", "/networks"), ("sample", "/samples/7")] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        seed("request", name, text.as_bytes())?;
    }
    let head =
        "POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n";
    seed("request", "short", format!("{head}Content-Length: 3\r\n\r\nabc").as_bytes())?;
    seed(
        "request",
        "chunks",
        format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").as_bytes(),
    )
}

/// As the hub's.
fn parquet_file(digits: &Digits, compression: Packed) -> Result<Vec<u8>> {
    let schema = "message schema {
        optional group image { optional binary bytes; optional binary path (UTF8); }
        optional int64 label;
    }";
    let properties = WriterProperties::builder().set_compression(compression).build();
    let schema = Arc::new(parse_message_type(schema)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let png = |index| -> Result<ByteArray> {
        let pixels = digits.image(index).to_vec();
        let picture = image::GrayImage::from_raw(28, 28, pixels).ok_or("28×28 pixels")?;
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner().into())
    };
    let images = (0..digits.len()).map(png).collect::<Result<Vec<_>>>()?;
    let paths = vec![ByteArray::from("digit.png"); digits.len()];
    for values in [images, paths] {
        let mut column = group.next_column()?.ok_or("a column")?;
        let levels = vec![2; values.len()];
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        column.close()?;
    }
    let labels: Vec<i64> = digits.labels().iter().map(|&label| label.into()).collect();
    let mut column = group.next_column()?.ok_or("a column")?;
    column.typed::<Int64Type>().write_batch(&labels, Some(&vec![1; labels.len()]), None)?;
    column.close()?;
    group.close()?;
    Ok(writer.into_inner()?)
}
