"""What PyTorch makes of the shipped networks: writes `shipped.json`.

Needs no code of this project's: a checkpoint is opened with safetensors, the module is built from the
description in its metadata, and the tensors are its `state_dict`.
"""

import gzip
import json
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

DATA = Path(__file__).parents[4] / "data"
PAIRS = 16


class Layer(nn.Module):
    """Weights, and the steps that follow them; the weights are the layer's own, as in the file."""

    def __init__(self, layer: dict) -> None:
        super().__init__()
        outputs, inputs, kernel = layer["outputs"], layer["inputs"], layer["kernel"]
        self.kernel, self.steps = kernel, layer["steps"]
        size = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        self.weight, self.bias = (nn.Parameter(torch.empty(s)) for s in (size, outputs))
        if "batch-norm" in self.steps:
            self.batch_norm = (nn.BatchNorm2d if kernel else nn.BatchNorm1d)(outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel:
            x = functional.conv2d(x, self.weight, self.bias)
        else:
            x = functional.linear(x.flatten(1), self.weight, self.bias)
        for step in self.steps:
            match step.split():
                case ["relu"]:
                    x = functional.relu(x)
                case ["batch-norm"]:
                    x = self.batch_norm(x)
                case ["max-pool"]:
                    x = functional.max_pool2d(x, 2)
                case ["dropout", probability]:
                    x = functional.dropout(x, float(probability), self.training)
                case _:
                    raise ValueError(step)
        return x


class Network(nn.Module):
    def __init__(self, network: dict) -> None:
        super().__init__()
        part = lambda layers: nn.Sequential(*map(Layer, layers))
        self.comparator = part(network["comparator"])
        branch, self.output = network["branch"], None
        if branch:
            self.output = branch["output"]
            self.names = ["branch"] * 2 if network["weight_sharing"] else ["branch0", "branch1"]
            for name in set(self.names):
                self.add_module(name, part(branch["layers"]))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Images (n, 2, 14, 14), 0 to 255, to logits (n) and digit logits (2, n, 10) or None."""
        if self.output is None:
            return self.comparator(images).squeeze(1), None
        seen = [getattr(self, name)(images[:, i : i + 1]) for i, name in enumerate(self.names)]
        joint = {
            "features": lambda x: x.flatten(1),
            "sigmoid": torch.sigmoid,
            "digits": lambda x: x.softmax(1),
        }[self.output]
        logits = self.comparator(torch.cat([joint(x) for x in seen], 1)).squeeze(1)
        return logits, torch.stack(seen) if self.output == "digits" else None


def load(path: Path) -> Network:
    """The network in a checkpoint."""
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["pairnet"])
    network = Network(description["network"])
    network.load_state_dict(load_file(path))
    return network.eval()


def test_pairs() -> Tensor:
    """The first test digits, two a pair in the order of the file, as means over 2×2 pixels."""
    with gzip.open(DATA / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        pixels = torch.frombuffer(bytearray(file.read()[16:]), dtype=torch.uint8)
    digits = pixels[: 2 * PAIRS * 784].reshape(-1, 1, 28, 28).float()
    return functional.avg_pool2d(digits, 2).reshape(PAIRS, 2, 14, 14)


def main() -> None:
    golden = {}
    for path in sorted((DATA / "networks").glob("*.safetensors")):
        with torch.no_grad():
            # In f64: what is compared with it is then all of the rounding that there is.
            logits, digits = load(path).double()(test_pairs().double())
        golden[path.stem] = {
            "logits": logits.tolist(),
            "digit_logits": None if digits is None else digits.tolist(),
        }
    text = json.dumps(golden, indent=1)
    (Path(__file__).parent / "shipped.json").write_text(text + "\n")
    print(f"PyTorch {torch.__version__}, {PAIRS} pairs, {len(golden)} networks")


if __name__ == "__main__":
    main()
