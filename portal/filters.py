"""Filters that pages, API, exports and feeds share, answered from the index.

Values are slugs and words, never database ids. A parameter may repeat (OR); different parameters combine (AND). A blank
value is ignored; an unknown parameter or value is an error that names it, in HTML as in JSON.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, OrderBy, Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal import finding, index, words
from portal.index import NARROW
from portal.models import Entry
from portal.shelf import Shelf
from portal.text import languages, told

# Parameters that say how a list is given, not what is in it.
PRESENTATION = {"cursor", "page_size", "format", "count"}
FACET_LIMIT = 8  # values of a facet that are shown outright
FACET_MOST = 48  # values of a facet that are named at all, besides those chosen
FEW = 1_000  # entries up to which facets of very many values are counted to the end
NEWEST = 100  # entries out of which the values of such a facet are taken otherwise
SOUGHT = 10  # the share of a kind below which entries are found by their terms
RELEVANCE = "relevance"
VALUES_MOST = 40  # given to all filters of one request together
VALUE_LENGTH = 200  # characters of one value

named = Shelf(most=50_000)  # (slug, name), by primary key as a word
known_rows = Shelf(most=5_000)  # rows by slug, None where a reader may know of none
term_ids = Shelf(most=50_000)  # by (facet, value)
broad_terms = Shelf(most=100_000)  # (facet, value), by primary key: terms of all facets that have not very many


def among_facets(facets):
    """Return {term: (facet, value)} of all terms of these facets, without any of all, but for those of very many."""
    broad = broad_terms(index.version().number, "broad")
    if not broad:
        broad |= finding.all_but(NARROW)
    return {pk: name for pk, name in broad.items() if name[0] in facets} if facets else broad


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


class QueryField(forms.CharField):
    """Words to look for, read as a `portal.words.Query`; nothing where the box is blank."""

    def clean(self, value):
        text = super().clean(value)
        try:
            return words.parse(text) if text else ""
        except words.TooManyWords as error:
            raise ValidationError(str(error)) from error


class Lasting:
    """What knows nothing of a request, so that all FilterSets of a class share it: a filter with its field, or all."""

    def __deepcopy__(self, memo):
        return self


class Filters(Lasting, dict):
    """The filters of a FilterSet, {name: filter}."""


class WordsFilter(Lasting, django_filters.Filter):
    """Base of the filters that take words: repeat for OR.

    `term` is the facet of the index that it filters by, where that has not the filter's own name.
    """

    field_class = WordsField
    facet = True

    def __init__(self, *, term="", **kwargs):
        self.term = term
        super().__init__(known=self.known, **kwargs)

    def known(self, words):
        """Return those of the words that mean something here."""
        raise NotImplementedError

    def values(self, words):
        """Return the values of the terms that the words stand for."""
        return words

    def facet_rows(self, counts):
        """Return [(word, label, count)] for {value: count}, most frequent first."""
        raise NotImplementedError

    def labels(self, words):
        """Return {word: label} of chosen words."""
        raise NotImplementedError


class ChoiceWordsFilter(WordsFilter):
    """Words of a closed vocabulary: `TextChoices`, or CHOICES, {word: label}, of a class of its own."""

    CHOICES = {}

    def __init__(self, *, choices=(), **kwargs):
        self.choices = dict(choices) or self.CHOICES
        super().__init__(**kwargs)

    def known(self, words):
        return self.choices.keys()

    def facet_rows(self, counts):
        return [(word, label, counts[word]) for word, label in self.choices.items() if word in counts]

    def labels(self, words):
        return {word: self.choices[word] for word in words if word in self.choices}


class ViewFilter(ChoiceWordsFilter):
    """How a page is drawn, not what is in it."""

    facet = False

    def values(self, words):
        return ()


class OneChoiceFilter(ViewFilter):
    """One word of a closed vocabulary: a way to show rows, not a choice among them."""

    field_class = OneWordField


class SlugWordsFilter(WordsFilter):
    """Slugs of rows of another table.

    `rows` is the method of a Manager that returns the rows a reader may know of, `name` the stem of their name.
    """

    def __init__(self, *, rows, name="name", **kwargs):
        self.rows, self.name = rows, name
        self.model_shown = rows.__self__.model
        super().__init__(**kwargs)

    def found(self, words):
        """Return {slug: row} of those words that a reader may know of."""
        held = known_rows(index.version().number, self.model_shown, self.rows.__name__)
        if new := [word for word in words if word not in held]:
            held |= dict.fromkeys(new) | {row.slug: row for row in self.rows().filter(slug__in=new)}
        return {word: held[word] for word in words if held[word]}

    def known(self, words):
        return set(self.found(words))

    def values(self, words):
        return [str(row.pk) for row in self.found(words).values()]

    def facet_rows(self, counts):
        most = sorted(counts, key=lambda value: (-counts[value], value))[:FACET_MOST]
        columns = [f"{self.name}_{language}" for language in languages()]
        held = named(index.version().number, self.model_shown, *columns)
        if missing := [value for value in most if value not in held]:
            # What something public is filed under may be named, so that nothing more is asked than the name
            rows = self.model_shown.objects.filter(pk__in=missing).order_by().values_list("pk", "slug", *columns)
            held |= {str(pk): (slug, name or other) for pk, slug, name, other in rows}
        found = [(*held[value], counts[value]) for value in most if value in held]
        return sorted(found, key=lambda row: (-row[2], row[0]))

    def labels(self, words):
        return {slug: told(row, self.name) for slug, row in self.found(words).items()}


class WholeFilter(Lasting, django_filters.NumberFilter):
    """Base of the filters that take a whole number from 1 to LIMIT."""

    LIMIT = 9998
    facet = False

    def __init__(self, **kwargs):
        super().__init__(min_value=1, max_value=self.LIMIT, decimal_places=0, **kwargs)

    def condition(self, value, kind):
        """Return the Q of the entries that the value leaves."""
        raise NotImplementedError


class YearFilter(WholeFilter):
    """A bound on the year of a partial date: `gte` from that year on, `lte` up to its end. Undated rows fall out.

    A stretch of time with an end date counts as long as some of it lies within the bound.
    """

    def __init__(self, *, bound, **kwargs):
        self.bound = bound
        super().__init__(**kwargs)

    def condition(self, value, kind):
        if self.bound == "gte":
            return Q(date__gte=f"{int(value):04d}") | Q(date_end__gte=f"{int(value):04d}")
        return ~Q(date="") & Q(date__lt=f"{int(value) + 1:04d}")


class TextFilter(Lasting, django_filters.CharFilter):
    """Words to look for: see `portal.words` for how a query is read, and `portal.finding` for what it finds."""

    field_class = QueryField
    facet = False

    def __init__(self, **kwargs):
        super().__init__(max_length=VALUE_LENGTH, **kwargs)

    def condition(self, value, kind):
        return finding.asked(kind, value)


class SortFilter(Lasting, django_filters.Filter):
    """Sorting by an allowed list: {word: columns of `Entry`}. `-word` turns it round; ties fall by place.

    `default` are the words that hold where none is chosen; `relevance` is another word where there are words to find.

    Empty values come last whichever way a list is turned.
    """

    field_class = WordsField
    facet = False

    def __init__(self, *, fields, words, default=(), relevance=True, **kwargs):
        self.fields, self.words, self.default = fields | ({RELEVANCE: ()} if relevance else {}), words, default
        super().__init__(known=self.known, label=_("Sort by"), **kwargs)

    def known(self, words):
        return {sign + word for word in self.fields for sign in ("", "-")} - {f"-{RELEVANCE}"}

    def order(self, chosen, query):
        """Return what `order_by` takes for the words chosen; `query` is what relevance is measured by."""
        columns = []
        for word in chosen or self.default:
            if word == RELEVANCE:
                columns += [finding.exactness(query).asc()] if query else []
                continue
            for column in self.fields[word.removeprefix("-")]:
                name, descending = column.removeprefix("-"), column.startswith("-") != word.startswith("-")
                nulls = {"nulls_last": True} if name == "number" else {}
                columns.append(F(name).desc(**nulls) if descending else F(name).asc(**nulls))
        return [*columns, "place"]


class StrictFilterSet(django_filters.FilterSet):
    """Base of every list's filters. `errors` names each unknown parameter or value; check `is_valid()` before the rest.

    `listed` is what the list is of in the index, `fixed` the terms, (facet, value), under which all of its rows stand.
    `presentation` are the parameters that may stand beside the filters. More or longer values than a reader could mean
    are refused before anything is asked of the database.
    """

    listed = None
    fixed = ()
    presentation = PRESENTATION

    @classmethod
    def get_filters(cls):
        return Filters(super().get_filters())

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
        for name, values in given.items():
            longest = getattr(self.filters[name], "longest", VALUE_LENGTH)
            if any(len(value) > longest for value in values):
                errors.setdefault(name, []).append(_("A value has at most %(n)s characters.") % {"n": longest})
        return errors

    def chosen(self, name):
        """Return the words chosen in a facet."""
        return self.given.get(name) or []

    def get_form_class(self):
        return form_class(type(self))

    @cached_property
    def given(self):
        """The cleaned values of a valid request, {name: value}."""
        return self.form.cleaned_data if self.form.is_valid() else {}

    @cached_property
    def active(self):
        """The filters that narrow the list, {name: cleaned value}."""
        narrowing = [name for name, f in self.filters.items() if not isinstance(f, (SortFilter, ViewFilter))]
        return {name: value for name in narrowing if (value := self.given.get(name)) not in (None, "", [])}

    @cached_property
    def terms(self):
        """The terms by which the list is narrowed, {name: their ids}, those of all its rows as `fixed`."""
        wanted = {f"fixed {facet}": {(facet, value)} for facet, value in self.fixed}
        for name, value in self.active.items():
            if isinstance(word_filter := self.filters[name], WordsFilter):
                wanted[name] = {(word_filter.term or name, term) for term in word_filter.values(value)}
        ids = term_ids(index.version().number)
        if missing := {term for terms in wanted.values() for term in terms} - ids.keys():
            ids |= finding.term_ids(missing)
        return {name: [ids[term] for term in terms if term in ids] for name, terms in wanted.items()}

    @cached_property
    def conditions(self):
        """What has been asked for this request, {(name of a filter, kind): Q}; words may have asked for names."""
        return {}

    def hits(self, *, but=(), only=None, kind=None, way="of_kind"):
        """Return the entries that the filters leave; `but` some filters, by `only` some, of another `kind`.

        `way` is the method by which `Entry.objects` finds the kind: see there.
        """
        kind = kind or self.listed
        entries = getattr(Entry.objects, way)(kind)
        for name in [*self.terms, *(self.active.keys() - self.terms.keys())]:
            if name in but or only is not None and name not in only:
                continue
            if name in self.terms:
                lookup = "terms__rare" if self.facet_of(name) in NARROW else "terms__any"
                entries = entries.filter(Q(**{lookup: self.terms[name]}) if self.terms[name] else Q(pk__in=[]))
            else:
                if (name, kind) not in self.conditions:
                    self.conditions[name, kind] = self.condition(name, kind)
                entries = entries.filter(self.conditions[name, kind])
        return entries

    def condition(self, name, kind):
        """Return the Q of the entries of a kind that one filter leaves, where it is not by terms."""
        return self.filters[name].condition(self.active[name], kind)

    def ordered(self):
        """Return the entries that the filters leave, in the order of the list."""
        sorting = self.filters.get("ordering")
        chosen, query = self.given.get("ordering") or [], self.active.get("q")
        order = sorting.order(chosen, query) if sorting else ["place"]
        by_name = isinstance(order[0], OrderBy) and order[0].expression == F("name")
        rows = self.hits(way="by_name" if by_name else "of_kind").only("object_id", "name", "number", "documents")
        return rows.order_by(*order)

    def keys(self):
        """Return the primary keys of all rows of the list, in its order."""
        return list(self.ordered().values_list("object_id", flat=True))

    def filter_queryset(self, queryset):
        return queryset.filter(pk__in=self.hits().values("object_id"))

    def tallied(self, but=()):
        """Return the term of whose tallies the counts can be read, 0 for all of the kind; None where there is none."""
        left = {name for name in {*self.terms, *self.active} if name not in but}
        if not left:
            return 0
        (name, *more) = left
        alone = not more and len(self.terms.get(name, ())) == 1
        return self.terms[name][0] if alone and self.facet_of(name) not in NARROW else None

    @cached_property
    def total(self):
        """How many rows the list has; found with the counts where these are known."""
        if (known := self.counted.get(())) is not None and known.total is not None:
            return known.total
        ids = [ids[0] for ids in self.terms.values() if len(ids) == 1]
        plain = self.active.keys() <= self.terms.keys() and len(ids) == len(self.terms)
        if plain and len(ids) < (2 if self.narrow else 3):
            return finding.total(self.listed, ids)
        return self.hits().count()

    @property
    def narrow(self):
        """Whether the list is narrowed by a facet of very many values, with which no pairs are tallied."""
        return any(self.facet_of(name) in NARROW for name in self.terms)

    def facet_of(self, name):
        """Return the facet of the index that a filter is about; `fixed` ones bear its name."""
        return (self.filters[name].term or name) if name in self.filters else name.removeprefix("fixed ")

    def counts(self, but=()):
        """Return how many entries stand under what, {facet: {value: n}}, once all filters are on `but` some.

        Where some are left out, it is for the counts of their own facets, and nothing else need be counted.
        """
        if but not in self.counted:
            self.counted[but] = self.count(but)
        return self.counted[but]

    @cached_property
    def counted(self):
        """What has been counted for this request, {names of the filters left out: counts}."""
        return {}

    def count(self, but):
        return self.counts_of(self.listed, but, self.tallied(but))

    def counts_of(self, kind, but=(), term=None):
        """Return the Counts of the entries of a kind that all filters leave `but` some, as `counts` has them.

        With a `term` whose tallies know them, these are read. Of facets of very many values, only the newest are
        counted where there are more than a FEW entries.
        """
        hits = self.hits(but=but, kind=kind).order_by("place")
        total = hits[: FEW + 1].count() if term is None else finding.total(kind, [term] if term else [])
        if total <= FEW:
            return finding.counts(hits)
        facets = {self.facet_of(name) for name in but}
        found = finding.Counts()
        if not facets or facets - NARROW:
            found = self.broad_counts(kind, but, term, among_facets(facets))
        if narrow := NARROW & facets if facets else NARROW:
            found.update(self.newest_counts(kind, but, term, finding.newest(hits, narrow, FACET_LIMIT, NEWEST)))
        if term is not None:
            found.total = total
        return found

    def broad_counts(self, kind, but, term, among):
        if term is not None:
            return finding.tallied(kind, term, among)
        way = "sought" if self.selective(kind, but) else "of_kind"
        hits = self.hits(but=but, kind=kind, way=way)
        return finding.counts_among(hits, among) if but else finding.counts(hits, among)

    def newest_counts(self, kind, but, term, wanted):
        if term == 0:
            return finding.tallied_among(kind, wanted)
        filed = self.terms.keys() - {*but}
        way, lookup = ("sought", "terms__also") if filed else ("of_kind", "terms__rare")
        few = self.hits(but=but, kind=kind, way=way).filter(**{lookup: [*wanted]})
        return finding.counts_among(few, wanted)

    def selective(self, kind, but):
        """Tell whether few entries of the kind stand under all of what is chosen, as far as the tallies know."""
        ids = [ids[0] for name, ids in self.terms.items() if name not in but and len(ids) == 1]
        return len(ids) > 1 and finding.total(kind, ids[:2]) * SOUGHT < finding.total(kind, [])

    def under(self, name, word):
        """Return how many rows one value of a facet leaves, whatever else is chosen there."""
        facet = self.facet_of(name)
        ids = finding.term_ids({(facet, value) for value in self.filters[name].values([word])}).values()
        found = {"terms__rare" if facet in NARROW else "terms__any": [*ids]}
        kinds = self.kinds if ids else ()
        return sum(self.hits(but=(name,), kind=kind).filter(**found).count() for kind in kinds)

    @property
    def kinds(self):
        """The kinds of what is listed."""
        return [self.listed]

    def facets(self):
        """Return the facets in the order of declaration: {name, label, help, values, more, rarer, chosen}.

        `rarer` is how many values there are besides those that are named.
        """
        found = []
        for name, word_filter in self.filters.items():
            if not word_filter.facet:
                continue
            chosen = self.chosen(name)
            counts = self.counts(but=(name,) if chosen else ()).get(word_filter.term or name, {})
            rows = word_filter.facet_rows(counts)
            values = [FacetValue(word, label, n, word in chosen) for word, label, n in rows]
            listed = {value.value for value in values}
            missing = word_filter.labels([word for word in chosen if word not in listed])
            values += [FacetValue(word, label, self.under(name, word), True) for word, label in missing.items()]
            if values:
                found.append(
                    {
                        "name": name,
                        "label": word_filter.label,
                        "help": word_filter.extra.get("help_text", ""),
                        "values": [v for i, v in enumerate(values) if i < FACET_LIMIT or v.chosen],
                        "more": [v for i, v in enumerate(values) if i >= FACET_LIMIT and not v.chosen],
                        "rarer": max(0, len(counts) - len(rows)),
                        "chosen": bool(chosen),
                    }
                )
        return found

    def chips(self):
        """Return the active filters as removable chips: {name, label, value, text}."""
        found = []
        for name, value in self.given.items():
            word_filter = self.filters[name]
            if isinstance(word_filter, WordsFilter) and value:
                labels = word_filter.labels(value)
                found += [dict(name=name, label=word_filter.label, value=w, text=labels.get(w, w)) for w in value]
            elif not isinstance(word_filter, (WordsFilter, SortFilter)) and value not in (None, ""):
                text = str(int(value)) if isinstance(word_filter, WholeFilter) else self.form[name].value()
                found.append(dict(name=name, label=word_filter.label, value=text, text=text))
        return found


class GivenForm(forms.Form):
    """A form of those of its fields alone that are given: most requests name one filter of many, or none."""

    def __init__(self, data=None, **kwargs):
        self.base_fields = {name: field for name, field in self.base_fields.items() if name in (data or ())}
        super().__init__(data, **kwargs)


@cache
def form_class(filterset_class):
    """Return the form of a FilterSet. Its filters last, and so do its fields; each form has copies of some."""
    fields = {name: word_filter.field for name, word_filter in filterset_class.base_filters.items()}
    return type(f"{filterset_class.__name__}Form", (GivenForm,), fields)


class YearFacet(WordsFilter):
    """Single years of a partial date."""

    def known(self, words):
        return {word for word in words if word.isascii() and word.isdigit() and len(word) == 4}

    def facet_rows(self, counts):
        return sorted(((year, year, n) for year, n in counts.items()), reverse=True)

    def labels(self, words):
        return {word: word for word in words}
