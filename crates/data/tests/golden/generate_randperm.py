"""Makes `randperm.txt`: permutations that PyTorch draws one after another (README.md)."""

import hashlib
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
# The engine takes 32 bits of the seed: those from 2**32 on agree with smaller ones.
SEEDS = (0, 1, 7, 2**32 - 1, 2**32, 2**32 + 3, 2**63, 2**63 + 12345, 2**64 - 1)
LENGTHS = (5, 1, 0, 2, 1_000, 60_000, 10_000, 5, 625, 8)


def line(seed: int, permutation: torch.Tensor) -> str:
    digest = hashlib.sha256(permutation.numpy().astype("<u4").tobytes()).hexdigest()
    return " ".join(map(str, (seed, len(permutation), digest, *permutation[:8].tolist())))


def main() -> None:
    lines = [f"# PyTorch {torch.__version__.partition('+')[0]}: seed, length, SHA-256, first eight"]
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        lines += [line(seed, torch.randperm(length, generator=generator)) for length in LENGTHS]
    (HERE / "randperm.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
