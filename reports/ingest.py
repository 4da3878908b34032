"""Source files into the database, and the ties between reports, their texts and the places in them."""

import hashlib
import re
from pathlib import Path

from portal import __version__
from portal.index import renewed
from reports.extraction import PLAIN_TEXT, Refused, extracted
from reports.models import Report, SourceText, squeezed_text


class IngestError(Exception):
    """A source file is refused; the message says why, in one sentence."""


def read_source(path):
    """Return what a file of any form that `reports.extraction` reads holds, Extracted. Raises IngestError."""
    try:
        return extracted(path)
    except Refused as refused:
        raise IngestError(f"{Path(path).name}: {refused}") from refused


def sha256_of(path):
    """Return the SHA-256 of a file, without reading what it says. Raises IngestError."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IngestError(f"{Path(path).name}: The file cannot be read: {error.strerror}.") from error


def ingest(path, report=None):
    """Store a source file and attach it to the reports that name its hash, or to `report` if one is given.

    Returns (source_text, attached reports). A file already stored is not stored again. A report whose coding points
    into another file, by hash, is refused rather than re-attached: its evidence would no longer hold.
    """
    read = read_source(path)
    named = Report.objects.filter(source_sha256=read.sha256).exclude(source_text__sha256=read.sha256)
    with renewed(*named) as rows:
        rows += [report] if report is not None else []
        return stored(path, read, report)


def stored(path, read, report):
    """Store what `ingest` has read; called in its transaction."""
    if report is not None:
        report = Report.objects.select_for_update().get(pk=report.pk)  # as it stands now, not as the caller read it
        if report.source_sha256 not in ("", read.sha256):
            raise IngestError(f"{Path(path).name}: the evidence of “{report.slug}” was coded from another file.")
    told = {"file_name": Path(path).name, "text": read.text, "extractor": f"{read.extractor} {__version__}"}
    source, _ = SourceText.objects.get_or_create(sha256=read.sha256, defaults=told)
    if report is not None and not report.source_sha256:
        report.source_file, report.source_sha256 = source.file_name, read.sha256
        report.save(update_fields=["source_file", "source_sha256"])
    Report.objects.filter(source_sha256=read.sha256).exclude(source_text=source).update(source_text=source)
    return source, list(Report.objects.filter(source_text=source))


def is_whole(source):
    """Tell whether a stored plain text is still that of its file; what another extractor read cannot be told."""
    if not source.extractor.startswith(PLAIN_TEXT):
        return True
    charset = re.search(r"\((.+)\)", source.extractor)
    charsets = [charset[1]] if charset else ["utf-8", "utf-8-sig"]
    return source.sha256 in {hashlib.sha256(source.text.encode(name)).hexdigest() for name in charsets}


def attach_held_text(report):
    """Tie a report to the source text that its hash names, when that text is held. Writes only what differs."""
    source = SourceText.objects.filter(sha256=report.source_sha256).values_list("pk", flat=True).first()
    if source != report.source_text_id:
        report.source_text_id = source
        report.save(update_fields=["source_text"])


def held_text(sha256):
    """Return the SqueezedText of a held source by its hash, or None."""
    source = SourceText.objects.filter(sha256=sha256).only("extractor").first() if sha256 else None
    return squeezed_text(sha256, source.extractor) if source else None
