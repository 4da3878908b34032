"""The work queue that the admin opens on."""

from django import template
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.editorial import half_translated
from recommendations.models import CrossReference, Evidence, Position, Rating, Recommendation
from recommendations.verification import span_fault
from reports.models import Report, squeezed_text

register = template.Library()

CHECKED = 10_000  # spans that a page view may check; beyond that, `manage.py verify` does
SHOWN = 10  # broken spans named

# (what waits, the list's query string, the rows)
QUEUE = [
    (_("Reports in review"), "state__exact=in_review", Report.objects.filter(state="in_review")),
    (_("Drafts"), "state__exact=draft", Report.objects.filter(state="draft")),
    (_("Reports scheduled"), "state__exact=scheduled", Report.objects.filter(state="scheduled")),
    (_("Reports not fully coded"), "coding__in=none,partial", Report.objects.exclude(coding="complete")),
    *(
        (_("%(rows)s without evidence"), "evidence=none", model.objects.filter(evidence=None))
        for model in (Recommendation, Position, Rating)
    ),
    *(
        (_("%(rows)s missing in one language"), "translation=missing", model.objects.filter(half_translated(model)))
        for model in (Report, Recommendation, Position, Rating, CrossReference)
    ),
    (_("Suggested relations"), "state__exact=suggested", CrossReference.objects.filter(state="suggested")),
]


@register.simple_tag(takes_context=True)
def work_queue(context):
    """What waits for this user: [(words, number, address of the list)], without what is done."""
    user, found = context["request"].user, []
    for words, query, rows in QUEUE:
        opts = rows.model._meta
        if user.has_perm(f"{opts.app_label}.view_{opts.model_name}") and (count := rows.count()):
            url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            found.append((words % {"rows": opts.verbose_name_plural}, count, f"{url}?{query}"))
    return found


@register.simple_tag(takes_context=True)
def broken_evidence(context):
    """Spans that do not hold in their text: up to SHOWN of [(report, key, address)], None when there are too many."""
    if not context["request"].user.has_perm("recommendations.view_evidence"):
        return []
    held = {
        owner: Evidence.objects.filter(**{f"{owner}__report__source_text__isnull": False})
        for owner in ("recommendation", "position", "rating")
    }
    if sum(rows.count() for rows in held.values()) > CHECKED:
        return None
    return [row for owner, rows in held.items() for row in broken(owner, rows)][:SHOWN]


def broken(owner, rows):
    """Yield (report, key, address) of an owner of each span that is at fault."""
    of_report = [f"{owner}__report__{name}" for name in ("slug", "source_start", "source_end")]
    of_text = [f"{owner}__report__source_text__{name}" for name in ("sha256", "extractor")]
    columns = [*of_report, *of_text, f"{owner}__key", f"{owner}_id", "start", "end", "digest"]
    for slug, low, high, sha256, extractor, key, pk, start, end, digest in rows.values_list(*columns):
        span = {"start": start, "end": end, "digest": digest}
        if span_fault(span, low or 0, high, squeezed_text(sha256, extractor)):
            yield slug, key, reverse(f"admin:recommendations_{owner}_change", args=[pk])
