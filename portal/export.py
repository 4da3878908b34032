"""The rows of a list page in other forms: CSV, JSON Lines, and the first of them as Atom and JSON Feed.

A list says what it is by a `Table`, which stands in the `export` module of its app. The forms tell the same rows in
the same order as the page. CSV and JSON Lines have all of them, and are made batch by batch while they are sent.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import linebreaks
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from portal.addresses import path_to

FORMS = {
    "csv": ("CSV", "text/csv"),
    "jsonl": ("JSON Lines", "application/jsonl"),
    "atom": ("Atom", "application/atom+xml"),
    "jsonfeed": ("JSON Feed", "application/feed+json"),
}
PAGE_FORMS = {"csv": ("CSV", "text/csv"), "json": ("JSON", "application/json")}  # of a page that is no list
FEEDS = ("atom", "jsonfeed")
FEED_SIZE = 50
FIRST, BATCH = 20, 200  # rows told before anything is sent, and in each piece that follows
BOM = "\ufeff"  # without it Excel reads Chinese as Latin letters
SEPARATOR = " | "
FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # a spreadsheet would run what begins so
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # Atom demands a date even where the data have none
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
OF_THE_PAGE = ("cursor", "page_size", "count", "format", "view")  # what a query says of the page alone


@dataclass
class Entry:
    """What a feed shows of a row, in the language of the page. `date` is partial: what in the data is newest."""

    title: str
    text: str
    date: str = ""
    authors: list = field(default_factory=list)
    tags: list = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """How the rows of a list are told elsewhere.

    `columns` are (name, lookup): a dotted path or a function of the row; the addresses follow by themselves. `prepare`
    brings along, in a constant number of queries, what columns and `entry` need besides what the page shows. `endpoint`
    names the list of the API that holds the same objects.
    """

    endpoint: str
    title: str
    columns: tuple
    entry: Callable
    prepare: Callable = lambda queryset: queryset


# ---------------------------------------------------------------------------------------------------------------------
# What a request asks for, and where the forms of a page are
# ---------------------------------------------------------------------------------------------------------------------


def form_of(request):
    """Return the form that a request asks for; an empty word is the page itself."""
    return request.GET.get("format", "").strip()


def errors(request, forms=FORMS):
    """Return {"format": [reason]} for a form that there is not."""
    words = [word.strip() for word in request.GET.getlist("format")]
    known = ", ".join(forms)
    unknown = [word for word in words if word and word not in forms]
    message = _("There is no format “%(value)s”; there are %(known)s.")
    return {"format": [message % {"value": word[:50], "known": known} for word in unknown]} if unknown else {}


def address(path, query, **more):
    """Return a path with the filters of `query` and what else is asked."""
    query = query.copy()
    for name in OF_THE_PAGE:
        query.pop(name, None)
    for name, value in more.items():
        query[name] = value
    return f"{path}?{query.urlencode()}" if query else path


def forms(request, table):
    """Return the forms of the rows of a page: [{label, url, type, alternate}]; `alternate` ones are in the head too."""
    return [
        {"label": label, "url": address(request.path, request.GET, format=form), "type": kind}
        | {"alternate": f"{table.title} – {label}" if form in FEEDS else ""}
        for form, (label, kind) in FORMS.items()
    ]


def links(request, table):
    """Return the forms of a list page, and the list of the API that holds the same objects."""
    twin = address(reverse(f"api-{table.endpoint}-list"), request.GET)
    return [*forms(request, table), {"label": "API", "url": twin, "type": "application/json", "alternate": "API"}]


def page_links(request, twin, **kept):
    """Return the forms of a page that is no list; `twin` is its object in the API, `kept` what else of it is asked."""
    found = [
        {"label": label, "url": address(request.path, request.GET, **kept, format=form), "type": kind, "alternate": ""}
        for form, (label, kind) in PAGE_FORMS.items()
    ]
    return [*found, {"label": "API", "url": twin, "type": "application/json", "alternate": "API"}]


def twin(endpoint, row):
    """Return the forms of the page of one row: its object in the API."""
    url = path_to(f"api-{endpoint}-detail", *row.natural_key())
    return [{"label": "API", "url": url, "type": "application/json", "alternate": "API"}]


# ---------------------------------------------------------------------------------------------------------------------
# The answer
# ---------------------------------------------------------------------------------------------------------------------


def answer(request, table, keys, fetch, objects, words=()):
    """Answer with the rows of these primary keys in the form asked for.

    `fetch(keys)` and `objects(request, keys)` return {key: row} and {key: object of the API}; a row that is no longer
    public when its turn comes is left out. `words` say which filters are on, for the title of a feed.
    """
    form = form_of(request)
    if form in FEEDS:
        rows = fetch(keys[:FEED_SIZE])
        found = [rows[key] for key in keys[:FEED_SIZE] if key in rows]
        body = {"atom": atom, "jsonfeed": json_feed}[form](request, table, found, words)
        return HttpResponse(body, content_type=f"{FORMS[form][1]}; charset=utf-8")
    if form == "csv":
        chunks = csv_chunks(table, batches(keys, fetch, BATCH), origin(request))
    else:
        chunks = json_lines(batches(keys, lambda some: objects(request, some), BATCH))
    response = StreamingHttpResponse(chunks, content_type=f"{FORMS[form][1]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="duizhao-{table.endpoint}.{form}"'
    return response


def download(name, form, text):
    """Answer with a page that is no list in one of PAGE_FORMS."""
    response = HttpResponse(text, content_type=f"{PAGE_FORMS[form][1]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="duizhao-{name}.{form}"'
    return response


def batches(keys, fetch, size):
    """Yield the rows of primary keys in their order, so many at a time; the FIRST few are not kept waiting."""
    start, many = 0, min(FIRST, size)
    while start < len(keys):
        some = keys[start : start + many]
        found = fetch(some)
        yield [found[key] for key in some if key in found]
        start, many = start + many, size


def origin(request):
    """Return scheme and host of a request."""
    return request.build_absolute_uri("/")[:-1]


# ---------------------------------------------------------------------------------------------------------------------
# CSV and JSON Lines
# ---------------------------------------------------------------------------------------------------------------------


def csv_chunks(table, found, site):
    """Yield the text of a CSV file: a byte order mark, the names of the columns, the rows."""
    names = [name for name, _lookup in table.columns]
    yield BOM + csv_text([[*names, "url", "url_en", "api_url"]])
    for rows in found:
        yield csv_text(cells(table, row, site) for row in rows)


def cells(table, row, site):
    """Return the cells of a row: its columns, its page in Chinese and in English, its object in the API."""
    return [*(value(row, lookup) for _name, lookup in table.columns), *addresses(row, table.endpoint, site)]


def csv_text(lines):
    """Return lines of cells as CSV, no cell of which a spreadsheet takes for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([safe(cell) for cell in line] for line in lines)
    return text.getvalue()


