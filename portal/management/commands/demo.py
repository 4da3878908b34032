"""One command from nothing to the running portal with the shipped corpus."""

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from gunicorn.app.base import BaseApplication

from portal.index import together
from portal.management.commands.load_corpus import CORPUS, dossier_paths
from portal.models import Entry
from recommendations.dossier import DossierError
from recommendations.ingest import load_dossier, refresh_statistics
from reports.ingest import IngestError, ingest, sha256_of
from reports.models import Report

EDITOR = "editor"


class Command(BaseCommand):
    help = (
        "Migrate, load the shipped corpus, make an editor account, collect static files, and serve. Running it again "
        "changes nothing: a publication that is there already is left as its editors made it."
    )
    requires_system_checks = []  # they read every view, which Gunicorn does once more

    def add_arguments(self, parser):
        parser.add_argument("--no-serve", action="store_true", help="stop before serving")
        parser.add_argument("--port", type=int, default=8000, metavar="N", help="port on 127.0.0.1 (default: 8000)")
        parser.add_argument(
            "--texts", type=Path, metavar="DIR", help="also attach the source files in DIR, matched by SHA-256"
        )

    def handle(self, *, no_serve, port, texts, **options):
        if not 1 <= port <= 65535:
            raise CommandError(f"{port} is no port: choose 1 to 65535.")
        if texts is not None and not texts.is_dir():
            raise CommandError(f"There is no folder {texts}.")
        self.migrate()
        self.load_corpus()
        if texts is not None:
            self.attach(texts)
        self.build_index()
        self.make_editor()
        if not no_serve:
            self.serve(port)

    def step(self, words):
        self.stdout.write(self.style.MIGRATE_HEADING(words))
        self.stdout.flush()

    def migrate(self):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.step("Preparing the database")
            call_command("migrate", verbosity=0)

    def load_corpus(self):
        """Load every shipped publication that is not in the database; where one is missing, what they share too."""
        vocabulary, *publications, relations = dossier_paths([CORPUS])
        held = set(Report.objects.values_list("slug", flat=True))
        missing = [path for path in publications if path.stem not in held]
        if not missing:
            return self.step("The corpus is loaded already")
        wanted, known = [vocabulary, *missing, relations], {}
        try:
            with together():
                for number, path in enumerate(wanted, 1):
                    self.step(f"Loading {path.stem} ({number} of {len(wanted)})")
                    load_dossier(path, known)
        except DossierError as error:
            raise CommandError(str(error)) from error
        refresh_statistics()

    def build_index(self):
        """Make the index where there is none, as in an older database; where there is one, loading has kept it."""
        if not Entry.objects.exists():
            self.step("Building the search index")
            call_command("rebuild_search", stdout=self.stdout)

    def attach(self, folder):
        """Attach the source files that a report names by hash; others in the folder are none of ours."""
        named = set(Report.objects.exclude(source_sha256="").values_list("source_sha256", flat=True))
        for path in sorted(folder.iterdir()):
            try:
                if path.is_file() and sha256_of(path) in named:
                    source, attached = ingest(path)
                    self.step(f"Attached {source.file_name} to {', '.join(report.slug for report in attached)}")
            except IngestError as error:
                self.stderr.write(self.style.WARNING(str(error)))

    def make_editor(self):
        """Make the editor account once; its password is printed once and stored nowhere."""
        users = get_user_model().objects
        if users.filter(username=EDITOR).exists():
            return
        password = secrets.token_urlsafe(12)
        editor = users.create_user(EDITOR, password=password, is_staff=True)
        editor.groups.add(Group.objects.get(name="editor"))
        self.stdout.write(f"Editor account: {EDITOR}   password: {password}   (shown only now)")

    def serve(self, port):
        """Serve with Gunicorn, in this process and one that it begins: see `portal.trial` for its surroundings."""
        if not collected():
            self.step("Collecting static files")
            call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write(f"Serving on http://127.0.0.1:{port}/ (Ctrl-C stops)")
        self.stdout.flush()
        for each in connections.all():
            each.close()
            if each.vendor == "postgresql":
                each.close_pool()  # no process may use what another one has opened
        Server(port).run()


class Server(BaseApplication):
    """Gunicorn on a port of this machine, with the portal that this process has loaded already."""

    def __init__(self, port):
        self.port = port
        super().__init__()

    def load_config(self):
        for name, value in {
            "bind": f"127.0.0.1:{self.port}",
            "threads": 4,
            "limit_request_line": 8190,  # the most there is: forty values of a filter make a long address
            "preload_app": True,
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self):
        from portal.wsgi import application  # reads every view, and is to be read where it serves

        return application


def collected():
    """Tell whether the static files that are served are no older than those that are written or installed."""
    manifest = Path(settings.STATIC_ROOT) / ManifestStaticFilesStorage.manifest_name
    if not manifest.exists():
        return False
    files = (storage.path(name) for finder in get_finders() for name, storage in finder.list([]))
    return max(os.stat(file).st_ctime for file in files) < manifest.stat().st_mtime
