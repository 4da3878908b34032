"""What the matrix costs beside the bare aggregation of the same positions. Run: python -m tests.benchmarks.matrix

Makes 50 questions × 200 documents in a scratch database of whatever server DATABASE_URL names, and drops it again. Not
collected by pytest; tests/test_matrix.py borrows the corpus.
"""

import os
import random
import statistics
import time

QUESTIONS, DOCUMENTS = 50, 200
RUNS = 15
MOST_QUERIES = 12


def synthetic(questions=QUESTIONS, documents=DOCUMENTS, seed=1):
    """Make a published corpus in which every cell is filled: an own view each, and in one of five an attributed one."""
    from recommendations.models import STANCES, Actor, PolicyArea, Position, Question
    from reports.models import Author, Contribution, Report

    chance = random.Random(seed)
    field = PolicyArea.objects.create(slug="field", name_zh="领域", name_en="Field")
    actors = Actor.objects.bulk_create(
        Actor(slug=f"actor-{n}", name_zh=f"主体{n}", name_en=f"Actor {n}", kind="government") for n in range(20)
    )
    kinds = Question.Kind.values
    asked = Question.objects.bulk_create(
        Question(slug=f"q-{n}", kind=kinds[n % len(kinds)], text_zh=f"问题{n}？", text_en=f"Question {n}?")
        for n in range(questions)
    )
    Question.areas.through.objects.bulk_create(
        Question.areas.through(question=question, policyarea=field) for question in asked
    )
    state = {"kind": "report", "state": "published", "coding": "complete", "date_kind": "cover"}
    reports = Report.objects.bulk_create(
        Report(slug=f"r-{n}", title_zh=f"报告{n}", title_en=f"Report {n}", date=f"{1990 + n % 30}", **state)
        for n in range(documents)
    )
    authors = Author.objects.bulk_create(
        Author(slug=f"a-{n}", name_zh=f"作者{n}", name_en=f"Author {n}") for n in range(documents)
    )
    Contribution.objects.bulk_create(
        Contribution(report=report, author=author, role="author")
        for report, author in zip(reports, authors, strict=True)
    )
    rows = []
    for report in reports:
        for number, question in enumerate(asked):
            views = [("own", None)] + [("attributed", chance.choice(actors))] * (chance.random() < 0.2)
            for place, (voice, holder) in enumerate(views):
                rows.append(
                    Position(
                        report=report, question=question, key=f"P{number:02d}{place}", order=number, voice=voice,
                        holder=holder, stance=chance.choice(STANCES), hedge=chance.choice(Position.Hedge.values),
                        summary_zh="摘要。", summary_en="A summary.",
                    )
                )  # fmt: skip
    Position.objects.bulk_create(rows, batch_size=1000)


def aggregation():
    """The bare aggregation query over the same positions."""
    from django.db.models import Count

    from recommendations.models import Position

    rows = Position.objects.published().order_by().values_list("question", "report", "voice", "stance")
    return list(rows.annotate(n=Count("pk")))


def comparison():
    """All rows fetched and the whole matrix built with every cell, without a template."""
    from django.http import QueryDict

    from recommendations import matrix
    from recommendations.filters import MatrixFilterSet
    from recommendations.models import Question

    filterset = MatrixFilterSet(QueryDict("area=field"), queryset=Question.objects.all())
    assert filterset.is_valid()
    table = matrix.compare(filterset.selection())
    return table.filled(table.rows)


def ask(path):
    """Return what answers an address through every middleware."""
    from django.core.handlers.base import BaseHandler
    from django.test import RequestFactory

    handler = BaseHandler()
    handler.load_middleware()

    def answer():
        response = handler.get_response(RequestFactory().get(path))
        assert response.status_code == 200, path
        return response.content

    return answer


def measured(work, floor):
    """Return (median milliseconds, median ratio to the floor, queries) of a piece of work, warm.

    Each run is set beside a run of the floor right before it, so that a busy machine slows both.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        work()
    times = [(timed(work), timed(floor)) for _ in range(RUNS)]
    ratio = statistics.median(mine / bare for mine, bare in times)
    return statistics.median(mine for mine, _bare in times), ratio, len(queries)


def timed(work):
    """Return how many milliseconds a piece of work takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def main():
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ.setdefault("API_ANON_RATE", "")
    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment

    from recommendations.models import Position

    setup_test_environment()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        synthetic()
        print(
            f"{connection.vendor}: {QUESTIONS} questions, {DOCUMENTS} documents, {Position.objects.count()} positions"
        )
        whole = f"?area=field&page_size={QUESTIONS}"
        for label, work in (
            ("bare aggregation query", aggregation),
            ("rows fetched and matrix built", comparison),
            ("the same as JSON, over the API", ask(f"/api/v1/matrix/{whole}")),
            ("the whole page", ask(f"/en/matrix/{whole}")),
            ("the page of 20 questions", ask("/en/matrix/?area=field")),
        ):
            median, ratio, queries = measured(work, aggregation)
            print(f"{label:31} {median:8.1f} ms  {ratio:6.2f} ×  {queries:3} queries")
            assert queries <= MOST_QUERIES, queries
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()


if __name__ == "__main__":
    main()
