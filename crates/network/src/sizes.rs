//! Whether the sizes of a network fit each other, from the image to the logit.

use crate::architecture::{Architecture, BranchOutput, MOST_PARAMETERS, SIDE};
use crate::error::ArchitectureError;
use crate::layer::{Layer, Step, Weights};

/// What a layer gets or gives for one pair, or for one of its digits.
#[derive(Clone, Copy)]
enum Values {
    Image { channels: usize, side: usize },
    Units(usize),
}

/// A layer at work on one pair.
pub(crate) struct Use<'a> {
    pub(crate) layer: &'a Layer,
    /// How often its weights are multiplied: places of a convolution's kernel, times the digits.
    pub(crate) times: usize,
    /// Whether it sees the pixels.
    pub(crate) first: bool,
}

impl Architecture {
    /// Whether the sizes fit each other, from two digits of 14×14 pixels to one logit, and the
    /// options mean something. Nothing is allocated for that.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the layer's name.
    pub fn check(&self) -> Result<(), ArchitectureError> {
        self.uses().map(|_| ())
    }

    /// Each layer with how much it is used; an error as [`Architecture::check`] has it.
    pub(crate) fn uses(&self) -> Result<Vec<Use<'_>>, ArchitectureError> {
        check_name(&self.name)?;
        let mut walk = Walk { uses: Vec::new(), parameters: 0 };
        let (seen, before) = match &self.branch {
            None if self.weight_sharing => return Err(ArchitectureError::NothingToShare),
            None => (Values::Image { channels: 2, side: SIDE }, "a pair of digits".to_owned()),
            Some(branch) => {
                let digit = Values::Image { channels: 1, side: SIDE };
                let sets = self.branch_names().len();
                let given = walk.through(
                    ("branch", &branch.layers, sets),
                    (digit, "a digit".to_owned()),
                    true,
                )?;
                let outputs = given.0.count(&given.1)?;
                if branch.output == BranchOutput::Digits && outputs != 10 {
                    return Err(ArchitectureError::Digits { layer: given.1, outputs });
                }
                let both = outputs.checked_mul(2);
                let both = both.ok_or(ArchitectureError::TooLarge { layer: given.1 })?;
                (Values::Units(both), "a pair of branches".to_owned())
            }
        };
        let digits = self.branch.as_ref().is_some_and(|b| b.output == BranchOutput::Digits);
        if self.auxiliary_loss && !digits {
            return Err(ArchitectureError::NoDigits);
        }
        let first = self.branch.is_none();
        let (given, layer) =
            walk.through(("comparator", &self.comparator, 1), (seen, before), first)?;
        match given.count(&layer)? {
            1 => Ok(walk.uses),
            outputs => Err(ArchitectureError::LastLayer { layer, outputs }),
        }
    }
}

/// Names stand in paths of records.
fn check_name(name: &str) -> Result<(), ArchitectureError> {
    let letter = |c: char| c.is_ascii_alphanumeric();
    let known = |c: char| letter(c) || matches!(c, '-' | '_' | '.');
    if name.starts_with(letter) && name.chars().all(known) {
        Ok(())
    } else {
        Err(ArchitectureError::Name { name: name.to_owned() })
    }
}

impl Values {
    /// As many units as this is when flattened, on the way out of `layer`.
    fn count(self, layer: &str) -> Result<usize, ArchitectureError> {
        let count = match self {
            Values::Units(units) => Some(units),
            Values::Image { channels, side } => (side * side).checked_mul(channels),
        };
        count.ok_or_else(|| ArchitectureError::TooLarge { layer: layer.to_owned() })
    }
}

struct Walk<'a> {
    uses: Vec<Use<'a>>,
    parameters: usize,
}

