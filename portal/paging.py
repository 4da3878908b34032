"""Pages that follow one another by the place of a row in the order, not by number.

A page costs the same at any depth, and rows that come or go meanwhile move no other row from one page to another. A
cursor is the place where a page begins or ends: a word that means something only to the list that gave it out.
"""

import base64
import json
import math
from dataclasses import dataclass
from hashlib import sha256

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections
from django.db.models import CharField, Count, Exists, F, Field, OrderBy, Q
from django.db.models.expressions import Col
from django.db.models.sql.constants import LOUTER
from django.utils.translation import gettext as _

WAYS = {"after": (True, False), "before": (False, False), "from": (True, True), "to": (False, True)}
WORDS = {meaning: word for word, meaning in WAYS.items()}  # meaning is (forwards, with the row at the place itself)
CURSOR_LIMIT = 2000
INTEGERS = range(-(2**63), 2**63)
NOTHING = Q(pk__in=[])


class BrokenCursor(ValueError):
    """A cursor that nobody gave out for this list; what it says is a sentence for the reader."""


@dataclass(frozen=True)
class Page:
    """Some rows of a list in its order, and the cursors of the pages beside it; None where there is none."""

    rows: list
    next: str | None
    previous: str | None


def whole(word, most):
    """Return the whole number from 1 to `most` that a word is, or None; however many digits it has."""
    digits = word.lstrip("0")
    number = int(digits) if word.isascii() and digits.isdigit() and len(digits) <= len(str(most)) else 0
    return number if 1 <= number <= most else None


# ---------------------------------------------------------------------------------------------------------------------
# Cursors
# ---------------------------------------------------------------------------------------------------------------------


