"""The ratings that every system is trained on: synthetic ones in the shape of MovieLens-20M, or
those of a file. Whatever the source, a dataset is a folder of .npy files: users, items (numbered from
0) and ratings of the training part in random order, and the same of the held-out tenth."""

import itertools
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/bench/data"
PARTS = ("users", "items", "ratings")

# MovieLens-20M: ratings, users, items, and how often the items at these quantiles were rated.
ML_ROWS, ML_USERS, ML_ITEMS = 20_000_263, 138_493, 26_744
ML_ITEM_QUANTILES = (0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1)
ML_ITEM_COUNTS = (67310, 45000, 17000, 4400, 1500, 205, 18, 3, 1)


@dataclass
class Ratings:
    users: np.ndarray    # int32
    items: np.ndarray    # int32
    ratings: np.ndarray  # float32


@dataclass
class Dataset:
    name: str
    train: Ratings
    held_out: Ratings
    n_users: int
    n_items: int

    def matrix(self, part=None):
        """Users x items in compressed rows, the format that most Python libraries want."""
        from scipy.sparse import csr_matrix

        part = part or self.train
        return csr_matrix((part.ratings, (part.users, part.items)),
                          shape=(self.n_users, self.n_items))


def load(name, rows=ML_ROWS):
    """The dataset `name`: 'synthetic' (of so many rows), 'movielens-100k', or a file or folder."""
    name = f"synthetic-{rows}" if name == "synthetic" else name
    folder = CACHE / Path(name).stem
    if not (folder / "held_out-ratings.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _save(folder, *(_synthetic(rows) if name.startswith("synthetic-") else _read(_find(name))))
    parts = [Ratings(*(np.load(folder / f"{part}-{column}.npy") for column in PARTS))
             for part in ("train", "held_out")]
    n_users, n_items = np.load(folder / "shape.npy")
    return Dataset(folder.name, *parts, int(n_users), int(n_items))


def copy_bytes(part):
    """The ratings in COPY's binary format: for each row the number of fields, then each field's length and value."""
    rows = np.empty(len(part.users), dtype=[
        ("fields", ">i2"), ("l1", ">i4"), ("user", ">i4"), ("l2", ">i4"), ("item", ">i4"),
        ("l3", ">i4"), ("rating", ">f4")])
    rows["fields"], rows["l1"], rows["l2"], rows["l3"] = 3, 4, 4, 4
    rows["user"], rows["item"], rows["rating"] = part.users, part.items, part.ratings
    yield b"PGCOPY\n\xff\r\n\0" + bytes(8)
    for at in range(0, len(rows), 1 << 16):
        yield rows[at:at + (1 << 16)].tobytes()
    yield b"\xff\xff"


def _save(folder, users, items, ratings):
    """Splits nine to one by a hash of the cell, so that the split depends on nothing else, and shuffles:
    tables are seldom sorted by user."""
    n_users, n_items = users.max() + 1, items.max() + 1
    np.save(folder / "shape.npy", (n_users, n_items))
    order = np.random.default_rng(1).permutation(len(users))
    held_out = _hash(users.astype(np.uint64) * np.uint64(n_items) + items.astype(np.uint64)) % 10 == 0
    for part, chosen in (("train", order[~held_out[order]]), ("held_out", order[held_out[order]])):
        for column, values in zip(PARTS, (users, items, ratings)):
            dtype = np.float32 if column == "ratings" else np.int32
            np.save(folder / f"{part}-{column}.npy", values[chosen].astype(dtype))


def _hash(keys):
    """The finalizer of SplitMix64: every bit of the key reaches every bit of the result."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


# Files -------------------------------------------------------------------------------------------

def _find(name):
    if name == "movielens-100k":
        fetched = ROOT / "build/data"
        subprocess.run([ROOT / "test/tools/fetch-data", fetched], check=True)
        return fetched / "ratings.tsv"
    path = Path(name)
    if path.is_dir():
        # MovieLens calls it ratings.csv, ratings.dat or u.data.
        names = ("ratings.tsv", "ratings.csv", "ratings.dat", "u.data")
        found = [path / n for n in names if (path / n).exists()]
        if not found:
            raise SystemExit(f"als: {path} holds none of {', '.join(names)}")
        return found[0]
    if not path.exists():
        raise SystemExit(f"als: there is no file or folder {path}")
    return path


def _read(path):
    """User, item and rating of each line, separated by tabs, commas or '::'. A first line that is not
    a number is a header. Of several ratings of one cell the last counts."""
    import pandas

    with open(path) as file:
        first = file.readline()
    separator = "::" if "::" in first else "\t" if "\t" in first else ","
    header = 0 if not first.split(separator)[2].strip().replace(".", "", 1).isdigit() else None
    table = pandas.read_csv(path, sep=separator, header=header, usecols=[0, 1, 2],
                            engine="python" if separator == "::" else "c")
    table.columns = PARTS
    table = table.drop_duplicates(["users", "items"], keep="last")
    users, items = (np.unique(table[column], return_inverse=True)[1] for column in PARTS[:2])
    return users, items, table.ratings.to_numpy()


# Synthetic ratings -------------------------------------------------------------------------------

def _synthetic(rows, seed=7, rank=16):
    """Users and items have positions t_u, v_i in a space of 16 dimensions, drawn from a normal
    distribution. They decide both which cells are rated and how:

      each rating of u picks a dimension z with probability softmax(t_u)_z, then an unrated item with
      probability proportional to popularity_i exp(v_iz);
      r_ui = 3.5 + b_u + b_i + 0.12 t_u . v_i + noise, rounded to half stars from 0.5 to 5.

    Fewer rows mean fewer users, each with as many ratings, and fewer items by the square root."""
    rng = np.random.default_rng(seed)
    n_users = max(50, round(ML_USERS * rows / ML_ROWS))
    n_items = max(500, round(ML_ITEMS * (rows / ML_ROWS) ** 0.5))
    t = rng.standard_normal((n_users, rank), dtype=np.float32)
    v = rng.standard_normal((n_items, rank), dtype=np.float32)

    popularity = np.exp(np.interp(np.linspace(0, 1, n_items), ML_ITEM_QUANTILES,
                                  np.log(ML_ITEM_COUNTS)))
    users, items = _cells(rng, _activity(rng, rows, n_users, n_items), t,
                          popularity[:, None] * np.exp(v))

    taste = np.empty(len(users), dtype=np.float32)
    for at in range(0, len(users), 1 << 20):
        block = slice(at, at + (1 << 20))
        taste[block] = np.einsum("nz,nz->n", t[users[block]], v[items[block]])
    b_user = 0.45 * rng.standard_normal(n_users, dtype=np.float32)
    # What many rate is better liked, as in MovieLens.
    b_item = (0.4 * rng.standard_normal(n_items, dtype=np.float32)
              - np.linspace(0, 0.8, n_items, dtype=np.float32))
    ratings = (3.5 + b_user[users] + b_item[items] + 0.12 * taste
               + 0.75 * rng.standard_normal(len(users), dtype=np.float32))
    return users, items, np.clip(np.round(2 * ratings) / 2, 0.5, 5)


def _activity(rng, rows, n_users, n_items):
    """Ratings for each user: at least 20, median about 68, at most a third of the items."""
    excess = np.exp(1.38 * rng.standard_normal(n_users))
    most = n_items // 3
    low, high = 0.0, 1e6
    # The scale of the excess at which the sum comes out right.
    for _ in range(60):
        scale = (low + high) / 2
        counts = np.minimum(20 + scale * excess, most).astype(np.int64)
        low, high = (scale, high) if counts.sum() < rows else (low, scale)
    spare = np.flatnonzero(counts < most)
    counts[rng.choice(spare, min(len(spare), max(0, rows - counts.sum())), replace=False)] += 1
    return counts


def _cells(rng, counts, t, weights, popular_rounds=6):
    """Draws for every user so many distinct items: draws with replacement, drops what the user has
    already, and draws again what is missing. After some rounds by flatter chances: the busiest have
    seen all that is popular by then."""
    n_users, n_items = len(counts), len(weights)
    choice = np.exp(t - t.max(axis=1, keepdims=True))
    choice = np.cumsum(choice / choice.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    flat = _cumulative(np.sqrt(weights.mean(axis=1)))
    by_item = [_cumulative(weights[:, z]) for z in range(weights.shape[1])]
    done = []
    have = np.empty(0, dtype=np.int64)  # user * n_items + item, sorted, of the users not yet done
    missing = counts
    for draw in itertools.count():
        users = np.repeat(np.arange(n_users), missing)
        if len(users) == 0:
            cells = np.concatenate(done)
            return cells // n_items, cells % n_items
        chance = rng.random(len(users))
        if draw < popular_rounds:
            z = _count_below(choice, users, rng.random(len(users), dtype=np.float32))
            items = np.empty(len(users), dtype=np.int64)
            for dimension, cumulative in enumerate(by_item):
                of_it = np.flatnonzero(z == dimension)
                items[of_it] = np.searchsorted(cumulative, chance[of_it])
        else:
            items = np.searchsorted(flat, chance)
        have = np.sort(np.concatenate((have, users * n_items + items)))
        have = have[np.diff(have, prepend=-1) != 0]
        missing = np.where(missing > 0, counts - np.bincount(have // n_items, minlength=n_users), 0)
        unfinished = missing[have // n_items] > 0
        done.append(have[~unfinished])
        have = have[unfinished]


def _cumulative(weights):
    return np.cumsum(weights / weights.sum())[:-1]


def _count_below(table, rows, values):
    """How many numbers in the row of the table lie below the value: its place among them."""
    place = np.zeros(len(rows), dtype=np.int8)
    for column in table.T:
        place += values > column[rows]
    return place
