"""How quick the shipped dossiers are loaded, as a share of the speed at which the same rows go in with nothing asked.

On an empty database, with all its tables, constraints and indexes as they are; every round is rolled back. See
`tests.benchmarks.loading`.
"""

from tests.benchmarks import ground  # noqa: F401

# isort: split
import os
import time
from contextlib import contextmanager
from statistics import median

from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from portal.models import Entry, Posting, Tally, Term
from portal.text import pinyin

ROUNDS = 5
TRUTH = [
    model._meta.db_table
    for label in ("reports", "recommendations")
    for model in apps.get_app_config(label).get_models(include_auto_created=True)
]
INDEX = [model._meta.db_table for model in (Term, Entry, Tally)]
if connection.vendor == "sqlite":
    INDEX += [Posting._meta.db_table, "portal_token"]


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def timed(seconds):
    """Add the seconds that the block takes to a list, the check of what the database left for the commit included."""
    start = time.perf_counter()
    yield
    if connection.vendor == "postgresql":
        connection.check_constraints()
    seconds.append(time.perf_counter() - start)


def load():
    with open(os.devnull, "w") as silence:
        call_command("load_corpus", stdout=silence)


def taken(cursor, table):
    """Return (statement, rows) that fill a table as it is filled now."""
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} TO STDOUT") as copy:
            return f"COPY {table} FROM STDIN", b"".join(copy)
    names = "rowid, head, body" if table == "portal_token" else "*"
    rows = cursor.execute(f"SELECT {names} FROM {table}").fetchall()
    marks = ", ".join(["%s"] * len(rows[0])) if rows else ""
    return f"INSERT INTO {table} {f'({names})' if names != '*' else ''} VALUES ({marks})", rows


def put(cursor, statement, rows):
    if connection.vendor == "postgresql":
        with cursor.copy(statement) as copy:
            copy.write(rows)
    elif rows:
        cursor.executemany(statement, rows)


def measured():
    """Return {name: share of the raw rate}, {"dossier rows": how many} and how many a second."""
    pinyin("字")  # reads its tables
    loading, truth, index = [], [], []
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            with undone():
                with timed(loading):
                    load()
                n = 0
                for table in TRUTH:
                    n += cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                filled = [[taken(cursor, table) for table in tables] for tables in (TRUTH, INDEX)]
            with undone():
                for seconds, tables in zip((truth, index), filled, strict=True):
                    with timed(seconds):
                        for statement, rows in tables:
                            put(cursor, statement, rows)
    loaded, rows, whole = median(loading), median(truth), median(truth) + median(index)
    return {
        "dossiers": rows / loaded,
        "dossiers, indexed": whole / loaded,
        "dossier rows": n,
        "dossier rows a second": n / loaded,
    }
