//! The networks as diagrams, from their descriptions.

use pairnet_network::{Architecture, Branch, BranchOutput, Layer, Step, Weights};

use super::figure::{Figure, Panel};
use super::palette::{BLUE, Colour, INK, MUTED, ORANGE, PAPER, SHADE};
use super::svg::{Svg, Text};
use crate::words::{elided, thousands, wrapped};

/// Four of them stand side by side on a page for a desk.
const WIDTH: f64 = 244.0;
const COLUMN: f64 = 112.0;
/// The middle of each digit's column.
const MIDDLES: [f64; 2] = [1.0 + COLUMN / 2.0, WIDTH - 1.0 - COLUMN / 2.0];
const COMPARATOR: f64 = 190.0;
const GAP: f64 = 16.0;
const IMAGE: f64 = 38.0;
const LINE: f64 = 1.3;
const STEP: f64 = 13.0;
/// Letters of a name that there is room for beside the count of parameters.
const NAME: usize = 16;

/// One panel a network, with its note below its name; `None` where there is no description. `source` is
/// a sentence of where their sizes come from.
pub(crate) fn figure(
    networks: &[Architecture],
    source: &str,
    note: impl Fn(&str) -> Option<&'static str>,
) -> Option<Figure> {
    (!networks.is_empty()).then(|| Figure {
        name: "networks".to_owned(),
        title: "The networks".to_owned(),
        caption: format!(
            "From the two digits at the top to the answer at the bottom. A box is a layer \
             with weights: its inputs and outputs, and below them what is done with the result. \
             Branches of one colour, joined by =, have one set of weights for both digits; a blue \
             and an orange one have weights of their own.{source} A dashed box is where a loss is \
             taken."
        ),
        panels: networks.iter().map(|network| panel(network, note(&network.name))).collect(),
        columns: 4,
    })
}

/// A diagram that grows downwards.
struct Diagram {
    svg: Svg,
    y: f64,
}

fn panel(network: &Architecture, note: Option<&str>) -> Panel {
    let mut diagram = Diagram { svg: Svg::default(), y: 58.0 };
    let Architecture { name, .. } = network;
    diagram.svg.text((0.0, 15.0), Text::new(13.0, INK).bold(), &elided(name, NAME));
    if let Some(note) = note {
        diagram.svg.text((0.0, 31.0), Text::new(10.5, MUTED), note);
    }
    let count = format!("{} parameters", thousands(network.parameters()));
    diagram.svg.text((WIDTH, 15.0), Text::new(11.0, MUTED).end(), &count);
    match &network.branch {
        Some(branch) => diagram.branches(branch, network),
        None => diagram.both_images(),
    }
    for layer in &network.comparator {
        diagram.layer(WIDTH / 2.0, COMPARATOR, layer, INK);
        diagram.down(&[WIDTH / 2.0]);
    }
    diagram.node("P(first ≤ second): main loss", WIDTH / 2.0, COMPARATOR, true);
    Panel {
        title: format!("Network {name}"),
        description: in_words(network),
        size: (WIDTH, diagram.y + 4.0),
        body: diagram.svg.0,
    }
}

impl Diagram {
    fn branches(&mut self, branch: &Branch, network: &Architecture) {
        let (shared, top) = (network.weight_sharing, self.y);
        let colours = if shared { [BLUE, BLUE] } else { [BLUE, ORANGE] };
        for (middle, text) in MIDDLES.into_iter().zip(["first digit", "second digit"]) {
            self.image((middle - IMAGE / 2.0, top), text);
        }
        let weights = if shared { ["one set", "of weights"] } else { ["two sets", "of weights"] };
        for (line, text) in weights.into_iter().enumerate() {
            let at = (WIDTH / 2.0, top + 15.0 + 13.0 * line as f64);
            self.svg.text(at, Text::new(10.5, MUTED).middle(), text);
        }
        self.y = top + IMAGE;
        self.down(&MIDDLES);
        for layer in &branch.layers {
            let top = self.y;
            for (middle, colour) in MIDDLES.into_iter().zip(colours) {
                self.y = top;
                self.layer(middle, COLUMN, layer, colour);
            }
            if shared {
                let at = (WIDTH / 2.0, f64::midpoint(top, self.y) + 5.0);
                self.svg.text(at, Text::new(15.0, BLUE).bold().middle(), "=");
            }
            self.down(&MIDDLES);
        }
        let outputs = branch.layers.last().map_or(0, |layer| layer.weights.outputs());
        let text = match branch.output {
            BranchOutput::Features => format!("{outputs} features"),
            BranchOutput::Sigmoid => format!("sigmoid of {outputs}"),
            BranchOutput::Digits if network.auxiliary_loss => "softmax: digit loss".to_owned(),
            BranchOutput::Digits => format!("softmax of {outputs}"),
        };
        let top = self.y;
        for middle in MIDDLES {
            self.y = top;
            self.node(&text, middle, COLUMN, network.auxiliary_loss);
        }
        self.join(MIDDLES);
    }

