"""Prints what the tests of `src/statistics` expect, computed by SciPy or, where SciPy has no such
function, by the plainest program that says what is meant: by counting, by exact fractions.

    python formulas.py              # all, or the files named: permutation sign_flip ...
"""

import math
import sys
from fractions import Fraction

import numpy as np
import scipy
from scipy import stats
from scipy.optimize import brentq

# The published test accuracies of `lenet5`, and ten others.
A = np.array([78.0, 80.1, 77.0, 79.5, 80.3, 80.1, 80.7, 79.6, 81.1, 79.2])
B = np.array([78.1, 80.2, 79.5, 81.0, 82.9, 80.4, 81.8, 79.0, 80.8, 79.3])
# A hundredth of a point apart.
C = np.array([99.95, 99.9, 99.81])
D = np.array([99.85, 99.7, 99.9, 99.62, 99.88])


def spread_out(count, start):
    """Multiples of 0.1 that any language makes alike; some equal, one far off."""
    steps = [start + 37 * i % 61 + i % 7 for i in range(count)]
    steps[0] -= 200
    return steps


def permutation():
    def distance(x, y, axis):
        return abs(x.mean(axis) - y.mean(axis)).round(9)

    def exact(x, y):
        return stats.permutation_test(
            (x, y), distance, alternative="greater", n_resamples=np.inf
        ).pvalue

    yield "10 against 10", exact(A, B)
    yield "3 against 5, hundredths", exact(C, D)
    yield "1 against 5", float(share_of_splits([9995], [9985, 9970, 9990, 9962, 9988]))
    few, many = spread_out(10, 830), spread_out(625, 800)
    yield "10 against 625", float(share_of_splits(few, many))
    # Runs with or without a mistake: the hypergeometric distribution.
    successes, size, count, seen = 500, 600, 1200, 270
    table = stats.hypergeom(count, successes, size)
    sums = np.arange(size + 1)
    far = np.abs(sums * count - size * successes) >= abs(seen * count - size * successes)
    yield "600 against 600", table.pmf(sums[far]).sum()


def share_of_splits(few, many):
    """The share of splits at least as far apart, by counting sums with whole numbers."""
    size, pooled = len(few), few + many
    ways = [{} for _ in range(size + 1)]
    ways[0][0] = 1
    for value in pooled:
        for taken in range(size - 1, -1, -1):
            for total, number in ways[taken].items():
                ways[taken + 1][total + value] = ways[taken + 1].get(total + value, 0) + number

    def distance(total):
        return abs(len(pooled) * total - size * sum(pooled))

    far = sum(n for total, n in ways[size].items() if distance(total) >= distance(sum(few)))
    return Fraction(far, math.comb(len(pooled), size))


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = 2**64 - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        mixed = self.state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & mask
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
        return mixed ^ mixed >> 31

    def below(self, bound):
        return self.next() * bound >> 64


def global_p(groups):
    """The p value of `global.rs`, its statistic computed from means as it is defined."""

    def statistic(rows):
        total = 0
        for order, size, splits in rows:
            for values in splits:
                x, y = values[order[:size]], values[order[size:]]
                variance = values.var(ddof=1)
                if variance > 0:
                    total += (x.mean() - y.mean()) ** 2 / (variance * (1 / len(x) + 1 / len(y)))
        return total

    rows = []
    for splits in groups:
        splits = [sorted(split, key=len) for split in splits]
        size, count = len(splits[0][0]), len(splits[0][0]) + len(splits[0][1])
        rows.append((list(range(count)), size, [np.concatenate(split) for split in splits]))
    observed, generator, as_far = statistic(rows), SplitMix64(0), 0
    for _ in range(9999):
        for order, size, _ in rows:
            for place in range(size):
                other = place + generator.below(len(order) - place)
                order[place], order[other] = order[other], order[place]
        as_far += statistic(rows) >= observed * (1 - 1e-9)
    return (1 + as_far) / 10000


def global_():
    train_a = [98.0, 98.5, 98.5, 98.2, 98.6, 98.3, 98.8, 98.2, 98.3, 98.4]
    train_b = [97.6, 98.4, 98.1, 98.5, 98.2, 98.0, 98.3, 98.1, 97.9, 98.6]
    perfect = [100.0, 100.0, 100.0]
    lenet = [(train_a, train_b), (A, B)]
    yield "one group, one split", global_p([lenet[1:]])
    yield "two splits, and a smaller group", global_p([lenet, [(D, C), (perfect + perfect[:2], perfect)]])


