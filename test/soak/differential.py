"""Random small trainings, and what als says of them beside what numpy makes of the formulas in docs/.

Called by test/soak/differential: differential.py PROBLEMS SEED. The first difference ends it, with the seed of its
problem, which makes it again: differential 1 SEED.
"""

import sys

import numpy as np
import psycopg2


class Different(Exception):
    pass


def close(what, got, wanted, tolerance=2e-4, scale=1.0):
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    if got.shape != wanted.shape or not np.all(np.abs(got - wanted) <= tolerance * np.maximum(scale, np.abs(wanted))):
        raise Different(f"{what}: {np.array2string(got, threshold=20)} instead of {np.array2string(wanted, threshold=20)}")


class Problem:
    """A table of ratings, a test of other pairs, and the options of a training."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng(seed)
        self.explicit = rng.random() < 0.5
        n_users, n_items = rng.integers(1, 25, 2)
        rated = rng.random((n_users, n_items)) < rng.uniform(0.1, 0.9)
        rated[rng.integers(n_users), rng.integers(n_items)] = True
        pairs = np.argwhere(rated) + rng.integers(-3, 4)
        if self.explicit:
            ratings = rng.integers(1, 6, len(pairs)) * 10.0 ** rng.integers(-2, 3) + rng.choice([0, 0, 100, -7])
        else:
            ratings = rng.geometric(0.4, len(pairs)) * rng.choice([1, 1, 1, 1, -1, 0], len(pairs)).astype(float)
            if not np.any(ratings > 0):
                ratings[0] = 1
        self.weights = rng.uniform(0.2, 3, len(pairs)).round(2) if rng.random() < 0.25 else None
        self.rows = [(int(u), int(i), float(np.float32(r)), 1.0 if self.weights is None else float(w))
                     for (u, i), r, w in zip(pairs, ratings, np.ones(len(pairs)) if self.weights is None else self.weights)]
        # Some users and items that the model does not know, too.
        others = np.argwhere(~np.pad(rated, ((0, 1), (0, 1)))) + (pairs[0] - np.argwhere(rated)[0])
        others = others[rng.random(len(others)) < 0.5]
        self.test = [(int(u), int(i), float(np.float32(rng.choice(ratings)))) for u, i in others]
        self.options = {"factors": int(rng.integers(1, 9)), "iterations": int(rng.integers(1, 4)), "seed": int(rng.integers(1000)),
                        "feedback": "explicit" if self.explicit else "implicit"}
        self.maybe("regularization", lambda: float(10 ** rng.uniform(-1, 2)))
        self.maybe("reg_exponent", lambda: float(rng.choice([0, 0.5, 1])))
        self.maybe("solver", lambda: str(rng.choice(["cg", "direct"])))
        if self.explicit:
            self.maybe("biases", lambda: bool(rng.random() < 0.5))
        else:
            self.maybe("alpha", lambda: float(10 ** rng.uniform(-1, 2)))
        if rng.random() < 0.15:
            self.options |= {"nonnegative": True, "biases": False, "solver": "direct"}
        if self.weights is not None:
            self.options["weight_col"] = "weight"

    def maybe(self, option, value):
        if self.rng.random() < 0.5:
            self.options[option] = value()


class Model:
    """What the tables say, and what the formulas of docs/how-it-works.md make of it."""

    def __init__(self, problem, cursor):
        self.problem = problem
        cursor.execute("select * from als.latest_run('m')")
        self.row = dict(zip([c.name for c in cursor.description], cursor.fetchone()))
        self.biases = self.row["biases"]
        self.mean = self.row["mean"] if self.biases else 0.0
        self.users, self.x, self.b_u = self.side(cursor, "user")
        self.items, self.y, self.b_i = self.side(cursor, "item")
        self.scores = self.mean + self.b_u[:, None] + self.b_i[None, :] + self.x @ self.y.T
        # Cells: the rating, its weight in the loss, and what it counts in the sums that the regularization depends on.
        shape = (len(self.users), len(self.items))
        self.p = np.zeros(shape)
        self.w = np.zeros(shape) if problem.explicit else np.ones(shape)
        self.counts = np.zeros(shape)
        self.seen = np.zeros(shape, bool)
        alpha = self.row["alpha"]
        for u, i, r, weight in problem.rows:
            if u not in self.at_user or i not in self.at_item:
                continue
            at = self.at_user[u], self.at_item[i]
            self.seen[at] = True
            if problem.explicit:
                self.p[at], self.w[at], self.counts[at] = r, weight, weight
            elif r != 0 or problem.weights is not None:
                self.p[at] = float(r > 0)
                extra = alpha * (abs(r) if problem.weights is None else weight)
                self.w[at] += extra
                self.counts[at] = extra
        self.user_ridge = self.ridge(self.counts.sum(1), shape[1])
        self.item_ridge = self.ridge(self.counts.sum(0), shape[0])

    def side(self, cursor, side):
        bias = "bias" if self.biases else "0"
        cursor.execute(f"select {side}_id, factors, {bias} from m_{side}_factors order by {side}_id")
        ids, factors, biases = zip(*cursor.fetchall())
        setattr(self, f"at_{side}", {id: at for at, id in enumerate(ids)})
        return ids, np.array(factors, float), np.array(biases, float)

    def ridge(self, weights, n_others):
        if not self.problem.explicit:
            weights = weights + n_others
        return weights ** self.row["reg_exponent"]

    def loss(self):
        fit = np.sum(self.w * (self.p - self.scores) ** 2)
        size = self.user_ridge @ np.sum(self.x ** 2, 1) + self.item_ridge @ np.sum(self.y ** 2, 1)
        biases = self.user_ridge @ self.b_u ** 2 + self.item_ridge @ self.b_i ** 2
        return fit + self.row["regularization"] * size + (self.row["bias_regularization"] or 0) * biases

    def user_equations(self, u):
        """A and b of A x = b for the user's vector and bias, and the terms that each cell adds to b."""
        y = np.column_stack([self.y, np.ones(len(self.items))]) if self.biases else self.y
        ridge = np.full(y.shape[1], self.row["regularization"])
        if self.biases:
            ridge[-1] = self.row["bias_regularization"]
        terms = (self.w[u] * (self.p[u] - self.mean - self.b_i) if self.problem.explicit else self.w[u] * self.p[u])[:, None] * y
        return y.T @ (self.w[u][:, None] * y) + np.diag(ridge * self.user_ridge[u]), terms.sum(0), terms


