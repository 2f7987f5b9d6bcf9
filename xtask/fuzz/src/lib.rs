//! What the targets share: files in memory, and checksums that fit.

pub mod digits;
pub mod networks;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use safetensors::SafeTensors;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A folder of this process alone, below `TMPDIR`.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap().keep())
}

/// `bytes` in a file of this name there.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// `bytes` as they are; and, where they are an object in JSON, with the checksum that a changed one would
/// be refused for, so that what is behind it is reached too.
pub fn signed(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    if let Ok(Value::Object(mut fields)) = serde_json::from_slice(bytes) {
        fields.remove("checksum");
        let timing = fields.remove("timing");
        let mut content = Value::Object(fields);
        let checksum = checksum(&mut content);
        content["checksum"] = checksum;
        if let Some(mut timing) = timing {
            if let Some(fields) = timing.as_object_mut() {
                fields.remove("checksum");
                timing["checksum"] = self::checksum(&mut timing.clone());
            }
            content["timing"] = timing;
        }
        all.push(content.to_string().into_bytes());
    }
    all
}

/// The same for a safetensors file, whose metadata has a description under `key`.
pub fn signed_tensors(bytes: &[u8], key: &str) -> Vec<Vec<u8>> {
    let signed = || {
        let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
        let mut beside = header.metadata().clone()?;
        let mut description: Value = serde_json::from_str(beside.get(key)?).ok()?;
        let file = SafeTensors::deserialize(bytes).ok()?;
        description["checksum"] = pairnet_models::checksum(&description, file.iter()).ok()?.into();
        beside.insert(key.to_owned(), description.to_string());
        safetensors::serialize(file.tensors(), Some(beside)).ok()
    };
    [bytes.to_vec()].into_iter().chain(signed()).collect()
}

fn checksum(value: &mut Value) -> Value {
    value.sort_all_objects();
    let digest = Sha256::digest(value.to_string());
    json!(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
