"""Makes `ops.safetensors`: single operations with their gradients, in float64 (README.md)."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).resolve().parent
GENERATOR = torch.Generator().manual_seed(0)

Tensors = dict[str, Tensor]


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def record(name: str, inputs: Tensors, operation: Callable[..., Tensor], **constants: Tensor) -> Tensors:
    """`<name>.<input>`, `.output`, `.output_gradient` (random, given) and `.<input>_gradient`."""
    leaves = {key: tensor.clone().requires_grad_() for key, tensor in inputs.items()}
    output = operation(**leaves, **constants)
    output_gradient = normal(*output.shape)
    output.backward(output_gradient)
    entries = inputs | constants | {"output": output, "output_gradient": output_gradient}
    entries |= {f"{key}_gradient": leaf.grad for key, leaf in leaves.items()}
    return {f"{name}.{key}": tensor for key, tensor in entries.items()}


def convolution() -> Tensors:
    """Kernel 3 high and 2 wide; once with stride 1 and padding 1, once as the networks have it."""
    inputs = {"input": normal(3, 5, 7, 6), "weight": normal(4, 5, 3, 2), "bias": normal(4)}
    plain = {"input": normal(2, 3, 6, 6), "weight": normal(4, 3, 3, 3), "bias": normal(4)}
    return record(
        "conv2d", inputs, lambda input, weight, bias: functional.conv2d(input, weight, bias, padding=1)
    ) | record("conv2d_unpadded", plain, functional.conv2d)


def max_pool(name: str, image: Tensor, kernel: int) -> Tensors:
    return record(
        name, {"input": image}, lambda input: functional.max_pool2d(input, kernel, stride=2)
    )


def max_pools() -> Tensors:
    """Small whole numbers, so that most windows hold ties: all goes to the first maximum."""
    ties = torch.randint(0, 3, (2, 3, 5, 7), generator=GENERATOR).double()
    return max_pool("max_pool2d", ties, 2) | max_pool("max_pool2d_overlapping", ties, 3)


def batch_norm(name: str, *shape: int) -> Tensors:
    """Train mode, eps 1e-5, momentum 0.1, from running statistics that are not 0 and 1."""
    channels = shape[1]
    before = {
        "running_mean_before": normal(channels),
        "running_var_before": normal(channels).abs() + 0.5,
    }
    mean, variance = (tensor.clone() for tensor in before.values())
    inputs = {
        "input": 3.0 * normal(*shape) + 1.0,
        "weight": normal(channels),
        "bias": normal(channels),
    }
    recorded = record(
        name,
        inputs,
        lambda input, weight, bias: functional.batch_norm(
            input, mean, variance, weight, bias, training=True
        ),
    )
    evaluated = functional.batch_norm(inputs["input"], mean, variance, inputs["weight"], inputs["bias"])
    others = before | {"running_mean": mean, "running_var": variance, "eval_output": evaluated}
    return recorded | {f"{name}.{key}": tensor for key, tensor in others.items()}


def losses() -> Tensors:
    """Means over the batch; the large logits are there for whoever forgets to subtract the maximum."""
    scores, classes = 3.0 * normal(6, 10), torch.tensor([0, 9, 3, 3, 7, 1])
    scores[5, 2] = 900.0
    logits = torch.cat([3.0 * normal(6), torch.tensor([-800.0, 800.0], dtype=torch.float64)])
    targets = torch.tensor([0, 1, 1, 0, 1, 0, 0, 0], dtype=torch.float64)
    return (
        record("cross_entropy", {"input": scores}, functional.cross_entropy, target=classes)
        | record(
            "cross_entropy_softmax_twice",
            {"input": scores},
            lambda input, target: functional.cross_entropy(input.softmax(dim=1), target),
            target=classes,
        )
        | record(
            "bce_with_logits",
            {"input": logits},
            functional.binary_cross_entropy_with_logits,
            target=targets,
        )
        | record(
            "mse_sigmoid",
            {"input": logits},
            lambda input, target: functional.mse_loss(input.sigmoid(), target),
            target=targets,
        )
    )


def adam() -> Tensors:
    """Three steps with lr 0.01 under given gradients, 0 and some near eps = 1e-8 among them.

    `adam.parameter.1` to `.3` are with one optimiser; `adam_anew.parameter.*` with a new one a step.
    """
    initial = normal(12)
    gradients = [normal(12) for _ in range(3)]
    for gradient in gradients:
        gradient[0] = 0.0
        gradient[1:5] *= 1e-8
    tensors = {f"adam.gradient.{step}": gradient for step, gradient in enumerate(gradients, 1)}
    tensors["adam.parameter.0"] = initial
    for name, keeps_state in [("adam", True), ("adam_anew", False)]:
        parameter = initial.clone().requires_grad_()
        optimiser = torch.optim.Adam([parameter], lr=0.01)
        for step, gradient in enumerate(gradients, 1):
            if not keeps_state:
                optimiser = torch.optim.Adam([parameter], lr=0.01)
            parameter.grad = gradient.clone()
            optimiser.step()
            tensors[f"{name}.parameter.{step}"] = parameter.detach().clone()
            state = optimiser.state[parameter]
            tensors[f"{name}.first_moment.{step}"] = state["exp_avg"].clone()
            tensors[f"{name}.second_moment.{step}"] = state["exp_avg_sq"].clone()
    return tensors


def main() -> None:
    torch.set_num_threads(1)
    tensors = convolution() | max_pools() | losses() | adam()
    tensors |= batch_norm("batch_norm", 6, 4) | batch_norm("batch_norm_images", 3, 4, 3, 2)
    path = HERE / "ops.safetensors"
    # Copies, for an input that two entries share would be refused.
    save_file({key: tensor.detach().clone() for key, tensor in tensors.items()}, path)
    path.chmod(0o644)  # safetensors leaves it readable by its owner alone
    print(f"PyTorch {torch.__version__}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
