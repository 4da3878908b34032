"""Write a large synthetic corpus, to measure the portal with."""

import time

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.loading import load
from recommendations.ingest import refresh_statistics
from recommendations.sample import held, make_sample

STEPS = 20  # lines of progress, at most


class Command(BaseCommand):
    help = (
        "Write a synthetic corpus for measuring, beside whatever is in the database: every slug begins with “sample-”. "
        "The same size and seed give the same rows. One transaction, all or nothing, in which the tables are locked; "
        "refused where a sample is already."
    )

    def add_arguments(self, parser):
        parser.add_argument("--reports", type=int, required=True, metavar="N", help="how many reports to write")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="what to draw from (default: 1)")

    def handle(self, *, reports, seed, **options):
        if reports < 1:
            raise CommandError("--reports must be at least 1.")
        if found := held():
            names = ", ".join(model._meta.label for model in found)
            raise CommandError(f"There is a sample in this database already ({names}): use an empty database.")
        self.start, self.reports, self.told, self.kind = time.monotonic(), reports, 0, None
        with transaction.atomic():
            written = make_sample(reports, seed, self.tell)
            refresh_statistics()
            begun, seconds = time.monotonic(), time.monotonic() - self.start
            entries = load(self.loaded)
        rows, taken = sum(written.values()), time.monotonic() - begun
        for model, n in written.items():
            self.stdout.write(f"{n:12,} {model._meta.label}")
        self.stdout.write(
            f"{rows:,} rows in {seconds:.1f} seconds: {rows / seconds:,.0f} a second; "
            f"{entries:,} entries of the index in {taken:.1f} seconds: {entries / taken:,.0f} a second."
        )

    def tell(self, done):
        """Print a line each time another twentieth of the reports is written, and when the indexes are next."""
        if done == self.reports or done * STEPS >= (self.told + 1) * self.reports:
            self.told = done * STEPS // self.reports
            self.line(f"{done:,} of {self.reports:,} reports")
        if done == self.reports:
            self.line("Building the indexes")

    def loaded(self, kind, n):
        """Print a line each time the index comes to another kind of entries."""
        if kind != self.kind:
            self.kind = kind
            self.line(f"Indexing {kind.name.lower()}")

    def line(self, words):
        self.stdout.write(f"{words}, {time.monotonic() - self.start:.0f} s")
        self.stdout.flush()
