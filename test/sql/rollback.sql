-- als.rollback_model: the run before the newest, kept and brought back.
\set SHOW_CONTEXT never
create table ratings as
select (i % 200 + 1)::int as user_id, (i * 7919) % 61 as item_id, (1 + i % 5)::real as rating
from generate_series(1, 4000) as i;
create view fewer as select * from ratings where user_id <= 150;
set check_function_bodies = off;
create function answers() returns text stable language sql as $$
	select md5(string_agg(u || ' ' || r::text, ' ' order by u, r.rank))
	from generate_series(1, 200) as u, als.recommend('taste', u, 10, exclude_seen => false) as r $$;

select run from als.train('taste', 'ratings', factors => 8, iterations => 3);
select als.rollback_model('taste');
select answers() as first, version as first_version, user_version as first_user_version from taste \gset
create temp table serving as
select oid::regclass as table, relacl from pg_class where relname in ('taste', 'taste_user_factors', 'taste_item_factors');
create view users as select * from taste_user_factors;
grant select on taste, taste_user_factors, taste_item_factors to public;
update serving set relacl = c.relacl from pg_class c where c.oid = serving.table;

-- Another run, and back.
select run from als.train('taste', 'fewer', factors => 4, iterations => 3, replace => true, keep_previous => true);
select answers() as second \gset
select :'second' <> :'first' as changed;
select run, user_factors, item_factors, factors from taste order by run;
select count(*) from taste_user_factors_previous;
select run, factors, n_users from als.rollback_model('taste');
select answers() = :'first' as as_before, version <> :'first_version' and user_version <> :'first_user_version' as new_versions from taste;
select run, user_factors, item_factors, factors from taste;
select (select count(*) from taste_user_factors), (select count(*) from users), to_regclass('taste_user_factors_previous') is null as copies_are_gone;
select count(*) from serving join pg_class c on c.oid = serving.table and c.relacl = serving.relacl;
-- There is no other to go back to.
select als.rollback_model('taste');

-- A refresh or a change by hand belongs to the run that it is made to.
update taste_item_factors set bias = 0;
select answers() as changed_by_hand \gset
select run from als.train('taste', 'fewer', factors => 4, iterations => 3, replace => true, keep_previous => true);
update taste_item_factors set bias = bias + 1;
select run from als.rollback_model('taste');
select answers() = :'changed_by_hand' as as_before;

-- Only the run before the newest is kept, and only if the newest says so.
select run from als.train('taste', 'ratings', factors => 4, iterations => 1, replace => true, keep_previous => true);
select run from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true, keep_previous => true);
select run, user_factors, item_factors, iterations from taste order by run;
select run from als.train('taste', 'ratings', factors => 4, iterations => 3, replace => true);
select run, user_factors, item_factors, iterations from taste order by run;
select als.rollback_model('taste');
call als.train_in_steps('taste', 'ratings', factors => 4, iterations => 4, replace => true, keep_previous => true);
select run, user_factors, item_factors, iterations from taste where run >= 4 order by run;
select run, iterations from als.rollback_model('taste');
select run from als.train('taste', 'ratings', options => '{"factors": 4, "iterations": 5, "keep_previous": true}', replace => true);
select run, user_factors, item_factors, iterations from taste where run >= 4 order by run;
select run from als.import_model('taste', 'select user_id, factors, bias from taste_user_factors', 'select item_id, factors, bias from taste_item_factors',
	feedback => 'explicit', mean => 3, replace => true);
select run, user_factors, item_factors, iterations from taste where run >= 4 order by run;

-- Taken back itself.
begin;
select run from als.train('taste', 'ratings', factors => 4, iterations => 1, replace => true, keep_previous => true);
select run from als.rollback_model('taste');
rollback;
select max(run), count(*) from taste;

-- It mends what somebody has done who deletes the newest row by hand.
select answers() as before \gset
select run from als.train('taste', 'ratings', factors => 8, iterations => 1, replace => true, keep_previous => true);
delete from taste where run = (select max(run) from taste);
select answers();
select run, user_factors, item_factors from als.rollback_model('taste');
select answers() = :'before' as as_before;
select als.rollback_model('taste');
-- A training mends it, too, in the same tables.
select run from als.train('taste', 'ratings', factors => 8, iterations => 1, replace => true, keep_previous => true);
delete from taste where run = (select max(run) from taste);
select run, user_factors, item_factors from als.train('taste', 'ratings', factors => 8, iterations => 1, replace => true);
select relname from pg_class where relname like 'taste%' and relkind = 'r' order by 1;

-- What the row names is touched only if it is the model's.
create table orders (user_id int primary key, factors real[], bias real, n_ratings int);
create table more_orders (item_id bigint primary key, factors real[], bias real, n_ratings int);
update taste set user_factors = 'orders', item_factors = 'more_orders' where run = (select max(run) - 1 from taste);
select als.rollback_model('taste');
select run from als.train('taste', 'ratings', factors => 8, iterations => 1, replace => true, keep_previous => true);
select to_regclass('orders'), to_regclass('more_orders');
drop table orders, more_orders;

