//! Words in lines, cut, and with a capital letter or none; thousands set apart.

/// `text` in lines of at most `letters` letters, but for words that are longer.
pub(crate) fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.len() - 1;
        if lines[line].is_empty() {
            lines[line].push_str(word);
        } else if lines[line].chars().count() + 1 + word.chars().count() > letters {
            lines.push(word.to_owned());
        } else {
            lines[line].push(' ');
            lines[line].push_str(word);
        }
    }
    lines
}

/// `text` with a capital letter at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// `text` as it stands within a sentence, but for names.
pub(crate) fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !text.starts_with("Adam") => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// `text` in at most `letters` letters, of which the last tells that there are more.
pub(crate) fn elided(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// With a comma between thousands.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_long_as_they_may_be() {
        assert_eq!(wrapped("one two\n three  four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("", 9), [""]);
        assert_eq!(wrapped("incomparable", 9), ["incomparable"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        let found = [84, 1_000, 52_631, 1_234_567].map(thousands);
        assert_eq!(found, ["84", "1,000", "52,631", "1,234,567"]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(["four", "fives"].map(|text| elided(text, 4)), ["four", "fiv…"]);
    }
}