def sign_flip():
    def exact(differences):
        mean = lambda x, axis: x.mean(axis).round(9)
        return stats.permutation_test(
            (np.array(differences),), mean, permutation_type="samples",
            alternative="greater", n_resamples=np.inf,
        ).pvalue  # fmt: skip

    yield "ten", exact(B - A)
    yield "five", exact([4.1, 5.3, 3.9, -0.2, 6.0])
    yield "with a zero and equal ones", exact([0.3, -0.3, 0.0, 0.1, 0.3])
    yield "none greater", exact([-0.4, -1.3, -0.2])
    # 100 differences of one size: 58 pluses among 100 coins.
    yield "a hundred", stats.binom(100, 0.5).sf(57)


def newcombe5(value, n, m):
    z2, others = stats.norm.ppf(0.975) ** 2, (n + m) / 2 - 1

    def f(t):
        shared = (1 - t) / (2 - t) + t / (1 + t)
        return (value - t) ** 2 - z2 * t * (1 - t) * (1 + others * shared) / (n * m)

    tiny = 1e-13
    low = brentq(f, 0, value - tiny, xtol=1e-14) if value > 0 else 0.0
    high = brentq(f, value + tiny, 1, xtol=1e-14) if value < 1 else 1.0
    return float(low), float(high)


def superiority():
    for name, x, y in [("ten", B, A), ("hundredths", C, D), ("all won", A + 10, B), ("all lost", A, B + 10)]:
        value = stats.mannwhitneyu(x, y).statistic / len(x) / len(y)
        yield name, value, *newcombe5(value, len(x), len(y))
    for name, x, y in [("paired", B, A), ("paired, all won", A + 10, B)]:
        value = np.mean((x > y) + (x == y) / 2)
        # Wilson's interval of a count that need not be whole: (p - t)^2 = z^2 t (1 - t) / n.
        z, n = stats.norm.ppf(0.975), len(x)
        f = lambda t: (value - t) ** 2 - z * z * t * (1 - t) / n
        low = brentq(f, 0, value - 1e-13, xtol=1e-14)
        high = brentq(f, value + 1e-13, 1, xtol=1e-14) if value < 1 else 1.0
        yield name, value, low, high
    # As SciPy has it for whole counts.
    yield "Wilson, 7 of 10", 0.7, *stats.binomtest(7, 10).proportion_ci(method="wilson")


def proportion():
    for seen, of in [(0, 10), (0, 40), (1, 10), (3, 40), (9, 10), (0, 1)]:
        bound = stats.binomtest(seen, of, alternative="less").proportion_ci(0.95, "exact").high
        yield f"{seen} of {of}", bound


def answers(runs, pairs):
    """Right or wrong, made alike by any language: some pairs are hard, some runs worse."""
    hard = [[(7 * p * p + 3) % 11 for p in range(pairs)] for _ in range(runs)]
    return np.array([[hard[r][p] + (5 * r + 3 * p * r) % 7 < 11 for p in range(pairs)] for r in range(runs)])


def components():
    x = answers(5, 40).astype(float)
    runs, pairs = x.shape
    of_run, of_pair = x.mean(1, keepdims=True), x.mean(0, keepdims=True)
    mean_pair = runs * ((of_pair - x.mean()) ** 2).sum() / (pairs - 1)
    rest = x - of_run - of_pair + x.mean()
    mean_rest = (rest**2).sum() / (runs - 1) / (pairs - 1)
    sigma2_pair = max(0, (mean_pair - mean_rest) / runs)
    yield "crossed: runs, pairs", 100 * of_run.std(ddof=1), 100 * (sigma2_pair / pairs) ** 0.5
    # The variance of one run's answers, with n - 1, is that of its mean times the pairs.
    part = x.var(axis=1, ddof=1).mean() / pairs
    runs_part = max(0, of_run.var(ddof=1) - part) ** 0.5
    yield "nested: runs, pairs", 100 * runs_part, 100 * part**0.5
    # Total of the crossed ones: size of the error, degrees.
    a, b = of_run.var(ddof=1) / runs, sigma2_pair / pairs
    degrees = (a + b) ** 2 / (a**2 / (runs - 1) + b**2 / (pairs - 1))
    yield "crossed: error, degrees", 100 * (a + b) ** 0.5, degrees


def contrast():
    # (mean, standard deviation with n - 1, runs) of four networks, weights 1, -1, -1, 1.
    cells = [(79.56, 1.24, 10), (85.03, 1.48, 10), (93.76, 2.31, 9), (96.47, 0.6, 10)]
    weights = [1, -1, -1, 1]
    value = sum(w * m for w, (m, _, _) in zip(weights, cells))
    parts = [(w * s) ** 2 / n for w, (_, s, n) in zip(weights, cells)]
    degrees = sum(parts) ** 2 / sum(v * v / (n - 1) for v, (_, _, n) in zip(parts, cells))
    low, high = stats.t.interval(0.95, degrees, value, sum(parts) ** 0.5)
    p = 2 * stats.t.sf(abs(value) / sum(parts) ** 0.5, degrees)
    yield "interaction: value, degrees", value, degrees
    yield "interval, p value", low, high, p


