-- als.create_functions: functions of one model, with the types of its ids.
create schema functions;
create schema "Other ""one""";
set search_path = functions;
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
select md5(u::text)::uuid as user_id, i * 20000 as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
select n_users from als.train('taste', 'ratings', factors => 4, iterations => 3);
select als.create_functions('taste');
select p.oid::regprocedure, pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'), proowner = relowner as same_owner
from pg_proc as p, pg_class as c where pronamespace = 'functions'::regnamespace and proname ~ '^taste_' and c.oid = 'taste'::regclass order by 1::text;

-- A training makes them if asked to, and follows where the ids change.
begin;
select n_users from als.train('asked', 'ratings', factors => 4, iterations => 3, functions => true);
select p.oid::regprocedure from pg_proc as p where pronamespace = 'functions'::regnamespace and proname ~ '^asked_' order by 1::text;
select run from als.retrain('asked', source => 'select user_id, item_id::text, rating from functions.ratings', replace_ids => true, functions => true);
select p.oid::regprocedure from pg_proc as p where pronamespace = 'functions'::regnamespace and proname ~ '^asked_(predict|similar_items)' order by 1::text;
select run, factors from als.train('asked', 'ratings', '{"factors": 3, "iterations": 2, "replace_ids": true, "functions": true}', true);
select p.oid::regprocedure from pg_proc as p where pronamespace = 'functions'::regnamespace and proname ~ '^asked_predict' order by 1::text;
create role als_functions_trainer;
grant usage, create on schema functions to als_functions_trainer;
grant all on all tables in schema functions to als_functions_trainer;
set local role als_functions_trainer;
select try($$select als.retrain('asked', functions => true)$$);
rollback;

-- They answer as als does, in the types of the ids.
select count(*) from (
  select item_id::text, score, rank from taste_recommend(md5('1')::uuid, 5)
  intersect select item_id, score, rank from als.recommend('taste', md5('1'), 5)) as same;
select count(*) from (
  select item_id::text, score, rank from taste_recommend_for(array[20000, 40000], '{5,1}', 5, candidates => array[60000, 80000, 100000], exclude => array[60000])
  intersect select item_id, score, rank from als.recommend_for('taste', '{20000,40000}', '{5,1}', 5, candidates => '{60000,80000,100000}', exclude => '{60000}')) as same;
select count(*) from (
  select item_id::text, score, rank from taste_similar_items(20000, 5, measure => 'inner_product')
  intersect select item_id, score, rank from als.similar_items('taste', '20000', 5, measure => 'inner_product')) as same;
select count(*) from (
  select user_id, score, rank from taste_similar_users(md5('1')::uuid)
  intersect select user_id, score, rank from als.similar_users('taste', md5('1')::uuid)) as same;
select count(*) from (
  select component, item_id::text, rating, contribution from taste_explain(md5('1')::uuid, 20000, 3)
  intersect select component, item_id, rating, contribution from als.explain('taste', md5('1'), '20000', 3)) as same;
select bool_and(taste_predict(user_id, item_id) = als.predict('taste', user_id, item_id)) from ratings;
select try($$select taste_predict(gen_random_uuid(), 1, 'error')$$) ~ '^P0002', try($$select * from taste_recommend(md5('x')::uuid, on_unknown => 'error')$$) ~ '^P0002';
select count(*) from (
  select user_id::text, score, rank from taste_recommend_users(20000, 5, exclude_seen => false, exclude => array[md5('3')::uuid])
  intersect select user_id, score, rank from als.recommend_users('taste', '20000', 5, exclude_seen => false, exclude => array[md5('3')])) as same;
select count(*) from taste_similar_items(20000, candidates => array[40000, 60000], exclude => array[60000]), taste_similar_users(md5('1')::uuid, candidates => array[md5('2')::uuid]);
select count(*) from taste_recommend(md5('1')::uuid, 20, seen => 'select user_id, item_id from functions.ratings'), taste_similar_users(md5('1')::uuid, 1);
-- A join needs no cast, and a parameter no type: it has that of the ids.
select count(*) from taste_recommend(md5('1')::uuid) as r join (select distinct item_id from ratings) as i using (item_id);
prepare untyped as select count(*) from taste_recommend($1, $2, candidates => $3, exclude => $4);
select parameter_types from pg_prepared_statements where name = 'untyped';
execute untyped (md5('1')::uuid, 3, null, '{}');

-- The server puts the function of als in their place.
explain (costs off, verbose) select * from taste_recommend(md5('1')::uuid, 2);
explain (costs off, verbose) select u.user_id, r.item_id from (select distinct user_id from ratings) as u, taste_recommend(u.user_id, 2) as r;
explain (costs off, verbose) select taste_predict(user_id, item_id) from ratings;
explain (costs off) select * from taste_similar_items(20000, 2), taste_similar_users(md5('1')::uuid), taste_explain(md5('1')::uuid, 20000), taste_recommend_for(array[1]);

-- Made again they are the same functions, with their privileges.
revoke execute on function taste_predict from public;
create temp table before as select oid, proname, proacl from pg_proc where pronamespace = 'functions'::regnamespace and proname ~ '^taste_';
select count(*) from als.create_functions('taste');
select count(*) from before join pg_proc as p using (oid) where p.proacl is not distinct from before.proacl;
-- Renamed and moved: test/sql/functions_moved.sql. Made again they have the new name.
alter table taste rename to "Taste of ""it""";
alter table "Taste of ""it""" set schema "Other ""one""";
select als.create_functions('"Other ""one"""."Taste of ""it"""');
select count(*) from pg_proc where pronamespace = 'functions'::regnamespace and proname ~ '^taste_';
select als.drop_model('"Other ""one"""."Taste of ""it"""');
select count(*) from pg_proc where pronamespace = '"Other ""one"""'::regnamespace;

