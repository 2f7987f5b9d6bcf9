"""Prints how often the 95 % intervals of this crate, and others, cover what they are about.

    python intervals.py             # all, or some of: means superiority components

By simulation, with NumPy's generator from seed 0.
"""

import sys

import numpy as np
import scipy
from scipy import stats
from scipy.special import ndtr

from formulas import newcombe5

RUNS = 10


def percent(covered):
    return f"{100 * np.mean(covered):5.1f}"


# The mean of ten runs. Each way is told the samples (n, runs) and their resamples (n, B, runs).

TRIALS, RESAMPLES = 10_000, 1_999
TAILS = [0.025, 0.975]


def populations(rng):
    """Accuracies, and their true mean."""

    def in_tenths(shape):
        return rng.normal(80, 1.2, shape).round(1)

    def some_lost(shape):
        lost = rng.random(shape) < 0.05
        return (rng.normal(94.4, 0.8, shape) - 7 * lost).round(1)

    yield "normal, 80 ± 1.2", lambda shape: rng.normal(80, 1.2, shape), 80
    yield "the same in steps of 0.1", in_tenths, 80
    yield "1.5 mistakes in 1,000", lambda shape: 100 - 0.1 * rng.poisson(1.5, shape), 99.85
    yield "0.3 mistakes in 1,000", lambda shape: 100 - 0.1 * rng.poisson(0.3, shape), 99.97
    yield "one run in twenty lost", some_lost, 94.4 - 0.05 * 7


def student(x, _):
    reach = stats.t.ppf(0.975, RUNS - 1) * x.std(1, ddof=1) / RUNS**0.5
    return x.mean(1) - reach, x.mean(1) + reach


def percentile(_, resamples):
    means = np.sort(resamples.mean(2), axis=1)
    return [means[:, round(tail * (RESAMPLES + 1)) - 1] for tail in TAILS]


def bca(x, resamples):
    """Bias-corrected and accelerated (Efron, 1987)."""
    means, mean = np.sort(resamples.mean(2), axis=1), x.mean(1, keepdims=True)
    below = ((means < mean - 1e-9).mean(1) + (means < mean + 1e-9).mean(1)) / 2
    bias = stats.norm.ppf(below)
    acceleration = ((x - mean) ** 3).sum(1) / 6 / ((x - mean) ** 2).sum(1) ** 1.5
    for tail in TAILS:
        z = bias + stats.norm.ppf(tail)
        rank = ndtr(bias + z / (1 - acceleration * z)) * (RESAMPLES + 1) - 1
        rank = rank.round().astype(int).clip(0, RESAMPLES - 1)
        yield np.take_along_axis(means, rank[:, None], 1)[:, 0]


def studentised(x, resamples):
    """Also called bootstrap-t (Efron, 1981)."""
    mean, error = x.mean(1), x.std(1, ddof=1) / RUNS**0.5
    away = (resamples.mean(2) - mean[:, None]).round(9)
    errors = resamples.std(2, ddof=1) / RUNS**0.5
    # A resample of equal values is infinitely many errors away from the mean.
    infinite = np.where(away == 0, 0, np.copysign(np.inf, away))
    t = np.where(errors > 1e-9, away / np.maximum(errors, 1e-9), infinite)
    t = np.sort(t, axis=1)
    high, low = [t[:, round(tail * (RESAMPLES + 1)) - 1] for tail in TAILS]
    return mean - low * error, mean - high * error


