"""A draft shows nowhere outside the admin: canaries, the permission matrix, query counts, hostile input, headers.

Every address comes from the URL resolver; one that the tables below do not know fails the tests.
"""

import gzip
import io
import logging
import secrets
import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone, translation

import reports.api
from portal import dumping, dumps, filters
from portal.fields import PartialDateField
from recommendations.filters import DocumentsFilter, EndFilter
from recommendations.matrix import SIZE_MAX
from recommendations.models import FollowUp, PolicyArea
from reports.models import Passage, Report
from tests import factories as make
from tests.indexing import current, reindex, written
from tests.test_admin import user

pytestmark = pytest.mark.django_db

TEXT = "第一句话说明中美应当恢复官方对话机制。第二句话说明双方应当共同制定技术标准。"
LANGUAGES = {"zh-hans": "zh", "en": "en"}

# --- every address ----------------------------------------------------------------------------------------------------

LISTS = {
    "reports:list", "reports:author_list", "reports:institution_list", "reports:work_list", "recommendations:list",
    "recommendations:area_list", "recommendations:question_list", "recommendations:framework_list",
    "recommendations:subject_list", "portal:forecasts", "portal:timeline", "portal:matrix",
}  # fmt: skip
PAGES = {"portal:front", "portal:codebook", "portal:corrections"}
PROBES = {"healthz", "readyz"}
# The row of a `world` that each page shows.
DETAILS = {
    "reports:detail": "report", "reports:author_detail": "author", "reports:institution_detail": "institution",
    "recommendations:detail": "recommendation", "recommendations:area_detail": "area",
    "recommendations:question_detail": "question", "recommendations:framework_detail": "framework",
    "recommendations:subject_detail": "subject",
}  # fmt: skip
API_DETAILS = {
    "reports": "report", "authors": "author", "institutions": "institution", "works": "work",
    "citations": "citation", "events": "event", "recommendations": "recommendation", "questions": "question",
    "positions": "position", "forecasts": "position", "crossreferences": "reference", "frameworks": "framework",
    "ratings": "rating", "areas": "area", "actors": "actor", "instruments": "instrument", "subjects": "subject",
}  # fmt: skip
SEARCHED = {"portal:search", "portal:suggest", "api-search"}  # asked for a word of the title of a world's report
API_LISTS = {f"api-{endpoint}-list" for endpoint in API_DETAILS} | {"api-matrix"}
API_PAGES = {"api-root", "schema", "api-dossier-schema", "api-dumps"}
DUMPED = {"api-dump", "api-dump-file"}  # of every dump that a test has written
COMPARED = {"portal:compare", "api-compare"}  # asked for two documents of a world; the page alone is the choice of them
DETAILS |= {f"api-{endpoint}-detail": row for endpoint, row in API_DETAILS.items()}
ELSEWHERE = "api/v1/"
FILES = {"api-dump": [[]], "api-dump-file": [[dumping.DATABASE], ["positions.jsonl.gz"], [dumps.MANIFEST]]}
KNOWN = {*LISTS, *PAGES, *PROBES, *DETAILS, *API_LISTS, *API_PAGES, *COMPARED, *DUMPED, *SEARCHED, ELSEWHERE}


