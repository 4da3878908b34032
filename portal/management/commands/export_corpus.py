"""Write the corpus back as dossiers."""

from pathlib import Path

from django.core.management.base import BaseCommand
from django.db import transaction

from recommendations.dossier import dump
from recommendations.dump import publications, relations, vocabulary


class Command(BaseCommand):
    help = "Write every publication, the shared vocabulary and the relations as dossiers into a folder."

    def add_arguments(self, parser):
        parser.add_argument("directory", metavar="DIR", type=Path)

    @transaction.atomic
    def handle(self, *, directory, **options):
        directory.mkdir(parents=True, exist_ok=True)
        written = {"vocabulary": vocabulary(), "relations": relations()}
        written |= {data["reports"][0]["slug"]: data for data in publications()}
        for name, data in written.items():
            (directory / f"{name}.json").write_text(dump(data), encoding="utf-8")
            self.stdout.write(f"{name}.json")
