-- als.refresh_users and als.refresh_items: some rows from the live source.
create schema refresh;
set search_path = refresh;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (((u * 7 + i * 13) % 9 + 1) / 2.0)::real as rating
from generate_series(1, 40) as u, generate_series(1, 30) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
create index on ratings (user_id);
create index on ratings (item_id);
create table messy as
select user_id, item_id, case when item_id % 7 = 0 then -rating when user_id % 11 = 0 then 0 else rating end as rating from ratings
union all select user_id, item_id, rating + 1 from ratings where (user_id + item_id) % 10 = 0;

-- The greatest distance of two sets of vectors, as a part of their length.
create function distance(a real[], b real[]) returns float8 language sql immutable as
$$ select sqrt(sum((x::float8 - y) ^ 2) / nullif(sum(x::float8 ^ 2), 0)) from unnest(a, b) as t (x, y) $$;

-- All users anew are what training ended with; all items anew what als.fold_in_item gives.
create function check_rows(title text, source text, options text)
returns table (model text, users bigint, "same users" bool, items bigint, "same items" bool, "same biases" bool, others bool) language plpgsql as $$
begin
  execute format('select from als.train(''trained'', %L, %s)', source, options);
  create temp table before on commit drop as select * from trained_user_factors;
  execute format('create temp table basket on commit drop as select item_id, array_agg(user_id order by rating, user_id) as users, array_agg(rating order by rating, user_id) as ratings from %s group by 1', source);
  users := als.refresh_users('trained', array(select user_id from before));
  select bool_and(distance(b.factors, a.factors) < 1e-4), bool_and(abs(a.bias - b.bias) < 1e-4 or a.bias is null and b.bias is null) into "same users", "same biases"
  from before as b full join trained_user_factors as a using (user_id, n_ratings);
  items := als.refresh_items('trained', array(select item_id from basket));
  select bool_and(distance(als.fold_in_item('trained', b.users, b.ratings), i.factors) < 1e-4) into "same items" from trained_item_factors as i full join basket as b using (item_id);
  select bool_and(a = b) into others from before as b join trained_user_factors as a using (user_id);
  model := title;
  return next;
  drop table before, basket;
  perform als.drop_model('trained');