def patterns(resolver=None, namespace="", route=""):
    """Yield the name of every address outside the admin; the whole route where it has no name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}" if pattern.name else here
        elif here != "admin/":
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from patterns(pattern, inner, here)


def addresses(*worlds, names=KNOWN):
    """Return {address: name of its pattern}, pages in both languages, details of each world."""
    found = {}
    for name in names:
        tongues = LANGUAGES if ":" in name else ["en"]
        for code in tongues:
            with translation.override(code):
                if name == ELSEWHERE:
                    found |= {"/api/v1/nothing/": name, "/api/v1/reports": name}
                elif name in COMPARED:
                    pairs = [(world.report, world.reference.target.report) for world in worlds]
                    found |= {f"{reverse(name)}?reports={one.slug},{other.slug}": name for one, other in pairs}
                    found |= {reverse(name): name} if ":" in name else {}
                elif name in DUMPED:
                    kept = [[dump.as_of, *file] for dump in dumps.newest_first() for file in FILES[name]]
                    found |= {reverse(name, args=args): name for args in kept}
                elif name in SEARCHED:
                    found |= {f"{reverse(name)}?q={quote(one.report.title_zh.split()[0])}": name for one in worlds}
                elif name in DETAILS:
                    rows = [getattr(world, DETAILS[name]) for world in worlds]
                    found |= {reverse(name, args=row.natural_key()): name for row in rows}
                else:
                    found[reverse(name)] = name
    return found


def asker(cookies=""):
    """Return a function that sends a request through every middleware, past the check of forms.

    The test client would copy the context of each template it sees rendered, which makes a sweep many times slower.
    """
    handler = BaseHandler()
    handler.load_middleware()

    def ask(address, method="GET", **extra):
        current()
        path, _, query = address.partition("?")
        request = RequestFactory().generic(method, path, QUERY_STRING=query, HTTP_COOKIE=cookies, **extra)
        request._dont_enforce_csrf_checks = True
        response = handler.get_response(request)
        assert response.status_code < 500, (method, address, response.status_code)
        return response

    return ask


def told(response):
    """Return all that a response tells, but for the moments from and to which it is true and what these make of it."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    headers = sorted(pair for pair in response.items() if pair[0] not in ("Expires", "ETag", "Last-Modified"))
    return response.status_code, headers, {name: c.value for name, c in response.cookies.items()}, body


@pytest.fixture(autouse=True)
def unlimited(settings, caplog, tmp_path):
    """No count of requests left, which each answer would tell differently; no line in the log for each refusal."""
    caplog.set_level(logging.CRITICAL, "django")
    settings.DUMP_DIR = tmp_path / "dumps"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": None}}
    reports.api.quotes.clear()


def test_every_address_is_known():
    assert set(patterns()) == KNOWN


# --- canaries ---------------------------------------------------------------------------------------------------------

HIDDEN = [
    {"state": "draft"},
    {"state": "in_review"},
    {"state": "withdrawn"},
    {"state": "scheduled", "publish_at": timezone.now() + timedelta(hours=1)},
]


def world(word="", area=None, **state):
    """One of each thing that can hang on a report, and the report, by name."""
    report_state = {"date": "1911-01"} | state if state else {}
    text = make.source_text(f"{word}{TEXT}")
    area = area or make.area(parent=make.area())
    publisher, institution, author = make.institution(), make.institution(), make.author()
    whole = make.report(kind="symposium", **report_state)
    report = make.report(text, publisher=publisher, part_of=whole, place=1, **report_state)
    section = make.section(report, 0, 10, parent=make.section(report))
    Passage.objects.create(report=report, section=section, number=1, text=TEXT, start=0, end=9)
    make.contribution(report, author=author, delegation="CN").affiliations.add(institution)
    make.contribution(report, institution=institution, role="funder")
    actor = make.actor(author=author, institution=institution)
    work, event = make.work(url="https://example.org/"), make.event()
    citation = make.citation(report, work=work, start=0, end=16, digest=report.squeezed.digest(0, 16))
    make.mention(report, event)
    work.people.add(author)
    area.events.add(event)
    umbrella = make.recommendation(report, areas=[area])
    advice = make.recommendation(
        report, [area, area.parent], [actor], [make.instrument()], parent=umbrella, voice="attributed", made_by=actor
    )
    preface = make.recommendation(report, areas=[area])
    preface.restates.add(advice)
    outcome = {"outcome": "yes", "outcome_date": "2022", "outcome_source": "https://example.org/"}
    question = make.question([area], kind="predictive", **outcome)
    position = make.position(report, question=question, voice="attributed", holder=actor, recommendation=advice)
    other = make.recommendation(make.report(**report_state), areas=[area])
    own = make.position(other.report, question=question, stance=-2)
    told = make.question([area], kind="predictive")
    make.position(report, question=told)
    make.resolution(report, told)
    framework, subject = make.framework(work=work), make.subject(parent=make.subject())
    ratings = [make.rating(report, axis, subject=subject, assessor=actor) for axis in framework.dimensions.all()]
    make.rating(report, framework.dimensions.first(), subject=subject, level="low", assessor=None)
    for row in (umbrella, advice, preface, position, own, *ratings):
        make.evidence(row)
    for row in ({"recommendation": advice}, {"position": position}):
        texts = {"narrative_zh": "已做。", "narrative_en": "Done.", "source_url": "https://example.org/"}
        FollowUp.objects.create(**row, date="2022", status="done", **texts)
    return SimpleNamespace(
        report=report, whole=whole, author=author, institution=institution, area=area, actor=actor, work=work,
        citation=citation, event=event, recommendation=advice, preface=preface, question=question, position=position,
        reference=make.cross_reference(advice, other, kind="refines"), framework=framework, rating=ratings[0],
        instrument=advice.instruments.get(), subject=subject, told=told,
    )  # fmt: skip


