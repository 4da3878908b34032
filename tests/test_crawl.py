"""The whole demo, crawled in both languages: no error, no broken link or anchor, every page and template reached."""

import logging
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urldefrag, urljoin, urlsplit

import pytest
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.management import call_command
from django.test import RequestFactory
from django.test.signals import template_rendered
from django.urls import URLPattern, get_resolver, resolve
from django.utils import translation

from portal.middleware import CODES, prefix_of
from recommendations.models import Actor
from reports.models import Author

OF_A_SHAPE = (
    30  # addresses followed that differ in the values of their query alone: one actor's list, one pair compared
)
# Templates that no public page shows: the admin's own, the answer to a fault of ours, the codebook in a dump.
UNCRAWLED = ("admin/", "500.html", "503.html", "portal/_alone.html")


class Page(HTMLParser):
    """What a crawl needs of a page: its links, its anchors, its language and headings."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.language, self.headings, self.title = set(), [], "", [], ""
        self.inside_title = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "html":
            self.language = attrs.get("lang")
        if attrs.get("id"):
            self.ids.append(attrs["id"])
        if tag in ("a", "link") and attrs.get("href"):
            self.links.add(attrs["href"])
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append(int(tag[1]))
        self.inside_title = tag == "title"
        assert "style" not in attrs and not any(name.startswith("on") for name in attrs), (tag, attrs)
        assert tag not in ("script", "style") or attrs.get("src") or attrs.get("type") == "application/ld+json", tag

    def handle_data(self, data):
        if self.inside_title:
            self.title += data

    def handle_endtag(self, tag):
        self.inside_title = False


def ours(link):
    """Tell whether a link leads to a page of the site, and not to a narrowed list sorted, paged or told anew."""
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    resorted = len(query) > 1 and query.keys() & {"format", "ordering", "cursor"}
    return parts.netloc in ("", "testserver") and prefix_of(parts.path) is not None and not resorted


def shape(link):
    """Return the path of an address with the names in its query: alike for all lists narrowed in one way."""
    parts = urlsplit(link)
    return parts.path, tuple(sorted(parse_qs(parts.query)))


def crawler():
    """Return a function that asks the site for an address, through every middleware.

    The test client would copy the context of each template it sees rendered, which makes a crawl many times slower.
    """
    handler = BaseHandler()
    handler.load_middleware()
    return lambda address: handler.get_response(RequestFactory().get(address))


@pytest.mark.parametrize(("prefix", "tag", "other"), [("zh", "zh-Hans", "en"), ("en", "en", "zh")])
@pytest.mark.django_db
def test_the_whole_demo(prefix, tag, other, caplog):
    """One language each. A link to the other is good when this language has that page: slugs are the same in both."""
    ask = crawler()
    call_command("load_corpus", verbosity=0)
    # Nobody in the shipped corpus both writes and is written about; one is made to, so that such a page is seen too.
    Actor.objects.filter(slug="antony-blinken").update(author=Author.objects.get(slug="sun-haiyong"))
    rendered = set()

    def note(sender, template, **kwargs):
        rendered.add(template.name)

    template_rendered.connect(note)
    caplog.set_level(logging.WARNING)
    queue, pages, wanted, titles = [f"/{prefix}/"], {}, {}, {}
    seen, shapes = set(queue), Counter()
    try:
        while queue:
            address = queue.pop()
            response = ask(address)
            assert response.status_code == 200, (address, response.status_code, wanted.get(address))
            if not response["Content-Type"].startswith("text/html"):
                assert b"".join(response) if response.streaming else response.content
                pages[address] = None
                continue
            page = pages[address] = Page(response.content.decode())
            assert len(page.ids) == len(set(page.ids)), (address, "an id stands twice")
            assert page.headings.count(1) == 1, (address, page.headings)
            steps = zip(page.headings, page.headings[1:], strict=False)
            assert all(b <= a + 1 for a, b in steps), (address, page.headings)
            assert page.language == tag, address
            if "?" not in address:
                assert titles.setdefault(page.title, address) == address, (address, page.title)
            for link in page.links:
                target, anchor = urldefrag(urljoin(address, link))
                if ours(target):
                    target = target.removeprefix("http://testserver")
                    if prefix_of(target) == other:
                        target, anchor = f"/{prefix}{target.removeprefix(f'/{other}')}", ""
                    if target not in seen and shapes[shape(target)] < OF_A_SHAPE:
                        seen.add(target)
                        shapes[shape(target)] += 1
                        queue.append(target)
                    if target in seen:
                        wanted.setdefault(target, set()).add((address, unquote(anchor)))
        assert ask(f"/{prefix}/search/?q=R07").status_code == 200  # a key is typed, no link holds it
        assert ask(f"/{prefix}/recommendations/?aera=x").status_code == 400
        assert ask(f"/{prefix}/nowhere/").status_code == 404
    finally:
        template_rendered.disconnect(note)
    for target, sources in wanted.items():
        page = pages[target]
        for source, anchor in sources:
            assert not anchor or page is None or anchor in page.ids, f"{source} links to {target}#{anchor}"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]

    with translation.override(CODES[prefix]):
        reached = {resolve(address.partition("?")[0]).view_name for address in pages}
    assert public_views() <= reached, public_views() - reached
    root = Path(settings.TEMPLATES[0]["DIRS"][0])
    every = {str(path.relative_to(root)) for path in root.rglob("*.html")}
    idle = {name for name in every - rendered if not name.startswith(UNCRAWLED)}
    assert not idle, idle


def public_views(patterns=None, namespace=""):
    """Return the names of every address under the language prefix, from the resolver itself."""
    if patterns is None:
        under_prefix = [p for p in get_resolver().url_patterns if type(p.pattern).__name__ == "PrefixPattern"]
        return public_views([q for p in under_prefix for q in p.url_patterns])
    names = set()
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            names.add(f"{namespace}{pattern.name}")
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            names |= public_views(pattern.url_patterns, inner)
    return names
