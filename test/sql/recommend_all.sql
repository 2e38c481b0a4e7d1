-- als.recommend_all against als.recommend, for every user; targets new and old; errors; memory.
create schema recommend_all;
set search_path = recommend_all;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 60) as u, generate_series(1, 40) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
select n_ratings > 900 as trained from als.train('m', 'ratings', factors => 7, iterations => 4);
select n_ratings > 900 as trained from als.train('implicit', 'ratings', factors => 17, iterations => 4, feedback => 'implicit');

-- Compares a target with als.recommend, user by user and rank by rank.
create procedure check_target(target regclass, model regclass, k int, exclude_seen bool) language plpgsql as $$
declare
  n int; wrong int;
begin
  execute format('
    select count(*), count(*) filter (where (t.item_id::text, t.score) is distinct from (r.item_id, r.score))
    from %s as t full join (
      select u.user_id, r.* from %s as u, als.recommend(%L, u.user_id::text, %s, %L) as r) as r using (user_id, rank)',
    target, (als.latest_run(model)).user_factors, model, k, exclude_seen) into n, wrong;
  raise info '%, k => %, exclude_seen => %: % rows, % wrong', model, k, exclude_seen, n, wrong;
end $$;

-- A new target.
select als.recommend_all('m', 'recs');
call check_target('recs', 'm', 10, true);
\d recs
select tableowner = current_user as mine from pg_tables where schemaname = 'recommend_all' and tablename = 'recs';
-- Its contents are replaced.
select als.recommend_all('m', 'recs', 5, false);
call check_target('recs', 'm', 5, false);
select als.recommend_all('m', 'recs', k => 1000);
call check_target('recs', 'm', 1000, true);
select als.recommend_all('m', 'recs', k => 2147483647, exclude_seen => false, threads => 1);
call check_target('recs', 'm', 2147483647, false);
select als.recommend_all('implicit', 'recs', 7);
call check_target('recs', 'implicit', 7, true);
select als.recommend_all('m', 'recs', 0), (select count(*) from recs) as before;
select count(*) from recs;

-- Ties are broken by id.
select n_users from als.train('flat', 'select user_id, item_id, 3 as rating from ratings', factors => 2, regularization => 1);
update flat_item_factors set factors = '{0, 0}', bias = item_id % 3;
select als.recommend_all('flat', 'ties', 16);
call check_target('ties', 'flat', 16, true);
select als.recommend_all('flat', 'ties', 16, exclude_seen => false);
call check_target('ties', 'flat', 16, false);
select array_agg(item_id order by rank) from ties where user_id = 1;

-- What is seen is what the source holds now, whatever else it holds.
insert into ratings select user_id, item_id, 1 from recs, generate_series(1, 3) where user_id % 2 = 0;
insert into ratings select 7, item_id, null from m_item_factors;
insert into ratings values (5, 4711, 1), (5, null, 3), (4711, 1, 3), (null, 1, 3), (null, null, null);
insert into ratings select * from ratings where user_id < 20;
select als.recommend_all('m', 'recs', 40) = count(*) as all_written from m_user_factors as u, als.recommend('m', u.user_id, 40);
call check_target('recs', 'm', 40, true);
select count(*) as of_one_who_has_seen_all from recs where user_id = 7;
create temp table shuffled as select * from ratings order by hashint4(user_id * 100 + item_id);
select n_users from als.train('from_query', 'select * from pg_temp.shuffled where user_id <= 60 and item_id <= 40 and rating > 0', factors => 3, iterations => 2);
select als.recommend_all('from_query', 'recs', 9) > 0 as written;
call check_target('recs', 'from_query', 9, true);

-- With less memory than it takes, the source is read several times.
select als.recommend_all('m', 'whole', 40, threads => 1) > 0 as written;
set als.max_memory = '8kB';
select als.recommend_all('m', 'recs', 1, threads => 1) > 0 as written;
call check_target('recs', 'm', 1, true);
set als.max_memory = 0;
\set VERBOSITY default
select als.recommend_all('m', 'recs', 1, threads => 1);
select als.recommend_all('m', 'recs', 3, false, 2);
\set VERBOSITY terse
reset als.max_memory;
call check_target('whole', 'm', 40, true);

