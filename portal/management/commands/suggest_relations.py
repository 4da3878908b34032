"""Propose relations between recommendations of different reports, for editors to confirm or to reject."""

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from recommendations.models import CrossReference, PolicyArea, Recommendation
from recommendations.suggestion import Corpus, best, item, rationales, suggestion
from reports.models import Report


def pair(row):
    """Return the two ends of a relation, whichever is which."""
    return frozenset((row.source.natural_key(), row.target.natural_key()))


class Command(BaseCommand):
    help = (
        "Propose relations between recommendations of different reports from what they share: questions, policy areas, "
        "addressees, instruments, kind of act, words. Readers see none before an editor confirms it. A pair that has a "
        "relation in any state is never proposed again; a second run only brings the scores of what waits up to date."
    )

    def add_arguments(self, parser):
        parser.add_argument("--limit", type=int, default=200, help="how many of the best pairs are put before editors")
        parser.add_argument(
            "--report", nargs="+", default=[], metavar="SLUG", help="only pairs with an end in one of these reports"
        )
        parser.add_argument("--dry-run", action="store_true", help="print the new pairs and store nothing")

    def handle(self, *, limit, report, dry_run, **options):
        if limit < 1:
            raise CommandError("--limit must be at least 1.")
        if missing := set(report) - set(Report.objects.filter(slug__in=report).values_list("slug", flat=True)):
            raise CommandError(f"There is no report {', '.join(sorted(missing))}.")
        above = PolicyArea.objects.in_bulk()
        corpus = Corpus(item(row, above) for row in Recommendation.objects.for_suggestions())
        rows = CrossReference.objects.select_related("source__report", "target__report")
        waiting = {pair(row): row for row in rows.proposed()}
        proposals = set(waiting.values())
        known = {pair(row) for row in rows if row not in proposals}
        found = best(corpus, limit, known, report)
        fresh = [one for one in found if one.pair not in waiting]
        if dry_run:
            for one in fresh:
                ends = [f"{end.report}/{end.key[1]}" for end in (one.source, one.target)]
                self.stdout.write(f"{one.score:.4f} {ends[0]} {one.kind} {ends[1]}: {rationales(one, corpus)['en']}")
        else:
            with transaction.atomic():
                self.store(fresh, corpus)
                self.refresh(waiting, corpus)
        self.stdout.write(f"New: {len(fresh)}. Waiting already: {len(waiting)}.")

    def store(self, fresh, corpus):
        for one in fresh:
            said = rationales(one, corpus)
            CrossReference.objects.create(
                source=one.source.row,
                target=one.target.row,
                kind=one.kind,
                score=one.score,
                reasons=one.signals,
                rationale_zh=said["zh"],
                rationale_en=said["en"],
            )

    def refresh(self, waiting, corpus):
        """Bring scores and signals up to date; kind and rationale may have been edited and stay."""
        items = {one.key: one for one in corpus.items}
        for ends, row in waiting.items():
            if ends <= items.keys():
                one = suggestion(corpus, *(items[key] for key in ends))
                if (row.score, row.reasons) != (one.score, one.signals):
                    row.score, row.reasons = one.score, one.signals
                    row.save(update_fields=["score", "reasons"])
