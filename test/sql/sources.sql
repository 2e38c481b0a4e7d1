-- What a source of ratings can be, and what it cannot.
create schema sources;
set search_path = sources;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all
create function try_source(source text) returns text language sql as
$$ select try(format('select als.train(''m'', %L, factors => 2, iterations => 1)', source)) $$;

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating, 'x'::text as remark
from generate_series(1, 12) as u, generate_series(1, 9) as i where (u * 31 + i * 17) % 3 <> 0;

-- Any relation that has rows. What the model remembers is the table's full name, or the query.
create procedure check_source(text, user_col name = 'user_id', item_col name = 'item_id', rating_col name = 'rating') language plpgsql as $$
declare
  run als.model; n int;
begin
  run := als.train('m', $1, user_col, item_col, rating_col, factors => 2, iterations => 2);
  select count(*) into n from als.recommend('m', 1, 100) as r;
  raise info '% -> %, %: % ratings; % of % items unseen by user 1', $1, run.source, case when run.source_table is null then null else 'a relation' end, run.n_ratings, n, run.n_items;
  perform als.drop_model('m');
end $$;
create view a_view as select * from ratings where rating > 1;
create materialized view a_matview as select * from ratings;
create table parts (like ratings) partition by range (user_id);
create table parts_1 partition of parts for values from (1) to (7);
create table parts_2 partition of parts for values from (7) to (100);
insert into parts select * from ratings;
create table parent (like ratings);
create table child () inherits (parent);
insert into parent select * from ratings where user_id <= 6;
insert into child select * from ratings where user_id > 6;
create temp table temporary as select * from ratings;
create table "Mixed Case" as select user_id as "User", item_id as "item id", rating as "select" from ratings;
create schema "odd.schema";
create table "odd.schema"."a ""table""" as select * from ratings;
call check_source('ratings');
call check_source('sources.ratings');
call check_source('SOURCES . Ratings');
call check_source('a_view');
call check_source('a_matview');
call check_source('parts');
call check_source('parent');
call check_source('"Mixed Case"', 'User', 'item id', 'select');
call check_source('"odd.schema"."a ""table"""');
call check_source('select * from ratings');
call check_source('select * from ratings where rating > 1 order by item_id desc, user_id limit 50');
call check_source('select * from ratings -- all of them');
call check_source('select * from ratings /* all of them */ ');
call check_source(e'\n  select user_id as u, item_id as i, 5 - rating as r\n  from ratings', 'u', 'i', 'r');
call check_source('table ratings');
call check_source('(select * from ratings)');
call check_source('values (1, 10, 3), (1, 20, 4), (2, 20, 5)', 'column1', 'column2', 'column3');
call check_source('values(1,10,3),(1,20,4),(2,20,5)', 'column1', 'column2', 'column3');
call check_source('with good as (select * from ratings where rating > 2) select * from good');
call check_source('with recursive n(n) as (select 1 union all select n + 1 from n where n < 5) select n as user_id, n % 3 as item_id, n as rating from n');
call check_source('select * from ratings union all select user_id + 100, item_id, rating, null from ratings');
call check_source('select user_id, item_id, count(*) as rating from ratings group by 1, 2');
call check_source($$select user_id, item_id, rating from ratings where remark = 'x'$$);
call check_source('select * from generate_series(1, 5) as user_id, generate_series(1, 4) as item_id, lateral (select user_id * item_id as rating) as r where (user_id + item_id) % 2 = 0');
call check_source('ratings', rating_col => 'user_id');
-- A temporary table's schema has a number of its own.
select replace(source, pg_my_temp_schema()::regnamespace::text, 'pg_temp_N') as source, n_ratings
from als.train('m', 'temporary', factors => 2);
select als.drop_model('m');

-- Rows of the same transaction, not yet committed, are ratings; so are a rolled-back savepoint's not.
begin;
insert into ratings values (100, 1, 5), (100, 2, 5);
savepoint s;
insert into ratings values (101, 1, 5);
rollback to s;
select n_rows - (select count(*) from ratings where user_id < 100) as more, n_users from als.train('m', 'ratings', factors => 2);
select count(*) from als.recommend('m', 100, 100);
rollback;
select to_regclass('m');