def lean(hidden, public):
    """Let what is hidden use all public vocabulary, and what is public point at what is hidden wherever it can."""
    report = hidden.report
    make.contribution(report, author=public.author).affiliations.add(public.institution)
    make.contribution(report, institution=public.institution)
    make.citation(report, work=public.work)
    make.mention(report, public.event)
    make.resolution(report, public.told, outcome="no", date="2024")
    make.resolution(report, public.question, outcome="no", date="2024")
    make.rating(report, public.framework.dimensions.first(), subject=public.subject, assessor=public.actor, level="low")
    make.position(report, question=public.question, voice="attributed", holder=public.actor, stance=-1)
    make.position(report, question=public.question, stance=0)
    row = make.recommendation(
        report, [public.area], [public.actor], [public.instrument], voice="attributed", made_by=public.actor
    )
    row.restates.add(public.recommendation)
    public.work.people.add(hidden.author)
    hidden.work.people.add(public.author)
    public.area.events.add(hidden.event)
    make.cross_reference(row, public.recommendation)
    make.cross_reference(public.recommendation, row)
    public.recommendation.restates.add(row)
    for shown, links in (
        (public.work, {"report": hidden.report}),
        (hidden.work, {"report": public.report}),
        (public.whole, {"part_of": hidden.whole, "place": 9}),
        (public.framework, {"work": hidden.work}),
    ):
        type(shown).objects.filter(pk=shown.pk).update(**links)


def join(hidden, public):
    """Let a public actor be a hidden person and a hidden institution."""
    type(hidden.actor).objects.filter(pk=hidden.actor.pk).update(author=None, institution=None)
    links = {"author": hidden.author, "institution": hidden.institution}
    type(public.actor).objects.filter(pk=public.actor.pk).update(**links)


def held():
    """Return the primary keys of every row, by model; the taxonomy is public as such."""
    found = [model for app in ("reports", "recommendations") for model in apps.get_app_config(app).get_models()]
    return {model: set(model.objects.values_list("pk", flat=True)) for model in found if model is not PolicyArea}


def mark(before, token):
    """Put a token into every text of every row made since `before`."""
    for model, pks in held().items():
        for row in model.objects.filter(pk__in=pks - before[model]):
            texts = {f.name: word for f in model._meta.concrete_fields if (word := marked(row, f, token)) is not None}
            model.objects.filter(pk=row.pk).update(**texts)


def marked(row, field, token):
    """Return a text with a token for a column, or None where it cannot hold one."""
    if field.name == "aliases":
        return [token]
    if (
        field.choices
        or isinstance(field, PartialDateField)
        or not isinstance(field, models.CharField | models.TextField)
    ):
        return None
    if (field.max_length or 100) < len(token) or field.name in ("digest", "horizon", "text"):
        return None
    if field.name == "outcome_source" and not row.outcome:
        return None
    if field.name == "key":
        return f"{row.key[0]}{token}{row.pk}"
    if field.name == "slug":
        return f"{token}-{row._meta.model_name}-{row.pk}"
    if "sha256" in field.name:
        return f"{token}{row.pk:x}".ljust(64, "0")
    if isinstance(field, models.URLField):
        return f"https://example.org/{token}"
    return f"{token} {field.name}" if (field.max_length or 100) >= 50 else token