def safe(cell):
    """Put an apostrophe before what a spreadsheet would take for a formula, negative numbers included."""
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text


def value(row, lookup):
    """Return one cell as text: empty for nothing, words joined for several."""
    found = lookup(row) if callable(lookup) else follow(row, lookup)
    if found is None:
        return ""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, (list, tuple)):
        return SEPARATOR.join(map(str, found))
    return str(found)


def follow(row, path):
    """Return what a dotted path of attributes leads to, or None where it breaks off."""
    for name in path.split("."):
        if row is None:
            return None
        row = getattr(row, name)
    return row


def pages(row, site):
    """Return the addresses of a row's page in Chinese and in English."""
    found = []
    for language in settings.LANGUAGE_PREFIXES:
        with translation.override(language):
            found.append(site + row.get_absolute_url())
    return found


def addresses(row, endpoint, site):
    """Return the addresses of a row: its page in Chinese and in English, its object in the API."""
    return [*pages(row, site), site + path_to(f"api-{endpoint}-detail", *row.natural_key())]


def json_lines(found):
    """Yield objects, one a line."""
    for objects in found:
        yield "".join(f"{json_text(each, separators=(',', ':'))}\n" for each in objects)


def json_text(each, **layout):
    return json.dumps(each, cls=DjangoJSONEncoder, ensure_ascii=False, **layout)


# ---------------------------------------------------------------------------------------------------------------------
# Feeds
# ---------------------------------------------------------------------------------------------------------------------


class Atom(Atom1Feed):
    """A feed that is as new as its newest entry, whenever it is asked for."""

    def latest_post_date(self):
        return max((item["updateddate"] for item in self.items), default=UNDATED)


def atom(request, table, rows, words):
    about = feed_about(request, table, words)
    feed = Atom(about["title"], about["page"], "", about["language"], author_name=_("Duizhao"), feed_url=about["feed"])
    for row in rows:
        entry, url = table.entry(row), origin(request) + row.get_absolute_url()
        feed.add_item(
            plain(entry.title),
            url,
            linebreaks(plain(entry.text), autoescape=True),  # an Atom summary is HTML here
            unique_id=url,
            updateddate=moment(entry.date) or UNDATED,
            author_name=plain(", ".join(entry.authors)) or None,
            categories=[plain(tag) for tag in entry.tags],
        )
    return feed.writeString("utf-8")


def json_feed(request, table, rows, words):
    about = feed_about(request, table, words)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about["title"],
        "home_page_url": about["page"],
        "feed_url": about["feed"],
        "language": about["language"],
        "authors": [{"name": _("Duizhao")}],
        "items": [json_item(table.entry(row), origin(request) + row.get_absolute_url()) for row in rows],
    }
    return json_text(feed, indent=1)


def json_item(entry, url):
    item = {"id": url, "url": url, "title": entry.title, "content_text": entry.text}
    if when := moment(entry.date):
        item["date_modified"] = when.isoformat().replace("+00:00", "Z")
    if entry.authors:
        item["authors"] = [{"name": name} for name in entry.authors]
    if entry.tags:
        item["tags"] = entry.tags
    return item


def feed_about(request, table, words):
    """Return title, language and addresses of a feed: {title, language, page, feed}."""
    comma = pgettext("between names", ", ")
    form = form_of(request)
    return {
        "title": plain(f"{comma.join([str(table.title), *words])} – {_('Duizhao')}"),
        "language": "en" if translation.get_language() == "en" else "zh-Hans",
        "page": origin(request) + address(request.path, request.GET),
        "feed": origin(request) + address(request.path, request.GET, format=form),
    }


def moment(date):
    """Return the first moment of a partial date, or None for an unknown one."""
    if not date:
        return None
    year, month, day = (*map(int, date.split("-")), 1, 1)[:3]
    return datetime(year, month, day, tzinfo=UTC)


def plain(text):
    """Leave out what XML cannot hold."""
    return NOT_XML.sub("", text)


def slugs(rows):
    """Return the slugs of related rows, sorted."""
    return sorted(row.slug for row in rows.all())
