//! What a report says, in its order, before it is Markdown or a page.

use super::block::Block;

/// A title, what comes before any heading, and sections.
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) introduction: Vec<Block>,
    pub(crate) sections: Vec<Section>,
}

/// What stands below a heading, and the pictures below that.
pub(crate) struct Section {
    /// The heading first; of no blocks nothing is shown.
    pub(crate) blocks: Vec<Block>,
    /// How the names of its pictures begin.
    pictures: Vec<&'static str>,
}

impl Section {
    pub(crate) fn new(blocks: Vec<Block>, pictures: &[&'static str]) -> Self {
        Self { blocks, pictures: pictures.to_vec() }
    }

    /// Pictures alone, below a heading.
    pub(crate) fn of_pictures(heading: &str, pictures: &[&'static str]) -> Self {
        Self::new(vec![Block::heading(2, heading)], pictures)
    }

    /// Those of `pictures` that belong here, told apart by their names.
    pub(crate) fn pictures<'a, T>(
        &self,
        pictures: &'a [T],
        name: impl Fn(&T) -> &str,
    ) -> Vec<&'a T> {
        let own = |picture: &&T| self.pictures.iter().any(|own| name(picture).starts_with(own));
        pictures.iter().filter(own).collect()
    }

    /// Whether there is more to it than a heading, beside this many pictures.
    pub(crate) fn is_shown(&self, pictures: usize) -> bool {
        self.blocks.len() > 1 || (pictures > 0 && !self.blocks.is_empty())
    }
}
