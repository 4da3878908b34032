"""Many rows at once into the tables of models: COPY on PostgreSQL, executemany elsewhere.

Nothing here runs `save()`, `full_clean()` or a field's `pre_save`: the caller brings rows that are true, and the
database checks its constraints. Every function belongs inside one transaction.
"""

import json
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import connection, models

MEMORY = 256  # megabytes: for sorting an index on PostgreSQL, for pages on SQLite

# Each takes table names as a JSON list and gives (SQL that takes a thing off, SQL that puts it back).
CONSTRAINTS = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE contype IN ('f', 'u')
      AND conrelid IN (SELECT to_regclass(quote_ident(name)) FROM json_array_elements_text(%s) AS name)
    ORDER BY contype, conname
"""  # foreign keys go before the unique constraints that they may rest on, and come back after them
INDEXES = """
    SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
      AND indrelid IN (SELECT to_regclass(quote_ident(name)) FROM json_array_elements_text(%s) AS name)
    ORDER BY indexrelid
"""
SQLITE_INDEXES = """
    SELECT 'DROP INDEX "' || name || '"', sql FROM sqlite_master
    WHERE type = 'index' AND sql <> '' AND tbl_name IN (SELECT value FROM json_each(%s))
    ORDER BY name
"""


def table_of(model):
    return connection.ops.quote_name(model._meta.db_table)


class Table:
    """The table of a model, to which rows are added as tuples of `names`; other columns take their field's default.

    `names` are attribute names (`report_id`). Values are those that the database stores, but for JSON and moments.
    """

    def __init__(self, model, names):
        fields = {field.attname: field for field in model._meta.concrete_fields}
        given = [fields.pop(name) for name in names]
        columns = [connection.ops.quote_name(field.column) for field in (*given, *fields.values())]
        self.target = f"{table_of(model)} ({', '.join(columns)})"
        self.rest = tuple(field.get_db_prep_save(field.get_default(), connection) for field in fields.values())
        self.prepared = [
            (place, field)
            for place, field in enumerate(given)
            if isinstance(field, (models.JSONField, models.DateTimeField))
        ]
        self.width = len(columns)

    def add(self, rows):
        """Add rows, [tuple]."""
        whole = (self.whole(row) for row in rows)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with connection.wrap_database_errors, cursor.copy(f"COPY {self.target} FROM STDIN") as copy:
                    for row in whole:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * self.width)
                cursor.executemany(f"INSERT INTO {self.target} VALUES ({marks})", whole)  # noqa: S608

    def whole(self, row):
        if self.prepared:
            row = list(row)
            for place, field in self.prepared:
                row[place] = field.get_db_prep_save(row[place], connection)
        return (*row, *self.rest)


def first_free(model):
    """Return an id from which on none was ever given out. The table must be locked, as it is in `unindexed()`."""
    name, key = model._meta.db_table, connection.ops.quote_name(model._meta.pk.column)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"SELECT GREATEST(nextval(pg_get_serial_sequence(%s, %s)), MAX({key}) + 1) FROM {table_of(model)}",  # noqa: S608
                [table_of(model), model._meta.pk.column],
            )
        else:
            cursor.execute("SELECT COALESCE(MAX(seq), 0) + 1 FROM sqlite_sequence WHERE name = %s", [name])
        return cursor.fetchone()[0]


@contextmanager
def unindexed(tables):
    """Lock the tables of these models and take off, for the block, whatever is cheaper to build than to keep up.

    On PostgreSQL that is every index but the primary key's, and every unique and foreign key constraint: adding them
    again checks every row. Other constraints stay. It is all part of the transaction: when the block fails, nothing has
    happened. Afterwards the sequences stand behind the last id. On PostgreSQL readers wait until the transaction ends.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            connection.check_constraints()  # what earlier statements left for the commit would forbid the changes below
            cursor.execute(f"LOCK TABLE {', '.join(map(table_of, tables))} IN ACCESS EXCLUSIVE MODE")
            cursor.execute(f"SET LOCAL maintenance_work_mem = '{MEMORY}MB'")
            made = taken_off(cursor, CONSTRAINTS, tables) + taken_off(cursor, INDEXES, tables)
        else:
            made = taken_off(cursor, SQLITE_INDEXES, tables)
        with roomy(cursor):
            yield
            for statement in reversed(made):
                cursor.execute(statement)
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)


@contextmanager
def roomy(cursor):
    """Let SQLite keep more pages in memory for the block; PostgreSQL was told for the transaction."""
    if connection.vendor == "postgresql":
        yield
        return
    usual = cursor.execute("PRAGMA cache_size").fetchone()[0]
    cursor.execute(f"PRAGMA cache_size = -{MEMORY * 1024}")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA cache_size = {usual}")


def taken_off(cursor, query, tables):
    """Run the statements that a query gives first for these tables; return the ones that put everything back."""
    cursor.execute(query, [json.dumps([model._meta.db_table for model in tables])])
    rows = cursor.fetchall()
    for statement, _back in rows:
        cursor.execute(statement)
    return [back for _statement, back in rows]
