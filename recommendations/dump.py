"""The database back into dossiers: what `recommendations.ingest` loads, member for member, in canonical order.

Members that are empty are left out. Lists that carry meaning in their order keep it; sets are sorted by slug.
"""

from portal.export import slugs
from portal.text import pinyin
from recommendations.dossier import FORMAT
from recommendations.models import Actor, CrossReference, Evidence, Framework, Instrument, PolicyArea, Question, Subject
from reports.models import Author, Event, Institution, Report, Work

SOURCE = ("source_file", "source_sha256", "source_start", "source_end")


def compact(row):
    """Leave out members that say nothing. 0 says something."""
    return {
        name: value for name, value in row.items() if value not in ("", None) and value is not False and value != []
    }


def members(row, *names):
    """Return the named attributes of a row; `name.slug` stands for the slug of a related row."""
    values = {}
    for name in names:
        attribute, _, relation = name.partition(".")
        value = getattr(row, attribute)
        values[attribute] = getattr(value, relation) if relation and value is not None else value
    return values


def named(row, *more):
    sort_key = "" if row.sort_key == pinyin(row.name_zh) else row.sort_key
    return compact(members(row, "slug", "name_zh", "name_en", "aliases") | {"sort_key": sort_key} | members(row, *more))


def by_slug(queryset):
    return sorted(queryset, key=lambda row: row.slug)


def vocabulary():
    """Return the dossier of the shared vocabulary, every list by slug."""
    return {
        "format": FORMAT,
        "kind": "vocabulary",
        "institutions": [named(row, "kind", "country") for row in by_slug(Institution.objects.all())],
        "authors": [named(row) for row in by_slug(Author.objects.all())],
        "areas": [named(row, "parent.slug") for row in by_slug(PolicyArea.objects.select_related("parent"))],
        "actors": [
            named(row, "kind", "institution.slug", "author.slug")
            for row in by_slug(Actor.objects.select_related("institution", "author"))
        ],
        "instruments": [named(row, "kind") for row in by_slug(Instrument.objects.all())],
        "works": [
            compact(
                members(row, "slug", "title_zh", "title_en", "language", "authors")
                | {"people": slugs(row.people)}
                | members(row, "container", "date", "url")
            )
            for row in by_slug(Work.objects.prefetch_related("people"))
        ],
        "events": [
            compact(
                members(row, "slug", "title_zh", "title_en", "date", "date_end", "target") | {"areas": slugs(row.areas)}
            )
            for row in by_slug(Event.objects.prefetch_related("areas"))
        ],
        "subjects": [named(row, "parent.slug") for row in by_slug(Subject.objects.select_related("parent"))],
        "frameworks": [
            compact(members(row, "slug", "title_zh", "title_en", "description_zh", "description_en", "work.slug"))
            | {"dimensions": [dimension(axis) for axis in row.dimensions.all()]}
            for row in by_slug(Framework.objects.select_related("work").prefetch_related("dimensions"))
        ],
        "questions": [
            compact(
                members(row, "slug", "kind", "text_zh", "text_en")
                | {"areas": slugs(row.areas)}
                | members(row, "outcome", "outcome_date", "outcome_source")
            )
            for row in by_slug(Question.objects.prefetch_related("areas"))
        ],
    }


def dimension(axis):
    return compact(members(axis, "slug", "name_zh", "name_en", "definition_zh", "definition_en"))


def relations():
    """Return the dossier of the relations that editors decided on, by their two ends; suggestions are made anew."""
    decided = CrossReference.objects.exclude(state=CrossReference.State.SUGGESTED)
    rows = [
        compact(
            {"source": address(row.source), "kind": row.kind, "target": address(row.target)}
            | members(row, "state", "rationale_zh", "rationale_en")
        )
        for row in decided.select_related("source__report", "target__report")
    ]
    found = sorted(rows, key=lambda row: (row["source"], row["target"], row["kind"]))
    return {"format": FORMAT, "kind": "relations", "relations": found}


def address(recommendation):
    return "/".join(recommendation.natural_key())


def publications():
    """Yield the dossier of every publication, drafts included, by slug."""
    for whole in by_slug(Report.objects.whole()):
        yield publication(whole)


def publication(whole):
    """Return the dossier of one publication: the whole first, then its parts by place."""
    reports = [whole, *whole.parts.order_by("place")]
    return {"format": FORMAT, "kind": "publication", "reports": [report(row) for row in reports]}


