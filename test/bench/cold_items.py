"""New items for users: all ratings of a fifth of the items are kept out, and each system ranks these items for every
user by their features alone: genres or authors, and years. Settings are tried one by one; the best are picked by half of
the users, and what they come to is told of the other half: means and standard deviations over seeds of the training."""

import argparse
import collections
import contextlib
import functools
import io
import itertools
import os
import subprocess
import sys
from pathlib import Path

# Before numpy: the libraries have threads of their own, in whose way OpenBLAS's would be.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import psycopg
import scipy.sparse

import cold_data

FACTORS = 32
K = 10
SEEDS = 5
RESULTS = Path("build/bench/cold-items.md")
PACKAGES = {"cmfrec": "cmfrec", "irspack": "irspack", "lightfm": "lightfm-next", "lightfm_own": "lightfm-next"}
SYSTEMS = ("baselines", "als", *PACKAGES)

SETUP = """
    create table items (item_id int primary key, year int, features text[], era text);
    create table likes (user_id int, item_id int);
"""
PARTS = """
    create table cold as
    select item_id from items where als.hash_fraction(item_id::text, 7) < 0.2 and item_id in (select item_id from likes);
    create table train as
    select user_id, item_id from likes
    where item_id not in (select item_id from cold) and als.hash_fraction(user_id::text || ':' || item_id, 3) >= 0.1;
    create table test as
    select user_id, item_id from likes
    where item_id in (select item_id from cold) and user_id in (select user_id from train);
"""