-- Who may not.
create role clerk;
grant select on taste, taste_user_factors, taste_item_factors to clerk;
set role clerk;
select als.rollback_model('taste');
reset role;
-- A run that a superuser adds to somebody's model is kept for that somebody.
create role trainer;
create schema trainers authorization trainer;
grant select on ratings to trainer;
set role trainer;
select run from als.train('trainers.m', 'ratings', factors => 4, iterations => 1);
reset role;
select run from als.train('trainers.m', 'ratings', factors => 4, iterations => 1, replace => true, keep_previous => true);
set role trainer;
select run from als.rollback_model('trainers.m');
reset role;
drop schema trainers cascade;
drop owned by trainer, clerk;
drop role trainer, clerk;

select als.rollback_model(null);
select als.rollback_model('ratings');
begin read only;
select als.rollback_model('taste');
rollback;

-- Dropping a model takes the kept run along.
drop view users;
select als.drop_model('taste');
select count(*) from pg_class where relname like 'taste%';
drop view fewer;
drop table ratings;
drop function answers;

-- A stranger's view on the copies keeps nobody from training: they stay, empty, until the model goes.
reset role;
create table r as select (i % 200 + 1)::int as user_id, (i * 7919) % 61 as item_id, (1 + i % 5)::real as rating from generate_series(1, 4000) as i;
select run from als.train('v', 'r', factors => 2, iterations => 1);
select run from als.train('v', 'r', factors => 2, iterations => 1, replace => true, keep_previous => true);
create view stranger as select 1 as one from v_user_factors_previous;
select run from als.train('v', 'r', factors => 2, iterations => 1, replace => true);
select count(*) from v_user_factors_previous;
drop view stranger;
select als.drop_model('v');
select to_regclass('v_user_factors_previous') is null as gone;

-- Of a pair of copies one is gone.
select run from als.train('half', 'r', factors => 2, iterations => 1);
select run from als.train('half', 'r', factors => 2, iterations => 1, replace => true, keep_previous => true);
drop table half_item_factors_previous;
select als.rollback_model('half');
select run from als.train('half', 'r', factors => 2, iterations => 1, replace => true);
select relname from pg_class where relname like 'half%' and relkind = 'r' order by 1;
select user_factors, item_factors from half where run = 1;
select als.drop_model('half');

-- keep_previous alone would do nothing.
select als.train('half', 'r', factors => 2, iterations => 1, keep_previous => true);

-- A trainer who has all grants but does not own the model leaves the run that is kept where it is.
create role owner;
create role trainer;
create schema ours authorization owner;
grant usage on schema ours to trainer;
grant select on r to owner, trainer;
set role owner;
select run from als.train('ours.m', 'r', factors => 2, iterations => 1);
select run from als.train('ours.m', 'r', factors => 3, iterations => 1, replace => true, keep_previous => true);
grant select, insert, update, delete on all tables in schema ours to trainer;
reset role;
set role trainer;
select run from als.train('ours.m', 'r', factors => 4, iterations => 1, replace => true);
select als.train('ours.m', 'r', factors => 4, iterations => 1, replace => true, keep_previous => true);
select als.rollback_model('ours.m');
set role owner;
select run, user_factors, factors from ours.m order by run;
begin;
select run, factors from als.rollback_model('ours.m');
select relname from pg_class where relnamespace = 'ours'::regnamespace and relkind = 'r' order by 1;
rollback;
select run from als.train('ours.m', 'r', factors => 4, iterations => 1, replace => true);
select relname from pg_class where relnamespace = 'ours'::regnamespace and relkind = 'r' order by 1;

-- Rows that row-level security hides even from the owner cannot be replaced.
alter table ours.m_item_factors enable row level security, force row level security;
select als.train('ours.m', 'r', factors => 4, iterations => 1, replace => true);
select als.import_model('ours.m', 'select user_id, factors from ours.m_user_factors', 'select item_id, factors from ours.m_item_factors', replace => true);
call als.train_in_steps('ours.m', 'r', factors => 4, iterations => 1, replace => true);
select als.refresh_users('ours.m');
alter table ours.m_item_factors no force row level security;
select run from als.train('ours.m', 'r', factors => 4, iterations => 1, replace => true);
alter table ours.m enable row level security, force row level security;
select als.train('ours.m', 'r', factors => 4, iterations => 1, replace => true);
alter table ours.m no force row level security;
reset role;
drop schema ours cascade;
drop owned by owner, trainer;
drop role owner, trainer;

-- What suppresses the removal of the newest row, or the writing of factors, is noticed; so is an empty copy.
select run from als.train('w', 'r', factors => 2, iterations => 1);
select run from als.train('w', 'r', factors => 3, iterations => 1, replace => true, keep_previous => true);
create function keep_all() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger keep before delete on w for each row execute function keep_all();
select als.rollback_model('w');
drop trigger keep on w;
create trigger keep before insert on w_item_factors for each row execute function keep_all();
select als.rollback_model('w');
drop trigger keep on w_item_factors;
begin;
delete from w_user_factors_previous;
select als.rollback_model('w');
rollback;
select run, factors from w order by run;
select (als.rollback_model('w')).run;
select run, factors from w order by run;
select als.drop_model('w');
drop table r;
drop function keep_all;