-- DROP TABLE takes them along too.
select n_users from als.train('taste', 'ratings', factors => 2, iterations => 1);
select count(*) from als.create_functions('taste');
drop table taste;
select count(*) from pg_proc where proname ~ '^taste_';

-- What others have made, or made of one, is theirs.
select n_users from als.train('taste', 'ratings', factors => 2, iterations => 1);
create function taste_predict(user_id uuid, item_id int, on_unknown text default 'null', clip boolean default false) returns real language sql as 'select 1::real';
select try($$select als.create_functions('taste')$$);
select count(*) from pg_proc where proname ~ '^(taste_|als twin)';
drop function taste_predict;
create function taste_predict(user_id text) returns real language sql as 'select 1::real';
select count(*) from als.create_functions('taste');
create or replace function taste_predict(user_id uuid, item_id int, on_unknown text default 'null'::text, clip boolean default false) returns real language sql as 'select 1::real';
select try($$select als.create_functions('taste')$$);
drop table taste;
select oid::regprocedure from pg_proc where proname ~ '^taste_';
drop function taste_predict(text);
drop function taste_predict(uuid, int, text, boolean);

-- Ids that have become others.
select n_users from als.train('taste', 'ratings', factors => 2, iterations => 1);
select count(*) from als.create_functions('taste');
create view uses as select taste_predict(user_id, item_id) from ratings;
alter table taste_item_factors alter item_id type bigint;
select try($$select als.create_functions('taste')$$);
drop view uses;
select count(*) from als.create_functions('taste');
select string_agg(pg_get_function_arguments(oid), '; ') from pg_proc where proname = 'taste_predict';
select als.drop_model('taste');

-- Ids of every kind: domains, enums, text with a collation, char(n).
create domain key as bigint check (value > 0);
create type letter as enum ('a', 'b', 'c', 'd');
select n_users from als.train('odd', 'select u::functions.key as user_id, chr(97 + i)::functions.letter as item_id, 1 from generate_series(1, 3) as u, generate_series(0, 3) as i where (u + i) % 3 > 0', rating_col => null, factors => 2, iterations => 1);
select als.create_functions('odd');
select count(*), min(pg_typeof(item_id)::text), min(pg_typeof(user_id)::text) from odd_recommend(1::key, candidates => array['a', 'b', 'c']::letter[], exclude_seen => false), odd_similar_users(1, 1);
select als.drop_model('odd');
select n_users from als.train('odd', 'select u::text collate "C" as user_id, i::char(3) as item_id, 1 from generate_series(1, 3) as u, generate_series(0, 3) as i where (u + i) % 3 > 0', rating_col => null, factors => 2, iterations => 1);
select als.create_functions('odd');
select count(*), min(pg_typeof(item_id)::text) from odd_recommend('1', candidates => array['0', '1', '2'], exclude_seen => false);
select als.drop_model('odd');
-- A name that leaves no room.
select n_users from als.train('a_model_whose_name_is_as_long_as_a_name_in_postgresql_can_be_at', 'ratings', factors => 2, iterations => 1);
select count(*) from als.create_functions('a_model_whose_name_is_as_long_as_a_name_in_postgresql_can_be_at');
select proname from pg_proc where proname ~ '^a_model' order by proname collate "C";
select als.drop_model('a_model_whose_name_is_as_long_as_a_name_in_postgresql_can_be_at');
select count(*) from pg_proc where proname ~ '^a_model';

-- Whose they are.
create role functions_owner;
create role functions_other;
grant usage, create on schema functions to functions_owner, functions_other;
grant select on ratings to public;
set role functions_owner;
select n_users from als.train('theirs', 'ratings', factors => 2, iterations => 1);
grant select on theirs, theirs_user_factors, theirs_item_factors to public;
set role functions_other;
select try($$select als.create_functions('theirs')$$);
create function mine() returns int language sql as 'select 1';
select try($$select als._record_function('mine()', 'theirs')$$);
reset role;
select count(*) from als.create_functions('theirs');
select distinct proowner::regrole from pg_proc where proname ~ '^theirs_';
-- With the privileges of whoever calls them, and below their ceiling.
set role functions_other;
select count(*) from theirs_recommend(md5('1')::uuid, 2, exclude_seen => false);
reset role;
revoke select on theirs_item_factors from public;
set role functions_other;
select try($$select * from theirs_recommend(md5('1')::uuid, 2, exclude_seen => false)$$);
reset role;
select try($$select als.create_functions('ratings')$$), try($$select als.create_functions(null)$$);
create table empty of als.model;
select try($$select als.create_functions('empty')$$);
select n_users from als.train('lists', 'select array[u] as user_id, i as item_id, 1 as rating from generate_series(1, 3) as u, generate_series(u, 3) as i', feedback => 'implicit', factors => 2, iterations => 1);
select try($$select als.create_functions('lists')$$);
select als.drop_model('lists');
select als.drop_model('theirs');
drop schema functions, "Other ""one""" cascade;
drop role functions_owner, functions_other;