class Data:
    """Users, items with ratings and items without are numbered from 0, in the order of their ids."""

    def __init__(self, connection, folder, share):
        self.connection = connection
        connection.execute("create extension als")
        connection.execute(SETUP)
        items, likes = cold_data.read(folder)
        users = sorted({user for user, _ in likes})
        some = set(np.random.default_rng(1).choice(users, round(share * len(users)), replace=False).tolist())
        rows = [(item, year, values, None if year is None else str(year // 5 * 5)) for item, year, values in items]
        for table, of_table in (("items", rows), ("likes", (like for like in likes if like[0] in some))):
            with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
                for row in of_table:
                    copy.write_row(row)
        connection.execute(PARTS)
        train = self.query("select user_id, item_id from train")
        self.users = sorted({user for user, _ in train})
        warm = sorted({item for _, item in train})
        self.cold = [item for item, in self.query("select item_id from cold order by 1")]
        user_at = {user: i for i, user in enumerate(self.users)}
        item_at = {item: i for i, item in enumerate(warm)}
        self.likes = scipy.sparse.csr_matrix(
            (np.ones(len(train)), ([user_at[u] for u, _ in train], [item_at[i] for _, i in train])),
            shape=(len(self.users), len(warm)))
        features = self.features(warm)
        self.warm_features = np.array([features[item] for item in warm], np.float32)
        self.cold_features = np.array([features[item] for item in self.cold], np.float32)
        relevant = {}
        for user, item in self.query("select user_id, item_id from test"):
            relevant.setdefault(user, set()).add(item)
        judges = set(sorted(relevant)[::2])
        self.halves = [{user: items for user, items in relevant.items() if (user in judges) == half}
                       for half in (True, False)]

    def query(self, sql):
        return self.connection.execute(sql).fetchall()

    def features(self, warm):
        """What als makes of the columns, by item: a weight for each value that two items with ratings have, the
        standardised year, and a feature that all have."""
        rows = self.query("select item_id, features || array_remove(array[era], null), year from items")
        warm = set(warm)
        count = collections.Counter(value for item, values, _ in rows if item in warm for value in values)
        kept = sorted(value for value, n in count.items() if n > 1)
        years = np.array([year for item, _, year in rows if item in warm and year is not None])
        return {item: [value in values for value in kept]
                + [0 if year is None else (year - years.mean()) / years.std(), 1]
                for item, values, year in ((item, set(values), year) for item, values, year in rows)}

    def judge(self, lists):
        """Recall and NDCG of lists, of each half of the users."""
        return [self.judge_half(lists, half) for half in self.halves]

    @staticmethod
    def judge_half(lists, relevant_items):
        recall, ndcg = [], []
        gains = [1 / np.log2(rank + 2) for rank in range(K)]
        for user, relevant in relevant_items.items():
            hits = [item in relevant for item in lists[user]]
            most = min(K, len(relevant))
            recall.append(sum(hits) / most)
            ndcg.append(sum(gain for gain, hit in zip(gains, hits) if hit) / sum(gains[:most]))
        return np.mean(recall), np.mean(ndcg)

    def lists(self, scores):
        """The best new items of each user, of a matrix of scores."""
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        return {user: [self.cold[j] for j in best[i]] for i, user in enumerate(self.users)}


# Each system gives its settings, one after the other, and of each a function that trains with a seed and returns lists.


def als(data):
    """als.train, with settings about its defaults."""
    data.connection.execute("set client_min_messages = warning")

    def train(more, seed):
        (ridge,), = data.query(f"""select regularization
            from als.train('m', 'train', rating_col => null, feedback => 'implicit', factors => {FACTORS},
                           item_features => 'items', seed => {seed}, replace => to_regclass('m') is not null {more})""")
        return ridge

    def lists(more, seed):
        train(more, seed)
        data.connection.execute(f"select als.recommend_all('m', 'lists', {K}, candidates => 'table cold')")
        found = {}
        for user, item in data.query("select user_id, item_id from lists order by user_id, rank"):
            found.setdefault(user, []).append(item)
        return found

    default = train("", 1)
    yield "the defaults", functools.partial(lists, "")
    # Of items with few ratings each, ratings are to count more; a strong prior wants more regularization.
    for alpha, ridge, strength, mu in itertools.product((0.3, 1, 5, 40, 150), (0.2, 0.5, 1, 2, 4), (1, 5, 25, 250),
                                                        (0.1, 1, 3)):
        yield (f"alpha {alpha}, regularization {ridge} of the default, strength {strength}, mu {mu}",
               functools.partial(lists, f", alpha => {alpha}, regularization => {default * ridge}, "
                                        f"feature_strength => {strength}, feature_regularization => {mu}"))


def baselines(data):
    """At random, and by how many have liked the items of a feature, on average."""
    yield "at random", lambda seed: data.lists(np.random.default_rng(seed).random((len(data.users), len(data.cold))))
    popularity = np.asarray(data.likes.sum(axis=0)).ravel()
    values = data.warm_features[:, :-2]
    of_feature = values.T @ popularity / np.maximum(values.sum(axis=0), 1)
    of_item = data.cold_features[:, :-2] @ of_feature / np.maximum(data.cold_features[:, :-2].sum(axis=1), 1)
    yield "popularity of features", lambda seed: data.lists(np.tile(of_item, (len(data.users), 1)))


def cmfrec(data):
    import pandas
    from cmfrec import CMF_implicit
    likes = data.likes.tocoo()
    ratings = pandas.DataFrame({"UserId": likes.row, "ItemId": likes.col, "Value": likes.data})
    features = pandas.DataFrame(data.warm_features[:, :-1])
    features.columns = [f"f{i}" for i in features.columns]
    features["ItemId"] = range(len(features))

    def lists(alpha, ridge, weight, seed):
        model = CMF_implicit(k=FACTORS, alpha=alpha, lambda_=ridge, w_item=weight, niter=10, nthreads=1, verbose=False,
                             random_state=seed)
        model.fit(X=ratings, I=features)
        items = np.array([model.item_factors_cold(I=row) for row in data.cold_features[:, :-1]])
        users = model.A_[np.argsort(model.user_mapping_)]
        return data.lists(users @ items[:, -users.shape[1]:].T)

    for alpha, ridge, weight in itertools.product((0.3, 1, 3), (0.1, 1, 10, 50), (20, 100, 500)):
        yield f"alpha {alpha}, lambda {ridge}, w_item {weight}", functools.partial(lists, alpha, ridge, weight)


def irspack(data):
    from irspack import IALSRecommender

    def lists(alpha, ridge, of_features, seed):
        model = IALSRecommender(data.likes, n_components=FACTORS, alpha0=alpha, reg=ridge, n_threads=1, random_seed=seed,
                                item_features=data.warm_features, lambda_item_feature=of_features)
        with contextlib.redirect_stdout(io.StringIO()):
            model.learn()
        items = model.compute_item_embedding_from_features(data.cold_features)
        users = model.get_user_embedding()
        return data.lists(users @ items.T)

    for alpha, ridge, of_features in itertools.product((0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 1),
                                                       (0.01, 0.03, 0.1, 0.2, 0.4), (1e-3, 1e-2, 0.1, 1, 10)):
        yield (f"alpha0 {alpha}, reg {ridge}, lambda_item_feature {of_features}",
               functools.partial(lists, alpha, ridge, of_features))


def lightfm(data, own=False):
    """With features alone, or with a vector of its own for each item as well."""
    from lightfm import LightFM
    features = scipy.sparse.csr_matrix(np.vstack([data.warm_features, data.cold_features]))
    n_warm, n_cold = len(data.warm_features), len(data.cold_features)
    if own:
        identity = scipy.sparse.vstack([scipy.sparse.identity(n_warm), scipy.sparse.csr_matrix((n_cold, n_warm))])
        features = scipy.sparse.hstack([features, identity]).tocsr()
    likes = scipy.sparse.hstack([data.likes, scipy.sparse.csr_matrix((len(data.users), n_cold))]).tocsr()

    def lists(loss, ridge, epochs, seed):
        model = LightFM(no_components=FACTORS, loss=loss, item_alpha=ridge, user_alpha=ridge, random_state=seed)
        model.fit(likes, item_features=features, epochs=epochs, num_threads=1)
        bias, items = model.get_item_representations(features)
        _, users = model.get_user_representations()
        return data.lists(users @ items[n_warm:].T + bias[n_warm:])

    for loss, ridge, epochs in itertools.product(("warp", "bpr"), (0, 1e-6, 1e-5, 1e-4), (10, 30, 60)):
        yield f"{loss}, alpha {ridge}, {epochs} epochs", functools.partial(lists, loss, ridge, epochs)


def lightfm_own(data):
    return lightfm(data, own=True)


def rows_of(data, name):
    """What is told of a system: both baselines, or the best setting by either metric, and what als does by itself."""
    tried = []
    for setting, lists in globals()[name](data):
        halves = data.judge(lists(1))
        tried.append((halves[0], setting, lists, halves[1]))
        print(name, setting, *(f"{value:.4f}" for half in halves for value in half), flush=True)
    shown = [([one], 0) for one in tried] if name == "baselines" else [(tried, 0), (tried, 1)]
    if name == "als":
        shown.insert(0, (tried[:1], 0))
    for among, by in shown:
        _, setting, lists, first = max(among, key=lambda row: row[0][by])
        seeds = np.array([first] + [data.judge(lists(seed))[1] for seed in range(2, SEEDS + 1)])
        (recall, ndcg), (of_recall, of_ndcg) = seeds.mean(axis=0), seeds.std(axis=0, ddof=1)
        yield f"| {name} | {len(among)} | {recall:.3f} ({of_recall:.3f}) | {ndcg:.3f} ({of_ndcg:.3f}) | {setting} |"


def main():
    parser = argparse.ArgumentParser(prog="test/bench/cold-items", description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=", ".join(SYSTEMS) + "; all by default")
    parser.add_argument("--data", default="build/data", metavar="FOLDER", help="of MovieLens or Goodbooks, or synthetic")
    parser.add_argument("--users", type=float, default=1, metavar="SHARE", help="of the users, at random")
    options = parser.parse_args()
    lines = ["| | settings | Recall@10 | NDCG@10 | |", "|---|---|---|---|---|"]
    with psycopg.connect(autocommit=True) as connection:
        data = Data(connection, options.data, options.users)
        head = (f"{Path(options.data).name}: {len(data.users)} users, {len(data.warm_features)} items, {len(data.cold)} new "
                f"ones, {data.warm_features.shape[1]} features, {data.likes.nnz} likes")
        print(head, flush=True)
        for name in options.systems or SYSTEMS:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "pandas"]
            if name in PACKAGES and subprocess.call([*pip, PACKAGES[name]]):
                print(f"left out: {name} could not be installed")
                continue
            for row in rows_of(data, name):
                lines.append(row)
                print(row, flush=True)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text("\n".join([head, "", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
