"""One judge for the factors of every system: the training objective of als, the error of predicted
ratings held out, and how many held-out items a list of 20 finds."""

import numpy as np

BLOCK = 1 << 18     # cells at a time
LIST = 20           # recommendations for a user
SAMPLE = 5000       # users who get them


def evaluate(problem, data, fit):
    """What the feedback of the problem can be judged by, as a dictionary."""
    result = {"objective": objective(problem, data, fit), "gradient": gradient(problem, data, fit)}
    if problem.feedback == "explicit":
        result["rmse"] = rmse(data, fit)
    else:
        result["recall"], result["ndcg"] = ranking(data, fit)
    return result


def scores(fit, part):
    """mu + b_u + b_i + x_u . y_i for the cells of a part."""
    result = np.full(len(part.users), fit.mean, dtype=np.float32)
    for at in range(0, len(result), BLOCK):
        cells = slice(at, at + BLOCK)
        result[cells] += np.einsum("nk,nk->n", fit.users[part.users[cells]], fit.items[part.items[cells]])
    if np.ndim(fit.user_bias):
        result += fit.user_bias[part.users] + fit.item_bias[part.items]
    return result


def objective(problem, data, fit):
    """sum over cells of w (p - s)^2 + lambda sum_u W_u^e |x_u|^2 + lambda sum_i W_i^e |y_i|^2, where a bias
    counts as one more component of the vector, as docs/how-it-works.md has it."""
    part = data.train
    s = scores(fit, part).astype(np.float64)
    if problem.feedback == "explicit":
        loss = np.sum((part.ratings - s) ** 2)
        weight, background = np.ones(len(s)), 0
    else:
        # Unobserved cells have w = 1 and p = 0. The sum of s^2 over all cells is the trace of (X'X)(Y'Y), so that
        # only the observed cells need a visit, to replace their s^2 by w (1 - s)^2.
        weight, background = problem.alpha * part.ratings.astype(np.float64), 1
        loss = np.sum(gram(fit.users) * gram(fit.items)) + np.sum((1 + weight) * (1 - s) ** 2 - s ** 2)
    for ids, factors, bias, others in ((part.users, fit.users, fit.user_bias, data.n_items),
                                       (part.items, fit.items, fit.item_bias, data.n_users)):
        total = background * others + np.bincount(ids, weight, len(factors))
        ridge = np.where(total > 0, total ** problem.reg_exponent, 0)
        squares = np.einsum("nk,nk->n", factors, factors, dtype=np.float64) + np.square(bias)
        loss += problem.regularization * np.sum(ridge * squares)
    return float(loss)


def gram(factors):
    """The sum of the rows' outer products, in double precision."""
    result = np.zeros((factors.shape[1],) * 2)
    for at in range(0, len(factors), BLOCK):
        block = factors[at:at + BLOCK].astype(np.float64)
        result += block.T @ block
    return result


def gradient(problem, data, fit):
    """The gradient of the objective by the vectors of the side that was solved last, relative to its
    right-hand side. Near 0 only if the system minimises this very objective: after any number of
    iterations where it solves a row exactly, in the long run where it solves by conjugate gradients.

    half of it by x_u = sum over cells of w_ui (s_ui - p_ui) y_i + lambda W_u^e x_u"""
    from scipy.sparse import csr_matrix

    part = data.train
    s = scores(fit, part)
    sides = []
    for ids, other_ids, own, other in ((part.users, part.items, fit.users, fit.items),
                                       (part.items, part.users, fit.items, fit.users)):
        def times_others(values):
            return csr_matrix((values, (ids, other_ids)), shape=(len(own), len(other))) @ other

        if problem.feedback == "explicit":
            # What is not x . y moves to the right-hand side.
            product = np.einsum("nk,nk->n", fit.users[part.users], fit.items[part.items])
            left, right = times_others(product), times_others(part.ratings - (s - product))
            total = np.bincount(ids, minlength=len(own))
        else:
            weight = problem.alpha * part.ratings
            left = own @ gram(other) + times_others(weight * s)
            right = times_others(1 + weight)
            total = len(other) + np.bincount(ids, weight, len(own))
        left = left + problem.regularization * (total ** problem.reg_exponent)[:, None] * own
        sides.append(np.linalg.norm(left - right) / np.linalg.norm(right))
    return float(min(sides))


def rmse(data, fit):
    """The error of the ratings held out whose user and item training has seen."""
    part = data.held_out
    known = (np.bincount(data.train.users, minlength=data.n_users)[part.users] > 0) & (
        np.bincount(data.train.items, minlength=data.n_items)[part.items] > 0)
    errors = (part.ratings - scores(fit, part)).astype(np.float64)
    return float(np.sqrt(np.mean(errors[known] ** 2)))


def ranking(data, fit):
    """Recall@20 (of at most 20) and NDCG@20 over a sample of users with held-out items; what a user has rated
    in training is left out of the list."""
    seen, wanted = data.matrix(), data.matrix(data.held_out)
    candidates = np.flatnonzero(np.diff(wanted.indptr) * np.diff(seen.indptr))
    users = np.sort(np.random.default_rng(3).permutation(candidates)[:SAMPLE])
    discount = 1 / np.log2(np.arange(2, LIST + 2))
    ideal = np.concatenate(([0], np.cumsum(discount)))
    recall = ndcg = 0.0
    for at in range(0, len(users), 500):
        block = users[at:at + 500]
        score = fit.users[block] @ fit.items.T
        rows, columns = seen[block].nonzero()
        score[rows, columns] = -np.inf
        top = np.argpartition(-score, LIST, axis=1)[:, :LIST]
        top = np.take_along_axis(top, np.argsort(-np.take_along_axis(score, top, 1), axis=1), 1)
        hits = np.take_along_axis(wanted[block].toarray() != 0, top, 1)
        attainable = np.minimum(LIST, np.diff(wanted.indptr)[block])
        recall += np.sum(hits.sum(axis=1) / attainable)
        ndcg += np.sum(hits @ discount / ideal[attainable])
    return float(recall / len(users)), float(ndcg / len(users))