def check_loss(model, cursor):
    empty = np.sum(model.w * (model.p - model.mean) ** 2)
    close("loss", model.row["loss"][-1], model.loss(), 1e-4, max(empty, 1e-6))


def check_predictions(model, cursor):
    cursor.execute("select als.predict('m', u, i) from unnest(%s) u, unnest(%s) i order by u, i", (list(model.users), list(model.items)))
    scale = 1 + np.abs(model.scores).max()
    close("predict", np.array([r[0] for r in cursor.fetchall()]).reshape(model.scores.shape), model.scores, 1e-5, scale)


def check_lists(model, cursor):
    rng = model.problem.rng
    for u in rng.choice(len(model.users), min(4, len(model.users)), replace=False):
        k = int(rng.integers(0, len(model.items) + 3))
        exclude_seen = bool(rng.random() < 0.5)
        candidates = [int(i) for i in rng.choice(model.items, rng.integers(0, 8))] if rng.random() < 0.3 else None
        exclude = [int(i) for i in rng.choice(model.items, rng.integers(0, 8))] if rng.random() < 0.3 else None
        eligible = np.ones(len(model.items), bool)
        if exclude_seen:
            eligible &= ~model.seen[u]
        if candidates is not None:
            eligible &= np.isin(model.items, candidates)
        if exclude is not None:
            eligible &= ~np.isin(model.items, exclude)
        cursor.execute("select item_id, score from als.recommend('m', %s, %s, %s, %s::int[], %s::int[]) order by rank",
                       (model.users[u], k, exclude_seen, candidates, exclude))
        compare_lists(f"recommend {model.users[u]}", cursor.fetchall(), model.scores[u], eligible, model.at_item, k)


