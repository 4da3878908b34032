"""Re-check every piece of evidence against the source texts."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal.text import SqueezedText
from recommendations.verification import verify
from reports.ingest import IngestError, read_source


class Command(BaseCommand):
    help = (
        "Check that every span lies inside its report and reads as its digest says, and that stored texts are whole. "
        "Texts come from the database; --texts adds those of a folder without storing them. Exits 1 naming each fault."
    )

    def add_arguments(self, parser):
        parser.add_argument("--texts", metavar="DIR", type=Path, help="folder of source files, matched by SHA-256")

    def handle(self, *, texts, **options):
        found = {}
        if texts is not None:
            if not texts.is_dir():
                raise CommandError(f"There is no folder {texts}.")
            for path in sorted(texts.glob("*.txt")):
                try:
                    read = read_source(path)
                except IngestError as error:
                    raise CommandError(str(error)) from error
                found[read.sha256] = SqueezedText(read.text)
        result = verify(found)
        for fault in result.faults:
            self.stderr.write(self.style.ERROR(fault))
        self.stdout.write(
            f"Spans proven: {result.proven}. Spans of texts that are not held: {result.unheld}. "
            f"Faults: {len(result.faults)}."
        )
        if result.faults:
            raise CommandError(f"Faults in the evidence: {len(result.faults)}.")