-- Ids of other types, and of two types; a model elsewhere; names that need quotes.
create table texts as select 'user ' || user_id as user_id, item_id::numeric / 4 as item_id, rating from ratings where rating is not null;
create schema "Else where";
select n_users from als.train('"Else where"."The model"', 'texts', factors => 3, iterations => 2);
select als.recommend_all('"Else where"."The model"', '"Else where"."The ""target"', 6) > 0 as written;
select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) from pg_attribute
where attrelid = '"Else where"."The ""target"'::regclass and attnum > 0;
call check_target('"Else where"."The ""target"', '"Else where"."The model"', 6, true);
create domain shop_item as text check (value like 'item %');
create table shop as select user_id::smallint as buyer, ('item ' || item_id)::shop_item collate "C" as thing from ratings where item_id is not null;
select n_users from als.train('shop_model', 'shop', user_col => 'buyer', item_col => 'thing', rating_col => null, feedback => 'implicit', factors => 3, iterations => 2);
select als.recommend_all('shop_model', 'shop_recs', 6) > 0 as written;
\d shop_recs
call check_target('shop_recs', 'shop_model', 6, true);
-- The source's ids need only cast to the model's.
alter table shop alter buyer type bigint;
select als.recommend_all('shop_model', 'shop_recs', 4) > 0 as written;
select count(*) as seen from shop_recs join shop on buyer = user_id and thing = item_id;
alter table shop alter buyer type timestamptz using now();
select try($$select als.recommend_all('shop_model', 'shop_recs', 4)$$);

-- An old target keeps what depends on it, and may have more columns, of wider types, in any order, or partitions.
create table wide (
  rank bigint, note text default 'new', score float8, item_id numeric, user_id bigint, primary key (user_id, item_id));
create view best as select user_id, item_id from wide where rank = 1;
create table log (what text, n bigint);
create function log_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into log select tg_op, count(*) from old_rows;
  else
    insert into log select tg_op, count(*) from new_rows;
  end if;
  return null;
end $$;
create trigger on_insert after insert on wide referencing new table as new_rows execute function log_change();
create trigger on_delete after delete on wide referencing old table as old_rows execute function log_change();
select 'wide'::regclass::oid as oid_before \gset
select als.recommend_all('m', 'wide', 3);
select als.recommend_all('m', 'wide', 3);
select * from log;
select 'wide'::regclass::oid = :oid_before as same_table, (select count(*) from best) as in_the_view, (select count(*) from wide where note = 'new') as new;
call check_target('wide', 'm', 3, true);
create function skip_some() returns trigger language plpgsql as $$ begin return case when new.rank > 1 then new end; end $$;
create trigger skip_some before insert on wide for each row execute function skip_some();
select als.recommend_all('m', 'wide', 3) as written \gset
select count(*) = :written as counted, min(rank) from wide;
create table parts (user_id int, item_id int, score real, rank int, primary key (user_id, rank)) partition by range (user_id);
create table parts_low partition of parts for values from (minvalue) to (30);
create table parts_high partition of parts for values from (30) to (maxvalue);
select als.recommend_all('m', 'parts', 3) = als.recommend_all('m', 'parts', 3) as replaced;
call check_target('parts', 'm', 3, true);
select als.recommend_all('m', 'pg_temp.temporary', 2) > 0 as written;
select als.recommend_all('m', 'temporary', 2) > 0 as written;
call check_target('temporary', 'm', 2, true);
select relpersistence from pg_class where relname = 'temporary';

\pset format unaligned
\pset tuples_only on
-- Targets that will not do; nothing of them is changed.
create table no_rank (user_id int, item_id int, score real);
create table no_user (item_id int, score real, rank int);
create table text_item (user_id int, item_id text, score real, rank int);
create table narrow_user (user_id smallint, item_id int, score real, rank int);
create table int_score (user_id int, item_id int, score int, rank int);
create table short_rank (user_id int, item_id int, score real, rank smallint);
create table dropped (user_id int, item_id int, score real, rank int, rest int);
alter table dropped drop column score;
create view a_view as select * from recs;
create materialized view a_matview as select * from recs;
create sequence a_sequence;
select target, try(format('select als.recommend_all(''m'', %L)', target))
from unnest(array['no_rank', 'no_user', 'text_item', 'narrow_user', 'int_score', 'short_rank', 'dropped', 'a_view', 'a_matview', 'a_sequence',
  'recs_pkey', 'm', 'm_user_factors', 'm_item_factors', 'ratings', 'implicit', 'nowhere.recs', '', 'a.b.c.d', 'pg_catalog.recs']) as target;
