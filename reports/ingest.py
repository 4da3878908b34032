"""Source files into the database, and the ties between reports, their texts and the places in them."""

import hashlib
from pathlib import Path

from portal import __version__
from portal.index import renewed
from reports.models import Report, SourceText, squeezed_text

PLAIN_TEXT = "plain text"
EXTRACTOR = f"{PLAIN_TEXT} {__version__}"
MAX_BYTES = 50_000_000


class IngestError(Exception):
    """A source file is refused; the message says why, in one sentence."""


def read_source(path):
    """Return (sha256, text) of a plain-text file in UTF-8. Raises IngestError."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise IngestError(f"{path.name}: the file is larger than {MAX_BYTES:,} bytes.")
        content = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{path.name}: the file cannot be read: {error.strerror}.") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IngestError(f"{path.name}: the file is not plain text in UTF-8 (byte {error.start}).") from error
    if "\0" in text:
        raise IngestError(f"{path.name}: the file holds a NUL character, so it is no plain text.")
    if not text.strip():
        raise IngestError(f"{path.name}: the file holds no text.")
    return hashlib.sha256(content).hexdigest(), text


def ingest(path, report=None):
    """Store a source file and attach it to the reports that name its hash, or to `report` if one is given.

    Returns (source_text, attached reports). A file already stored is not stored again. A report whose coding points
    into another file, by hash, is refused rather than re-attached: its evidence would no longer hold.
    """
    sha256, text = read_source(path)
    with renewed(*Report.objects.filter(source_sha256=sha256).exclude(source_text__sha256=sha256)) as rows:
        rows += [report] if report is not None else []
        return stored(path, sha256, text, report)


def stored(path, sha256, text, report):
    """Store what `ingest` has read; called in its transaction."""
    if report is not None:
        report = Report.objects.select_for_update().get(pk=report.pk)  # as it stands now, not as the caller read it
        if report.source_sha256 not in ("", sha256):
            raise IngestError(f"{Path(path).name}: the evidence of “{report.slug}” was coded from another file.")
    source, _ = SourceText.objects.get_or_create(
        sha256=sha256, defaults={"file_name": Path(path).name, "text": text, "extractor": EXTRACTOR}
    )
    if report is not None and not report.source_sha256:
        report.source_file, report.source_sha256 = source.file_name, sha256
        report.save(update_fields=["source_file", "source_sha256"])
    Report.objects.filter(source_sha256=sha256).exclude(source_text=source).update(source_text=source)
    return source, list(Report.objects.filter(source_text=source))


def is_whole(source):
    """Tell whether a stored plain text is still that of its file; what another extractor read cannot be told."""
    if not source.extractor.startswith(PLAIN_TEXT):
        return True
    return source.sha256 in {hashlib.sha256(source.text.encode(name)).hexdigest() for name in ("utf-8", "utf-8-sig")}


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
