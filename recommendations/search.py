"""Everything that a query finds, kind by kind: how much of each, the best of it, and why each hit is one.

The order is the same on every database. Groups stand by their best hit (an exact name, all words in the head, else),
and among equals as in `SORTS`; hits stand by the same three ranks, and among equals as the list of their kind does.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Q, Value
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from portal import finding, words
from portal.filters import FACET_LIMIT, FEW, NEWEST, RELEVANCE, StrictFilterSet, TextFilter, ViewFilter, among_facets
from portal.index import NARROW
from portal.models import Entry, Kind
from portal.text import LANGUAGE_TAGS, languages, listed, told
from recommendations import comparison
from recommendations.filters import AreaFilter, AreaFilterSet, QuestionFilterSet, RecommendationFilterSet
from recommendations.models import PolicyArea, Position, Question, Recommendation, Voice
from reports.filters import (
    QUERY,
    AuthorFilter,
    AuthorFilterSet,
    InstitutionFilter,
    InstitutionFilterSet,
    ReportFilter,
    ReportFilterSet,
    WorkFilterSet,
    year_bounds,
)
from reports.models import Author, Institution, Passage, Report, Work

SHOWN = 5  # hits of a group among others
ALONE = 20  # hits of a group that stands alone
MOST = 2_000  # hits of a kind that are counted
MANY = 4  # words that have to be there


# ---------------------------------------------------------------------------------------------------------------------
# Where the words of a hit may stand
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A text of a hit and where it stands there, in words. `head` texts are what `title:` looks in."""

    where: str
    text: str
    lang: str
    head: bool = False


@dataclass(frozen=True)
class Name:
    """Something that a hit is filed under. By its names words find the hit: in `fields`, "" being any words."""

    where: str
    row: object
    fields: tuple = ("",)


IN = {
    "title": {"zh": _("in the Chinese title"), "en": _("in the English title")},
    "name": {"zh": _("in the Chinese name"), "en": _("in the English name")},
    "summary": {"zh": _("in the Chinese summary"), "en": _("in the English summary")},
    "text": {"zh": _("in the Chinese wording of the question"), "en": _("in the English wording of the question")},
    "standfirst": {"zh": _("in the Chinese standfirst"), "en": _("in the English standfirst")},
    "condition": {"zh": _("in the condition, in Chinese"), "en": _("in the condition, in English")},
}


def both(row, stem, *, head=False):
    """Yield the Places of a text in both languages, the page's first."""
    for language in languages():
        yield Place(IN[stem][language], getattr(row, f"{stem}_{language}"), LANGUAGE_TAGS[language], head)


def script(text):
    """Return the language tag of a name that does not say its language."""
    return LANGUAGE_TAGS["zh" if words.ONE_HAN.search(text) else "en"]


def source_language(report):
    return LANGUAGE_TAGS["en" if report.language == "en" else "zh"]


def quotations(row):
    """Yield the Places of a row's evidence, as far as the text is held and its digest proves it."""
    for evidence in row.evidence.all():
        quotation = comparison.quotation(row.report, evidence)
        if quotation.state == "shown":
            where = gettext("in the quotation")
            if quotation.section:
                section = told(quotation.section, "heading")
                where = gettext("in the quotation (§ %(section)s)") % {"section": section}
            yield Place(where, quotation.text, source_language(row.report))


def report_places(row):
    yield from both(row, "title", head=True)
    yield from both(row, "standfirst")
    yield Place(gettext("in the name of the journal or series"), row.container, script(row.container))


def advice_places(row):
    yield from both(row, "summary", head=True)
    yield from both(row, "condition")
    yield from quotations(row)


def position_places(row):
    yield from both(row, "summary", head=True)
    yield from both(row.question, "text")
    yield from both(row, "condition")
    yield from quotations(row)


def question_places(row):
    yield from both(row, "text", head=True)


def name_places(row):
    """Yield the Places of a named row: its names, and how they are spelt."""
    yield from both(row, "name", head=True)
    for alias in row.aliases:
        yield Place(gettext("in another name"), alias, script(alias), head=True)
    for spelling in row.name_index.splitlines():
        yield Place(gettext("in the spelling of a name"), spelling, script(spelling))


def work_places(row):
    yield from both(row, "title", head=True)
    yield Place(gettext("among the authors as printed"), row.authors, script(row.authors))
    yield Place(gettext("in the name of the journal or site"), row.container, script(row.container))


def makers(report, fields):
    """Yield the Names of who made a report."""
    for one in report.contributions.all():
        if one.author:
            yield Name(gettext("author"), one.author, fields)
        yield from (
            Name(gettext("institution"), institution, fields)
            for institution in (one.institution, *one.affiliations.all())
            if institution
        )
    if report.publisher:
        yield Name(gettext("institution"), report.publisher, fields)


