-- Rows of whole tables come from their pages directly. Whatever a table is like, they are those that the executor
-- finds.
create schema heap_rows;
set search_path = heap_rows;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO none
\i test/sql/try.psql
\set ECHO all

-- What a training makes of a source: its ids, how often each was rated, and the factors. The executor alone reads a
-- source with a condition.
create function trained(source text, options text) returns text language plpgsql as $$
declare
  made text;
begin
  execute format('select from als.train(''m'', %L, replace => true, factors => 2, iterations => 2%s)', source, options);
  select md5(string_agg(u::text, ' ' order by u::text)) into made
  from (select x::text from m_user_factors x union all select x::text from m_item_factors x) u;
  perform als.drop_model('m');
  return made;
end $$;
create function is_the_same(source text, options text = '') returns boolean language sql as $$
  select trained('select * from ' || source, options) = trained('select * from ' || source || ' where random() >= 0', options)
     and (source ~ ' ' or trained(source, options) = trained('select * from ' || source, options)) $$;
create table plain as
select u as user_id, i as item_id, ((u * 7 + i * 13) % 5 + 1)::real as rating
from generate_series(1, 60) as u, generate_series(1, 40) as i where (u * 31 + i * 17) % 3 <> 0;

-- It is so: no cursor would be open else while a function converts what the table has. That function cannot close it.
create type code as enum ('1', '2', '3', '4');
create function number(code) returns int language plpgsql as $$
begin
  insert into cursors select count(*) from pg_cursors;
  return $1::text::int;
end $$;
create cast (code as int) with function number(code) as implicit;
create unlogged table cursors (n bigint);
create table coded as select user_id::text::code as user_id, item_id from plain where user_id <= 4 and item_id <= 20;
select n_ratings from als.train('m', 'plain', seen => 'coded', factors => 2, iterations => 1);
select als.recommend_all('m', 'lists', 5);
select n, count(*) from cursors group by 1;
select bool_and(exists (select from lists l where l.user_id = p.user_id and l.item_id = p.item_id)) is not true as none_is_seen
from coded p;
create or replace function number(code) returns int language plpgsql as $$
begin
  execute 'close all';
  return $1::text::int;
end $$;
select als.recommend_all('m', 'more', 5);
select count(*) from pg_cursors;
select als.drop_model('m');

-- Types, alone and in any order.
select is_the_same('plain');
create table kinds as
select rating::float8 as d, (user_id * 1000000007::bigint) as user_id, null::text as nothing, rating::smallint as s, item_id::smallint,
  rating > 3 as liked, rating::bigint as b, rating, rating::numeric as n, 'item ' || item_id as name, md5(user_id::text)::uuid as id,
  user_id::numeric / 7 as share, item_id::oid as o, user_id::text::name as called, user_id::char(5) as padded from plain;
select source, is_the_same('kinds', ', ' || source) from unnest(array[
  'rating_col => ''d''', 'rating_col => ''s''', 'rating_col => ''liked''', 'rating_col => ''b''', 'rating_col => ''n''',
  'rating_col => null, feedback => ''implicit''', 'item_col => ''name''', 'user_col => ''id'', item_col => ''name''', 'user_col => ''share''',
  'item_col => ''o'', user_col => ''called''', 'item_col => ''padded''',
  'user_col => ''padded'', item_col => ''s'', on_duplicate => ''sum''',
  'weight_col => ''d''', 'rating_col => ''user_id''']) as source;
-- Long ids lie outside of their rows, or are compressed.
create table long (filler text, user_id text, item_id text, rating real) with (toast_tuple_target = 128);
alter table long alter user_id set storage external, alter filler set storage plain;
insert into long select repeat('x', 2000), repeat(md5(user_id::text), 10), repeat('item ' || item_id, 60), rating from plain;
select pg_relation_size(reltoastrelid) > 0 as has_toast from pg_class where oid = 'long'::regclass;
select is_the_same('long');

