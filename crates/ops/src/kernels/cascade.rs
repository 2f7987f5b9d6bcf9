//! Merging many partial results as a tree.
//!
//! What is merged one after another loses a part that grows with the number of parts. Here
//! [`TOGETHER`] are, then as many of what came of these, and so on. The tree follows from the number of
//! parts alone.

/// Parts that are merged one after another.
const TOGETHER: usize = 32;

/// Parts that come one after another, merged as far as they can be.
pub(crate) struct Cascade<S> {
    /// At each level how many were merged, and what came of them; the parts themselves are at the first.
    levels: Vec<Option<(usize, S)>>,
}

impl<S> Cascade<S> {
    pub(crate) fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// Takes the next part; `merge` gets the earlier one first.
    pub(crate) fn push(&mut self, part: S, merge: impl Fn(S, S) -> S) {
        let mut carried = part;
        for level in &mut self.levels {
            match level.take() {
                None => {
                    *level = Some((1, carried));
                    return;
                }
                Some((count, earlier)) => {
                    carried = merge(earlier, carried);
                    if count + 1 < TOGETHER {
                        *level = Some((count + 1, carried));
                        return;
                    }
                }
            }
        }
        self.levels.push(Some((1, carried)));
    }

    /// All parts merged; nothing where there was none.
    pub(crate) fn finish(self, merge: impl Fn(S, S) -> S) -> Option<S> {
        self.levels.into_iter().rev().flatten().map(|(_, merged)| merged).reduce(merge)
    }
}

/// All parts merged; nothing where there is none.
pub(crate) fn merged<S>(
    parts: impl IntoIterator<Item = S>,
    merge: impl Fn(S, S) -> S,
) -> Option<S> {
    let mut cascade = Cascade::new();
    parts.into_iter().for_each(|part| cascade.push(part, &merge));
    cascade.finish(merge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_merged_once_and_in_order() {
        for count in (0..100).chain([1023, 1024, 1025, 1056, 40_000]) {
            let all =
                merged((0..count).map(|part| vec![part]), |mut earlier: Vec<usize>, later| {
                    earlier.extend(later);
                    earlier
                });
            assert_eq!(all.unwrap_or_default(), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_part_goes_through_many_mergers() {
        let deepest =
            |count: usize| merged(vec![0usize; count], |one, other| one.max(other) + 1).unwrap();
        assert_eq!(deepest(32), 31);
        assert!(deepest(1_000_000) <= 4 * 32);
    }
}