def report(row):
    source = dict(zip(("file", "sha256", "start", "end"), (getattr(row, name) for name in SOURCE), strict=True))
    return compact(
        members(row, "slug", "kind", "part_of.slug", "place", "title_zh", "title_en", "title_note_zh", "title_note_en")
        | members(row, "standfirst_zh", "standfirst_en", "language", "publisher.slug", "container", "volume", "issue")
        | members(row, "pages", "source_url", "doi", "date", "date_end", "date_kind", "date_note_zh", "date_note_en")
        | {"state": row.state, "publish_at": row.publish_at.isoformat() if row.publish_at else ""}
        | {"coding": row.coding, "source": source if row.source_sha256 else "", "works": slugs(row.as_works)}
        | {
            "sections": sections(row),
            "contributions": contributions(row),
            "recommendations": recommendations(row),
            "positions": positions(row),
            "ratings": ratings(row),
            "citations": citations(row),
            "mentions": mentions(row),
            "resolutions": resolutions(row),
        }
    )


def sections(row):
    return [
        compact(
            members(s, "key") | {"parent": s.parent.key if s.parent else ""} | members(s, "heading_zh", "heading_en")
        )
        | members(s, "start", "end")
        for s in row.sections.select_related("parent")
    ]


def contributions(row):
    found = row.contributions.select_related("author", "institution").prefetch_related("affiliations")
    return [
        compact(
            members(c, "author.slug", "institution.slug", "role", "delegation")
            | {"affiliations": slugs(c.affiliations)}
            | members(c, "affiliation_as_printed", "post_as_printed", "name_as_printed", "note_zh", "note_en")
        )
        for c in found
    ]


def evidence(owner, row):
    """Return {pk of a coded row: [selector, …]} for all rows of one kind in a report."""
    spans = {}
    for span in Evidence.objects.filter(**{f"{owner}__report": row}).order_by("start", "end", "pk"):
        spans.setdefault(getattr(span, f"{owner}_id"), []).append(span.selector)
    return spans


def recommendations(row):
    spans = evidence("recommendation", row)
    found = row.recommendations.select_related("parent", "made_by").prefetch_related(
        "areas", "addressees", "instruments", "restates__report"
    )
    return [
        compact(
            members(r, "key")
            | {"parent": r.parent.key if r.parent else ""}
            | members(r, "summary_zh", "summary_en", "made_by.slug", "voice")
            | {"addressees": slugs(r.addressees), "areas": slugs(r.areas)}
            | members(r, "action_type", "force")
            | {"instruments": slugs(r.instruments)}
            | members(r, "condition_zh", "condition_en", "standing")
            | {"restates": restated(r, row)}
            | members(r, "note_zh", "note_en")
            | {"evidence": spans.get(r.pk, [])}
        )
        for r in found
    ]


def restated(r, row):
    return sorted(t.key if t.report_id == row.pk else f"{t.report.slug}/{t.key}" for t in r.restates.all())


def positions(row):
    spans = evidence("position", row)
    return [
        compact(
            members(p, "key", "question.slug", "holder.slug", "voice", "stance", "hedge", "horizon")
            | members(p, "condition_zh", "condition_en", "summary_zh", "summary_en", "recommendation.key")
            | members(p, "note_zh", "note_en")
            | {"evidence": spans.get(p.pk, [])}
        )
        | {"stance": p.stance}
        for p in row.positions.select_related("question", "holder", "recommendation")
    ]


def ratings(row):
    spans = evidence("rating", row)
    return [
        compact(
            {"key": t.key, "framework": t.dimension.framework.slug}
            | members(t, "dimension.slug", "subject.slug", "level", "basis", "assessor.slug")
            | members(t, "summary_zh", "summary_en", "note_zh", "note_en")
            | {"evidence": spans.get(t.pk, [])}
        )
        for t in row.ratings.select_related("dimension__framework", "subject", "assessor")
    ]


def citations(row):
    return [
        compact(
            members(c, "key", "mark", "kind", "work.slug", "locator", "note_zh", "note_en")
            | {"evidence": [c.selector] if c.selector else []}
        )
        for c in row.citations.select_related("work")
    ]


def mentions(row):
    return [
        compact(members(m, "event.slug", "as_printed", "note_zh", "note_en")) | {"evidence": [m.selector]}
        for m in row.mentions.select_related("event")
    ]


def resolutions(row):
    return [
        compact(members(r, "question.slug", "outcome", "date", "note_zh", "note_en")) | {"evidence": [r.selector]}
        for r in row.resolutions.select_related("question")
    ]
