"""How well a query in one language finds what is worded in the other. Run: python -m tests.benchmarks.bilingual

`bilingual.json` holds sixty queries, thirty in each language, and for each what a reader of both languages wants among
the first ten of its kind: {"query", "language", "sort", "wanted": ["actors/slug", "positions/report/key", …]}. They
were written down before the search was ever asked for one of them, and are not changed to suit it.

*Recall at 10* of a query is the share of its wanted objects that stand among the first ten of their kind; that of
several queries is their mean. Beside the search stand two that anybody would write in an afternoon: every word of the
query somewhere in the title, name or summary (`icontains`), in the query's own language or in either, in the order of
the list. The corpus is the shipped one without the source texts, in a scratch database of whatever server DATABASE_URL
names, which is dropped again.
"""

import io
import json
import os
import statistics
from collections import Counter
from functools import reduce
from operator import and_, or_
from pathlib import Path

QUERIES = Path(__file__).with_name("bilingual.json")
BEST = 10
LANGUAGES = {"en": ("en", "zh"), "zh": ("zh", "en")}  # the query's own language first
STEM = 5  # letters that two forms of one English word have in common


def models():
    """Return {word: (Kind, model, stem of the text by which its rows are known)}."""
    from portal.models import Kind
    from recommendations import models as advice
    from reports import models as reports

    return {
        "reports": (Kind.REPORTS, reports.Report, "title"),
        "authors": (Kind.AUTHORS, reports.Author, "name"),
        "institutions": (Kind.INSTITUTIONS, reports.Institution, "name"),
        "works": (Kind.WORKS, reports.Work, "title"),
        "areas": (Kind.AREAS, advice.PolicyArea, "name"),
        "actors": (Kind.ACTORS, advice.Actor, "name"),
        "instruments": (Kind.INSTRUMENTS, advice.Instrument, "name"),
        "subjects": (Kind.SUBJECTS, advice.Subject, "name"),
        "questions": (Kind.QUESTIONS, advice.Question, "text"),
        "recommendations": (Kind.RECOMMENDATIONS, advice.Recommendation, "summary"),
        "positions": (Kind.POSITIONS, advice.Position, "summary"),
    }


def found(model, wanted):
    """Return the row that `slug` or `report/key` names."""
    return model.objects.get_by_natural_key(*wanted.split("/"))


# ---------------------------------------------------------------------------------------------------------------------
# Three searches: functions(Kind, model, stem, query, language) -> ids in their order
# ---------------------------------------------------------------------------------------------------------------------


def portal_search(kind, model, stem, query, language):
    """The portal's: what the query finds, the best first."""
    from portal import finding, words
    from portal.models import Entry

    asked = words.parse(query)
    rows = Entry.objects.filter(finding.asked(kind, asked), kind=kind).annotate(rank=finding.exactness(asked))
    return list(rows.order_by("rank", "place").values_list("object_id", flat=True))


def plain_search(languages):
    """Return the plain search over the texts of these languages, the first n of the query's own and the other."""

    def search(kind, model, stem, query, language):
        from django.db.models import Q

        from portal.models import Entry

        columns = [f"{stem}_{one}__icontains" for one in LANGUAGES[language][:languages]]
        every = reduce(and_, (reduce(or_, (Q(**{name: word}) for name in columns)) for word in query.split()))
        rows = Entry.objects.filter(kind=kind, object_id__in=model.objects.filter(every).order_by().values("pk"))
        return list(rows.order_by("place").values_list("object_id", flat=True))

    return search


SEARCHES = {"search": portal_search, "icontains, own language": plain_search(1), "icontains, both": plain_search(2)}


# ---------------------------------------------------------------------------------------------------------------------
# Recall, and why something is missed
# ---------------------------------------------------------------------------------------------------------------------


