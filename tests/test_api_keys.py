"""Keys of the API: shown once and kept as a digest, good in two headers, counted by themselves, ended at once."""

import hashlib
import logging
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal import keys
from portal.models import ApiKey, ApiUse

pytestmark = pytest.mark.django_db

WHOLE = re.compile(r"dz_[a-z0-9]{8}_[0-9a-f]{64}")
LIST = reverse("admin:portal_apikey_changelist")
ADD = reverse("admin:portal_apikey_add")
ROOT = "/api/v1/"


def made(**values):
    """Return a saved ApiKey and the key itself."""
    row = ApiKey(**{"owner": "A lab, lab@example.org"} | values)
    key = keys.issue(row)
    row.save()
    return row, key


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def ask(client, key=None, path=ROOT, **more):
    return client.get(path, headers=bearer(key) if key else {}, **more)


def used(row):
    """Return {day: (requests, refused)} as the database has it."""
    return {use.day: (use.requests, use.refused) for use in row.uses.all()}


def steward(client, *codenames, superuser=False):
    """Log in a member of staff with these permissions, or with all."""
    person = get_user_model().objects.create(username="steward", is_staff=True, is_superuser=superuser)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(person)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return person


def make_in_admin(client, **values):
    """Fill in the form of a new key; return the answer."""
    form = {"owner": "A lab, lab@example.org", "note": "", "rate": "60000", "expires_at_0": "", "expires_at_1": ""}
    return client.post(ADD, form | values)


def act(client, *rows, **more):
    return client.post(LIST, {"action": "revoke", "_selected_action": [row.pk for row in rows]} | more)


def page(row):
    return reverse("admin:portal_apikey_change", args=[row.pk])


# --- making and keeping ----------------------------------------------------------------------------------------------


def test_only_the_digest_is_kept():
    row, key = made()
    assert WHOLE.fullmatch(key) and key.startswith(f"dz_{row.prefix}_")
    stored = ApiKey.objects.filter(pk=row.pk).values().get()
    assert stored["digest"] == hashlib.sha256(key.encode()).hexdigest()
    secret = key.rpartition("_")[2]
    assert not [name for name, value in stored.items() if secret in str(value) or key in str(value)]


def test_no_two_keys_are_alike():
    issued = {keys.issue(ApiKey()) for _ in range(200)}
    assert len(issued) == len({key[:11] for key in issued}) == 200


@pytest.mark.parametrize("rate", [0, -1, ApiKey.RATE_MAX + 1, "many"])
def test_a_rate_is_a_number_of_requests(rate):
    row = ApiKey(owner="A lab", rate=rate)
    keys.issue(row)
    with pytest.raises(ValidationError) as told:
        row.full_clean(exclude=["created_by"])
    assert "rate" in told.value.message_dict


def test_the_database_holds_what_must_hold():
    row, key = made()
    now = timezone.now()
    for values in ({"rate": 0}, {"created_at": now, "expires_at": now}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=row.pk).update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.create(owner="Another", prefix=row.prefix)
    ApiUse.objects.create(key=row, day="2026-01-01")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiUse.objects.create(key=row, day="2026-01-01")


def test_a_key_and_the_set_of_keys_agree_on_its_state():
    hour, now = timedelta(hours=1), timezone.now()
    before = now - 2 * hour
    for expires_at in (None, now - hour, now + hour):
        for revoked_at in (None, now):
            made(created_at=before, expires_at=expires_at, revoked_at=revoked_at)
    found = {state: set(ApiKey.objects.in_state(state)) for state in ApiKey.State}
    assert [len(found[state]) for state in ("active", "expired", "revoked")] == [2, 1, 3]
    assert all(row.state == state for state, rows in found.items() for row in rows)


# --- sending ---------------------------------------------------------------------------------------------------------


