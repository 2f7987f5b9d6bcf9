"""Recomputes every number of a sweep's results.json with NumPy and SciPy, from its records and predictions.

usage: python recompute.py SWEEP_FOLDER

The published runs and margins are read from results.json; all else comes from `records` and `predictions`.
Prints how many numbers were compared and which differ; exits 1 where one does.
"""

import json
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import optimize, stats

KINDS = ["", "-ws", "-al", "-ws-al"]
BACKBONES = {"LeNet 5": "lenet5", "MLPNet": "mlp"}
CLAIMS = [
    ("weight sharing beats basic", 1, [0]),
    ("adding auxiliary loss beats sharing", 3, [1]),
    ("both together are best", 3, [0, 1, 2]),
]
EFFECTS = {
    "sharing, without auxiliary loss": (-1, 1, 0, 0),
    "sharing, with auxiliary loss": (0, 0, -1, 1),
    "sharing, mean of the two": (-0.5, 0.5, -0.5, 0.5),
    "auxiliary loss, without sharing": (-1, 0, 1, 0),
    "auxiliary loss, with sharing": (0, -1, 0, 1),
    "auxiliary loss, mean of the two": (-0.5, -0.5, 0.5, 0.5),
    "interaction": (1, -1, -1, 1),
}
folder = Path(sys.argv[1])
results = json.loads((folder / "results.json").read_text())
compared, differing = 0, []


def check(place, found, expected, tolerance=1e-7):
    """Numbers to a relative tolerance, all else exactly."""
    global compared
    compared += 1
    if isinstance(expected, (tuple, list, np.ndarray)):
        compared -= 1
        if found is None or len(found) != len(expected):
            differing.append((place, found, expected))
        else:
            for index, (a, b) in enumerate(zip(found, expected)):
                check(f"{place}[{index}]", a, b, tolerance)
    elif expected is None or isinstance(expected, (str, bool)):
        if found != expected:
            differing.append((place, found, expected))
    elif found is None or abs(found - expected) > tolerance * max(1, abs(expected)):
        differing.append((place, found, float(expected)))


def records(recipe, variant):
    files = (folder / "records" / recipe / variant).glob("*.json")
    found = [json.loads(file.read_text()) for file in files]
    return sorted((r for r in found if r["failure"] is None), key=lambda r: r["run"])


def right(recipe, variant):
    """Runs × pairs, true where the answer is right, and whether all runs have the same pairs."""
    rows, classes = [], []
    for record in records(recipe, variant)[:100]:
        said = json.loads((folder / "predictions" / recipe / variant / f"{record['run']}.json").read_text())
        first, second = np.array(said["classes"]).T
        rows.append((np.array(said["probabilities"]) > 0.5) == (first <= second))
        classes.append(said["classes"])
        assert abs(100 * rows[-1].mean() - record["test_accuracy"]) < 1e-6
    return np.array(rows), all(c == classes[0] for c in classes)


def estimate(value, parts, confidence):
    """Satterthwaite's interval of a sum of independent parts (variance, degrees)."""
    variance = sum(v for v, _ in parts)
    if variance == 0:
        return value, value
    degrees = variance**2 / sum(v**2 / d for v, d in parts if v > 0)
    reach = stats.t.ppf(0.5 + confidence / 2, degrees) * variance**0.5
    return value - reach, value + reach


def p_greater(value, parts):
    variance = sum(v for v, _ in parts)
    if variance == 0:
        return 0.0 if value > 0 else 1.0
    degrees = variance**2 / sum(v**2 / d for v, d in parts if v > 0)
    return stats.t.sf(value / variance**0.5, degrees)


def mean_part(values):
    return np.var(values, ddof=1) / len(values), len(values) - 1


def holm(p):
    order, adjusted, largest = np.argsort(p, kind="stable"), [None] * len(p), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted


def permutation(a, b):
    """All splits where there are few (ten against ten: 184,756), else by sums of counted subsets."""
    steps = np.rint(10 * np.concatenate([a, b])).astype(int)
    assert np.allclose(steps / 10, np.concatenate([a, b]))
    steps -= steps.min()
    size, total, count = len(a), steps.sum(), len(steps)
    observed = abs(count * steps[:size].sum() - size * total)
    if count <= 20:
        sums = np.array([sum(c) for c in combinations(steps, size)])
        return np.mean(abs(count * sums - size * total) >= observed)
    ways = np.zeros((size + 1, total + 1), dtype=object)
    ways[0, 0] = 1
    for step in steps:
        for k in range(size, 0, -1):
            ways[k, step:] += ways[k - 1, : total + 1 - step]
    far = abs(count * np.arange(total + 1) - size * total) >= observed
    return float(sum(ways[size][far])) / float(sum(ways[size]))