def filed(areas, taxonomy, fields):
    """Yield the Names of areas, each followed by those above it; `taxonomy` is {id: area}."""
    for area in areas:
        seen, pk = set(), area.pk
        while pk in taxonomy and pk not in seen:
            yield Name(gettext("area"), taxonomy[pk], fields)
            seen.add(pk)
            pk = taxonomy[pk].parent_id


def report_names(row, taxonomy):
    return makers(row, ("", "author"))


def advice_names(row, taxonomy):
    yield from (Name(gettext("addressed to"), actor) for actor in row.addressees.all())
    if row.made_by:
        yield Name(gettext("made by"), row.made_by)
    yield from filed(row.areas.all(), taxonomy, ("", "area"))
    yield from (Name(gettext("instrument"), instrument) for instrument in row.instruments.all())
    yield from makers(row.report, ("author",))


def position_names(row, taxonomy):
    if row.holder:
        yield Name(gettext("holder"), row.holder)
    yield from filed(row.question.areas.all(), taxonomy, ("", "area"))
    yield from makers(row.report, ("author",))


def passage_names(row, taxonomy):
    return makers(row.report, ("author",))


def question_names(row, taxonomy):
    return filed(row.areas.all(), taxonomy, ("area",))


def area_names(row, taxonomy):
    return filed([row], taxonomy, ("area",))


def work_names(row, taxonomy):
    return (Name(gettext("author"), person, ("", "author")) for person in row.people.all())


def nothing(row, taxonomy):
    return ()


# ---------------------------------------------------------------------------------------------------------------------
# The kinds
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sort:
    """What search knows of a kind.

    `rows` returns a QuerySet with what is shown of a hit. A hit is headed by the text `title`, and its words stand in
    `places(row)` or are those of `names(row, taxonomy)`. `page` and `filterset` are its list, with feeds and exports,
    where it has one; `endpoint` its list in the API.
    """

    kind: Kind
    word: str
    label: str
    rows: Callable
    title: str
    places: Callable
    names: Callable
    page: str = ""
    filterset: type | None = None
    endpoint: str = ""

    @property
    def voiced(self):
        """Whether its rows speak in voices, which are never added up."""
        return self.kind in (Kind.RECOMMENDATIONS, Kind.POSITIONS)


def made(rows, report="report__"):
    """Bring along who made the report of each row."""
    by = [f"{report}contributions__{one}" for one in ("author", "institution", "affiliations")]
    return rows.select_related(f"{report}publisher").prefetch_related(*by)


def report_rows():
    return made(Report.objects.published(), "")


def question_rows():
    return Question.objects.published().prefetch_related("areas")


def advice_rows():
    rows = Recommendation.objects.published().for_list().with_evidence()
    return made(rows.prefetch_related("instruments", "report__sections"))


def position_rows():
    return made(Position.objects.published().for_list().prefetch_related("question__areas"))


def passage_rows():
    return made(Passage.objects.published().select_related("report", "section"))


def author_rows():
    return Author.objects.published()


def institution_rows():
    return Institution.objects.published()


def area_rows():
    return PolicyArea.objects.select_related("parent")


def work_rows():
    return Work.objects.published().for_list()


def passage_places(row):
    yield Place("", row.text, source_language(row.report))


SORTS = (
    Sort(
        Kind.REPORTS, "reports", _("Reports"), report_rows, "title", report_places, report_names,
        "reports:list", ReportFilterSet, "reports",
    ),
    Sort(
        Kind.QUESTIONS, "questions", _("Questions"), question_rows, "text", question_places, question_names,
        "recommendations:question_list", QuestionFilterSet, "questions",
    ),
    Sort(
        Kind.RECOMMENDATIONS, "recommendations", _("Recommendations"), advice_rows, "summary", advice_places,
        advice_names, "recommendations:list", RecommendationFilterSet, "recommendations",
    ),
    Sort(
        Kind.POSITIONS, "positions", _("Positions"), position_rows, "summary", position_places, position_names,
        endpoint="positions",
    ),
    Sort(Kind.PASSAGES, "passages", _("Passages"), passage_rows, "", passage_places, passage_names),
    Sort(
        Kind.AUTHORS, "authors", _("Authors"), author_rows, "name", name_places, nothing,
        "reports:author_list", AuthorFilterSet, "authors",
    ),
    Sort(
        Kind.INSTITUTIONS, "institutions", _("Institutions"), institution_rows, "name", name_places, nothing,
        "reports:institution_list", InstitutionFilterSet, "institutions",
    ),
    Sort(
        Kind.AREAS, "areas", _("Areas"), area_rows, "name", name_places, area_names,
        "recommendations:area_list", AreaFilterSet, "areas",
    ),
    Sort(
        Kind.WORKS, "works", _("Cited works"), work_rows, "title", work_places, work_names,
        "reports:work_list", WorkFilterSet, "works",
    ),
)  # fmt: skip
BY_WORD = {sort.word: sort for sort in SORTS}


