"""Three training steps of one network with each of the settings that neither recipe has.

Writes `settings.safetensors`: every sixteenth weight, in float64 as all of the computation. Inputs
are those of `mlp-ws-al.safetensors`.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from networks import Network, build, dropouts

FOLDER = Path(__file__).parent
VARIANT = "mlp-ws-al"
STEPS = 3
EVERY = 16
LEARNING_RATE = 0.01
MAIN_WEIGHT, AUXILIARY_WEIGHT = 0.3, 0.5

Optimisers = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
Scheduler = torch.optim.lr_scheduler.LRScheduler


def adam(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=LEARNING_RATE)


def cosine(optimiser: torch.optim.Optimizer, steps: int) -> Scheduler:
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)


def one_cycle(optimiser: torch.optim.Optimizer, steps: int) -> Scheduler:
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=LEARNING_RATE, total_steps=steps, cycle_momentum=False
    )


def warm_up(optimiser: torch.optim.Optimizer, steps: int) -> Scheduler:
    return torch.optim.lr_scheduler.LinearLR(
        optimiser, start_factor=1 / steps, end_factor=1.0, total_iters=steps - 1
    )


def warm_up_then_cosine(optimiser: torch.optim.Optimizer, steps: int, warm: int) -> Scheduler:
    parts = [warm_up(optimiser, warm), cosine(optimiser, steps - warm)]
    return torch.optim.lr_scheduler.SequentialLR(optimiser, parts, milestones=[warm])


def network(weights: dict[str, Tensor], masks: list[Tensor]) -> Network:
    built = build(VARIANT).double().train()
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            parameter.copy_(weights[f"weights.{name}"])
    for dropout, mask in zip(dropouts(built), masks, strict=True):
        dropout.mask = mask
    return built


def after(
    inputs: dict[str, Tensor],
    *,
    optimisers: Optimisers = adam,
    schedule: Callable[[torch.optim.Optimizer], Scheduler] | None = None,
    smoothing: float = 0.0,
    clip: float | None = None,
    scale: Callable[[Tensor], Tensor] = lambda images: images,
) -> dict[str, Tensor]:
    inputs = {name: tensor.double() for name, tensor in inputs.items()}
    trained = network(inputs, [inputs["masks.0"], inputs["masks.1"]])
    images, classes = scale(inputs["images"]), inputs["classes"].long()
    targets = inputs["targets"] * (1 - smoothing) + smoothing / 2
    optimiser = optimisers(list(trained.parameters()))
    scheduler = schedule(optimiser) if schedule is not None else None
    for _ in range(STEPS):
        optimiser.zero_grad()
        output = trained(images)
        assert output.digit_logits is not None
        loss = MAIN_WEIGHT * functional.binary_cross_entropy_with_logits(output.logits, targets)
        for digit, logits in enumerate(output.digit_logits):
            loss = loss + AUXILIARY_WEIGHT * functional.cross_entropy(
                logits, classes[:, digit], label_smoothing=smoothing
            )
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(trained.parameters(), clip)
        optimiser.step()
        if scheduler is not None:
            scheduler.step()
    parameters = trained.named_parameters()
    return {name: parameter.detach().flatten()[::EVERY].clone() for name, parameter in parameters}


def rates(schedule: Callable[[torch.optim.Optimizer], Scheduler], steps: int) -> Tensor:
    optimiser = adam([nn.Parameter(torch.zeros(1))])
    scheduler = schedule(optimiser)
    seen = []
    for _ in range(steps):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return torch.tensor(seen, dtype=torch.float64)


def standardised(images: Tensor) -> Tensor:
    return (images - images.mean()) / images.std(correction=0)


def main() -> None:
    inputs = load_file(FOLDER / f"{VARIANT}.safetensors")
    settings = {
        "adam_weight_decay": after(
            inputs, optimisers=lambda p: torch.optim.Adam(p, lr=LEARNING_RATE, weight_decay=0.1)
        ),
        "adamw": after(
            inputs, optimisers=lambda p: torch.optim.AdamW(p, lr=LEARNING_RATE, weight_decay=0.1)
        ),
        "sgd": after(inputs, optimisers=lambda p: torch.optim.SGD(p, lr=LEARNING_RATE)),
        "sgd_momentum": after(
            inputs,
            optimisers=lambda p: torch.optim.SGD(
                p, lr=LEARNING_RATE, momentum=0.9, weight_decay=0.1
            ),
        ),
        "cosine": after(inputs, schedule=lambda o: cosine(o, 4)),
        "one_cycle": after(inputs, schedule=lambda o: one_cycle(o, 4)),
        "warm_up": after(inputs, schedule=lambda o: warm_up(o, 2)),
        "label_smoothing": after(inputs, smoothing=0.1),
        "gradient_clip": after(
            inputs, clip=0.5, optimisers=lambda p: torch.optim.SGD(p, lr=LEARNING_RATE)
        ),
        "unit": after(inputs, scale=lambda images: images / 255),
        "standardised": after(inputs, scale=standardised),
    }
    tensors = {
        f"{setting}.{name}": tensor
        for setting, parameters in settings.items()
        for name, tensor in parameters.items()
    }
    tensors["rates.cosine"] = rates(lambda o: cosine(o, 40), 40)
    tensors["rates.one_cycle"] = rates(lambda o: one_cycle(o, 40), 40)
    tensors["rates.one_cycle_short"] = rates(lambda o: one_cycle(o, 3), 3)
    tensors["rates.warm_up"] = rates(lambda o: warm_up(o, 8), 40)
    tensors["rates.warm_up_then_cosine"] = rates(lambda o: warm_up_then_cosine(o, 40, 8), 40)
    path = FOLDER / "settings.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)  # safetensors leaves it readable by its owner alone
    print(f"torch {torch.__version__}: {len(tensors)} tensors of {len(settings)} settings")


if __name__ == "__main__":
    main()
