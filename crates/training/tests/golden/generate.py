"""Makes the golden files of the eight networks under the two recipes (README.md beside this).

The numbers are computed in float64 and rounded once to float32: a better truth than a float32
computation, whose own rounding would otherwise be part of what is expected. How the initial
weights were chosen, and why some elements of `after` are NaN, is told in `conditioning.py`.
"""

import gzip
import platform
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from torch import Tensor

from conditioning import Agreement, Conditioned, condition
from networks import VARIANTS
from steps import Tensors, detached

HERE = Path(__file__).resolve().parent
MNIST = HERE.parents[3] / "data" / "mnist"
BATCH = 16


def read_idx(name: str, header: int) -> numpy.ndarray:
    return numpy.frombuffer(gzip.decompress((MNIST / name).read_bytes()), numpy.uint8, offset=header)


def read_pairs(count: int) -> tuple[Tensor, Tensor]:
    """The first 2·count training digits as pairs, in the order of the file."""
    pixels = read_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[: 2 * count]
    labels = read_idx("train-labels-idx1-ubyte.gz", 8)[: 2 * count]
    # Means of four bytes are multiples of a quarter: exact in float32.
    pooled = pixels.reshape(count, 2, 14, 2, 14, 2).astype(numpy.float32).mean(axis=(3, 5))
    return torch.from_numpy(pooled), torch.from_numpy(labels.reshape(count, 2).astype(numpy.int64))


def prefixed(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def save(name: str, tensors: Tensors) -> None:
    rounded = {
        key: (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous()
        for key, tensor in tensors.items()
    }
    path = HERE / f"{name}.safetensors"
    save_file(rounded, path)
    path.chmod(0o644)  # safetensors leaves it readable by its owner alone


def inputs(conditioned: Conditioned) -> Tensors:
    batch = conditioned.batch
    masks = {str(i): mask for i, mask in enumerate(batch.masks)}
    weights = detached(dict(conditioned.network.named_parameters()))
    return (
        {"images": batch.images, "classes": batch.classes, "targets": batch.targets}
        | prefixed("masks", masks)
        | prefixed("weights", weights)
    )


def expected(agreement: Agreement) -> Tensors:
    truth = agreement.truth
    tensors = {"logits": truth.output.logits, "eval_logits": truth.eval_logits}
    if truth.output.digit_logits is not None:
        tensors["digit_logits"] = truth.output.digit_logits
    losses = {name: loss.reshape(1) for name, loss in truth.losses._asdict().items()}
    after = {
        name: tensor.masked_fill(agreement.undetermined[name], float("nan"))
        for name, tensor in truth.after.items()
    }
    return (
        tensors
        | prefixed("loss", losses)
        | prefixed("gradients", truth.gradients)
        | prefixed("running", truth.running)
        | prefixed("after", after)
    )


def main() -> None:
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, NumPy {numpy.__version__}, Python {platform.python_version()}")
    images, classes = read_pairs(BATCH)
    for variant in sys.argv[1:] or VARIANTS:
        conditioned = condition(variant, images, classes)
        save(variant, inputs(conditioned))
        for recipe, agreement in conditioned.recipes.items():
            save(f"{variant}-{recipe}", expected(agreement))
            count = sum(int(mark.sum()) for mark in agreement.undetermined.values())
            print(
                f"{variant} {recipe}: seed {conditioned.seed}, "
                f"float32 within {agreement.worst:.1e} ({agreement.worst_name}), "
                f"{count} undetermined",
                flush=True,
            )


if __name__ == "__main__":
    main()
