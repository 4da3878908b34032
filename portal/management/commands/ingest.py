"""Store source files and attach them to the reports that were coded from them."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from reports.ingest import IngestError, ingest
from reports.models import Report


class Command(BaseCommand):
    help = (
        "Store plain-text source files (UTF-8) and attach each, by its SHA-256, to the reports that name that hash. "
        "With --report, a report that names no source yet takes the file as its own."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--report", metavar="SLUG", help="attach to this report")

    def handle(self, *, files, report, **options):
        if report is not None:
            slug, report = report, Report.objects.filter(slug=report).first()
            if report is None:
                raise CommandError(f"There is no report “{slug}”.")
            if len(files) > 1:
                raise CommandError("A report has one source: name one file with --report.")
        refused = 0
        for path in files:
            try:
                source, attached = ingest(path, report)
            except IngestError as error:
                refused += 1
                self.stderr.write(self.style.ERROR(str(error)))
            else:
                to = ", ".join(sorted(row.slug for row in attached)) or "no report names this hash"
                self.stdout.write(f"{source.file_name}: {to}")
        if refused:
            raise CommandError(f"{refused} of {len(files)} files refused.")