-- Columns that are gone, that came later, that are computed, and that hold nulls.
create table changed (gone text, user_id int, also_gone bigint, item_id int, remark text, rating real);
insert into changed select 'x', user_id, 1, item_id, null, rating from plain where user_id <= 20;
alter table changed drop gone, drop also_gone;
insert into changed select user_id, item_id, 'x', rating from plain where user_id between 21 and 40;
alter table changed add place int default 7, add score int default 3, add twice real generated always as (rating * 2) stored;
insert into changed select user_id, item_id, null, rating, 1 + item_id % 3, 4 from plain where user_id > 40;
insert into changed values (null, 1, 'x', 1), (1, null, 'x', 1), (1, 1, 'x', null), (null, null, null, null);
select options, is_the_same('changed', options) from unnest(array['', ', rating_col => ''score''', ', rating_col => ''twice''',
  ', item_col => ''place'', on_duplicate => ''sum''']) as options;
alter table changed add score_later int default 3;
select is_the_same('changed', ', rating_col => ''score_later''');
alter table changed alter item_id type bigint, drop score;
select is_the_same('changed');
create table nulls (a int, user_id int, b int, item_id int, c int, rating real, d int);
insert into nulls select nullif(item_id % 3, 0), user_id, nullif(user_id % 5, 0), item_id, nullif(item_id % 7, 0),
  nullif(rating, 5), nullif(item_id % 2, 0) from plain;
select is_the_same('nulls');
select n_ratings = (select count(rating) from nulls) from als.train('m', 'nulls', factors => 2, iterations => 1);
select als.drop_model('m');

-- More than one table, and kinds of them.
create table parts (user_id int, item_id int, rating real) partition by list (user_id);
create table odd (gone text, rating real, item_id int, user_id int);
alter table odd drop gone;
insert into odd select rating, item_id, user_id from plain where user_id = 1;
alter table parts attach partition odd for values in (1);
create table tens partition of parts for values in (10, 20, 30) partition by list (item_id);
create table tens_1 partition of tens for values in (1, 2, 3, 4, 5);
create table tens_more partition of tens default;
create table other partition of parts default;
insert into parts select * from plain where user_id > 1;
create table parent (like plain);
create table child (more int) inherits (parent);
alter table parent add added int default 2;
insert into parent select *, 1 from plain where user_id <= 30;
insert into child select user_id, item_id, rating, 1 from plain where user_id > 30;
create materialized view stored as select * from plain;
create access method likewise type table handler heap_tableam_handler;
create table of_another using likewise as select * from plain;
create temporary table passing as select * from plain;
create unlogged table unlogged as select * from plain;
create view viewed as select user_id as item_id, item_id as user_id, rating from plain;
create view guarded with (security_barrier) as select * from plain;
select source, is_the_same(source) from unnest(array['parts', 'tens', 'parent', 'child', 'stored', 'of_another', 'passing', 'unlogged',
  'viewed', 'guarded', '(select * from plain union all select user_id + 100, item_id, rating from plain) x',
  '(select * from plain tablesample bernoulli (100)) x', '(select * from plain order by random()) x', '(select * from plain limit 500) x',
  '(select * from plain offset 0) x', '(select user_id, item_id, 4 as rating from plain) x',
  '(select user_id, item_id, (select 3) as rating from plain) x', '(with p as materialized (select * from plain) select * from p) x',
  '(select user_id, item_id, 1 + rating from plain) x(user_id, item_id, rating)', '(select user_id, tableoid as item_id, rating from parts where item_id = 5) x',
  '(select (p).user_id, (p).item_id, (p).rating from (select p from plain p) x) x', 'plain join (select 1) one on true']) as source;
select trained('parts', '') = trained('plain', '') as parts, trained('parent', '') = trained('plain', '') as parent;
create materialized view unfilled as select * from plain with no data;
select try($$select als.train('m', 'unfilled', factors => 2)$$);
-- One that is empty.
create table empty (like plain);
select try($$select als.train('m', 'empty', factors => 2)$$);

-- The rows of the statement's snapshot, own changes among them.
create table changing as select * from plain;
create function seen_now() returns bigint language sql as
$$ select n_ratings from als.train('m', 'changing', factors => 2, iterations => 1, replace => true) $$;
select seen_now() = (select count(*) from changing);
begin;
insert into changing values (1, 1000, 1);
savepoint one;
delete from changing where user_id > 30;
update changing set rating = rating + 1;
select seen_now() = (select count(*) from changing), (select count(*) from changing) < 900;
rollback to one;
select seen_now() = (select count(*) from changing), (select count(*) from changing) > 1500;
-- It is counted as a scan, as ever.
select pg_stat_get_xact_numscans('changing'::regclass) as before, pg_stat_get_xact_tuples_returned('changing'::regclass) as returned_before \gset
select seen_now() is not null;
select pg_stat_get_xact_numscans('changing'::regclass) - :before as scans,
  pg_stat_get_xact_tuples_returned('changing'::regclass) - :returned_before = (select count(*) from changing) as rows;
