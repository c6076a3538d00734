"""PostgreSQL ``UPDATE … RETURNING`` as a transaction of its own, prepared, over a connection a thread."""

import os

import psycopg
from flask import Flask

from benchmarks.routes import application, for_each_thread

UPDATE = "UPDATE counters SET n = n + %s WHERE id = %s RETURNING n"
UPSERT = (
    "INSERT INTO counters (id, n) VALUES (%(id)s, %(by)s)"
    " ON CONFLICT (id) DO UPDATE SET n = counters.n + EXCLUDED.n RETURNING n"
)


def app() -> Flask:
    """Return an application on the PostgreSQL that the environment names."""

    @for_each_thread
    def connection() -> psycopg.Connection:
        return psycopg.connect(os.environ["BENCHMARK_STORE"], autocommit=True)

    def increment(counter_id: str) -> int:
        row = connection().execute(UPDATE, (1, counter_id), prepare=True).fetchone()
        if row is None:  # a new counter, which somebody else may be creating at this moment
            row = connection().execute(UPSERT, {"id": counter_id, "by": 1}).fetchone()
        if row is None:
            raise RuntimeError("An insert returned nothing.")
        return int(row[0])

    return application("postgres", increment)
