"""Filters that pages, API, exports and feeds share.

Values are slugs and words, never database ids. A parameter may repeat (OR); different parameters combine (AND). A blank
value is ignored; an unknown parameter or value is an error that names it, in HTML as in JSON.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count, OrderBy, Q
from django.db.models.functions import Substr
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal.text import languages, told

# Parameters that say how a list is given, not what is in it.
PRESENTATION = {"cursor", "page_size", "format", "count"}
FACET_LIMIT = 8
VALUES_MOST = 40  # given to all filters of one request together
VALUE_LENGTH = 200  # characters of one value


@dataclass
class FacetValue:
    """One value of a facet: what it is called, how many rows it leaves, whether it is chosen."""

    value: str
    label: str
    count: int
    chosen: bool


class WordsField(forms.Field):
    """Any number of words from a known set. Blank ones are ignored; each unknown one is named."""

    widget = forms.SelectMultiple

    def __init__(self, *, known, **kwargs):
        self.known = known
        super().__init__(**kwargs)

    def to_python(self, value):
        return list(dict.fromkeys(word.strip() for word in value or [] if word and word.strip()))

    def validate(self, value):
        super().validate(value)
        held = self.known([word for word in value if "\0" not in word])  # PostgreSQL takes no NUL
        unknown = [word for word in value if word not in held]
        if unknown:
            raise ValidationError([_("There is no “%(value)s” here.") % {"value": word} for word in unknown])


class OneWordField(WordsField):
    """One word of a known set, or none."""

    def validate(self, value):
        super().validate(value)
        if len(value) > 1:
            raise ValidationError(_("Only one value can be given here."))


class WordsFilter(django_filters.Filter):
    """Base of the filters that take words: repeat for OR."""

    field_class = WordsField
    facet = True

    def __init__(self, **kwargs):
        super().__init__(known=self.known, **kwargs)

    def known(self, words):
        """Return those of the words that mean something here."""
        raise NotImplementedError

    def filter(self, queryset, value):
        return self.having(queryset, value) if value else queryset

    def having(self, queryset, words):
        raise NotImplementedError

    def facet_rows(self, queryset):
        """Return [(word, label, count)] of what occurs in the queryset, most frequent first."""
        raise NotImplementedError

    def labels(self, words):
        """Return {word: label} of chosen words."""
        raise NotImplementedError


class CasesFilter(WordsFilter):
    """Base of the filters with a few words of their own, each for a condition: CHOICES is {word: label}."""

    CHOICES = {}

    def known(self, words):
        return self.CHOICES.keys()

    def labels(self, words):
        return {word: self.CHOICES[word] for word in words if word in self.CHOICES}


class ChoiceWordsFilter(WordsFilter):
    """Words of a closed vocabulary (`TextChoices`) held in a column."""

    def __init__(self, *, choices, **kwargs):
        self.choices = dict(choices)
        super().__init__(**kwargs)

    def known(self, words):
        return self.choices.keys()

    def having(self, queryset, words):
        wanted = {f"{self.field_name}__in": words}
        if "__" in self.field_name:  # by a subquery, so that a row reached twice still comes once
            wanted = {"pk__in": queryset.model.objects.filter(**wanted).values("pk")}
        return queryset.filter(**wanted)

    def facet_rows(self, queryset):
        rows = queryset.order_by().values_list(self.field_name).annotate(n=Count("pk", distinct=True))
        counts = {word: n for word, n in rows if word in self.choices}
        return [(word, label, counts[word]) for word, label in self.choices.items() if word in counts]

    def labels(self, words):
        return {word: self.choices[word] for word in words if word in self.choices}


class OneChoiceFilter(ChoiceWordsFilter):
    """One word of a closed vocabulary: a way to show rows, not a choice among them."""

    field_class = OneWordField
    facet = False

    def filter(self, queryset, value):
        return queryset


class SlugWordsFilter(WordsFilter):
    """Slugs of rows of another table, reached over `field_name` (a foreign key or a many-to-many).

    `rows` is a function that returns the QuerySet of the rows a reader may know of. `paths` are further ways to the
    same table, joined by OR. Where the way leads through rows of reports, `gate` returns the lookups that keep to
    published ones: a public question with a hidden answer must not be found by who gave that answer.
    """

    def __init__(self, *, rows, name="name", paths=(), gate=dict, **kwargs):
        self.rows, self.name, self.paths, self.gate = rows, name, paths, gate
        self.asked = {}  # {slug: row, or None}; each FilterSet has filters of its own, so this lasts for one request
        super().__init__(**kwargs)

    def found(self, words):
        """Return {slug: row} of those words that a reader may know of. No word is asked for twice."""
        if new := [word for word in words if word not in self.asked]:
            self.asked |= dict.fromkeys(new) | {row.slug: row for row in self.rows().filter(slug__in=new)}
        return {word: self.asked[word] for word in words if self.asked[word]}

    def known(self, words):
        return set(self.found(words))

    def ids(self, words):
        return [row.pk for row in self.found(words).values()]

    def having(self, queryset, words):
        ids = self.ids(words)
        wanted = Q()
        for path in (self.field_name, *self.paths):
            wanted |= Q(**{f"{path}__in": ids})
        # By a subquery, so that a row reached twice over a to-many relation still comes once.
        return queryset.filter(pk__in=queryset.model.objects.filter(wanted, **self.gate()).values("pk"))

    def names(self):
        """Return the columns of the name, the page's language first."""
        return [f"{self.name}_{language}" for language in languages()]

    def facet_rows(self, queryset):
        path = self.field_name
        held = queryset.order_by().filter(**{f"{path}__in": self.rows()}, **self.gate())
        rows = held.values_list(*(f"{path}__{column}" for column in ("slug", *self.names())))
        found = [(slug, name or other, n) for slug, name, other, n in rows.annotate(n=Count("pk", distinct=True))]
        return sorted(found, key=lambda row: (-row[2], row[0]))

    def labels(self, words):
        return {slug: told(row, self.name) for slug, row in self.found(words).items()}


