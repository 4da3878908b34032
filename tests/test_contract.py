"""The API against its own description, by Schemathesis: every operation, well and badly asked, alone and in sequence.

All of its checks are on; those for what is written, freed or guarded have nothing to look at in an API that only reads.
"""

import logging
import sys
from itertools import cycle
from urllib.parse import parse_qs, urlsplit

import pytest
import schemathesis
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.test import override_settings
from django.urls import resolve
from schemathesis.engine import events, from_schema

from portal import dumps, keys
from portal.filters import VALUES_MOST, SlugWordsFilter
from portal.models import ApiKey
from portal.urls import api_rows
from recommendations.filters import ComparedFilter, EndFilter
from recommendations.models import Recommendation

SEED = 1
EXAMPLES = {"fuzzing": 5, "stateful": 20}  # of each operation; sequences
WORDS = 2  # told of each vocabulary

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def site(application, django_db_setup, django_db_blocker, tmp_path_factory):
    """The portal with the shipped corpus and a dump of it, for whichever thread asks; half of the requests have a key.

    A key changes nothing but the limit, so nothing may depend on which request has one.
    """
    folder = tmp_path_factory.mktemp("dumps")
    rates = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": "1000000/hour"}}
    changed = override_settings(DUMP_DIR=folder, REST_FRAMEWORK=rates, ALLOWED_HOSTS=["localhost"])
    connection = connections["default"]
    row = ApiKey(owner="A lab, lab@example.org", rate=ApiKey.RATE_MAX)
    credentials = cycle([{}, {"HTTP_AUTHORIZATION": f"Bearer {keys.issue(row)}"}])

    def served(environ, start_response):
        connections["default"] = connection
        return application(environ | next(credentials), start_response)

    with django_db_blocker.unblock(), transaction.atomic(), changed:
        row.save()
        call_command("load_corpus", verbosity=0)
        call_command("dump", dir=folder, verbosity=0, stdout=open("/dev/null", "w"))
        connection.inc_thread_sharing()
        logging.disable(logging.WARNING)  # thousands of refusals
        yield served
        logging.disable(logging.NOTSET)
        connection.dec_thread_sharing()
        transaction.set_rollback(True)


@pytest.fixture
def described(site):
    """The description as it is served, and in it the words that it cannot list, for they are in the database."""
    limited = {phase: {"generation": {"max-examples": most}} for phase, most in EXAMPLES.items()}
    generation = {"deterministic": True, "database": "none"}
    # No description knows how long a file is: beyond its end there is no range.
    accepted = {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "404", "416"]}}
    files = {"include-operation-id": "dumps_file", "checks": accepted}
    # Words of the software would be taken for unknown ones where the description is cut short below.
    config = {"analysis": {"constants": {"enabled": False}}, "operations": [files]}
    config |= {"seed": SEED, "generation": generation, "phases": limited}
    raw = schemathesis.openapi.from_wsgi("/api/v1/schema/", site).raw_schema
    for path, item in raw["paths"].items():
        known = existing(path)
        for parameter in item["get"].get("parameters", []):
            words = parameter["schema"].get("items", parameter["schema"])
            if parameter["name"] in known:
                words["enum"] = known[parameter["name"]]
            elif parameter["name"] in ("fields", "omit", "expand"):  # tests/test_api_shape.py tries each
                words["enum"] = words["enum"][:WORDS]
    schema = schemathesis.openapi.from_dict(raw, config=schemathesis.Config.from_dict(config))
    schema.app = site

    @schema.hook
    def filter_query(context, query):
        """Nor does it tell of what all parameters together may have."""
        return sum(len(value) for value in (query or {}).values() if isinstance(value, list)) <= VALUES_MOST - 10

    return schema


def existing(path):
    """Return {parameter: words} of what an operation looks up: some that are there, and of cursors none."""
    endpoint = path.split("/")[3]
    if endpoint == "dumps":
        dump = next(dumps.newest_first())
        return {"as_of": [dump.as_of], "file": [file["name"] for file in dump.manifest["files"]][:WORDS]}
    if "{" in path:
        view = next(rows for rows in api_rows if rows.endpoint == endpoint)
        row = view(action_map={"get": "list"}).get_queryset().first()
        return {name: [word] for name, word in zip(view.keys, row.natural_key(), strict=True)}
    known = {"cursor": [""]}
    filterset_class = getattr(resolve(path).func.cls, "filterset_class", None)
    for name, found in filterset_class.base_filters.items() if filterset_class else ():
        if isinstance(found, SlugWordsFilter):
            rows = found.rows().filter(part_of=None) if isinstance(found, ComparedFilter) else found.rows()
            known[name] = [row.slug for row in rows[:WORDS]]
        elif isinstance(found, EndFilter):
            known[name] = ["/".join(row.natural_key()) for row in Recommendation.objects.published()[:WORDS]]
    return known


def test_nothing_is_found(described, monkeypatch):
    monkeypatch.setitem(sys.modules, "flask", None)  # which it would look for on the disk at each request
    found, fulfilled = [], set()
    for event in from_schema(described).execute():
        if isinstance(event, (events.NonFatalError, events.FatalError)):
            found.append(repr(getattr(event, "value", None) or event.exception))
        if not isinstance(event, events.ScenarioFinished):
            continue
        for case, sent in event.recorder.interactions.items():
            operation = event.recorder.cases[case].value.operation.label
            if sent.response.status_code == 200:
                fulfilled.add(operation)
            for check in event.recorder.checks.get(case, ()):
                if check.failure_info:
                    answer = f"{sent.response.status_code} {sent.response.text[:300]}"
                    found.append(f"{check.failure_info.failure}\n{sent.request.method} {sent.request.uri}\n{answer}")
    assert not found, "\n\n".join(found)
    assert fulfilled == {f"GET {path}" for path in described.raw_schema["paths"]}


@pytest.mark.parametrize("endpoint", [rows.endpoint for rows in api_rows])
def test_every_object_of_the_corpus_is_as_described(described, endpoint):
    """From page to page by cursor; Schemathesis takes an answer to pieces that its generated requests never reach."""
    listing = described[f"/api/v1/{endpoint}/"]["GET"]
    query, told = {"page_size": 100, "count": "on"}, 0
    while query:
        page = listing.Case(query=query).call_and_validate().json()
        told += len(page["results"])
        query = page["next"] and parse_qs(urlsplit(page["next"]).query)
    assert told == page["count"] > 0
