"""The API against its own description, by Schemathesis: every operation, well and badly asked, alone and in sequence."""

import json
import logging
from collections import Counter

import pytest
import schemathesis
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.test import override_settings
from django.urls import resolve
from schemathesis.engine import events, from_schema

from portal import dumps, keys
from portal.filters import SlugWordsFilter
from portal.models import ApiKey
from portal.urls import api_rows
from portal.wsgi import application
from recommendations.filters import ComparedFilter, EndFilter
from recommendations.models import Recommendation

SEED, EXAMPLES = 1, 5
PHASES = ("examples", "coverage", "fuzzing", "stateful")
WORDS = 2  # of each vocabulary that is in the database


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker, tmp_path_factory):
    """The shipped corpus and a dump of it behind the WSGI application, which any thread may call."""
    folder = tmp_path_factory.mktemp("dumps")
    rates = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": "1000000/hour"}}
    changed = override_settings(DUMP_DIR=folder, REST_FRAMEWORK=rates, ALLOWED_HOSTS=["localhost"])
    connection = connections["default"]

    def shared(environ, start_response):
        connections["default"] = connection
        return application(environ, start_response)

    with django_db_blocker.unblock(), transaction.atomic(), changed:
        call_command("load_corpus", verbosity=0)
        call_command("dump", dir=folder, verbosity=0, stdout=open("/dev/null", "w"))
        connection.inc_thread_sharing()
        yield shared
        connection.dec_thread_sharing()
        transaction.set_rollback(True)


@pytest.fixture(params=["anonymous", "keyed"])
def headers(request, site, db):
    if request.param == "anonymous":
        return {}
    row = ApiKey(owner="A lab, lab@example.org", rate=ApiKey.RATE_MAX)
    key = keys.issue(row)
    row.save()
    return {"Authorization": f"Bearer {key}"}


def described(site, headers):
    """Return the description as it is served, with the words that only the database knows."""
    config = schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "headers": headers,
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            "phases": {phase: {"enabled": phase in PHASES} for phase in ("examples", "coverage", "fuzzing", "stateful")},
        }
    )
    raw = schemathesis.openapi.from_wsgi("/api/v1/schema/", site).raw_schema
    for path, item in raw["paths"].items():
        known = existing(path)
        for parameter in item["get"].get("parameters", []):
            if parameter["name"] in known:
                schema = parameter["schema"]
                schema.get("items", schema)["enum"] = known[parameter["name"]]
    loaded = schemathesis.openapi.from_dict(raw, config=config)
    loaded.app = site
    return loaded


def existing(path):
    """Return {parameter: words that mean something} for what an operation looks up; a cursor belongs to one list."""
    endpoint = path.split("/")[3]
    if endpoint == "dumps":
        dump = next(dumps.newest_first())
        return {"as_of": [dump.as_of], "file": [file["name"] for file in dump.manifest["files"]][:WORDS]}
    if "{" in path:
        rows = next(rows for rows in api_rows if rows.endpoint == endpoint)
        row = rows(action_map={"get": "list"}).get_queryset().first()
        return {name: [word] for name, word in zip(rows.keys, row.natural_key(), strict=True)}
    known = {"cursor": [""]}
    filterset_class = getattr(resolve(path).func.cls, "filterset_class", None)
    for name, found in filterset_class.base_filters.items() if filterset_class else ():
        if isinstance(found, SlugWordsFilter):
            rows = found.rows().filter(part_of=None) if isinstance(found, ComparedFilter) else found.rows()
            known[name] = list(rows.order_by("slug").values_list("slug", flat=True)[:WORDS])
        elif isinstance(found, EndFilter):
            known[name] = ["/".join(row.natural_key()) for row in Recommendation.objects.published()[:WORDS]]
    return known


def test_nothing_is_found(site, headers):
    told, seen, by = {}, Counter(), Counter()
    import time
    t0 = time.time()
    for event in from_schema(described(site, headers)).execute():
        if isinstance(event, events.PhaseFinished):
            print(event.phase.name, event.status, event.payload, round(time.time() - t0))
        if isinstance(event, (events.NonFatalError, events.FatalError)):
            told[repr(getattr(event, "value", None) or event.exception)] = [str(event)]
        if isinstance(event, events.ScenarioFinished):
            for case_id, interaction in event.recorder.interactions.items():
                case = event.recorder.cases[case_id].value
                mode = case.meta.generation.mode if case.meta else None
                status = interaction.response.status_code
                seen[str(event.phase), str(mode), status] += 1
                by[case.operation.label, str(mode), status] += 1
            for case_id, checks in event.recorder.checks.items():
                for check in checks:
                    if check.failure_info:
                        failure = check.failure_info.failure
                        what = event.recorder.interactions[case_id]
                        said = (
                            f"{failure.message[:500]}\n    {what.request.uri[:1600]}\n    "
                            f"{what.response.status_code} {what.response.text[:400]}"
                        )
                        told.setdefault((str(event.phase), failure.operation, failure.title), []).append(said)
    print(sum(seen.values()), dict(seen))
    for label in sorted({key[0] for key in by}):
        print(label, {key[1:]: n for key, n in by.items() if key[0] == label})
    for key, value in told.items():
        print(key, len(value))
        print(value[0])
    assert not told
