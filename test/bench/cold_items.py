"""New items for users: all ratings of a fifth of the items are kept out, and each system ranks these items for every
user by their features alone: genres or authors, and years. Which items are kept out is drawn anew for each split. Of each
system as many settings are drawn at random from its grid, and tried on one split; the best are tried on two more; the one
that is the best on all three is told, as it does on others: means and standard deviations over these splits, and how far
als is ahead of it on the same ones."""

import argparse
import collections
import contextlib
import functools
import io
import itertools
import os
import random
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
TRIED, TRIED_AGAIN, TOLD = (0,), (1, 2), (3, 4, 5, 6, 7)  # splits
BEST = 5  # that are tried again
KNOTS = 16  # of a number, as als has them
RESULTS = Path("build/bench/cold-items.md")
PACKAGES = {"cmfrec": "cmfrec", "irspack": "irspack", "lightfm": "lightfm-next"}

SETUP = """
    create table items (item_id int primary key, year int, features text[], era text);
    create table likes (user_id int, item_id int);
"""
PARTS = """
    create table cold_{0} as
    select item_id from items
    where als.hash_fraction(item_id::text, {0} + 7) < 0.2 and item_id in (select item_id from likes);
    create table train_{0} as
    select user_id, item_id from likes
    where item_id not in (select item_id from cold_{0}) and als.hash_fraction(user_id::text || ':' || item_id, 3) >= 0.1;
    create table test_{0} as
    select user_id, item_id from likes
    where item_id in (select item_id from cold_{0}) and user_id in (select user_id from train_{0});
"""