def places(search, case, kinds):
    """Return {wanted: its place among its kind, from 1, or None} for one query."""
    lists, done = {}, {}
    for name in case["wanted"]:
        word, _, key = name.partition("/")
        kind, model, stem = kinds[word]
        if word not in lists:
            lists[word] = search(kind, model, stem, case["query"], case["language"])
        pk = found(model, key).pk
        done[name] = lists[word].index(pk) + 1 if pk in lists[word] else None
    return done


def recall(done):
    return sum(place is not None and place <= BEST for place in done.values()) / len(done)


def coded(phrase):
    """Tell whether a phrase stands anywhere in the index."""
    from portal import finding
    from portal.models import Entry

    return Entry.objects.filter(finding.holding([phrase])).exists()


def inflected(unit, held):
    """Tell whether one of these words is another form of an English word, or begins with the same letters."""
    stem = unit[:STEM] if len(unit) > STEM else unit
    return any(word.startswith(stem) for word in held)


def reason(case, place, texts):
    """Return why an object with these texts is missed: the first that is true of `REASONS`."""
    from portal import words

    if place:
        return "further down"
    asked = words.parse(case["query"]).phrases
    units = [unit for phrase in asked for unit in phrase.units]
    held = {char for text in texts for char in words.normal(text)}
    spelt = {word for text in texts for word in words.normal(text).split()}
    if all(unit in held if words.is_han(unit) else inflected(unit, spelt) for unit in units):
        return "word form"
    return "synonym" if all(coded(phrase) for phrase in asked) else "not coded"


REASONS = {
    "further down": f"it is found, but after the first {BEST} of its kind",
    "word form": "it has the words, but otherwise ordered, parted or inflected",
    "synonym": "it says the same in other words; what is asked for stands elsewhere in the corpus",
    "not coded": "what is asked for, a word or a run of Chinese, stands nowhere in the corpus",
}


def texts(row, stem):
    return [getattr(row, f"{stem}_zh"), getattr(row, f"{stem}_en"), *getattr(row, "aliases", [])]


# ---------------------------------------------------------------------------------------------------------------------
# The tables
# ---------------------------------------------------------------------------------------------------------------------


def table(cases, results):
    """Print the mean recall of each search by direction and by what is asked for."""
    rows = [("Chinese queries", lambda case: case["language"] == "zh")]
    rows += [("English queries", lambda case: case["language"] == "en")]
    for sort in dict.fromkeys(case["sort"] for case in cases):
        rows.append((f"  {sort}", lambda case, sort=sort: case["sort"] == sort))
    rows.append(("all", lambda case: True))
    print(f"{f'recall at {BEST}':18}{'queries':>8}{'wanted':>8}" + "".join(f"{name:>26}" for name in SEARCHES))
    for label, chosen in rows:
        at = [i for i, case in enumerate(cases) if chosen(case)]
        wanted = sum(len(cases[i]["wanted"]) for i in at)
        means = [statistics.fmean(recall(results[name][i]) for i in at) for name in SEARCHES]
        print(f"{label:18}{len(at):8}{wanted:8}" + "".join(f"{mean:26.3f}" for mean in means))


def misses(cases, done, kinds):
    """Print what the search misses, by query, and how often for which reason."""
    counts = Counter()
    for case, of in zip(cases, done, strict=True):
        for name, place in of.items():
            if place and place <= BEST:
                continue
            word, _, key = name.partition("/")
            _kind, model, stem = kinds[word]
            why = reason(case, place, texts(found(model, key), stem))
            counts[why] += 1
            print(f"  {case['query']}  {name}  {why}" + (f" ({place})" if place else ""))
    print()
    for why, meaning in REASONS.items():
        print(f"{counts[why]:4}  {why}: {meaning}")


def main():
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        call_command("load_corpus", stdout=io.StringIO())
        cases, kinds = json.loads(QUERIES.read_text(encoding="utf-8")), models()
        results = {name: [places(search, case, kinds) for case in cases] for name, search in SEARCHES.items()}
        print(f"{connection.vendor}\n")
        table(cases, results)
        print("\nMissed by the search:")
        misses(cases, results["search"], kinds)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()


if __name__ == "__main__":
    main()
