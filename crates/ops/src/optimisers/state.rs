//! An optimiser's state, in memory and in a file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Result, Tensor, Var, bail, safetensors};
use candle_nn::{Optimizer, VarMap};

/// All that an optimiser needs to go on where it was.
#[derive(Clone, Debug)]
pub struct OptimiserState {
    /// How many steps were taken.
    pub steps: usize,
    /// The learning rate of the next step.
    pub learning_rate: f64,
    /// What the optimiser remembers of each variable: `<what>.<variable>`, the variable by its name or,
    /// where it was given without one, its place among the variables, from 0.
    pub tensors: BTreeMap<String, Tensor>,
}

const STEPS: &str = "steps";
const LEARNING_RATE: &str = "learning_rate";

impl OptimiserState {
    /// Writes the state to a safetensors file: the tensors, and beside them `steps` (I64) and
    /// `learning_rate` (F64), both scalars. What was there is replaced only by a whole file.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    pub fn save(&self, file: impl AsRef<Path>) -> Result<()> {
        let mut tensors: HashMap<&str, Tensor> =
            self.tensors.iter().map(|(name, tensor)| (&name[..], tensor.clone())).collect();
        tensors.insert(STEPS, Tensor::new(self.steps as i64, &Device::Cpu)?);
        tensors.insert(LEARNING_RATE, Tensor::new(self.learning_rate, &Device::Cpu)?);
        let mut unfinished = file.as_ref().as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        safetensors::save(&tensors, &unfinished)?;
        Ok(std::fs::rename(&unfinished, file)?)
    }

    /// Reads what [`OptimiserState::save`] wrote.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or has no steps or learning rate.
    pub fn load(file: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let file = file.as_ref();
        let mut tensors = safetensors::load(file, device)?;
        let mut scalar = |name: &str| match tensors.remove(name) {
            Some(tensor) => Ok(tensor),
            None => bail!("{} is no state of an optimiser: it has no '{name}'", file.display()),
        };
        let steps = scalar(STEPS)?.to_scalar::<i64>()?;
        let learning_rate = scalar(LEARNING_RATE)?.to_scalar()?;
        let Ok(steps) = usize::try_from(steps) else {
            bail!("{}: an optimiser cannot have taken {steps} steps", file.display());
        };
        Ok(Self { steps, learning_rate, tensors: tensors.into_iter().collect() })
    }
}

/// An optimiser that can be stopped and go on later with the same bits.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// use pairnet_ops::{Adam, AdamSettings, Optimizer, StatefulOptimizer};
///
/// # fn main() -> candle_core::Result<()> {
/// let weight = Var::ones(3, DType::F32, &Device::Cpu)?;
/// let variables = || vec![("weight".to_owned(), weight.clone())];
/// let mut adam = Adam::named(variables(), AdamSettings::pytorch(0.1))?;
/// adam.step(&weight.sqr()?.sum_all()?.backward()?)?;
///
/// let mut later = Adam::named(variables(), AdamSettings::pytorch(0.1))?;
/// later.load_state(&adam.state()?)?;
/// assert_eq!(later.steps(), 1);
/// # Ok(())
/// # }
/// ```
pub trait StatefulOptimizer: Optimizer {
    /// An optimiser that has taken no step yet, of variables with names. The state goes by them, where
    /// [`Optimizer::new`] goes by the variables' order; candle's `VarMap::all_vars` has another one in
    /// each process ([`named_variables`]).
    ///
    /// # Errors
    ///
    /// As [`Optimizer::new`], and where two variables have one name.
    fn named(variables: Vec<(String, Var)>, config: Self::Config) -> Result<Self>;

    /// How many steps were taken. A variable that had no gradient at a step counts it too, where PyTorch
    /// counts variable by variable.
    fn steps(&self) -> usize;

    /// Forgets all steps and what was remembered of them, as if made anew. The learning rate stays.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    fn reset(&mut self) -> Result<()>;

    /// A copy of the state, which does not change with the next steps.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    fn state(&self) -> Result<OptimiserState>;

    /// Goes on from a state, of which it takes a copy.
    ///
    /// # Errors
    ///
    /// Where a tensor of the state is missing, is no variable's, or has another shape or dtype than its
    /// variable, or the learning rate is negative or not finite. What is refused changes nothing.
    fn load_state(&mut self, state: &OptimiserState) -> Result<()>;

    /// Writes the state to a safetensors file.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    fn save(&self, file: impl AsRef<Path>) -> Result<()> {
        self.state()?.save(file)
    }

    /// Goes on from a state in a safetensors file.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, and as [`StatefulOptimizer::load_state`].
    fn load(&mut self, file: impl AsRef<Path>) -> Result<()> {
        self.load_state(&OptimiserState::load(file, &Device::Cpu)?)
    }
}

/// The variables of a map with their names, in the names' order, which is the same in every process.
///
/// # Errors
///
/// Where another thread panicked while it held the map.
pub fn named_variables(map: &VarMap) -> Result<Vec<(String, Var)>> {
    let Ok(map) = map.data().lock() else {
        bail!("another thread panicked while it held the map of variables");
    };
    let sorted: BTreeMap<_, _> = map.iter().collect();
    Ok(sorted.into_iter().map(|(name, variable)| (name.clone(), variable.clone())).collect())
}

/// Names and tensors of a state, taken one by one.
pub(super) struct Taken<'a> {
    optimiser: &'static str,
    state: &'a OptimiserState,
    known: BTreeSet<String>,
}

impl<'a> Taken<'a> {
    pub(super) fn new(optimiser: &'static str, state: &'a OptimiserState) -> Self {
        Self { optimiser, state, known: BTreeSet::new() }
    }

    /// A copy of the tensor of that name, where there is one, beside its variable.
    pub(super) fn optional(&mut self, name: String, variable: &Var) -> Result<Option<Tensor>> {
        let found = self.state.tensors.get(&name);
        if let Some(tensor) = found
            && (tensor.shape() != variable.shape() || tensor.dtype() != variable.dtype())
        {
            bail!(
                "{}: '{name}' of the state has shape {:?} and dtype {:?}, its variable {:?} and {:?}",
                self.optimiser,
                tensor.shape(),
                tensor.dtype(),
                variable.shape(),
                variable.dtype()
            );
        }
        self.known.insert(name);
        let copy =
            |tensor: &Tensor| tensor.detach().to_device(variable.device())?.contiguous()?.copy();
        found.map(copy).transpose()
    }

    /// A copy of the tensor of that name, which there has to be.
    pub(super) fn required(&mut self, name: String, variable: &Var) -> Result<Tensor> {
        match self.optional(name.clone(), variable)? {
            Some(tensor) => Ok(tensor),
            None => bail!("{}: the state has no '{name}'", self.optimiser),
        }
    }

    /// Whether nothing is left.
    pub(super) fn end(self) -> Result<()> {
        match self.state.tensors.keys().find(|&name| !self.known.contains(name)) {
            Some(name) => {
                bail!("{}: '{name}' of the state belongs to no variable", self.optimiser)
            }
            None => Ok(()),
        }
    }
}
