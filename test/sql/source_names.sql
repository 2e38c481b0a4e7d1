-- What a model's source is when its name means something else by now.
create schema source_names;
create schema source_names_other;
set search_path = source_names;
set client_min_messages = notice;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create function fill(ratings regclass) returns void language plpgsql as $$ begin
  execute format('insert into %s select u, i, (u * 7 + i * 13) %% 5 + 1 from generate_series(1, 20) u, generate_series(1, 12) i where (u * u * 7 + i * i * 13 + u * i * 3) %% 11 < 6', ratings);
end $$;
create table ratings (user_id int, item_id int, rating int);
select fill('ratings');
select n_users, source from als.train('taste', 'ratings', factors => 4);
create view counts as select (select count(*) from als.recommend('source_names.taste', 1, 100)) as recommended, (select count(*) > 0 from als.explain('source_names.taste', 1, 1)) as explained,
  (select count(*) from als.evaluate('source_names.taste', 'select * from source_names.ratings', exclude_seen => false)) as metrics;
select * from counts;

-- Dropped and made again, as by dbt, pandas or Spark.
create table ratings_tmp as table ratings;
begin;
alter table ratings rename to ratings_backup;
alter table ratings_tmp rename to ratings;
drop view counts;
drop table ratings_backup;
commit;
create view counts as select (select count(*) from als.recommend('source_names.taste', 1, 100)) as recommended, (select count(*) > 0 from als.explain('source_names.taste', 1, 1)) as explained;
select * from counts;
select als.refresh_users('taste'), als.recommend_all('taste', 'recs', k => 3);
drop table ratings;
create table ratings (rating real, item_id int, user_id int);
insert into ratings select 3, 1, 1;
select recommended from counts;
select try('select als.refresh_users(''taste'')');

-- The old one kept under another name: the one of the name is read.
drop table ratings;
create table ratings (user_id int, item_id int, rating int);
select fill('ratings');
select n_users from als.train('taste', 'ratings', factors => 4, replace => true);
create table ratings_v2 as table ratings;
insert into ratings_v2 select 1, i, 5 from generate_series(1, 12) i;
begin;
alter table ratings rename to ratings_v1;
alter table ratings_v2 rename to ratings;
commit;
select recommended as none from counts;
-- While none has the name, the one that had it is.
alter table ratings rename to ratings_v2;
select * from counts;
alter table ratings_v1 set schema source_names_other;
select * from counts;
alter table source_names_other.ratings_v1 set schema source_names;
alter table ratings_v1 rename to ratings;
-- What is no table or view has the name for nobody.
alter table ratings rename to ratings_v1;
create sequence ratings;
select * from counts;
drop sequence ratings;

-- None at all.
drop table ratings_v1;
select try('select * from als.recommend(''taste'', 1)');
select try('select * from als.explain(''taste'', 1, 1)');
select try('select als.refresh_users(''taste'')');
select try('select als.recommend_all(''taste'', ''recs'')');
select try('select als.track(''taste'')');
select count(*) from als.recommend('taste', 1, 3, exclude_seen => false);
select als.recommend_all('taste', 'recs', k => 3, exclude_seen => false);
select metric, baseline is null as no_baseline from als.evaluate('taste', 'ratings_v2', exclude_seen => false) where metric = 'rmse';

-- Columns and types that are not those of the training.
create table ratings (user_id int, sku int, rating int);
select try('select * from als.recommend(''taste'', 1)');
select try('select * from als.explain(''taste'', 1, 1)');
select try('select als.refresh_items(''taste'')');
select try('select als.recommend_all(''taste'', ''recs'')');
alter table ratings rename sku to item_id;
alter table ratings rename rating to stars;
select try('select als.refresh_items(''taste'')');
alter table ratings rename stars to rating;
alter table ratings alter user_id type uuid using null;
select try('select * from als.recommend(''taste'', 1)');
select try('select als.recommend_all(''taste'', ''recs'')');
drop table ratings;
-- A view is as good.
create view ratings as select * from ratings_v2;
select recommended from counts;
drop view ratings;

