"""Factors there and back: trained by implicit or by Spark and served by als, trained by als and served by them. Each
way the scores of all pairs and the ten best items of every user are compared."""

import os
import shutil
import sys
import tempfile

# Before numpy: implicit has threads of its own, in whose way OpenBLAS's would be.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import psycopg
import scipy.sparse

from install import install, version
from ours import factors as read_factors

K = 32
TIE = 1e-5  # between scores that are the same but for rounding
RESULTS = "build/bench/round-trip.md"


def main():
    missing = install(["implicit", "spark"])
    with psycopg.connect(autocommit=True) as connection:
        ratings = load(connection)
        rows = []
        for name, package, run in (("implicit", "implicit", implicit), ("spark", "pyspark", spark)):
            if name in missing:
                print(f"left out: {name}: {missing[name]}")
                continue
            for row in run(connection, ratings):
                rows.append((f"{name} {version(package)}", *row))
                print(*rows[-1], flush=True)
    lines = ["| | way | greatest difference of a score | equal lists of ten | of a vector folded in |", "|---|---|---|---|---|"]
    for system, way, score, lists, vector in rows:
        lines.append(f"| {system} | {way} | {score:.1e} | {lists:.1%} | {'' if vector is None else f'{vector:.1e}'} |")
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    with open(RESULTS, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))
    if not rows or any(score > 1e-4 or lists < 1 or (vector or 0) > 1e-3 for *_, score, lists, vector in rows):
        sys.exit("a round trip has changed a model")


def load(connection):
    """MovieLens 100K, of it who liked what as implicit feedback: users, items, ratings."""
    connection.execute("create extension als")
    connection.execute("create table ratings (user_id int, item_id int, rating real, rated_at text)")
    with connection.cursor() as cursor, cursor.copy("copy ratings from stdin") as copy, \
            open("build/data/ratings.tsv", "rb") as file:
        while block := file.read(1 << 16):
            copy.write(block)
    connection.execute("create index on ratings (user_id)")
    connection.execute("create view likes as select user_id, item_id from ratings where rating >= 4")
    rows = connection.execute("select user_id, item_id, rating from ratings order by 1, 2").fetchall()
    return [np.array(column) for column in zip(*rows)]


def store(connection, table, ids, vectors):
    """A table of ids and vectors, which als.import_model takes."""
    connection.execute(f"drop table if exists {table}; create table {table} (id int primary key, factors real[])")
    with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
        for row, vector in zip(ids, vectors):
            copy.write_row((int(row), [float(value) for value in vector]))


def our_scores(connection, model, users, items):
    rows = connection.execute(
        "select als.predict(%s, u, i) from unnest(%s::int[]) with ordinality as a (u, m), "
        "unnest(%s::int[]) with ordinality as b (i, n) order by m, n",
        (model, [int(u) for u in users], [int(i) for i in items])).fetchall()
    return np.array(rows, dtype=np.float64).reshape(len(users), len(items))


def our_lists(connection, model, users, exclude_seen):
    rows = connection.execute(
        "select array(select item_id from als.recommend(%s, u, 10, %s) order by rank) "
        "from unnest(%s::int[]) with ordinality as a (u, n) order by n",
        (model, exclude_seen, [int(u) for u in users])).fetchall()
    return [row[0] for row in rows]


def share_equal(lists, others, scores, items):
    """The share of users with equal lists. Items whose scores are equal but for rounding may change places."""
    place = {int(item): i for i, item in enumerate(items)}

    def equal(user, a, b):
        return len(a) == len(b) and all(
            abs(scores[user, place[int(x)]] - scores[user, place[int(y)]]) < TIE for x, y in zip(a, b))

    return float(np.mean([equal(*row) for row in zip(range(len(lists)), lists, others, strict=True)]))


