"""Dossiers: the way in and out, what is refused, and that a refusal leaves nothing behind."""

import copy
import hashlib
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from jsonschema import Draft202012Validator

from portal import index
from portal.text import digest, squeeze
from recommendations.dossier import DossierError, dump, fitting, read, schema
from recommendations.dump import relations as dump_relations
from recommendations.ingest import load_dossier
from recommendations.models import CrossReference, Evidence, PolicyArea, Position, Question, Rating, Recommendation
from reports.ingest import ingest
from reports.models import Report, SourceText
from tests import factories as make

pytestmark = pytest.mark.django_db

TEXT = (
    "甲文：两国应当尽快恢复各级别的官方对话。\n\n两国 应当共同制定 AI 技术的安全标准。"
    "未来几年竞争将会更加激烈，但合作仍有空间。"
)
SQUEEZED = squeeze(TEXT)
SHA = hashlib.sha256(TEXT.encode()).hexdigest()


def span(fragment):
    start = SQUEEZED.index(fragment)
    return {"start": start, "end": start + len(fragment), "digest": digest(fragment)}


VOCABULARY = {
    "format": "duizhao/1",
    "kind": "vocabulary",
    "institutions": [{"slug": "siis", "name_zh": "某研究院", "name_en": "An institute", "kind": "think_tank"}],
    "authors": [{"slug": "li-si", "name_zh": "李四", "name_en": "Li Si", "aliases": ["Li"]}],
    "areas": [
        {"slug": "dialogue", "name_zh": "对话", "name_en": "Dialogue"},
        {"slug": "official-dialogue", "name_zh": "官方对话", "name_en": "Official dialogue", "parent": "dialogue"},
    ],
    "actors": [{"slug": "both", "name_zh": "两国", "name_en": "Both", "kind": "group"}],
    "instruments": [{"slug": "wto", "name_zh": "世贸组织", "name_en": "WTO", "kind": "body"}],
    "works": [
        {
            "slug": "a-work",
            "title_zh": "一部著作",
            "title_en": "A work",
            "language": "zh",
            "people": ["li-si"],
            "date": "2018",
        }
    ],
    "events": [
        {
            "slug": "summit",
            "title_zh": "峰会",
            "title_en": "Summit",
            "date": "2020-11",
            "date_end": "2020-12",
            "areas": ["dialogue"],
        }
    ],
    "subjects": [{"slug": "ai", "name_zh": "人工智能", "name_en": "AI"}],
    "frameworks": [
        {
            "slug": "two-axes",
            "title_zh": "双轴",
            "title_en": "Two axes",
            "dimensions": [{"slug": "benefit", "name_zh": "收益", "name_en": "Benefit"}],
        }
    ],
    "questions": [
        {"slug": "fiercer", "kind": "predictive", "text_zh": "会否？", "text_en": "Will?", "areas": ["dialogue"]},
        {"slug": "restore", "kind": "normative", "text_zh": "应否？", "text_en": "Should?", "areas": ["dialogue"]},
    ],
}

