-- als.create_functions: functions of a model that is renamed and moved. They serve on; before 14 they must be made again.
create schema functions_moved;
create schema functions_elsewhere;
set search_path = functions_moved, functions_elsewhere;
set als.threads = 1;
\set VERBOSITY terse
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
select n_users from als.train('taste', 'ratings', factors => 4, iterations => 3);
select count(*) from als.create_functions('taste');
alter table taste rename to flavour;
select count(*) from taste_recommend(1, 2);
alter table flavour set schema functions_elsewhere;
select count(*) from taste_recommend(1, 2);
select als.create_functions('flavour') limit 1;
select count(*) from flavour_recommend(1, 2);
select count(*) from pg_proc where proname ~ '^taste_';
select als.drop_model('flavour');
\set ECHO none
set client_min_messages = warning;
drop schema functions_moved, functions_elsewhere cascade;
