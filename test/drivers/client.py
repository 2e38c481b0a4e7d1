# client.py DRIVER CALLS: makes the calls of a file, as an application would with psycopg2, psycopg, asyncpg, sqlalchemy
# or django, and prints what comes back: the call's name, the first column, and the class of its first value.
#
# A line of the file holds a name, a statement with {type} where a parameter goes, and the parameters. Drivers for which
# the server says what type a parameter has cast it to this type, but for calls whose name begins with "untyped".
import asyncio
import os
import re
import sys
import uuid

DRIVER, CALLS = sys.argv[1:]
MARK = re.compile(r"\{([^}]*)\}")


def value(text, of):
    if text == "\\N":
        return None
    if of.endswith("[]"):
        return [value(element, of[:-2]) for element in text[1:-1].split(",") if element]
    return {"smallint": int, "int": int, "bigint": int, "float8": float, "uuid": uuid.UUID}.get(of, str)(text)


def calls():
    for line in open(CALLS):
        name, statement, *texts = line.rstrip("\n").split("\t")
        yield name, statement, [value(text, of) for text, of in zip(texts, MARK.findall(statement))]


def marked(statement, mark):
    numbers = iter(range(1, 100))
    return MARK.sub(lambda found: mark(next(numbers), found[1]), statement)


def show(name, rows):
    values = [row[0] for row in rows]
    print(name, ",".join(map(str, values)), type(values[0]).__name__ if values else "", sep="\t", flush=True)


def fail(name, error):
    print(name, "ERROR: " + str(error).split("\n")[0], "", sep="\t", flush=True)


def run(fetch):
    for name, statement, parameters in calls():
        try:
            show(name, fetch(statement, parameters))
        except Exception as error:
            fail(name, error)


def run_cursor(cursor):
    def fetch(statement, parameters):
        cursor.execute(marked(statement, lambda n, of: "%s"), parameters)
        return cursor.fetchall()
    run(fetch)


def with_psycopg2():
    import psycopg2
    import psycopg2.extras
    psycopg2.extras.register_uuid()
    connection = psycopg2.connect("")
    connection.autocommit = True
    run_cursor(connection.cursor())


def with_psycopg():
    import psycopg
    run_cursor(psycopg.connect("", autocommit=True).cursor())


def with_asyncpg():
    import asyncpg

    async def main():
        connection = await asyncpg.connect()
        for name, statement, parameters in calls():
            mark = (lambda n, of: f"${n}") if name.startswith("untyped") else (lambda n, of: f"${n}::{of}")
            try:
                show(name, await connection.fetch(marked(statement, mark), *parameters))
            except Exception as error:
                fail(name, error)
    asyncio.run(main())


def with_sqlalchemy():
    import sqlalchemy
    engine = sqlalchemy.create_engine("postgresql+psycopg://", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        def fetch(statement, parameters):
            named = {f"p{n}": parameter for n, parameter in enumerate(parameters, 1)}
            return connection.execute(sqlalchemy.text(marked(statement, lambda n, of: f":p{n}")), named).fetchall()
        run(fetch)


def with_django():
    from django.conf import settings
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"],
                                              "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}})
    from django.db import connection
    run_cursor(connection.cursor())


globals()["with_" + DRIVER]()