PUBLICATION = {
    "format": "duizhao/1",
    "kind": "publication",
    "reports": [
        {
            "slug": "jia",
            "kind": "report",
            "title_zh": "甲",
            "title_en": "Jia",
            "language": "zh",
            "date": "2021-02",
            "date_kind": "cover",
            "state": "published",
            "coding": "complete",
            "source": {"file": "jia.txt", "sha256": SHA, "start": 0, "end": len(SQUEEZED)},
            "works": ["a-work"],
            "sections": [
                {"key": "s1", "heading_zh": "一", "heading_en": "One", "start": 0, "end": len(SQUEEZED)},
                {"key": "s2", "parent": "s1", "heading_zh": "二", "heading_en": "Two", "start": 20, "end": 40},
            ],
            "contributions": [
                {"author": "li-si", "role": "author", "delegation": "CN", "affiliations": ["siis"]},
                {"institution": "siis", "role": "convenor"},
            ],
            "recommendations": [
                {
                    "key": "R01",
                    "summary_zh": "总括。",
                    "summary_en": "All.",
                    "voice": "own",
                    "areas": ["dialogue"],
                    "action_type": "strategy",
                    "force": "should",
                    "standing": "proposed",
                    "evidence": [span("两国应当尽快恢复各级别的官方对话")],
                },
                {
                    "key": "R02",
                    "parent": "R01",
                    "summary_zh": "恢复往来。",
                    "summary_en": "Talk.",
                    "made_by": "both",
                    "voice": "attributed",
                    "addressees": ["both"],
                    "areas": ["dialogue", "official-dialogue"],
                    "action_type": "dialogue",
                    "force": "should",
                    "instruments": ["wto"],
                    "standing": "proposed",
                    "evidence": [span("两国应当尽快恢复各级别的官方对话"), span("两国应当共同制定AI技术的安全标准")],
                },
                {
                    "key": "R03",
                    "summary_zh": "前言重述。",
                    "summary_en": "Again.",
                    "voice": "own",
                    "areas": ["dialogue"],
                    "action_type": "dialogue",
                    "force": "may",
                    "standing": "proposed",
                    "restates": ["R02"],
                    "evidence": [span("未来几年竞争将会更加激烈")],
                },
            ],
            "positions": [
                {
                    "key": "P01",
                    "question": "restore",
                    "voice": "joint",
                    "stance": 0,
                    "hedge": "open",
                    "horizon": "2022-11",
                    "condition_zh": "若可",
                    "condition_en": "If so",
                    "summary_zh": "可谈。",
                    "summary_en": "Perhaps.",
                    "recommendation": "R02",
                    "evidence": [span("未来几年竞争将会更加激烈")],
                }
            ],
            "ratings": [
                {
                    "key": "T001",
                    "framework": "two-axes",
                    "dimension": "benefit",
                    "subject": "ai",
                    "level": "high",
                    "basis": "explicit",
                    "assessor": "both",
                    "summary_zh": "收益高。",
                    "summary_en": "High.",
                    "evidence": [span("两国应当共同制定AI技术的安全标准")],
                }
            ],
            "citations": [
                {
                    "key": "N01",
                    "mark": "①",
                    "kind": "source",
                    "work": "a-work",
                    "evidence": [span("未来几年竞争将会更加激烈")],
                },
                {"key": "N02", "mark": "[2]", "kind": "source"},
            ],
            "mentions": [{"event": "summit", "evidence": [span("未来几年竞争将会更加激烈")]}],
        },
        {
            "slug": "jia-part",
            "kind": "essay",
            "part_of": "jia",
            "place": 1,
            "title_zh": "甲之一",
            "title_en": "Part",
            "language": "zh",
            "state": "published",
            "coding": "none",
        },
    ],
}


def write(folder, name, data):
    path = folder / f"{name}.json"
    path.write_text(data if isinstance(data, str) else dump(data), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path):
    load_dossier(write(tmp_path, "vocabulary", VOCABULARY))
    load_dossier(write(tmp_path, "jia", PUBLICATION))
    return tmp_path


def changed(*steps, value=..., data=PUBLICATION):
    """Return a deep copy of a dossier with the member at `steps` replaced, or removed."""
    data = copy.deepcopy(data)
    place = data
    for step in steps[:-1]:
        place = place[step]
    if value is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return data


def snapshot():
    """Every row of every table that a dossier fills."""
    tables = [t for t in connection.introspection.table_names() if t.startswith(("reports_", "recommendations_"))]
    rows = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            rows[table] = sorted(map(repr, cursor.fetchall()))
    return rows


def test_the_schema_is_one():
    Draft202012Validator.check_schema(schema())


def test_what_goes_in_comes_out_byte_for_byte(corpus, tmp_path):
    call_command("export_corpus", tmp_path / "out", verbosity=0)
    for name in ("vocabulary", "jia"):
        assert (tmp_path / "out" / f"{name}.json").read_bytes() == (corpus / f"{name}.json").read_bytes()


def test_loading_again_changes_no_row(corpus):
    before = snapshot()
    load_dossier(corpus / "vocabulary.json")
    load_dossier(corpus / "jia.json")
    assert snapshot() == before


def test_a_changed_dossier_changes_what_differs(corpus):
    kept = Recommendation.objects.get(key="R02").pk
    data = changed("reports", 0, "recommendations", 1, "summary_en", value="Said anew.")
    data["reports"][0]["recommendations"].pop()
    data["reports"][0]["recommendations"][1]["areas"] = ["official-dialogue"]
    data["reports"].pop()
    load_dossier(write(corpus, "jia", data))
    row = Recommendation.objects.get(key="R02")
    assert (row.pk, row.summary_en) == (kept, "Said anew.")
    assert [area.slug for area in row.areas.all()] == ["official-dialogue"]
    assert not Recommendation.objects.filter(key="R03").exists()
    assert not Report.objects.filter(slug="jia-part").exists()


def test_the_state_stays_the_editors(corpus):
    Report.objects.filter(slug="jia").update(state="withdrawn")
    load_dossier(corpus / "jia.json")
    assert Report.objects.get(slug="jia").state == "withdrawn"


