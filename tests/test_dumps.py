"""Dumps: what the lists of the API give, at one moment, whole or not at all; and their files, fetched in pieces."""

import csv
import gzip
import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from portal import api, dictionary, dumping, dumps, dumps_api
from portal.urls import api_rows
from reports.models import Report
from tests import factories as make
from tests.indexing import current
from tests.test_api import TEXT, world

pytestmark = pytest.mark.django_db

ENDPOINTS = [rows.endpoint for rows in api_rows]
EXPLAINING = {"codebook.en.html", "codebook.zh.html", "dictionary.csv", "dictionary.json"}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DUMP_DIR = tmp_path / "dumps"
    return settings.DUMP_DIR


@pytest.fixture
def moments(monkeypatch):
    """Let each dump be a second older than the next."""
    real = dumping.timezone.now()
    ticks = (real + dumping.timezone.timedelta(seconds=n) for n in range(100))
    monkeypatch.setattr(dumping.timezone, "now", lambda: next(ticks))


def write(folder, *arguments):
    """Write a dump with the command and return its folder."""
    current()
    call_command("dump", *arguments, dir=folder, verbosity=0, stdout=open("/dev/null", "w"))
    return max(path for path in folder.iterdir() if dumps.NAME.fullmatch(path.name))


def objects(written, endpoint):
    with gzip.open(written / f"{endpoint}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def database(written):
    return closing(sqlite3.connect(f"file:{written / dumping.DATABASE}?mode=ro", uri=True))


def files(written, *but):
    return {path.name: path.read_bytes() for path in written.iterdir() if path.name not in but}


def listed(client, endpoint):
    """Return every object that a list of the API gives, told plainly."""
    found, path = [], f"/api/v1/{endpoint}/?page_size=100"
    while path:
        page = client.get(path).json()
        found += page["results"]
        path = page["next"]
    return [told_plainly(each) for each in found]


def told_plainly(each):
    """Return an object of the API with the paths of its addresses and without quotations."""
    return dumping.unquoted(json.loads(json.dumps(each).replace("http://testserver", "")))


# --- what is in one ---------------------------------------------------------------------------------------------------


def test_a_dump_holds_what_the_lists_of_the_api_give(client, folder):
    world()
    whole = world()["reports"]
    make.report(part_of=whole, place=1)
    written = write(folder)
    counts = json.loads((written / dumps.MANIFEST).read_text())["counts"]
    for endpoint in ENDPOINTS:
        found = {each["api_url"]: each for each in objects(written, endpoint)}
        wanted = {each["api_url"]: each for each in listed(client, endpoint)}
        assert len(found) == counts[endpoint] and len(wanted) > 1
        assert {address: found[address] for address in wanted} == wanted
        shape = list(next(iter(wanted.values())))
        assert [list(each) for each in found.values()] == [shape] * len(found)
        # Of subjects the list has those that are rated; a dump has those above them too, which they name as parents.
        more = found.keys() - wanted.keys()
        assert not more or endpoint == "subjects"
        assert {found[address]["slug"] for address in more} <= {each.get("parent") for each in found.values()}
        for address in [*more, *wanted][:3]:
            detail = told_plainly(client.get(address).json())
            assert {name: detail[name] for name in shape} == found[address]


def test_no_word_of_a_source_is_in_it(client, folder):
    row = world()["positions"]
    shown = client.get(f"/api/v1/positions/{row.report.slug}/{row.key}/").json()["evidence"][-1]["quote"]
    assert len(shown) > 20 and shown in TEXT
    written = write(folder)
    assert {span["quote"] for each in objects(written, "positions") for span in each["evidence"]} == {None}
    for name, content in files(written).items():
        content = gzip.decompress(content) if name.endswith(".gz") else content
        assert shown.encode() not in content, name


def test_batches_change_nothing(folder, monkeypatch, tmp_path):
    for _ in range(3):
        world()
    whole = write(folder)
    monkeypatch.setattr(dumping, "BATCH", 2)
    sizes, real = [], dumping.objects
    monkeypatch.setattr(dumping, "objects", lambda rows: (sizes.append(len(some)) or some for some in real(rows)))
    pieces = write(tmp_path / "pieces")
    assert files(pieces, dumps.MANIFEST, dumps.SUMS) == files(whole, dumps.MANIFEST, dumps.SUMS)
    assert max(sizes) == 2


def test_the_same_data_give_the_same_bytes(folder, tmp_path, moments):
    world()
    one = write(folder)
    with translation.override("en"):
        two = write(tmp_path / "two")
    assert one.name != two.name
    assert files(one, dumps.MANIFEST, dumps.SUMS) == files(two, dumps.MANIFEST, dumps.SUMS)


def test_the_sums_and_the_manifest_fit_the_files(folder):
    world()
    written = write(folder)
    manifest = json.loads((written / dumps.MANIFEST).read_text())
    assert manifest["as_of"] == written.name and re.fullmatch(r"duizhao \d+\.\d+\.\d+", manifest["software"])
    assert manifest["licence"] == ""
    sums = dict(reversed(line.split("  ")) for line in (written / dumps.SUMS).read_text().splitlines())
    held = files(written)
    assert set(held) == {f"{name}.jsonl.gz" for name in ENDPOINTS} | EXPLAINING | {
        dumping.DATABASE, dumps.MANIFEST, dumps.SUMS,
    }  # fmt: skip
    assert sums == {name: hashlib.sha256(text).hexdigest() for name, text in held.items() if name != dumps.SUMS}
    assert {file["name"] for file in manifest["files"]} == set(held) - {dumps.MANIFEST, dumps.SUMS}
    for file in manifest["files"]:
        assert file["bytes"] == len(held[file["name"]]) and file["sha256"] == sums[file["name"]]
        rows = len(gzip.decompress(held[file["name"]]).splitlines()) if file["name"].endswith(".gz") else None
        assert file["rows"] == rows and file["media_type"]


def test_the_codebook_comes_in_both_languages(folder):
    written = write(folder)
    for prefix, tag, words in (
        ("zh", "zh-Hans", "一句话怎样成为一个条目"),
        ("en", "en", "How a sentence becomes an entry"),
    ):
        text = (written / f"codebook.{prefix}.html").read_text()
        assert f'<html lang="{tag}">' in text and f"<h1>{words}</h1>" in text and 'id="units"' in text
        assert "<script" not in text and "<link" not in text


# --- the tables -------------------------------------------------------------------------------------------------------


def test_the_tables_fit_together_and_hold_every_row(folder):
    made = world()
    make.recommendation(make.report()).restates.add(made["recommendations"])
    written = write(folder)
    with database(written) as found:
        assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert found.execute("PRAGMA foreign_key_check").fetchall() == []
        found.row_factory = sqlite3.Row
        for rows in api_rows:
            told = objects(written, rows.endpoint)
            held = found.execute(f'SELECT * FROM "{rows.endpoint}" ORDER BY rowid').fetchall()
            assert len(held) == len(told)
            for row, each in zip(held, told, strict=True):
                for name in set(row.keys()) & set(each):
                    assert row[name] == each[name], (rows.endpoint, name)

        def pairs(table, *columns):
            return [tuple(row) for row in found.execute(f'SELECT {", ".join(columns)} FROM "{table}" ORDER BY rowid')]

        advice = objects(written, "recommendations")
        assert pairs("recommendation_areas", "report", "recommendation", "number", "area") == [
            (each["report"], each["key"], n, area) for each in advice for n, area in enumerate(each["areas"], 1)
        ]
        slug, key = made["recommendations"].natural_key()
        assert {row[1:] for row in pairs("recommendation_restates", "report", "restated_report", "restated_key")} == {
            (slug, key)
        }
        assert pairs("report_contribution_affiliations", "report", "contribution", "affiliation") == [
            (each["slug"], n, one)
            for each in objects(written, "reports")
            for n, contribution in enumerate(each["contributions"], 1)
            for one in contribution["affiliations"]
        ]
        assert pairs("event_mention_evidence", "event", "start", "digest") == [
            (each["slug"], span["start"], span["digest"])
            for each in objects(written, "events")
            for mention in each["mentions"]
            for span in mention["evidence"]
        ]
        (reference,) = objects(written, "crossreferences")
        assert pairs("crossreferences", "source_report", "source_key", "target_key") == [
            (reference["source"]["report"], reference["source"]["key"], reference["target"]["key"])
        ]


def test_what_the_tables_leave_out_they_tell_from_the_other_end(folder):
    world()
    written = write(folder)
    with database(written) as found:
        for each in objects(written, "authors"):
            rows = found.execute("SELECT work FROM work_people WHERE person = ?", [each["slug"]])
            assert sorted(slug for (slug,) in rows) == sorted(each["cited_works"])
        for each in objects(written, "recommendations"):
            rows = found.execute(
                "SELECT key FROM recommendations WHERE report = ? AND parent = ?", [each["report"], each["key"]]
            )
            assert sorted(key for (key,) in rows) == sorted(each["parts"])


def test_a_row_that_names_what_is_not_there_stops_the_dump(folder, monkeypatch):
    world()
    monkeypatch.setitem(dumping.LINKS, ("area",), "actors")
    with pytest.raises(CommandError, match="do not fit together"):
        write(folder)
    assert not list(dumps.newest_first())


# --- the dictionary ---------------------------------------------------------------------------------------------------


def members(value, path=""):
    """Yield every member of an object, as the dictionary names it."""
    for name, part in value.items():
        here = f"{path}{name}{'[]' if isinstance(part, list) else ''}"
        yield here
        for inner in part if isinstance(part, list) else [part]:
            if isinstance(inner, dict):
                yield from members(inner, f"{here}.")


def test_the_dictionary_tells_of_every_member_and_every_column(folder):
    world()
    written = write(folder)
    entries = json.loads((written / "dictionary.json").read_text())
    told = {}
    for entry in entries:
        assert entry["meaning_en"] and entry["meaning_zh"], entry
        assert list(entry["words_en"]) == list(entry["words_zh"])
        told.setdefault((entry["file"], entry["table"]), []).append(entry["field"])
    assert all(len(fields) == len(set(fields)) for fields in told.values())
    for endpoint in ENDPOINTS:
        held = {name for each in objects(written, endpoint) for name in members(each)}
        assert held == set(told.pop((f"{endpoint}.jsonl.gz", "")))
    with database(written) as found:
        for (table,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [(row[1], row[2], not row[3]) for row in found.execute(f'PRAGMA table_info("{table}")')]
            assert told.pop((dumping.DATABASE, table)) == [name for name, _type, _null in columns]
            mine = [entry for entry in entries if entry["table"] == table]
            assert [(entry["field"], entry["type"], entry["null"]) for entry in mine] == columns
    assert not told


def test_the_types_of_the_dictionary_are_those_of_the_objects(folder):
    world()
    written = write(folder)
    kinds = {"text": str, "integer": int, "number": float | int, "boolean": bool, "object": dict}

    def check(value, found):
        assert set(value) == {one.name for one in found}
        for one in found:
            parts = value[one.name] if one.many else [value[one.name]]
            for part in parts:
                assert part is None and one.null or isinstance(part, kinds[one.type]), one
                assert not one.words or part in one.words or part == "", one
                if one.members:
                    check(part, one.members)

    for rows in api_rows:
        for each in objects(written, rows.endpoint):
            check(each, dictionary.members(rows.serializer_class()))


def test_the_dictionary_is_a_table_too(folder):
    written = write(folder)
    entries = json.loads((written / "dictionary.json").read_text())
    with open(written / "dictionary.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [list(entry) for entry in entries]
    assert [(row["file"], row["table"], row["field"]) for row in rows] == [
        (entry["file"], entry["table"], entry["field"]) for entry in entries
    ]
    (voice,) = [row for row in rows if (row["table"], row["field"]) == ("positions", "voice")]
    assert voice["words_en"] == "own = own | joint = joint | attributed = attributed"


# --- one moment, whole or not at all ----------------------------------------------------------------------------------


def two_connections(tmp_path):
    """Return two connections to one database of the kind that is tested, outside the transaction of the test."""
    found = [connection.copy(), connection.copy()]
    if connection.vendor == "sqlite":
        for one in found:
            one.settings_dict["NAME"] = str(tmp_path / "two.sqlite3")
    return found


def test_a_dump_sees_one_moment_and_keeps_nobody_from_writing(tmp_path, monkeypatch):
    reader, writer = two_connections(tmp_path)
    monkeypatch.setattr(dumping, "connection", reader)

    def count():
        with reader.cursor() as cursor:
            return cursor.execute("SELECT n FROM dumped_moment").fetchall()

    with writer.cursor() as cursor:
        cursor.execute("CREATE TABLE dumped_moment (n integer)")
    try:
        with dumping.snapshot():
            assert count() == []
            with writer.cursor() as cursor:
                cursor.execute("INSERT INTO dumped_moment VALUES (1)")
            assert count() == []
        assert count() == [(1,)]
    finally:
        with writer.cursor() as cursor:
            cursor.execute("DROP TABLE dumped_moment")
        reader.close()
        writer.close()


def test_an_interrupted_dump_leaves_the_one_before(client, folder, monkeypatch, moments):
    world()
    before = files(write(folder))
    real = dumping.write

    def stop(rows, *arguments):
        if rows.endpoint == "positions":
            raise KeyboardInterrupt
        return real(rows, *arguments)

    monkeypatch.setattr(dumping, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        write(folder)
    (left,) = [path for path in folder.iterdir() if path.name != ".lock"]
    assert files(left) == before
    assert [each["as_of"] for each in client.get("/api/v1/dumps/").json()["results"]] == [left.name]


def test_what_a_killed_dump_has_left_is_not_shown_and_goes(client, folder):
    (folder / ".partial").mkdir(parents=True)
    (folder / ".partial" / "half.jsonl.gz").write_bytes(b"half")
    (folder / "2026-07-01T031500Z").mkdir()  # no manifest
    assert client.get("/api/v1/dumps/").json() == {"results": []}
    written = write(folder)
    assert not (folder / ".partial").exists() and "half.jsonl.gz" not in files(written)


def test_two_dumps_are_not_written_at_once(folder):
    with dumps.partial(folder), pytest.raises(CommandError, match="Another dump"):
        write(folder)


def test_two_dumps_do_not_have_one_name(folder, monkeypatch):
    moment = dumping.timezone.now()
    monkeypatch.setattr(dumping.timezone, "now", lambda: moment)
    before = files(write(folder))
    with pytest.raises(CommandError, match="this second"):
        write(folder)
    assert files(next(dumps.newest_first()).folder) == before


def test_what_comes_out_meanwhile_is_not_half_in_it(folder, monkeypatch):
    world()
    later, real = make.report(state="draft"), dumping.write

    def publish(rows, *arguments):
        Report.objects.filter(pk=later.pk).update(state="published")
        return real(rows, *arguments)

    monkeypatch.setattr(dumping, "write", publish)
    with pytest.raises(CommandError, match="came out"):
        write(folder)
    assert not list(dumps.newest_first())


def test_only_the_newest_are_kept(folder, moments):
    names = [write(folder).name for _ in range(3)]
    assert [dump.as_of for dump in dumps.newest_first()] == names[::-1]
    (folder / "elsewhere").mkdir()
    names.append(write(folder, "--keep", "2").name)
    assert [dump.as_of for dump in dumps.newest_first()] == names[:1:-1]
    assert sorted(path.name for path in folder.iterdir()) == [".lock", *names[2:], "elsewhere"]
    with pytest.raises(CommandError, match="at least 1"):
        write(folder, "--keep", "0")


def test_the_setting_says_where(folder, capsys):
    call_command("dump")
    (dump,) = dumps.newest_first()
    assert dump.folder.parent == folder and str(dump.folder) in capsys.readouterr().out


# --- the addresses ----------------------------------------------------------------------------------------------------


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_the_list_names_every_file(client, folder, moments):
    world()
    old, new = write(folder), write(folder)
    found = client.get("/api/v1/dumps/").json()["results"]
    assert [each["as_of"] for each in found] == [new.name, old.name]
    for each, written in zip(found, (new, old), strict=True):
        assert client.get(urlsplit(each["api_url"]).path).json() == each
        for file in each["files"]:
            response = client.get(urlsplit(file["url"]).path)
            content = body(response)
            assert content == (written / file["name"]).read_bytes()
            assert response["Content-Type"] == file["media_type"]
            assert int(response["Content-Length"]) == file["bytes"] == len(content)
            assert response["ETag"] == f'"{file["sha256"]}"' == f'"{hashlib.sha256(content).hexdigest()}"'
            assert response["Accept-Ranges"] == "bytes" and response["Last-Modified"].endswith("GMT")
            assert response["Content-Disposition"] == f'attachment; filename="{file["name"]}"'
        assert body(client.get(urlsplit(each["manifest"]).path)) == (written / dumps.MANIFEST).read_bytes()
        assert body(client.get(urlsplit(each["sums"]).path)) == (written / dumps.SUMS).read_bytes()


def test_answers_and_examples_are_as_described(client, folder):
    world()
    written = write(folder)
    described = json.loads(json.dumps(api.description()))
    for path, address in (("/api/v1/dumps/", ""), ("/api/v1/dumps/{as_of}/", f"{written.name}/")):
        told = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        check = OAS31Validator({**told["schema"], "components": described["components"]})
        found, example = client.get(f"/api/v1/dumps/{address}").json(), told["examples"]["Example"]["value"]
        check.validate(found)
        check.validate(example)
        first, shown = (each["results"][0] if "results" in each else each for each in (found, example))
        assert list(first) == list(shown) and list(first["files"][0]) == list(shown["files"][0])
    told = described["paths"]["/api/v1/dumps/{as_of}/{file}"]["get"]
    assert set(told["responses"]) >= {"200", "206", "304", "307", "400", "404", "416", "429"}
    assert {kind.partition(";")[0] for kind in dumps.MEDIA_TYPES.values()} == set(told["responses"]["200"]["content"])


def test_where_there_is_none(client):
    assert client.get("/api/v1/dumps/").json() == {"results": []}
    for path in ("latest/", "latest/reports.jsonl.gz", "2026-07-01T031500Z/", "2026-07-01T031500Z/manifest.json"):
        response = client.get(f"/api/v1/dumps/{path}")
        assert response.status_code == 404 and response.json() == {"detail": "There is nothing at this address."}


def test_latest_leads_to_the_newest(client, folder, moments):
    write(folder)
    new = write(folder).name
    for path in ("", "reports.jsonl.gz", "manifest.json"):
        response = client.get(f"/api/v1/dumps/latest/{path}")
        assert response.status_code == 307 and response["Location"] == f"/api/v1/dumps/{new}/{path}"


def test_nothing_but_the_files_of_the_manifest_is_given_out(client, folder, tmp_path):
    written = write(folder)
    (written / "secret").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    shutil.copytree(written, folder / "elsewhere")
    for path in (
        f"{written.name}/secret", f"{written.name}/..%2f..%2fsecret", f"{written.name}/%2e%2e%2fsecret",
        f"{written.name}/..", "elsewhere/manifest.json", "..%2fsecret/manifest.json", f"{written.name}/%00",
        "../secret", f"{written.name}/reports.jsonl.gz/",
    ):  # fmt: skip
        response = client.get(f"/api/v1/dumps/{path}")
        assert response.status_code == 404 and b"secret" not in body(response), path


@pytest.fixture
def file(client, folder):
    """The address of a file, and its bytes."""
    world()
    written = write(folder)
    return f"/api/v1/dumps/{written.name}/{dumping.DATABASE}", (written / dumping.DATABASE).read_bytes()


def test_a_broken_download_goes_on(client, file):
    path, whole = file
    cuts, found = [0, 70_001, 70_002, len(whole)], b""
    etag = client.head(path)["ETag"]
    for start, end in zip(cuts, cuts[1:], strict=False):
        wanted = f"bytes={start}-{'' if end == len(whole) else end - 1}"
        response = client.get(path, headers={"range": wanted, "if-range": etag})
        assert response.status_code == 206
        assert response["Content-Range"] == f"bytes {start}-{end - 1}/{len(whole)}"
        piece = body(response)
        assert int(response["Content-Length"]) == len(piece) == end - start
        assert response["Content-Type"] == "application/vnd.sqlite3" and response["ETag"] == etag
        found += piece
    assert found == whole


@pytest.mark.parametrize(
    ("wanted", "span"),
    [
        ("bytes=0-0", (0, 1)), ("bytes=5-9", (5, 10)), ("bytes=-7", (-7, None)), ("bytes=100-", (100, None)),
        ("bytes=0-999999999999", (0, None)), ("bytes=-999999999999", (0, None)), ("BYTES=1-2", (1, 3)),
    ],
)  # fmt: skip
def test_one_range_is_given(client, file, wanted, span):
    path, whole = file
    response = client.get(path, headers={"range": wanted})
    assert response.status_code == 206 and body(response) == whole[slice(*span)]


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(client, file, wanted):
    path, whole = file
    response = client.get(path, headers={"range": wanted})
    assert response.status_code == 416 and response.json()["detail"]
    assert response["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,4-5",
        "bytes=9-5",
        "bytes=-",
        "bytes=a-b",
        "lines=0-1",
        "bytes",
        "",
        f"bytes={'9' * 5000}-",
        "bytes=٣-",
    ],
)
def test_what_is_no_one_range_gets_the_whole(client, file, wanted):
    path, whole = file
    response = client.get(path, headers={"range": wanted})
    assert response.status_code == 200 and body(response) == whole and "Content-Range" not in response


def test_a_piece_of_another_file_is_not_gone_on_with(client, file):
    path, whole = file
    head = client.head(path)
    for held in ('"another"', f"W/{head['ETag']}", "Wed, 01 Jan 2020 00:00:00 GMT"):
        response = client.get(path, headers={"range": "bytes=0-1", "if-range": held})
        assert response.status_code == 200 and body(response) == whole
    response = client.get(path, headers={"range": "bytes=0-1", "if-range": head["Last-Modified"]})
    assert response.status_code == 206 and body(response) == whole[:2]


@pytest.mark.parametrize("method", ["get", "head"])
def test_what_is_held_already_is_not_sent_again(client, file, method):
    path, _whole = file
    ask = getattr(client, method)
    head = client.head(path)
    for name, value in (("if-none-match", head["ETag"]), ("if-modified-since", head["Last-Modified"])):
        response = ask(path, headers={name: value})
        assert response.status_code == 304 and not body(response) and response["ETag"] == head["ETag"]
    assert ask(path, headers={"if-none-match": '"another"'}).status_code == 200
    assert ask(path, headers={"if-match": '"another"'}).status_code == 412


def test_head_tells_the_size_and_sends_nothing(client, file):
    path, whole = file
    response = client.head(path, headers={"range": "bytes=0-1"})
    assert response.status_code == 200 and int(response["Content-Length"]) == len(whole) and not body(response)
    assert response["Content-Type"] == "application/vnd.sqlite3"


def test_any_program_from_anywhere_can_fetch(client, file):
    path, _whole = file
    response = client.get(path, headers={"accept": "application/vnd.sqlite3", "origin": "https://elsewhere.example"})
    assert response.status_code == 200 and response["Access-Control-Allow-Origin"] == "*"
    assert {"ETag", "Content-Range", "Retry-After"} <= set(response["Access-Control-Expose-Headers"].split(", "))
    assert "Range" in client.options(path)["Access-Control-Allow-Headers"].split(", ")
    assert client.get(f"{path}?x=1").json()["errors"]["x"]
    assert client.post(path).status_code == 405


def test_a_download_is_one_request(client, file, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": "2/min"}}
    path, whole = file
    assert body(client.get(path)) == whole
    assert client.get(path)["X-RateLimit-Remaining"] == "0"
    assert client.get(path).status_code == 429


@given(first=st.none() | st.integers(0, 40), last=st.none() | st.integers(0, 40), size=st.integers(1, 30))
def test_a_range_is_what_the_standard_says(first, last, size):
    told = ["" if n is None else n for n in (first, last)]
    found = dumps_api.asked({"Range": f"bytes={told[0]}-{told[1]}"}, size, ("etag",))
    if first is None and last is None or first is not None and last is not None and last < first:
        assert found is None
    elif first is None:
        assert list(found) == [n for n in range(size) if n >= size - last]
    else:
        assert list(found) == [n for n in range(size) if first <= n <= (size if last is None else last)]