def compare_lists(what, got, scores, eligible, at, k):
    scale = 1 + np.abs(scores).max()
    best = np.sort(scores[eligible])[::-1][:k]
    close(f"{what}: scores", [r[1] for r in got], best, 1e-5, scale)
    listed = [at[r[0]] for r in got]
    if len(set(listed)) != len(listed) or not np.all(eligible[listed]):
        raise Different(f"{what}: {listed} are not eligible once each")
    close(f"{what}: scores of the items", [r[1] for r in got], scores[listed], 1e-5, scale)


def check_likeness(model, cursor):
    lengths = np.linalg.norm(model.y, axis=1)
    if len(model.items) < 2 or lengths.min() < 1e-6:
        return
    i = model.problem.rng.integers(len(model.items))
    cosines = model.y @ model.y[i] / lengths / lengths[i]
    others = np.arange(len(model.items)) != i
    cursor.execute("select item_id, score from als.similar_items('m', %s, 7) order by rank", (model.items[i],))
    compare_lists(f"similar_items {model.items[i]}", cursor.fetchall(), cosines, others, model.at_item, 7)


def check_fold_ins(model, cursor):
    for u in range(min(3, len(model.users))):
        rows = [(i, r) for (user, i, r, _) in model.problem.rows if user == model.users[u] and i in model.at_item]
        if model.problem.weights is not None or not rows:
            return
        cursor.execute("select als.fold_in('m', %s, %s::float8[])", ([i for i, _ in rows], [r for _, r in rows]))
        folded = np.array(cursor.fetchone()[0], float)
        a, b, terms = model.user_equations(u)
        if model.row["nonnegative"]:
            gradient = a @ folded - b
            scale = 1 + np.abs(a).max() * np.abs(folded).max() + np.abs(b).max()
            if folded.min() < 0 or gradient.min() < -1e-4 * scale or np.abs(gradient * folded).max() > 1e-4 * scale * max(1, folded.max()):
                raise Different(f"fold_in {model.users[u]}: {folded} is not the least on the positive side, gradient {gradient}")
            continue
        wanted = np.linalg.solve(a, b)
        condition = np.linalg.cond(a)
        # Beside a large bias small factors are what rounding leaves of large numbers, as is a b of terms that cancel out.
        scale = max(np.abs(wanted).max(), np.abs(terms).sum(0).max() / np.linalg.norm(a, 2))
        wanted = wanted[:len(folded)]
        close(f"fold_in {model.users[u]}", folded, wanted, 1e-6 * max(condition, 30), scale)
        close(f"vector of user {model.users[u]}", model.x[u], wanted, 1e-6 * max(condition, 30), scale)


def check_explanations(model, cursor):
    if model.row["nonnegative"]:
        return
    u = model.problem.rng.integers(len(model.users))
    i = model.problem.rng.integers(len(model.items))
    a, b, terms = model.user_equations(u)
    if np.linalg.cond(a) > 1e5 or not np.any(model.counts[u] if model.problem.explicit else model.p[u]):
        return
    target = np.append(model.y[i], 0.0) if model.biases else model.y[i]
    wanted = terms @ np.linalg.solve(a, target)
    cursor.execute("select component, item_id, contribution from als.explain('m', %s, %s, 100)", (model.users[u], model.items[i]))
    scale = 1 + np.abs(wanted).sum() + np.abs(model.scores).max()
    for component, item, contribution in cursor.fetchall():
        if component == "rating":
            close(f"explain {model.users[u]} {model.items[i]}: {item}", contribution, wanted[model.at_item[item]], 1e-3, scale)
        elif component == "item bias":
            close("explain: item bias", contribution, model.b_i[i], 1e-5, scale)