-- A volatile query is run as the caller wrote it; a source may ask a model, or be a list of recommendations.
select n_ratings from als.train('base', 'ratings', factors => 2);
call check_source($$select user_id, item_id, als.predict('base', user_id, item_id) as rating from ratings$$);
create view recommended as
select u as user_id, item_id, score as rating from generate_series(1, 12) as u, als.recommend('base', u, 3);
call check_source('recommended');
drop view recommended;
select als.drop_model('base');
-- Such a list may even be that of the model trained on it.
create view own as select 1 as user_id, 2::bigint as item_id, 3 as rating;
select n_ratings from als.train('self', 'own', factors => 2);
create or replace view own as
select 1 as user_id, 2 as item_id, 3 as rating union all
select 1, item_id, 4 from als.recommend('self', 1, 3, exclude_seen => false);
select n_rows, n_duplicates from als.train('self', 'own', factors => 2, replace => true);
select try($$select als.drop_model('self')$$);
drop view own;
select als.drop_model('self');

\pset format unaligned
\pset tuples_only on
-- What is missing.
select try_source('nothing');
select try_source('nowhere.ratings');
select try_source('ratings.nothing.here.at_all');
select try_source('select * from nothing') ~ '^42P01 relation "nothing" does not exist';
select try_source('select nothing from ratings') ~ '^42703 column "nothing" does not exist';
select try($$select als.train('m', 'ratings', user_col => 'user')$$);
select try($$select als.train('m', 'ratings', item_col => 'ITEM_ID')$$);
select try($$select als.train('m', 'ratings', rating_col => 'stars')$$);
select try($$select als.train('m', 'ratings', user_col => 'ctid')$$);
select try($$select als.train('m', 'ratings', user_col => '"user_id"')$$);
select try($$select als.train('m', 'ratings', rating_col => '')$$);
select try_source('select 1 as user_id, 2 as user_id, 3 as item_id, 4 as rating') ~ '^42702 ';
-- What is no table.
create sequence a_sequence;
create index an_index on ratings (user_id);
create type a_type as (user_id int, item_id int, rating int);
select try_source('a_sequence');
select try_source('an_index');
select try_source('a_type');
-- What is no query.
select try_source('');
select try_source('   ');
select try_source('select * form ratings') ~ '^42601 syntax error at or near "form"';
select try_source('select * from ratings where') ~ '^42601 ';
select try_source('select * from ratings /* unfinished') ~ '^42601 ';
select try_source('select * from ratings where user_id = $1') ~ '^42P02 there is no parameter \$1';
select try_source('begin') ~ '^42';
select try_source('explain select 1') ~ '^42601 ';
-- What writes is refused, and so is more than one query.
select try_source('delete from ratings returning *') ~ '^42601 ';
select try_source('insert into ratings values (1, 2, 3, null) returning *') ~ '^42601 ';
select try_source('with gone as (delete from ratings returning *) select * from gone') ~ '^0A000 ';
select try_source('select * into copy from ratings') ~ '^42601 ';
select try_source('select * from ratings for update') ~ '^(0A000|42601) ';
select left(try_source('select * from ratings; select * from ratings'), 5);
select left(try_source('select * from ratings; drop table ratings'), 5);
select left(try_source('select * from ratings) as source; select 7 from (select 1'), 5);
select left(try_source('select ''a''::text as user_id, 2 as item_id, 3 as rating) as source; select 7, 8, 9 from (select 1'), 5);
select left(try_source('select ''a''::text as user_id, 2 as item_id, 3 as rating) as source; drop table ratings; select 7, 8, 9 from (select 1'), 5);
select left(try_source('select * from ratings) as source where user_id < 3 --'), 5);
-- An error within the source comes out as it is.
select try_source('select user_id, item_id, 1 / (rating - 3) as rating from ratings');
create function fails(int) returns int language plpgsql as $$ begin raise exception 'no % please', $1 using errcode = 'ALS99', hint = 'Go away.', detail = 'None.'; end $$;
select try_source('select user_id, fails(item_id % 1) as item_id, rating from ratings');
-- Nothing of all that has left a table.
select count(*), to_regclass('m') from ratings;

drop schema "odd.schema" cascade;
drop schema sources cascade;
