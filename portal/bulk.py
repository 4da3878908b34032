"""Many rows at once into the tables of models: COPY on PostgreSQL, executemany elsewhere.

Nothing here runs `save()`, `full_clean()` or a field's `pre_save`: the caller brings rows that are true, and the
database checks its constraints. Every function belongs inside one transaction.
"""

import json
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import connection, models

# Fields whose values the database stores as they are
PLAIN = (models.CharField, models.TextField, models.IntegerField, models.FloatField, models.ForeignKey)
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


def target(model, fields):
    return f"{table_of(model)} ({', '.join(connection.ops.quote_name(field.column) for field in fields)})"


def write(target, width, rows, meanwhile=None):
    """Add rows, an iterable of tuples of `width` values as the database stores them, to a target, `table (columns)`.

    PostgreSQL works at what it has while the next rows are made and `meanwhile` is called; neither may ask it anything.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
                if meanwhile:
                    meanwhile()
        else:
            marks = ", ".join(["%s"] * width)
            cursor.executemany(f"INSERT INTO {target} VALUES ({marks})", rows)  # noqa: S608
            if meanwhile:
                meanwhile()


def insert(rows):
    """Add new instances of one model, and give them their ids, as `bulk_create` does at five times the cost."""
    if not rows:
        return
    model, fields = type(rows[0]), rows[0]._meta.concrete_fields
    if isinstance(model._meta.pk, models.AutoField):
        for row, pk in zip(rows, new_ids(model, len(rows)), strict=True):
            row.pk = pk
    write(target(model, fields), len(fields), told(rows, fields))
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def update(rows, names):
    """Write these attributes of stored instances of one model, as `bulk_update` does at many times the cost."""
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if field.attname in names]
    setting = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    key = connection.ops.quote_name(model._meta.pk.column)
    with connection.cursor() as cursor:
        changes = list(told(rows, [*fields, model._meta.pk]))
        cursor.executemany(f"UPDATE {table_of(model)} SET {setting} WHERE {key} = %s", changes)  # noqa: S608


def told(rows, fields):
    """Return an iterator over the values of instances in these fields, as the database stores them."""
    values = ([getattr(row, field.attname) for field in fields] for row in rows)
    special = [(place, field) for place, field in enumerate(fields) if not isinstance(field, PLAIN)]
    return (prepared(row, special) for row in values) if special else values


def prepared(row, fields):
    """Return the values of a row with those of some fields, [(place, field)], as the database stores them."""
    row = list(row)
    for place, field in fields:
        row[place] = field.get_db_prep_save(row[place], connection)
    return row


def new_ids(model, n):
    """Return `n` ids of which none was ever given out. On SQLite the transaction must be one that writes."""
    name, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table_of(model), key, n]
            )
            return [pk for (pk,) in cursor.fetchall()]
        cursor.execute("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = %s", [name])
        last = cursor.fetchone()[0]
    return range(last + 1, last + n + 1)


class Table:
    """The table of a model, to which rows are added as tuples of `names`; other columns take their field's default.

    An id that is not among them is the database's to give.

    `names` are attribute names (`report_id`). Values are those that the database stores, but for JSON and moments.
    """

    def __init__(self, model, names):
        fields = {field.attname: field for field in model._meta.concrete_fields}
        given = [fields.pop(name) for name in names]
        rest = [field for field in fields.values() if not isinstance(field, models.AutoField)]
        self.target, self.width = target(model, [*given, *rest]), len(given) + len(rest)
        self.rest = tuple(field.get_db_prep_save(field.get_default(), connection) for field in rest)
        self.prepared = [
            (place, field)
            for place, field in enumerate(given)
            if isinstance(field, (models.JSONField, models.DateTimeField))
        ]

    def add(self, rows, meanwhile=None):
        """Add rows, an iterable of tuples; for `meanwhile` see `write`."""
        whole = map(self.whole, rows) if self.prepared or self.rest else rows
        write(self.target, self.width, whole, meanwhile)

    def whole(self, row):
        return (*(prepared(row, self.prepared) if self.prepared else row), *self.rest)


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