# ---------------------------------------------------------------------------------------------------------------------
# Filters
# ---------------------------------------------------------------------------------------------------------------------


class TypeFilter(ViewFilter):
    """Which kinds of things are looked for; all of them where none is chosen."""

    CHOICES = {sort.word: sort.label for sort in SORTS}
    facet = True


class SearchFilterSet(StrictFilterSet):
    """What everything can be searched by. A kind that is not filed under a facet falls out where that is chosen."""

    presentation = {"cursor"}
    q = TextFilter(
        label=_("Words"),
        help_text=format_lazy("{} {}", _("In whatever can be read here, and in names in either language."), QUERY),
    )
    type = TypeFilter(
        label=_("What"),
        help_text=_(
            "reports, questions, recommendations, positions, passages, authors, institutions, areas or works. Repeat "
            "for “or”."
        ),
    )
    area = AreaFilter()
    author = AuthorFilter()
    institution = InstitutionFilter()
    report = ReportFilter()
    year_min, year_max = year_bounds()

    class Meta:
        model = Report
        fields = []

    @property
    def query(self):
        """The words.Query, or None where the box is blank."""
        return self.active.get("q")

    @property
    def sorts(self):
        """The kinds that are looked for, in their order."""
        chosen = self.chosen("type")
        return [sort for sort in SORTS if not chosen or sort.word in chosen]

    @property
    def kinds(self):
        return [sort.kind for sort in self.sorts]

    @property
    def only(self):
        """The one kind that is looked for; None where there are several."""
        return self.sorts[0] if len(self.sorts) == 1 else None

    @cached_property
    def totals(self):
        """How many hits each kind has, {kind: n}, whichever kinds are chosen; None where there are MOST or more."""
        found = {kind: counts.total for kind, counts in self.filed.items()}
        for kind in (sort.kind for sort in SORTS if sort.kind not in found):
            n = self.hits(kind=kind).order_by("place")[:MOST].count()
            found[kind] = n if n < MOST else None
        return found

    @cached_property
    def places(self):
        """Where all hits of many words are, if few: found once for all kinds, for many words take long. Else None."""
        if len(finding.needed(self.query)) < MANY:
            return None
        possible = Entry.objects.filter(finding.possible(self.query)).order_by()
        places = list(possible.values_list("pk", flat=True)[: MOST + 1])
        return places if len(places) <= MOST else None

    def condition(self, name, kind):
        wanted = super().condition(name, kind)
        return wanted & Q(pk__in=self.places) if name == "q" and self.places is not None else wanted

    @cached_property
    def filed(self):
        """Under what the hits of each kind are filed, {kind: {facet: {value: n}}}, as far as they are looked for."""
        return self.filed_but(())

    def ranked(self, kind):
        """Return the entries of a kind that the filters leave, each with its `rank`, the best first."""
        entries = self.hits(kind=kind).only("object_id", "documents").annotate(rank=finding.exactness(self.query, kind))
        return entries.order_by("rank", "place")

    @cached_property
    def exact(self):
        """The Q of what is called exactly so: by the places, where these are few among all."""
        for rank, wanted in finding.tiers(self.query):
            if rank == finding.EXACT:
                places = list(Entry.objects.filter(wanted).order_by().values_list("pk", flat=True)[: MOST + 1])
                return Q(pk__in=places) if len(places) <= MOST else wanted
        return None

    def tiers(self, kind):
        """As `finding.tiers`, of one kind."""
        tiers = finding.tiers(self.query, kind)
        return [(rank, self.exact if rank == finding.EXACT else wanted) for rank, wanted in tiers]

    def best(self, sort, most):
        """Return the first of what `ranked` returns, rank by rank, so that the rank of no other is worked out."""
        found = []
        tiers = self.tiers(sort.kind) if sort.title else []  # what has no title has no head and no name
        for rank, wanted in [*tiers, (finding.ELSEWHERE, Q())]:
            if lacking := most - len(found):
                rows = self.hits(kind=sort.kind).filter(wanted).exclude(pk__in=[entry.pk for entry in found])
                rows = rows.only("object_id", "documents").annotate(rank=Value(rank))
                found += rows.order_by("place")[:lacking]
        return found

    def count(self, but):
        """Return how many hits of all kinds looked for stand under what, {facet: {value: n}}."""
        if "type" in but:
            return {"type": self.by_type}
        found = defaultdict(Counter)
        counted = self.filed if not but else self.filed_but(but)
        for facets in counted.values():
            for facet, ns in facets.items():
                found[facet].update(ns)
        return found | {"type": self.by_type}

    def filed_but(self, but):
        return {kind: self.counts_of(kind, but) for kind in self.kinds}

    def counts_of(self, kind, but=(), term=None):
        """As of any list, but that only the first MOST hits are counted; where there may be more, `total` is None."""
        first = self.hits(but=but, kind=kind).order_by("place")[:MOST]
        terms = finding.terms_of(first)
        total, among = terms.get(0, 0), None
        if total > FEW:
            among = among_facets(()) | finding.newest(first, NARROW, FACET_LIMIT, NEWEST)
        found = finding.by_facet(terms, among)
        found.total = total if total < MOST else None
        return found

    @property
    def partly(self):
        """Whether there are kinds of which not all hits are counted."""
        return any(self.totals[kind] is None for kind in self.kinds)

    @property
    def by_type(self):
        return {sort.word: f"{MOST}+" if n is None else n for sort in SORTS if (n := self.totals[sort.kind]) != 0}

    def voices(self, sort):
        """Return how many hits of a kind speak in which voice, {voice: n}; empty where too many, or without any."""
        counted = self.filed[sort.kind]
        counts = counted.get("voice", {}) if sort.voiced and counted.total is not None else {}
        return {voice: counts[voice] for voice in Voice.values if voice in counts}

    def list_url(self, sort):
        """Return the address of the list of a kind with the same filters, the best first; empty where it has none."""
        names = self.active.keys()
        if not sort.page or not names <= sort.filterset.base_filters.keys():
            return ""
        query = self.data.copy()
        for name in query.keys() - names:
            del query[name]
        query["ordering"] = RELEVANCE
        return f"{reverse(sort.page)}?{query.urlencode()}"