select count(*) = (select n_users from m) from m_user_factors;
-- What the server has to say of the rows.
create table few (user_id int, item_id int, score real, rank int check (rank < 3));
insert into few values (1, 1, 1, 1);
select split_part(try($$select als.recommend_all('m', 'few')$$), E'\n', 1);
select * from few;
create table more (user_id int, item_id int, score real, rank int, rest int not null);
select split_part(try($$select als.recommend_all('m', 'more')$$), E'\n', 1);

-- Other arguments.
select try($$select als.recommend_all(null, 'recs')$$);
select try($$select als.recommend_all('m', null)$$);
select try($$select als.recommend_all('m', 'recs', null)$$);
select try($$select als.recommend_all('m', 'recs', -1)$$);
select try($$select als.recommend_all('m', 'recs', exclude_seen => null)$$);
select try($$select als.recommend_all('m', 'recs', threads => 0)$$);
select try($$select als.recommend_all('m', 'recs', threads => 257)$$);
select try($$select als.recommend_all('ratings', 'recs')$$);
select try($$select als.recommend_all('nothing', 'recs')$$);
select try($$select als.recommend_all(0, 'recs')$$);
begin read only;
select try($$select als.recommend_all('m', 'recs')$$);
commit;

-- A target that fails leaves nothing; a savepoint goes back to what was.
select try($$select als.recommend_all('m', 'new'), 1 / 0$$);
select to_regclass('new');
begin;
select als.recommend_all('m', 'recs', 2) > 0;
savepoint s;
select als.recommend_all('m', 'recs', 0);
select count(*) from recs;
rollback to s;
select max(rank) from recs;
commit;
select try($$select als.recommend_all('m', 'twice', 1), als.recommend_all('m', 'twice', 2)$$);
select max(rank) from twice;
-- A source that reads the target sees what it was.
create view reading as select user_id, item_id from twice where rank = 1;
select n_users > 0 from als.train('reader', 'select * from recommend_all.reading', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1);
create table before as table reading;
select als.recommend_all('reader', 'twice', 1) > 0;
select count(*) from before join twice using (user_id, item_id);

-- A source that is gone or has lost its column.
create table losing as table ratings;
select n_users > 0 from als.train('loser', 'losing', factors => 2, iterations => 1);
alter table losing rename item_id to thing;
select split_part(try($$select als.recommend_all('loser', 'recs')$$), E'\n', 1);
drop table losing;
select try($$select als.recommend_all('loser', 'recs')$$);
select als.recommend_all('loser', 'recs', exclude_seen => false) > 0;
select als.drop_model('loser');
-- A model without items, and one without users.
begin;
delete from m_item_factors;
select als.recommend_all('m', 'recs'), als.recommend_all('m', 'recs', exclude_seen => false);
rollback;
begin;
delete from m_user_factors;
select als.recommend_all('m', 'recs'), als.recommend_all('m', 'recs', exclude_seen => false);
rollback;

-- As the caller: privileges on the model, the source and the target, and row-level security.
create role recommend_all_user;
grant usage on schema recommend_all to recommend_all_user;
grant execute on function try to recommend_all_user;
create function as_user(target text default 'shared') returns text language plpgsql as $$
begin
  return split_part(try(format('select als.recommend_all(''m'', %L, 2)', target)), E'\n', 1);
end $$;
create table shared (user_id int, item_id int, score real, rank int, primary key (user_id, rank));
set role recommend_all_user;
select as_user();
reset role;
grant delete on shared to recommend_all_user;
set role recommend_all_user;
select as_user();
reset role;
grant select on m, m_item_factors, m_user_factors to recommend_all_user;
set role recommend_all_user;
select as_user();
reset role;
grant select on ratings to recommend_all_user;
set role recommend_all_user;
select as_user();
reset role;
grant insert on shared to recommend_all_user;
set role recommend_all_user;
select as_user(), as_user('of_mine');
reset role;
grant create on schema recommend_all to recommend_all_user;
set role recommend_all_user;
select as_user('of_mine');
reset role;
select tableowner from pg_tables where tablename = 'of_mine';
call check_target('of_mine', 'm', 2, true);
alter table m_user_factors enable row level security;
create policy few on m_user_factors for select to recommend_all_user using (user_id <= 3);
alter table ratings enable row level security;
create policy nothing on ratings for select to recommend_all_user using (false);
set role recommend_all_user;
select als.recommend_all('m', 'of_mine', 40);
select count(distinct user_id), count(distinct item_id) from of_mine;
reset role;
alter table m_user_factors disable row level security;
alter table ratings disable row level security;

