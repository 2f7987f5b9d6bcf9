"""A few training steps on one fixed batch, and everything they leave to compare."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from networks import LEARNING_RATE, Losses, Network, Output, Recipe, dropouts, losses

STEPS = 3

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    images: Tensor  # (batch, 2, 14, 14), 0 to 255
    classes: Tensor  # (batch, 2), int64
    masks: list[Tensor]  # per dropout layer (batch, units): 1 keeps, 0 drops

    @property
    def targets(self) -> Tensor:
        return (self.classes[:, 0] <= self.classes[:, 1]).to(self.images.dtype)

    def to(self, dtype: torch.dtype) -> "Batch":
        return Batch(self.images.to(dtype), self.classes, [mask.to(dtype) for mask in self.masks])

    def reordered(self, order: Tensor) -> "Batch":
        masks = [mask[order] for mask in self.masks]
        return Batch(self.images[order], self.classes[order], masks)


@dataclass(frozen=True)
class Trace:
    """The first four are of the first step, `after` of the last."""

    output: Output
    losses: Losses
    gradients: Tensors
    running: Tensors  # batch norm's statistics after one forward pass in train mode
    eval_logits: Tensor  # with those statistics and the initial weights
    after: Tensors


def detached(tensors: Tensors) -> Tensors:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def running_statistics(network: Network) -> Tensors:
    """`<part>.<i>.batch_norm.mean` and `.var`, as PyTorch keeps them: the unbiased variance."""
    return {
        name.replace("running_", ""): buffer.clone()
        for name, buffer in network.named_buffers()
        if "running_" in name
    }


@torch.no_grad()
def logits_in_eval_mode(network: Network, images: Tensor) -> Tensor:
    network.eval()
    logits = network(images).logits
    network.train()
    return logits


def trace(initial: Network, recipe: Recipe, batch: Batch, dtype: torch.dtype) -> Trace:
    """Trains a copy; every step sees the same batch and masks."""
    network = copy.deepcopy(initial).to(dtype).train()
    batch = batch.to(dtype)
    for dropout, mask in zip(dropouts(network), batch.masks, strict=True):
        dropout.mask = mask
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    first = None
    for step in range(STEPS):
        if not recipe.keeps_adam_state:
            optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
        optimiser.zero_grad()
        output = network(batch.images)
        loss = losses(recipe, output, batch.targets, batch.classes)
        loss.total.backward()
        if step == 0:
            gradients = {name: p.grad.clone() for name, p in network.named_parameters()}
            running = running_statistics(network)
            first = (output, loss, gradients, running, logits_in_eval_mode(network, batch.images))
        optimiser.step()
    assert first is not None
    return Trace(*first, after=detached(dict(network.named_parameters())))
