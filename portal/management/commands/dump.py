"""Write everything public into a folder for download."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.dumping import dump
from portal.dumps import DumpError, prune


class Command(BaseCommand):
    help = (
        "Write a dump: all that is public at this moment as JSON Lines and SQLite, with the codebook, a data "
        "dictionary and checksums. It is made aside and appears whole: whatever goes wrong, the dumps before it stay."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dir", type=Path, metavar="DIR", help="folder of the dumps (default: DUMP_DIR)")
        parser.add_argument("--keep", type=int, metavar="N", help="remove all dumps but the newest N (default: none)")

    def handle(self, *, dir, keep, **options):
        if keep is not None and keep < 1:
            raise CommandError("--keep must be at least 1.")
        folder = dir or Path(settings.DUMP_DIR)
        try:
            written = dump(folder, lambda name, rows: self.stdout.write(f"{name}: {rows}"))
        except DumpError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Written: {written}")
        if keep:
            for name in prune(folder, keep):
                self.stdout.write(f"Removed: {name}")