-- Made again by a role that is not trusted: no more than a plain table is read.
create role source_names_mallory;
create role source_names_owner;
grant usage, create on schema source_names to source_names_mallory, source_names_owner;
grant select on all tables in schema source_names to source_names_mallory, source_names_owner;
set role source_names_owner;
create table likes as select * from ratings_v2;
select n_users from als.train('likely', 'likes', factors => 4);
drop table likes;
set role source_names_mallory;
create function trap() returns int language plpgsql volatile as $$ begin raise 'run as %', current_user; end $$;
create view likes as select trap() as user_id, 1 as item_id, 1 as rating;
grant select on likes to public;
set role source_names_owner;
select try('select * from als.recommend(''likely'', 1)');
select try('select als.refresh_users(''likely'')');
select try('select als.recommend_all(''likely'', ''own_recs'')');
reset role;
select try('select * from als.recommend(''likely'', 1)');
set role source_names_mallory;
drop view likes;
create table likes as select * from ratings_v2;
alter table likes enable row level security;
create policy trap on likes using (trap() > 0);
grant select on likes to public;
set role source_names_owner;
select try('select * from als.recommend(''likely'', 1)');
set role source_names_mallory;
alter table likes disable row level security;
set role source_names_owner;
select count(*) from als.recommend('likely', 2, 3);
reset role;

-- The names in a query are those that they were.
create table ratings (user_id int, item_id int, rating int);
select fill('ratings');
create table source_names_other.ratings (user_id int, item_id int, rating int);
create function stars(int) returns int language sql as 'select $1';
create function source_names_other.stars(int) returns int language sql as 'select 1 / 0';
select n_users, source, source_table, source_path from als.train('asked', 'select user_id, item_id, stars(rating) as rating from ratings', factors => 4);
select count(*) from als.recommend('asked', 2, 20);
set search_path = source_names_other;
select count(*) from als.recommend('source_names.asked', 2, 20);
select count(*) > 0 as explained from als.explain('source_names.asked', 2, 1);
select als.refresh_users('source_names.asked');
select als.recommend_all('source_names.asked', 'source_names.asked_recs', k => 3);
set search_path = '';
select count(*) from als.recommend('source_names.asked', 2, 20);
show search_path;
set search_path = source_names_other;
begin;
create temp table ratings (user_id int, item_id int, rating int);
select count(*) from als.recommend('source_names.asked', 2, 20);
rollback;
do $$ begin
  perform count(*) from als.recommend('source_names.asked', 2, 20);
  drop function source_names.stars(int);
  perform als.refresh_users('source_names.asked');
exception when undefined_function then raise notice '% in %', sqlerrm, current_setting('search_path');
end $$;
show search_path;
-- Temporary tables of the training come first, as they did.
set search_path = source_names;
begin;
create temp table ratings as select 1 as user_id, 2 as item_id, 3 as rating union all select 2, 1, 1;
select n_users, source_path from als.train('temporary', 'select * from ratings', factors => 2);
select count(*) from als.recommend('temporary', 1);
rollback;
-- Rows without a path are read in the caller's.
update asked set source_path = null;
select count(*) from als.recommend('asked', 2, 20);
set search_path = source_names_other;
select try_in_path from (select source_names.try('select count(*) from als.recommend(''source_names.asked'', 2, 20)') as try_in_path) as t;
set search_path = source_names;

-- What makes serving slow is said.
create table many as select u as user_id, (u * 7 + i * 13) % 1000 as item_id from generate_series(1, 6000) u, generate_series(1, 20) i;
analyze many;
select advice from als.train('slow', 'many', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1);
select advice from als.models where model = 'slow'::regclass;
create index on many (user_id);
select advice from als.train('slow', 'many', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1, replace => true);
select advice from als.train('slow', 'select user_id, item_id from many where item_id > 3', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1, replace => true);
select advice from als.train('slow', 'select user_id, item_id from many limit 100000', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1, replace => true);
select advice from als.train('cast', 'select user_id::bigint as user_id, item_id from many', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1);
-- Before the first analyze the planner takes each user for a great one.
create table loaded as select u as user_id, (u * 7 + i * 13) % 1000 as item_id from generate_series(1, 40000) u, generate_series(1, 30) i;
create index on loaded (user_id);
select advice from als.train('quick', 'loaded', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1);
drop table loaded;

drop schema source_names, source_names_other cascade;
drop owned by source_names_mallory, source_names_owner;
drop role source_names_mallory, source_names_owner;