def check_metrics(model, cursor):
    problem = model.problem
    k = int(problem.rng.integers(1, 8))
    cursor.execute("select metric, value, n from als.evaluate('m', 'test', %s) where k is null or k = %s", (k, k))
    got = {metric: (value, n) for metric, value, n in cursor.fetchall()}
    known = [(model.at_user[u], model.at_item[i], r) for u, i, r in problem.test if u in model.at_user and i in model.at_item]
    if problem.test:
        close("coverage", got["coverage"][0], len(known) / len(problem.test))
    if problem.explicit and known:
        errors = np.array([r - model.scores[u, i] for u, i, r in known])
        scale = 1 + np.abs(model.scores).max()
        close("rmse", got["rmse"][0], np.sqrt(np.mean(errors ** 2)), 1e-5, scale)
        close("mae", got["mae"][0], np.mean(np.abs(errors)), 1e-5, scale)
    least = model.row["mean"] if problem.explicit else None
    measured = []
    for u in range(len(model.users)):
        relevant = {i for user, i, r in known if user == u and (r >= least if problem.explicit else r > 0)}
        ranked = [i for i in range(len(model.items)) if not model.seen[u, i]]
        relevant &= set(ranked)
        if not relevant:
            continue
        scores = model.scores[u, ranked]
        gaps = np.diff(np.sort(scores))
        if len(gaps) and gaps.min() < 1e-5 * (1 + np.abs(scores).max()):
            return  # the order is one of rounding
        order = [ranked[at] for at in np.argsort(-scores)]
        ranks = np.array([at + 1 for at, i in enumerate(order) if i in relevant])
        measured.append(metrics_of_user(ranks, len(ranked), k))
    for metric in ("precision", "recall", "hit_rate", "ndcg", "map", "mrr", "auc"):
        values = [m[metric] for m in measured if m[metric] is not None]
        if metric in got:
            close(f"n of {metric}", got[metric][1], len(values))
            if values:
                close(metric, got[metric][0], np.mean(values), 1e-6)
        elif values:
            raise Different(f"no {metric}")


def metrics_of_user(ranks, n_ranked, k):
    """As docs/reference/evaluation.md has them."""
    n = len(ranks)
    first = ranks[ranks <= k]
    h = len(first)
    before = np.array([r - 1 - at for at, r in enumerate(ranks)])
    pairs = n * (n_ranked - n)
    return {
        "precision": h / k,
        "recall": h / min(k, n),
        "hit_rate": float(h > 0),
        "ndcg": np.sum(1 / np.log2(first + 1)) / np.sum(1 / np.log2(np.arange(1, min(k, n) + 1) + 1)),
        "map": np.sum(np.arange(1, h + 1) / first) / min(k, n),
        "mrr": 1 / ranks[0],
        "auc": 1 - before.sum() / pairs if pairs else None,
    }


CHECKS = (check_loss, check_predictions, check_lists, check_likeness, check_fold_ins, check_explanations, check_metrics)


def solve(seed, cursor):
    """Trains one problem, checks it, and leaves nothing. False where the training was refused."""
    problem = Problem(seed)
    cursor.execute("""create temp table ratings (user_id int, item_id int, rating float4, weight float4);
                      create temp table test (user_id int, item_id int, rating float4)""")
    cursor.executemany("insert into ratings values (%s, %s, %s, %s)", problem.rows)
    cursor.executemany("insert into test values (%s, %s, %s)", problem.test)
    named = ", ".join(f"{name} => %({name})s" for name in problem.options)
    cursor.execute(f"select from als.train('m', 'select * from ratings', {named})", problem.options)
    model = Model(problem, cursor)
    for check in CHECKS:
        check(model, cursor)


def main(n, seed):
    connection = psycopg2.connect("")
    cursor = connection.cursor()
    cursor.execute("set client_min_messages = error; create extension als; set als.threads = 1")
    connection.commit()
    failed = 0
    for number in range(n):
        try:
            solve(seed + number, cursor)
        except (Different, psycopg2.Error) as error:
            failed += 1
            print(f"not ok - problem {seed + number}, {Problem(seed + number).options}: {error}", flush=True)
            if failed == 10:
                break
        finally:
            connection.rollback()
        if number % 500 == 499:
            print(f"# {number + 1} problems", flush=True)
    print(f"{number + 1 - failed} of {n} problems, from {seed} on: as numpy has them")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
