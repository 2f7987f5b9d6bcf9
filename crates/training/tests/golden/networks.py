"""The eight networks and the two recipes' losses in plain PyTorch.

This is the reference the Rust crates are held against: `generate.py` beside this file makes the
golden files from it, and `bench/pytorch.py` times it.

A network is up to three parts: `branch` (one for both digits) or `branch0` and `branch1` (one a
digit), or none; and `comparator`. A part is a row of layers, numbered from 0, so the parameters
are called `<part>.<i>.weight`, `<part>.<i>.bias`, `<part>.<i>.batch_norm.weight` and `.bias`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

DIGIT_CLASSES = 10
DIGIT_PIXELS = 14 * 14


class Dropout(nn.Module):
    """Dropout that draws its own mask, unless one was put into `mask` (1 keeps, 0 drops)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.mask: Tensor | None = None

    def forward(self, activations: Tensor) -> Tensor:
        if self.mask is None or not self.training:
            return functional.dropout(activations, self.probability, self.training)
        return activations * (self.mask / (1.0 - self.probability))


class Linear(nn.Linear):
    """Linear → ReLU → batch norm → dropout; all but the first are optional."""

    def __init__(
        self, inputs: int, outputs: int, *, relu: bool = True, norm: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__(inputs, outputs)
        self.relu = relu
        self.batch_norm = nn.BatchNorm1d(outputs) if norm else None
        self.dropout = Dropout(dropout) if dropout else None

    def forward(self, activations: Tensor) -> Tensor:
        # A layer flattens what it is given: an image, or the 120×1×1 of the last convolution.
        activations = super().forward(activations.flatten(1))
        if self.relu:
            activations = functional.relu(activations)
        if self.batch_norm is not None:
            activations = self.batch_norm(activations)
        if self.dropout is not None:
            activations = self.dropout(activations)
        return activations


class Convolution(nn.Conv2d):
    """Unpadded convolution → ReLU → batch norm → 2×2 max pool; the last two are optional."""

    # ReLU and max pool commute, values and gradients alike; pooling first leaves ReLU a quarter of
    # the work. Only the benchmark sets this: the reference stays as the networks are described.
    pool_first = False

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, norm: bool = False, pool: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel)
        self.batch_norm = nn.BatchNorm2d(outputs) if norm else None
        self.pool = pool

    def forward(self, activations: Tensor) -> Tensor:
        activations = super().forward(activations)
        if self.pool_first and self.pool and self.batch_norm is None:
            return functional.relu(functional.max_pool2d(activations, 2))
        activations = functional.relu(activations)
        if self.batch_norm is not None:
            activations = self.batch_norm(activations)
        if self.pool:
            activations = functional.max_pool2d(activations, 2)
        return activations


class Output(NamedTuple):
    """`logits` is (batch,); `digit_logits`, of an auxiliary variant only, is (2, batch, 10)."""

    logits: Tensor
    digit_logits: Tensor | None


class Network(nn.Module):
    """One of the eight networks; images (batch, 2, 14, 14) in, an `Output` out."""

    def __init__(self, variant: "Variant") -> None:
        super().__init__()
        self.variant = variant
        if variant.branch is not None and variant.shared:
            self.branch = variant.branch()
        elif variant.branch is not None:
            self.branch0 = variant.branch()
            self.branch1 = variant.branch()
        self.comparator = variant.comparator()

    def branches(self) -> tuple[nn.Module, nn.Module]:
        return (self.branch, self.branch) if self.variant.shared else (self.branch0, self.branch1)

    def forward(self, images: Tensor) -> Output:
        if self.variant.branch is None:
            return Output(self.comparator(images).squeeze(1), None)
        digits = [branch(images[:, i : i + 1]) for i, branch in enumerate(self.branches())]
        seen = torch.cat([self.variant.joint(digit) for digit in digits], dim=1)
        logits = self.comparator(seen).squeeze(1)
        return Output(logits, torch.stack(digits) if self.variant.auxiliary else None)


def mlp_branch() -> nn.Sequential:
    return nn.Sequential(
        Linear(DIGIT_PIXELS, 200, norm=True),
        Linear(200, 84, norm=True),
        Linear(84, DIGIT_CLASSES, relu=False),
    )


def lenet5_features(channels: int, *, norm: bool) -> list[nn.Module]:
    return [
        Convolution(channels, 16, 3, norm=norm),
        Convolution(16, 32, 3, norm=norm),
        Convolution(32, 120, 2, norm=norm, pool=False),
    ]


def lenet5_branch() -> nn.Sequential:
    return nn.Sequential(
        *lenet5_features(1, norm=False),
        Linear(120, 84, norm=True),
        Linear(84, DIGIT_CLASSES, relu=False),
    )


