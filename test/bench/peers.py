"""The libraries that als is compared with, each a function that trains on the dataset and returns a
Fit. Only the library's own fit is timed, with the ratings ready in memory in the format it likes
best. How each one's options map to the objective of als stands beside the call; what is not said is
left at the library's default."""

import os
from dataclasses import dataclass

import numpy as np

from stopwatch import Time, peak_of, timed


@dataclass
class Fit:
    time: Time
    users: np.ndarray              # a row of factors for each user of the dataset
    items: np.ndarray
    user_bias: np.ndarray | float = 0.0
    item_bias: np.ndarray | float = 0.0
    mean: float = 0.0
    peak_bytes: int | None = None  # where it is not this process that needs the memory
    details: dict | None = None


def implicit(problem, data, use_cg=True):
    """Its matrix holds the weights of the observed cells themselves: w = alpha * value, not 1 + ...; the
    ridge is lambda, the same for every row (e = 0)."""
    from implicit.cpu.als import AlternatingLeastSquares

    weights = data.matrix()
    weights.data = 1 + np.float32(problem.alpha) * weights.data
    model = AlternatingLeastSquares(
        factors=problem.factors, iterations=problem.iterations, regularization=problem.regularization,
        alpha=1, use_cg=use_cg, num_threads=problem.threads, random_state=1)
    _, time = timed(lambda: model.fit(weights, show_progress=False))
    return Fit(time, model.user_factors, model.item_factors)


def cmfrec(problem, data, use_cg=True):
    """Implicit: w = 1 + alpha * value and the ridge lambda, as als with e = 0. That is what use_cg=False
    minimises; with use_cg=True version 3.5.1 converges, however many steps it is given, to vectors with
      (Y'Y + sum (1 + alpha r) y y' + lambda) x = sum alpha r y
    so that its objective cannot be set beside ours. Explicit: with scale_lam the ridge of a row is lambda
    times its ratings, of its bias too, as als with e = 1, with either solver. The settings for speed are
    those that its documentation names."""
    from cmfrec import CMF, CMF_implicit

    common = dict(k=problem.factors, niter=problem.iterations, lambda_=problem.regularization,
                  use_cg=use_cg, finalize_chol=False, use_float=True, nthreads=problem.threads,
                  precompute_for_predictions=False, verbose=False, random_state=1)
    ratings = data.matrix().tocoo()
    if problem.feedback == "implicit":
        model, time = timed(CMF_implicit(alpha=problem.alpha, **common).fit, ratings)
        return Fit(time, model.A_, model.B_)
    model, time = timed(CMF(method="als", scale_lam=True, **common).fit, ratings)
    return Fit(time, model.A_, model.B_, model.user_bias_, model.item_bias_, model.glob_mean_)


def irspack(problem, data):
    """With loss_type ORIGINAL and nu = 0: w = 1 + alpha0 * value and the plain ridge, as als with e = 0. The
    library's default solver, three steps of conjugate gradients."""
    from irspack.recommenders import IALSRecommender

    model = IALSRecommender(
        data.matrix(), n_components=problem.factors, alpha0=problem.alpha, reg=problem.regularization, nu=0,
        loss_type="ORIGINAL", n_threads=problem.threads, train_epochs=problem.iterations)
    _, time = timed(model.learn)
    return Fit(time, model.get_user_embedding(), model.get_item_embedding())


def rusket(problem, data, anderson_m=0):
    """w = 1 + alpha * value and the plain ridge, as als with e = 0; three steps of conjugate gradients, with or
    without Anderson acceleration. Takes its threads from RAYON_NUM_THREADS."""
    from rusket import ALS

    model = ALS(factors=problem.factors, iterations=problem.iterations, alpha=problem.alpha,
                regularization=problem.regularization, cg_iters=3, anderson_m=anderson_m, seed=1)
    ratings = data.matrix()
    _, time = timed(lambda: model.fit(ratings))
    return Fit(time, model.user_factors, model.item_factors)


