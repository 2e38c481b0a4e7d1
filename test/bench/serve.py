"""serve.py: how fast models are read. Latencies are those that pgbench sees, prepared statements over one
connection, each a median over seconds of calls, in turns with a primary-key lookup of the same run.
test/bench/serving starts it with a server; `--help` tells the options."""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

# One thread for each of implicit's own: as its documentation wants it.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import psycopg
from psycopg import sql

import data
import install
import machine
import ours

OUT = data.ROOT / "build/bench"
FACTORS = 64
MODELS = {"implicit": "feedback => 'implicit'", "explicit": "feedback => 'explicit'"}


def main():
    options = parse()
    start = time.monotonic()
    report = Report()
    dataset = data.load("synthetic", options.rows)
    with psycopg.connect(autocommit=True) as connection:
        prepare(connection, dataset, options)
        latencies(report, connection, options, f"{dataset.n_items:,} items x {FACTORS}")
        first_call(report, connection)
        one_copy(report)
        pairs(report, connection, dataset, options)
        everybody(report, connection, dataset)
        evaluating(report, connection, dataset)
        freshness(report, connection)
        approximate(report, connection, options)
        if options.wide_items:
            prepare_wide(connection, options)
            latencies(report, connection, options, f"{options.wide_items:,} items x {FACTORS}", "wide_")
    report.add("all of this", f"{time.monotonic() - start:.0f} s")
    (OUT / "serving.md").write_text(report.text())
    print(f"\n{report.text()}\nThis report: build/bench/serving.md")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0].replace("\n", " "),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rows", type=int, default=data.ML_ROWS, help="of the synthetic ratings")
    parser.add_argument("--wide-items", type=int, default=1_000_000, help="of the model with many items; 0: none")
    parser.add_argument("--seconds", type=float, default=5, help="of each latency's calls")
    parser.add_argument("--pairs", type=int, default=10_000_000, help="for als.predict")
    parser.add_argument("--iterations", type=int, default=5, help="of training")
    return parser.parse_args()


class Report:
    def __init__(self):
        here = machine.describe(1)
        self.lines = [f"{here['model']}, {here['cores']} cores, load {os.getloadavg()[0]:.1f} at the start", "",
                      "| what | measured | beside |", "|---|---|---|"]

    def add(self, what, measured, beside=""):
        print(f"{what}: {measured} {beside}", flush=True)
        self.lines.append(f"| {what} | {measured} | {beside} |")

    def text(self):
        return "\n".join(self.lines) + "\n"


def prepare(connection, dataset, options):
    ours.load(connection, sql.Identifier("ratings"), dataset.train)
    connection.execute("alter table ratings add primary key (user_id, item_id)")
    connection.execute("vacuum (analyze) ratings")
    # Users with about 200 ratings, whom the latencies are measured with.
    connection.execute("create table callers as select user_id from ratings group by 1"
                       " having count(*) between 190 and 210 order by 1 limit 500")
    for name, chosen in MODELS.items():
        train(connection, name, "ratings", chosen, options)


def train(connection, name, source, chosen, options):
    start = time.monotonic()
    connection.execute(f"select from als.train('{name}', '{source}', {chosen}, factors => {FACTORS},"
                       f" iterations => {options.iterations})")
    connection.execute(f"vacuum (analyze) {name}_user_factors")
    connection.execute(f"vacuum (analyze) {name}_item_factors")
    print(f"trained {name}: {time.monotonic() - start:.1f} s", flush=True)


def prepare_wide(connection, options):
    """Few ratings of very many items: squares and cubes of uniform numbers make the tails heavy, and a planted
    structure of rank 2 decides the ratings."""
    connection.execute(
        "create table wide as select user_id, item_id, greatest(1, least(5, round((3.2 + sin(user_id) * cos(item_id * 0.7)"
        " + cos(user_id * 0.3) * sin(item_id) + random() - 0.5)::numeric)))::real as rating"
        " from (select (power(random(), 2) * 50000)::int as user_id, case when i <= %s then i else"
        " (power(random(), 3) * %s)::int end as item_id from generate_series(1, %s) as i) as pairs",
        (options.wide_items, options.wide_items, 8 * options.wide_items))
    connection.execute("create index on wide (user_id, item_id)")
    connection.execute("vacuum (analyze) wide")
    for name, chosen in MODELS.items():
        train(connection, f"wide_{name}", "wide", chosen, options)