def written(way, order, values):
    """Return a cursor: base64 of JSON, [way, digest of the order, *values of the row at the place]."""
    text = json.dumps([way, order, *values], ensure_ascii=False, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor, order, fields):
    """Return ((forwards, with the row itself), values) of a cursor, or raise BrokenCursor."""
    broken = BrokenCursor(_("“%(value)s” is no cursor of this list.") % {"value": cursor[:50]})
    if len(cursor) > CURSOR_LIMIT:
        raise broken
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        way, given, *values = json.loads(text)
        meaning = WAYS[way]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise broken from None
    if given != order:
        raise BrokenCursor(_("This cursor was given out for another order of the list: begin at the first page."))
    if len(values) != len(fields):
        raise broken
    try:
        return meaning, [sound(field, value) for field, value in zip(fields, values, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError):
        raise broken from None


def sound(field, value):
    """Return a value of a cursor as its field has it, or raise ValueError for what no database could hold."""
    if value is None:
        return None
    if isinstance(value, (list, dict)):
        raise ValueError(value)
    value = field.to_python(value)
    if isinstance(value, str):
        value.encode()  # no lone surrogate
    if (
        isinstance(value, str)
        and "\0" in value
        or isinstance(value, float)
        and not math.isfinite(value)
        or isinstance(value, int)
        and value not in INTEGERS
    ):
        raise ValueError(value)
    return value


def digest(*words):
    return sha256("\n".join(words).encode()).hexdigest()[:8]


# ---------------------------------------------------------------------------------------------------------------------
# The order of a QuerySet
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One column of an order. Rows carry its value as `name`; `nulls_last` is None where it is never empty."""

    name: str
    field: Field
    descending: bool
    nulls_last: bool | None

    def ordering(self, forwards):
        """Return what `order_by` takes."""
        nulls = {}
        if self.nulls_last is not None:
            nulls = {"nulls_last" if self.nulls_last == forwards else "nulls_first": True}
        return OrderBy(F(self.name), descending=self.descending == forwards, **nulls)

    def is_empty(self, empty=True):
        return Q(**{f"{self.name}__isnull": empty})

    def at(self, value):
        return self.is_empty() if value is None else Q(**{self.name: value})

    def beyond(self, value, forwards, or_at=""):
        """Return the condition of standing further on than this value, or with `or_at="e"` at it."""
        ends_empty = self.nulls_last == forwards
        if value is None:
            if ends_empty:
                return self.is_empty() if or_at else NOTHING
            return ~NOTHING if or_at else self.is_empty(False)
        further = Q(**{f"{self.name}__{'lt' if self.descending == forwards else 'gt'}{or_at}": value})
        return further | self.is_empty() if ends_empty else further


def spelled_out(model, item):
    """Yield the OrderBys that one item of an ordering stands for: a foreign key, for the ordering of its model."""
    if hasattr(item, "resolve_expression"):
        yield item if isinstance(item, OrderBy) else item.asc()
        return
    if item == "?":
        raise ValueError("A random order has no places.")
    name, descending = item.removeprefix("-"), item.startswith("-")
    related = related_model(model, name)
    if related is None or not related._meta.ordering:
        yield OrderBy(F(name), descending=descending)
        return
    for inner in related._meta.ordering:
        if isinstance(inner, str):
            sign = "-" if inner.startswith("-") != descending else ""
            yield from spelled_out(model, f"{sign}{name}__{inner.removeprefix('-')}")
        else:  # as Django has it: an OrderBy keeps its direction
            turned = inner if isinstance(inner, OrderBy) else inner.desc() if descending else inner.asc()
            yield turned.prefix_references(f"{name}__")


def related_model(model, path):
    """Return the model that a path of names leads to; None where it ends in a column, or is no path of fields."""
    field = None
    for name in path.split("__"):
        try:
            field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        except FieldDoesNotExist:
            return None
        model = field.related_model or model
    return field.related_model if field.is_relation and name not in ("pk", getattr(field, "attname", None)) else None


def can_be_null(query, expression):
    if isinstance(expression, Col):
        return expression.target.null or query.alias_map[expression.alias].join_type == LOUTER
    return not isinstance(expression, (Count, Exists))


def is_unique(query, expression):
    """Tell whether no two rows share this value, so that nothing after it decides."""
    own = isinstance(expression, Col) and expression.alias == query.get_initial_alias()
    return own and expression.target.unique and not expression.target.null


# ---------------------------------------------------------------------------------------------------------------------
# Pages
# ---------------------------------------------------------------------------------------------------------------------


class Keyset:
    """The pages of a QuerySet, `size` rows each, in its own order; the primary key decides where that leaves a tie.

    With `only`, names of columns, rows are named tuples of these and of their place, which take less time than models.
    """

    def __init__(self, queryset, size, only=()):
        self.size, self.only = size, only
        query, model = queryset.query, queryset.model
        turned = not query.standard_ordering
        self.rows, self.columns = queryset.reverse() if turned else queryset, []
        ordering = query.order_by or (model._meta.ordering if queryset.ordered else ())
        largest = connections[queryset.db].features.nulls_order_largest
        seen, said = set(), [model._meta.label]
        for order in (order for item in (*ordering, "pk") for order in spelled_out(model, item)):
            known = isinstance(order.expression, F) and order.expression.name in query.annotation_select
            name = order.expression.name if known else f"keyset_{len(self.columns)}"
            rows = self.rows if known else self.rows.annotate(**{name: order.expression})
            expression = rows.query.annotations[name]
            if expression in seen:
                continue
            seen.add(expression)
            self.rows, nulls_last = rows, None
            if can_be_null(rows.query, expression):
                nulls_last = bool(order.nulls_last or not order.nulls_first and largest != order.descending) != turned
            self.columns.append(Column(name, expression.output_field, order.descending != turned, nulls_last))
            called = getattr(order.expression, "name", type(order.expression).__name__)
            said.append(f"{called} {order.descending != turned} {order.nulls_first} {order.nulls_last}")
            if is_unique(rows.query, expression):
                break
        self.digest = digest(*said)

    def page(self, cursor=""):
        """Return the page at a cursor, the first one without. Raise BrokenCursor for what is none of this list."""
        if not cursor:
            return self.beside(True, None, self.found(self.rows, True))
        (forwards, inclusive), values = read(cursor, self.digest, [column.field for column in self.columns])
        if any(value is None and column.nulls_last is None for column, value in zip(self.columns, values, strict=True)):
            raise BrokenCursor(_("“%(value)s” is no cursor of this list.") % {"value": cursor[:50]})
        rows = self.rows.filter(self.condition(values, forwards, inclusive))
        back = self.cursor(not forwards, not inclusive, values)
        return self.beside(forwards, back, self.found(rows, forwards))

    def condition(self, values, forwards, inclusive):
        """Return the condition of standing further on than these values, (a, b, c) > (x, y, z) written out.

        The first column is bounded apart from the rest as well, for an index can use a range and cannot use the ORs.
        """
        further = ~NOTHING if inclusive else NOTHING
        for column, value in reversed(list(zip(self.columns, values, strict=True))):
            further = column.beyond(value, forwards) | column.at(value) & further
        return self.columns[0].beyond(values[0], forwards, "e") & further

    def found(self, rows, forwards):
        """Return one row more than a page has, which tells that there are more."""
        rows = rows.order_by(*(column.ordering(forwards) for column in self.columns))
        if self.only:
            rows = rows.values_list(*self.only, *(column.name for column in self.columns), named=True)
        return list(rows[: self.size + 1])

    def beside(self, forwards, back, found):
        """Return the Page of rows found on the way; `back` leads there from a page without any."""
        more, rows = len(found) > self.size, found[: self.size]
        onward = self.cursor(forwards, False, self.values(rows[-1])) if more else None
        if back and rows:
            back = self.cursor(not forwards, False, self.values(rows[0]))
        return Page(rows, onward, back) if forwards else Page(rows[::-1], back, onward)

    def values(self, row):
        return [getattr(row, column.name) for column in self.columns]

    def cursor(self, forwards, inclusive, values):
        return written(WORDS[forwards, inclusive], self.digest, values)


class Sequence:
    """The pages of rows already fetched: `key` returns the word for a row, `order` says how they are sorted."""

    def __init__(self, rows, size, key, order):
        self.rows, self.size, self.key, self.digest = rows, size, key, digest(order)

    def page(self, cursor=""):
        """Return the page at a cursor, the first one without. Raise BrokenCursor for what is none of this list."""
        start, end = 0, self.size
        if cursor:
            (forwards, inclusive), (word,) = read(cursor, self.digest, [CharField()])
            place = next((place for place, row in enumerate(self.rows) if self.key(row) == word), None)
            if place is None:
                raise BrokenCursor(_("The row where this page began has left the list: begin at the first page."))
            start = place + (not inclusive) if forwards else max(0, place + inclusive - self.size)
            end = start + self.size if forwards else place + inclusive
        rows = self.rows[start:end]
        onward = self.cursor("after", rows[-1]) if rows and end < len(self.rows) else None
        return Page(rows, onward, self.cursor("before", rows[0]) if rows and start else None)

    def cursor(self, way, row):
        return written(way, self.digest, [self.key(row)])
