"""SQLite keeps the first characters of tokens in an index of their own, by which a single character is found at once."""

from django.db import migrations

MADE = "CREATE VIRTUAL TABLE portal_token_anew USING fts5(head, body, tokenize='ascii'{})"


def anew(more):
    """Return an operation that makes the table once more, with other options, from what is in it."""

    def make(apps, schema_editor):
        if schema_editor.connection.vendor != "sqlite":
            return
        for statement in (
            MADE.format(more),
            "INSERT INTO portal_token_anew (rowid, head, body) SELECT rowid, head, body FROM portal_token ORDER BY rowid",
            "DROP TABLE portal_token",
            "ALTER TABLE portal_token_anew RENAME TO portal_token",
        ):
            schema_editor.execute(statement)

    return make


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_tallies_of_narrow_terms")]
    operations = [migrations.RunPython(anew(", prefix='1'"), anew(""))]