def latencies(report, connection, options, size, prefix=""):
    """Medians of single calls, and how many times that of a lookup by primary key each is."""
    users = [u for u, in connection.execute("select user_id from callers")]
    lookup = f"select * from {prefix}explicit_user_factors where user_id = :user"
    calls = {}
    for name in MODELS:
        model = prefix + name
        calls[f"recommend, {name}"] = f"select * from als.recommend('{model}', :user, 10, false)"
        calls[f"recommend, {name}, exclude_seen"] = f"select * from als.recommend('{model}', :user, 10)"
    calls["similar_items"] = f"select * from als.similar_items('{prefix}implicit', :user % 1000)"
    calls["predict"] = f"select als.predict('{prefix}explicit', :user, :user % 1000)"
    baseline = median_latency(lookup, users, options)
    report.add(f"primary-key lookup, {size}", f"{1000 * baseline:.0f} us")
    for what, query in calls.items():
        connection.execute(query.replace(":user", str(users[0])))  # builds what it needs
        before = median_latency(lookup, users, options)
        latency = median_latency(query, users, options)
        report.add(f"{what}, {size}", f"{1000 * latency:.0f} us", f"{latency / before:.2f} x a lookup")


def median_latency(query, users, options):
    """Milliseconds that the calls took, as pgbench's log of every transaction has them."""
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "script.sql"
        script.write_text(f"\\set n random(0, 15)\n\\set user {choose_among(users)}\n{query};\n")
        subprocess.run(["pgbench", "-n", "-M", "prepared", "-T", str(max(1, round(options.seconds))), "-l",
                        "--log-prefix", f"{scratch}/log", "-f", script], check=True, stdout=subprocess.DEVNULL)
        times = [int(line.split()[2]) for log in Path(scratch).glob("log.*") for line in log.read_text().splitlines()]
    return statistics.median(times) / 1000


