-- Calling it: ids of every type, lists without a type, and what people type by mistake.
create schema calling;
set search_path = calling;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO none
\i test/sql/try.psql
\set ECHO all
\pset format unaligned
\pset tuples_only on
create table ratings as
select u as user_id, i * 20000 as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
insert into ratings select distinct user_id, 7, 3 from ratings;
create view of_uuids as select md5(user_id::text)::uuid as user_id, md5(item_id::text)::uuid as item_id, rating from ratings;
create view of_two_types as select md5(user_id::text)::uuid as user_id, item_id, rating from ratings;
create view of_words as select 'u' || user_id as user_id, 'i' || item_id as item_id, rating from ratings;
create view of_fractions as select user_id, item_id + 0.5 as item_id, rating from ratings;
create domain whole as int;
create domain wholes as int[];
create domain word as text;
create type letter as enum ('a', 'b');
select n_users from als.train('m', 'ratings', factors => 4, iterations => 3);
select n_users from als.train('b', 'select user_id, item_id::bigint * 1000000 as item_id, rating from calling.ratings', factors => 4, iterations => 3);
select n_users from als.train('uu', 'of_uuids', factors => 4, iterations => 3);
select n_users from als.train('ui', 'of_two_types', factors => 4, iterations => 3);
select n_users from als.train('w', 'of_words', factors => 4, iterations => 3);

-- The type in which ids come back: of every function the same, by the type of the argument.
create function result_type(call text) returns text language plpgsql as $$
declare
  result text;
begin
  execute 'create temp view called as select * from ' || call;
  select column_name || ' ' || data_type into result from information_schema.columns where table_name = 'called' and column_name ~ '_id$';
  drop view called;
  return result;
exception when others then
  return sqlstate || ' ' || sqlerrm;
end $$;
select id, result_type(format('als.recommend(''m'', %s)', id)) as recommend, result_type(format('als.similar_items(''m'', %s)', id)) as similar_items,
  result_type(format('als.similar_users(''m'', %s)', id)) as similar_users, result_type(format('als.explain(''m'', 1, %s)', id)) as explain,
  result_type(format('als.recommend_for(''m'', array[%s])', id)) as recommend_for
