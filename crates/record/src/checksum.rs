//! The SHA-256 of values.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The SHA-256, in hexadecimal digits, of `value` written as JSON without white space and with the
/// keys of every object in the order of their bytes: what equal values have in common, however a
/// file lays them out.
pub(crate) fn sha256(value: &mut Value) -> String {
    // Their order is that of the file where any crate of the program asks serde_json to keep it.
    value.sort_all_objects();
    Sha256::digest(value.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_checksums_and_others_have_others() {
        let of = |text: &str| sha256(&mut serde_json::from_str(text).unwrap());
        let expected = of(r#"{"b": [1, 2.5], "a": {"d": null, "c": "é"}}"#);
        assert_eq!(of("{\"a\":{\"c\":\"\\u00e9\",\"d\":null},\n\"b\":[1,2.50]}"), expected);
        // printf '{"a":{"c":"é","d":null},"b":[1,2.5]}' | sha256sum
        assert_eq!(expected, "3463e99910516ff2b33f4223a60fbff8ee1e614cac4b5acea0450008c0392ba6");
        for other in [
            r#"{"b": [2.5, 1], "a": {"d": null, "c": "é"}}"#,
            r#"{"b": [1, 2.5], "a": {"d": null, "c": "e"}}"#,
            r#"{"b": [1, 2.5], "a": {"d": 0, "c": "é"}}"#,
            r#"{"b": [1, 2.5], "a": {"c": "é"}}"#,
            r#"{"b": [1.0, 2.5], "a": {"d": null, "c": "é"}}"#,
        ] {
            assert_ne!(of(other), expected, "{other}");
        }
    }
}
