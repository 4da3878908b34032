"""The shipped corpus: complete in both languages, proven against its sources, written back byte for byte."""

import os
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import translation

from portal.management.commands.load_corpus import CORPUS, dossier_paths
from portal.text import SqueezedText
from recommendations.dossier import read
from recommendations.ingest import load_dossier
from recommendations.models import (
    Actor,
    CrossReference,
    Evidence,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
)
from recommendations.verification import verify
from reports.ingest import read_source
from reports.models import Author, Citation, Contribution, Event, Institution, Mention, Report, Work
from tests.test_frameworks import LANGUAGES, check, drawn

TEXTS = Path(os.environ.get("DUIZHAO_TEXTS") or Path(__file__).resolve().parents[2] / "shared" / "seeds")
ESSAYS = ("zhu-feng", "ding-chun", "yang-cheng", "mao-ruipeng", "tang-bei", "liu-hongzhong", "sun-haiyong")
HAN = re.compile(r"[\u4e00-\u9fff]")
NAMED = (Institution, Author, PolicyArea, Actor, Instrument, Subject)

needs_texts = pytest.mark.skipif(
    not TEXTS.is_dir() and not os.environ.get("CI"), reason="the source texts are not here (DUIZHAO_TEXTS)"
)


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """Load the corpus once: what a test does to it is undone after that test, all of it after the last."""
    with django_db_blocker.unblock(), transaction.atomic():
        for path in dossier_paths([CORPUS]):
            load_dossier(path)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def corpus(loaded, db):
    """The shipped corpus, in the transaction of one test."""


@pytest.fixture
def texts():
    found = {}
    for path in TEXTS.glob("*.txt"):
        read = read_source(path)
        found[read.sha256] = SqueezedText(read.text)
    assert found, f"no source texts in {TEXTS}"
    return found


def test_the_twelve_reports_are_public(corpus):
    assert set(Report.objects.published().values_list("slug", flat=True)) == {
        "cyber-relations-2021",
        "biden-issues-2021",
        *(f"biden-issues-2021-{essay}" for essay in ESSAYS),
        "digital-economy-dialogue-2019",
        "st-cooperation-framework",
        "biden-tech-policy-2021",
    }
    essays = Report.objects.get(slug="biden-issues-2021").parts.order_by("place").values_list("slug", flat=True)
    assert list(essays) == [f"biden-issues-2021-{essay}" for essay in ESSAYS]
    assert not Report.objects.exclude(coding="complete").exists()


def test_the_corpus_is_written_back_byte_for_byte(corpus, tmp_path):
    call_command("export_corpus", tmp_path, verbosity=0)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in CORPUS.glob("*.json")}


@needs_texts
def test_every_span_is_proven(corpus, texts):
    result = verify(texts)
    assert (result.faults, result.unheld) == ([], 0)
    cited = Citation.objects.exclude(start=None)
    spans = [Evidence.objects.all(), Mention.objects.all(), Resolution.objects.all(), cited]
    assert result.proven == sum(rows.count() for rows in spans)


@needs_texts
def test_essays_do_not_overlap_and_sections_cover_each_report(corpus, texts):
    essays = Report.objects.exclude(part_of=None).order_by("source_start")
    ends = [0]
    for essay in essays:
        assert essay.source_start >= ends[-1], essay
        ends.append(essay.source_end)
    for report in Report.objects.all():
        tops = report.sections.filter(parent=None).order_by("start")
        assert tops.first().start == report.source_start, report
        assert all(a.end <= b.start for a, b in zip(tops, tops[1:], strict=False)), report


def test_every_row_has_evidence(corpus):
    for model in (Recommendation, Position, Rating):
        assert not model.objects.filter(evidence=None).exists(), model


def test_both_languages_everywhere(corpus):
    pairs = [(model, ("name",)) for model in NAMED]
    pairs += [(model, ("summary",)) for model in (Recommendation, Position, Rating)]
    pairs += [(Report, ("title", "standfirst")), (Question, ("text",)), (Framework, ("title", "description"))]
    pairs += [(Event, ("title",)), (Work, ("title",))]
    for model, fields in pairs:
        for field in fields:
            for row in model.objects.values("pk", f"{field}_zh", f"{field}_en"):
                zh, en = row[f"{field}_zh"], row[f"{field}_en"]
                assert zh and en, (model, row)
                if model not in (Work, Author):
                    assert HAN.search(zh) or zh.isascii(), (model, row)
                    assert not HAN.search(en), (model, row)
    for model in (Recommendation, Position):
        for field in ("condition", "note"):
            one_sided = Q(**{f"{field}_zh": ""}) & ~Q(**{f"{field}_en": ""}) | ~Q(**{f"{field}_zh": ""}) & Q(
                **{f"{field}_en": ""}
            )
            assert not model.objects.filter(one_sided).exists()


def test_chinese_is_set_without_typed_blanks(corpus):
    blank = re.compile(r"[\u4e00-\u9fff] +[A-Za-z0-9]|[A-Za-z0-9] +[\u4e00-\u9fff]")
    for model in (Recommendation, Position, Rating):
        for key, summary in model.objects.values_list("key", "summary_zh"):
            assert not blank.search(summary), (model, key, summary)