from unnest(array['1', '1::smallint', '1::bigint', '1.5', '1::real', '1::float8', '1::oid', '''pg_class''::regclass', '''1''', 'null', '''a''::text', '''a''::varchar',
  '''a''::bpchar', '''a''::name', 'gen_random_uuid()', 'now()', 'current_date', '1::whole', '''x''::word', '''a''::letter', '1::money', 'true', '''x''::bytea', 'null::int']) as id;
select items, result_type(format('als.recommend_for(''m'', %s)', items)) from unnest(array['''{1}''', '''{1}''::text', '''{1}''::smallint[]', '''{1}''::wholes', '''{1}''::whole[]', '1', 'null']) as items;
select string_agg(distinct result_type(format('als.explain(''m'', %s, 1)', id)), ', ') from unnest(array['1', '1::bigint', '''1''', '''a''::text', 'gen_random_uuid()', '1.5', 'null']) as id;

-- Integers hold every integer item, whatever the type of the argument.
prepare small (smallint) as select count(*), max(item_id) from als.recommend('m', $1, 20, exclude_seen => false);
execute small (1);
select max(item_id) from als.similar_items('m', 7::smallint, 20);
select max(item_id) from als.recommend_for('m', array[7]::smallint[], array[5], 20);
select max(item_id) from als.explain('m', 1, 7::smallint, 20);
-- A domain over one of them, alone and in a list.
select max(item_id) from als.recommend_for('m', 7::whole, array[5], 20);
select max(item_id) from als.recommend_for('m', array[7]::whole[], array[5], 20);
select max(item_id) from als.recommend_for('m', '{7}'::wholes, array[5], 20);
select count(*) from als.evaluate('m', 'ratings', 3::whole, exclude_seen => false);
select max(item_id) from als.recommend('b', 1, 20, exclude_seen => false);
select max(item_id) from als.similar_items('b', '7000000'::int, 20);
select count(*) from als.similar_users('m', 1::smallint, 30);
-- Without a column list, in any position.
select count(*), min(pg_typeof(item_id)::text) from (select (als.recommend('m', u.user_id, 2)).item_id from (select distinct user_id from ratings) as u) as t;
create view lists as select u.user_id, r.item_id, r.rank from (select distinct user_id::smallint from ratings) as u, als.recommend('m', u.user_id, 3) as r;
select count(*), min(pg_typeof(item_id)::text) from lists;
select pg_get_viewdef('lists') ~ 'als.recommend\(''m''::regclass, ';
-- Users and items of two types: text serves, and so do functions of the model.
select try($$select * from als.recommend('ui', md5('1')::uuid)$$);
select count(*), min(pg_typeof(item_id)::text) from als.recommend('ui', md5('1')::uuid::text, 3);
select try($$select * from als.similar_items('ui', 7, 3)$$), try($$select * from als.similar_users('ui', md5('1')::uuid)$$);

-- A value that no id equals is none, rather than the next one.
select try($$select * from als.recommend('m', 1.5, 1)$$);
select try($$select als.predict('m', 1, 7.2)$$), try($$select als.predict('m', 1, 7.2::float8)$$);
select try($$select * from als.recommend_for('m', array[7, 7.5])$$), try($$select als.fold_in('m', array[7.5]::real[], '{5}')$$);
select try($$select * from als.recommend('m', 1, candidates => array[20000.5])$$), try($$select als.refresh_users('m', array[1.5])$$);
select count(*) from als.recommend('m', 1.0, 2) as a, als.recommend('m', 1::float8, 1) as b;
select n_users from als.train('dated', 'select date ''2020-01-01'' + user_id as user_id, item_id, rating from calling.ratings', factors => 2, iterations => 1);
select als.predict('dated', '2020-01-05 00:00'::timestamp, 7) is not null, try($$select als.predict('dated', '2020-01-05 12:00'::timestamp, 7)$$);
-- The same for ids on their way back.
select n_users from als.train('f', 'of_fractions', factors => 2, iterations => 1);
select try($$select * from als.recommend('f', 1)$$), (select min(item_id::numeric) from als.recommend('f', '1', 20, exclude_seen => false));

-- Lists without a type, as a parameter or not.
prepare untyped as select count(*), min(pg_typeof(item_id)::text) from als.recommend('m', $1, $2, candidates => $3, exclude => $4);
execute untyped ('1', '5', '{40000, 80000, 100000, 140000}', '{100000}');
execute untyped ('1', '5', '{}', '{}');
execute untyped ('1', '5', null, null);
prepare named as select count(*) from als.recommend('uu', $1::uuid, 20, false, $2, $3);
execute named ('c4ca4238-a0b9-2382-0dcc-509a6f75849b', null, '{}');
execute named ('c4ca4238-a0b9-2382-0dcc-509a6f75849b', '{8f14e45f-ceea-167a-5a36-dedd4bea2543}', null);
prepare words as select string_agg(item_id, ' ' order by item_id) from als.recommend('w', $1, 20, false, $2, $3);
execute words ('u1', '{i7,i20000,i40000}', '{i7}');
prepare fold_in as select als.fold_in('m', $1, $2) is not null, als.fold_in_item('m', $1, $2) is null;
execute fold_in ('{7,20000}', '{5,4}');
prepare basket as select count(*), min(pg_typeof(item_id)::text) from als.recommend_for('m', $1, $2, candidates => $3, exclude => $4);
execute basket ('{7}', '{5}', '{20000,40000}', null);
prepare refresh as select als.refresh_users('m', $1), als.refresh_items('m', $2);
execute refresh ('{1}', '{7}');
prepare score as select als.predict('m', $1, $2) = als.predict('m', 1, 7), als.predict('m', 1, $2) = als.predict('m', $1, 7), als.predict('m', $1, 7::bigint) is null;
execute score ('1', '7');
select parameter_types from pg_prepared_statements where name in ('untyped', 'named', 'basket', 'refresh', 'score') order by name;
select count(*) from als.recommend('m', 1, candidates => array[40000, 100000]::bigint[], exclude => array[7]::smallint[]);
select count(*) from als.recommend('m', 1, candidates => array[40000], exclude => '{}');
select count(*) from als.recommend('m', 1, candidates => '{20000}'::wholes, exclude_seen => false);
select try($$select * from als.recommend('m', 1, candidates => 20000)$$), try($$select * from als.recommend('m', 1, candidates => '20000')$$);

select count(*) from als.recommend('m', 1, candidates => '{20000,40000}'::varchar, exclude_seen => false), als.recommend('m', 1, exclude => '{7}'::word) as other;
select als.fold_in('m', '{7}'::char(9), '{5}') = als.fold_in('m', '{7}', '{5}'), als.refresh_users('m', '{1}'::varchar);

-- Null candidates are no restriction where somebody writes or sends them. Where a query has looked for candidates in vain
-- they would be a mistake.
select count(*) from als.recommend('m', 1, 20, false, candidates => null);
prepare sent (int[]) as select count(*) from als.recommend('m', 1, 20, false, candidates => $1);
execute sent (null);
set plan_cache_mode = force_generic_plan;
prepare sent_text as select count(*) from als.recommend('m', 1, 20, false, candidates => $1::text::int[]);
execute sent (null);
execute sent_text (null);
reset plan_cache_mode;
do $$ declare wanted int[]; begin raise warning '%', (select count(*) from als.recommend('m', 1, 20, false, candidates => wanted)); end $$;
select try($$select * from als.recommend('m', 1, candidates => (select array_agg(item_id) from ratings where false))$$);
select try($$select als.recommend('m', 1, candidates => (select array_agg(item_id) from ratings where user_id = u)) from generate_series(90, 90) as u$$);
select try($$select * from (select array_agg(item_id) as wanted from ratings where false) as q, als.recommend_for('m', '{7}', '{5}', candidates => wanted)$$);
select count(*) from als.recommend('m', 1, 20, false, candidates => array(select item_id from ratings where false));
select count(*) from als.recommend('m', 1, 20, false, exclude => (select array_agg(item_id) from ratings where false));

-- k: of any integer type, one or several.
select count(*) from als.recommend('m', 1, (select count(*) from generate_series(1, 2)), exclude_seen => false);
select count(*) from als.recommend('m', 1, 2::smallint), als.similar_items('m', 7, 2::bigint), als.recommend_for('m', '{7}', '{5}', 1::bigint);
select try($$select * from als.recommend('m', 1, 3000000000)$$), try($$select * from als.recommend('m', 1, -1)$$);
select string_agg(distinct k::text, ' ') from als.evaluate('m', 'ratings', k => 10, exclude_seen => false);
select string_agg(distinct k::text, ' ') from als.evaluate('m', 'ratings', k => 10::bigint, exclude_seen => false);
select string_agg(distinct k::text, ' ') from als.evaluate('m', 'ratings', k => array[3, 5]::smallint[], exclude_seen => false);
select string_agg(distinct k::text, ' ') from als.evaluate('m', 'ratings', k => '{3,5}', exclude_seen => false);
select string_agg(distinct k::text, ' ') from als.evaluate('m', 'ratings', k => '4', exclude_seen => false);
select try($$select als.evaluate('m', 'ratings', k => '{3,null}')$$), try($$select als.evaluate('m', 'ratings', k => null)$$), try($$select als.evaluate('m', 'ratings', k => 'ten')$$),
  try($$select als.evaluate('m', 'ratings', k => 3000000000)$$);
select length(als.report('m', test => 'ratings', k => 5)) > 1000;
select 5::als.integers, array[5, 6]::als.integers, 7::als.integer_id;
explain (costs off, verbose) select item_id from als.recommend('m', 1::smallint, 3);
create function planned_rows(query text) returns int language plpgsql as $$
declare
  plan json;
begin
  execute 'explain (format json) ' || query into plan;
  return plan -> 0 -> 'Plan' ->> 'Plan Rows';
end $$;
select planned_rows('select * from als.recommend(''m'', 1, 3)'), planned_rows('select * from als.recommend(''m'', 1::bigint, 4::bigint)'), planned_rows('select * from als.recommend_for(''m'', ''{7}'', ''{5}'', 5)');

-- What people type by mistake, and what they are told.
select try($$select als.train('r', 'ratings', '{"factors": 8}')$$);
select factors from als.train('r', 'ratings', options => '{"factors": 3, "iterations": 1}');
prepare trained as select factors from als.train('r2', 'ratings', options => $1);
execute trained ('{"factors": 2, "iterations": 1}');
select try($$select als.train('ratings', 'ratings')$$), try($$select als.train('m', 'ratings')$$);
select try($$select als.train('x', 'ratings', 'user_id', 'user_id')$$), 
  try($$select als.tune('ratings', '{"factors": [2]}', item_col => 'user_id')$$),
  try($$select als.evaluate('m', 'ratings', item_col => 'user_id')$$), try($$select als.split('ratings', 'train', item_col => 'user_id')$$),
  try($$select als.import_model('x', 'select user_id, factors from calling.m_user_factors', 'select item_id, factors from calling.m_item_factors', source => 'ratings', item_col => 'user_id')$$);

-- "(f(x)).*" calls f once a column; a training is one nevertheless. Each row of a query has its own.
select (als.train('star', 'ratings', factors => 2, iterations => 1)).run;
select array_agg(run) from (select (als.train('star', 'ratings', factors => 2, iterations => 1, replace => true, keep_previous => true)).* from generate_series(1, 2)) as t;
select max(run), count(*) from star;
select run, factors from (select (als.train('star', 'ratings', options => '{"factors": 3, "iterations": 1}', replace => true)).*) as t;
select run, factors from (select (als.train('star', 'ratings', factors => 2, iterations => 1, replace => true, keep_previous => true)).*) as t;
-- Each assignment of PL/pgSQL is a call of its own, also where one before was undone.
create function assigned() returns text language plpgsql as $$
declare
  first bigint; second bigint; third bigint;
begin
  first := (als.retrain('star')).run;
  begin
    second := (als.retrain('star')).run;
    raise division_by_zero;
  exception when division_by_zero then null;
  end;
  third := (als.retrain('star')).run;
  return format('%s %s', third - first, (select max(run) from star) - third);
end $$;
begin;
select assigned();
-- Nor does it matter whether each sees what the one before has done.
create function twice() returns text language plpgsql stable as $$
declare
  first als.model; second als.model;
begin
  first := als.train('star', 'ratings', factors => 2, iterations => 1, replace => true);
  second := als.train('star', 'ratings', factors => 2, iterations => 1, replace => true);
  return format('%s %s', second.run - first.run, first.version <> second.version);
end $$;
select twice();
rollback;
select run from (select (als.rollback_model('star')).*) as t;
select run, n_users from (select (als.import_model('star', 'select user_id, factors from calling.m_user_factors', 'select item_id, factors from calling.m_item_factors', replace => true)).*) as t;
select (a).run, (b).run from (select als.train('star', 'ratings', factors => u, iterations => 1, replace => true) as a, als.train('star', 'ratings', factors => u + 1, iterations => 1, replace => true) as b from generate_series(1, 2) as u offset 0) as t;
select max(run) from star;

-- What is missing can be caught by its name.
create table nothing (like ratings);
do $$ begin
  perform als.train('x', 'nothing');
exception when no_data_found then raise warning 'caught: %', sqlerrm;
end $$;
do $$ begin
  perform als.tune('nothing', '{"factors": [2]}');
exception when no_data_found then raise warning 'caught: %', sqlerrm;
end $$;
do $$ begin
  perform als.import_model('x', 'select user_id, array[1]::real[] from calling.nothing', 'select item_id, factors from calling.m_item_factors');
exception when no_data_found then raise warning 'caught: %', sqlerrm;
end $$;
drop schema calling cascade;