class SplitMix:
    def __init__(self):
        self.state = 0

    def below(self, bound):
        mask = 2**64 - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        return ((mixed ^ (mixed >> 31)) * bound) >> 64


def global_p(groups):
    """The same deals as `statistics/global.rs` draws."""
    rows = []
    for splits in groups:
        a, b = (np.array([split[side] for split in splits]) for side in (0, 1))
        if a.shape[1] > b.shape[1]:
            a, b = b, a
        values = np.concatenate([a, b], axis=1)
        n, m = a.shape[1], b.shape[1]
        variance = values.var(axis=1, ddof=1) * (1 / n + 1 / m)
        rows.append((list(range(n + m)), n, values, variance))

    def statistic():
        total = 0.0
        for order, n, values, variance in rows:
            dealt = values[:, order]
            difference = dealt[:, :n].mean(axis=1) - dealt[:, n:].mean(axis=1)
            total += sum(d * d / v for d, v in zip(difference, variance) if v > 0)
        return total

    observed, generator, far = statistic(), SplitMix(), 0
    for _ in range(9_999):
        for order, n, *_ in rows:
            for place in range(n):
                other = place + generator.below(len(order) - place)
                order[place], order[other] = order[other], order[place]
        far += statistic() >= observed - 1e-9 * observed
    return (1 + far) / 10_000


def superiority(a, b):
    """Newcombe's method 5."""
    value = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    z, n, mn = stats.norm.ppf(0.975), (len(a) + len(b)) / 2, len(a) * len(b)

    def root(t):
        variance = t * (1 - t) * (1 + (n - 1) * (1 - t) / (2 - t) + (n - 1) * t / (1 + t)) / mn
        return (value - t) ** 2 - z**2 * variance

    low = 0.0 if value == 0 else optimize.brentq(root, 0, value - 1e-9, xtol=1e-14)
    high = 1.0 if value == 1 else optimize.brentq(root, value + 1e-9, 1, xtol=1e-14)
    return value, low, high


def wilson(share, count):
    # scipy's takes whole counts alone, and ties are halves.
    z = stats.norm.ppf(0.975)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def sign_flip(differences):
    steps = np.rint(10 * np.asarray(differences)).astype(int)
    observed, size = steps.sum(), abs(steps).sum()
    ways = {0: 1}
    for step in steps:
        more = {}
        for total, count in ways.items():
            for signed in (total + step, total - step):
                more[signed] = more.get(signed, 0) + count
        ways = more
    assert max(ways) <= size
    return sum(count for total, count in ways.items() if total >= observed) / 2 ** len(steps)


def components(matrix, shared):
    runs, pairs = matrix.shape
    if runs < 2:
        return None
    spread = np.var(matrix.mean(axis=1), ddof=1)
    if not shared:
        p = matrix.mean(axis=1)
        within = np.mean(p * (1 - p)) / (pairs - 1)
        return 100 * max(0, spread - within) ** 0.5, 100 * within**0.5, None
    cells = matrix.astype(float)
    grand = cells.mean()
    by_pair = cells.mean(axis=0, keepdims=True) - grand
    by_run = cells.mean(axis=1, keepdims=True) - grand
    between = runs * (by_pair**2).sum() / (pairs - 1)
    rest = ((cells - grand - by_pair - by_run) ** 2).sum() / ((runs - 1) * (pairs - 1))
    variance = max(0, (between - rest) / runs)
    return 100 * spread**0.5, 100 * (variance / pairs) ** 0.5, (1e4 * variance / pairs, pairs - 1)


def clipped(interval):
    return None if interval is None else tuple(min(100.0, max(0.0, end)) for end in interval)


def statistics(place, found, values):
    n = len(values)
    check(f"{place}.values", found["values"], values)
    check(f"{place}.n", found["n"], n)
    check(f"{place}.mean", found["mean"], np.mean(values))
    check(f"{place}.median", found["median"], np.median(values))
    check(f"{place}.std_sample", found["std_sample"], np.std(values, ddof=1) if n > 1 else None)
    check(f"{place}.std_population", found["std_population"], np.std(values) if n > 1 else None)
    check(f"{place}.min", found["min"], min(values))
    check(f"{place}.max", found["max"], max(values))
    same = min(values) == max(values)
    interval = None if n < 2 or same else stats.t.interval(0.95, n - 1, np.mean(values), stats.sem(values))
    check(f"{place}.ci95", found["ci95"], clipped(interval))
    bound = 100 * stats.binomtest(0, n, alternative="less").proportion_ci(0.95, "exact").high
    check(f"{place}.elsewhere_at_most", found["elsewhere_at_most"], bound if same and n > 1 else None)


