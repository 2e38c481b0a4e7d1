-- A row of a model table may name any table. als changes or drops only what is provably the model's, and whoever
-- changes factors changes the version of every model that may say that they are its own.
create schema ownership;
set search_path = ownership;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never
create role ownership_alice;
create role ownership_mallory;
create role ownership_writer;
grant usage, create on schema ownership to ownership_alice, ownership_mallory;
grant usage on schema ownership to ownership_writer;

\set ECHO none
\i test/sql/try.psql
\set ECHO all
\pset format unaligned
\pset tuples_only on
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
grant select on ratings to public;
create table orders (id int);
insert into orders values (1);

-- What a dump and a restore leave of a model: everything but the dependency of its factor tables.
create function restore_from_dump() returns void language sql as $$
  delete from pg_depend where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and deptype = 'a'
    and refobjid in (select oid from pg_class where reloftype = 'als.model'::regtype and relnamespace = 'ownership'::regnamespace) and objsubid = 0 and refobjsubid = 0
    and objid in (select oid from pg_class where relkind = 'r') $$;
create view recorded as
select c.relname as factors, m.relname as model
from pg_depend as d join pg_class as c on c.oid = d.objid and c.relkind = 'r' join pg_class as m on m.oid = d.refobjid
where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a' and d.objsubid = 0 and d.refobjsubid = 0
  and m.reloftype = 'als.model'::regtype and m.relnamespace = 'ownership'::regnamespace;
grant select on recorded to public;
-- Which models and sides have another version than before.
create table versions (model text, side text, version uuid);
grant all on versions to public;
create function new_versions() returns setof text language plpgsql as $$
declare
  m regclass;
begin
  create temp table now (model text, side text, version uuid);
  for m in select oid from pg_class where reloftype = 'als.model'::regtype and relnamespace = 'ownership'::regnamespace loop
    execute format('insert into now select %L, unnest(array[''users'', ''items'']), unnest(array[user_version, item_version]) from %s order by run desc limit 2', m, m);
  end loop;
  return query select n.model || ': ' || n.side from now as n where not exists (select from versions as v where (v.model, v.side) = (n.model, n.side) and v.version is not distinct from n.version) order by 1;
  delete from versions;
  insert into versions select * from now;
  drop table now;
end $$;

set role ownership_alice;
select run from als.train('taste', 'ratings', factors => 3, iterations => 2);
reset role;
select * from recorded order by 1;
select tgrelid::regclass, tgname, tgenabled from pg_trigger where tgrelid::regclass::text ~ '^taste' order by 1;
select new_versions();
update taste_user_factors set bias = bias;
select new_versions();
update taste_item_factors set bias = bias;
select new_versions();

