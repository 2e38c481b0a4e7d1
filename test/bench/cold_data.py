"""Items with features, and who likes them, as the sets are published: MovieLens 100K as make demo fetches it, MovieLens
with movies.csv and ratings.csv, Goodbooks with books.csv and ratings.csv."""

import csv
import re
from pathlib import Path


def read(folder):
    """(items, likes): of each item its id, its year or None, and its genres or authors; pairs of user and item."""
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
