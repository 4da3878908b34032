"""Read source files, show what they hold, or store them and attach them to the reports that were coded from them."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from reports.ingest import IngestError, ingest, read_source
from reports.models import Report
from reports.repair import Repaired


class Command(BaseCommand):
    help = (
        "Read source files (plain text, PDF, DOCX, saved HTML), store each, and attach it, by its SHA-256, to the "
        "reports that name that hash. With --report, a report that names no source yet takes the file as its own. With "
        "--dry-run nothing is stored, and the headings, paragraphs and notes are counted, or with --json printed: "
        "one object a line for each file, in which notes name the number of their paragraph, from 1."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--report", metavar="SLUG", help="attach to this report")
        parser.add_argument("--dry-run", action="store_true", help="store nothing")
        parser.add_argument("--json", action="store_true", help="with --dry-run: print what the files hold")

    def handle(self, *, files, report, dry_run, **options):
        if options["json"] and not dry_run:
            raise CommandError("--json belongs to --dry-run.")
        if report is not None:
            slug, report = report, Report.objects.filter(slug=report).first()
            if report is None:
                raise CommandError(f"There is no report “{slug}”.")
            if len(files) > 1:
                raise CommandError("A report has one source: name one file with --report.")
        refused = 0
        for path in files:
            try:
                if options["json"]:
                    said = json.dumps({"file": path.name} | shape(read_source(path)), ensure_ascii=False)
                elif dry_run:
                    said = f"{path.name}: {counted(read_source(path))}"
                else:
                    source, attached = ingest(path, report)
                    to = ", ".join(sorted(row.slug for row in attached)) or "no report names this hash"
                    said = f"{source.file_name}: {to}"
            except IngestError as error:
                refused += 1
                self.stderr.write(self.style.ERROR(str(error)))
            else:
                self.stdout.write(said)
        if refused:
            raise CommandError(f"{refused} of {len(files)} files refused.")


def shape(read):
    """Return what a file holds as --json prints it: {"sections", "passages", "notes"}."""
    found = Repaired(read.pieces)
    return {
        "sections": [{"level": piece.level, "heading": piece.text} for piece in found.sections],
        "passages": [piece.text for piece in found.passages],
        "notes": [
            {
                "mark": piece.mark,
                "text": piece.text,
                "passage": None if piece.passage is None else piece.passage + 1,
            }
            for piece in found.notes
        ],
    }


def counted(read):
    found = shape(read)
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in found.items())
    return f"{counts} ({read.extractor})"