rollback;
select seen_now() = (select count(*) from changing);

-- A row that raises ends the reading, and nothing of it stays open.
insert into changing values (7, 7000, 'infinity');
select try($$select seen_now()$$);
-- Nor does it if that ends the whole transaction.
select als.train('m', 'changing', factors => 2, iterations => 1, replace => true);
select count(*) from pg_cursors;
begin;
select try($$select seen_now()$$);
delete from changing where rating = 'infinity';
select seen_now() = (select count(*) from changing);
select count(*) from pg_cursors;
commit;

-- Privileges of tables and of columns, also through views, and row-level security.
create role heap_reader;
create role heap_owner;
grant usage, create on schema heap_rows to heap_reader, heap_owner;
create view of_owner as select * from plain;
alter view of_owner owner to heap_owner;
grant select on of_owner to heap_reader;
set role heap_reader;
select try($$select als.train('mine', 'plain', factors => 2)$$);
select try($$select als.train('mine', 'of_owner', factors => 2)$$);
reset role;
grant select on plain to heap_owner;
set role heap_reader;
select n_ratings = (select count(*) from of_owner) from als.train('mine', 'of_owner', factors => 2, iterations => 1, replace => true);
select try($$select als.train('mine', 'select * from plain', factors => 2, replace => true)$$);
reset role;
grant select (user_id, item_id) on plain to heap_reader;
set role heap_reader;
select n_ratings > 0 from als.train('mine', 'select user_id, item_id from plain', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1, replace => true);
select try($$select als.train('mine', 'select user_id, item_id, rating from plain', factors => 2, replace => true)$$);
reset role;
revoke select (item_id) on plain from heap_reader;
grant select (rating) on plain to heap_reader;
set role heap_reader;
select try($$select als.train('mine', 'select user_id, item_id, rating from plain', factors => 2, replace => true)$$);
reset role;
grant select on plain, parts to heap_reader;
alter table plain enable row level security;
alter table parts enable row level security;
create policy part on plain to heap_reader using (user_id <= 10);
create policy part on parts to heap_reader using (user_id in (1, 10, 11));
set role heap_reader;
select n_users from als.train('mine', 'plain', factors => 2, iterations => 1, replace => true);
select n_users from als.train('mine', 'parts', factors => 2, iterations => 1, replace => true);
-- The view's owner has no policy.
select try($$select als.train('mine', 'of_owner', factors => 2, replace => true)$$);
-- No constant hides from a condition that is one.
reset role;
drop policy part on plain;
create policy all_or_none on plain to heap_reader using (current_setting('heap.open', true) = 'yes');
set role heap_reader;
select try($$select als.train('mine', 'plain', factors => 2, replace => true)$$);
set heap.open = 'yes';
select n_users from als.train('mine', 'plain', factors => 2, iterations => 1, replace => true);
reset role;

-- Also where what users have seen is read.
alter table plain disable row level security;
select n_users from als.train('m', 'plain', factors => 2, iterations => 2, replace => true);
create function leaves_out(seen text) returns boolean language plpgsql as $$
begin
  perform als.drop_model('m');
  execute format('select from als.train(''m'', ''plain'', factors => 2, iterations => 2, seen => %L)', seen);
  perform als.recommend_all('m', 'seen_lists', 100);
  return not exists (select from seen_lists l where exists (select from plain p where (p.user_id, p.item_id) = (l.user_id, l.item_id)))
     and (select count(*) from seen_lists) + (select count(*) from plain) = 60 * 40;
end $$;
select seen, leaves_out(seen) from unnest(array['parts', 'parent', 'select user_id::bigint, item_id::smallint from plain',
  'select user_id::text, item_id::numeric from plain', 'select * from plain where random() >= 0']) as seen;

drop schema heap_rows cascade;
drop access method likewise;
drop role heap_reader, heap_owner;