def means(rng):
    ways = [student, percentile, bca, studentised]
    print(f"  {'coverage, %':32}", *(f"{way.__name__:>12}" for way in ways), " no spread")
    for name, population, mean in populations(rng):
        covered, equal = {way: [] for way in ways}, 0
        for _ in range(TRIALS // 500):
            x = population((500, RUNS))
            spread = np.ptp(x, axis=1) > 1e-9
            equal += (~spread).sum()
            x = x[spread]
            picks = rng.integers(RUNS, size=(len(x), RESAMPLES, RUNS))
            resamples = np.take_along_axis(x[:, None, :], picks, 2)
            for way in ways:
                low, high = way(x, resamples)
                # Values in steps of 0.1 can have an end at the mean itself.
                covered[way].append((low <= mean + 1e-9) & (mean - 1e-9 <= high))
        shares = [f"{percent(np.concatenate(covered[way])):>12}" for way in ways]
        print(f"  {name:32}", *shares, f"{100 * equal / TRIALS:9.1f}")


def superiority(rng):
    print("  coverage of Newcombe's method 5, %, at a probability of")
    levels = [0.5, 0.75, 0.9, 0.98]
    print(f"  {'':32}", *(f"{level:>6}" for level in levels))
    for n, m in [(10, 10), (10, 40), (40, 40)]:
        intervals = {won: newcombe5(won / 2 / n / m, n, m) for won in range(2 * n * m + 1)}
        row = []
        for level in levels:
            x = rng.normal(2**0.5 * stats.norm.ppf(level), 1, (4000, n, 1))
            y = rng.normal(0, 1, (4000, 1, m))
            ends = np.array([intervals[2 * won] for won in (x > y).sum((1, 2))])
            row.append(percent((ends[:, 0] <= level) & (level <= ends[:, 1])))
        print(f"  {f'{n} against {m}, normal':32}", *(f"{share:>6}" for share in row))


# The components of an accuracy, and the interval of the mean on other pairs too.


def right(rng, shape, level, run_spread, pair_spread, shared):
    """Answers (n, runs, pairs): right where a run's skill, a pair's ease and luck add up to that.

    Luck is of variance 1; `level` is the share that is right.
    """
    n, runs, pairs = shape
    start = stats.norm.ppf(level) * (1 + run_spread**2 + pair_spread**2) ** 0.5
    skill = start + run_spread * rng.standard_normal((n, runs, 1), np.float32)
    ease = rng.standard_normal((n, 1 if shared else runs, pairs), np.float32)
    return rng.random(shape, np.float32) < ndtr(skill + np.float32(pair_spread) * ease)


def true_variances(level, run_spread, pair_spread):
    """Of the runs, of the pairs and of the rest, by quadrature over skill and ease."""
    start = stats.norm.ppf(level) * (1 + run_spread**2 + pair_spread**2) ** 0.5
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def variance(spread, other):
        given = ndtr((start + spread * nodes) / (1 + other**2) ** 0.5)
        return (weights * given**2).sum() - (weights * given).sum() ** 2

    of_runs, of_pairs = variance(run_spread, pair_spread), variance(pair_spread, run_spread)
    return of_runs, of_pairs, level * (1 - level) - of_runs - of_pairs


def of_crossed(x):
    """The variances of the mean of one run: s^2, and the pairs' part, before it is set to 0."""
    _, runs, pairs = x.shape
    by_run, by_pair = x.mean(2, keepdims=True), x.mean(1, keepdims=True)
    mean = x.mean((1, 2), keepdims=True)
    mean_pair = runs * ((by_pair - mean) ** 2).sum((1, 2)) / (pairs - 1)
    mean_rest = ((x - by_run - by_pair + mean) ** 2).sum((1, 2)) / (runs - 1) / (pairs - 1)
    return by_run.var((1, 2), ddof=1), (mean_pair - mean_rest) / runs / pairs


def of_nested(x):
    by_run = x.mean(2)
    part = (by_run * (1 - by_run)).mean(1) / (x.shape[2] - 1)
    return by_run.var(1, ddof=1), part


def covers(x, level, variance, degrees):
    away = np.abs(x.mean((1, 2)) - level)
    return percent(away <= stats.t.ppf(0.975, degrees) * variance**0.5)


def components(rng):
    print("  variances in points squared: the mean estimate with its standard error, and what is true;")
    print("  coverage of the mean on other pairs, %, by the interval of the runs alone and by the total")
    print(f"  {'10 runs':48}{'runs':>15}{'true':>9}{'pairs':>17}{'true':>9}  alone  total")
    for level, run_spread, pair_spread, pairs in [
        (0.80, 0.06, 1.5, 1000),
        (0.96, 0.06, 2.0, 1000),
        (0.80, 0.00, 0.0, 1000),
        (0.80, 0.30, 1.5, 1000),
        (0.80, 0.10, 1.5, 100),
    ]:
        of_runs, of_pairs, rest = true_variances(level, run_spread, pair_spread)
        for shared in [True, False]:
            estimates, shares = [], []
            for _ in range(50):
                shape = (200, RUNS, pairs)
                x = right(rng, shape, level, run_spread, pair_spread, shared).astype(np.float64)
                s2, part = (of_crossed if shared else of_nested)(x)
                alone = covers(x, level, s2 / RUNS, RUNS - 1)
                if shared:
                    a, b = s2 / RUNS, part.clip(0)
                    degrees = (a + b) ** 2 / (a**2 / (RUNS - 1) + b**2 / (pairs - 1))
                    total = covers(x, level, a + b, degrees)
                    estimates.append((s2.mean(), part.mean()))
                else:
                    total = alone
                    estimates.append(((s2 - part).mean(), part.mean()))
                shares.append((float(alone), float(total)))
            if shared:
                true = of_runs + rest / pairs, of_pairs / pairs
            else:
                true = of_runs, (of_pairs + rest) / pairs
            found, error = np.mean(estimates, 0) * 1e4, np.std(estimates, 0) * 1e4 / len(estimates) ** 0.5
            name = f"{level}, runs {run_spread}, {pairs} pairs {pair_spread}, {'shared' if shared else 'own'}"
            cells = [f"{f:8.4f} ±{e:.4f} {1e4 * t:8.4f}" for f, e, t in zip(found, error, true)]
            print(f"  {name:48}", *cells, *(f"{share:6.1f}" for share in np.mean(shares, 0)))


if __name__ == "__main__":
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}, Python {sys.version.split()[0]}")
    for part in [means, superiority, components]:
        if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
            print(f"\n{part.__name__}")
            part(np.random.default_rng(0))