class TreeWordsFilter(SlugWordsFilter):
    """Slugs of a tree: a parent stands for its whole subtree, in the filter as in the counts."""

    def ids(self, words):
        return self.rows().subtree_ids(self.found(words).values())

    def facet_rows(self, queryset):
        nodes = {node.pk: node for node in self.rows()}
        members = {}
        filed = queryset.order_by().filter(**{f"{self.field_name}__isnull": False}).values_list("pk", self.field_name)
        for pk, node in filed:
            while node is not None:
                members.setdefault(node, set()).add(pk)
                node = nodes[node].parent_id
        found = [(nodes[pk].slug, told(nodes[pk], self.name), len(rows)) for pk, rows in members.items()]
        return sorted(found, key=lambda row: (-row[2], row[0]))


class WholeFilter(django_filters.NumberFilter):
    """Base of the filters that take a whole number from 1 to LIMIT."""

    LIMIT = 9998
    facet = False

    def __init__(self, **kwargs):
        super().__init__(min_value=1, max_value=self.LIMIT, decimal_places=0, **kwargs)


class YearFilter(WholeFilter):
    """A bound on the year of a partial date: `gte` from that year on, `lte` up to its end. Undated rows fall out.

    With `end`, the column of an end date, a stretch of time counts as long as some of it lies within the bound.
    """

    def __init__(self, *, bound, end="", **kwargs):
        self.bound, self.end = bound, end
        super().__init__(**kwargs)

    def filter(self, queryset, value):
        if value is None:
            return queryset
        if self.bound == "gte":
            columns = [self.field_name, *([self.end] if self.end else [])]
            return queryset.filter(reduce(or_, (Q(**{f"{column}__gte": f"{int(value):04d}"}) for column in columns)))
        dated = queryset.exclude(**{self.field_name: ""})
        return dated.filter(**{f"{self.field_name}__lt": f"{int(value) + 1:04d}"})


class TextFilter(django_filters.CharFilter):
    """Words that must all occur, each in at least one of the columns `within`; `“a phrase”` is split like the rest."""

    facet = False

    def __init__(self, *, within, **kwargs):
        self.within = within
        super().__init__(max_length=VALUE_LENGTH, **kwargs)

    def filter(self, queryset, value):
        for word in (value or "").replace("\0", "").split():
            matching = Q()
            for column in self.within:
                matching |= Q(**{f"{column}__icontains": word})
            queryset = queryset.filter(matching)
        return queryset


class SortFilter(django_filters.Filter):
    """Sorting by an allowed list: {word: columns}. `-word` turns it round; ties fall by primary key.

    A column may be an expression (`F("x").desc(nulls_last=True)`): its empty values come last whichever way it turns.
    """

    field_class = WordsField
    facet = False

    def __init__(self, *, fields, words, **kwargs):
        self.fields, self.words = fields, words
        super().__init__(known=self.known, label=_("Sort by"), **kwargs)

    def known(self, words):
        return {sign + word for word in self.fields for sign in ("", "-")}

    def filter(self, queryset, value):
        if not value:
            return queryset
        columns = []
        for word in value:
            chosen = self.fields[word.removeprefix("-")]
            columns += [self.turned(column) for column in chosen] if word.startswith("-") else chosen
        # A work may be a report too, perhaps a hidden one; only what has a place in its report is sorted by that.
        ties = ("report", "order") if self.has(queryset, "order") else ()
        return queryset.order_by(*columns, *ties, "pk")

    @staticmethod
    def turned(column):
        """Return a column sorted the other way."""
        if isinstance(column, OrderBy):
            return OrderBy(column.expression, descending=not column.descending, nulls_last=True)
        return column[1:] if column.startswith("-") else f"-{column}"

    @staticmethod
    def has(queryset, column):
        return any(field.name == column for field in queryset.model._meta.concrete_fields)