def implicit(connection, ratings):
    """Its weights are alpha * value and nothing is added to them, the ridge is the same for every row."""
    from implicit.cpu.als import AlternatingLeastSquares

    liked = ratings[2] >= 4
    users, user_rows = np.unique(ratings[0][liked], return_inverse=True)
    items, item_rows = np.unique(ratings[1][liked], return_inverse=True)
    alpha, ridge = 20, 5.0
    weights = scipy.sparse.csr_matrix(
        (np.full(liked.sum(), 1 + alpha, dtype=np.float32), (user_rows, item_rows)))

    def compare(model, name):
        ours = our_scores(connection, name, users, items)
        scores = np.abs(model.user_factors.astype(np.float64) @ model.item_factors.T - ours).max()
        found, _ = model.recommend(np.arange(len(users)), weights, N=10, filter_already_liked_items=True)
        return scores, share_equal(items[found], our_lists(connection, name, users, True), ours, items)

    model = AlternatingLeastSquares(factors=K, regularization=ridge, alpha=1, iterations=10, random_state=1)
    model.fit(weights, show_progress=False)
    store(connection, "their_users", users, model.user_factors)
    store(connection, "their_items", items, model.item_factors)
    connection.execute(
        "select als.import_model('from_implicit', 'their_users', 'their_items', source => 'likes', rating_col => null, "
        "regularization => %s, reg_exponent => 0, alpha => %s, replace => true)", (ridge, alpha))
    vector = max(
        np.abs(np.array(connection.execute(
            "select als.fold_in('from_implicit', array(select item_id from likes where user_id = %s))",
            (int(users[row]),)).fetchone()[0])
            - model.recalculate_user(row, weights[row])).max() for row in range(0, len(users), 10))
    yield ("to als", *compare(model, "from_implicit"), vector)

    connection.execute("select als.train('ours', 'likes', rating_col => null, feedback => 'implicit', factors => %s)", (K,))
    model = AlternatingLeastSquares(factors=K)
    for side, ids in (("user", users), ("item", items)):
        vectors, _ = read_factors(connection, "ours", side, K, int(ids.max()) + 1)
        setattr(model, f"{side}_factors", np.ascontiguousarray(vectors[ids]))
    yield ("from als", *compare(model, "ours"), None)


def spark(connection, ratings):
    """Explicit feedback without biases; the ridge is taken once for each of a row's ratings, as with e = 1."""
    import pyarrow
    import pyarrow.parquet
    from pyspark.ml.recommendation import ALS, ALSModel
    from pyspark.sql import SparkSession

    session = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
               .config("spark.sql.shuffle.partitions", "2").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    users, items = np.unique(ratings[0]), np.unique(ratings[1])
    frame = session.read.csv("build/data/ratings.tsv", sep="\t", schema="user int, item int, rating float, rated_at string")

    def compare(model, name):
        theirs = {"user": model.userFactors.collect(), "item": model.itemFactors.collect()}
        vectors = [np.array([row.features for row in sorted(theirs[side])]) for side in ("user", "item")]
        ours = our_scores(connection, name, users, items)
        scores = np.abs(vectors[0] @ vectors[1].T - ours).max()
        found = {row.user: [best.item for best in row.recommendations]
                 for row in model.recommendForAllUsers(10).collect()}
        return scores, share_equal([found[int(u)] for u in users], our_lists(connection, name, users, False), ours, items)

    regularization = 0.1
    # As few blocks as there are threads: recommendForAllUsers has a task for each pair of blocks.
    model = ALS(rank=K, maxIter=5, numUserBlocks=2, numItemBlocks=2, regParam=regularization,
                userCol="user", itemCol="item", ratingCol="rating", seed=1).fit(frame)
    for table, factors in (("spark_users", model.userFactors), ("spark_items", model.itemFactors)):
        rows = factors.collect()
        store(connection, table, [row.id for row in rows], [row.features for row in rows])
    connection.execute(
        "select als.import_model('from_spark', 'spark_users', 'spark_items', feedback => 'explicit', source => 'ratings', "
        "regularization => %s, reg_exponent => 1, replace => true)", (regularization,))
    # Spark solves the users last.
    (vector,), = connection.execute(
        "select max(abs(a - b)) from spark_users s, lateral (select als.fold_in('from_spark', array_agg(item_id order by "
        "item_id), array_agg(rating order by item_id)) as v from ratings r where r.user_id = s.id) f, "
        "unnest(s.factors, f.v) as x (a, b) where s.id % 10 = 0").fetchall()
    yield ("to als", *compare(model, "from_spark"), vector)

    connection.execute("select als.train('plain', 'ratings', biases => false, factors => %s)", (K,))
    folder = tempfile.mkdtemp()
    try:
        # A model of Spark is a folder: two frames, (id int, features array<float>), beside its metadata.
        model.write().overwrite().save(folder)
        for side in ("user", "item"):
            rows = connection.execute(f"select {side}_id, factors from plain_{side}_factors").fetchall()
            ids, vectors = zip(*rows)
            table = pyarrow.table({"id": pyarrow.array(ids, pyarrow.int32()),
                                   "features": pyarrow.array(vectors, pyarrow.list_(pyarrow.float32()))})
            shutil.rmtree(f"{folder}/{side}Factors")
            os.mkdir(f"{folder}/{side}Factors")
            pyarrow.parquet.write_table(table, f"{folder}/{side}Factors/part-0.parquet")
        yield ("from als", *compare(ALSModel.load(folder), "plain"), None)
    finally:
        session.stop()
        shutil.rmtree(folder)


main()