# ---------------------------------------------------------------------------------------------------------------------
# Hits
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """Why a hit is one, where its title does not show it: where the words stand, or whose names they are.

    `names` are [(language tag, fragments)], the fragments as `words.highlight` gives them.
    """

    where: str
    names: tuple = ()

    def __str__(self):
        names = " / ".join("".join(text for text, _hit in fragments) for _tag, fragments in self.names)
        return gettext("%(label)s: %(value)s") % {"label": self.where, "value": names} if names else str(self.where)


@dataclass
class Hit:
    """One row that a query finds. Title and snippet are fragments, each with its language; a passage has no title."""

    sort: Sort
    row: object
    rank: int
    documents: int
    title: list
    title_lang: str
    snippet: list = field(default_factory=list)
    snippet_lang: str = ""
    why: list = field(default_factory=list)


@dataclass
class Group:
    """The best hits of one kind; `more` tells whether there are others."""

    sort: Sort
    hits: list
    more: bool = False
    total: int | None = 0
    voices: dict = field(default_factory=dict)

    @property
    def rank(self):
        return self.hits[0].rank


def search(filterset, size=SHOWN):
    """Return the Groups of a valid filterset with words, the best first, `size` hits each."""
    found = []
    taxonomy = PolicyArea.objects.in_bulk()
    for sort in filterset.sorts:
        entries = filterset.best(sort, size + 1)
        if hits := hits_of(sort, entries[:size], filterset.query, taxonomy):
            found.append(Group(sort, hits, len(entries) > size))
    return sorted(found, key=lambda group: group.rank)  # stable: among equals the order of SORTS


def page_group(filterset, entries):
    """Return the Group of one page of ranked entries of the only kind looked for; None without any."""
    hits = hits_of(filterset.only, entries, filterset.query, PolicyArea.objects.in_bulk())
    return Group(filterset.only, hits) if hits else None


def hits_of(sort, entries, query, taxonomy):
    """Return the Hits of entries; one whose row has just gone is left out."""
    rows = sort.rows().in_bulk([entry.object_id for entry in entries])
    if sort.kind == Kind.POSITIONS:
        comparison.spoken(rows.values())
    known = [(rows[entry.object_id], entry) for entry in entries if entry.object_id in rows]
    return [explained(sort, row, entry, query, taxonomy) for row, entry in known]


