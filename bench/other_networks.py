"""Training steps of networks that have nothing to do with digits in pairs, by PyTorch.

    python bench/other_networks.py mnist 32 2 1.5

Prints the median of a step (forward, backward, Adam) in milliseconds, of PyTorch at its best: the faster of
its two layouts, with fused Adam; and by how many MiB the memory of the process grew at most (Linux), of both
layouts. The networks are those of `examples/src/bench`: mnist, lenet5, lenet5-tanh, residual, residual:SIDE,
vgg11, vgg11:WIDTH, mobilenet, mobilenet:SIDE, resnext, resnext:SIDE, mlp, mlp:WIDTH.
"""

import sys
import time

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

CLASSES, BEFORE, LEAST = 10, 2, 5


class Block(nn.Module):
    """What is added to its shortcut: layers with ReLU between them."""

    def __init__(self, layers: list[nn.Module], shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = nn.ModuleList(layers), shortcut

    def forward(self, images: Tensor) -> Tensor:
        result = self.layers[0](images)
        for layer in self.layers[1:]:
            result = layer(functional.relu(result))
        return functional.relu(result + self.shortcut(images))


def basic(inputs: int, outputs: int, stride: int) -> Block:
    layers = [normalised(inputs, outputs, 3, stride), normalised(outputs, outputs, 3, 1)]
    alike = inputs == outputs and stride == 1
    return Block(layers, nn.Identity() if alike else normalised(inputs, outputs, 1, stride))


def grouped(inputs: int, width: int, stride: int) -> Block:
    between = normalised(width, width, 3, stride, groups=16)
    layers = [normalised(inputs, width, 1, 1), between, normalised(width, 2 * width, 1, 1)]
    return Block(layers, normalised(inputs, 2 * width, 1, stride))


def normalised(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def linears(*sizes: int, activation: type[nn.Module] = nn.ReLU) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), activation()]
    return layers[:-1]


def pooled(convolution: nn.Conv2d) -> list[nn.Module]:
    # ReLU and max pooling commute; pooling first leaves ReLU a quarter of the work.
    return [convolution, nn.MaxPool2d(2), nn.ReLU()]


def vgg11(width: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for outputs, pool in zip((1, 2, 4, 4, 8, 8, 8, 8), (1, 1, 0, 1, 0, 1, 0, 1)):
        convolution = nn.Conv2d(channels, outputs * width, 3, padding=1)
        layers += pooled(convolution) if pool else [convolution, nn.ReLU()]
        channels = outputs * width
    return layers


def separable(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
    pointwise = normalised(inputs, outputs, 1, 1)
    return [depthwise, nn.BatchNorm2d(inputs), nn.ReLU6(), pointwise, nn.ReLU6()]


def network(name: str, size: int) -> nn.Sequential:
    if name == "mnist":
        features = pooled(nn.Conv2d(1, 32, 5)) + pooled(nn.Conv2d(32, 64, 5))
        return nn.Sequential(*features, nn.Flatten(), *linears(1024, 1024, 10))
    if name == "lenet5":
        features = pooled(nn.Conv2d(1, 6, 5, padding=2)) + pooled(nn.Conv2d(6, 16, 5))
        return nn.Sequential(*features, nn.Flatten(), *linears(400, 120, 84, 10))
    if name == "lenet5-tanh":
        features = [nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)]
        features += [nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()]
        return nn.Sequential(*features, *linears(400, 120, 84, 10, activation=nn.Tanh))
    if name == "vgg11":
        return nn.Sequential(*vgg11(size), nn.Flatten(), nn.Linear(8 * size, 10))
    if name == "mobilenet":
        layers = [normalised(3, 32, 3, 1), nn.ReLU6()]
        for block in [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)]:
            layers += separable(*block)
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))
    if name in ("residual", "resnext"):
        residual = [basic(16, 16, 1), basic(16, 32, 2), basic(32, 64, 2)]
        resnext = [grouped(32, 64, 1), grouped(128, 128, 2), grouped(256, 256, 2)]
        channels, blocks, outputs = (16, residual, 64) if name == "residual" else (32, resnext, 512)
        pooling = nn.AdaptiveAvgPool2d(1)
        stem = normalised(3, channels, 3, 1)
        return nn.Sequential(stem, nn.ReLU(), *blocks, pooling, nn.Flatten(), nn.Linear(outputs, 10))
    return nn.Sequential(*linears(784, size, size, 10))


def shape(name: str, size: int, batch: int) -> tuple[int, ...]:
    if name == "mlp":
        return (batch, 784)
    if name == "vgg11":
        return (batch, 3, 32, 32)
    in_colour = name in ("residual", "mobilenet", "resnext")
    return (batch, 3, size, size) if in_colour else (batch, 1, 28, 28)


def memory(name: str) -> float:
    for line in open("/proc/self/status"):
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return float("nan")


def median(text: str, batch: int, seconds: float, channels_last: bool) -> float:
    torch.manual_seed(0)
    name, _, size_text = text.partition(":")
    in_colour = dict.fromkeys(("residual", "vgg11", "mobilenet", "resnext"), 32)
    size = int(size_text or ({"mlp": 1024} | in_colour).get(name, 28))
    trained, images = network(name, size).train(), torch.rand(shape(name, size, batch))
    if channels_last:
        trained = trained.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    # Other classes for the same images at each step, so that nothing is ever learned: gradients that fade away would be
    # multiplied as denormal numbers, which takes many times as long.
    classes = [(torch.arange(batch) + first) % CLASSES for first in range(CLASSES)]
    optimiser = torch.optim.Adam(trained.parameters(), lr=0.001, fused=True)

    def step(number: int) -> None:
        optimiser.zero_grad(set_to_none=True)
        functional.cross_entropy(trained(images), classes[number % CLASSES]).backward()
        optimiser.step()

    for number in range(BEFORE):
        step(number)
    begun, times = time.perf_counter(), []
    while len(times) < LEAST or time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        step(BEFORE + len(times))
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2] * 1e3


def main() -> None:
    name, batch, threads, seconds = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    layouts = [False] if name.startswith("mlp") else [False, True]
    # What code and threads take is there once a small network has been trained.
    for last in layouts:
        median("lenet5", 1, 0, last)
    before = memory("VmRSS")
    times = [median(name, int(batch), float(seconds) / len(layouts), last) for last in layouts]
    print(min(times), memory("VmHWM") - before)


if __name__ == "__main__":
    main()