def test_evidence_knows_its_innermost_section(corpus):
    assert Rating.objects.get().evidence.get().section.key == "s2"
    assert Recommendation.objects.get(key="R01").evidence.get().section.key == "s1"


BAD = {
    "unknown area": (("recommendations", 1, "areas", 0), "nowhere", "$.reports[0].recommendations[1].areas[0]"),
    "unknown actor": (("recommendations", 1, "addressees"), ["x"], "$.reports[0].recommendations[1].addressees[0]"),
    "unknown question": (("positions", 0, "question"), "x", "$.reports[0].positions[0].question"),
    "unknown dimension": (("ratings", 0, "dimension"), "x", "$.reports[0].ratings[0].dimension"),
    "unknown work": (("citations", 0, "work"), "x", "$.reports[0].citations[0].work"),
    "unknown author": (("contributions", 0, "author"), "x", "$.reports[0].contributions[0].author"),
    "duplicate key": (("recommendations", 1, "key"), "R01", "$.reports[0].recommendations[1].key"),
    "circular parent": (("recommendations", 0, "parent"), "R02", "$.reports[0].recommendations[0].parent"),
    "own parent": (("recommendations", 0, "parent"), "R01", "$.reports[0].recommendations[0].parent"),
    "missing parent": (("recommendations", 0, "parent"), "R09", "$.reports[0].recommendations[0].parent"),
    "bad date": (("date",), "2021-02-30", "$.reports[0].date"),
    "no date at all": (("date",), "last year", "$.reports[0].date"),
    "missing language": (("recommendations", 0, "summary_en"), ..., "$.reports[0].recommendations[0]"),
    "blank language": (("recommendations", 0, "summary_en"), "  ", "$.reports[0].recommendations[0].summary_en"),
    "note in one language": (("recommendations", 0, "note_zh"), "注", "$.reports[0].recommendations[0]"),
    "unknown member": (("colour",), "red", "$.reports[0]"),
    "wrong type": (("recommendations", 0, "areas"), "dialogue", "$.reports[0].recommendations[0].areas"),
    "stance out of range": (("positions", 0, "stance"), 3, "$.reports[0].positions[0].stance"),
    "own view with a holder": (
        ("positions", 0),
        {"voice": "own", "holder": "both"},
        "$.reports[0].positions[0].holder",
    ),
    "attributed to nobody": (("recommendations", 1, "made_by"), ..., "$.reports[0].recommendations[1]"),
    "no evidence": (("positions", 0, "evidence"), [], "$.reports[0].positions[0]"),
    "restates nothing": (("recommendations", 2, "restates"), ["R08"], "$.reports[0].recommendations[2].restates[0]"),
    "span outside": (
        ("positions", 0, "evidence", 0),
        {"start": len(SQUEEZED) - 5, "end": len(SQUEEZED) + 10, "digest": "0" * 12},
        "$.reports[0].positions[0].evidence[0]",
    ),
    "span too short": (
        ("positions", 0, "evidence", 0),
        {"start": 3, "end": 9, "digest": "0" * 12},
        "$.reports[0].positions[0].evidence[0]",
    ),
    "explicit without level": (("ratings", 0, "level"), ..., "$.reports[0].ratings[0].level"),
    "part elsewhere": (None, None, "$.reports[1].part_of"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_dossier_is_refused_whole(name, tmp_path, capsys):
    steps, value, where = BAD[name]
    load_dossier(write(tmp_path, "vocabulary", VOCABULARY))
    if steps is None:
        data = changed("reports", 1, "part_of", value="elsewhere")
    elif isinstance(value, dict) and "voice" in value:
        data = changed("reports", 0, *steps, value=PUBLICATION["reports"][0]["positions"][0] | value)
    else:
        data = changed("reports", 0, *steps, value=value)
    before = snapshot()
    with pytest.raises(CommandError):
        call_command("load_corpus", write(tmp_path, "bad", data))
    said = capsys.readouterr().err
    assert f"bad.json: {where}: " in said, said
    assert snapshot() == before


def test_a_wrong_digest_is_refused_when_the_text_is_held(corpus):
    source = corpus / "jia.txt"
    source.write_bytes(TEXT.encode())
    ingest(source)
    load_dossier(corpus / "jia.json")
    data = changed("reports", 0, "positions", 0, "evidence", 0, "digest", value="0123456789ab")
    with pytest.raises(DossierError) as refused:
        load_dossier(write(corpus, "bad", data))
    assert "$.reports[0].positions[0].evidence[0].digest" in str(refused.value)


@pytest.mark.parametrize("part", ["areas", "subjects"])
def test_a_tree_is_no_circle(part, tmp_path):
    rows = [
        {"slug": "a", "name_zh": "甲", "name_en": "A", "parent": "b"},
        {"slug": "b", "name_zh": "乙", "name_en": "B", "parent": "a"},
    ]
    with pytest.raises(DossierError, match=rf"\$\.{part}\[0\]\.parent"):
        load_dossier(write(tmp_path, "vocabulary", {"format": "duizhao/1", "kind": "vocabulary", part: rows}))


def test_a_circle_through_stored_rows_is_refused(corpus):
    rows = [{"slug": "dialogue", "name_zh": "对话", "name_en": "Dialogue", "parent": "official-dialogue"}]
    with pytest.raises(DossierError, match=r"\$\.areas\[0\]\.parent"):
        load_dossier(write(corpus, "v", {"format": "duizhao/1", "kind": "vocabulary", "areas": rows}))
    assert PolicyArea.objects.get(slug="dialogue").parent is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"kind": "vocabulary", "kind": "publication"}', "stands twice"),
        ("[]", "kind"),
        ('{"kind": "poem"}', "kind"),
    ],
)
def test_what_is_no_dossier(content, reason, tmp_path):
    with pytest.raises(DossierError, match=reason):
        read(write(tmp_path, "bad", content))


