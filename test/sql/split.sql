-- als.hash_fraction and als.split: parts of a source that depend on its rows alone.
create schema split;
set search_path = split;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

-- These numbers never change: splits made years apart must be the same.
select als.hash_fraction(1), als.hash_fraction(1, 2), als.hash_fraction(2, 1), als.hash_fraction('abc'::text), als.hash_fraction(null::int);
select als.hash_fraction(0.5::numeric), als.hash_fraction(0.5::float8), als.hash_fraction('2024-02-29 12:00+00'::timestamptz), als.hash_fraction('2024-02-29'::date),
       als.hash_fraction('6ecd8c99-4036-403d-bf84-cf8400f67836'::uuid), als.hash_fraction(true), als.hash_fraction('\x00ff'::bytea);
-- They depend on what a value is, not on its type's width nor on how it is written.
create type mood as enum ('ok', 'sad');
create domain code as varchar(10);
select als.hash_fraction(7::smallint) = als.hash_fraction(7::bigint) as integers, als.hash_fraction('ab'::text) = als.hash_fraction('ab'::varchar(5)) as texts,
       als.hash_fraction('ab'::text) = als.hash_fraction('ab'::char(5)) as padded, als.hash_fraction('ab'::text) = als.hash_fraction('ab') as literal,
       als.hash_fraction('ab'::text) = als.hash_fraction('ab'::code) as domain, als.hash_fraction('ok'::mood) = als.hash_fraction('ok') as enum,
       als.hash_fraction('ab'::name) = als.hash_fraction('ab') as name, als.hash_fraction(1.50) = als.hash_fraction(1.5) as numerics,
       als.hash_fraction('-0'::float8) = als.hash_fraction('0'::float4) as zeros, als.hash_fraction('nan'::float8) = als.hash_fraction('nan'::float4) as nans;
select als.hash_fraction('a', 'bc') <> als.hash_fraction('ab', 'c') as parts, als.hash_fraction('') <> als.hash_fraction(null::text) as empty,
       als.hash_fraction('a') <> als.hash_fraction(E'a ') as spaces, als.hash_fraction(1) <> als.hash_fraction('1') as types, als.hash_fraction(1, 1) <> als.hash_fraction(1, 2) as seeds;
-- Settings have no part in them.
create table settings as select als.hash_fraction('2024-02-29 12:00+00'::timestamptz, '2024-02-29'::date, 'grün'::text, 0.1::float8, '\xff'::bytea) as value;
set timezone = 'Asia/Tokyo';
set datestyle = 'German';
set client_encoding = 'latin1';
set extra_float_digits = -5;
set bytea_output = 'escape';
select value = als.hash_fraction('2024-02-29 12:00+00'::timestamptz, '2024-02-29'::date, (select string_agg(c, '' order by n) from (values (1, 'gr'), (2, chr(252)), (3, 'n')) as t(n, c)), 0.1::float8, '\xff'::bytea) as same from settings;
reset timezone; reset datestyle; reset client_encoding; reset extra_float_digits; reset bytea_output;
-- Nor has the client's encoding, in which some types send the text within them: an index finds its rows in any session.
create table texts as
select json_build_object('ä', w) as j, jsonb_build_object('ä', w) as b, to_tsvector('simple', w) as v, plainto_tsquery('simple', w) as q, ('$."' || w || '"')::jsonpath as p, w::text::refcursor as r
from (values ('grün'), ('blau')) as t(w);
create function hashes(texts) returns float8[] immutable language sql as
$$ select array[als.hash_fraction($1.j), als.hash_fraction($1.b), als.hash_fraction($1.v), als.hash_fraction($1.q), als.hash_fraction($1.p), als.hash_fraction($1.r)] $$;
select * from texts as t, unnest(hashes(t)) as hash where t.r::text = 'blau';
create table hashed as select t::text, hashes(t) from texts as t;
create index on texts (als.hash_fraction(b));
set client_encoding = 'latin1';
select count(*) = 2 as same from texts as x join hashed on hashed.hashes = hashes(x);
set enable_seqscan = off;
select count(*) as found from texts as t where als.hash_fraction(b) in (select hashes[2] from hashed);
reset enable_seqscan;
reset client_encoding;
-- Even, of [0, 1), and independent of one another.
select min(f) >= 0 and max(f) < 1 as within, max(abs(n / 100000.0 - 0.1)) < 0.004 as even, count(*)
from (select width_bucket(f, 0, 1, 10), count(*) as n, min(f) as f from (select als.hash_fraction(i) as f from generate_series(1, 100000) as i) as h group by 1) as b(bucket, n, f);
select abs(corr(als.hash_fraction(i, 1), als.hash_fraction(i, 2))) < 0.02 as independent, abs(corr(als.hash_fraction(i), i)) < 0.02 as of_the_value,
       count(distinct als.hash_fraction(i)) as distinct from generate_series(1, 50000) as i;