def choose_among(users):
    """A pgbench expression for one of 16 users, by :n: a query of its own would be measured too."""
    chosen = users[:: max(1, len(users) // 16)][:16]
    cases = " ".join(f"when :n = {i} then {user}" for i, user in enumerate(chosen))
    return f"case {cases} else {chosen[0]} end"


def first_call(report, connection):
    """What the first call in a new connection costs while the shared copy exists, beside a warm one."""
    user, = connection.execute("select user_id from callers limit 1").fetchone()
    for name in MODELS:
        first, warm = [], []
        for _ in range(30):
            with psycopg.connect(autocommit=True) as fresh:
                fresh.execute("select count(*) from callers")
                for times in (first, warm, warm, warm):
                    start = time.perf_counter()
                    fresh.execute(f"select * from als.recommend('{name}', {user}, 10, false)").fetchall()
                    times.append(1000 * (time.perf_counter() - start))
        report.add(f"first recommend of a connection, {name}", f"{statistics.median(first):.2f} ms",
                   f"{statistics.median(warm):.2f} ms warm")


def one_copy(report):
    """The private memory of 90 connections that have all been served."""
    def private(pid):
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

    open_ones = [psycopg.connect(autocommit=True) for _ in range(90)]
    before = sum(private(c.info.backend_pid) for c in open_ones)
    for c in open_ones:
        c.execute("select * from als.recommend('implicit', (select min(user_id) from callers))").fetchall()
    after = sum(private(c.info.backend_pid) for c in open_ones)
    shared, = open_ones[0].execute(
        "select sum(bytes) / 1024 from als.cache where model = 'implicit'::regclass and shared").fetchone()
    for c in open_ones:
        c.close()
    report.add("90 connections, private memory each", f"{(after - before) / 90:,.0f} kB", f"{shared:,.0f} kB shared")


def pairs(report, connection, dataset, options):
    connection.execute(
        "create unlogged table pairs as select (random() * %s)::int as user_id, (random() * %s)::int as item_id"
        " from generate_series(1, %s)", (dataset.n_users - 1, dataset.n_items - 1, options.pairs))
    connection.execute("vacuum (analyze) pairs")
    connection.execute("set max_parallel_workers_per_gather = 0")
    connection.execute("create unlogged table pairs_by_user as select * from pairs order by user_id")
    connection.execute("vacuum (analyze) pairs_by_user")
    for table, order in (("pairs", "in no order"), ("pairs_by_user", "by user")):
        for name in MODELS:
            seconds = []
            for query in (f"select count(user_id + item_id) from {table}",
                          f"select count(als.predict('{name}', user_id, item_id)) from {table}",
                          f"select cardinality(als.predict_pairs('{name}', array_agg(user_id), array_agg(item_id))) from {table}"):
                connection.execute(query)
                start = time.monotonic()
                connection.execute(query)
                seconds.append(time.monotonic() - start)
            for function, taken in (("predict", seconds[1]), ("predict_pairs", seconds[2])):
                report.add(f"{function} over {options.pairs:,} pairs {order}, {name}, one process",
                           f"{options.pairs / taken / 1e6:.2f} M pairs / s", f"scan alone {seconds[0]:.2f} of {taken:.2f} s")
    connection.execute("reset max_parallel_workers_per_gather")


def simd_levels(connection):
    """The widest vector instructions here, and AVX2 beside AVX-512."""
    connection.execute("load 'als'")
    connection.execute("reset als.simd")
    widest, = connection.execute("show als.simd").fetchone()
    return [widest, "avx2"] if widest == "avx512" else [widest]


def everybody(report, connection, dataset):
    """recommend_all, and implicit's recommend for all users with its filter on, in turns."""
    theirs = implicit_model(dataset)
    for simd in 2 * simd_levels(connection):
        connection.execute(f"set als.simd = '{simd}'")
        connection.execute("drop table if exists recommended")
        start = time.monotonic()
        rows, = connection.execute("select als.recommend_all('implicit', 'recommended')").fetchone()
        seconds = time.monotonic() - start
        beside = ""
        if theirs is not None:
            start = time.monotonic()
            theirs.all()
            their_seconds = time.monotonic() - start
            beside = f"{seconds / their_seconds:.2f} x implicit's {their_seconds:.1f} s"
        report.add(f"recommend_all, {dataset.n_users:,} users, {simd}, table written", f"{seconds:.1f} s, {rows:,} rows", beside)
    connection.execute("reset als.simd")
    if theirs is not None:
        report.add("implicit, in process, recommend for one user with filter", f"{theirs.one():.0f} us")


def evaluating(report, connection, dataset):
    ours.load(connection, sql.Identifier("held_out"), dataset.held_out)
    relevant = "select user_id, item_id, rating from held_out where rating >= 4"
    for name in MODELS:
        for simd in simd_levels(connection):
            connection.execute(f"set als.simd = '{simd}'")
            start = time.monotonic()
            users, = connection.execute(f"select n from als.evaluate('{name}', %s, min_rating => 4) where metric = 'recall' and k = 10", (relevant,)).fetchone()
            report.add(f"evaluate, {name}, {users:,} users x {dataset.n_items:,} items, {simd}", f"{time.monotonic() - start:.1f} s")
    connection.execute("reset als.simd")


def freshness(report, connection):
    """A thousand users have rated something: computing them anew, and the next recommendation elsewhere."""
    connection.execute("create table changed as select user_id from explicit_user_factors order by hashint4(user_id) limit 1000")
    chosen = "array(select user_id from changed)"
    user, = connection.execute("select min(user_id) from changed").fetchone()
    for name in MODELS:
        connection.execute("insert into ratings select user_id, hashint4(user_id) & 1023, 5 from changed on conflict do nothing")
        seconds, later = {chosen: [], "null": []}, []
        with psycopg.connect(autocommit=True) as elsewhere:
            recommend = f"select * from als.recommend('{name}', {user})"
            for which in (chosen, "null", chosen, chosen):
                elsewhere.execute(recommend)
                start = time.monotonic()
                connection.execute(f"select als.refresh_users('{name}', {which})")
                middle = time.monotonic()
                elsewhere.execute(recommend)
                seconds[which].append(middle - start)
                later.append(1000 * (time.monotonic() - middle))
        report.add(f"refresh_users of 1,000, {name}", f"{statistics.median(seconds[chosen]):.2f} s",
                   f"next recommend elsewhere {statistics.median(later):.1f} ms")
        report.add(f"refresh_users of what has changed, {name}", f"{seconds['null'][0]:.1f} s")


def approximate(report, connection, options):
    """pgvector by the recipe of docs/reference/vectors.md, where it is installed: its index, its recall and its latency."""
    found = connection.execute("select default_version from pg_available_extensions where name = 'vector'").fetchone()
    if found is None:
        report.add("pgvector", "not installed")
        return
    connection.execute("create extension if not exists vector")
    users = [u for u, in connection.execute("select user_id from callers")]
    shapes = {"implicit": ("factors::vector(64)", "factors::vector(64)"),
              "explicit": ("(factors || bias)::vector(65)", "(factors || 1::real)::vector(65)")}
    for model, (item, user) in shapes.items():
        start = time.monotonic()
        connection.execute(f"create index on {model}_item_factors using hnsw (({item}) vector_ip_ops)")
        connection.execute(f"analyze {model}_item_factors")
        report.add(f"pgvector {found[0]}, {model}: building its index", f"{time.monotonic() - start:.1f} s")
        for ef_search in (40, 200):
            connection.execute(f"alter database postgres set hnsw.ef_search = {ef_search}")
            query = (f"select item_id from {model}_item_factors order by {item} <#>"
                     f" (select {user} from {model}_user_factors where user_id = :user) limit 10")
            hits = 0
            with psycopg.connect(autocommit=True) as fresh:
                for some in users[:200]:
                    exact = fresh.execute(f"select item_id from als.recommend('{model}', {some}, 10, false)").fetchall()
                    hits += len(set(exact) & set(fresh.execute(query.replace(":user", str(some))).fetchall()))
            report.add(f"pgvector, {model}, ef_search {ef_search}", f"{1000 * median_latency(query, users, options):.0f} us",
                       f"recall@10 {hits / 10 / len(users[:200]):.3f}")


def implicit_model(dataset):
    """implicit's model of the same shape, with the same factors as ours, so that both have the same work."""
    if install.install(["implicit"]):
        return None
    from implicit.cpu.als import AlternatingLeastSquares

    matrix = dataset.matrix()
    model = AlternatingLeastSquares(factors=FACTORS, num_threads=0)
    with psycopg.connect(autocommit=True) as connection:
        model.user_factors, _ = ours.factors(connection, "implicit", "user", FACTORS, dataset.n_users)
        model.item_factors, _ = ours.factors(connection, "implicit", "item", FACTORS, dataset.n_items)
    users = np.arange(dataset.n_users)

    def everybody_at_once():
        for at in range(0, len(users), 4096):
            model.recommend(users[at:at + 4096], matrix[users[at:at + 4096]], N=10, filter_already_liked_items=True)

    def one():
        times = []
        for user in users[:2000]:
            start = time.perf_counter()
            model.recommend(user, matrix[user], N=10, filter_already_liked_items=True)
            times.append(1e6 * (time.perf_counter() - start))
        return statistics.median(times)

    return SimpleNamespace(all=everybody_at_once, one=one)


main()
