//! What can be wrong with a study's file.

use std::fmt;

/// What is wrong with a study's file, and in which line.
///
/// Displays as "line 7: unknown field `epoch`, …; did you mean 'epochs'?".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct StudyError {
    /// Counted from 1; `None` where it is no line's fault, or where there is no file.
    pub line: Option<usize>,
    /// In a sentence.
    pub reason: String,
}

impl fmt::Display for StudyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl StudyError {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self { line: None, reason: with_nearest(&reason.to_string()) }
    }

    /// The same in the line of `text` in which byte `place` lies.
    pub(crate) fn at(self, text: &str, place: usize) -> Self {
        let before = text.as_bytes().iter().take(place);
        Self { line: Some(1 + before.filter(|&&byte| byte == b'\n').count()), ..self }
    }
}

/// How alike two names have to be for one to be meant by the other, from 0 to 1.
const ALIKE: f64 = 0.6;

/// Of `names`, the one that is most like `name`, if any is.
fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &'a str| (strsim::normalized_damerau_levenshtein(name, known), known);
    let best = names.into_iter().map(likeness).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, known)| known)
}

/// serde's sentence about an unknown name, as in "unknown field `a`, expected `b` or `c`", with the
/// nearest of those that it expects; any other sentence as it is.
fn with_nearest(sentence: &str) -> String {
    let mut names = sentence.split('`').skip(1).step_by(2);
    let meant = match names.next() {
        Some(name) if sentence.contains("unknown ") => nearest(name, names),
        _ => None,
    };
    match meant {
        Some(meant) => format!("{sentence}; did you mean '{meant}'?"),
        None => sentence.to_owned(),
    }
}

/// There is no such thing, but these.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> StudyError {
    let names: Vec<&str> = names.into_iter().collect();
    let mut reason = format!("there is no {what} '{name}'");
    if let Some(meant) = nearest(name, names.iter().copied()) {
        reason += &format!("; did you mean '{meant}'?");
    }
    StudyError { line: None, reason: format!("{reason}; there are {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_told() {
        let told = |sentence: &str| StudyError::new(sentence).reason;
        let many = "unknown field `epoch`, expected one of `name`, `pairs`, `epochs`";
        assert_eq!(told(many), format!("{many}; did you mean 'epochs'?"));
        let far = "unknown field `quux`, expected `name` or `pairs`";
        assert_eq!(told(far), far);
        assert_eq!(told("missing field `title`"), "missing field `title`");
    }

    #[test]
    fn lines_are_counted_from_one() {
        let line = |place| StudyError::new("").at("a\nb\n\nc", place).line;
        assert_eq!([0, 1, 2, 5, 99].map(line), [Some(1), Some(1), Some(2), Some(4), Some(4)]);
    }
}
