"""How good the suggested relations are: python -m tests.benchmarks.suggestions, on the database of DATABASE_URL.

Every pair of recommendations of different reports is either a confirmed relation or it is not. All candidate pairs are
ranked, and the ranking is asked for two things: *precision at 20*, the share of confirmed pairs among the 20 best, and
*recall at 200*, the share of all confirmed pairs that is among the 200 best. A confirmed pair that never becomes a
candidate counts as missed.

A score knows nothing of what is confirmed except through its weights. So that no pair is scored with weights that it
helped to set, they are found anew for each pair of documents with all relations between these two hidden, and that
pair of documents alone is scored with them: leave one out, where the one is all that two documents have in common.
"""

import os
from bisect import bisect_right
from collections import defaultdict

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from recommendations.models import CrossReference, PolicyArea, Recommendation
from recommendations.suggestion import WEIGHTS, Corpus, item

BEST, MANY = 20, 200
GRID = range(9)
ROUNDS = 4
SIGNALS = list(WEIGHTS)


class Pairs:
    """Candidate pairs: `columns` {signal: [value]}, `hit` [whether confirmed], `documents` [the two reports]."""

    def __init__(self, corpus, confirmed):
        found = list(corpus.candidates())
        signals = [corpus.signals(*pair) for pair in found]
        self.columns = {name: [values.get(name, 0.0) for values in signals] for name in SIGNALS}
        self.hit = [frozenset((one.key, two.key)) in confirmed for one, two in found]
        self.documents = [frozenset((one.report, two.report)) for one, two in found]

    def without(self, documents):
        """Return the places of the pairs that are not of these two documents."""
        return [place for place, both in enumerate(self.documents) if both != documents]


def scores(pairs, places, weights):
    totals = [0.0] * len(places)
    for name, weight in weights.items():
        column = pairs.columns[name]
        totals = [total + weight * column[place] for total, place in zip(totals, places, strict=True)]
    return totals


def average_precision(totals, hits):
    """Return the mean, over the confirmed pairs, of the precision at their rank; ties rank as the last of them."""
    found = sorted((total for total, hit in zip(totals, hits, strict=True) if hit), reverse=True)
    ordered = sorted(-total for total in totals)
    return sum(n / bisect_right(ordered, -total) for n, total in enumerate(found, 1)) / len(found)


def fit(pairs, places):
    """Return the weights of the best average precision, by coordinate search from equal weights."""
    hits = [pairs.hit[place] for place in places]
    weights = dict.fromkeys(SIGNALS, 2)
    best = average_precision(scores(pairs, places, weights), hits)
    for _ in range(ROUNDS):
        before = dict(weights)
        for name in SIGNALS:
            rest = scores(pairs, places, weights | {name: 0})
            column = [pairs.columns[name][place] for place in places]
            for weight in GRID:
                totals = [total + weight * value for total, value in zip(rest, column, strict=True)]
                if (reached := average_precision(totals, hits)) > best + 1e-9:
                    best, weights = reached, weights | {name: weight}
        if weights == before:
            break
    return weights


def left_out(pairs):
    """Return a score for each pair, by weights found without the two documents that it is of."""
    places = defaultdict(list)
    for place, documents in enumerate(pairs.documents):
        places[documents].append(place)
    found = [0.0] * len(pairs.hit)
    for documents, theirs in sorted(places.items(), key=lambda entry: sorted(entry[0])):
        weights = fit(pairs, pairs.without(documents))
        for place, total in zip(theirs, scores(pairs, theirs, weights), strict=True):
            found[place] = total / sum(weights.values())
    return found


def measured(totals, hits, confirmed):
    """Return (precision at BEST, recall at MANY)."""
    ranked = [hits[place] for place in sorted(range(len(totals)), key=lambda place: -totals[place])]
    return sum(ranked[:BEST]) / BEST, sum(ranked[:MANY]) / confirmed


def main():
    above = PolicyArea.objects.in_bulk()
    corpus = Corpus(item(row, above) for row in Recommendation.objects.for_suggestions())
    keys = {one.key for one in corpus.items}
    rows = CrossReference.objects.filter(state=CrossReference.State.CONFIRMED)
    rows = rows.select_related("source__report", "target__report")
    confirmed = {frozenset((row.source.natural_key(), row.target.natural_key())) for row in rows}
    confirmed = {pair for pair in confirmed if pair <= keys}
    n, sizes = len(confirmed), defaultdict(int)
    for one in corpus.items:
        sizes[one.report] += 1
    possible = (len(keys) ** 2 - sum(size**2 for size in sizes.values())) // 2
    pairs = Pairs(corpus, confirmed)
    print(f"Recommendations: {len(keys)}. Pairs across reports: {possible}. Confirmed: {n}.")
    print(f"Candidates: {len(pairs.hit)}, of which confirmed: {sum(pairs.hit)}.\n")
    everywhere = range(len(pairs.hit))
    every = [
        (one, two) for i, one in enumerate(corpus.items) for two in corpus.items[i + 1 :] if one.report != two.report
    ]
    cosines = [corpus.cosine(one, two, "text_zh") for one, two in every]
    lines = [
        ("suggestions, weights found without the two documents", measured(left_out(pairs), pairs.hit, n)),
        ("suggestions, weights of the code", measured(scores(pairs, everywhere, WEIGHTS), pairs.hit, n)),
        (
            "plain cosine of Chinese bigrams",
            measured(cosines, [frozenset((one.key, two.key)) in confirmed for one, two in every], n),
        ),
        ("random pairs (expected)", (n / possible, min(1, MANY / possible))),
        ("the most that can be reached", (min(1, n / BEST), min(1, MANY / n))),
    ]
    print(f"{'':54} precision at {BEST}   recall at {MANY}")
    for name, (precision, recall) in lines:
        print(f"{name:54} {precision:15.3f} {recall:15.3f}")
    print(f"\nWeights found on all confirmed relations: {fit(pairs, everywhere)}")


if __name__ == "__main__":
    main()
