"""PyTorch at its best for this job: the yardstick for `cargo xtask bench`.

    python bench/pytorch.py --recipe paper --variants all --runs 10 --processes 2

Trains each variant `--runs` times and prints one JSON line a variant, then one for them all.
`seconds` is wall time without starting processes, importing PyTorch or reading the data, and after
each process has trained the variant once: PyTorch's first run of a network takes about twice as
long as the others. The networks and losses are those of `crates/training/tests/golden/networks.py`, as the golden files'.

What was tried, in CPU seconds of one run under `paper`, PyTorch 2.15, one thread, AVX-512:
- channels-last: `lenet5-ws-al` 1.4 instead of 2.2, `lenet5` 0.73 instead of 1.04.
- Adam: fused 0.21 for `mlp`, foreach 0.24, plain loop 0.26.
- denormals flushed to zero: no more than a few percent.
- max pool before ReLU where no batch norm stands between: 5 to 7 percent for the LeNets.
- no gain beyond the noise: each digit's images laid out apart (done, see `lay_out`), a shared
  branch's convolutions on both digits at once, one-channel images with channels-last strides,
  and, measured before, `torch.compile`.
"""

import argparse
import gzip
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "crates" / "training" / "tests" / "golden"))

from networks import (  # noqa: E402
    LEARNING_RATE,
    RECIPES,
    VARIANTS,
    Convolution,
    Network,
    Recipe,
    build,
    losses,
)

PAIRS = 1000
BATCH = 200
EPOCHS = 25
START_SECONDS = 300


class Digits(NamedTuple):
    """A split of MNIST: images (count, 14, 14) pooled, 0 to 255, and labels (count,)."""

    images: Tensor
    labels: Tensor


class Batch(NamedTuple):
    images: Tensor  # (BATCH, 2, 14, 14)
    classes: Tensor  # (BATCH, 2)
    targets: Tensor  # (BATCH,)


class Accuracy(NamedTuple):
    train: float  # in %
    test: float


@dataclass(frozen=True)
class Job:
    variant: str
    recipe: str
    run: int
    seed: int


def read_digits(folder: Path, name: str) -> Digits:
    def read(kind: str, header: int) -> numpy.ndarray:
        content = gzip.decompress((folder / f"{name}-{kind}-ubyte.gz").read_bytes())
        return numpy.frombuffer(content, numpy.uint8, offset=header)

    pixels = read("images-idx3", 16).reshape(-1, 28, 28)
    corners = [pixels[:, i::2, j::2].astype(numpy.float32) for i in (0, 1) for j in (0, 1)]
    labels = read("labels-idx1", 8).astype(numpy.int64)
    return Digits(torch.from_numpy(sum(corners) / 4.0), torch.from_numpy(labels))


def lay_out(images: Tensor, variant: str) -> Tensor:
    """Puts a batch where the network's first layer reads it without a copy; the shape stays.

    A network with branches slices the digits apart, so each digit's images lie together; a
    convolution of both digits reads channels-last, as its weights are.
    """
    if VARIANTS[variant].branch is not None:
        return images.transpose(0, 1).contiguous().transpose(0, 1)
    if variant.startswith("lenet5"):
        return images.contiguous(memory_format=torch.channels_last)
    return images


def draw_batches(digits: Digits, generator: torch.Generator, variant: str) -> list[Batch]:
    indices = torch.randperm(len(digits.labels), generator=generator)[: 2 * PAIRS].reshape(PAIRS, 2)
    images, classes = digits.images[indices], digits.labels[indices]
    targets = (classes[:, 0] <= classes[:, 1]).float()
    return [
        Batch(lay_out(image, variant), class_pair.contiguous(), target)
        for image, class_pair, target in zip(
            images.split(BATCH), classes.split(BATCH), targets.split(BATCH)
        )
    ]


def count_right(logits: Tensor, targets: Tensor) -> Tensor:
    return ((logits > 0.0) == (targets > 0.5)).sum()


@torch.inference_mode()
def evaluate(network: Network, batches: list[Batch], *, train_mode: bool) -> float:
    network.train(train_mode)
    right = sum(count_right(network(batch.images).logits, batch.targets) for batch in batches)
    return 100.0 * int(right) / PAIRS


def new_adam(network: Network) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)