    /// Both side by side into what comes next.
    fn join(&mut self, middles: [f64; 2]) {
        let (from, to) = (self.y, self.y + 2.0 * GAP);
        for middle in middles {
            let bend = from + 0.9 * GAP;
            let path = [(middle, from), (middle, bend), (WIDTH / 2.0, bend), (WIDTH / 2.0, to)];
            self.svg.line(&path, (MUTED, LINE), true);
        }
        self.y = to;
    }

    /// The images as two channels of one.
    fn both_images(&mut self) {
        let top = self.y;
        for (shift, text) in [(-50.0, "first digit"), (50.0, "second digit")] {
            self.image((WIDTH / 2.0 + shift - IMAGE / 2.0, top), text);
        }
        self.y = top + IMAGE;
        self.join([WIDTH / 2.0 - 50.0, WIDTH / 2.0 + 50.0]);
    }

    fn image(&mut self, (x, y): (f64, f64), text: &str) {
        self.svg.frame((x, y), (IMAGE, IMAGE), (SHADE, MUTED), false);
        let middle = x + IMAGE / 2.0;
        self.svg.text((middle, y + 23.0), Text::new(10.5, INK).middle(), "14×14");
        self.svg.text((middle, y - 5.0), Text::new(10.5, MUTED).middle(), text);
    }

    fn layer(&mut self, middle: f64, width: f64, layer: &Layer, colour: Colour) {
        let (weights, steps) = layer_in_words(layer);
        // Sans-serif letters of the steps' size are five and a half pixels wide at most.
        let letters = (width / 5.5) as usize;
        let steps = if steps.is_empty() { Vec::new() } else { wrapped(&steps, letters) };
        let height = 24.0 + STEP * steps.len() as f64 + if steps.is_empty() { 0.0 } else { 1.0 };
        let corner = (middle - width / 2.0, self.y);
        self.svg.frame(corner, (width, height), (PAPER, colour), false);
        let style = Text::new(11.0, INK).middle();
        self.svg.text((middle, self.y + 16.0), style.bold(), &weights);
        for (line, text) in steps.iter().enumerate() {
            let style = Text { size: 10.0, ..style };
            self.svg.text((middle, self.y + 30.0 + STEP * line as f64), style, text);
        }
        self.y += height;
    }

    /// A value, dashed where a loss is taken of it.
    fn node(&mut self, text: &str, middle: f64, width: f64, loss: bool) {
        let corner = (middle - width / 2.0, self.y);
        self.svg.frame(corner, (width, 24.0), (SHADE, MUTED), loss);
        self.svg.text((middle, self.y + 16.0), Text::new(11.0, INK).middle(), text);
        self.y += 24.0;
    }

    fn down(&mut self, middles: &[f64]) {
        for &middle in middles {
            self.svg.line(&[(middle, self.y), (middle, self.y + GAP)], (MUTED, LINE), true);
        }
        self.y += GAP;
    }
}

/// The weights, and the steps after them.
fn layer_in_words(layer: &Layer) -> (String, String) {
    let weights = match layer.weights {
        Weights::Convolution { inputs, outputs, kernel } => {
            format!("conv {kernel}×{kernel}: {inputs} → {outputs}")
        }
        Weights::Linear { inputs, outputs } => format!("linear: {inputs} → {outputs}"),
    };
    let step = |step: &Step| match step {
        Step::Relu => "ReLU".to_owned(),
        other => other.to_string().replace('-', " "),
    };
    let steps: Vec<String> = layer.steps.iter().map(step).collect();
    (weights, steps.join(", "))
}

fn in_words(network: &Architecture) -> String {
    let layers = |layers: &[Layer]| {
        let words = layers.iter().map(layer_in_words).map(|(weights, steps)| match &*steps {
            "" => weights,
            steps => format!("{weights}, {steps}"),
        });
        words.collect::<Vec<_>>().join("; then ")
    };
    let branch = network.branch.as_ref().map(|branch| {
        let sharing = if network.weight_sharing {
            "with the same weights"
        } else {
            "each with its own weights"
        };
        let output = match branch.output {
            BranchOutput::Features => "as they are",
            BranchOutput::Sigmoid => "through a sigmoid",
            BranchOutput::Digits => "through a softmax, as ten digit probabilities",
        };
        let loss = if network.auxiliary_loss { ", on which the digit loss is taken" } else { "" };
        format!(
            "Each digit goes through a branch, {sharing}: {}. Its results reach the comparator \
             {output}{loss}. Then, on both side by side: ",
            layers(&branch.layers)
        )
    });
    let branch = branch.unwrap_or_else(|| "Both images at once: ".to_owned());
    format!(
        "{branch}{}. {} parameters.",
        layers(&network.comparator),
        thousands(network.parameters())
    )
}