class StrictFilterSet(django_filters.FilterSet):
    """Base of every list's filters. `errors` names each unknown parameter or value; check `is_valid()` before `qs`.

    `presentation` are the parameters that may stand beside the filters. More or longer values than a reader could mean
    are refused before anything is asked of the database.
    """

    presentation = PRESENTATION

    def is_valid(self):
        return self.is_bound is False or not self.errors

    @property
    def errors(self):
        if errors := self.excess():
            return errors
        errors = super().errors
        for name in self.data or ():
            if name not in self.filters and name not in self.presentation and name not in errors:
                known = ", ".join(sorted(self.filters))
                message = _("There is no filter “%(name)s”; there are %(known)s.") % {"name": name, "known": known}
                errors[name] = self.form.error_class([message])
        return errors

    def excess(self):
        """Return {parameter: [reason]} for a request with more values, or longer ones, than are taken."""
        lists = self.data.lists() if isinstance(self.data, QueryDict) else ()
        given = {name: [word for word in words if word.strip()] for name, words in lists if name in self.filters}
        errors = {}
        if (n := sum(map(len, given.values()))) > VALUES_MOST:
            message = _("All filters together take at most %(most)s values; here are %(n)s.")
            errors[max(given, key=lambda name: len(given[name]))] = [message % {"most": VALUES_MOST, "n": n}]
        for name, words in given.items():
            longest = getattr(self.filters[name], "longest", VALUE_LENGTH)
            if any(len(word) > longest for word in words):
                errors.setdefault(name, []).append(_("A value has at most %(n)s characters.") % {"n": longest})
        return errors

    def chosen(self, name):
        """Return the words chosen in a facet."""
        return self.form.cleaned_data.get(name) or []

    def without(self, name):
        """Return the rows that all other filters leave: what a facet's counts are taken over."""
        queryset = self.queryset.all()
        for key, value in self.form.cleaned_data.items():
            if key != name and not isinstance(self.filters[key], SortFilter):
                queryset = self.filters[key].filter(queryset, value)
        return queryset

    def bare(self, queryset):
        """Return the same rows without what a list works out for each of them, which a count would drag along."""
        return queryset.model.objects.filter(pk__in=queryset.order_by().values("pk"))

    def facets(self):
        """Return the facets in the order of declaration: {name, label, help, values, open}. One query each."""
        found = []
        for name, word_filter in self.filters.items():
            if not word_filter.facet:
                continue
            chosen = self.chosen(name)
            rows = word_filter.facet_rows(self.bare(self.without(name)))
            values = [FacetValue(word, label, n, word in chosen) for word, label, n in rows]
            listed = {value.value for value in values}
            missing = word_filter.labels([word for word in chosen if word not in listed])
            values += [FacetValue(word, label, 0, True) for word, label in missing.items()]
            if values:
                found.append(
                    {
                        "name": name,
                        "label": word_filter.label,
                        "help": word_filter.extra.get("help_text", ""),
                        "values": [v for i, v in enumerate(values) if i < FACET_LIMIT or v.chosen],
                        "more": [v for i, v in enumerate(values) if i >= FACET_LIMIT and not v.chosen],
                        "chosen": bool(chosen),
                    }
                )
        return found

    def chips(self):
        """Return the active filters as removable chips: {name, label, value, text}."""
        found = []
        for name, value in self.form.cleaned_data.items():
            word_filter = self.filters[name]
            if isinstance(word_filter, WordsFilter) and value:
                labels = word_filter.labels(value)
                found += [dict(name=name, label=word_filter.label, value=w, text=labels.get(w, w)) for w in value]
            elif not isinstance(word_filter, (WordsFilter, SortFilter)) and value not in (None, ""):
                text = int(value) if isinstance(word_filter, WholeFilter) else value
                found.append(dict(name=name, label=word_filter.label, value=str(text), text=str(text)))
        return found


class YearFacet(WordsFilter):
    """Single years of a partial date."""

    def known(self, words):
        return {word for word in words if word.isascii() and word.isdigit() and len(word) == 4}

    def having(self, queryset, words):
        wanted = Q()
        for word in words:
            wanted |= Q(**{f"{self.field_name}__startswith": word})
        return queryset.filter(wanted)

    def facet_rows(self, queryset):
        years = queryset.order_by().exclude(**{self.field_name: ""}).annotate(facet_year=Substr(self.field_name, 1, 4))
        rows = years.values_list("facet_year").annotate(n=Count("pk", distinct=True))
        return sorted(((year, year, n) for year, n in rows), reverse=True)

    def labels(self, words):
        return {word: word for word in words}