def test_a_key_raises_the_limit_and_changes_nothing_else(client):
    row, key = made(rate=77)
    anonymous = client.get(ROOT)
    for headers in (
        bearer(key),
        {"authorization": f"bearer  {key}"},
        {"x-api-key": key},
        bearer(key) | {"x-api-key": key},
    ):
        response = client.get(ROOT, headers=headers)
        assert response.status_code == 200 and response.content == anonymous.content
        assert response["X-RateLimit-Limit"] == "77" and response["ETag"] == anonymous["ETag"]
    assert anonymous["X-RateLimit-Limit"] == "6000"
    unchanged = client.get(ROOT, headers=bearer(key) | {"if-none-match": anonymous["ETag"]})
    assert unchanged.status_code == 304


def refusals():
    """Return {what is wrong: headers} of requests whose key is no good."""
    row, key = made()
    hour = timedelta(hours=1)
    now = timezone.now()
    expired = made(created_at=now - 2 * hour, expires_at=now - hour)[1]
    revoked = made(revoked_at=now)[1]
    return {
        "not a key": [
            bearer(""), bearer("x"), bearer(key[:-1]), bearer(f"{key}0"), bearer(key.upper()), bearer(f"{key} {key}"),
            {"authorization": key}, {"authorization": f"Token {key}"}, {"x-api-key": ""}, {"x-api-key": "dz_é"},
            {"x-api-key": f"Bearer {key}"},
        ],
        "no such key": [bearer(f"dz_{row.prefix}_{'0' * 64}"), {"x-api-key": f"dz_{'0' * 8}_{'0' * 64}"}],
        "has expired": [bearer(expired)],
        "has been revoked": [bearer(revoked)],
        "Two different keys": [bearer(key) | {"x-api-key": expired}],
    }  # fmt: skip


@pytest.mark.parametrize("path", [ROOT, f"{ROOT}reports/", f"{ROOT}nothing/", f"{ROOT}schema/"])
def test_a_key_that_is_no_good_is_refused(client, path):
    for said, cases in refusals().items():
        for headers in cases:
            response = client.get(path, headers=headers)
            assert response.status_code == 401, headers
            assert said in response.json()["detail"] and list(response.json()) == ["detail"]
            assert response["WWW-Authenticate"] == "Bearer" and response["Access-Control-Allow-Origin"] == "*"
            assert "dz_0" not in response.content.decode() and not WHOLE.search(response.content.decode())
    assert not ApiUse.objects.exists()


def test_what_ended_is_told_only_to_whoever_has_the_whole_key(client):
    row, key = made(revoked_at=timezone.now())
    assert "revoked" not in ask(client, f"dz_{row.prefix}_{'0' * 64}").json()["detail"]


def test_an_expired_key_was_good_until_then(client):
    row, key = made(expires_at=timezone.now() + timedelta(hours=1))
    assert ask(client, key).status_code == 200
    ApiKey.objects.update(created_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now())
    assert ask(client, key).status_code == 401


def test_a_password_for_a_proxy_in_front_is_not_ours(client):
    assert client.get(ROOT, headers={"authorization": "Basic ZWRpdG9yOmVkaXRvcg=="}).status_code == 200


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=90))
def test_whatever_else_is_sent_is_no_key(text):
    with pytest.raises(keys.KeyRefused) as told:
        keys.find(text)
    assert str(told.value) == keys.MALFORMED


@pytest.mark.parametrize("name", ["api_key", "key", "access_token", "X-API-Key"])
@pytest.mark.parametrize("path", ["", "reports/", "recommendations/", "schema/", "matrix/", "compare/"])
def test_a_key_in_the_address_is_refused_like_any_parameter(client, name, path):
    row, key = made()
    response = client.get(f"{ROOT}{path}", {name: key})
    assert response.status_code == 400 and name in response.json()["errors"]
    assert key not in response.content.decode()


