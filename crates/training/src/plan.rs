//! What a sweep trains.

use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Architecture, Step};
use pairnet_record::{
    MOST_RUNS, Origin, Provenance, RecipeSettings, SWEEP_FORMAT, Settings, Sweep,
};

use crate::TrainingError;
use crate::recipe::Recipe;
use crate::setup::Setup;

/// What a sweep trains: every recipe with every variant, `runs` times.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order in which they are trained.
    pub recipes: Vec<Recipe>,
    /// In the order in which they are trained.
    pub variants: Vec<Architecture>,
    /// Runs of each recipe and variant, 1 to [`MOST_RUNS`].
    pub runs: usize,
    /// Where every random stream comes from.
    pub seed: u64,
}

/// One training of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// How the network is trained.
    pub recipe: &'a Recipe,
    /// Which network.
    pub variant: &'a Architecture,
    /// Counted from 0.
    pub run: usize,
}

impl Plan {
    /// All trainings, in order.
    pub fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        self.recipes.iter().flat_map(move |recipe| {
            self.variants.iter().flat_map(move |variant| {
                (0..self.runs).map(move |run| Job { recipe, variant, run })
            })
        })
    }

    /// The plan as it is written down before training, with what else changes the records.
    ///
    /// # Errors
    ///
    /// Where there are no runs or too many, the sizes of a network do not fit each other, or a
    /// recipe's field is out of its range.
    pub fn asked(
        &self,
        setup: &Setup,
        data: &Mnist,
        provenance: Provenance,
    ) -> Result<Sweep, TrainingError> {
        if !(1..=MOST_RUNS).contains(&self.runs) {
            return Err(TrainingError::Runs { asked: self.runs });
        }
        self.variants.iter().try_for_each(Architecture::check)?;
        let normalised = self.variants.iter().find(|variant| {
            variant.layers().any(|(_, layer)| layer.steps.contains(&Step::BatchNorm))
        });
        for recipe in &self.recipes {
            let checked = recipe.check().and_then(|()| match normalised {
                Some(variant) => recipe.check_batches(&variant.name),
                None => Ok(()),
            });
            checked.map_err(|source| {
                let name = recipe.name.clone();
                TrainingError::Field { name, source }
            })?;
        }
        let settings = Settings {
            recipes: self.recipes.iter().map(settings).collect::<Result<_, _>>()?,
            variants: self.variants.iter().map(|variant| variant.name.clone()).collect(),
            runs: self.runs,
            seed: self.seed,
            device: device_name(&setup.device).to_owned(),
            test_every_epoch: setup.test_every_epoch,
            data: data.checksums.clone(),
        };
        let networks = self.variants.clone();
        Ok(Sweep { format: SWEEP_FORMAT, settings, networks, provenance })
    }
}

/// The hash of what a run follows from, as its record has it.
///
/// # Errors
///
/// Where a recipe's field cannot be written as JSON.
pub fn follows_from(
    recipe: &Recipe,
    variant: &Architecture,
    seed: u64,
    data: &Mnist,
    setup: &Setup,
) -> Result<String, TrainingError> {
    let origin = Origin {
        recipe: &settings(recipe)?,
        network: Some(variant),
        seed,
        device: device_name(&setup.device),
        test_every_epoch: setup.test_every_epoch,
        data: &data.checksums,
    };
    Ok(origin.sha256())
}

fn settings(recipe: &Recipe) -> Result<RecipeSettings, TrainingError> {
    let fields = serde_json::to_value(recipe)
        .map_err(|source| TrainingError::Recipe { name: recipe.name.clone(), source })?;
    Ok(RecipeSettings { name: recipe.name.clone(), fields })
}

fn device_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}