select provolatile, proparallel from pg_proc where oid = 'als.hash_fraction'::regproc;
select try($$select als.hash_fraction(array[1, 2])$$);
select try($$select als.hash_fraction(row(1, 2))$$);
select try($$select als.hash_fraction(variadic array[1, 2])$$);
select try($$select als.hash_fraction(int4range(1, 2))$$);

create table ratings as
select u as user_id, i as item_id, (u + i) % 5 + 1 as rating, timestamp '2024-01-01' + interval '1 hour' * ((u * 31 + i * 17) % 40) as "At"
from generate_series(1, 100) as u, generate_series(1, 60) as i where (u * 7 + i * 13) % 3 < 2;
insert into ratings select user_id, item_id, 1, "At" from ratings where item_id = 1;
-- A pair at the same time with other ratings, none of which goes without the others.
insert into ratings select user_id, item_id, r, "At" + interval '1 year' from ratings, generate_series(1, 3) as r where item_id = 2 and user_id < 50;
insert into ratings values (null, 1, 3, null), (1, null, 3, null), (3, 3, 3, null);

-- Runs the queries of a split and tells what they have in common and whether they make up the source.
create procedure check_split(arguments text, source text default 'ratings', parts text[] default '{train,test}') language plpgsql as $$
declare
  part text; query text; rows bigint; sizes text[]; pairs bigint; users bigint; differing bigint;
begin
  drop table if exists parts;
  execute format('create temp table parts as select null::text as part, * from %s limit 0', source);
  foreach part in array parts loop
    execute format('select als.split(%L, %L, %s)', source, part, arguments) into query;
    execute format('insert into parts select %L, * from (%s) as q', part, query);
    get diagnostics rows = row_count;
    sizes := sizes || (part || ' ' || rows);
  end loop;
  select count(*) from (select user_id, item_id from parts group by 1, 2 having count(distinct parts.part) > 1) as p into pairs;
  select count(*) from (select user_id from parts group by 1 having count(distinct parts.part) > 1) as p into users;
  execute format('select count(*) from (select user_id, item_id, rating, "At" from parts except all table %1$s) as e', source) into differing;
  execute format('select %s + abs(count(*) - (select count(*) from parts)) from %s', differing, source) into differing;
  raise info '%: %, % pairs and % users in several parts, % rows differ', arguments, array_to_string(sizes, ', '), pairs, users, differing;
end $$;
call check_split('0.2');
call check_split('0.5, seed => -7');
call check_split('0');
call check_split('1');
call check_split($$0.3, 'user', test_share => 0.25$$, parts => '{train,history,test}');
call check_split($$0.3, 'item'$$);
call check_split($$0.3, 'item', seed => 7$$);
call check_split($$0, 'item'$$);
call check_split($$1, 'item'$$);
call check_split($$by => 'time', last => 3, time_col => 'At'$$);
call check_split($$0.25, 'time', time_col => 'At'$$);
call check_split($$by => 'time', since => '2024-01-02', time_col => 'At'$$);

-- What is in the parts is what the definitions say.
create function part(query text) returns setof ratings language plpgsql as $$ begin return query execute query; end $$;
select count(*) = count(*) filter (where als.hash_fraction(user_id, item_id, 42::bigint) < 0.2) as by_row from part(als.split('ratings', 'test'));
select count(*) filter (where als.hash_fraction(user_id, 42::bigint) >= 0.3 or als.hash_fraction(user_id, item_id, 42::bigint) >= 0.2) as by_user from part(als.split('ratings', 'test', 0.3, 'user'));
select count(*) filter (where als.hash_fraction(item_id, 42::bigint) >= 0.3) as by_item, count(distinct item_id) as items from part(als.split('ratings', 'test', 0.3, 'item'));
select count(*) as of_both from part(als.split('ratings', 'test', 0.3, 'item')) as test join part(als.split('ratings', 'train', 0.3, 'item')) as train using (item_id);
select user_id, count(*), min("At") >= (select max("At") from part(als.split('ratings', 'train', by => 'time', last => 2, time_col => 'At')) as r where r.user_id = t.user_id) as later
from part(als.split('ratings', 'test', by => 'time', last => 2, time_col => 'At')) as t where user_id <= 3 group by 1 order by 1;
select count(*) filter (where "At" < '2024-01-02') as before, min("At") from part(als.split('ratings', 'test', by => 'time', since => '2024-01-02', time_col => 'At'));