def filtersets(ask, found, monkeypatch):
    """Return {address of a list: its FilterSet class}, as the answers themselves use them."""
    used = []
    init = filters.StrictFilterSet.__init__
    monkeypatch.setattr(
        filters.StrictFilterSet, "__init__", lambda self, *a, **k: (used.append(type(self)), init(self, *a, **k))[1]
    )
    classes = {}
    for address, name in found.items():
        if name in LISTS | API_LISTS:
            used.clear()
            ask(address)
            classes[address] = used[0]
    monkeypatch.undo()
    return classes


def words(word_filter, public, hidden, token):
    """Return values of a filter: every word of a closed vocabulary, a public row, the hidden ones; any ordering."""
    if isinstance(word_filter, filters.SlugWordsFilter):
        model = word_filter.rows().model
        near = (public, hidden[0], hidden[-1])
        slugs = [row.slug for world in near for row in vars(world).values() if type(row) is model]
        return [*dict.fromkeys(slugs), *(["authors"] if getattr(word_filter, "authors", False) else [])]
    if isinstance(word_filter, filters.ChoiceWordsFilter):
        return list(word_filter.choices)
    if isinstance(word_filter, EndFilter):
        return ["/".join(near.recommendation.natural_key()) for near in (public, hidden[0], hidden[-1])]
    if isinstance(word_filter, filters.TextFilter):
        return [token, token.upper(), "1"]
    if isinstance(word_filter, filters.SortFilter):
        return sorted(word_filter.known([]))
    if isinstance(word_filter, DocumentsFilter):
        return ["1", "2", "3"]
    assert isinstance(word_filter, filters.YearFacet | filters.YearFilter), word_filter
    return ["1911", "2021"]


def queries(classes, public, hidden, token):
    """Yield every list with every filter; the Chinese pages, which differ in words alone, without."""
    for address, filterset_class in classes.items():
        if not address.startswith("/zh/"):
            for name, word_filter in filterset_class.base_filters.items():
                yield from (f"{address}?{name}={quote(word)}" for word in words(word_filter, public, hidden, token))
            yield from (f"{address}?{query}" for query in ("cursor=2", f"q={token}&q=", f"{token}=1"))
        if not address.startswith("/api/"):
            yield from (f"{address}?format={form}" for form in ("csv", "json", "jsonl", "atom", "jsonfeed"))
        else:
            yield from (f"{address}?{query}" for query in ("count=on", "page_size=1", "page_size=50", "expand=report"))


# What the page of one thing can be asked besides.
SHAPES = {"recommendations:framework_detail": ("view=panels", "format=csv", "format=jsonl", "format=atom")}


def told_anew(found):
    """Yield the pages that can be told in other ways, so told."""
    for address, name in found.items():
        yield from (f"{address}?{query}" for query in SHAPES.get(name, ()))


def sweep(ask, found):
    """Return what every address tells, to GET and to OPTIONS."""
    return {
        (m, address): told(ask(address, m)) for address in found for m in ("GET", "OPTIONS")[: 1 + ("?" not in address)]
    }


def hide(public, beside, tokens):
    """Make what is hidden in each way, its token in every text, tied to what is public wherever it can be."""
    hidden = []
    for state, token in zip(HIDDEN, tokens, strict=True):
        before = held()
        hidden.append(world(token, public.area, **state))
        lean(hidden[-1], public)
        if not state.get("publish_at"):
            join(hidden[-1], beside)
        mark(before, token)
        for row in vars(hidden[-1]).values():
            row.refresh_from_db()
    return hidden


def redump(monkeypatch, moment=timezone.now()):  # noqa: B008
    """Write the one dump anew, at the moment at which it was written before; return {name of a file: bytes}."""
    with monkeypatch.context() as patched:
        patched.setattr(dumping.timezone, "now", lambda: moment)
        folder = Path(settings.DUMP_DIR)
        shutil.rmtree(folder, ignore_errors=True)
        current()
        call_command("dump", stdout=io.StringIO())
    (dump,) = dumps.newest_first()
    return {path.name: path.read_bytes() for path in dump.folder.iterdir()}


