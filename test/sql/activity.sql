-- als.evaluate_by_activity against als.evaluate's metrics of each user, and against errors summed in SQL.
create schema activity;
set search_path = activity;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

-- User u has about u ratings; some of them, and some users, are only in the test.
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13 + u * i) % 5 + 1 as rating, (u * 5 + i * 3) % 7 as part
from generate_series(1, 60) as u, generate_series(1, 50) as i where (u * 31 + i * 17) % 61 < u;
create view train as select user_id, item_id, rating from ratings where part > 1 and user_id % 10 <> 9 and item_id <> 50;
create view test as select user_id, item_id, rating from ratings where part <= 1;
select n_users, n_items from als.train('stars', 'train', factors => 5, iterations => 4);
select n_users, n_items from als.train('likes', 'train', factors => 5, iterations => 4, feedback => 'implicit');

-- By whom: the groups as als.evaluate_by_activity is told, and how many ratings the users of the test have.
create table groups (least int, most int);
insert into groups values (0, 0), (1, 3), (4, 10), (11, 30), (31, null);
create view activities as
select t.user_id, coalesce(f.n_ratings, 0) as n from (select distinct user_id from test) t left join stars_user_factors f using (user_id);
create view grouped as select user_id, n, least, most from activities join groups on n >= least and (most is null or n <= most);

select min_ratings, max_ratings, metric, k, n from als.evaluate_by_activity('stars', 'test', '{3}', '{0,1,4,11,31}') order by 1, metric, k;

select count(*) from als.evaluate('stars', 'test', '{3,10}', per_user => 'of_users');
select count(*) from als.evaluate('likes', 'test', '{3,10}', per_user => 'likes_of_users');
create function differing(model regclass, of_users regclass) returns table (metrics bigint, wrong bigint) language plpgsql as $$
begin
  return query execute format($q$
    with expected as (
      select least, metric, k, avg(value) as value, avg(baseline) as baseline, count(*) as n
      from %s join grouped using (user_id) where metric not in ('rmse', 'mae') group by 1, 2, 3)
    select count(*), count(*) filter (where e.n is null or e.n <> m.n or abs(e.value - m.value) > 1e-9 or abs(e.baseline - m.baseline) > 1e-9)
    from als.evaluate_by_activity(%L, 'test', '{3,10}', '{0,1,4,11,31}') m
    left join expected e on e.least = m.min_ratings and e.metric = m.metric and e.k is not distinct from m.k
    where m.metric not in ('rmse', 'mae', 'coverage', 'user_coverage') and m.n > 0$q$, of_users, model);
end $$;
select * from differing('stars', 'of_users');
select * from differing('likes', 'likes_of_users');

-- Errors, and how many rows and users are measured.
with errors as (
  select least, rating - als.predict('stars', user_id, item_id) as error, rating - (select avg(rating) from train where train.item_id = test.item_id) as of_mean
  from test join grouped using (user_id)),
expected as (
  select least, sqrt(avg(error ^ 2)) as rmse, avg(abs(error)) as mae, sqrt(avg(of_mean ^ 2) filter (where error is not null)) as baseline,
         count(error) as n, count(error)::float8 / count(*) as coverage, count(*) as rows
  from errors group by 1)
select e.least, e.n, abs(e.rmse - m.rmse) < 1e-6 as rmse, abs(e.mae - m.mae) < 1e-6 as mae, abs(e.baseline - m.baseline) < 1e-6 as baseline,
       abs(e.coverage - m.coverage) < 1e-9 as coverage, e.rows = m.rows as rows
from expected e left join (
  select min_ratings, max(value) filter (where metric = 'rmse') as rmse, max(value) filter (where metric = 'mae') as mae,
         max(baseline) filter (where metric = 'rmse') as baseline, max(value) filter (where metric = 'coverage') as coverage, max(n) filter (where metric = 'coverage') as rows
  from als.evaluate_by_activity('stars', 'test', '{3}', '{0,1,4,11,31}') group by 1) m on m.min_ratings = e.least order by 1;

-- All in one group are as als.evaluate has them.
select count(*) as metrics, count(*) filter (where abs(a.value - e.value) > 1e-9 or a.n <> e.n) as wrong
from als.evaluate_by_activity('stars', 'test', '{3,10}', 0) a join als.evaluate('stars', 'test', '{3,10}') e on a.metric = e.metric and a.k is not distinct from e.k;

-- With a history it is by the rows there; a group may be left out; errors alone.
select min_ratings, max_ratings, metric, n from als.evaluate_by_activity('stars', 'test', '{}', '{1,3}', history => 'select * from train where item_id < 10') order by 1, 3;

-- Mistakes.
select try($$select als.evaluate_by_activity('stars', 'test', activity => '{}')$$);
select try($$select als.evaluate_by_activity('stars', 'test', activity => (select array_agg(i) from generate_series(1, 10001) i))$$);
select try($$select als.evaluate_by_activity('stars', 'test', activity => '{1,1}')$$);
select try($$select als.evaluate_by_activity('stars', 'test', activity => '{4,1}')$$);
select try($$select als.evaluate_by_activity('stars', 'test', activity => '{-1,1}')$$);
select try($$select als.evaluate_by_activity('stars', 'test', activity => null)$$);
select try($$select als.evaluate_by_activity('test', 'test')$$);
select try($$select als.evaluate_by_activity('stars', null)$$);

drop schema activity cascade;
