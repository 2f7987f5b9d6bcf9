//! The SHA-256 of tensors and of what is said of them.

use safetensors::View;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The field of a description that its checksum leaves out.
const FIELD: &str = "checksum";

/// The SHA-256, in hexadecimal digits, of `description`, but for its field `checksum`, and of each tensor's
/// name, dtype, shape and bytes.
///
/// The description counts as JSON without white space, with the keys of every object in the order of their
/// bytes and `null` for the checksum; the tensors follow in the order of their names, each after a line with
/// its name, dtype and shape.
///
/// # Errors
///
/// Where `description` is no object, or nothing that JSON can hold.
pub fn checksum<V: View>(
    description: &impl Serialize,
    tensors: impl IntoIterator<Item = (impl AsRef<str>, V)>,
) -> serde_json::Result<String> {
    let mut fields = serde_json::to_value(description)?;
    let Some(object) = fields.as_object_mut() else {
        return Err(serde::ser::Error::custom("a description is an object"));
    };
    object.insert(FIELD.to_owned(), Value::Null);
    // Their order is that of the file where any crate of the program asks serde_json to keep it.
    fields.sort_all_objects();
    let mut hash = Sha256::new();
    hash.update(fields.to_string());
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    tensors.sort_by(|(one, _), (other, _)| one.as_ref().cmp(other.as_ref()));
    for (name, view) in &tensors {
        hash.update(format!("\n{} {:?} {:?}\n", name.as_ref(), view.dtype(), view.shape()));
        hash.update(view.data());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
