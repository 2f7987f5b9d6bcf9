"""Makes `settings.safetensors`: convolution, linear layers and pooling with every setting (README.md)."""

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


def record(name: str, inputs: Tensors, operation: Callable[..., Tensor], *settings: int) -> Tensors:
    """`<name>.<input>`, `.settings`, `.output`, `.output_gradient` (random, given) and the gradients."""
    leaves = {key: tensor.clone().requires_grad_() for key, tensor in inputs.items()}
    output = operation(**leaves)
    output_gradient = normal(*output.shape)
    output.backward(output_gradient)
    entries = inputs | {"output": output, "output_gradient": output_gradient}
    entries |= {f"{key}_gradient": leaf.grad for key, leaf in leaves.items()}
    if settings:
        entries["settings"] = torch.tensor(settings)
    return {f"{name}.{key}": tensor for key, tensor in entries.items()}


def convolutions() -> Tensors:
    """Kernels 3 high and 2 wide on images of 6×7: strides and gaps leave rests. With a bias and without."""
    tensors: Tensors = {}
    for padding, stride, dilation, groups in [
        (0, 2, 1, 1),
        (1, 2, 1, 1),
        (2, 3, 1, 1),
        (0, 1, 2, 1),
        (3, 1, 3, 1),
        (2, 2, 2, 1),
        (1, 1, 1, 2),
        (0, 1, 1, 4),  # a kernel for each channel
        (2, 2, 2, 2),
    ]:
        inputs = {"input": normal(2, 4, 6, 7), "weight": normal(8, 4 // groups, 3, 2)}
        for bias in [{"bias": normal(8)}, {}]:
            name = f"conv2d.{padding}_{stride}_{dilation}_{groups}" + ("" if bias else "_no_bias")
            tensors |= record(
                name,
                inputs | bias,
                lambda input, weight, bias=None: functional.conv2d(
                    input, weight, bias, stride, padding, dilation, groups
                ),
                padding,
                stride,
                dilation,
                groups,
            )
    return tensors


def linears() -> Tensors:
    tensors: Tensors = {}
    for name, shape in [("vector", (5,)), ("matrix", (4, 5)), ("sequence", (2, 3, 5))]:
        inputs = {"input": normal(*shape), "weight": normal(6, 5)}
        for bias in [{"bias": normal(6)}, {}]:
            full = f"linear.{name}" + ("" if bias else "_no_bias")
            tensors |= record(full, inputs | bias, functional.linear)
    return tensors


def poolings() -> Tensors:
    """Maxima of small whole numbers, so that most windows hold ties: all goes to the first maximum."""
    tensors: Tensors = {}
    for size, stride in [((2, 3), (1, 2)), ((3, 1), (3, 4)), ((4, 4), (2, 3)), ((1, 2), (2, 1))]:
        settings = (*size, *stride)
        name = "_".join(str(setting) for setting in settings)
        ties = torch.randint(0, 3, (2, 3, 7, 9), generator=GENERATOR).double()
        for op, pool, image in [
            ("max_pool2d", functional.max_pool2d, ties),
            ("avg_pool2d", functional.avg_pool2d, normal(2, 3, 7, 9)),
        ]:
            tensors |= record(
                f"{op}.{name}", {"input": image}, lambda input: pool(input, size, stride), *settings
            )
    return tensors


def main() -> None:
    torch.set_num_threads(1)
    tensors = convolutions() | linears() | poolings()
    path = HERE / "settings.safetensors"
    # Copies, for an input that two entries share would be refused.
    save_file({key: tensor.detach().clone() for key, tensor in tensors.items()}, path)
    path.chmod(0o644)  # safetensors leaves it readable by its owner alone
    print(f"PyTorch {torch.__version__}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
