"""Load dossiers into the database."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal.index import chunks, together
from recommendations.dossier import DossierError
from recommendations.ingest import load_dossier, refresh_statistics

CORPUS = Path(__file__).resolve().parents[3] / "reports" / "corpus"
TOGETHER = 50  # dossiers for which the index is renewed at once; editors wait for so many


def dossier_paths(paths):
    """Return the dossier files of files and folders: the vocabulary first, relations last, for rows name others."""
    found = []
    for path in map(Path, paths):
        found += sorted(path.glob("*.json")) if path.is_dir() else [path]
    return sorted(found, key=lambda path: {"vocabulary": 0, "relations": 2}.get(path.stem, 1))


class Command(BaseCommand):
    help = (
        "Load dossiers (JSON files, or folders of them; by default the shipped corpus). Each is loaded whole or not at "
        "all: a bad one is refused with file, JSON path and reason, and the command exits 1."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "paths", nargs="*", metavar="PATH", help="dossier file or folder; default: the shipped corpus"
        )

    def handle(self, *, paths, **options):
        refused = 0
        found = dossier_paths(paths or [CORPUS])
        if not found:
            raise CommandError(f"There is no dossier in {', '.join(map(str, paths))}.")
        for some in chunks(found, TOGETHER):
            loaded, known = [], {}
            with together():
                for path in some:
                    try:
                        loaded.append((path, load_dossier(path, known)))
                    except DossierError as error:
                        refused += 1
                        self.stderr.write(self.style.ERROR(str(error)))
            for path, slugs in loaded:
                self.stdout.write(f"{path.name}: {', '.join(slugs) or path.stem}")
        refresh_statistics()
        if refused:
            raise CommandError(f"{refused} of {len(found)} dossiers refused; nothing of them was loaded.")
