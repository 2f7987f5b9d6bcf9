"""Where a run's time goes, as shares of samples.

    RUSTFLAGS="-C force-frame-pointers=yes -C symbol-mangling-version=v0" \\
        cargo build --release --package xtask --target-dir target/profile
    python3 bench/shares.py target/profile/release/xtask mlp-ws lenet5-ws

Needs `perf` (Debian's linux-perf). Prints a Markdown table with a column a variant: samples of
training and evaluation on one thread, without reading the data and writing the report.
"""

import argparse
import collections
import os
import re
import subprocess
import tempfile
from pathlib import Path

# The first that any frame of a sample matches, innermost frame first.
KINDS = [
    ("matrix products", r"gemm|kernels::sparse"),
    ("convolutions forward", r"convolution::.*cpu_fwd"),
    ("convolutions backward", r"convolution::.*Recorded>::backward"),
    ("batch norm, bias and ReLU behind linear layers", r"pairnet_ops::(linear|normalised_linear|batch_norm)"),
    ("dropout and its masks", r"pairnet_ops::dropout|DrawnMasks"),
    ("losses", r"pairnet_ops::loss"),
    ("Adam", r"pairnet_ops::optimisers"),
    ("gradients between ops", r"tape::|GradStore|op::Add as|candle_core::tensor::Tensor>::backward"),
    ("pairs and batches", r"pairnet_data|pairnet_training::sets"),
    ("other ops of candle", r"candle_(core|nn)"),
    ("the rest of the run", r"pairnet_training|pairnet_ops|pairnet_models|pulp"),
]


def profile(program: Path, variant: str, runs: int) -> collections.Counter:
    environment = dict(os.environ, CANDLE_NUM_THREADS="1", MIMALLOC_PURGE_DELAY="-1")
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        record = ["taskset", "-c", "0", "perf", "record", "--call-graph", "fp", "-F", "1999", "-o", data]
        sweep = ["reproduce", "--recipe", "paper", "--variant", variant]
        sweep += ["--runs", str(runs), "--jobs", "1", "--out", f"{folder}/sweep"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*record, str(program), *sweep], env=environment, check=True, **quiet)
        script = ["perf", "script", "-i", data, "-F", "ip,sym"]
        text = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    counts = collections.Counter()
    for sample in text.split("\n\n"):
        # Crates carry a hash in their symbols.
        symbols = re.sub(r"\[[0-9a-f]{8,}\]", "", sample).splitlines()
        frames = [" ".join(line.split()[1:]) for line in symbols]
        if not any("pairnet_training::run::train" in frame for frame in frames):
            continue
        counts[kind(frames)] += 1
    return counts


def kind(frames: list[str]) -> str:
    for name, pattern in KINDS:
        if any(re.search(pattern, frame.replace(" as ", " ", 1)) for frame in frames):
            return name
    return "other"


def main() -> None:
    parser = argparse.ArgumentParser(description="Shares of a run's time")
    parser.add_argument("program", type=Path)
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--runs", type=int, default=8)
    arguments = parser.parse_args()
    columns = [profile(arguments.program, name, arguments.runs) for name in arguments.variants]
    print("| | " + " | ".join(f"`{name}`" for name in arguments.variants) + " |")
    print("|---|" + "--:|" * len(columns))
    for name in [name for name, _ in KINDS] + ["other"]:
        shares = [100 * column[name] / max(1, column.total()) for column in columns]
        if any(share >= 0.5 for share in shares):
            print(f"| {name} | " + " | ".join(f"{share:.0f} %" for share in shares) + " |")


if __name__ == "__main__":
    main()
