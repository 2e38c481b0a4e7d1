-- als.track: the source notes whose ratings change, als.refresh takes the notes.
create schema track;
set search_path = track;
set client_min_messages = notice;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 30) as u, generate_series(1, 20) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
create index on ratings (user_id);
create index on ratings (item_id);
select n_users, n_items from als.train('m', 'ratings', factors => 4, iterations => 3);
create function triggers() returns setof text language sql as $$
  select tgname || ' ' || tgenabled::text from pg_trigger where tgrelid = 'track.ratings'::regclass order by 1 $$;

-- Without tracking, whatever has changed.
insert into ratings values (100, 3, 5), (100, 999, 5);
select * from als.refresh('m');
select * from als.refresh('m');
select * from als.refresh('m');
-- "(f(x)).*" calls f once a column; the rows are refreshed once nevertheless, for each row of the query.
begin;
insert into ratings values (100, 4, 5);
select (als.refresh('m')).* from generate_series(1, 2);
rollback;
select als.untrack('m');

-- With it, what was noted; first of all everything, for nobody has noted what came before.
select als.track('m');
select * from triggers();
select * from m_changes;
select * from als.refresh('m');
select * from m_changes;
select * from als.refresh('m');
insert into ratings values (3, 5, 2), (3, 5, 3), (4, 6, 1), (null, 5, 1), (3, null, 1);
update ratings set rating = 6 - rating where user_id = 8 and item_id < 10;
delete from ratings where user_id = 7 and item_id < 10;
insert into ratings select * from ratings where false;
select user_id, count(*) > 0 as noted from m_changes group by 1 order by 1;
create table before as select * from m_user_factors;
select items > 0 as items, users from als.refresh('m');
select user_id from m_user_factors as a join before as b using (user_id) where a.factors <> b.factors or a.n_ratings <> b.n_ratings order by 1;
select count(*) from m_changes;
-- A statement undone notes nothing, nor does a transaction.
begin;
insert into ratings values (5, 5, 5);
savepoint s;
insert into ratings values (6, 6, 6);
rollback to s;
select * from m_changes;
select items, users from als.refresh('m');
rollback;
select * from m_changes;
-- A new user and a new item each count for the other side once they are known.
insert into ratings values (200, 3, 5), (4, 2000, 4), (200, 2000, 5), (300, 3000, 5);
select items > 0 as items, users > 0 as users from als.refresh('m');
select * from m_changes order by 1, 2;
select items > 0 as items, users > 0 as users from als.refresh('m');
select user_id, n_ratings from m_user_factors where user_id >= 200 order by 1;
select item_id, n_ratings from m_item_factors where item_id >= 2000 order by 1;
insert into ratings values (200, 3000, 5);
select items > 0 as items, users > 0 as users from als.refresh('m');
select items > 0 as items, users > 0 as users from als.refresh('m');
select user_id, n_ratings from m_user_factors where user_id >= 200 order by 1;
delete from ratings where user_id >= 300;
select items > 0 as items, users > 0 as users from als.refresh('m');
select * from m_changes;
select items, users from (select (als.refresh('m')).*) as r;
-- What was noted is what a comparison finds.
select als.refresh_items('m'), als.refresh_users('m');
-- A comparison, too, has the ratings of users whom it brings count for their items.
begin;
insert into ratings values (600, 3, 5);
select als.track('m');
select items, users from als.refresh('m');
select * from m_changes;
select als.refresh_items('m'), als.refresh_users('m');
rollback;

