"""What is unchanged is not made again: ETag, Last-Modified, 304, and the pages kept for everybody."""

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import index
from portal.index import renewed
from portal.models import CorpusVersion
from tests import factories as make

pytestmark = pytest.mark.django_db
ADDRESSES = ["/zh/", "/en/reports/", "/zh/about/codebook/", "/api/v1/reports/", "/api/v1/", "/api/v1/schema/"]


@pytest.fixture
def report(client):
    found = make.report(slug="kept", title_en="First title")
    client.get("/en/reports/")  # makes the index
    return found


def aged(seconds):
    """Let the last change lie so many seconds back."""
    CorpusVersion.objects.update(changed_at=timezone.now() - timedelta(seconds=seconds))
    index.forget()


@pytest.mark.parametrize("address", [*ADDRESSES, "/en/reports/kept/", "/api/v1/reports/kept/"])
def test_what_is_unchanged_is_not_sent_again(client, report, address):
    aged(60)
    first = client.get(address)
    assert first.status_code == 200 and first["ETag"] and first["Last-Modified"]
    index.version()
    with CaptureQueriesContext(connection) as queries:
        again = client.get(address, headers={"if-none-match": first["ETag"]})
    assert len(queries) == 0, [query["sql"] for query in queries]
    assert again.get("Access-Control-Allow-Origin") == first.get("Access-Control-Allow-Origin")
    since = client.get(address, headers={"if-modified-since": first["Last-Modified"]})
    for response in (again, since):
        assert response.status_code == 304 and not response.content and response["ETag"] == first["ETag"]
        assert response["Cache-Control"] == first["Cache-Control"]
    with renewed(report):
        pass
    assert client.get(address, headers={"if-none-match": first["ETag"]}).status_code == 200


def test_a_change_within_the_same_second_is_not_hidden_by_its_date(client, report):
    with renewed(report):
        pass
    response = client.get("/en/reports/")
    assert "Last-Modified" not in response and response["ETag"]


def test_each_address_language_and_host_has_its_own(client, report):
    found = [client.get(address)["ETag"] for address in ("/zh/reports/", "/en/reports/", "/en/reports/?kind=report")]
    found.append(client.get("/en/reports/", headers={"host": "localhost"})["ETag"])
    assert len(set(found)) == 4


def test_what_is_refused_or_absent_is_not_marked(client, report):
    for address in (
        "/en/reports/?aera=x",
        "/en/reports/nowhere/",
        "/api/v1/reports/nowhere/",
        "/api/v1/reports/?aera=x",
    ):
        response = client.get(address)
        assert response.status_code in (400, 404) and "Last-Modified" not in response
        assert not response.get("Cache-Control", "").startswith("public")


@pytest.mark.parametrize("address", ["/en/reports/nowhere/", "/api/v1/reports/nowhere/", "/api/v1/reports/?aera=x"])
def test_what_has_never_been_is_not_unchanged_since(client, report, address):
    aged(60)
    since = client.get("/en/reports/")["Last-Modified"]
    assert client.get(address, headers={"if-modified-since": since}).status_code in (400, 404)


def test_a_host_that_is_not_ours_is_refused_whatever_its_sender_has(client, report, settings):
    tag = client.get("/en/reports/")["ETag"]
    settings.ALLOWED_HOSTS = ["testserver"]
    response = client.get("/en/reports/", headers={"host": "elsewhere.example", "if-none-match": tag})
    assert response.status_code == 400 and response["Content-Language"] == "en"


def test_what_stands_beside_the_rows_is_made_once_for_all_pages_of_a_list(client, report):
    client.warm = True
    for n in range(40):
        make.report(slug=f"other-{n:02}", title_en=f"Other {n}")
    first = client.get("/en/reports/").content.decode()
    following = "/en/reports/" + html.unescape(re.search(r'href="([^"]*cursor=[^"]*)"', first)[1])
    with CaptureQueriesContext(connection) as queries:
        page = client.get(following).content.decode()
    assert "Rows on this page: 20 of 41" in page
    assert not [query["sql"] for query in queries if "portal_tally" in query["sql"] or "portal_term" in query["sql"]]
    assert "of 41" not in client.get("/en/reports/?q=Other").content.decode()
    with renewed(report):
        report.state = "withdrawn"
        report.save()
    assert "of 40" in client.get(following).content.decode()


def test_a_page_is_made_once_for_everybody_and_again_after_a_change(client, report, settings):
    settings.PAGE_CACHE = 60
    first = client.get("/en/reports/")
    index.version()
    with CaptureQueriesContext(connection) as queries:
        again = client.get("/en/reports/")
    assert len(queries) == 0 and again.content == first.content and again["ETag"] == first["ETag"]
    assert again["Content-Security-Policy"] == first["Content-Security-Policy"]
    with renewed(report):
        report.title_en = "Second title"
        report.save()
    assert b"Second title" in client.get("/en/reports/").content


def test_a_withdrawn_report_leaves_every_kept_page(client, report, settings):
    settings.PAGE_CACHE = 60
    assert client.get("/en/reports/kept/").status_code == 200
    with renewed(report):
        report.state = "withdrawn"
        report.save()
    assert client.get("/en/reports/kept/").status_code == 404
    assert b"kept" not in client.get("/en/reports/").content


def test_a_scheduled_report_comes_out_when_its_time_has_come(client, report):
    with renewed() as rows:
        later = make.report(slug="later", state="scheduled", publish_at=timezone.now() + timedelta(hours=1))
        rows.append(later)
    tag = client.get("/en/reports/")["ETag"]
    assert b"later" not in client.get("/en/reports/").content
    type(later).objects.filter(pk=later.pk).update(publish_at=timezone.now() - timedelta(seconds=1))
    CorpusVersion.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    index.forget()
    response = client.get("/en/reports/", headers={"if-none-match": tag})
    assert response.status_code == 200 and b"later" in response.content