-- What it uses while it writes is of no use to anyone else.
select name, try(format('select als.%s', name))
from unnest(array['_recommended_score(0)', '_recommended_rank(0)', '_recommended_user(0, null::int)', '_recommended_item(0, ''x''::text)']) as name;
select als._recommended_score(null), als._recommended_rank(null), als._recommended_user(null, null::int), als._recommended_item(null, null::int);
create function peek() returns trigger language plpgsql as $$
begin
  raise info '%, %, %, %', try('select als._recommended_rank(0)'), try('select als._recommended_rank(-1)'), try('select als._recommended_score(4711)'),
    try('select als._recommended_user(0, null::text)');
  return null;
end $$;
create trigger peek after insert on recs execute function peek();
select als.recommend_all('m', 'recs', 1) > 0;
drop trigger peek on recs;
-- A target whose trigger recommends in its turn.
create function again() returns trigger language plpgsql as $$ begin perform als.recommend_all('implicit', 'other', 2); return null; end $$;
create trigger again after insert on recs execute function again();
select als.recommend_all('m', 'recs', 3) > 0;
call check_target('recs', 'm', 3, true);
call check_target('other', 'implicit', 2, true);

-- A table that is made gets its rows as from COPY, unless an event trigger has given it one that looks at each.
create table noted (user_id int);
create function note() returns trigger language plpgsql as $$ begin insert into noted values (new.user_id); return new; end $$;
create function watch() returns event_trigger language plpgsql as $$
begin
  if to_regclass('watched') is not null then
    create trigger note before insert on watched for each row execute function note();
  end if;
end $$;
create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function watch();
select als.recommend_all('m', 'watched', 2) > 0;
select count(*) = (select count(*) from watched) from noted;
drop event trigger watch;
call check_target('watched', 'm', 2, true);
create function turn() returns event_trigger language plpgsql as $$
begin
  if to_regclass('turned') is not null then
    alter table turned rename user_id to hidden;
    alter table turned rename item_id to user_id;
    alter table turned rename hidden to item_id;
  end if;
end $$;
create event trigger turn on ddl_command_end when tag in ('CREATE TABLE') execute function turn();
select als.recommend_all('m', 'turned', 2) > 0;
drop event trigger turn;
call check_target('turned', 'm', 2, true);

-- Nor is one that is dropped at once left to the server's own words.
create function drop_it() returns event_trigger language plpgsql as $$ begin drop table if exists fleeting; end $$;
create event trigger drop_it on ddl_command_end when tag in ('CREATE TABLE') execute function drop_it();
select try($$select als.recommend_all('m', 'fleeting', 2)$$);
select try($$select als.train('fleeting', 'ratings', factors => 2, iterations => 1)$$);
select try($$select count(*) from als.tune('ratings', grid => '{"factors": [2]}', results => 'fleeting')$$);
drop event trigger drop_it;

-- Nor are tables that the caller's own functions drop or alter while sources are read. The target stays, and what is gone is undefined.
create type early as enum ('1', '2', '3');
create table seen_early as select user_id::text::early as user_id, item_id from ratings where user_id <= 3;
create table seen_more as select user_id, item_id from ratings;
create function number(early) returns int language plpgsql as $$
begin
  if $1::text = '2' then execute current_setting('recommend_all.meanwhile'); end if;
  return $1::text::int;
end $$;
create cast (early as int) with function number(early) as implicit;
select n_ratings > 0 as trained from als.train('likes', 'ratings', factors => 2, iterations => 1, seen => 'seen_early');
create function meanwhile(statement text, target text, more text default '') returns text language plpgsql as $$
begin
  perform set_config('recommend_all.meanwhile', statement, true);
  return try(format('select als.recommend_all(%L, %L, 2 %s)', 'likes', target, more));
end $$;
select meanwhile('select', 'kept');
select meanwhile(format(statement, target), target)
from unnest('{kept,made}'::text[]) as target, unnest('{drop table %s,alter table %s drop column rank,alter table %s alter score type text}'::text[]) as statement;
select meanwhile('drop table if exists seen_more', 'kept', ', exclude => ''seen_more''');
select meanwhile('alter table seen_more drop column if exists item_id', 'kept', ', exclude => ''seen_more''');
select meanwhile('alter table seen_more alter item_id type text', 'kept', ', exclude => ''seen_more''');

select count(*) from als.progress;
drop schema recommend_all, "Else where" cascade;
drop role recommend_all_user;
