"""Terms of facets of very many values stand before the 0 in the tallies, no longer behind it: see `Tally`."""

from django.db import migrations

NARROW = "term IN (SELECT id FROM portal_term WHERE facet IN ('report', 'author', 'question', 'work', 'person', 'end'))"
THERE = f"UPDATE portal_tally SET term = beside, beside = 0 WHERE term = 0 AND {NARROW.replace('term', 'beside', 1)}"
BACK = f"UPDATE portal_tally SET beside = term, term = 0 WHERE beside = 0 AND {NARROW}"


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_api_keys")]
    operations = [migrations.RunSQL(THERE, BACK)]