def sample():
    x = np.array([78.1, 80.2, 79.5, 81.0, 79.9, 80.4, 77.8, 79.0, 80.8, 79.3])
    yield "mean, median", x.mean(), np.median(x)
    yield "standard deviations", x.std(ddof=1), x.std()
    yield "Student's interval", *stats.t.interval(0.95, 9, x.mean(), stats.sem(x))
    x = [100.0, 100.0, 99.5]
    yield "beyond 100", *stats.t.interval(0.95, 2, np.mean(x), stats.sem(x))


def difference():
    a, b = (79.91, 1.033, 10), (79.56, 1.2438, 10)
    size, degrees = welch(10, a, b)
    value = a[0] - b[0]
    yield "Welch: value, degrees", value, degrees
    yield "Welch: 95 %", *stats.t.interval(0.95, degrees, value, size)
    yield "Welch: 90 %", *stats.t.interval(0.90, degrees, value, size)
    for alternative in ["greater", "two-sided"]:
        found = stats.ttest_ind_from_stats(*a, *b, equal_var=False, alternative=alternative)
        yield f"Welch: {alternative}", found.pvalue
    x = [4.1, 5.3, 3.9, -0.2, 6.0]
    yield "paired: value, greater", np.mean(x), stats.ttest_1samp(x, 0, alternative="greater").pvalue
    yield "paired: 95 %", *stats.ttest_1samp(x, 0).confidence_interval(0.95)


def student():
    for quantile, degrees in [(0.975, 9), (0.95, 9), (0.975, 1), (0.95, 17.32)]:
        yield f"quantile {quantile}, {degrees}", stats.t.ppf(quantile, degrees)
    for t, degrees in [(2.262, 9), (-1, 9), (8.5, 9), (0, 3)]:
        yield f"above {t}, {degrees}", stats.t.sf(t, degrees)


def welch(n, ours, theirs):
    """The standard error of a difference of means and its degrees of freedom (Welch)."""
    (_, std, _), (_, std_p, m) = ours, theirs
    a, b = std**2 / n, std_p**2 / m
    return (a + b) ** 0.5, (a + b) ** 2 / (a * a / (n - 1) + b * b / (m - 1))


def within(n, ours, theirs, margin):
    """Whether the 90 % interval of scipy's Welch test lies within the margin; arrays of n."""
    size, degrees = welch(n, ours, theirs)
    return abs(ours[0] - theirs[0]) + stats.t.ppf(0.95, degrees) * size < margin


def equivalence():
    n = np.arange(2, 100_001)
    for ours, theirs in [
        ((80.0, 1.2, 10), (79.6, 1.2, 10)),
        ((80.0, 1.2, 10), (79.0, 0.8, 10)),
        ((93.1, 2.0, 10), (93.8, 1.2, 10)),
        ((80.0, 1.2, 10), (79.6, 0.0, 10)),
        ((79.6, 0.3, 10), (79.6, 0.3, 6)),
        ((80.0, 1.2, 10), (79.6, 2.3, 10)),
        ((80.0, 1.2, 10), (78.5, 0.1, 10)),
    ]:
        enough = within(n, ours, theirs, 1.5)
        yield f"runs needed, {ours}, {theirs}", n[enough.argmax()] if enough.any() else math.nan
    # Does every further run narrow the interval? For published runs as many as named, whatever the
    # ratio of the standard deviations; up to 2,000 runs each, then in steps of a tenth.
    n = np.unique(np.r_[2:2000, np.geomspace(2000, 100_000, 200).astype(int)])
    for m in [2, 3, 4, 5, 6, 7, 8, 10, 20, 40, 1000]:
        narrows = True
        for ratio in np.geomspace(1e-4, 1e4, 161):
            size, degrees = welch(n, (0, ratio**0.5, None), (0, 1, m))
            reach = stats.t.ppf(0.95, degrees) * size
            narrows &= bool((np.diff(reach) < 1e-13 * reach[1:]).all())
        yield f"{m} published: 1 if always narrower", narrows


FILES = [
    sample, student, difference, contrast, equivalence, components,
    permutation, global_, sign_flip, superiority, proportion,
]  # fmt: skip

if __name__ == "__main__":
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}, Python {sys.version.split()[0]}")
    for lines in FILES:
        name = lines.__name__.strip("_")
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            print(f"\n{name}")
            for what, *values in lines():
                print(f"  {what:32}", *(repr(float(value)) for value in values))