def explained(sort, row, entry, query, taxonomy):
    """Return a Hit with why it is one: where those phrases stand that its title does not show."""
    title = told(row, sort.title) if sort.title else ""
    first, second = languages()
    shown_in = first if sort.title and getattr(row, f"{sort.title}_{first}") else second
    lit = words.highlight(title, query.phrases)
    hit = Hit(sort, row, entry.rank, entry.documents, lit, LANGUAGE_TAGS[shown_in])
    places = []
    wanted = [term for clause in query.clauses if not clause.negated for term in clause.options if term.phrases]
    for term in wanted:
        titled = term.field in ("", "title") or term.field == "author" and sort.kind == Kind.AUTHORS
        lacking = set(term.phrases) - (words.found(title, term.phrases) if titled else set())
        for place in sort.places(row) if titled else ():
            if not lacking:
                break
            if (place.head or not term.field) and (held := words.found(place.text, lacking)):
                places.append(place)
                lacking -= held
        if lacking and (name := name_of(term, sort.names(row, taxonomy))):
            hit.why.append(Reason(name.where, shown_name(name.row, query.phrases)))
    if not sort.title and not places:
        places = list(sort.places(row))[:1]
    for place in dict.fromkeys(places):
        if place.where:
            hit.why.append(Reason(place.where))
        if not hit.snippet:
            hit.snippet, hit.snippet_lang = words.snippet(place.text, query.phrases), place.lang
    hit.why = list({str(reason): reason for reason in hit.why}.values())
    return hit


def name_of(term, names):
    """Return the first Name whose names hold all that a term asks for; None without any."""
    for name in names:
        if term.field in name.fields:
            text = words.BREAK.join((name.row.name_zh, name.row.name_en, *name.row.aliases))
            if words.found(text, term.phrases) == set(term.phrases):
                return name
    return None


def shown_name(row, phrases):
    """Return the names by which a row is known in both languages, and another one where only that holds a phrase."""
    texts = {getattr(row, f"name_{language}"): LANGUAGE_TAGS[language] for language in languages()}
    if not any(words.found(text, phrases) for text in texts):
        texts |= {alias: script(alias) for alias in row.aliases if words.found(alias, phrases)}
    return tuple((tag, words.highlight(text, phrases)) for text, tag in texts.items() if text)


# ---------------------------------------------------------------------------------------------------------------------
# In words
# ---------------------------------------------------------------------------------------------------------------------


def counted(sort, n):
    """Return a number of things of a kind in words."""
    text = {
        Kind.REPORTS: ngettext("%(n)s report", "%(n)s reports", n),
        Kind.QUESTIONS: ngettext("%(n)s question", "%(n)s questions", n),
        Kind.PASSAGES: ngettext("%(n)s passage", "%(n)s passages", n),
        Kind.AUTHORS: ngettext("%(n)s person", "%(n)s people", n),
        Kind.INSTITUTIONS: ngettext("%(n)s institution", "%(n)s institutions", n),
        Kind.AREAS: ngettext("%(n)s area", "%(n)s areas", n),
        Kind.WORKS: ngettext("%(n)s cited work", "%(n)s cited works", n),
    }[sort.kind]
    return text % {"n": n}


def spoken_of(sort, voices):
    """Return rows that speak in voices, counted voice by voice, in words."""
    own, joint, attributed = gettext("%(n)s own"), gettext("%(n)s joint"), gettext("%(n)s attributed")
    texts = {Voice.OWN: own, Voice.JOINT: joint, Voice.ATTRIBUTED: attributed}
    said = pgettext("between numbers", ", ").join(texts[voice] % {"n": n} for voice, n in voices.items())
    if sort.kind == Kind.RECOMMENDATIONS:
        return gettext("recommendations (%(voices)s)") % {"voices": said}
    return gettext("positions (%(voices)s)") % {"voices": said}


def in_words(filterset, groups):
    """Return how much was found, in words: voice by voice where rows have voices."""
    found = []
    for group in groups:
        voices = filterset.voices(group.sort)
        n = filterset.totals[group.sort.kind]
        if n is None:
            found.append(gettext("%(kind)s (too many to count)") % {"kind": group.sort.label})
        else:
            found.append(spoken_of(group.sort, voices) if voices else counted(group.sort, n))
    return listed(found) if found else ""


def unknown_words(query):
    """Return those terms of a query, in words, that are found nowhere at all, whatever else is asked for."""
    terms = [term for clause in query.clauses if not clause.negated for term in clause.options if term.phrases]
    return [words.in_words(term) for term in terms if not known(term)]


def known(term):
    kinds = finding.FIELDS.get(term.field, ())
    entries = Entry.objects.filter(finding.holding(term.phrases, head=bool(term.field)))
    return (entries.filter(kind__in=kinds) if kinds else entries).exists()