class Data:
    """A set, on the server."""

    def __init__(self, connection, folder, share, first):
        self.connection = connection
        self.first = first
        connection.execute("create extension als")
        connection.execute("set client_min_messages = warning")
        connection.execute(SETUP)
        items, likes = cold_data.read(folder)
        users = sorted({user for user, _ in likes})
        some = set(np.random.default_rng(1).choice(users, round(share * len(users)), replace=False).tolist())
        rows = [(item, year, values, None if year is None else str(year // 5 * 5)) for item, year, values in items]
        for table, of_table in (("items", rows), ("likes", (like for like in likes if like[0] in some))):
            with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
                for row in of_table:
                    copy.write_row(row)

    @functools.cache
    def split(self, number):
        return Split(self.connection, self.first + number)


class Split:
    """Users, items with ratings and items without are numbered from 0, in the order of their ids."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        connection.execute(PARTS.format(number))
        train = self.query(f"select user_id, item_id from train_{number}")
        self.users = sorted({user for user, _ in train})
        warm = sorted({item for _, item in train})
        self.cold = [item for item, in self.query(f"select item_id from cold_{number} order by 1")]
        user_at = {user: i for i, user in enumerate(self.users)}
        item_at = {item: i for i, item in enumerate(warm)}
        self.likes = scipy.sparse.csr_matrix(
            (np.ones(len(train)), ([user_at[u] for u, _ in train], [item_at[i] for _, i in train])),
            shape=(len(self.users), len(warm)))
        self.warm_features, self.cold_features = self.features(warm, self.cold)
        self.relevant = collections.defaultdict(set)
        for user, item in self.query(f"select user_id, item_id from test_{number}"):
            self.relevant[user].add(item)

    def query(self, sql):
        return self.connection.execute(sql).fetchall()

    def features(self, *lists):
        """What als makes of the columns, a matrix for each list of items, the first being those with ratings: a weight for
        each value that two of these have, hats around sixteen years, the standardised year, and a feature that all have."""
        items = {item: (set(values), year) for item, values, year in
                 self.query("select item_id, features || array_remove(array[era], null), year from items")}
        count = collections.Counter(value for item in lists[0] for value in items[item][0])
        column_of = {value: j for j, value in enumerate(sorted(value for value, n in count.items() if n > 1))}
        years = np.sort([items[item][1] for item in lists[0] if items[item][1] is not None])
        knots = np.unique(years[(2 * np.arange(KNOTS) + 1) * len(years) // (2 * KNOTS)])
        hats = [functools.partial(np.interp, xp=knots, fp=row) for row in np.eye(len(knots))]
        line = len(column_of) + len(hats)

        def matrix(wanted):
            entries = [(i, column_of[value], 1) for i, item in enumerate(wanted) for value in items[item][0]
                       if value in column_of]
            dated = [(i, items[item][1]) for i, item in enumerate(wanted) if items[item][1] is not None]
            entries += [(i, len(column_of) + j, hat(year)) for i, year in dated for j, hat in enumerate(hats)]
            entries += [(i, line, (year - years.mean()) / years.std()) for i, year in dated]
            entries += [(i, line + 1, 1) for i in range(len(wanted))]
            rows, columns, values = zip(*entries)
            made = scipy.sparse.csr_matrix((np.array(values, np.float32), (rows, columns)), shape=(len(wanted), line + 2))
            made.eliminate_zeros()
            return made

        return [matrix(wanted) for wanted in lists]

    def judge(self, lists):
        """Recall and NDCG of lists."""
        recall, ndcg = [], []
        gains = [1 / np.log2(rank + 2) for rank in range(K)]
        for user, relevant in self.relevant.items():
            hits = [item in relevant for item in lists[user]]
            most = min(K, len(relevant))
            recall.append(sum(hits) / most)
            ndcg.append(sum(gain for gain, hit in zip(gains, hits) if hit) / sum(gains[:most]))
        return np.mean(recall), np.mean(ndcg)

    def lists(self, scores):
        """The best new items of each user, of a matrix of scores."""
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        return {user: [self.cold[j] for j in best[i]] for i, user in enumerate(self.users)}

    @functools.cache
    def regularization(self, options):
        """als's default."""
        return self.train(options + ", iterations => 1", 1)

    def train(self, options, seed):
        (ridge,), = self.query(f"""select regularization
            from als.train('m', 'train_{self.number}', rating_col => null, feedback => 'implicit', factors => {FACTORS},
                           item_features => 'items', seed => {seed}, replace => to_regclass('m') is not null {options})""")
        return ridge


# Each system makes lists of a split, with some options and a seed.


def at_random(split, seed):
    return split.lists(np.random.default_rng(seed).random((len(split.users), len(split.cold))))


def popularity_of_features(split, seed):
    """How many have liked the items of a feature, on average."""
    popularity = np.asarray(split.likes.sum(axis=0)).ravel()
    values, of_cold = split.warm_features[:, :-2], split.cold_features[:, :-2]
    of_feature = values.T @ popularity / np.maximum(np.asarray(values.sum(axis=0)).ravel(), 1)
    of_item = of_cold @ of_feature / np.maximum(np.asarray(of_cold.sum(axis=1)).ravel(), 1)
    return split.lists(np.tile(of_item, (len(split.users), 1)))


def als(split, seed, ridge=None, reg_exponent=0.5, **options):
    """ridge: that of an item that nobody has rated, in units of the default."""
    named = "".join(f", {name} => {value}" for name, value in options.items())
    if ridge is not None:
        default = split.regularization(f", alpha => {options['alpha']}")
        scale = len(split.users) ** (0.5 - reg_exponent)
        named += f", reg_exponent => {reg_exponent}, regularization => {ridge * scale * default}"
    split.train(named, seed)
    split.connection.execute(f"""drop table if exists lists;
        select als.recommend_all('m', 'lists', {K}, candidates => 'table cold_{split.number}')""")
    found = {}
    for user, item in split.query("select user_id, item_id from lists order by user_id, rank"):
        found.setdefault(user, []).append(item)
    return found


def cmfrec(split, seed, alpha, ridge, weight):
    import pandas
    from cmfrec import CMF_implicit
    likes = split.likes.tocoo()
    ratings = pandas.DataFrame({"UserId": likes.row, "ItemId": likes.col, "Value": likes.data})
    features = pandas.DataFrame(split.warm_features[:, :-1].toarray())
    features.columns = [f"f{i}" for i in features.columns]
    features["ItemId"] = range(len(features))
    model = CMF_implicit(k=FACTORS, alpha=alpha, lambda_=ridge, w_item=weight, niter=10, nthreads=1, verbose=False,
                         random_state=seed)
    model.fit(X=ratings, I=features)
    items = np.array([model.item_factors_cold(I=row) for row in split.cold_features[:, :-1].toarray()])
    users = model.A_[np.argsort(model.user_mapping_)]
    return split.lists(users @ items[:, -users.shape[1]:].T)


def irspack(split, seed, alpha, ridge, of_features, epochs):
    from irspack import IALSRecommender
    model = IALSRecommender(split.likes, n_components=FACTORS, alpha0=alpha, reg=ridge, n_threads=1, random_seed=seed,
                            item_features=split.warm_features, lambda_item_feature=of_features, train_epochs=epochs)
    with contextlib.redirect_stdout(io.StringIO()):
        model.learn()
    items = model.compute_item_embedding_from_features(split.cold_features)
    return split.lists(model.get_user_embedding() @ items.T)


def lightfm(split, seed, own, loss, ridge, rate, epochs):
    """With features alone, or with a vector of its own for each item as well."""
    from lightfm import LightFM
    features = scipy.sparse.vstack([split.warm_features, split.cold_features]).tocsr()
    n_warm, n_cold = split.warm_features.shape[0], split.cold_features.shape[0]
    if own:
        identity = scipy.sparse.vstack([scipy.sparse.identity(n_warm), scipy.sparse.csr_matrix((n_cold, n_warm))])
        features = scipy.sparse.hstack([features, identity]).tocsr()
    likes = scipy.sparse.hstack([split.likes, scipy.sparse.csr_matrix((len(split.users), n_cold))]).tocsr()
    model = LightFM(no_components=FACTORS, loss=loss, item_alpha=ridge, user_alpha=ridge, learning_rate=rate,
                    random_state=seed)
    model.fit(likes, item_features=features.astype(np.float32), epochs=epochs, num_threads=1)
    bias, items = model.get_item_representations(features)
    _, users = model.get_user_representations()
    return split.lists(users @ items[n_warm:].T + bias[n_warm:])


# What is tried of each; als also by its defaults. Of items with few ratings each, ratings are to count more; a strong prior
# wants more regularization, and few iterations.
GRIDS = {
    "als": (als, {"alpha": (10, 30, 100, 300), "reg_exponent": (0.5, 1), "ridge": (1, 2, 4, 8),
                  "feature_strength": (1, 5, 25, 250), "feature_regularization": (0.03, 0.1, 0.3, 1),
                  "new_item_shrinkage": (0, 1, 3, 10)}),
    "cmfrec": (cmfrec, {"alpha": (0.3, 1, 3, 10, 40, 150), "ridge": (0.1, 1, 10, 30, 50, 100),
                        "weight": (0.5, 2, 5, 20, 100, 500)}),
    "irspack": (irspack, {"alpha": (0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 1), "ridge": (0.01, 0.03, 0.06, 0.1, 0.2, 0.4),
                          "of_features": (1e-2, 0.1, 1, 10, 30), "epochs": (4, 6, 8, 16, 32)}),
    "lightfm": (lightfm, {"own": (False, True), "loss": ("warp", "bpr"), "ridge": (0, 1e-6, 1e-5, 1e-4, 3e-4),
                          "rate": (0.03, 0.05, 0.1), "epochs": (10, 30, 60, 100)}),
}
DEFAULTS = {"at random": at_random, "popularity of features": popularity_of_features, "als, the defaults": als}


def settings_of(name, n):
    """Some of a grid, drawn at random."""
    make, grid = GRIDS[name]
    every = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    return [functools.partial(make, **options) for options in random.Random(1).sample(every, min(n, len(every)))]


def shown(make):
    return ", ".join(f"{name} {value}" for name, value in getattr(make, "keywords", {}).items())


def judged(data, make, splits):
    """Recall and NDCG on each split."""
    scores = np.array([data.split(number).judge(make(data.split(number), number + 1)) for number in splits])
    print(shown(make), *(f"{value:.4f}" for row in scores for value in row), flush=True)
    return scores


def tried_of(data, makes):
    """Without those that fail, as irspack does where its equations of features cannot be solved."""
    for make in makes:
        try:
            yield make, judged(data, make, TRIED)
        except Exception as error:
            print(shown(make), f"failed: {error}", flush=True)


def best_of(data, makes):
    """By NDCG."""
    tried = list(tried_of(data, makes))
    tried.sort(key=lambda one: -one[1][:, 1].mean())
    again = [(make, np.vstack([scores, judged(data, make, TRIED_AGAIN)])) for make, scores in tried[:BEST]]
    return max(again, key=lambda one: one[1][:, 1].mean())[0]


def row_of(name, make, scores, of_als):
    mean, deviation = scores.mean(axis=0), scores.std(axis=0, ddof=1)
    cells = [f"{mean[i]:.4f} ({deviation[i]:.4f})" for i in (0, 1)]
    if of_als is not None:
        ahead = of_als - scores
        error = ahead.std(axis=0, ddof=1) / np.sqrt(len(ahead))
        cells += [f"{ahead.mean(axis=0)[i]:+.4f} ({error[i]:.4f})" for i in (0, 1)]
    else:
        cells += ["", ""]
    return f"| {name} | {' | '.join(cells)} | {shown(make)} |"


def main():
    parser = argparse.ArgumentParser(prog="test/bench/cold-items", description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=", ".join(GRIDS) + "; all by default")
    parser.add_argument("--data", default="build/data", metavar="FOLDER", help="of MovieLens or Goodbooks, or synthetic")
    parser.add_argument("--users", type=float, default=1, metavar="SHARE", help="of the users, at random")
    parser.add_argument("--settings", type=int, default=40, metavar="N", help="of each system; 40 by default")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first split; 0 by default")
    options = parser.parse_args()
    lines = ["| | Recall@10 | NDCG@10 | als is ahead by | | |", "|---|---|---|---|---|---|"]
    with psycopg.connect(autocommit=True) as connection:
        data = Data(connection, options.data, options.users, options.first)
        split = data.split(TOLD[0])
        head = (f"{Path(options.data).name}: {len(split.users)} users, {split.likes.shape[1]} items, {len(split.cold)} new "
                f"ones, {split.warm_features.shape[1]} features, {split.likes.nnz} likes; {options.settings} settings each, "
                f"splits from {options.first} on")
        print(head, flush=True)
        of_als = None
        for name in [*DEFAULTS, *(options.systems or GRIDS)]:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "pandas"]
            if name in PACKAGES and subprocess.call([*pip, PACKAGES[name]]):
                print(f"left out: {name} could not be installed")
                continue
            make = DEFAULTS[name] if name in DEFAULTS else best_of(data, settings_of(name, options.settings))
            scores = judged(data, make, TOLD)
            lines.append(row_of(name, make, scores, of_als))
            if name == "als":
                of_als = scores
            print(lines[-1], flush=True)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text("\n".join([head, "", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
