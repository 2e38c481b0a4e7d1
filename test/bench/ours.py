"""als itself, on the server that the environment names. The whole statement is timed from the client:
reading the table, training, writing the model's tables, commit."""

import threading
import time

import numpy as np
import psycopg
from psycopg import sql

from data import copy_bytes
from peers import Fit
from stopwatch import timed


def als(problem, data):
    with psycopg.connect(autocommit=True) as connection:
        table = sql.Identifier(f"ratings {data.name}")
        load(connection, table, data.train)
        connection.execute("drop table if exists model")
        # If this process is ended by the time limit, the training must not go on beside the next one.
        connection.execute(f"set statement_timeout = '{problem.limit}s'")
        statement = sql.SQL(
            "select n_users, n_items, n_ratings, read_seconds, train_seconds, write_seconds, loss "
            "from als.train('model', {source}, {options})").format(
                source=sql.Literal(table.as_string(connection)),
                options=sql.SQL(", ".join(_options(problem))))
        with PeakMemory(connection.info.backend_pid) as peak:
            cursor, duration = timed(connection.execute, statement,
                                     pid=connection.info.backend_pid)
        details = dict(zip((c.name for c in cursor.description), cursor.fetchone()))
        (mean,), = connection.execute("select mean from als.latest_run('model')")
        users, user_bias = factors(connection, "model", "user", problem.factors, data.n_users)
        items, item_bias = factors(connection, "model", "item", problem.factors, data.n_items)
    if problem.feedback == "implicit":
        user_bias, item_bias, mean = 0.0, 0.0, 0.0
    return Fit(duration, users, items, user_bias, item_bias, mean, peak.bytes, details)


def _options(problem):
    yield f"feedback => '{problem.feedback}'"
    yield f"factors => {problem.factors}"
    yield f"iterations => {problem.iterations}"
    yield f"regularization => {problem.regularization}"
    yield f"reg_exponent => {problem.reg_exponent}"
    yield f"threads => {problem.threads}"
    if problem.feedback == "implicit":
        yield f"alpha => {problem.alpha}"
    if problem.als_options:
        yield problem.als_options


def load(connection, table, part):
    """Makes the table of the training part unless it is there from an earlier run."""
    connection.execute("create extension if not exists als")
    if connection.execute("select to_regclass(%s)", (table.as_string(connection),)).fetchone()[0]:
        return
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("create table {} (user_id int, item_id int, rating real)").format(table))
        with cursor.copy(sql.SQL("copy {} from stdin (format binary)").format(table)) as copy:
            for block in copy_bytes(part):
                copy.write(block)
    # As a table is after its first hours: hint bits set, statistics known.
    connection.execute(sql.SQL("vacuum (analyze, freeze) {}").format(table))
    connection.execute("checkpoint")


def factors(connection, model, side, k, n):
    """Factors and biases of a model's users or items, as arrays by id."""
    row = np.dtype([
        ("fields", ">i2"), ("l1", ">i4"), ("id", ">i4"), ("l2", ">i4"), ("array_header", ">i4", 5),
        ("factors", [("length", ">i4"), ("value", ">f4")], k), ("l3", ">i4"), ("bias", ">f4")])
    query = f"copy (select {side}_id, factors, coalesce(bias, 0) from {model}_{side}_factors) to stdout binary"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        content = b"".join(copy)
    # 19 bytes of header before the rows, 2 of trailer after them.
    rows = np.frombuffer(content, dtype=row, offset=19, count=(len(content) - 21) // row.itemsize)
    factors, bias = np.zeros((n, k), dtype=np.float32), np.zeros(n, dtype=np.float32)
    factors[rows["id"]] = rows["factors"]["value"]
    bias[rows["id"]] = rows["bias"]
    return factors, bias


class PeakMemory:
    """The greatest private memory (RssAnon) of a process while the block runs, sampled: a backend's greatest
    resident size would also count the shared buffers that it has touched."""

    def __init__(self, pid):
        self.status = f"/proc/{pid}/status"
        self.bytes = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.over.is_set():
            with open(self.status) as status:
                now = next(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon"))
            self.bytes = max(self.bytes, now)
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
