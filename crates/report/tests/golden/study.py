"""Recomputes the differences and effects of a study's results.json with NumPy and SciPy, from its records.

usage: python study.py STUDY_FOLDER

Prints how many numbers were compared and which differ; exits 1 where one does.
"""

import json
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
from scipy import stats

KINDS = [(False, False), (True, False), (False, True), (True, True)]
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
results, sweep, study = (json.loads((folder / f"{name}.json").read_text()) for name in ("results", "sweep", "study"))
recipes = {recipe["name"]: recipe["fields"] for recipe in sweep["settings"]["recipes"]}
networks = sweep["settings"]["variants"]
compared, differing = 0, []


def check(place, found, expected):
    """Numbers to a relative tolerance, all else exactly."""
    global compared
    compared += 1
    exact = expected is None or isinstance(expected, (str, bool, tuple))
    near = not exact and found is not None and np.allclose(found, expected, rtol=1e-7, atol=1e-7)
    if not (found == expected if exact else near):
        differing.append((place, found, expected))


def runs(recipe, network):
    files = (folder / "records" / recipe / network).glob("*.json")
    found = [json.loads(file.read_text()) for file in files]
    return {r["run"]: r["test_accuracy"] for r in found if r["failure"] is None}


def draws_each_run(recipe):
    return recipes[recipe].get("pair_draw") == "each-run"


def are_paired(a, b):
    common = all(draws_each_run(r) and recipes[r].get("random_numbers") == "common" for r in (a, b))
    return draws_each_run(a) if a == b else common


def holm(p):
    """Of p values, None where there is no test."""
    tested = sorted((value, index) for index, value in enumerate(p) if value is not None)
    adjusted, largest = [None] * len(p), 0.0
    for rank, (value, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * value))
        adjusted[index] = largest
    return adjusted


def difference(of, frm):
    """Value, interval and p value, and whether all runs are the same."""
    a, b = runs(*of), runs(*frm)
    if are_paired(of[0], frm[0]):
        both = sorted(a.keys() & b.keys())
        pairs = [(a[run], b[run]) for run in both]
        if not pairs:
            return None, None, None, False
        by_run = [x - y for x, y in pairs]
        same = len(pairs) > 1 and not any(by_run)
        if len(pairs) < 2 or same:
            return np.mean(by_run), None, None, same
        found = stats.ttest_rel(*zip(*pairs))
        return np.mean(by_run), list(found.confidence_interval(0.95)), found.pvalue, False
    if not a or not b:
        return None, None, None, False
    value = np.mean(list(a.values())) - np.mean(list(b.values()))
    if min(len(a), len(b)) < 2:
        return value, None, None, False
    found = stats.ttest_ind(list(a.values()), list(b.values()), equal_var=False)
    return value, list(found.confidence_interval(0.95)), found.pvalue, False


base, base_network = study["base"], study["base_network"]
expected = [((cell, n), (base, n)) for cell in recipes if cell != base for n in networks]
if base_network:
    expected += [((cell, n), (cell, base_network)) for cell in recipes for n in networks if n != base_network]
found = results.get("differences", [])
names = [((d["of"]["recipe"], d["of"]["network"]), (d["from"]["recipe"], d["from"]["network"])) for d in found]
check("what is compared", tuple(sorted(names)), tuple(sorted(expected)))
numbers = [difference(*pair) for pair in names]
for d, pair, (value, ci95, p, same), p_holm in zip(found, names, numbers, holm([n[2] for n in numbers])):
    place = f"{pair[0]} from {pair[1]}"
    for field, number in (("value", value), ("ci95", ci95), ("p", p), ("same", same), ("p_holm", p_holm)):
        check(f"{place}.{field}", d[field], number)

crossed = {}
for backbone, own in groupby(sorted(sweep["networks"], key=lambda n: n["backbone"]), key=lambda n: n["backbone"]):
    kinds = [(n["weight_sharing"], n["auxiliary_loss"], n["name"]) for n in own]
    four = [[name for *kind, name in kinds if tuple(kind) == wanted] for wanted in KINDS]
    if all(len(names) == 1 for names in four):
        crossed[backbone] = [names[0] for names in four]
check("effects", len(results["effects"]), len(crossed) * len(recipes) * len(EFFECTS))
for effect in results["effects"]:
    recipe = effect["recipe"]
    pairs = [(w, runs(recipe, n)) for w, n in zip(EFFECTS[effect["effect"]], crossed[effect["backbone"]]) if w]
    place = f"{recipe} {effect['backbone']} {effect['effect']}"
    if draws_each_run(recipe):
        both = sorted(set.intersection(*(set(r) for _, r in pairs)))
        by_run = [sum(w * r[run] for w, r in pairs) for run in both]
        check(f"{place}.value", effect["value"], np.mean(by_run) if by_run else None)
        if len(by_run) > 1 and np.ptp(by_run) > 0:
            interval = stats.t.interval(0.95, len(by_run) - 1, np.mean(by_run), stats.sem(by_run))
            check(f"{place}.ci95", effect["ci95"], list(interval))
    elif all(r for _, r in pairs):
        check(f"{place}.value", effect["value"], sum(w * np.mean(list(r.values())) for w, r in pairs))

print(f"{compared} numbers compared, {len(differing)} differ")
for place, number, wanted in differing[:40]:
    print(f"  {place}: {number} in results.json, {wanted} here")
sys.exit(bool(differing))