def test_the_scale_of_the_coding(corpus):
    """The floor that an exhaustive reading reaches; more is no fault."""
    assert Recommendation.objects.atomic().count() >= 240
    assert Recommendation.objects.exclude(parts=None).distinct().count() >= 65
    assert Position.objects.count() >= 640 and Position.objects.forecasts().count() >= 195
    assert Rating.objects.count() >= 110
    assert Citation.objects.count() >= 70 and Mention.objects.count() >= 105


def test_at_least_sixty_questions_are_shared(corpus):
    answered = Question.objects.annotate(
        documents=Count("positions__report", distinct=True), holders=Count("positions__holder", distinct=True)
    )
    assert answered.filter(documents__gte=2).count() >= 60
    assert not Question.objects.filter(positions=None).exists()


def test_forecasts_are_open_but_for_what_the_documents_themselves_report(corpus):
    """A footnote that tells of the order signed decides a forecast; nothing known from elsewhere does."""
    assert not Question.objects.exclude(outcome="").exists()
    told = {row.question.slug: (row.report.slug, row.outcome, row.date) for row in Resolution.objects.all()}
    assert told["mexico-city-repeal"] == ("biden-issues-2021-tang-bei", "yes", "2021-01-28")
    assert told["us-rejoin-paris"] == ("biden-issues-2021-mao-ruipeng", "yes", "")
    assert all(row.question.positions.exists() for row in Resolution.objects.all())


def test_the_vocabulary_holds_nothing_idle(corpus):
    for model in (Actor, Instrument, Author, Institution, Event, Work, Framework):
        idle = model.objects.exclude(pk__in=model.objects.published().values("pk"))
        assert not idle.exists(), (model, list(idle))


def test_names_are_named_once(corpus):
    for model in NAMED:
        for field in ("name_zh", "name_en"):
            twice = model.objects.values(field).annotate(n=Count("pk")).filter(n__gt=1)
            assert not twice.exists(), (model, list(twice))
    assert not Question.objects.values("text_zh").annotate(n=Count("pk")).filter(n__gt=1).exists()


def test_twenty_people_sat_at_the_table(corpus):
    people = Contribution.objects.filter(report__slug="digital-economy-dialogue-2019", role="participant")
    assert people.filter(delegation="US").count() == 9
    assert people.filter(delegation="CN").count() == 11
    assert Contribution.objects.filter(report__slug="digital-economy-dialogue-2019", role="convenor").count() == 2


def test_a_position_on_a_recommendation_has_its_voice(corpus):
    rested = Position.objects.exclude(recommendation=None)
    assert rested.exists()
    assert not rested.exclude(voice=F("recommendation__voice")).exists()


def test_dossiers_pass_their_own_schema():
    for path in dossier_paths([CORPUS]):
        read(path)


def test_relations_are_decided_reasoned_and_worth_a_look(corpus):
    relations = CrossReference.objects.select_related("source__report", "target__report")
    assert relations.count() == relations.published().count() >= 120
    assert {row.kind for row in relations} == set(CrossReference.Kind.values)
    pairs = set()
    for row in relations:
        row.full_clean()
        assert row.rationale_zh.endswith("。") and row.rationale_en.endswith("."), row
        assert not row.source.restates.exists() and not row.target.restates.exists(), row
        pairs.add(frozenset((row.source_id, row.target_id)))
    assert len(pairs) == len(relations)


# Where the documents meet: questions that publications share (an essay stands for its symposium), and relations
# between recommendations on them.
MEETINGS = {
    "official dialogue": (["restore-official-dialogue", "specialist-official-contact"], 5),
    "cross-border data": (["data-flow-narrow-exceptions", "data-flow-mechanism", "data-security-initiative"], 3),
    "narrow security limits": (["narrow-national-security", "long-arm-jurisdiction"], 3),
    "recognised standards": (["mutual-technical-standards"], 3),
    "climate, health, space": (["climate-energy-cooperation", "health-cooperation", "space-cooperation"], 4),
    "decoupling": (["technology-decoupling", "decoupling-harm", "decoupling-continue"], 4),
    "continuity or change": (["biden-china-continuity", "biden-tech-continuity", "biden-alliances"], 4),
    "export controls": (["export-controls-keep"], 2),
    "democracy summit": (["democracy-summit-held", "hold-democracy-summit"], 2),
    "who": (["us-rejoin-who"], 2),
    "united nations or clubs": (["un-central-role", "like-minded-clubs-prospect"], 2),
}


@pytest.mark.parametrize("point", MEETINGS)
def test_the_documents_meet(corpus, point):
    slugs, least = MEETINGS[point]
    assert Question.objects.filter(slug__in=slugs).count() == len(slugs)
    places = Position.objects.filter(question__slug__in=slugs).values_list("report__slug", "report__part_of__slug")
    assert len({whole or slug for slug, whole in places}) >= least


def test_recommendations_on_the_meeting_points_are_tied(corpus):
    dialogue = CrossReference.objects.filter(source__action_type="dialogue", target__action_type="dialogue")
    ends = dialogue.values_list("source__report__slug", "target__report__slug")
    assert len({slug for pair in ends for slug in pair}) >= 5


@pytest.mark.parametrize("view", ["overlay", "panels"])
@pytest.mark.parametrize("code", LANGUAGES.values())
def test_no_label_in_the_chart_of_a_framework_overlaps(corpus, code, view):
    with translation.override(code):
        for framework in Framework.objects.published():
            charts = drawn(framework, view).charts
            assert charts
            for chart in charts:
                check(chart)