-- The order of the rows has no part in it, nor has a search_path.
create table shuffled as select * from ratings order by md5(ctid::text);
create schema hostile;
create function hostile.less(float8, float8) returns boolean language sql immutable as 'select true';
create operator hostile.< (leftarg = float8, rightarg = float8, function = hostile.less);
create function fingerprint(query text, path text default 'split') returns text language plpgsql as $$
declare
  result text;
begin
  perform set_config('search_path', path, true);
  execute format('select pg_catalog.md5(pg_catalog.string_agg(q::text, '' '' order by q::text)) from (%s) as q', query) into result;
  perform set_config('search_path', 'split', true);
  return result;
end $$;
create function split_of(source text, arguments text) returns text language plpgsql as $$
declare
  result text;
begin
  execute format('select als.split(%L, ''test'', %s)', source, arguments) into result;
  return result;
end $$;
select arguments, fingerprint(split_of('ratings', arguments)) = fingerprint(split_of('shuffled', arguments)) as any_order,
       fingerprint(split_of('ratings', arguments)) = fingerprint(split_of('ratings', arguments), 'hostile, pg_catalog') as any_path
from unnest(array[$$0.2$$, $$0.3, 'user'$$, $$0.3, 'item'$$, $$by => 'time', last => 3, time_col => 'At'$$, $$0.25, 'time', time_col => 'At'$$]) as arguments;

-- Queries, views and odd names; a part of a part.
create table "Odd ""table" ("User" text, "item'id" uuid, rating int, gone int);
alter table "Odd ""table" drop column gone;
insert into "Odd ""table" select 'u' || u, md5(u::text)::uuid, 1 from generate_series(1, 50) as u;
select als.split('"Odd ""table"', 'test', user_col => 'User', item_col => 'item''id');
select als.split('select * from split.ratings -- all of them', 'train', 0.1, 'time', time_col => 'At');
select part, count(*) from (
  select 'a' as part, * from part(als.split(als.split('ratings', 'train', 0.5), 'test', 0.5, seed => 1)) union all
  select 'b', * from part(als.split(als.split('ratings', 'train', 0.5) || ';', 'train', 0.5, seed => 1)) union all
  select 'c', * from part(als.split('ratings', 'train', 0.5))) as p group by 1 order by 1;
select count(*) > 10 as rows from part(als.split('ratings', 'train', 1e-7)) where user_id is null or item_id is not null;

-- From split to evaluation.
select n_ratings > 3000 as trained from als.train('m', als.split('ratings', 'train', 0.2, 'user'), factors => 4, iterations => 3, feedback => 'implicit');
select metric, k, n from als.evaluate('m', als.split('ratings', 'test', 0.2, 'user'), '{5}', history => als.split('ratings', 'history', 0.2, 'user')) where metric in ('ndcg', 'coverage', 'user_coverage');

-- Mistakes.
select try($$select als.split(null, 'test')$$);
select try($$select als.split('ratings', null)$$);
select try($$select als.split('ratings', 'valid')$$);
select try($$select als.split('ratings', 'test', 1.5)$$);
select try($$select als.split('ratings', 'test', 'NaN')$$);
select try($$select als.split('ratings', 'test', by => 'day')$$);
select try($$select als.split('ratings', 'history', by => 'item')$$);
select try($$select als.split('ratings', 'test', by => 'item', last => 1)$$);
select try($$select als.split('ratings', 'history')$$);
select try($$select als.split('ratings', 'test', by => 'time')$$);
select try($$select als.split('ratings', 'test', by => 'time', last => 1, since => '2024-01-01', time_col => 'At')$$);
select try($$select als.split('ratings', 'test', by => 'time', last => -1, time_col => 'At')$$);
select try($$select als.split('ratings', 'test', by => 'time', since => $q$it's$q$, time_col => 'At')$$);
select try($$select als.split('ratings', 'test', time_col => 'At')$$);
select try($$select als.split('ratings', 'test', last => 1)$$);
select try($$select als.split('ratings', 'test', by => 'time', time_col => 'at')$$);
select try($$select als.split('ratings', 'test', user_col => 'visitor')$$);
select try($$select als.split('ratings', 'test', user_col => null)$$);
select try($$select als.split('ratings', 'test', seed => null)$$);
select try($$select als.split('nothing', 'test')$$);
select try($$select als.split('select 1; drop table split.ratings', 'test')$$);
drop schema split, hostile cascade;
