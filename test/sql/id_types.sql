-- Ids of every type, alone and mixed, as literals, values and columns.
create schema id_types;
set search_path = id_types;
set client_min_messages = warning;
set als.threads = 1;

create table base as
select u, i, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 12) as u, generate_series(1, 9) as i where (u * 31 + i * 17) % 3 <> 0;

-- Trains on base with these ids and compares what serving says with a model of plain int ids:
-- the same ids in the same order? (Initial factors depend on the id, so two trainings end in
-- different places; the tables of the int model's factors are copied instead.)
select n_users, n_items from als.train('plain', 'select u as user_id, i as item_id, rating from base', factors => 3);

create procedure check_type(title text, user_id text, item_id text) language plpgsql as $$
declare
  same_items bool; same_similar bool; predicted bigint; differ bigint;
  id_type text; returned text; n int;
begin
  execute format('create view source as select %s as user_id, %s as item_id, rating from base', user_id, item_id);
  perform als.train('m', 'source', factors => 3, iterations => 2);
  execute format('update m_user_factors m set factors = p.factors, bias = p.bias from plain_user_factors p,
    (select distinct u, %s as id from base) b where b.u = p.user_id and b.id = m.user_id', user_id);
  execute format('update m_item_factors m set factors = p.factors, bias = p.bias from plain_item_factors p,
    (select distinct i, %s as id from base) b where b.i = p.item_id and b.id = m.item_id', item_id);
  execute format('select count(*), count(*) filter (where als.predict(''m'', %s, %s) is distinct from als.predict(''plain'', u, i)) from base',
    user_id, item_id) into predicted, differ;
  execute format('select count(*), bool_and(r.item_id = (select distinct %2$s from base as b where b.i = p.item_id) and r.score = p.score)
    from (select distinct u, %1$s as id from base) as users,
      lateral als.recommend(''plain'', u, 3) as p, lateral als.recommend(''m'', id, 3) as r where r.rank = p.rank',
    user_id, item_id) into n, same_items;
  execute format('select bool_and(s.item_id = (select distinct %1$s from base as b where b.i = p.item_id) and s.score = p.score)
    from (select distinct i, %1$s as id from base) as items,
      lateral als.similar_items(''plain'', i, 3) as p, lateral als.similar_items(''m'', id, 3) as s where s.rank = p.rank',
    item_id) into same_similar;
  select string_agg(format_type(atttypid, atttypmod), ', ' order by attrelid desc) into id_type from pg_attribute
  where attrelid in ('m_user_factors'::regclass, 'm_item_factors'::regclass) and attnum = 1;
  execute format('select distinct pg_typeof(r.item_id)::text from (select %s as id from base) as users, als.recommend(''m'', id, 1) as r',
    user_id) into returned;
  raise info '%: ids %; recommend returns %; predictions %, wrong %; lists %, same %; similar %', title, id_type, returned,
    predicted, differ, n, same_items, same_similar;
  perform als.drop_model('m');
  drop view source;
end $$;

create domain score as int check (value > 0);
create domain code as text;
create type letter as enum ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm');
create domain initial as letter;

\set VERBOSITY terse
call check_type('int', 'u', 'i');
call check_type('smallint', 'u::smallint', 'i::smallint');
call check_type('bigint beyond 32 bits', 'u + 5000000000', 'i + 9000000000000000000');
call check_type('negative', '-u::bigint', '-i::bigint - 5000000000');
call check_type('text', $$ 'user ' || u $$, $$ 'item ' || i $$);
call check_type('text, one empty', $$ repeat('x', u - 1) $$, $$ repeat('ä', i - 1) $$);
call check_type('long text', $$ repeat('x', u * 200) $$, $$ repeat('y', i * 200) $$);
call check_type('varchar', $$ ('u' || u)::varchar(20) $$, $$ ('i' || i)::varchar $$);
call check_type('char(8)', $$ ('u' || u)::char(8) $$, $$ ('i' || i)::char(8) $$);
call check_type('name', $$ ('u' || u)::name $$, $$ ('i' || i)::name $$);
call check_type('uuid', 'md5(u::text)::uuid', 'md5(i::text)::uuid');
call check_type('numeric', 'u / 8.0', 'i * 1000000000000000000000.0');
call check_type('float8', 'u / 8.0::float8', 'i::float8');
call check_type('real', 'u::real', '(i / 8.0)::real');
call check_type('date', $$ date '2020-01-01' + u $$, $$ date '1999-12-31' - i $$);
call check_type('timestamptz', $$ timestamptz '2020-01-01 00:00Z' + u * interval '1 s' $$, $$ timestamptz '2020-01-01 00:00Z' - i * interval '1 s' $$);
call check_type('interval', $$ u * interval '1 d' $$, $$ i * interval '1 h' $$);
call check_type('bytea', $$ decode(md5(u::text), 'hex') $$, $$ decode(md5(i::text), 'hex') $$);
call check_type('inet', $$ inet '10.0.0.0' + u $$, $$ inet '::1' + i $$);
call check_type('oid', 'u::oid', 'i::oid');
call check_type('bit varying', 'u::bit(9)::varbit', 'i::bit(9)::varbit');
call check_type('bit', 'u::bit(9)', 'i::bit(9)');
call check_type('jsonb', $$ jsonb_build_object('u', u) $$, 'to_jsonb(i)');
call check_type('int array', 'array[u, 0]', 'array[i]');
call check_type('range', 'int4range(u, u + 1)', 'int4range(i, i + 1)');
call check_type('enum', 'chr(u + 96)::letter', 'chr(i + 96)::letter');
call check_type('domain over int', 'u::score', 'i::score');
call check_type('domain over text', 'u::text::code', 'i::text::code');

-- User and item ids of two types: typed ids give typed ids only where one type fits both; text always does.
create procedure check_mixed(title text, user_id text, item_id text) language plpgsql as $$
declare
  predicted bigint; typed text; as_text text; literal text; neighbours text; a_user text;
begin
  execute format('create view source as select %s as user_id, %s as item_id, rating from base', user_id, item_id);
  perform als.train('m', 'source', factors => 3);
  execute format('select count(als.predict(''m'', %s, %s)) from base', user_id, item_id) into predicted;
  begin
    execute format('select min(pg_typeof(r.item_id)::text) || '', '' || bool_and(r.item_id::text in (select (%2$s)::text from base))
      from (select %1$s as id from base limit 1) as users, als.recommend(''m'', id, 3) as r', user_id, item_id) into typed;
  exception when others then
    typed := sqlstate;
  end;
  execute format('select pg_typeof(min(r.item_id)) || '', '' || bool_and(r.item_id in (select (%2$s)::text from base))
    from (select (%1$s)::text as id from base limit 1) as users, als.recommend(''m'', id, 3) as r', user_id, item_id) into as_text;
  select min(f.user_id::text) into a_user from m_user_factors as f;
  execute format('select pg_typeof(min(r.item_id)) || '', '' || count(*) from als.recommend(''m'', %L, 3) as r', a_user) into literal;
  execute format('select min(pg_typeof(s.item_id)::text) || '', '' || count(*) from (select %s as id from base limit 1) as items, als.similar_items(''m'', id, 3) as s', item_id) into neighbours;
  raise info '%: predictions %; typed: %; text: %; literal: %; similar: %', title, predicted, typed, as_text, literal, neighbours;
  perform als.drop_model('m');
  drop view source;
end $$;
call check_mixed('text user, int item', $$ 'user ' || u $$, 'i');
call check_mixed('uuid user, bigint item', 'md5(u::text)::uuid', 'i + 5000000000');
call check_mixed('int user, text item', 'u', $$ 'item ' || i $$);
call check_mixed('int user, small bigint item', 'u', 'i::bigint');
call check_mixed('int user, large bigint item', 'u', 'i + 5000000000');
call check_mixed('bigint user, int item', 'u::bigint', 'i');
call check_mixed('enum user, date item', 'chr(u + 96)::letter', $$ date '2020-01-01' + i $$);

-- The error of a misfit tells the way out.
\set ECHO none
\i test/sql/try.psql
\set ECHO all
\pset format unaligned
\pset tuples_only on
select n_ratings from als.train('mixed', 'select u as user_id, ''item '' || i as item_id, rating from base', factors => 3);
select try('select * from als.recommend(''mixed'', 1)');
select try('select * from als.recommend(''mixed'', ''1'')');
select try('select * from als.recommend(''mixed'', ''x'')');
select try('select als.predict(''mixed'', 1, ''item 1'')');
select try('select als.predict(''mixed'', date ''2020-01-01'', ''item 1'')');
select try('select als.predict(''mixed'', array[1], ''item 1'')');
select try('select als.predict(''mixed'', row(1, 2), ''item 1'')');
select try('select * from als.similar_items(''mixed'', point(1, 2))');
select try('select * from als.similar_users(''mixed'', date ''2020-01-01'')');
select n_ratings from als.train('wide', 'select u as user_id, i + 5000000000 as item_id, rating from base', factors => 3);
select try('select * from als.recommend(''wide'', 1)');
select count(*), min(pg_typeof(item_id)::text) from als.recommend('wide', 1::bigint, 2);
select count(*), min(pg_typeof(item_id)::text) from als.recommend('wide', '1', 2);
-- Types that cannot be compared or hashed.
select try('select als.train(''bad'', ''select u::text::json as user_id, i as item_id, rating from base'')');
select try('select als.train(''bad'', ''select u as user_id, point(i, 1) as item_id, rating from base'')');
select try('select als.train(''bad'', ''select row(u, 1) as user_id, i as item_id, rating from base'')');
select try('select als.train(''bad'', ''select u::text::xml as user_id, i as item_id, rating from base'')');
select to_regclass('bad');

-- A literal, a value of another number type, a parameter, a column: the same answer.
select als.predict('plain', 3, 4) = p and als.predict('plain', '3', '4') = p and als.predict('plain', 3::smallint, 4::bigint) = p
  and als.predict('plain', 3.0, 4::oid) = p and als.predict('plain', '3'::text, '4'::varchar) = p and als.predict('plain', 3::score, 4) = p
from als.predict('plain', 3, 4) as p;
prepare q (int, bigint, text) as
select als.predict('plain', $1, $2) = als.predict('plain', 3, 4), als.predict('plain', $3, $2) = als.predict('plain', 3, 4),
  array(select item_id from als.recommend('plain', $1, 3)) = array(select item_id::bigint from als.recommend('plain', $3, 3));
execute q (3, 4, '3');
execute q (3, 4, '3');
select pg_typeof(a.item_id), pg_typeof(b.item_id), pg_typeof(c.item_id), pg_typeof(d.item_id), pg_typeof(e.item_id)
from als.recommend('plain', 3, 1) as a, als.recommend('plain', 3::bigint, 1) as b, als.recommend('plain', 3::smallint, 1) as c,
  als.recommend('plain', 3.0, 1) as d, als.recommend('plain', '3', 1) as e;
select pg_typeof(a.item_id), pg_typeof(b.user_id), pg_typeof(c.user_id)
from als.similar_items('plain', 3, 1) as a, als.similar_users('plain', 3::bigint, 1) as b, als.similar_users('plain', '3', 1) as c;
-- An id that does not fit the type is a user's mistake, not a model's.
select try('select als.predict(''plain'', ''x'', 1)');
select try('select als.predict(''plain'', 5000000000, 1)');

-- Ids that are equal by their type's rules are one id.
select n_users, n_items, n_duplicates from als.train('m', 'values (1.0, 1.00, 4), (1.00, 1, 2), (2.5, 1.0, 3), (2.50, 2, 1)', 'column1', 'column2', 'column3', factors => 2);
select als.predict('m', 1, 1) = als.predict('m', 1.000, 1.0), als.predict('m', '1.0', '1') is not null, als.predict('m', 3, 1);
select als.drop_model('m');
select n_users from als.train('m', $$values ('1 day'::interval, 1, 4), ('24 hours', 2, 2)$$, 'column1', 'column2', 'column3', factors => 2);
select als.predict('m', interval '1440 minutes', 1) is not null;
select als.drop_model('m');
select n_users from als.train('m', $$values ('ab'::char(4), 1, 4), ('ab '::char(4), 2, 2)$$, 'column1', 'column2', 'column3', factors => 2);
select als.predict('m', 'ab', 1) is not null, als.predict('m', 'ab  '::char(4), 1) is not null;
select als.drop_model('m');
select n_users from als.train('m', $$values ('0'::float8, 1, 4), ('-0', 2, 2), ('NaN', 1, 3), ('NaN', 2, 3)$$, 'column1', 'column2', 'column3', factors => 2);
select als.predict('m', -0.0::float8, 1) = als.predict('m', 0.0::float8, 1), als.predict('m', 'NaN'::float8, 1) is not null;
select als.drop_model('m');

-- A domain over an enum, for which the server itself finds no equality operator.
select n_users from als.train('m', 'select chr(u + 96)::letter::initial as user_id, chr(i + 96)::letter::initial as item_id, rating from base', factors => 2);
select count(als.predict('m', 'a', chr(i + 96)::letter::initial)) from generate_series(1, 9) as i;
select count(*) from als.recommend('m', 'a'::initial, exclude_seen => false);
select als.drop_model('m');

-- Ids that are kept like small integers, but whose order is not that of these numbers.
do $$ begin
  execute (select format('create type crowd as enum (%s)', string_agg(quote_literal('v' || n), ', ' order by n)) from generate_series(1, 3000) as n);
end $$;
alter type crowd add value 'first' before 'v1';
alter type crowd add value 'middle' before 'v1500';
select n_items from als.train('m', 'select n % 5 as user_id, item_id, n % 4 + 1 as rating from unnest(enum_range(null::crowd)) with ordinality as items(item_id, n)',
  feedback => 'implicit', factors => 2, iterations => 1);
select count(*), count(*) filter (where abs(als.predict('m', 1, i.item_id) - als.dot(u.factors, i.factors)) < 1e-6) as found
from m_item_factors as i, m_user_factors as u where u.user_id = 1;
select count(als.predict('m', 1, i.item_id)) as of_some from m_item_factors as i where i.item_id in ('first', 'v1', 'v1499', 'middle', 'v1500', 'v3000');
select als.drop_model('m');

-- A type whose operators are not in the search path.
create schema elsewhere;
create type elsewhere.mood as enum ('sad', 'happy');
create domain elsewhere.key as text;
select n_users from als.train('m', $$values ('sad'::elsewhere.mood, 'x'::elsewhere.key, 4), ('happy', 'y', 2)$$, 'column1', 'column2', 'column3', factors => 2);
select als.predict('m', 'sad', 'x') is not null, als.predict('m', 'sad'::elsewhere.mood, 'x'::elsewhere.key) is not null;
select count(*) from als.recommend('m', 'sad', exclude_seen => true);
select als.drop_model('m');

-- More rows than are looked up together, ids on both sides of what needs a hash, and some that are
-- longer than the memory for copies or compressed; every row finds its ids, and factors are written
-- in the order of the ids.
create procedure check_many(title text, users text, items text) language plpgsql as $$
declare
  agree bool; users_ordered bool; items_ordered bool; total bigint;
begin
  create temporary table many as select n, n % 701 as u, n * 7 % 97 as i from generate_series(1, 5000) as n;
  execute format('alter table many add user_id %s; alter table many add item_id %s',
    split_part(users, ' from ', 2), split_part(items, ' from ', 2));
  execute format('update many set user_id = %s, item_id = %s',
    split_part(users, ' from ', 1), split_part(items, ' from ', 1));
  perform als.train('m', 'many', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1);
  select sum(n_ratings), bool_and(f.n_ratings = m.n) from m_user_factors as f
    left join (select user_id, count(distinct item_id) as n from many group by 1) as m using (user_id) into total, agree;
  select bool_and(user_id > before) from
    (select user_id, lag(user_id) over (order by ctid) as before from m_user_factors) as f into users_ordered;
  select bool_and(item_id > before) from
    (select item_id, lag(item_id) over (order by ctid) as before from m_item_factors) as f into items_ordered;
  raise info '%: % ratings; rows found %; users in order %, items in order %', title, total, agree, users_ordered, items_ordered;
  perform als.drop_model('m');
  drop table many;
end $$;
call check_many('small and large', '(u % 5 - 2) * 3000000 + u from bigint', 'i - 50 from int');
call check_many('all small', 'u from int', 'i from smallint');
call check_many('texts with a common beginning', $$ 'user-' || u from text collate "C" $$, $$ repeat('x', i) from text collate "C" $$);
call check_many('long texts', $$ repeat(md5(u::text), 100) from text collate "C" $$, $$ i || repeat('y', case i when 5 then 40000 else 2500 end) from text collate "C" $$);
call check_many('equal numbers of other bytes', '((1 + u)::text || repeat(''0'', 1 + n % 9))::numeric / 10 ^ (1 + n % 9)::numeric from numeric', 'i / 3.0 from numeric');
call check_many('uuid', 'md5(u::text)::uuid from uuid', 'md5(i::text)::uuid from uuid');
call check_many('float8', 'sqrt(u) from float8', 'i from float4');

-- A row that is refused, amid others that were not yet looked up.
select als.train('m', 'select n as user_id, ''i'' || n as item_id, case when n = 700 then ''NaN''::real else 1 end as rating from generate_series(1, 1000) as n');
drop procedure check_many;

drop schema id_types cascade;
drop schema elsewhere cascade;
