"""The first of many rows: what a page shows of what may be too long for it, and how many there are in all."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal import finding
from portal.models import Entry

AT_ONCE = 40  # rows looked at in a first question; each that follows looks at GROWTH times as many
GROWTH = 4


@dataclass(frozen=True)
class Excerpt:
    """The first `rows` of `total`. It is as long as what it shows."""

    rows: list
    total: int

    def __iter__(self) -> Iterator:
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    @property
    def more(self):
        return self.total > len(self.rows)


def first(most, rows, fetch=None):
    """Return the Excerpt of the first rows of a QuerySet; `fetch` returns {key: row} with what a page shows of each.

    The keys are read before anything else, so that no count or relation is worked out for what is not shown.
    """
    keys = list(rows.values_list("pk", flat=True)[: most + 1])
    total = len(keys) if len(keys) <= most else rows.count()
    return Excerpt(in_order(keys[:most], fetch or rows.in_bulk), total)


def in_order(keys, fetch):
    """Return the rows that have these keys, in their order, as `fetch` returns them, {key: row}.

    What has just gone is left out.
    """
    found = fetch(keys)
    return [found[key] for key in keys if key in found]


def sifted(keys, rows, most):
    """Return the first of the keys, at most so many, that are in a QuerySet: some are looked at, then ever more."""
    found, at, size = [], 0, AT_ONCE
    while at < len(keys) and len(found) < most:
        some = keys[at : at + size]
        held = set(rows.filter(pk__in=some).order_by().values_list("pk", flat=True))
        found += [key for key in some if key in held]
        at, size = at + size, size * GROWTH
    return found[:most]


def filed(kind, *terms):
    """Return the entries of a kind under each of these terms, (facet, value), in the order of their list.

    A set of terms stands for any one of them.
    """
    entries = Entry.objects.of_kind(kind).order_by("place")
    for each in terms:
        ids = finding.term_ids(each if isinstance(each, set) else {each}).values()
        entries = entries.filter(terms__any=list(ids)) if ids else entries.none()
    return entries