def test_a_browser_elsewhere_may_send_a_key(client):
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    response = client.options(f"{ROOT}reports/", headers=asked)
    allowed = {name.strip().lower() for name in response["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "x-api-key"} <= allowed and response["Access-Control-Allow-Origin"] == "*"


def test_a_key_costs_one_query(client):
    row, key = made()
    ask(client, key)
    path = f"{ROOT}reports/"
    with CaptureQueriesContext(connection) as anonymous:
        ask(client, path=path)
    with CaptureQueriesContext(connection) as keyed:
        ask(client, key, path)
    assert len(keyed) == len(anonymous) + 1
    (lookup,) = [query["sql"] for query in keyed if "portal_apikey" in query["sql"]]
    assert "digest" not in lookup.partition("WHERE")[2]


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_a_minute(settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": "2/min"}}


def test_each_key_and_each_address_is_counted_by_itself(client, two_a_minute):
    (_, one), (_, two) = made(rate=3), made(rate=1)
    told = [ask(client, one, REMOTE_ADDR=f"192.0.2.{n}") for n in range(3)]
    assert [response["X-RateLimit-Remaining"] for response in told] == ["2", "1", "0"]
    response = ask(client, one, REMOTE_ADDR="192.0.2.9")
    assert response.status_code == 429 and 0 < int(response["Retry-After"]) <= 3600
    assert response["X-RateLimit-Limit"] == "3" and response["X-RateLimit-Remaining"] == "0"
    assert 0 < int(response["X-RateLimit-Reset"]) <= 3600
    assert [ask(client, two).status_code for _ in range(2)] == [200, 429]
    assert [ask(client).status_code for _ in range(3)] == [200, 200, 429]
    assert 0 < int(ask(client)["Retry-After"]) <= 60


def test_guessing_is_counted_by_address(client, two_a_minute):
    row, key = made()
    told = [ask(client, f"dz_{row.prefix}_{n:064x}") for n in range(3)]
    assert [response.status_code for response in told] == [401, 401, 429]
    assert [response["X-RateLimit-Remaining"] for response in told] == ["1", "0", "0"]
    assert client.get(f"{ROOT}nothing/", headers=bearer("x")).status_code == 429
    assert ask(client).status_code == 429 and ask(client, key).status_code == 200
    assert ask(client, "x", REMOTE_ADDR="192.0.2.7").status_code == 401


def test_without_a_rate_for_the_anonymous_nobody_is_limited(client, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": None}}
    row, key = made(rate=1)
    told = [ask(client, key) for _ in range(3)]
    assert {response.status_code for response in told} == {200} and "X-RateLimit-Limit" not in told[0]
    keys.flush(row.pk)
    assert list(used(row).values()) == [(3, 0)]


def test_a_preflight_has_no_limit_since_it_cannot_carry_the_key(client, two_a_minute):
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    assert {client.options(ROOT, headers=asked).status_code for _ in range(4)} == {200}
    assert [client.options(ROOT).status_code for _ in range(3)] == [200, 200, 429]


def test_a_revoked_key_stops_at_once(client):
    row, key = made()
    assert ask(client, key).status_code == 200
    assert row.revoke() and not row.revoke()
    assert ask(client, key).status_code == 401


# --- use -------------------------------------------------------------------------------------------------------------


def test_use_is_counted_in_the_cache_and_written_now_and_then(client, monkeypatch):
    monkeypatch.setattr(keys, "FLUSH_REQUESTS", 10)
    row, key = made(rate=15)
    today = timezone.localdate()
    ask(client, key)
    assert used(row) == {today: (1, 0)}
    with CaptureQueriesContext(connection) as seen:
        for _ in range(9):
            ask(client, key)
    assert used(row) == {today: (1, 0)} and not [q for q in seen if "portal_apiuse" in q["sql"]]
    ask(client, key)
    assert used(row) == {today: (11, 0)}
    assert [ask(client, key).status_code for _ in range(6)] == [200] * 4 + [429] * 2
    keys.flush(row.pk)
    assert used(row) == {today: (17, 2)}
    keys.flush(row.pk)
    assert used(row) == {today: (17, 2)}


def test_after_a_minute_the_next_request_writes(client):
    row, key = made()
    for _ in range(5):
        ask(client, key)
    cache.delete(f"api-use-{row.pk}-written")  # as the cache does after FLUSH_SECONDS
    ask(client, key)
    assert list(used(row).values()) == [(6, 0)]


def test_the_count_of_a_day_is_written_to_that_day(monkeypatch):
    row, key = made()
    first = timezone.localdate()
    for _ in range(3):
        keys.count_use(row.pk, refused=False)
    monkeypatch.setattr(keys.timezone, "localdate", lambda: first + timedelta(2))
    keys.count_use(row.pk, refused=True)
    keys.flush(row.pk)
    assert used(row) == {first: (3, 0), first + timedelta(2): (1, 1)}


def test_the_uses_of_two_keys_are_two():
    one, two = made()[0], made()[0]
    for row in (one, two, two):
        keys.count_use(row.pk, refused=False)
    for row in (one, two):
        keys.flush(row.pk)
    assert [list(used(row).values()) for row in (one, two)] == [[(1, 0)], [(2, 0)]]


def test_who_finds_it_locked_leaves_it_to_the_next():
    row, key = made()
    keys.count_use(row.pk, refused=False)
    keys.count_use(row.pk, refused=False)
    lock = f"api-use-{row.pk}-lock"
    cache.set(lock, 1)
    keys.flush(row.pk)
    assert list(used(row).values()) == [(1, 0)]
    cache.delete(lock)
    keys.flush(row.pk)
    assert list(used(row).values()) == [(2, 0)] and cache.get(lock) is None


def test_what_cannot_be_written_stays_counted_and_the_request_is_answered(client, monkeypatch, caplog):
    row, key = made()

    def locked(*args):
        raise OperationalError("database is locked")

    with monkeypatch.context() as broken:
        broken.setattr(keys, "add_use", locked)
        assert ask(client, key).status_code == 200
    assert "could not be written" in caplog.text and not row.uses.exists()
    keys.flush(row.pk)
    assert list(used(row).values()) == [(1, 0)]


# --- the admin -------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once(client, caplog):
    caplog.set_level(logging.DEBUG)
    person = steward(client, superuser=True)
    response = make_in_admin(client, note="For a thesis.", rate="500")
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    shown = set(WHOLE.findall(response.content.decode()))
    assert len(shown) == 1
    (key,) = shown
    row = ApiKey.objects.get()
    assert (row.prefix, row.rate, row.note, row.created_by) == (key[3:11], 500, "For a thesis.", person)
    assert ask(client, key)["X-RateLimit-Limit"] == "500"
    row.revoke()
    assert ask(client, key).status_code == 401
    secret = key.rpartition("_")[2]
    for address in (LIST, page(row), reverse("admin:portal_apikey_history", args=[row.pk]), reverse("admin:index")):
        text = client.get(address).content.decode()
        assert row.prefix in text or address == reverse("admin:index")
        assert secret not in text and row.digest not in text
    assert not [e for e in LogEntry.objects.all() if secret in f"{e.object_repr} {e.change_message}"]
    assert LogEntry.objects.get().object_repr == f"{row.prefix} · {row.owner}"
    assert all(secret not in str(session.get_decoded()) for session in Session.objects.all())
    assert secret not in caplog.text and not [c for c in client.cookies.values() if secret in c.value]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("owner", {"owner": " "}),
        ("rate", {"rate": "0"}),
        ("rate", {"rate": "60000/hour"}),
        ("expires_at", {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}),
    ],
)
def test_a_faulty_form_makes_no_key(client, name, values):
    steward(client, superuser=True)
    response = make_in_admin(client, **values)
    assert response.status_code == 200 and name in response.context["adminform"].form.errors
    assert not ApiKey.objects.exists() and not WHOLE.search(response.content.decode())


def test_revoking_is_asked_once_and_cannot_be_undone(client):
    steward(client, superuser=True)
    (one, key), (two, _) = made(), made(revoked_at=timezone.now())
    ended = two.revoked_at
    button = client.get(page(one)).content.decode()
    assert f'formaction="{LIST}"' in button and 'value="revoke"' in button
    assert 'value="revoke"' not in client.get(page(two)).content.decode()
    asked = act(client, one, two)
    assert {row.pk: possible for row, possible in asked.context["rows"]} == {one.pk: True, two.pk: False}
    assert ask(client, key).status_code == 200
    act(client, one, two, confirmed="yes")
    assert ask(client, key).status_code == 401
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.state == "revoked" and two.revoked_at == ended
    assert LogEntry.objects.get().object_id == str(one.pk)
    client.post(page(one), {"owner": "Another", "rate": "1", "revoked_at": ""})
    one.refresh_from_db()
    assert one.state == "revoked" and one.rate == ApiKey.RATE


def test_nothing_of_a_key_is_changed_or_deleted(client):
    steward(client, superuser=True)
    row, key = made()
    assert client.post(page(row), {"owner": "Another", "rate": "1"}).status_code == 403
    assert client.post(reverse("admin:portal_apikey_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    row.refresh_from_db()
    assert (row.owner, row.rate) == ("A lab, lab@example.org", ApiKey.RATE)


# Who may see the list, make a key, revoke one.
MAY = {
    "coder": (False, False, False),
    "editor": (True, False, False),
    "view_apikey": (True, False, False),
    "add_apikey": (False, True, False),
    "change_apikey": (True, False, True),
    "superuser": (True, True, True),
}


@pytest.mark.parametrize("who", MAY)
def test_who_may_do_what(client, who):
    person = steward(client, who, superuser=who == "superuser")
    person.groups.set(Group.objects.filter(name=who))
    row, key = made()
    see, make, revoke = MAY[who]
    assert (client.get(LIST).status_code == 200) == see
    assert (client.get(page(row)).status_code == 200) == see
    assert ("formaction" in client.get(page(row)).content.decode()) == revoke
    assert (client.get(ADD).status_code == 200) == make
    assert bool(WHOLE.search(make_in_admin(client).content.decode())) == make == (ApiKey.objects.count() == 2)
    act(client, row, confirmed="yes")
    row.refresh_from_db()
    assert (row.state == "revoked") == revoke


def test_the_list_and_the_page_show_the_use_so_far(client):
    steward(client, superuser=True)
    row, key = made()
    today = timezone.localdate()
    for ago, requests in ((3, 40), (29, 2), (30, 1000)):
        ApiUse.objects.create(key=row, day=today - timedelta(ago), requests=requests)
    for _ in range(5):
        ask(client, key)
    listed = client.get(LIST).context["cl"].queryset.get()
    assert (listed.last_used, listed.recent) == (today, 47)
    for _ in range(2):
        ask(client, key)
    uses = client.get(page(row)).context["uses"]
    assert [(use.day, use.requests) for use in uses][:2] == [(today, 7), (today - timedelta(3), 40)]
    unused, _ = made()
    listed = client.get(LIST).context["cl"].queryset.get(pk=unused.pk)
    assert (listed.last_used, listed.recent) == (None, 0)


def test_the_list_is_found_narrowed_and_costs_the_same_for_ten(client):
    steward(client, superuser=True)
    made(owner="Fudan")
    made(owner="SIIS", revoked_at=timezone.now())
    for query, owner in (({"state": "active"}, "Fudan"), ({"state": "revoked"}, "SIIS"), ({"q": "siis"}, "SIIS")):
        rows = client.get(LIST, query).context["cl"].queryset
        assert [row.owner for row in rows] == [owner], query

    def cost():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(LIST).status_code == 200
        return len(seen)

    once = cost()
    for _ in range(9):
        made()
    assert cost() == once


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("superuser", [True, False])
def test_every_page_renders_with_nothing_inline(client, language, superuser):
    steward(client, "view_apikey", superuser=superuser)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    row, key = made()
    ask(client, key)
    answers = [client.get(LIST), client.get(page(row))]
    if superuser:
        answers += [client.get(ADD), make_in_admin(client), act(client, row)]
    for response in answers:
        assert response.status_code == 200
        text = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)[^>]*>", text)
        assert text.count("<h1") == 1


# --- never told ------------------------------------------------------------------------------------------------------


def test_a_key_is_never_logged(client, caplog):
    caplog.set_level(logging.DEBUG)
    (_, good), (_, revoked) = made(rate=1), made(revoked_at=timezone.now())
    told = [ask(client, key, path) for key in (good, revoked) for path in (ROOT, f"{ROOT}nothing/", f"{ROOT}reports/")]
    assert {response.status_code for response in told} == {200, 401, 429}
    assert caplog.records
    for key in (good, revoked):
        assert key.rpartition("_")[2] not in caplog.text
        assert not [r for r in told if key in str(r.headers) or key in r.content.decode()]