def test_a_draft_is_in_no_dump_and_changes_none(monkeypatch):
    public, beside = world(), world()
    type(beside.actor).objects.filter(pk=beside.actor.pk).update(author=None, institution=None)
    type(public.framework).objects.filter(pk=public.framework.pk).update(work=None)
    tokens = [secrets.token_hex(5).encode() for _ in HIDDEN]
    with transaction.atomic():
        hide(public, beside, [token.decode() for token in tokens])
        with_hidden = redump(monkeypatch)
        Report.objects.filter(date="1911-01").update(state="published")
        told = redump(monkeypatch)
        transaction.set_rollback(True)
    written[0] = True  # for the index of what has gone has gone too
    assert with_hidden == redump(monkeypatch)
    for name, content in with_hidden.items():
        content = gzip.decompress(content) if name.endswith(".gz") else content
        assert not any(token in content for token in tokens), name
    for name, content in told.items():  # once public, every file tells of what was hidden
        if name.endswith(".gz") and name != "areas.jsonl.gz" or name == dumping.DATABASE:
            content = gzip.decompress(content) if name.endswith(".gz") else content
            assert all(token in content for token in tokens), name


def test_a_draft_shows_nowhere_and_changes_nothing(client, monkeypatch):
    ask, public, beside = asker(), world(), world()
    type(beside.actor).objects.filter(pk=beside.actor.pk).update(author=None, institution=None)
    type(public.framework).objects.filter(pk=public.framework.pk).update(work=None)
    for _ in range(20):
        make.recommendation(public.report, [public.area])
    user("editor", client)
    ask_as_editor = asker(f"sessionid={client.cookies['sessionid'].value}")
    tokens = [secrets.token_hex(5) for _ in HIDDEN]
    with transaction.atomic():
        hidden = hide(public, beside, tokens)
        redump(monkeypatch)
        found = addresses(public, beside, *hidden)
        classes = filtersets(ask, found, monkeypatch)
        every = [*found, *queries(classes, public, hidden, tokens[0]), *told_anew(found)]
        with_hidden = sweep(ask, every)
        for_editor = {address: told(ask_as_editor(address))[3] for address in found}
        seen = exposed(ask, found, tokens)
        transaction.set_rollback(True)
    reindex()
    redump(monkeypatch)
    without = sweep(ask, every)

    assert len(every) > 900
    for (method, address), answer in with_hidden.items():
        assert answer == without[method, address], (method, address)
        named = [token for token in tokens if token in address.lower()]
        assert not any(token.encode() in answer[3] for token in tokens if token not in named), (method, address)
        if named and method == "GET" and "?" not in address:
            assert answer[0] == 404, address
    for address, body in for_editor.items():
        assert body == with_hidden["GET", address][3], address
    assert seen == {(name, token) for name in found.values() if name in TELLING for token in tokens}


# Once public, all lists and details tell of what was hidden: the canaries sing.
TELLING = {*LISTS, *DETAILS, *API_LISTS, *COMPARED, *SEARCHED} - {
    "recommendations:area_list",
    "api-areas-list",
    "api-areas-detail",
}


def exposed(ask, found, tokens):
    """Publish what is hidden, and return the (pattern, token) of each address that then tells of it."""
    with transaction.atomic():
        Report.objects.filter(date="1911-01").update(state="published")
        seen = set()
        for address, name in found.items():
            if name in TELLING:
                size = SIZE_MAX if name == "api-matrix" else 100
                body = told(ask(f"{address}?page_size={size}" if name in API_LISTS else address))[3].decode()
                seen |= {(name, token) for token in tokens if token in body}
        transaction.set_rollback(True)
    return seen