-- Many rows, a truncated table: compare everything. A load is refused until it is over.
begin;
create temp table staged on commit drop as select * from ratings;
truncate ratings;
select * from m_changes;
select try('select als.refresh(''m'')');
select * from m_changes;
insert into ratings select s.* from staged as s;
select items, users from als.refresh('m');
insert into ratings select 1, 1, 1 from generate_series(1, 20000);
select * from m_changes;
rollback;
-- A source that is not as it was noted: nothing is missed.
begin;
alter table ratings alter user_id type bigint;
insert into ratings values (5000000000, 3, 4);
select * from m_changes;
select items > 0 as items, users > 0 as users from als.refresh('m');
select count(*) from m_user_factors where user_id = 5000000000;
select als.track('m');
insert into ratings values (5000000000, 4, 4);
select * from m_changes;
rollback;
begin;
alter table ratings disable trigger m_changes_insert;
insert into ratings values (400, 3, 4);
select users > 0 as users from als.refresh('m');
rollback;
-- What was compared while a table without triggers had the source's name may change back with the name.
begin;
create table others as select * from ratings where user_id <> 7;
alter table ratings rename to tracked;
alter table others rename to ratings;
select users > 0 as users from als.refresh('m');
select count(*) from m_user_factors where user_id = 7;
alter table ratings rename to others;
alter table tracked rename to ratings;
select items > 0 as items, users > 0 as users from als.refresh('m');
select count(*) from m_user_factors where user_id = 7;
select items, users from als.refresh('m');
rollback;
-- What als has not made is not written into.
begin;
create index on m_changes (user_id);
insert into ratings values (400, 3, 4);
select * from m_changes;
select users > 0 as users from als.refresh('m');
rollback;
begin;
alter table m_changes alter user_id set not null;
truncate ratings;
select * from m_changes;
rollback;
-- It goes nevertheless, whatever has become of it.
begin;
alter table m_changes add column noted_at timestamptz default now();
alter table m_changes rename to altered;
select als.track('m');
select relname from pg_class where relname in ('altered', 'm_changes');
select count(*) from triggers();
create index on m_changes (user_id);
select als.untrack('m');
select relname from pg_class where relname in ('altered', 'm_changes');
select * from triggers();
rollback;
-- A statement on a parent or a child fires no trigger of the other: everything is compared.
begin;
create table child () inherits (ratings);
insert into child values (400, 3, 4);
select * from m_changes;
select users > 0 as users from als.refresh('m');
select try('select als.track(''m'')');
rollback;
-- With a parent: test/sql/track_child.sql.

-- Several models of one source; tracking again; a training; names.
select from als.train('"M 2"', 'ratings', factors => 4, iterations => 3);
select als.track('"M 2"');
select als.track('m');
select * from triggers();
insert into ratings values (5, 5, 5);
select (select count(*) from m_changes) as m, (select count(*) from "M 2_changes") as "M 2";
select from als.train('m', 'ratings', factors => 4, iterations => 3, replace => true);
select items > 0 as items, users > 0 as users from als.refresh('m');
select als.untrack('m');
select als.drop_model('"M 2"');
select * from triggers();
select relname from pg_class where relnamespace = 'track'::regnamespace and relkind = 'r' order by 1;

-- Writers of the source need no right on the queue; nothing but als writes into it.
create role track_writer;
grant usage, create on schema track to track_writer;
grant insert on ratings to track_writer;
select als.track('m');
select items > 0 as items from als.refresh('m');
set role track_writer;
insert into ratings values (9, 9, 1);
select try('select als.track(''m'')');
select try('select als.untrack(''m'')');
create table own (user_id int, item_id int);
create trigger note after insert on own referencing new table as new_rows for each statement execute function als.note_changes('user_id', 'item_id', 'track.m_changes');
insert into own values (1, 1);
create trigger row after insert on own for each row execute function als.note_changes('user_id', 'item_id', 'track.m_changes');
select try('insert into own values (1, 1)');
reset role;
select * from m_changes order by 1;
select try('select als.note_changes()');
create role track_refresher;
grant usage on schema track to track_refresher;
grant select, insert, update, delete on m_user_factors, m_item_factors to track_refresher;
grant select, update on m to track_refresher;
grant select on ratings to track_refresher;
set role track_refresher;
select try('select als.refresh(''m'')');
reset role;
grant select, insert, update, delete on m_changes to track_refresher;
set role track_refresher;
select items > 0 as items, users > 0 as users from als.refresh('m');
reset role;

