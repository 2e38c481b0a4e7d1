-- What the fuzzer's calls find: models of several kinds of ids, and much that looks like one.
\set ON_ERROR_STOP 1
set client_min_messages = warning;
create extension if not exists als;
drop schema if exists f cascade;
create schema f;
set search_path = f, public;
create type mood as enum ('sad', 'fair', 'glad');
create domain positive as int check (value > 0);
create type pair as (a int, b text);
create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 13) % 5)::float8 as rating, timestamp '2026-01-01' + u * interval '1 day' as at,
  1 + u % 3 as weight
from generate_series(1, 14) u, generate_series(1, 11) i where (u * 31 + i * 17) % 10 < 6;
create table texts as select 'u' || user_id as user_id, 'i' || item_id as item_id, rating from ratings;
create table uuids as select md5('u' || user_id)::uuid as user_id, md5('i' || item_id)::uuid as item_id, rating from ratings;
create table enums as
select (array['sad', 'fair', 'glad'])[1 + user_id % 3]::mood as user_id, item_id::numeric as item_id, avg(rating) as rating from ratings group by 1, 2;
create table dates as select date '2026-01-01' + user_id as user_id, item_id::positive as item_id, rating from ratings;
create table empty (user_id int, item_id int, rating float8);
create table harmed as select case when user_id % 4 > 0 then user_id end as user_id, item_id,
  (array[1, 'NaN', 'Infinity', null, -1e308, 1e308, 0])[1 + item_id % 7]::float8 as rating from ratings;
create table items as select i as item_id, 'kind ' || i % 3 as kind, i * 1.5 as price, array['a', 'b' || i] as tags, now() as at from generate_series(1, 13) i;
create table "it's; drop table ratings --" as table ratings;
create table "Über ""quoted""" ("User Id" int, "Item; Id" int, "r" float8);
insert into "Über ""quoted""" select user_id, item_id, rating from ratings;
create view seen as select user_id, item_id from ratings where rating > 3;
create table tests as select user_id, item_id, rating from ratings where (user_id + item_id) % 3 = 0;
select from als.train('m', 'ratings', factors => 4, iterations => 2);
select from als.train('implicit', 'texts', feedback => 'implicit', factors => 3, iterations => 2);
select from als.train('of_uuids', 'uuids', factors => 8, iterations => 1);
select from als.train('of_enums', 'enums', factors => 2, iterations => 1, biases => false);
select from als.train('of_dates', 'dates', factors => 2, iterations => 1, nonnegative => true, biases => false);
select from als.train('featured', 'ratings', factors => 4, iterations => 2, item_features => 'items', functions => true);
select from als.import_model('imported', 'select user_id, factors from m_user_factors', 'select item_id, factors from m_item_factors', source => 'ratings');
select from als.track('m');
-- Models that are none, or are broken.
create table not_a_model of als.model;
select from als.train('no_rows', 'ratings', factors => 2, iterations => 1); delete from no_rows;
select from als.train('no_factors', 'ratings', factors => 2, iterations => 1); drop table no_factors_item_factors cascade;
select from als.train('wrong_factors', 'ratings', factors => 2, iterations => 1);
update wrong_factors_item_factors set factors = '{NaN,Infinity}' where item_id % 2 = 0;
update wrong_factors_user_factors set factors = '{1,2,3}' where user_id = 3;
select from als.train('garbage', 'ratings', factors => 2, iterations => 1);
update garbage set factors = -5, source = 'select 1/0', user_col = '"', feedback = 'both', mean = 'NaN', n_users = -1, loss = '{}';
create table empty_id (item_id int, score real);
-- States of the functions that work on bytes.
create table bytes as select als.gram(factors) as b from m_item_factors;
insert into bytes select als.equations(factors, 1.0) from m_item_factors
union all select als.implicit_equations(factors, 1.0, 1.0) from m_item_factors
union all values (''::bytea), ('\x00'), (null), (decode(repeat('ff', 100), 'hex')), (decode(repeat('00', 1000), 'hex'));
-- What distributed trainings put into their tables; without memory to keep it in the session all of it is there.
create function keep_bytes() returns trigger language plpgsql as $$
declare
  a name;
begin
  for a in select attname from pg_attribute where attrelid = tg_relid and atttypid = 'bytea'::regtype loop
    execute format('insert into f.bytes select ($1).%I', a) using new;
  end loop;
  return null;
end
$$;
create function watch_table() returns event_trigger language plpgsql as $$
declare
  t regclass;
begin
  for t in select attrelid from pg_attribute
    where attrelid in (select objid from pg_event_trigger_ddl_commands()) and atttypid = 'bytea'::regtype loop
    execute format('create trigger keep_bytes after insert on %s for each row execute function f.keep_bytes()', t);
  end loop;
end
$$;
create event trigger watch_table on ddl_command_end when tag in ('CREATE TABLE') execute function watch_table();
set als.max_memory = 0;
select from als.train('in_parts', 'ratings', factors => 3, iterations => 2, distributed => true, parts => 2);
reset als.max_memory;
select from als.train('in_one_part', 'texts', feedback => 'implicit', factors => 4, iterations => 1, holdout => 0.3, distributed => true, parts => 1);
drop event trigger watch_table;
delete from bytes where ctid not in (select min(ctid) from bytes group by b);
-- Of the pieces that they are made of: totals, sums and slices. Fewer would mean that they are kept elsewhere.
select 1 / (count(distinct substr(b, 1, 8)) >= 3)::int from bytes where b like '\x414c5302'::bytea || '%' \g /dev/null