# --- who may do what --------------------------------------------------------------------------------------------------

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("role", ["anonymous", "coder", "editor"])
def test_nobody_writes_outside_the_admin_and_what_is_hidden_never_was(client, role, monkeypatch):
    token, never = secrets.token_hex(5), secrets.token_hex(5)
    public, before = world(), held()
    redump(monkeypatch)
    hidden = world(state="draft")
    mark(before, token)
    for row in vars(hidden).values():
        row.refresh_from_db()
    if role != "anonymous":
        user(role, client)
    ask = asker("; ".join(f"{name}={cookie.value}" for name, cookie in client.cookies.items()))
    rows = {model: list(model.objects.order_by("pk").values()) for model in held()}
    body = {"data": b'{"slug": "x"}', "content_type": "application/json"}
    for method in METHODS:
        sent = body if method in METHODS[3:] else {}
        for address, name in addresses(public).items():
            expected = 405
            if name == ELSEWHERE and address.endswith("/"):
                expected = 404
            elif method in ("GET", "HEAD") or method == "OPTIONS" and address.startswith("/api/"):
                expected = 301 if name == ELSEWHERE and method != "OPTIONS" else 200
            assert ask(address, method, **sent).status_code == expected, (method, address)
        for address in addresses(hidden, names=DETAILS.keys() - {"recommendations:area_detail", "api-areas-detail"}):
            here, there = told(ask(address, method, **sent)), told(ask(address.replace(token, never), method, **sent))
            assert token in address and here[0] == (404 if method in ("GET", "HEAD") else there[0]), (method, address)
            assert (*here[:3], here[3].replace(token.encode(), never.encode())) == there, (method, address)
        assert ask("/", method, **sent).status_code == (302 if method in ("GET", "HEAD") else 404), method
    assert {model: list(model.objects.order_by("pk").values()) for model in rows} == rows


# --- what it costs ----------------------------------------------------------------------------------------------------

# Pages whose queries other tests count: tests/test_pages_reports.py, test_pages_recommendations.py, test_api.py.
COUNTED = LISTS | API_LISTS | {name for name in DETAILS if name.startswith(("api-", "recommendations:"))}
COUNTED |= {"portal:front", "reports:detail"}


@pytest.mark.parametrize("name", sorted({*LISTS, *DETAILS, *API_LISTS, *PAGES} - COUNTED))
def test_the_number_of_queries_does_not_grow(name):
    public, ask = world(), asker()

    def more(n):
        for _ in range(n):
            report = world().report
            make.contribution(report, author=public.author).affiliations.add(public.institution, make.institution())
            make.contribution(report).affiliations.add(public.institution)
            make.contribution(report, institution=public.institution)
            Report.objects.filter(pk=report.pk).update(publisher=public.institution)
            for _voice in range(2):
                make.evidence(make.position(report, voice="attributed", holder=public.actor))

    def cost():
        (address,) = [a for a in addresses(public, names=[name]) if a.startswith("/en/")]
        ask(address)  # source texts and the like are read once
        with CaptureQueriesContext(connection) as queries:
            told(ask(address))
        return len(queries)

    more(1)
    few = cost()
    more(9)
    assert cost() == few


def test_a_report_stands_once_in_a_list_however_many_of_its_rows_match():
    report, ask = make.report(title_en="Only once"), asker()
    for _ in range(2):
        make.contribution(report, role="author")
    assert told(ask("/en/reports/?role=author"))[3].count(b"Only once") == 1
    assert ask("/api/v1/reports/?role=author&count=on").content.startswith(b'{"count":1,')


# --- hostile input ----------------------------------------------------------------------------------------------------

LONG = 5000
REFUSED = [
    "cursor=0", "cursor=-1", "cursor=W10", f"cursor={'9' * LONG}", quote("cursor=١", "="), quote("cursor=²", "="),
    "cursor=WyJhZnRlciJd", "cursor=%00", "cursor=1%00", "cursor=%ff", "cursor=1&cursor=x", "ordering=%00",
    "aera=", "%00=1", "%ff=%fe", "&".join(["aera=x"] * 900), "&".join(["cursor=1"] * 1100), "page=1", f"{'x' * LONG}=1",
]  # fmt: skip
SURVIVED = [
    "cursor=x&cursor=", "cursor=", "cursor=+", "q=%ff%fe", "q=%00", "q=%ED%A0%80", f"q={'x' * LONG}",
    "q=" + "%25_" * 40, "q=" + "+".join("abcdefgh" * 10), "q=%F0%9F%92%A9", "q='%22)%3B--",
    "&".join(["q=x"] * 900), "=", "&&&", ";",
]  # fmt: skip


# Given to every filter of a list at once: each must refuse it or take it.
VALUES = [
    "%00", "%ff", "%F0%9F%92%A9", "x" * 1000, "9" * LONG, "99999", "0", "-1", "1e400", "NaN", "Infinity", "1e-5",
    quote("２０２１"),
]  # fmt: skip


