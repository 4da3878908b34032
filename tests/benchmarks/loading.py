"""How fast rows come in, beside the same rows written raw: COPY on PostgreSQL, executemany on SQLite.

The rows of dossiers go beside the same rows in the same tables, those of a sample beside tables without any index.

`python -m tests.benchmarks.loading` makes a test database on the server of DATABASE_URL, prints what came out as JSON,
{name: share of the raw rate}, and drops it again.
"""

import gc
import json
import time

from tests.benchmarks import ground  # noqa: F401

# isort: split
from django.apps import apps
from django.db import connection, transaction

from portal.loading import load
from recommendations.ingest import refresh_statistics
from recommendations.sample import make_sample
from tests.benchmarks import dossiers

REPORTS = 300


def tables(*labels):
    """Return the tables of the models of these apps."""
    return [
        model._meta.db_table
        for label in labels
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]


def truth():
    """Return the tables of what the portal is given."""
    return tables("reports", "recommendations")


def raw(names):
    """Return (rows, seconds) of writing all rows of tables once more, into some like theirs without an index."""
    rows, seconds = 0, 0
    for name in names:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {name} TO STDOUT") as copy:
                    held = b"".join(copy)
                cursor.execute(f"CREATE TABLE raw (LIKE {name})")
                start = time.perf_counter()
                with cursor.copy("COPY raw FROM STDIN") as copy:
                    copy.write(held)
                seconds += time.perf_counter() - start
                n = cursor.rowcount
            else:
                held = cursor.execute(f"SELECT * FROM {name}").fetchall()
                cursor.execute(f"CREATE TABLE raw AS SELECT * FROM {name} WHERE 0")
                marks = ", ".join(["%s"] * len(cursor.execute("SELECT * FROM raw").description))
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
        rows, seconds = raw(truth())
        found = {"rows": rows, "sample": seconds / written, "sample, indexed": seconds / indexed}
        transaction.set_rollback(True)
    return found | dossiers.measured()


def main():
    gc.set_threshold(100_000)  # as manage.py does
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        print(json.dumps(shares()))
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    main()
