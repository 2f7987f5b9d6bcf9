//! Whether written results are still what follows from their summary.

use std::fmt;

/// The first line in which a file is not what it should be.
///
/// Displays as "line 3 should be 'a' and is 'b'".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineDifference {
    /// Counted from 1.
    pub line: usize,
    /// What should be there; `None` where the file should have ended.
    pub expected: Option<String>,
    /// What is there; `None` where the file has ended.
    pub found: Option<String>,
}

impl fmt::Display for LineDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |line: &Option<String>| match line {
            Some(line) => format!("'{line}'"),
            None => "the end".to_owned(),
        };
        let (expected, found) = (quoted(&self.expected), quoted(&self.found));
        write!(f, "line {} should be {expected} and is {found}", self.line)
    }
}

/// In which line `found` is first another than `expected`; `None` where they are the same.
///
/// ```
/// let difference = pairnet_report::first_difference("a\nb\n", "a\nc\n").unwrap();
/// assert_eq!(difference.to_string(), "line 2 should be 'b' and is 'c'");
/// assert_eq!(pairnet_report::first_difference("a\n", "a\n"), None);
/// ```
pub fn first_difference(expected: &str, found: &str) -> Option<LineDifference> {
    if expected == found {
        return None;
    }
    // Split, not lines: what differs in nothing but the last line's end differs too.
    let (mut expected, mut found) = (expected.split('\n'), found.split('\n'));
    for line in 1.. {
        let (expected, found) = (expected.next(), found.next());
        if expected != found || expected.is_none() {
            let (expected, found) = (expected.map(str::to_owned), found.map(str::to_owned));
            return Some(LineDifference { line, expected, found });
        }
    }
    None
}