def test_hostile_parameters_are_no_fault_of_ours(monkeypatch):
    public, ask = world(), asker()
    classes = filtersets(ask, addresses(public), monkeypatch)
    area = public.area.slug
    for address, name in addresses(public).items():
        if name in LISTS | API_LISTS and not address.startswith("/zh/"):
            unpaged = name in ("portal:timeline", "recommendations:area_list", "recommendations:subject_list")
            for query in REFUSED:
                status = ask(f"{address}?{query}").status_code  # asker() itself refuses a 5xx
                assert status in (400, 404) or unpaged and query.startswith("cursor="), (address, query[:50])
            for query in SURVIVED:
                ask(f"{address}?{query}")
            for value in VALUES:
                ask(f"{address}?{'&'.join(f'{word}={value}' for word in classes[address].base_filters)}")
                ask(f"{address}?page_size={value}&count={value}&format={value}")
        elif name not in API_PAGES:
            for query in ("cursor=%00", "%ff=%fe", "&".join(["a=x"] * 1100)):
                ask(f"{address}?{query}")
    for address in ("/en/recommendations/", "/api/v1/recommendations/"):
        one, many, most = (told(ask(f"{address}?{'&'.join([f'area={area}'] * n)}")) for n in (1, 40, 900))
        assert (one[0], many[0], most[0]) == (200, 200, 400)
        assert one[3].count(public.recommendation.key.encode()) == many[3].count(public.recommendation.key.encode())


@pytest.mark.parametrize(
    "word", ["%00", "%ff%fe", "%E0%A4%A", "%ED%A0%80", "..%2f..%2fetc", "x" * LONG, "%F0%9F%92%A9", "١"]
)
def test_hostile_addresses_are_not_found(client, word):
    detail = [route for route in addresses(world(), names=DETAILS)]
    for address in detail:
        *above, _last, _ = address.split("/")
        assert client.get(f"{'/'.join(above)}/{quote(word, '%')}/").status_code == 404, address
    for address in (f"/{word}", f"/en/{word}/", f"/api/v1/{word}", f"/static/{word}"):
        assert client.get(address).status_code == 404, address


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::1", "x" * 300, "testserver:x"])
@pytest.mark.parametrize("path", ["/en/", "/api/v1/reports/", "/nowhere", "/"])
def test_a_host_that_is_not_ours_is_a_400_that_does_not_repeat_it(client, host, path):
    response = client.get(path, headers={"host": host})
    assert response.status_code in (302, 400) and host.encode() not in response.content
    assert response.status_code == 400 or response["Location"].startswith("/")


# --- headers ----------------------------------------------------------------------------------------------------------

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 302), ("/en/", 200), ("/zh/reports/", 200), ("/en/reports/?aera=x", 400),
        ("/en/reports/?" + "a=b&" * 1100, 400), ("/api/v1/reports/?x=1", 400),
        ("/en/nowhere/", 404), ("/nowhere", 404), ("/en/reports", 301), ("/api/v1/", 200),
        ("/api/v1/reports", 301), ("/api/v1/nothing/", 404), ("/api/v1/schema/", 200), ("/admin/", 302),
        ("/admin/login/", 200), ("/admin/nowhere/", 302), ("/static/css/duizhao.css", 200),
        ("/static/nowhere.css", 404), ("/healthz", 200), ("/readyz", 200),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_kind_of_answer_carries_the_safe_headers(client, path, status, method):
    response = getattr(client, method)(path)
    assert response.status_code == status or method == "post", response.status_code
    assert {name: response.get(name) for name in SAFE} == SAFE
    policy = dict(rule.split(" ", 1) for rule in response["Content-Security-Policy"].split("; ") if " " in rule)
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'" and "unsafe" not in str(policy)
    assert "camera=()" in response["Permissions-Policy"]


def test_a_fault_of_ours_carries_them_too(client, monkeypatch):
    monkeypatch.setattr("portal.middleware.redirect", lambda *args: 1 / 0)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500 and {name: response.get(name) for name in SAFE} == SAFE