def verdict(there, margin, p_holm):
    within = -margin < there["ci90"][0] and there["ci90"][1] < margin
    differs = p_holm < 0.05
    return {(True, False): "reproduced", (True, True): "within", (False, True): "differs"}.get(
        (within, differs), "undecided"
    )


def needed(ours, theirs, margin):
    mean, std = np.mean(ours), np.std(ours, ddof=1)
    difference, there = mean - np.mean(theirs), mean_part(theirs)

    def within(n):
        low, high = estimate(difference, [(std**2 / n, n - 1), there], 0.90)
        return -margin < low and high < margin

    if not within(100_000):
        return None
    low, high = 2, 100_000
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if within(middle) else (middle + 1, high)
    return low


runs, draws = {}, {}
for entry in results["entries"]:
    recipe, variant = entry["recipe"], entry["variant"]
    own = records(recipe, variant)
    runs[recipe, variant] = {r["run"]: r["test_accuracy"] for r in own}
    matrix, shared = right(recipe, variant)
    found = components(matrix, shared)
    place = f"{recipe}/{variant}"
    if found:
        check(f"{place}.components.runs", entry["components"]["runs"], found[0])
        check(f"{place}.components.pairs", entry["components"]["pairs"], found[1])
        check(f"{place}.components.shared", entry["components"]["shared_pairs"], shared)
    draws[recipe, variant] = found and found[2]
    train = [r["train_accuracy"] for r in own]
    lost = [r["run"] for r in own if r["train_accuracy"] < np.median(train) - 5]
    check(f"{place}.lost_runs", entry["lost_runs"], lost)
    for split in ("train", "test"):
        values = [r[f"{split}_accuracy"] for r in own]
        accuracy = entry[split]
        statistics(f"{place}.{split}", accuracy, values)
        draw = draws[recipe, variant] if split == "test" else None
        total = draw and clipped(estimate(np.mean(values), [mean_part(values), draw], 0.95))
        check(f"{place}.{split}.total95", accuracy["total95"], total)
        there = accuracy["published"]
        if there:
            parts = [mean_part(values), mean_part(there["values"])]
            difference = np.mean(values) - np.mean(there["values"])
            at = f"{place}.{split}.published"
            check(f"{at}.difference", there["difference"], difference, 1e-9)
            check(f"{at}.standard_error", there["standard_error"], sum(v for v, _ in parts) ** 0.5)
            welch = stats.ttest_ind(values, there["values"], equal_var=False)
            check(f"{at}.ci95", there["ci95"], list(welch.confidence_interval(0.95)))
            check(f"{at}.ci90", there["ci90"], list(welch.confidence_interval(0.90)))
            check(f"{at}.p", there["p"], permutation(np.array(values), np.array(there["values"])))
            check(f"{at}.smallest_margin", there["smallest_margin"], max(map(abs, estimate(difference, parts, 0.90))))
            if there["margin"]:
                check(f"{at}.runs_needed", there["runs_needed"], needed(values, there["values"], there["margin"]))

for tables in results["against_tables"]:
    own = [e for e in results["entries"] if e["recipe"] == tables["recipe"]]
    judged = [e[s]["published"] for e in own for s in ("test", "train") if (e[s]["published"] or {}).get("margin")]
    for there, p_holm in zip(judged, holm([there["p"] for there in judged])):
        check(f"{tables['recipe']}.p_holm", there["p_holm"], p_holm)
        check(f"{tables['recipe']}.verdict", there["verdict"], verdict(there, there["margin"], p_holm))
    groups = [
        [[e[s]["values"], e[s]["published"]["values"]] for s in ("test", "train") if (e[s]["published"] or {}).get("margin")]
        for e in own
    ]
    check(f"{tables['recipe']}.p_global", tables["p_global"], global_p([g for g in groups if g]))
    for split in tables["splits"]:
        differences = [e[split["split"]]["published"]["difference"] for e in own]
        check(f"{tables['recipe']}.rms", split["rms"], np.mean(np.square(differences)) ** 0.5)
        errors = [
            mean_part(e[split["split"]]["values"])[0] + mean_part(e[split["split"]]["published"]["values"])[0]
            for e in own
        ]
        check(f"{tables['recipe']}.rms_of_spread", split["rms_of_spread"], np.mean(errors) ** 0.5)
        for within in split["within"]:
            margins = [e[split["split"]]["published"]["smallest_margin"] for e in own]
            check(f"{tables['recipe']}.within", within["count"], sum(m < within["margin"] for m in margins))

for name, base in BACKBONES.items():
    for kind in KINDS:
        values = [e["test"]["published"]["values"] for e in results["entries"] if e["variant"] == base + kind]
        runs["published", base + kind] = dict(enumerate(values[0]))
        draws["published", base + kind] = None