end $$;
select model, users, "same users", items, "same items", "same biases" from (values
  ('explicit', 'ratings', 'factors => 5, iterations => 3'),
  ('explicit, no biases', 'ratings', 'factors => 17, iterations => 3, biases => false'),
  ('explicit, nonnegative', 'ratings', 'factors => 5, iterations => 3, nonnegative => true'),
  ('explicit, sums', 'messy', 'factors => 3, iterations => 3, on_duplicate => ''sum'''),
  ('implicit', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 3'),
  ('implicit, root', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 3, reg_exponent => 0.5, regularization => 0.5, alpha => 2'),
  ('implicit, nonnegative', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 3, nonnegative => true'),
  ('implicit, sums', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 3')
) as t (title, source, options), check_rows(title, source, options);

-- What changed: added, gone and new ids are found by their number of ratings.
select from als.train('m', 'ratings', factors => 5, iterations => 3);
create table seen as select version, user_version, item_version, n_users, n_items from m;
select als.refresh_users('m'), als.refresh_items('m');
select count(*) from seen natural join m where refreshed_at is null;
insert into ratings values (100, 3, 4), (100, 5, 2), (100, null, 2), (3, 22, null), (101, 999, 3);
insert into ratings select 3, min(i), 5 from generate_series(1, 30) as i where not exists (select from ratings where user_id = 3 and item_id = i);
delete from ratings where user_id = 7;
create table before as select * from m_user_factors;
select als.refresh_users('m');
select coalesce(a.user_id, b.user_id) as user_id, b.n_ratings as before, a.n_ratings as after from m_user_factors as a full join before as b using (user_id) where a is distinct from b order by 1;
select run, m.n_users, m.n_items, m.version <> seen.version as version, m.user_version <> seen.user_version as users, m.item_version <> seen.item_version as items, refreshed_at is not null as refreshed from m, seen;
select als.refresh_users('m'), (select count(*) from als.recommend('m', 100)) as recommended, (select count(*) from als.recommend('m', 7)) as gone;
-- A user of items that the model does not know is not in it, until they are.
select als.refresh_users('m', array[101]), als.predict('m', 101, 3);
select als.refresh_items('m', array[999]);
-- Items need users with vectors as well.
insert into ratings values (1, 999, 5);
select als.refresh_items('m', array[999]), als.refresh_users('m');
select n_users, n_items, als.predict('m', 101, 3) is not null as known from m;
-- Values that change where the number stays are seen by their checksum, which does not depend on the order of rows.
select als.refresh_items('m') > 0 as caught_up;
update ratings set rating = rating where user_id = 4;
update ratings set rating = 6 - rating where user_id = 8;
select als.refresh_items('m') as items, count(*) as rated from ratings where user_id = 8;
select als.refresh_users('m'), als.refresh_users('m'), als.refresh_items('m');
with pair as (select (array_agg(item_id order by rating, item_id))[1] as a, (array_agg(item_id order by rating desc, item_id))[1] as b from ratings where user_id = 8)
update ratings set item_id = a + b - item_id from pair where user_id = 8 and item_id in (a, b);
select als.refresh_users('m'), als.refresh_users('m');
-- Tables of 1.0 have no checksum: numbers alone count there. A training adds it; it fills with what is written.
alter table m_user_factors drop column checksum;
update ratings set rating = 6 - rating where user_id = 8;
select als.refresh_users('m'), als.refresh_users('m', array[8]);
select from als.train('m', 'ratings', factors => 5, iterations => 3, replace => true, keep_previous => true);
select als.refresh_users('m');
select from als.rollback_model('m');
select als.refresh_users('m', array[8]);
select count(checksum) from m_user_factors;
update ratings set rating = 6 - rating where user_id in (8, 10);
select als.refresh_users('m'), als.refresh_users('m', array[10]), als.refresh_items('m') > 0 as items;
-- Duplicates are counted once as soon as they have been seen.
insert into ratings select * from ratings where user_id = 9;
select als.refresh_users('m'), n_duplicates from m;
select als.refresh_users('m'), n_duplicates > 0 as seen from m;
-- A holdout is over with the first refresh.
select from als.train('h', 'ratings', factors => 3, iterations => 2, holdout => 0.2);
select als.refresh_users('h') > 20 as most, als.refresh_users('h') as again;

-- A source that is being loaded anew: what would remove more than half of a side is refused. The rest comes back.
begin;
select from als.train('loaded', 'select * from ratings where rating is not null and item_id < 100', factors => 3, iterations => 2, on_duplicate => 'average');
create temp table staged on commit drop as select * from ratings;
create temp table sizes on commit drop as select n_users, n_items from loaded;
delete from ratings;
select try('select als.refresh_items(''loaded'')');
select try('select als.refresh_users(''loaded'')');
select try('select als.refresh_users(''loaded'', array(select user_id from loaded_user_factors))');
select als.refresh_users('loaded', array[1, 4711]), als.refresh_users('loaded', array[1]);
insert into ratings select * from staged where user_id % 3 > 0;
select als.refresh_items('loaded') is not null as items, als.refresh_users('loaded') > 10 as users, loaded.n_users < sizes.n_users as fewer from loaded, sizes;
insert into ratings select * from staged where user_id % 3 = 0;
select als.refresh_items('loaded') is not null as items, als.refresh_users('loaded') > 10 as users;
select loaded.n_users = sizes.n_users as same_users, loaded.n_items = sizes.n_items as same_items from loaded, sizes;
delete from ratings;
select als.refresh_users('loaded', force => true) > 20 as forced, n_users from loaded;
select n_users from loaded;
select try('select als.refresh_users(''loaded'', array[1], null)');
rollback;

-- Ids as they come: any type that casts, a literal, text, more than once, null, unknown.
select als.refresh_users('m', array[1, 2, 2]::bigint[]), als.refresh_users('m', '{1,2,null}'), als.refresh_users('m', '{1,2}'::text), als.refresh_users('m', array['1', '2']), als.refresh_users('m', '{}'),
  als.refresh_users('m', array[4711]), als.refresh_users('m', null::int[]), als.refresh_users('m', null);
prepare untyped as select als.refresh_users('m', $1);
execute untyped ('{1,2}');
create domain score_id as text;
create table visits as select md5(user_id::text)::uuid as visitor, ('item ' || item_id)::score_id as sku from ratings;
select from als.train('mixed', 'visits', user_col => 'visitor', item_col => 'sku', rating_col => null, feedback => 'implicit', factors => 3, iterations => 2);
select als.refresh_users('mixed'), als.refresh_items('mixed');
insert into visits values (md5('new')::uuid, 'item 3'), (md5('new')::uuid, 'item 5'), (md5('1')::uuid, 'item new');
select als.refresh_items('mixed'), als.refresh_users('mixed');
select als.refresh_users('mixed', array[md5('new')::uuid]), als.refresh_items('mixed', array['item 3', 'item new', 'none']), als.refresh_items('mixed', array['item 3']::score_id[]);
select count(*) from als.recommend('mixed', md5('new'));
-- A query as the source; numeric ids and ratings.
select from als.train('query', 'select user_id::numeric as u, item_id as i, rating::numeric as r from ratings -- all of them', user_col => 'u', item_col => 'i', rating_col => 'r', factors => 3, iterations => 2);
insert into ratings values (102, 3, 4);
select als.refresh_users('query'), als.refresh_users('query', array[102]);

-- Undone with its transaction; versions are never used twice.
begin;
create temp table rolled_back as select version, user_version from m;
select als.refresh_users('m', array[1]);
select als.refresh_items('m', array[1]), als.refresh_users('m', array[1]);
select count(*) as same from m natural join rolled_back;
rollback;
insert into seen select version, user_version, item_version from m;
select als.refresh_users('m', array[1]);
insert into seen select version, user_version, item_version from m;
select count(*) - count(distinct version) as same, count(*) - count(distinct user_version) as same_users from seen;
-- The other columns, and the trigger, which may be off.
alter table m_user_factors add note text;
update m_user_factors set note = 'kept' where user_id = 1;
alter table m_user_factors disable trigger als_version;
create table old as select user_version from m;
select als.refresh_users('m', array[1]), (select note from m_user_factors where user_id = 1);
select count(*) from old natural join m;

select try('select als.refresh_users(null)');
select try('select als.refresh_users(''ratings'')');
select try('select als.refresh_users(''m'', 3)');
select try('select als.refresh_users(''m'', array[now()])');
select try('select als.refresh_users(''m'', ''{x}'')');
select from als.train('strict', 'select distinct on (user_id, item_id) * from ratings', factors => 3, iterations => 2, on_duplicate => 'error');
update strict set source = 'select * from ratings';
select try('select als.refresh_users(''strict'', array[9])');
begin;
insert into ratings values (3, 9, 'NaN');
select try('select als.refresh_items(''m'', array[9])');
rollback;
begin;
alter table ratings alter user_id type numeric;
select try('select als.refresh_users(''m'')');
select try('select als.refresh_users(''m'', array[1])');
rollback;
begin;
drop table m_item_factors;
select try('select als.refresh_users(''m'')');
rollback;
begin read only;
select try('select als.refresh_users(''m'')');
rollback;
begin;
alter table m_user_factors drop constraint m_user_factors_pkey;
select try('select als.refresh_users(''m'', array[1])');
rollback;

-- As the caller.
create role refresh_owner;
create role refresh_reader;
grant usage on schema refresh to refresh_owner, refresh_reader;
grant create on schema refresh to refresh_owner;
grant select on ratings to refresh_owner, refresh_reader;
set role refresh_owner;
select from als.train('own', 'ratings', factors => 3, iterations => 2);
grant select on own, own_user_factors, own_item_factors to refresh_reader;
set role refresh_reader;
select try('select als.refresh_users(''own'', array[1])');
reset role;
grant insert, update, delete on own, own_user_factors to refresh_reader;
grant update on own_item_factors to refresh_reader;
set role refresh_reader;
select als.refresh_users('own', array[1]);
reset role;
alter table own_item_factors enable row level security;
create policy low on own_item_factors to refresh_reader using (item_id < 10);
set role refresh_reader;
select try('select als.refresh_users(''own'', array[1])');
reset role;
revoke select on ratings from refresh_owner;
set role refresh_owner;
select try('select als.refresh_users(''own'')');
reset role;

drop schema refresh cascade;
drop owned by refresh_owner, refresh_reader;
drop role refresh_owner, refresh_reader;