-- After a restore the triggers do nothing until als.track, which uses the old table.
create function restore_from_dump() returns void language sql as $$
  delete from pg_depend where refclassid = 'pg_class'::regclass and deptype = 'a' and objsubid = 0 and refobjsubid = 0
    and refobjid in ('track.m'::regclass, 'track.m_changes'::regclass)
    and classid in ('pg_class'::regclass, 'pg_trigger'::regclass)
    and objid in (select oid from pg_class where relkind = 'r' union all select oid from pg_trigger) $$;
select restore_from_dump();
alter table ratings set (autovacuum_enabled = true);
insert into ratings values (400, 3, 4);
select * from m_changes;
select items > 0 as items, users > 0 as users from als.refresh('m');
select als.track('m');
select * from triggers();
insert into ratings values (9, 11, 1);
select * from m_changes order by 1;

-- Ids of a domain that no null is of.
create domain id as int not null;
create table domains (user_id id, item_id id, rating int);
insert into domains select * from ratings where user_id < 20 and item_id < 20;
select from als.train('d', 'domains', factors => 4, iterations => 3);
select als.track('d');
select items, users from als.refresh('d');
insert into domains values (3, 4, 5);
select * from d_changes;
select items, users from als.refresh('d');
insert into domains values (500, 4, 5);
select items, users from als.refresh('d');
select * from d_changes;
select items > 0 as items, users from als.refresh('d');
select als.drop_model('d');

-- A trigger of a stranger's makes no queue of a table that it names.
create table m2_changes (user_id int, item_id int);
insert into m2_changes values (1, 1);
set role track_writer;
create table own_ratings as select u as user_id, i as item_id, 1 as rating from generate_series(1, 9) as u, generate_series(1, 9) as i where (u + i) % 3 > 0;
create trigger note after insert on own_ratings referencing new table as new_rows for each statement execute function als.note_changes('user_id', 'item_id', 'track.m2_changes');
reset role;
select from als.train('m2', 'own_ratings', factors => 4, iterations => 3);
select als.track('m2');
select items, users from als.refresh('m2');
select * from m2_changes;
select als.drop_model('m2');

-- The first refresh compares everything: what came on both sides at once takes a second one.
create table pairs as select u as user_id, i as item_id, 1 as rating from generate_series(1, 9) as u, generate_series(1, 9) as i where (u + i) % 3 > 0;
select from als.train('m3', 'pairs', factors => 4, iterations => 3);
select als.track('m3');
insert into pairs values (1001, 1, 1), (1001, 99, 1);
select items, users from als.refresh('m3');
select items, users from als.refresh('m3');
select * from m3_changes;
select n_ratings from m3_user_factors where user_id = 1001;
select run from als.train('m3', 'select * from pairs', factors => 4, iterations => 3, replace => true);
select items, users from als.refresh('m3');
select try('select als.track(''m3'')');
select als.drop_model('m3');

select try('select als.track(''ratings'')');
select try('select als.refresh(null)');
select try('select als.refresh(''m'', null)');
select from als.train('q', 'select * from ratings', factors => 4, iterations => 3);
select try('select als.track(''q'')');
create view seen as select * from ratings;
select from als.train('v', 'seen', factors => 4, iterations => 3);
select try('select als.track(''v'')');
begin;
select from als.train('pg_temp.t', 'ratings', factors => 4, iterations => 3);
select regexp_replace(try('select als.track(''t'')'), 'pg_temp_\d+', 'pg_temp');
rollback;
begin read only;
select try('select als.track(''m'')');
select try('select als.untrack(''m'')');
select try('select als.refresh(''m'')');
rollback;

-- All goes with the model, also with its table alone.
drop table m;
select * from triggers();
select relname from pg_class where relnamespace = 'track'::regnamespace and relkind = 'r' order by 1;

drop schema track cascade;
drop owned by track_writer, track_refresher;
drop role track_writer, track_refresher;
