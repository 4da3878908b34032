"""A question that takes the database too long is stopped, and the reader told."""

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.utils import translation
from psycopg.errors import QueryCanceled

from portal.index import renewed
from portal.middleware import TooLong


def stopped():
    error = OperationalError("canceling statement due to statement timeout")
    error.__cause__ = QueryCanceled()
    return error


@pytest.mark.parametrize(("path", "kind"), [("/en/reports/", "text/html"), ("/api/v1/reports/", "application/json")])
def test_what_takes_too_long_is_a_503_that_says_so(path, kind):
    with translation.override("en"):
        response = TooLong(None).process_exception(RequestFactory().get(path), stopped())
    assert response.status_code == 503 and response["Content-Type"].startswith(kind)
    assert b"narrow" in response.content.lower()


def test_other_faults_are_not_hidden():
    assert TooLong(None).process_exception(RequestFactory().get("/en/"), OperationalError("disk full")) is None


@pytest.mark.django_db
def test_an_editor_is_not_stopped():
    if connection.vendor != "postgresql":
        with renewed():  # SQLite knows no such limit
            return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 4000")
        with renewed():
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
