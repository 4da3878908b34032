"""Plain functions that make valid, published objects. Every argument can be overridden."""

from itertools import count

from portal.text import digest, squeeze
from recommendations.models import (
    Actor,
    CrossReference,
    Dimension,
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
from reports.models import (
    Author,
    Citation,
    Contribution,
    Event,
    Institution,
    Mention,
    Report,
    Section,
    SourceText,
    Work,
)

numbers = count(1)


def named(model, **values):
    number = next(numbers)
    word = model.__name__.lower()
    return model.objects.create(
        **{"slug": f"{word}-{number}", "name_zh": f"名称{number}", "name_en": f"{model.__name__} {number}"} | values
    )


def author(**values):
    return named(Author, **values)


def institution(**values):
    return named(Institution, **{"kind": "think_tank"} | values)


def area(**values):
    return named(PolicyArea, **values)


def actor(**values):
    return named(Actor, **{"kind": "government"} | values)


def instrument(**values):
    return named(Instrument, **{"kind": "agreement"} | values)


def subject(**values):
    return named(Subject, **values)


def source_text(text="第一句话说明中美应当恢复官方对话机制。第二句话说明双方应当共同制定技术标准。", **values):
    number = next(numbers)
    return SourceText.objects.create(
        **{"sha256": f"{number:064x}", "file_name": f"{number}.txt", "text": text, "extractor": "test"} | values
    )


def report(text=None, **values):
    """A published report, fully coded. With `text` (a SourceText), it holds the whole of it."""
    number = next(numbers)
    if text is not None:
        end = len(squeeze(text.text))
        values = {
            "source_text": text, "source_sha256": text.sha256, "source_file": text.file_name,
            "source_start": 0, "source_end": end,
        } | values  # fmt: skip
    defaults = {
        "slug": f"report-{number}", "kind": "report", "title_zh": f"报告{number}", "title_en": f"Report {number}",
        "standfirst_zh": "一句导语。", "standfirst_en": "A standfirst.", "date": "2021-02-03", "date_kind": "signed",
        "state": "published", "coding": "complete",
    }  # fmt: skip
    return Report.objects.create(**defaults | values)


def section(report, start=0, end=1000, **values):
    number = next(numbers)
    return Section.objects.create(
        **{"report": report, "key": f"s{number}", "heading_zh": f"第{number}节", "heading_en": f"Section {number}"}
        | {"start": start, "end": end}
        | values
    )


def contribution(report, **values):
    if "author" not in values and "institution" not in values:
        values["author"] = author()
    return Contribution.objects.create(
        **{"report": report, "role": "author", "order": report.contributions.count()} | values
    )


def coded(model, letter, report, **values):
    number = next(numbers)
    texts = {"summary_zh": f"摘要{number}。", "summary_en": f"Summary {number}."}
    return model.objects.create(**{"report": report, "key": f"{letter}{number:02d}", "order": number} | texts | values)


def recommendation(report, areas=(), addressees=(), instruments=(), **values):
    row = coded(Recommendation, "R", report, **{"action_type": "dialogue", "force": "should"} | values)
    row.areas.set(areas or [area()])
    row.addressees.set(addressees)
    row.instruments.set(instruments)
    return row


def question(areas=(), **values):
    number = next(numbers)
    texts = {"text_zh": f"问题{number}？", "text_en": f"Question {number}?"}
    row = Question.objects.create(**{"slug": f"question-{number}", "kind": "normative"} | texts | values)
    row.areas.set(areas or [area()])
    return row


def position(report, **values):
    if "question" not in values:
        values["question"] = question()
    return coded(Position, "P", report, **{"stance": 2} | values)


def framework(axes=("benefit", "risk"), **values):
    number = next(numbers)
    texts = {"title_zh": f"框架{number}", "title_en": f"Framework {number}"}
    row = Framework.objects.create(**{"slug": f"framework-{number}"} | texts | values)
    for order, slug in enumerate(axes):
        Dimension.objects.create(framework=row, slug=slug, name_zh=f"轴{order}", name_en=slug.title(), order=order)
    return row


def rating(report, dimension=None, **values):
    if "subject" not in values:
        values["subject"] = subject()
    dimension = dimension or framework().dimensions.first()
    return coded(Rating, "T", report, **{"dimension": dimension, "level": "high", "basis": "explicit"} | values)


def rated(report, framework, subject, up, across, assessor=None):
    """Two explicit ratings: one on each axis of a framework."""
    levels = zip(framework.dimensions.all(), (up, across), strict=True)
    return [rating(report, axis, subject=subject, level=level, assessor=assessor) for axis, level in levels]


def evidence(row, start=0, end=16, **values):
    """Evidence for a coded row; the digest is true where the report's text is held."""
    text = row.report.squeezed
    proof = text.digest(start, end) if text else digest("x" * (end - start))
    owner = type(row).__name__.lower()
    return Evidence.objects.create(**{owner: row, "start": start, "end": end, "digest": proof} | values)


def cross_reference(source, target, **values):
    defaults = {"kind": "agrees", "state": "confirmed", "rationale_zh": "两处都说。", "rationale_en": "Both say so."}
    return CrossReference.objects.create(**{"source": source, "target": target} | defaults | values)


def work(**values):
    number = next(numbers)
    texts = {"title_zh": f"著作{number}", "title_en": f"Work {number}"}
    return Work.objects.create(**{"slug": f"work-{number}", "language": "zh", "date": "2018"} | texts | values)


def citation(report, **values):
    number = next(numbers)
    return Citation.objects.create(
        **{"report": report, "key": f"N{number:02d}", "mark": "①", "order": report.citations.count()} | values
    )


def event(**values):
    number = next(numbers)
    texts = {"title_zh": f"事件{number}", "title_en": f"Event {number}"}
    return Event.objects.create(**{"slug": f"event-{number}", "date": "2020-11"} | texts | values)


def mention(report, event, start=0, end=16, **values):
    proof = report.squeezed.digest(start, end) if report.squeezed else digest("x" * (end - start))
    return Mention.objects.create(
        **{"report": report, "event": event, "start": start, "end": end, "digest": proof} | values
    )


def resolution(report, question, start=0, end=16, **values):
    """What a report tells of the outcome of a forecast; by default that it came true."""
    proof = report.squeezed.digest(start, end) if report.squeezed else digest("x" * (end - start))
    defaults = {"outcome": "yes", "date": "2021-01-28", "start": start, "end": end, "digest": proof}
    return Resolution.objects.create(**{"report": report, "question": question} | defaults | values)
