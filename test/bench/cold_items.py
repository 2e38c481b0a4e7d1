"""New films for users: all ratings of a fifth of the films are kept out, and each system ranks these films for every
user by genres and years alone. Settings are tried one by one, and the best are picked by the very figures."""

import contextlib
import io
import itertools
import os
import subprocess
import sys

# Before numpy: the libraries have threads of their own, in whose way OpenBLAS's would be.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import psycopg
import scipy.sparse

FACTORS = 32
K = 10
RESULTS = "build/bench/cold-items.md"
PACKAGES = {"cmfrec": "cmfrec", "irspack": "irspack", "lightfm": "lightfm-next", "lightfm_own": "lightfm-next"}

SETUP = """
    create table all_movies (movie_id int primary key, title text, year int, genres text);
    create table ratings (user_id int, movie_id int, rating float8, rated_at bigint);
"""
PARTS = """
    create table movies as
    select movie_id, year, string_to_array(genres, ', ') as genres, (year / 5 * 5)::text as era from all_movies;
    create table cold as select movie_id from movies where als.hash_fraction(movie_id::text, 7) < 0.2;
    create table train as
    select user_id, movie_id from ratings
    where movie_id not in (select movie_id from cold) and als.hash_fraction(user_id::text || ':' || movie_id, 3) >= 0.1;
    create table test as
    select user_id, movie_id from ratings
    where movie_id in (select movie_id from cold) and user_id in (select user_id from train);
"""


class Data:
    """Users, films with ratings and films without are numbered from 0, in the order of their ids."""

    def __init__(self, connection):
        self.connection = connection
        connection.execute("create extension als")
        connection.execute(SETUP)
        for table, name in (("all_movies", "movies"), ("ratings", "ratings")):
            with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
                with open(f"build/data/{name}.tsv", "rb") as file:
                    copy.write(file.read())
        connection.execute(PARTS)
        train = self.query("select user_id, movie_id from train")
        self.users = sorted({user for user, _ in train})
        warm = sorted({movie for _, movie in train})
        self.cold = [movie for movie, in self.query("select movie_id from cold order by 1")]
        user_at = {user: i for i, user in enumerate(self.users)}
        movie_at = {movie: i for i, movie in enumerate(warm)}
        self.likes = scipy.sparse.csr_matrix(
            (np.ones(len(train)), ([user_at[u] for u, _ in train], [movie_at[m] for _, m in train])),
            shape=(len(self.users), len(warm)))
        features = dict(zip(*self.features()))
        self.warm_features = np.array([features[movie] for movie in warm], np.float32)
        self.cold_features = np.array([features[movie] for movie in self.cold], np.float32)
        self.relevant = {}
        for user, movie in self.query("select user_id, movie_id from test"):
            self.relevant.setdefault(user, set()).add(movie)

    def query(self, sql):
        return self.connection.execute(sql).fetchall()

    def features(self):
        """What als makes of the columns: genres, the era, the standardised year, and a feature that all have."""
        rows = self.query("select movie_id, genres, era, year from movies order by 1")
        genres = sorted({genre for row in rows for genre in row[1] or ()})
        eras = sorted({row[2] for row in rows if row[2]})
        years = np.array([row[3] for row in rows if row[3] is not None])
        return [row[0] for row in rows], [
            [genre in (row[1] or ()) for genre in genres] + [era == row[2] for era in eras]
            + [0 if row[3] is None else (row[3] - years.mean()) / years.std(), 1] for row in rows]

    def judge(self, lists):
        """Recall and NDCG of lists, by user."""
        recall, ndcg = [], []
        gains = [1 / np.log2(rank + 2) for rank in range(K)]
        for user, relevant in self.relevant.items():
            hits = [movie in relevant for movie in lists[user]]
            most = min(K, len(relevant))
            recall.append(sum(hits) / most)
            ndcg.append(sum(gain for gain, hit in zip(gains, hits) if hit) / sum(gains[:most]))
        return np.mean(recall), np.mean(ndcg)

    def lists(self, scores):
        """The best new films of each user, of a matrix of scores."""
        best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        return {user: [self.cold[j] for j in best[i]] for i, user in enumerate(self.users)}