def places(data, at=()):
    """Yield the path of every value inside a dossier."""
    yield at
    for step, inside in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(inside, (*at, step))


@pytest.mark.parametrize("data", [VOCABULARY, PUBLICATION], ids=lambda data: data["kind"])
def test_the_quick_check_agrees_with_the_schema(data):
    """Wherever a value is left out, doubled or made another, it is refused by both or by none."""
    rule = {"$ref": f"#/$defs/{data['kind']}"}
    truth = Draft202012Validator({**rule, "$defs": schema()["$defs"]})
    fits = fitting(rule)
    assert fits(data)
    refused = 0
    for at in list(places(data))[1:]:
        for other in (None, "", " ", "x" * 5000, "A-1\n", -1, 10**9, True, 1.5, [], {}, ["a", "a"], {"slug": "a"}, ...):
            changed = copy.deepcopy(data)
            *above, last = at
            inside = changed
            for step in above:
                inside = inside[step]
            if other is ...:
                del inside[last]
            else:
                inside[last] = other
            assert fits(changed) == truth.is_valid(changed), (at, other)
            refused += not fits(changed)
    assert refused


def test_a_word_that_the_quick_check_does_not_know_is_refused():
    with pytest.raises(ValueError, match="multipleOf"):
        fitting({"type": "integer", "multipleOf": 2})


def test_a_bad_dossier_among_good_ones_leaves_them_and_an_index_of_them(tmp_path, capsys):
    write(tmp_path, "vocabulary", VOCABULARY)
    write(tmp_path, "a", PUBLICATION)
    bad = copy.deepcopy(PUBLICATION)
    bad["reports"] = [bad["reports"][0] | {"slug": "yi"}]  # which is stored, until its answer is found to be to nothing
    bad["reports"][0]["positions"][0]["question"] = "never-asked"
    write(tmp_path, "b", bad)
    with pytest.raises(CommandError):
        call_command("load_corpus", tmp_path)
    assert "b.json: $.reports[0].positions[0].question" in capsys.readouterr().err
    assert {*Report.objects.values_list("slug", flat=True)} == {"jia", "jia-part"}
    assert index.Entry.objects.exists() and not list(index.faults())


def test_what_a_refused_dossier_would_have_added_is_known_to_none_after_it(tmp_path, capsys):
    write(tmp_path, "vocabulary", VOCABULARY)
    more = {name: VOCABULARY[name] for name in ("format", "kind")}
    more["institutions"] = [VOCABULARY["institutions"][0] | {"slug": "new"}]
    more["actors"] = [VOCABULARY["actors"][0] | {"slug": slug, "institution": slug} for slug in ("new", "unknown")]
    write(tmp_path, "a", more)
    write(tmp_path, "b", changed("reports", 0, "publisher", value="new"))
    with pytest.raises(CommandError, match="2 of 3"):
        call_command("load_corpus", tmp_path)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("a.json: $.actors[1].institution: ") and first.endswith(" “unknown”.")
    assert second.startswith("b.json: $.reports[0].publisher: ") and second.endswith(" “new”.")


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.write(b"[" * 1000)
        file.truncate(200_000_000)
    with pytest.raises(DossierError, match="200,000,000 bytes"):
        read(path)


