//! What this is about, how to read it and how to cite it.

use crate::data_set::DataSet;
use crate::render::Block;
use crate::render::cells::NOTHING;
use crate::statistics::Margins;
use crate::summary::Summary;

use super::super::published::PAPER;

/// For whoever has not read the paper.
pub(crate) fn introduction(summary: &Summary) -> Vec<Block> {
    let trained: usize = summary.entries.iter().map(|entry| entry.measured_runs.len()).sum();
    let mut blocks = Vec::new();
    if summary.data == DataSet::Other {
        blocks.push(Block::paragraph(
            "*These networks were trained on other digits than MNIST*: nothing here is set beside the \
             numbers that the paper published, which are about MNIST.",
        ));
    }
    blocks.push(Block::Paragraph(format!(
        "Small networks see two handwritten digits and say whether the first is at most the second. \
         [Classification, weight sharing, auxiliary losses]({PAPER}) (Z. Jaleh and \
         S. Mousavinezhad; `Project_1/Project1.pdf` beside the code that made its tables) compares \
         eight of them: two *backbones*, the convolutional LeNet 5 and the fully connected MLPNet, \
         each plain (\"basic\"), with *weight sharing* (`ws`: both digits go through the same \
         weights), with an *auxiliary loss* (`al`: the network is trained to name both digits, too), \
         and with both (`ws-al`). The text counts the six that have sharing, an auxiliary loss or \
         both; its tables have the two plain ones as well. Sizes of layers come from the \
         code."
    )));
    let floor = match summary.data {
        DataSet::Mnist => "; guessing gives 50 %, and always answering \"at most\" about 55 %",
        DataSet::Other => "; guessing gives 50 %",
    };
    blocks.push(Block::Paragraph(format!(
        "Here {trained} network{} trained. A *recipe* is how a network is trained and measured: \
         `paper` does what the text says and, where it is silent, what is usual; `authors` does what \
         the released code does. *Train* is accuracy on the pairs that a network learned from, *test* \
         that on others{floor}. A *point* is a percentage point of accuracy: 10 of 1,000 pairs.",
        if trained == 1 { " was" } else { "s were" }
    )));
    blocks
}

pub(crate) fn how_to_read(summary: &Summary) -> Vec<Block> {
    let mut items = Vec::new();
    if !summary.against_tables.is_empty() {
        let Margins { test, train } = summary.margins;
        items.push(format!(
            "*Margin*: how far two means may be apart and still count as the same. {test} points on \
             test pairs, a little more than the standard error of an accuracy of 80 % on 1,000 pairs; \
             {train} on training pairs, since most published ones lie above 98.5, where a wider margin \
             would take any perfect network for a reproduction. Each was fixed before the numbers that \
             it judges, though sweeps on other pairs had been seen before. How the count depends on \
             it stands with each recipe."
        ));
        items.push(
            "*Reproduced*: the 90 % interval of the difference (Welch, 1947) lies within the margin, \
             which is to say that two one-sided tests at 5 % put it there (Schuirmann, 1987). \
             That is tested for each mean alone. \
             *Differs*: an exact permutation test (Fisher, 1935) of our runs and the ten published \
             ones, adjusted for all tests of the recipe, has a p value below 0.05. Both: *within, yet \
             differs*. Neither: *undecided*; that a difference is not significant does not make a \
             mean reproduced."
                .to_owned(),
        );
    }
    items.push(
        "*p value*: how often a difference at least this large would come up if there were none. \
         *Holm's procedure* (1979) raises the p values of many tests so that all of them together \
         find something that is not there in at most one case of twenty. *Welch*: a comparison of \
         two means whose runs may spread differently."
            .to_owned(),
    );
    if summary.claims.iter().any(|claim| claim.p.is_some()) {
        items.push(
            "A claim *holds* where its adjusted p value is below 0.05, and is *contradicted* where \
             the effect's 95 % interval lies below 0; else it is *undecided*."
                .to_owned(),
        );
    }
    items.push(format!(
        "{NOTHING} stands where there is no number: one run has no standard deviation, and a network \
         that was not asked for has no accuracy."
    ));
    vec![Block::heading(2, "How to read this"), Block::List(items)]
}

/// The paper, its code, and this reproduction.
pub(crate) fn how_to_cite() -> Vec<Block> {
    let items = vec![
        format!(
            "The paper and its code: Z. Jaleh and S. Mousavinezhad, \"Classification, weight sharing, \
             auxiliary losses\", `Project_1` of [deep-learning-mini-projects]({PAPER})."
        ),
        "This reproduction: `CITATION.cff` in its repository; name the version and the revision that \
         stand below."
            .to_owned(),
        "MNIST: Y. LeCun, C. Cortes and C. J. C. Burges, \"The MNIST database of handwritten \
         digits\", CC BY-SA 3.0."
            .to_owned(),
    ];
    vec![Block::heading(2, "How to cite"), Block::List(items)]
}
