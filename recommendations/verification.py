"""Proof of the evidence: every stored text against its file, every span against the text that it stands in."""

from dataclasses import dataclass, field

from portal.text import SPAN_MAX, SPAN_MIN
from recommendations.models import Evidence, Resolution
from reports.ingest import is_whole
from reports.models import Citation, Mention, Report, SourceText


@dataclass
class Verification:
    """What a check found: `proven` spans, `unheld` ones (their text is not here), and a sentence for each fault."""

    proven: int = 0
    unheld: int = 0
    faults: list = field(default_factory=list)


def spans(report):
    """Yield (name of the row, selector) for every span of a report."""
    for owner in ("recommendation", "position", "rating"):
        for row in Evidence.objects.filter(**{f"{owner}__report": report}).select_related(owner).order_by("pk"):
            yield getattr(row, owner).key, row.selector
    for row in Citation.objects.filter(report=report).exclude(start=None):
        yield row.key, row.selector
    for row in Mention.objects.filter(report=report).select_related("event"):
        yield f"mention of {row.event.slug}", row.selector
    for row in Resolution.objects.filter(report=report).select_related("question"):
        yield f"resolution of {row.question.slug}", row.selector


def verify(texts=None):
    """Check every stored text and every span of every report, drafts included.

    `texts` maps SHA-256 to SqueezedText, beside what is held.
    """
    result = Verification()
    for source in SourceText.objects.iterator(chunk_size=20):
        if not is_whole(source):
            result.faults.append(f"{source.file_name}: the stored text is not that of the file {source.sha256[:12]}….")
    for report in Report.objects.select_related("source_text").defer("source_text__text").order_by("slug"):
        text = report.squeezed or (texts or {}).get(report.source_sha256)
        if report.source_text and report.source_text.sha256 != report.source_sha256:
            result.faults.append(f"{report.slug}: the attached text is not the one that was coded.")
            continue
        low, high = report.extent
        if text is not None and high is not None and high > len(text):
            result.faults.append(f"{report.slug}: the source has {len(text)} characters, the report ends at {high}.")
        for name, span in spans(report):
            fault = span_fault(span, low, high, text)
            if fault:
                result.faults.append(f"{report.slug} {name} {span['start']}–{span['end']}: {fault}")
            elif text is None:
                result.unheld += 1
            else:
                result.proven += 1
    return result


def span_fault(span, low, high, text):
    """Return what is wrong with a selector, or None."""
    start, end = span["start"], span["end"]
    if not SPAN_MIN <= end - start <= SPAN_MAX:
        return f"it has {end - start} characters, not {SPAN_MIN} to {SPAN_MAX}."
    if start < low or high is not None and end > high:
        return f"it lies outside the report ({low}–{high})."
    if text is not None and text.digest(start, end) != span["digest"]:
        return "the text reads otherwise than the digest says."
    return None