def test_what_is_no_utf8_or_no_file(tmp_path):
    path = tmp_path / "bad.json"
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(DossierError, match="not UTF-8"):
        read(path)
    with pytest.raises(DossierError, match="cannot be read"):
        read(tmp_path / "absent.json")


def test_good_dossiers_load_beside_a_bad_one(tmp_path, capsys):
    write(tmp_path, "vocabulary", VOCABULARY)
    write(tmp_path, "bad", "{")
    write(tmp_path, "jia", PUBLICATION)
    with pytest.raises(CommandError, match="1 of 3"):
        call_command("load_corpus", tmp_path)
    assert Report.objects.filter(slug="jia").exists()


def test_nothing_is_left_when_the_last_row_fails(tmp_path, monkeypatch):
    load_dossier(write(tmp_path, "vocabulary", VOCABULARY))
    before = snapshot()
    data = changed("reports", 0, "ratings", 0, "subject", value="unknown")
    with pytest.raises(DossierError):
        load_dossier(write(tmp_path, "jia", data))
    assert snapshot() == before
    assert not Position.objects.exists() and not Evidence.objects.exists()


def test_sample_is_valid_json_and_complete(corpus):
    assert json.loads((corpus / "jia.json").read_text()) == PUBLICATION
    assert Question.objects.count() == 2 and SourceText.objects.count() == 0


# ---------------------------------------------------------------------------------------------------------------------
# Relations
# ---------------------------------------------------------------------------------------------------------------------


def related(**changes):
    row = {"source": "jia/R01", "kind": "agrees", "target": "jia-part/R01", "state": "confirmed"}
    row |= {"rationale_zh": "理由。", "rationale_en": "A reason."}
    return {name: value for name, value in (row | changes).items() if value is not None}


def relations(*rows):
    return {"format": "duizhao/1", "kind": "relations", "relations": list(rows)}


@pytest.fixture
def pair(corpus):
    make.recommendation(report=Report.objects.get(slug="jia-part"), key="R01")
    return corpus


def stored():
    found = CrossReference.objects.order_by("pk").values_list("source__key", "target__report__slug", "kind", "state")
    return [*found]


def test_relations_come_in_and_go_out(pair, tmp_path):
    path = write(pair, "relations", relations(related(), related(source="jia/R02", state="rejected")))
    load_dossier(path)
    before = snapshot()
    load_dossier(path)
    assert snapshot() == before
    call_command("export_corpus", tmp_path / "out", verbosity=0)
    assert (tmp_path / "out" / "relations.json").read_bytes() == path.read_bytes()


def test_suggestions_are_not_written(pair, tmp_path):
    load_dossier(write(pair, "relations", relations(related())))
    CrossReference.objects.update(state="suggested")
    assert dump_relations()["relations"] == []


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ([{"source": "jia/R09"}], "$.relations[0].source"),
        ([{"target": "yi/R01"}], "$.relations[0].target"),
        ([{"target": "jia/R02"}], "$.relations[0].target"),
        ([{"kind": "likes"}], "$.relations[0].kind"),
        ([{"state": "suggested"}], "$.relations[0].state"),
        ([{}, {}], "$.relations[1]"),
        ([{}, {"source": "jia-part/R01", "target": "jia/R01"}], "$.relations[1]"),
    ],
)
def test_a_bad_relation_is_refused(pair, rows, where, capsys):
    before = snapshot()
    with pytest.raises(DossierError) as refused:
        load_dossier(write(pair, "bad", relations(*(related(**row) for row in rows))))
    assert f"bad.json: {where}: " in str(refused.value)
    assert snapshot() == before


def test_a_directed_relation_may_run_both_ways(pair):
    mirrored = related(kind="refines", source="jia-part/R01", target="jia/R01")
    load_dossier(write(pair, "relations", relations(related(kind="refines"), mirrored)))
    assert CrossReference.objects.count() == 2


def test_an_editor_s_decision_outlasts_the_file(pair):
    path = write(pair, "relations", relations(related(), related(source="jia/R02")))
    load_dossier(path)
    CrossReference.objects.filter(source__key="R01").update(state="rejected")
    CrossReference.objects.filter(source__key="R02").update(state="suggested")
    load_dossier(path)
    assert stored() == [("R01", "jia-part", "agrees", "rejected"), ("R02", "jia-part", "agrees", "confirmed")]


def test_a_symmetric_relation_known_from_the_other_end_is_the_same(pair):
    load_dossier(write(pair, "relations", relations(related())))
    load_dossier(write(pair, "more", relations(related(source="jia-part/R01", target="jia/R01", rationale_en="New."))))
    assert CrossReference.objects.get().rationale_en == "New."