def lenet5_feature_branch() -> nn.Sequential:
    return nn.Sequential(*lenet5_features(1, norm=True))


def head(inputs: int, *hidden: int, norm: bool, dropout: float = 0.0) -> nn.Sequential:
    """Hidden layers of the given sizes, then the one logit."""
    sizes = [inputs, *hidden]
    layers = [Linear(i, o, norm=norm, dropout=dropout) for i, o in zip(sizes, hidden)]
    return nn.Sequential(*layers, Linear(sizes[-1], 1, relu=False))


def lenet5_whole() -> nn.Sequential:
    return nn.Sequential(*lenet5_features(2, norm=False), *head(120, 84, norm=True))


def softmax(digit: Tensor) -> Tensor:
    return digit.softmax(dim=1)


def flatten(features: Tensor) -> Tensor:
    return features.flatten(1)


@dataclass(frozen=True)
class Variant:
    """What a network is made of; `joint` turns a branch's output into what the comparator sees."""

    parameters: int
    comparator: Callable[[], nn.Sequential]
    branch: Callable[[], nn.Sequential] | None = None
    joint: Callable[[Tensor], Tensor] = softmax
    shared: bool = False
    auxiliary: bool = False


def mlp_auxiliary_head() -> nn.Sequential:
    return head(20, 200, 84, norm=True, dropout=0.5)


def lenet5_auxiliary_head() -> nn.Sequential:
    return head(20, 200, 84, norm=False, dropout=0.7)


VARIANTS: dict[str, Variant] = {
    "mlp": Variant(96_137, lambda: head(2 * DIGIT_PIXELS, 200, 84, norm=True)),
    "mlp-ws": Variant(
        103_103, lambda: head(20, 200, 200, norm=True), mlp_branch, torch.sigmoid, shared=True
    ),
    "mlp-al": Variant(137_141, mlp_auxiliary_head, mlp_branch, auxiliary=True),
    "mlp-ws-al": Variant(79_439, mlp_auxiliary_head, mlp_branch, shared=True, auxiliary=True),
    "lenet5": Variant(30_841, lenet5_whole),
    "lenet5-ws": Variant(
        41_113, lambda: head(240, 84, norm=True), lenet5_feature_branch, flatten, shared=True
    ),
    "lenet5-al": Variant(84_093, lenet5_auxiliary_head, lenet5_branch, auxiliary=True),
    "lenet5-ws-al": Variant(
        52_631, lenet5_auxiliary_head, lenet5_branch, shared=True, auxiliary=True
    ),
}


def build(name: str) -> Network:
    """The network of that name, with PyTorch's default initial weights from its global generator."""
    network = Network(VARIANTS[name])
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == VARIANTS[name].parameters, f"{name}: {count} parameters"
    # PyTorch's own layers start at U(±1/√fan_in) for weights and biases alike; nothing to add.
    return network


def dropouts(network: Network) -> list[Dropout]:
    """The dropout layers in order of application."""
    return [module for module in network.modules() if isinstance(module, Dropout)]


@dataclass(frozen=True)
class Recipe:
    """What the two recipes do differently, as far as one step of training shows it."""

    mean_squared_error: bool  # main loss: MSE on the sigmoid, or binary cross-entropy on the logit
    softmax_twice: bool  # auxiliary loss: cross-entropy on the softmax, or on the digit logits
    auxiliary_weight: float
    main_weight: float
    keeps_adam_state: bool
    evaluates_in_train_mode: bool


RECIPES: dict[str, Recipe] = {
    "paper": Recipe(False, False, 0.5, 0.3, True, False),
    "authors": Recipe(True, True, 0.05, 0.3, False, True),
}

LEARNING_RATE = 0.01


class Losses(NamedTuple):
    """`auxiliary` is the unweighted sum over the two digits, 0 where the variant has none."""

    total: Tensor
    main: Tensor
    auxiliary: Tensor


def losses(recipe: Recipe, output: Output, targets: Tensor, classes: Tensor) -> Losses:
    """Targets (batch,) are 0.0 or 1.0; classes (batch, 2) are int64."""
    if recipe.mean_squared_error:
        main = functional.mse_loss(output.logits.sigmoid(), targets)
    else:
        main = functional.binary_cross_entropy_with_logits(output.logits, targets)
    if output.digit_logits is None:
        return Losses(main, main, torch.zeros_like(main))
    digits = output.digit_logits.softmax(dim=2) if recipe.softmax_twice else output.digit_logits
    auxiliary = functional.cross_entropy(digits[0], classes[:, 0])
    auxiliary = auxiliary + functional.cross_entropy(digits[1], classes[:, 1])
    total = recipe.auxiliary_weight * auxiliary + recipe.main_weight * main
    return Losses(total, main, auxiliary)