-- A stranger's row names Alice's factors and waits, with code of its own, for whoever changes them.
set role ownership_mallory;
create table trap of als.model;
insert into trap (run, user_version, item_version, user_factors, item_factors) values (1, gen_random_uuid(), gen_random_uuid(), 'taste_user_factors', 'taste_item_factors');
create function spring() returns trigger language plpgsql as $$ begin raise exception 'code of % runs as %', 'mallory', current_user; end $$;
create trigger spring before update on trap for each row execute function spring();
create function is_sprung(uuid) returns bool immutable language plpgsql as $$ begin raise exception 'code of % runs as %', 'mallory', current_user; end $$;
create policy spring on trap using (is_sprung(version));
alter table trap enable row level security, force row level security;
grant all on trap to public;
reset role;
select new_versions();
select restore_from_dump();
select * from recorded;
update taste_user_factors set bias = bias;
select new_versions();
-- Who may has recorded whose they are.
select * from recorded;
delete from taste_item_factors where false;
select * from recorded order by 1;
select new_versions();
select restore_from_dump();
set role ownership_alice;
select als.refresh_users('taste', '{1,2}'::int[]);
reset role;
select new_versions();
select * from recorded order by 1;
-- Nor does it do anything in Alice's name.
select try('update trap set run = 1');
select try($$select als.drop_model('trap')$$);
select try($$select als.train('trap', 'ratings', factors => 3, replace => true)$$);
select try($$select als.import_model('trap', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors', replace => true)$$);
select try($$select als.refresh_users('trap')$$);
select count(*) from taste_user_factors;

-- Nor on tables that are no factors of anybody.
set role ownership_mallory;
drop table trap;
create table trap of als.model;
insert into trap (run, user_factors, item_factors) values (1, 'orders', 'orders');
reset role;
select try($$select als.drop_model('trap')$$);
select try($$select als.train('trap', 'ratings', factors => 3, replace => true)$$);
select * from orders;
-- Whoever owns them.
create table own of als.model;
insert into own (run, user_factors, item_factors) values (1, 'orders', 'orders');
select try($$select als.drop_model('own')$$);
select try($$select als.train('own', 'ratings', factors => 3, replace => true)$$);
alter table orders add user_id int, add item_id int, add factors real[], add bias real, add n_ratings int;
select try($$select als.drop_model('own')$$);
update own set user_factors = 'own', item_factors = 'own';
select try($$select als.drop_model('own')$$);
update own set user_factors = 'recorded', item_factors = 'recorded';
select try($$select als.drop_model('own')$$);
update own set user_factors = null, item_factors = null;
select als.drop_model('own');
select id from orders;

-- A view of a stranger's in the place of factors would run what it calls with the reader's rights.
set role ownership_mallory;
create function spring(real[]) returns real[] language plpgsql as $$ begin raise exception 'code of % runs as %', 'mallory', current_user; end $$;
create view trapped as select 1 as user_id, 1 as item_id, spring('{1,2}') as factors, 1::real as bias, 1 as n_ratings;
grant select on trapped to public;
truncate trap;
insert into trap (run, user_version, item_version, feedback, factors, biases, mean, regularization, reg_exponent, nonnegative, on_duplicate, n_users, n_items, user_factors, item_factors, user_col, item_col)
values (1, gen_random_uuid(), gen_random_uuid(), 'explicit', 2, true, 3, 1, 1, false, 'average', 1, 1, 'trapped', 'trapped', 'user_id', 'item_id');
grant select on trap to public;
reset role;
select try($$select als.predict('trap', 1, 1)$$);
set role ownership_alice;
select try($$select als.recommend('trap', 1)$$);
reset role;
drop table trap;
drop view trapped;

-- A copy that Alice has made for safety.
set role ownership_alice;
create table taste_backup of als.model;
insert into taste_backup select * from taste;
select new_versions();
update taste_user_factors set bias = bias;
select new_versions();
select try($$select als.train('taste_backup', 'ratings', factors => 3, replace => true)$$);
select try($$select als.drop_model('taste_backup')$$);
reset role;
select restore_from_dump();
set role ownership_alice;
-- All are renewed, and nobody can tell whose they are,
update taste_user_factors set bias = bias;
select new_versions();
select * from recorded;
select try($$select als.drop_model('taste_backup')$$);
select try($$select als.drop_model('taste')$$);
-- until it is said.
select als.refresh_items('taste', '{1}'::int[]);
select * from recorded order by 1;
select new_versions();
select try($$select als.drop_model('taste_backup')$$);
drop table taste_backup;
reset role;

-- A writer who may not read the model.
grant select, update on taste_user_factors to ownership_writer;
set role ownership_writer;
select try('update taste_user_factors set bias = bias');
reset role;
select restore_from_dump();
set role ownership_writer;
select try('update taste_user_factors set bias = bias');
reset role;
grant select, update on taste to ownership_writer;
set role ownership_writer;
update taste_user_factors set bias = bias;
select new_versions();
-- It is not for a writer to say whose the factors are.
select * from recorded;
reset role;
-- Or who does not see its row.
alter table taste enable row level security;
set role ownership_writer;
select try('update taste_user_factors set bias = bias');
reset role;
alter table taste disable row level security;
-- Or whose update does nothing.
create function skip() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger skip before update on taste for each row execute function skip();
select try('update taste_user_factors set bias = bias');
drop trigger skip on taste;
select new_versions();
-- Factors without a model.
begin;
drop table taste;
select try('update taste_user_factors set bias = bias');
set session_replication_role = replica;
select try('update taste_user_factors set bias = bias');
rollback;
-- Or with one of another owner.
begin;
alter table taste owner to ownership_mallory;
select try('update taste_user_factors set bias = bias');
select try($$select als.train('taste', 'ratings', factors => 3, replace => true)$$);
alter table taste owner to ownership_alice;
update taste_user_factors set bias = bias;
alter table taste owner to ownership_mallory;
select try('update taste_user_factors set bias = bias');
select try($$select als.drop_model('taste')$$);
rollback;

-- A session that replicates.
begin;
set local session_replication_role = replica;
update taste_user_factors set bias = bias;
commit;
select new_versions();

-- What is lost in a restore, or was never there, comes back with the first call of somebody who may.
alter table taste_user_factors enable trigger als_version;
alter table taste_item_factors enable replica trigger als_version;
select restore_from_dump();
set role ownership_alice;
select als.refresh_users('taste', '{3}'::int[]);
select tgrelid::regclass, tgenabled from pg_trigger where tgrelid::regclass::text ~ '^taste' order by 1;
select * from recorded order by 1;
alter table taste_item_factors enable trigger als_version;
select run from als.train('taste', 'ratings', factors => 3, iterations => 2, replace => true);
select tgrelid::regclass, tgenabled from pg_trigger where tgrelid::regclass::text ~ '^taste' order by 1;
-- Not where the trigger has been told to step aside.
alter table taste_item_factors disable trigger als_version;
select run from als.train('taste', 'ratings', factors => 3, iterations => 2, replace => true);
select tgrelid::regclass, tgenabled from pg_trigger where tgrelid::regclass::text ~ '^taste' order by 1;
alter table taste_item_factors enable always trigger als_version;
-- Nor while the table is in use.
alter table taste_item_factors enable trigger als_version;
select count(als.refresh_users('taste', '{3}'::int[])) from taste_item_factors where item_id = 1;

-- Deleting the newest run brings no older one back.
select run, user_version is null as gone, item_version is null as gone from taste order by run;
begin;
delete from taste where run = (select max(run) from taste);
select try($$select als.predict('taste', 1, 1)$$);
select try($$select als.recommend('taste', 1)$$);
select try($$select als.refresh_users('taste')$$);
-- Nor does a change by hand.
update taste_user_factors set bias = bias;
select try($$select als.predict('taste', 1, 1)$$);
select run from als.train('taste', 'ratings', factors => 3, iterations => 2, replace => true);
select als.predict('taste', 1, 1) is not null;
rollback;

-- A model that has been emptied is trained into its own tables again.
truncate taste;
select run from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true);
select relname from pg_class where relnamespace = 'ownership'::regnamespace and relname ~ '^taste' and relkind = 'r' order by 1;
-- So is one that a restore has left without its record and its rows; but not into what may be another's.
reset role;
truncate taste;
select restore_from_dump();
set role ownership_alice;
begin;
create table copy of als.model (run primary key);
insert into copy (run, user_factors) values (1, 'taste_user_factors');
alter table taste_item_factors disable trigger als_version;
select user_factors, item_factors from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true);
rollback;
begin;
drop trigger als_version on taste_item_factors;
select user_factors, item_factors from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true);
rollback;
select user_factors, item_factors from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true);
select * from recorded order by 1;
-- What somebody else trains for her is hers.
reset role;
drop table taste_item_factors;
select run from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true);
select tablename, tableowner from pg_tables where schemaname = 'ownership' and tablename ~ '^taste' order by 1;
set role ownership_alice;
delete from taste;
update taste_user_factors set bias = bias;
select als.drop_model('taste');
select relname from pg_class where relnamespace = 'ownership'::regnamespace and relname ~ '^taste';

reset role;
drop schema ownership cascade;
drop role ownership_alice, ownership_mallory, ownership_writer;
