"""How fast rows come in, beside the same rows written raw: COPY on PostgreSQL, executemany on SQLite, no index at all.

`python -m tests.benchmarks.loading` makes a test database on the server of DATABASE_URL, prints what came out as JSON,
{name: share of the raw rate}, and drops it again.
"""

import json
import time

from tests.benchmarks import ground  # noqa: F401

# isort: split
from django.apps import apps
from django.db import connection, transaction

from portal.bulk import table_of
from portal.loading import load
from portal.management.commands.load_corpus import CORPUS, dossier_paths
from recommendations.ingest import load_dossier, refresh_statistics
from recommendations.sample import make_sample

REPORTS = 300


def truth():
    """Return the models that hold what the portal is given, not what follows from it."""
    return [
        model
        for label in ("reports", "recommendations")
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]


def raw():
    """Return (rows, seconds) of writing all rows of the truth once more, into tables like theirs without an index."""
    rows, seconds = 0, 0
    for model in truth():
        table = table_of(model)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                    held = b"".join(copy)
                cursor.execute(f"CREATE TABLE raw (LIKE {table})")
                start = time.perf_counter()
                with cursor.copy("COPY raw FROM STDIN") as copy:
                    copy.write(held)
                seconds += time.perf_counter() - start
                n = cursor.rowcount
            else:
                held = cursor.execute(f"SELECT * FROM {table}").fetchall()
                cursor.execute(f"CREATE TABLE raw AS SELECT * FROM {table} WHERE 0")
                marks = ", ".join(["%s"] * len(model._meta.concrete_fields))
                start = time.perf_counter()
                cursor.executemany(f"INSERT INTO raw VALUES ({marks})", held)
                seconds += time.perf_counter() - start
                n = len(held)
            cursor.execute("DROP TABLE raw")
        rows += n
    return rows, seconds


def shares():
    """Return {name: rate / raw rate of the same rows}, and how many rows there were of each."""
    with transaction.atomic():
        start = time.perf_counter()
        make_sample(REPORTS, 1, lambda done: None)
        written = time.perf_counter() - start
        refresh_statistics()
        load()
        indexed = time.perf_counter() - start
        rows, seconds = raw()
        found = {"rows": rows, "sample": seconds / written, "sample, indexed": seconds / indexed}
        transaction.set_rollback(True)
    start = time.perf_counter()
    for path in dossier_paths([CORPUS]):
        load_dossier(path)
    taken = time.perf_counter() - start
    rows, seconds = raw()
    return found | {"dossier rows": rows, "dossiers": seconds / taken, "dossier rows a second": rows / taken}


def main():
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        print(json.dumps(shares()))
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    main()