def train(network: Network, recipe: Recipe, batches: list[Batch]) -> float:
    """Trains for all epochs; the accuracy counted during the last, each batch before its update."""
    network.train()
    adam = new_adam(network)
    for _ in range(EPOCHS):
        right = torch.zeros((), dtype=torch.int64)
        for batch in batches:
            if not recipe.keeps_adam_state:
                adam = new_adam(network)
            adam.zero_grad(set_to_none=True)
            output = network(batch.images)
            losses(recipe, output, batch.targets, batch.classes).total.backward()
            adam.step()
            right += count_right(output.logits.detach(), batch.targets)
    return 100.0 * int(right) / PAIRS


def run(job: Job, train_digits: Digits, test_digits: Digits) -> Accuracy:
    recipe = RECIPES[job.recipe]
    # The `authors` recipe draws its pairs once for all runs, `paper` anew for each.
    draw = 1000 * job.seed + (0 if recipe.evaluates_in_train_mode else job.run)
    generator = torch.Generator().manual_seed(draw)
    train_batches = draw_batches(train_digits, generator, job.variant)
    test_batches = draw_batches(test_digits, generator, job.variant)

    torch.manual_seed(1000 * job.seed + job.run)
    network = build(job.variant)
    if job.variant.startswith("lenet5"):
        network = network.to(memory_format=torch.channels_last)
    counted = train(network, recipe, train_batches)
    test = evaluate(network, test_batches, train_mode=recipe.evaluates_in_train_mode)
    if recipe.evaluates_in_train_mode:
        return Accuracy(counted, test)
    return Accuracy(evaluate(network, train_batches, train_mode=False), test)


def prepare_process() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    Convolution.pool_first = True


class Worker:
    """What a worker process keeps between jobs."""

    digits: tuple[Digits, Digits]
    ready: object

    @classmethod
    def start(cls, folder: Path, ready: object, warm: object) -> None:
        prepare_process()
        cls.ready = warm
        cls.digits = read_digits(folder, "train"), read_digits(folder, "t10k")
        # All start before the clock does; the limit is for a process that died on the way.
        ready.wait(START_SECONDS)

    @classmethod
    def run(cls, job: Job) -> Accuracy:
        return run(job, *cls.digits)

    @classmethod
    def warm_up(cls, job: Job) -> None:
        cls.run(job)
        # No process takes a second one before the others have taken theirs.
        cls.ready.wait(START_SECONDS)


def sweep(pool: ProcessPoolExecutor, arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    for variant in arguments.variants:
        jobs = [Job(variant, arguments.recipe, i, arguments.seed) for i in range(arguments.runs)]
        # As many at once as there are processes, each as long as the others: one a process.
        list(pool.map(Worker.warm_up, jobs[:1] * arguments.processes))
        start = time.perf_counter()
        accuracies = list(pool.map(Worker.run, jobs))
        seconds = time.perf_counter() - start
        yield {
            "recipe": arguments.recipe,
            "variant": variant,
            "runs": arguments.runs,
            "seconds": round(seconds, 3),
            "train_accuracy": [accuracy.train for accuracy in accuracies],
            "test_accuracy": [accuracy.test for accuracy in accuracies],
        }


def variant_names(text: str) -> list[str]:
    names = list(VARIANTS) if text == "all" else text.split(",")
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown variants {unknown}; known: {list(VARIANTS)}")
    return names


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="PyTorch's time and accuracy for the sweep")
    parser.add_argument("--recipe", choices=RECIPES, default="paper")
    parser.add_argument("--variants", type=variant_names, default="all", help="all, or a,b,c")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2, help="of one thread each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data" / "mnist")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(arguments.processes + 1)
    warm = context.Barrier(arguments.processes)
    with ProcessPoolExecutor(
        arguments.processes, context, Worker.start, (arguments.data_dir, ready, warm)
    ) as pool:
        # Processes start when there are jobs for them; these bring all of them up.
        warm_up = [pool.submit(int) for _ in range(arguments.processes)]
        ready.wait(START_SECONDS)
        for job in warm_up:
            job.result()
        total = 0.0
        for line in sweep(pool, arguments):
            total += line["seconds"]
            print(json.dumps(line), flush=True)
    print(json.dumps({"recipe": arguments.recipe, "variant": "total", "seconds": round(total, 3)}))


if __name__ == "__main__":
    main()
