//! What moves the weights, as a recipe says.

use candle_core::backprop::GradStore;
use candle_core::{Result, Var};
use candle_nn::ParamsAdamW;
use pairnet_ops::{
    Adam, AdamW, OptimiserState, Optimizer, Sgd, SgdSettings, StatefulOptimizer, clip_gradient_norm,
};

use crate::choices::{AdamState, OptimiserKind};
use crate::recipe::Recipe;
use crate::schedule::LearningRate;

/// What moves the weights at each step of a run, as its recipe says: the optimiser with its schedule,
/// and gradients that are not too long.
#[derive(Debug)]
pub struct Optimiser {
    rule: Rule,
    variables: Vec<Var>,
    learning_rate: LearningRate,
    remade_each_step: bool,
    gradient_clip: Option<f64>,
}

#[derive(Debug)]
enum Rule {
    Adam(Adam),
    AdamW(AdamW),
    Sgd(Sgd),
}

impl Optimiser {
    /// That of `recipe` for a network's parameters, before any step; `batches` are an epoch's.
    ///
    /// # Errors
    ///
    /// Where a setting is out of its range ([`Recipe::check`]), or the device has no memory left.
    pub fn new(recipe: &Recipe, parameters: Vec<(String, Var)>, batches: usize) -> Result<Self> {
        let variables = parameters.iter().map(|(_, variable)| variable.clone()).collect();
        let Recipe { learning_rate: lr, beta1, beta2, epsilon: eps, .. } = *recipe;
        let Recipe { momentum, weight_decay, .. } = *recipe;
        let rule = match recipe.optimiser {
            OptimiserKind::Adam => Rule::Adam(Adam::named(parameters, recipe.adam())?),
            OptimiserKind::Adamw => {
                let settings = ParamsAdamW { lr, beta1, beta2, eps, weight_decay };
                Rule::AdamW(AdamW::named(parameters, settings)?)
            }
            OptimiserKind::Sgd => {
                let settings = SgdSettings { momentum, weight_decay, ..SgdSettings::pytorch(lr) };
                Rule::Sgd(Sgd::named(parameters, settings)?)
            }
        };
        Ok(Self {
            rule,
            variables,
            learning_rate: LearningRate::of(recipe, batches),
            remade_each_step: recipe.adam_state == AdamState::RemadeEachStep,
            gradient_clip: recipe.gradient_clip,
        })
    }

    /// Moves every parameter by one step, of which `step` were taken before.
    ///
    /// # Errors
    ///
    /// Where a gradient does not fit its parameter, or the device has no memory left.
    pub fn step(&mut self, step: usize, mut gradients: GradStore) -> Result<()> {
        if self.remade_each_step {
            match &mut self.rule {
                Rule::Adam(adam) => adam.reset()?,
                Rule::AdamW(adamw) => adamw.reset()?,
                Rule::Sgd(sgd) => sgd.reset()?,
            }
        }
        if !self.learning_rate.is_constant() {
            let rate = self.learning_rate.at(step);
            match &mut self.rule {
                Rule::Adam(adam) => adam.set_learning_rate(rate),
                Rule::AdamW(adamw) => adamw.set_learning_rate(rate),
                Rule::Sgd(sgd) => sgd.set_learning_rate(rate),
            }
        }
        if let Some(largest) = self.gradient_clip {
            clip_gradient_norm(&mut gradients, &self.variables, largest)?;
        }
        match &mut self.rule {
            Rule::Adam(adam) => adam.step(&gradients),
            Rule::AdamW(adamw) => adamw.step(&gradients),
            Rule::Sgd(sgd) => sgd.step(&gradients),
        }
    }

    pub(crate) fn state(&self) -> Result<OptimiserState> {
        match &self.rule {
            Rule::Adam(adam) => adam.state(),
            Rule::AdamW(adamw) => adamw.state(),
            Rule::Sgd(sgd) => sgd.state(),
        }
    }

    pub(crate) fn load_state(&mut self, state: &OptimiserState) -> Result<()> {
        match &mut self.rule {
            Rule::Adam(adam) => adam.load_state(state),
            Rule::AdamW(adamw) => adamw.load_state(state),
            Rule::Sgd(sgd) => sgd.load_state(state),
        }
    }
}
