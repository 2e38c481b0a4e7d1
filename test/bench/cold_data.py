"""Items with features, and who likes them, as the sets are published: MovieLens 100K as make demo fetches it, MovieLens
with movies.csv and ratings.csv, Goodbooks with books.csv and ratings.csv. And a set with planted effects."""

import csv
import re
from pathlib import Path

import numpy as np

SYNTHETIC = "synthetic"


def read(folder):
    """(items, likes): of each item its id, its year or None, and its genres or authors; pairs of user and item."""
    if folder == SYNTHETIC:
        return planted()
    folder = Path(folder)
    if (folder / "movies.tsv").exists():
        items = [(int(item), year(year_), [v for v in genres.split(", ") if v])
                 for item, _, year_, genres in rows(folder / "movies.tsv", "\t")]
        return items, pairs(folder / "ratings.tsv", "\t", 0, 1)
    if (folder / "movies.csv").exists():
        items = [(int(item), year_of_title(title), [v for v in genres.split("|") if v != "(no genres listed)"])
                 for item, title, genres in rows(folder / "movies.csv")]
        return items, pairs(folder / "ratings.csv", ",", 0, 1)
    if (folder / "books.csv").exists():
        items = [(int(item), year(year_), authors.split(", ")) for item, _, authors, year_ in rows(folder / "books.csv")]
        return items, pairs(folder / "ratings.csv", ",", 1, 0)
    raise SystemExit(f"als: {folder} holds none of movies.tsv, movies.csv, books.csv")


def rows(path, separator=","):
    """All rows but a header."""
    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.reader(file, delimiter=separator, quoting=quoting):
            if row[0].isdigit():
                yield row


def pairs(path, separator, user, item):
    if not path.exists():
        raise SystemExit(f"als: there is no file {path}")
    return sorted({(int(row[user]), int(row[item])) for row in rows(path, separator)})


def year(text):
    return int(float(text)) if re.fullmatch(r"-?\d+(\.0)?", text) else None


def year_of_title(title):
    found = re.search(r"\((\d{4})\)\s*$", title)
    return int(found[1]) if found else None


def planted(users=1500, items=1200, genres=24, people=200, directions=8):
    """Likes by what features are known to do. What an item is like is the sum of what each of its genres and its maker
    are, of a slope along the years, and of a deviation of its own of half their length. A third of the genres tell
    nothing. Each user likes the items that are best by a product with their own vector, by popularity and by chance."""
    draw = np.random.default_rng(7)
    of_genre = draw.normal(size=(genres, directions))
    of_genre[: genres // 3] = 0
    of_person = draw.normal(size=(people, directions))
    slope = draw.normal(size=directions)
    has_genre = np.zeros((items, genres))
    for row in has_genre:
        row[draw.choice(genres, draw.integers(1, 4), replace=False)] = 1
    person = np.minimum(draw.geometric(0.02, items) - 1, people - 1)
    years = draw.integers(1960, 2020, items)
    said = has_genre @ of_genre + of_person[person] + np.outer((years - years.mean()) / years.std(), slope)
    own = draw.normal(size=(items, directions))
    vectors = said / np.linalg.norm(said, axis=1).mean() + 0.5 * own / np.linalg.norm(own, axis=1).mean()
    popularity = draw.normal(size=items)
    scores = 2 * draw.normal(size=(users, directions)) @ vectors.T + popularity + draw.gumbel(size=(users, items))
    likes = [(user + 1, int(item) + 1)
             for user in range(users) for item in np.argsort(-scores[user])[: draw.integers(10, 100)]]
    return [(item + 1, int(years[item]), [f"genre {g}" for g in np.flatnonzero(has_genre[item])] + [f"by {person[item]}"])
            for item in range(items)], likes