impl<'a> Walk<'a> {
    /// What the layers of a part, of which there are so many `sets`, make of what comes `before`;
    /// with the name of the last.
    fn through(
        &mut self,
        (part, layers, sets): (&'static str, &'a [Layer], usize),
        mut before: (Values, String),
        first: bool,
    ) -> Result<(Values, String), ArchitectureError> {
        if layers.is_empty() {
            return Err(ArchitectureError::NoLayers { part });
        }
        for (index, layer) in layers.iter().enumerate() {
            let name = format!("{part}.{index}");
            let too_large = || ArchitectureError::TooLarge { layer: name.clone() };
            let weighed = after_weights(&layer.weights, &name, &before)?;
            let places = match weighed {
                Values::Image { side, .. } => side * side,
                Values::Units(_) => 1,
            };
            let values = after_steps(&layer.steps, weighed, &name)?;
            self.parameters = layer
                .parameters()
                .checked_mul(sets)
                .and_then(|count| count.checked_add(self.parameters))
                .filter(|&count| count <= MOST_PARAMETERS)
                .ok_or_else(too_large)?;
            let digits = if part == "branch" { 2 } else { 1 };
            self.uses.push(Use { layer, times: digits * places, first: first && index == 0 });
            before = (values, name);
        }
        Ok(before)
    }
}

fn after_weights(
    weights: &Weights,
    name: &str,
    (values, before): &(Values, String),
) -> Result<Values, ArchitectureError> {
    let layer = || name.to_owned();
    let not_zero = |what, size| match size {
        0 => Err(ArchitectureError::Zero { layer: layer(), what }),
        _ => Ok(()),
    };
    let fitting = |takes, unit, gives| {
        let before = before.clone();
        if takes == gives {
            return Ok(());
        }
        Err(ArchitectureError::Inputs { layer: layer(), takes, unit, before, gives })
    };
    match *weights {
        Weights::Linear { inputs, outputs } => {
            not_zero("no inputs", inputs)?;
            not_zero("no outputs", outputs)?;
            fitting(inputs, "inputs", values.count(before)?)?;
            Ok(Values::Units(outputs))
        }
        Weights::Convolution { inputs, outputs, kernel: size } => {
            not_zero("no inputs", inputs)?;
            not_zero("no outputs", outputs)?;
            not_zero("a kernel of 0×0", size)?;
            let &Values::Image { channels, side } = values else {
                let (what, before) = ("convolution", before.clone());
                return Err(ArchitectureError::NoImage { layer: layer(), what, before });
            };
            fitting(inputs, "channels", channels)?;
            if size > side {
                let what = "kernel";
                return Err(ArchitectureError::LargerThanImage {
                    layer: layer(),
                    what,
                    size,
                    side,
                });
            }
            Ok(Values::Image { channels: outputs, side: side + 1 - size })
        }
    }
}

fn after_steps(
    steps: &[Step],
    mut values: Values,
    name: &str,
) -> Result<Values, ArchitectureError> {
    let layer = || name.to_owned();
    if steps.iter().filter(|&&step| step == Step::BatchNorm).count() > 1 {
        return Err(ArchitectureError::BatchNormTwice { layer: layer() });
    }
    for &step in steps {
        match (step, values) {
            (Step::Dropout(probability), _) if !(0.0..1.0).contains(&probability) => {
                return Err(ArchitectureError::Dropout { layer: layer(), probability });
            }
            (Step::MaxPool, Values::Image { side: side @ ..2, .. }) => {
                let (what, size) = ("max-pool", 2);
                return Err(ArchitectureError::LargerThanImage {
                    layer: layer(),
                    what,
                    size,
                    side,
                });
            }
            (Step::MaxPool, Values::Image { channels, side }) => {
                values = Values::Image { channels, side: side / 2 };
            }
            (Step::MaxPool, Values::Units(_)) => {
                let (what, before) = ("max-pool", "its linear part".to_owned());
                return Err(ArchitectureError::NoImage { layer: layer(), what, before });
            }
            _ => {}
        }
    }
    Ok(values)
}
