//! `cargo xtask predict`: what a network makes of two pictures.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{CommandFactory, value_parser};
use pairnet_data::{Mnist, SIDE};
use pairnet_models::Metadata;
use pairnet_terminal::print;
use pairnet_training::{Answer, Kept};
use serde::Serialize;

use crate::networks::{TEST_PAIRS, answer, load, test_pairs};

/// Whether the first digit is at most the second, as a network sees it.
#[derive(clap::Args)]
#[command(override_usage = "cargo xtask predict [OPTIONS] [NETWORK] FIRST SECOND
       cargo xtask predict [OPTIONS] [NETWORK] --test-pair K")]
pub(crate) struct Arguments {
    /// A network that train has written or the name of a shipped one [default: lenet5-ws-al], and two
    /// pictures (PNG, JPEG, BMP, GIF or WebP) of one digit each, of any size, dark on light or light on
    /// dark
    #[arg(num_args = 0..=3, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Instead of pictures: the K-th of the 5000 test pairs that evaluate shows by default, from 0
    #[arg(long, value_name = "K", value_parser = value_parser!(u64).range(..TEST_PAIRS as u64))]
    test_pair: Option<u64>,
    /// For programs
    #[arg(long)]
    json: bool,
}

const DEFAULT: &str = "lenet5-ws-al";

/// What is printed, as JSON has it.
#[derive(Serialize)]
struct Prediction<'a> {
    file: String,
    network: &'a str,
    known: &'a Metadata,
    /// The pictures.
    pictures: Option<[String; 2]>,
    test_pair: Option<TestPair>,
    /// Of first ≤ second.
    probability: f64,
    /// Whether the network says so.
    holds: bool,
    /// Of 0 to 9, for the first and for the second.
    digits: Option<[[f64; 10]; 2]>,
    /// The likeliest of them.
    named: Option<[u8; 2]>,
}

#[derive(Clone, Copy, Serialize)]
struct TestPair {
    index: u64,
    classes: [u8; 2],
    /// Whether first ≤ second.
    holds: bool,
}

pub(crate) fn predict(arguments: &Arguments) -> Result<()> {
    let files: Vec<&Path> = arguments.files.iter().map(PathBuf::as_path).collect();
    let (network, shown) = match (&files[..], arguments.test_pair) {
        ([], Some(index)) => (None, Shown::TestPair(index)),
        ([network], Some(index)) => (Some(*network), Shown::TestPair(index)),
        ([first, second], None) => (None, Shown::Pictures([*first, *second])),
        ([network, first, second], None) => (Some(*network), Shown::Pictures([*first, *second])),
        _ => wrong_number(),
    };
    let (file, kept) = load(network.unwrap_or(Path::new(DEFAULT)))?;
    let (pair, test_pair) = shown.pair()?;
    let answer = answer(&kept, &pair)?;
    let pictures = match shown {
        Shown::Pictures(paths) => Some(paths.map(|path| path.display().to_string())),
        Shown::TestPair(_) => None,
    };
    print(&if arguments.json {
        let prediction = Prediction {
            file: file.display().to_string(),
            network: kept.name(),
            known: &kept.known,
            pictures,
            test_pair,
            probability: answer.probability,
            holds: answer.holds(),
            digits: answer.digits,
            named: answer.named(),
        };
        serde_json::to_string_pretty(&prediction)? + "\n"
    } else {
        told(&kept, &answer, test_pair)
    })
}

enum Shown<'a> {
    Pictures([&'a Path; 2]),
    TestPair(u64),
}

impl Shown<'_> {
    fn pair(&self) -> Result<([[u8; SIDE * SIDE]; 2], Option<TestPair>)> {
        match self {
            Self::Pictures([first, second]) => {
                Ok(([pairnet_images::read(first)?, pairnet_images::read(second)?], None))
            }
            Self::TestPair(index) => {
                let data = Mnist::shipped()?;
                let digits = test_pairs(&data)?.indices()[*index as usize];
                let digits = digits.map(|digit| digit as usize);
                let classes = digits.map(|digit| data.test.label(digit));
                let mut pair = [[0; SIDE * SIDE]; 2];
                for (pixels, digit) in pair.iter_mut().zip(digits) {
                    pixels.copy_from_slice(data.test.image(digit));
                }
                let holds = classes[0] <= classes[1];
                Ok((pair, Some(TestPair { index: *index, classes, holds })))
            }
        }
    }
}

/// As clap tells what is wrong with arguments.
fn wrong_number() -> ! {
    let mut command = crate::Arguments::command();
    command.build();
    let command = command.find_subcommand_mut("predict").unwrap_or_else(|| unreachable!());
    let told = "give a network or not, and then either two pictures or --test-pair";
    command.error(ErrorKind::WrongNumberOfValues, told).exit()
}

fn told(kept: &Kept, answer: &Answer, test_pair: Option<TestPair>) -> String {
    let said = |holds: bool| if holds { "first <= second" } else { "first > second" };
    let mut text = format!("{}: {}\n", kept.name(), kept.origin());
    text +=
        &format!("  P(first <= second) = {:.4}: {}\n", answer.probability, said(answer.holds()));
    if let (Some(digits), Some(named)) = (answer.digits, answer.named()) {
        text += "  P(digit)";
        for digit in 0..10 {
            let _ = write!(text, "{digit:>7}");
        }
        for (place, (probabilities, named)) in
            ["first", "second"].iter().zip(digits.iter().zip(named))
        {
            let _ = write!(text, "\n  {place:<8}");
            for probability in probabilities {
                let _ = write!(text, "{probability:>7.3}");
            }
            let _ = write!(text, "   {named}");
        }
        text.push('\n');
    }
    if let Some(TestPair { index, classes: [first, second], holds }) = test_pair {
        let right = if holds == answer.holds() { "right" } else { "wrong" };
        text += &format!(
            "  test pair {index} shows {first} and {second}: {}; the network is {right}\n",
            said(holds)
        );
    }
    text
}
