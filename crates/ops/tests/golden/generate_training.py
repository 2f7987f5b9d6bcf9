"""Makes the golden files beside it: optimisers step by step, losses and softmax (README.md)."""

from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).resolve().parent
GENERATOR = torch.Generator().manual_seed(0)
STEPS = 5
# The learning rate of each step, times that of the optimiser.
SCHEDULE = [1.0, 1.0, 0.25, 0.5, 2.0]

Tensors = dict[str, Tensor]

OPTIMISERS = {
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adam_weight_decay": (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.1}),
    "adam_other_constants": (torch.optim.Adam, {"lr": 0.1, "betas": (0.5, 0.75), "eps": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.01}),
    "adamw_strong_decay": (torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.5, "betas": (0.8, 0.9)}),
    "adamw_no_decay": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.0}),
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "sgd_weight_decay": (torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.2}),
    "sgd_momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "sgd_dampening": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    "sgd_nesterov": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_all": (
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.5, "weight_decay": 0.2},
    ),
    "sgd_nesterov_weight_decay": (
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.2, "nesterov": True},
    ),
}
STATE = {"exp_avg": "first_moment", "exp_avg_sq": "second_moment", "momentum_buffer": "momentum"}


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def optimisers() -> Tensors:
    """Five steps under given gradients: 0, some near eps = 1e-8 and large ones are among them."""
    initial = [normal(4, 5), normal(7)]
    gradients = [[normal(4, 5), normal(7)] for _ in range(STEPS)]
    for first, _ in gradients:
        first[0, 0] = 0.0
        first[1] *= 1e-8
        first[2] *= 1e4
    tensors = {f"parameter.{index}": tensor for index, tensor in enumerate(initial)}
    for step, both in enumerate(gradients, 1):
        tensors |= {f"gradient.{index}.{step}": tensor for index, tensor in enumerate(both)}
    for name, (optimiser_class, options) in OPTIMISERS.items():
        parameters = [tensor.clone().requires_grad_() for tensor in initial]
        optimiser = optimiser_class(parameters, **options)
        for step, both in enumerate(gradients, 1):
            optimiser.param_groups[0]["lr"] = options["lr"] * SCHEDULE[step - 1]
            for parameter, gradient in zip(parameters, both):
                parameter.grad = gradient.clone()
            optimiser.step()
            for index, parameter in enumerate(parameters):
                tensors[f"{name}.parameter.{index}.{step}"] = parameter.detach().clone()
                for key, value in optimiser.state[parameter].items():
                    if key in STATE and value is not None:
                        tensors[f"{name}.{STATE[key]}.{index}.{step}"] = value.clone()
    return tensors


def record(name: str, inputs: Tensors, operation, **constants: Tensor) -> Tensors:
    """`<name>.<input>`, `.output`, `.output_gradient` (random, given) and `.<input>_gradient`."""
    leaves = {key: tensor.clone().requires_grad_() for key, tensor in inputs.items()}
    output = operation(**leaves, **constants)
    output_gradient = normal(*output.shape)
    output.backward(output_gradient)
    entries = inputs | constants | {"output": output, "output_gradient": output_gradient}
    entries |= {f"{key}_gradient": leaf.grad for key, leaf in leaves.items()}
    return {f"{name}.{key}": tensor for key, tensor in entries.items()}


def losses() -> Tensors:
    """Means; large logits are among them, and classes of each dtype."""
    scores = 3.0 * normal(6, 7)
    scores[5, 2] = 900.0
    classes = torch.tensor([0, 6, 3, 3, 5, 1])
    tensors = record("log_softmax", {"input": scores}, lambda input: input.log_softmax(-1))
    tensors |= record("nll", {"input": scores}, functional.nll_loss, target=classes)
    tensors |= record("cross_entropy", {"input": scores}, functional.cross_entropy, target=classes)
    for rank, shape in enumerate([(), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 4)]):
        logits, targets = 3.0 * normal(*shape), torch.rand(shape, generator=GENERATOR).double()
        both = {"input": logits, "target": targets}
        tensors |= record(f"bce_{rank}", both, functional.binary_cross_entropy_with_logits)
        tensors |= record(f"mse_{rank}", both, functional.mse_loss)
        if rank > 0:
            one = {"input": logits}
            tensors |= record(f"softmax_{rank}", one, lambda input: input.softmax(-1))
            tensors |= record(f"log_softmax_{rank}", one, lambda input: input.log_softmax(-1))
    return tensors


def batch_norms() -> Tensors:
    """Train mode, momentum 0.1, with and without dimensions behind the channels."""
    tensors = {}
    for rank, shape in [(2, (6, 4)), (3, (5, 4, 3)), (4, (3, 4, 3, 2)), (5, (2, 4, 3, 2, 2))]:
        name = f"batch_norm_{rank}"
        mean, variance = normal(4), normal(4).abs() + 0.5
        before = {"running_mean_before": mean.clone(), "running_var_before": variance.clone()}
        inputs = {"input": 3.0 * normal(*shape) + 1.0, "weight": normal(4), "bias": normal(4)}
        tensors |= record(
            name,
            inputs,
            lambda input, weight, bias: functional.batch_norm(
                input, mean, variance, weight, bias, training=True, eps=1e-3
            ),
        )
        evaluated = functional.batch_norm(
            inputs["input"], mean, variance, inputs["weight"], inputs["bias"], eps=1e-3
        )
        others = before | {"running_mean": mean, "running_var": variance, "eval_output": evaluated}
        tensors |= {f"{name}.{key}": tensor for key, tensor in others.items()}
    return tensors


def main() -> None:
    torch.set_num_threads(1)
    files = {"optimisers": optimisers(), "losses": losses(), "batch_norms": batch_norms()}
    for name, tensors in files.items():
        path = HERE / f"{name}.safetensors"
        # Copies, for an input that two entries share would be refused.
        save_file({key: tensor.detach().clone() for key, tensor in tensors.items()}, path)
        path.chmod(0o644)  # safetensors leaves it readable by its owner alone
        print(f"PyTorch {torch.__version__}: {len(tensors)} tensors in {path.name}")


if __name__ == "__main__":
    main()
