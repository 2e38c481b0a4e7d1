-- on_duplicate => 'last': of several rows of a user and an item the latest counts.
create schema last;
set search_path = last;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, ((u * 7 + i * 13 + n * 5) % 9 + 1)::real as rating, case when n > 0 then date '2024-01-01' + (u * n + i) % 7 end as rated_on
from generate_series(1, 40) as u, generate_series(1, 20) as i, generate_series(0, (u + i) % 4) as n where (u * 3 + i * 7) % 10 < 7;
insert into ratings values (1, 1, null, '2030-01-01');
create view latest as select distinct on (user_id, item_id) * from ratings where rating is not null order by user_id, item_id, coalesce(rated_on, '-infinity') desc, rating desc;
select count(*) > (select count(*) from latest) as has_duplicates from ratings;
select on_duplicate, time_col, n_ratings = (select count(*) from latest) as ratings from als.train('l', 'ratings', factors => 4, on_duplicate => 'last', time_col => 'rated_on');
select on_duplicate, time_col from als.train('p', 'latest', factors => 4);
create view same as select count(*), bool_and(a.factors = b.factors and a.n_ratings = b.n_ratings) from l_user_factors as a full join p_user_factors as b using (user_id);
table same;
-- As explanations and evaluations read it.
select count(*) > 0 as some, bool_and(a.rating is not distinct from b.rating and a.contribution = b.contribution) as same from als.explain('l', 7, 2) as a full join als.explain('p', 7, 2) as b using (component, item_id);
create table test as select user_id, item_id, rating from latest where (user_id + item_id) % 5 = 0;
select bool_and(a.value = b.value and a.baseline = b.baseline) as same from als.evaluate('l', 'test') as a join als.evaluate('p', 'test') as b using (metric);
select bool_and(a.value = b.value) as same from als.evaluate('l', 'test', history => 'ratings') as a join als.evaluate('p', 'test', history => 'latest') as b using (metric);
-- A refresh reads what is new, and nothing else.
select als.refresh_users('l'), als.refresh_users('p');
insert into ratings values (3, 1, 1, '2024-02-01'), (3, 1, 9, '2023-01-01'), (5, 2, 3, '2024-02-01'), (5, 2, 8, '2024-02-01');
select als.refresh_users('l'), als.refresh_users('p');
table same;
-- Trained again, in JSON, by the best of a tuning.
select on_duplicate, time_col from als.retrain('l', warm_start => false);
select on_duplicate, time_col from als.retrain('p', warm_start => false);
table same;
select on_duplicate, time_col from als.retrain('l', on_duplicate => 'average');
select on_duplicate, time_col from als.train('l', 'ratings', options => '{"factors": 4, "on_duplicate": "last", "time_col": "rated_on"}', replace => true);
table same;
select on_duplicate, time_col from als.train('t', 'ratings', als.tuned('ratings', trials => 1, on_duplicate => 'last', time_col => 'rated_on'));
-- Of explicit lists the later element.
select als.fold_in('l', '{1,2,1}', '{9,3,1}') = als.fold_in('l', '{1,2}', '{1,3}') as later;
-- What is wrong.
select try('select als.train(''x'', ''ratings'', on_duplicate => ''last'')');
select try('select als.train(''x'', ''ratings'', time_col => ''rated_on'')');
select try('select als.train(''x'', ''ratings'', on_duplicate => ''last'', time_col => ''rated_at'')');
select try('select als.train(''x'', ''select *, null::json as at from ratings'', on_duplicate => ''last'', time_col => ''at'')');
select try('select als.retrain(''p'', on_duplicate => ''last'')');
alter table ratings rename rated_on to rated_at;
select try('select als.refresh_users(''l'')');

set client_min_messages = warning;
drop schema last cascade;