def libmf(problem, data):
    """Stochastic gradient descent, one epoch an iteration. It takes the ridge once for each rating, as e = 1,
    and has no biases."""
    from libmf import mf

    part = data.train
    triples = np.column_stack((part.users, part.items, part.ratings)).astype(np.float32)
    model = mf.MF(fun=mf.P_L2_MFR, k=problem.factors, nr_iters=problem.iterations,
                  nr_threads=problem.threads, lambda_p1=0, lambda_q1=0,
                  lambda_p2=LIBMF_REGULARIZATION, lambda_q2=LIBMF_REGULARIZATION, eta=0.1,
                  quiet=True, copy_data=False)
    _, time = timed(model.fit, triples)
    # A user or item without ratings has NaN for factors, and after the last one there is no row.
    return Fit(time, *(_all_rows(np.arange(len(f)), np.nan_to_num(f), n) for f, n in (
        (model.p_factors(), data.n_users), (model.q_factors(), data.n_items))))


def lenskit(problem, data):
    """Implicit: w = 1 + weight * value and the ridge lambda, as als with e = 0. Explicit: takes damped biases
    off the ratings beforehand, then factors of the rest with e = 1."""
    import pandas
    from lenskit.als import BiasedMFScorer, ImplicitMFScorer
    from lenskit.data import from_interactions_df
    from lenskit.training import TrainingOptions

    part = data.train
    dataset = from_interactions_df(pandas.DataFrame(
        {"user_id": part.users, "item_id": part.items, "rating": part.ratings}))
    common = dict(embedding_size=problem.factors, epochs=problem.iterations,
                  regularization=problem.regularization)
    if problem.feedback == "implicit":
        model = ImplicitMFScorer(weight=problem.alpha, use_ratings=True, **common)
    else:
        model = BiasedMFScorer(**common)
    _, time = timed(model.train, dataset, TrainingOptions(rng=1))
    user_ids, item_ids = model.users.ids(), model.items.ids()
    fit = Fit(time, _all_rows(user_ids, model.user_embeddings, data.n_users),
              _all_rows(item_ids, model.item_embeddings, data.n_items))
    if problem.feedback == "explicit":
        fit.user_bias = _all_rows(user_ids, model.bias.user_biases, data.n_users)
        fit.item_bias = _all_rows(item_ids, model.bias.item_biases, data.n_items)
        fit.mean = model.bias.global_bias
    return fit


def spark(problem, data):
    """Multiplies the ridge by the row's number of ratings, for implicit feedback too, so that there it needs
    a regParam of its own; no biases. The fit counts until both factor frames are there."""
    import pyarrow
    import pyarrow.parquet
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import SparkSession

    session = (SparkSession.builder.master(f"local[{problem.threads}]")
               .config("spark.driver.memory", "8g").config("spark.ui.enabled", "false")
               .config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    file = os.path.join(problem.scratch, "ratings.parquet")
    pyarrow.parquet.write_table(pyarrow.table(vars(data.train)), file, row_group_size=1 << 20)
    ratings = session.read.parquet(file).repartition(2 * problem.threads).cache()
    ratings.count()

    is_implicit = problem.feedback == "implicit"
    als = ALS(rank=problem.factors, maxIter=problem.iterations, implicitPrefs=is_implicit,
              regParam=SPARK_IMPLICIT_REGULARIZATION if is_implicit else problem.regularization,
              alpha=problem.alpha or 1.0, userCol="users", itemCol="items", ratingCol="ratings", seed=1)

    # pyspark's child is the Java machine itself: the script that it starts ends in exec.
    java = session.sparkContext._gateway.proc.pid

    def train():
        model = als.fit(ratings)
        model.userFactors.count(), model.itemFactors.count()
        return model

    model, time = timed(train, pid=java)
    factors = [_all_rows(frame.id, np.stack(frame.features), n) for frame, n in (
        (model.userFactors.toPandas(), data.n_users), (model.itemFactors.toPandas(), data.n_items))]
    return Fit(time, *factors, peak_bytes=peak_of(java))


# By held-out quality on a million synthetic ratings: libmf's the best of 0.01, 0.02, 0.05, 0.08 and 0.12,
# Spark's of 0.03, 0.1 and 0.3 (8 iterations): the greatest tried, so that a greater one may do better.
LIBMF_REGULARIZATION = 0.05
SPARK_IMPLICIT_REGULARIZATION = 0.3


def _all_rows(ids, values, n):
    """Values by id as an array for all n users or items, zero for those that training has not seen."""
    values = np.asarray(values, dtype=np.float32)
    result = np.zeros((n, *values.shape[1:]), dtype=np.float32)
    result[np.asarray(ids, dtype=np.int64)] = values
    return result