paired = {r["name"]: r["fields"]["pair_draw"] == "each-run" for r in results["recipes"]} | {"published": False}


def differences(recipe, a, b):
    both = sorted(runs[recipe, a].keys() & runs[recipe, b].keys())
    return [runs[recipe, a][run] - runs[recipe, b][run] for run in both]


def compare(recipe, a, b):
    if paired[recipe]:
        found = differences(recipe, a, b)
        return np.mean(found), [mean_part(found)]
    a, b = list(runs[recipe, a].values()), list(runs[recipe, b].values())
    return np.mean(a) - np.mean(b), [mean_part(a), mean_part(b)]


for family in ("claims", "published_claims"):
    for claim in results[family]:
        recipe, base = claim["recipe"], BACKBONES[claim["backbone"]]
        _, better, rivals = next(c for c in CLAIMS if c[0] == claim["claim"])
        better = base + KINDS[better]
        p = {base + KINDS[r]: p_greater(*compare(recipe, better, base + KINDS[r])) for r in rivals}
        than = max(p, key=p.get)
        value, parts = compare(recipe, better, than)
        place = f"{recipe} {claim['backbone']} {claim['claim']}"
        check(f"{place}.than", claim["than"], than)
        check(f"{place}.effect", claim["effect"], value, 1e-9)
        check(f"{place}.ci95", claim["ci95"], estimate(value, parts, 0.95))
        check(f"{place}.p", claim["p"], p[than])
        extra = [draws[recipe, better], draws[recipe, than]]
        total = estimate(value, parts + extra, 0.95) if all(extra) else None
        check(f"{place}.total95", claim["total95"], total)
        if paired[recipe]:
            found = differences(recipe, better, than)
            share = np.mean([(d > 0) + 0.5 * (d == 0) for d in found])
            check(f"{place}.p_sign_flip", claim["p_sign_flip"], sign_flip(found) if len(found) <= 100 else None)
            expected = (share, *wilson(share, len(found)))
        else:
            a, b = runs[recipe, better].values(), runs[recipe, than].values()
            expected = superiority(list(a), list(b))
        check(f"{place}.superiority", [claim["superiority"]["value"], *claim["superiority"]["ci95"]], expected)
    for claim, p_holm in zip(results[family], holm([claim["p"] for claim in results[family]])):
        check(f"{family}.p_holm", claim["p_holm"], p_holm)
        outcome = "holds" if p_holm < 0.05 else "contradicted" if claim["ci95"][1] < 0 else "undecided"
        check(f"{family}.outcome", claim["outcome"], outcome)

for family in ("effects", "published_effects"):
    for effect in results[family]:
        recipe, base = effect["recipe"], BACKBONES[effect["backbone"]]
        weighed = [(w, base + kind) for w, kind in zip(EFFECTS[effect["effect"]], KINDS) if w]
        if paired[recipe]:
            both = sorted(set.intersection(*(set(runs[recipe, v]) for _, v in weighed)))
            by_run = [sum(w * runs[recipe, v][run] for w, v in weighed) for run in both]
            value, parts = np.mean(by_run), [mean_part(by_run)]
        else:
            values = [(w, list(runs[recipe, v].values())) for w, v in weighed]
            value = sum(w * np.mean(v) for w, v in values)
            parts = [(w**2 * mean_part(v)[0], mean_part(v)[1]) for w, v in values]
        place = f"{recipe} {effect['backbone']} {effect['effect']}"
        check(f"{place}.value", effect["value"], value, 1e-9)
        check(f"{place}.ci95", effect["ci95"], estimate(value, parts, 0.95))
        extra = [draws[recipe, v] and (w**2 * draws[recipe, v][0], draws[recipe, v][1]) for w, v in weighed]
        total = estimate(value, parts + extra, 0.95) if all(extra) else None
        check(f"{place}.total95", effect["total95"], total)

for row in results["paper_against_authors"]:
    paper, authors = (list(runs[recipe, row["variant"]].values()) for recipe in ("paper", "authors"))
    value, parts = np.mean(paper) - np.mean(authors), [mean_part(paper), mean_part(authors)]
    check(f"{row['variant']}.difference", row["difference"], value, 1e-9)
    check(f"{row['variant']}.ci95", row["ci95"], estimate(value, parts, 0.95))
    draw = draws["authors", row["variant"]]
    total = draw and estimate(value, parts + [draw], 0.95)
    check(f"{row['variant']}.total95", row["total95"], total)

print(f"{compared} numbers compared, {len(differing)} differ")
for place, found, expected in differing[:40]:
    print(f"  {place}: {found} in results.json, {expected} here")
sys.exit(bool(differing))