def als(data):
    """als.train, with settings about its defaults."""
    data.connection.execute("set client_min_messages = warning")
    train = f"""select regularization
        from als.train('m', 'train', item_col => 'movie_id', rating_col => null, feedback => 'implicit',
                       factors => {FACTORS}, item_features => 'movies', replace => to_regclass('m') is not null"""

    def lists():
        data.connection.execute(f"select als.recommend_all('m', 'lists', {K}, candidates => 'table cold')")
        found = {}
        for user, movie in data.query("select user_id, item_id from lists order by user_id, rank"):
            found.setdefault(user, []).append(movie)
        return found

    (default,), = data.query(train + ")")
    yield "the defaults", lists()
    for alpha, ridge, strength, mu in itertools.product((0.3, 1, 5), (0.1, 0.3, 1, 3), (1, 10, 100, 1000), (1, 10)):
        data.query(train + f", alpha => {alpha}, regularization => {default * ridge}, "
                   f"feature_strength => {strength}, feature_regularization => {mu})")
        yield f"alpha {alpha}, regularization {ridge} of the default, strength {strength}, mu {mu}", lists()


def cmfrec(data):
    import pandas
    from cmfrec import CMF_implicit
    likes = data.likes.tocoo()
    ratings = pandas.DataFrame({"UserId": likes.row, "ItemId": likes.col, "Value": likes.data})
    features = pandas.DataFrame(data.warm_features[:, :-1])
    features.columns = [f"f{i}" for i in features.columns]
    features["ItemId"] = range(len(features))
    for alpha, ridge, weight in itertools.product((0.3, 1, 3), (0.1, 1, 10, 50), (20, 100, 500)):
        model = CMF_implicit(k=FACTORS, alpha=alpha, lambda_=ridge, w_item=weight, niter=10, nthreads=1, verbose=False)
        model.fit(X=ratings, I=features)
        items = np.array([model.item_factors_cold(I=row) for row in data.cold_features[:, :-1]])
        users = model.A_[np.argsort(model.user_mapping_)]
        yield f"alpha {alpha}, lambda {ridge}, w_item {weight}", data.lists(users @ items[:, -users.shape[1]:].T)


def irspack(data):
    from irspack import IALSRecommender
    grid = itertools.product((0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 1), (0.01, 0.03, 0.1, 0.2, 0.4),
                             (1e-3, 1e-2, 0.1, 1, 10))
    for alpha, ridge, of_features in grid:
        model = IALSRecommender(data.likes, n_components=FACTORS, alpha0=alpha, reg=ridge, n_threads=1,
                                item_features=data.warm_features, lambda_item_feature=of_features)
        with contextlib.redirect_stdout(io.StringIO()):
            model.learn()
        items = model.compute_item_embedding_from_features(data.cold_features)
        users = model.get_user_embedding()
        yield f"alpha0 {alpha}, reg {ridge}, lambda_item_feature {of_features}", data.lists(users @ items.T)


def lightfm(data, own=False):
    """With features alone, or with a vector of its own for each film as well."""
    from lightfm import LightFM
    features = scipy.sparse.csr_matrix(np.vstack([data.warm_features, data.cold_features]))
    n_warm, n_cold = len(data.warm_features), len(data.cold_features)
    if own:
        identity = scipy.sparse.vstack([scipy.sparse.identity(n_warm), scipy.sparse.csr_matrix((n_cold, n_warm))])
        features = scipy.sparse.hstack([features, identity]).tocsr()
    likes = scipy.sparse.hstack([data.likes, scipy.sparse.csr_matrix((len(data.users), n_cold))]).tocsr()
    for loss, ridge in itertools.product(("warp", "bpr"), (0, 1e-6, 1e-5, 1e-4)):
        model = LightFM(no_components=FACTORS, loss=loss, item_alpha=ridge, user_alpha=ridge, random_state=1)
        for epochs in (10, 20, 30):
            model.fit_partial(likes, item_features=features, epochs=10, num_threads=1)
            bias, items = model.get_item_representations(features)
            _, users = model.get_user_representations()
            yield f"{loss}, alpha {ridge}, {epochs} epochs", data.lists(users @ items[n_warm:].T + bias[n_warm:])


def lightfm_own(data):
    return lightfm(data, own=True)


def main():
    names = sys.argv[1:] or ["als", *PACKAGES]
    lines = ["| | settings | Recall@10 | NDCG@10 | |", "|---|---|---|---|---|"]
    with psycopg.connect(autocommit=True) as connection:
        data = Data(connection)
        print(f"{len(data.cold)} new films, {len(data.relevant)} users", flush=True)
        for name in names:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "pandas"]
            if name in PACKAGES and subprocess.call([*pip, PACKAGES[name]]):
                print(f"left out: {name} could not be installed")
                continue
            tried = []
            for setting, lists in globals()[name](data):
                tried.append((*data.judge(lists), setting))
                print(name, *tried[-1], flush=True)
            for by in (0, 1):
                recall, ndcg, setting = max(tried, key=lambda row: row[by])
                lines.append(f"| {name} | {len(tried)} | {recall:.3f} | {ndcg:.3f} | {setting} |")
    with open(RESULTS, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
