"""Make the index of lists, facets and searches anew."""

from django.core.management.base import BaseCommand, CommandError

from portal import index
from portal.loading import load


class Command(BaseCommand):
    help = (
        "Make the index of lists, facets and searches anew while the site serves: batch by batch, so that at no time "
        "anything is missing; what breaks off leaves the rest as it was. With --check nothing is written: whatever in "
        "the index is not what the data demand is named, and the command exits 1. With --at-once all is written in one "
        "transaction, several times faster; on PostgreSQL readers of the index wait until it ends."
    )

    def add_arguments(self, parser):
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--check", action="store_true", help="compare the index with the data and change nothing")
        ways.add_argument("--at-once", action="store_true", help="make it from nothing, in one transaction")

    def handle(self, *, check, at_once, verbosity, **options):
        if check:
            found = 0
            for found, fault in enumerate(index.faults(), 1):  # noqa: B007
                self.stderr.write(self.style.ERROR(fault))
            if found:
                raise CommandError(f"{found} faults; `manage.py rebuild_search` mends them.")
            return self.stdout.write("The index is what the data demand.")
        done = {}

        def progress(kind, n):
            done[kind.label] = done.get(kind.label, 0) + n
            if verbosity > 1:
                self.stdout.write(f"{kind.label}: {done[kind.label]}")

        (load if at_once else index.rebuild)(progress)
        self.stdout.write(f"The index has {index.Entry.objects.count()} entries.")
