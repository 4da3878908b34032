"""The one gate: what `published()` lets through, for every model, in every state."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from recommendations.models import (
    Actor,
    CrossReference,
    FollowUp,
    Framework,
    Instrument,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
)
from reports.models import Author, Citation, Contribution, Event, Institution, Mention, Report, Section, Work
from tests import factories as make

pytestmark = pytest.mark.django_db


def everything(**state):
    """One of each thing, all hanging on one report in the given state."""
    report = make.report(**state)
    contributor, employer, actor = make.author(), make.institution(), make.actor()
    contribution = make.contribution(report, author=contributor)
    contribution.affiliations.add(employer)
    advice = make.recommendation(report, addressees=[actor], instruments=[make.instrument()])
    position = make.position(report)
    axis = make.framework().dimensions.first()
    rating = make.rating(report, axis)
    make.section(report)
    make.citation(report, work=make.work())
    make.mention(report, make.event())
    make.resolution(report, make.question(kind="predictive"))
    FollowUp.objects.create(
        recommendation=advice, date="2022", status="done", narrative_zh="已做。", narrative_en="Done.",
        source_url="https://example.org/",
    )  # fmt: skip
    return report, advice, position, rating


GATED = [
    Report, Author, Institution, Contribution, Section, Work, Citation, Event, Mention,
    Actor, Instrument, Recommendation, Question, Position, Framework, Subject, Rating, FollowUp, Resolution,
]  # fmt: skip

STATES = [
    ({"state": "draft"}, False),
    ({"state": "in_review"}, False),
    ({"state": "withdrawn"}, False),
    ({"state": "scheduled", "publish_at": timezone.now() + timedelta(hours=1)}, False),
    ({"state": "scheduled", "publish_at": timezone.now() - timedelta(hours=1)}, True),
    ({"state": "published"}, True),
]


@pytest.mark.parametrize(("state", "public"), STATES)
def test_what_a_report_says_is_public_only_when_the_report_is(state, public):
    report, *_ = everything(**state)
    assert report.is_public is public
    for model in GATED:
        assert model.objects.exists()
        assert model.objects.published().exists() is public, model


@pytest.mark.parametrize(("state", "public"), STATES)
def test_a_relation_is_public_only_when_both_ends_are(state, public):
    there = make.recommendation(make.report())
    here = make.recommendation(make.report(**state))
    make.cross_reference(here, there)
    assert CrossReference.objects.published().exists() is public


def test_only_confirmed_relations_are_public():
    one, two = make.recommendation(make.report()), make.recommendation(make.report())
    make.cross_reference(one, two, state="suggested")
    make.cross_reference(one, two, kind="refines", state="rejected")
    assert not CrossReference.objects.published().exists()


def test_atomic_counts_nothing_twice():
    report = make.report()
    umbrella = make.recommendation(report)
    part = make.recommendation(report, parent=umbrella)
    preface = make.recommendation(report)
    preface.restates.add(part)
    assert list(report.recommendations.atomic()) == [part]
    assert Report.objects.told([report.pk])[report.pk].recommendation_count == 1


@pytest.mark.parametrize(
    "break_it",
    [
        lambda r: make.position(r, stance=3),
        lambda r: make.position(r, voice="own", holder=make.actor()),
        lambda r: make.position(r, voice="attributed"),
        lambda r: make.recommendation(r, voice="attributed"),
        lambda r: make.rating(r, level=""),
        lambda r: make.recommendation(r, key=make.recommendation(r).key),
        lambda r: make.contribution(r, author=make.author(), institution=make.institution()),
        lambda r: make.evidence(make.position(r), 0, 11),
        lambda r: make.evidence(make.position(r), 0, 61),
        lambda r: make.evidence(make.position(r), 0, 16, rating=make.rating(r)),
        lambda r: make.question(outcome="yes"),
        lambda r: make.report(state="scheduled"),
        lambda r: make.report(place=2),
        lambda r: make.report(source_start=5, source_end=5),
        lambda r: Recommendation.objects.filter(pk=(row := make.recommendation(r)).pk).update(parent=row),
        lambda r: Report.objects.filter(pk=r.pk).update(part_of=r, place=1),
    ],
)
def test_the_database_refuses_what_must_not_be(break_it):
    report = make.report()
    with pytest.raises(IntegrityError), transaction.atomic():
        break_it(report)


def test_natural_keys_lead_back():
    report, advice, position, rating = everything()
    for row in (report, advice, position, rating, advice.areas.first(), position.question, rating.dimension):
        assert type(row).objects.get_by_natural_key(*row.natural_key()) == row


def test_keys_sort_by_code_point_on_every_database():
    for slug in ("a-b", "a-c", "ab", "a1", "b"):
        make.institution(slug=slug, name_zh=slug, sort_key="x")
    order = list(Institution.objects.order_by("slug").values_list("slug", flat=True))
    assert order == sorted(order) == ["a-b", "a-c", "a1", "ab", "b"]
