-- als.track: a table that becomes the child of another. Before 15 the server refuses that of a table with such triggers.
create schema track_child;
set search_path = track_child;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 30) as u, generate_series(1, 20) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
select n_users, n_items from als.train('m', 'ratings', factors => 4, iterations => 3);
select als.track('m');
select users > 0 as users from als.refresh('m');
create table parent (like ratings);
alter table ratings inherit parent;
-- A statement on a parent fires no trigger of the child: everything is compared.
insert into ratings values (400, 3, 4);
update parent set rating = 1 where user_id = 3;
select users from als.refresh('m');
select try('select als.track(''m'')');

\set ECHO none
set client_min_messages = warning;
drop schema track_child cascade;
