-- als.evaluate by user, and als.compare.
create schema compare;
set search_path = compare;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, 1 + ((u % 3 - 1) * (i % 4 - 1.5) + 2 + (u * 31 + i * 17) % 7 / 7.0)::real as rating, (u * 7 + i * 13) % 10 = 0 as held
from generate_series(1, 120) as u, generate_series(1, 40) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
create view train as select * from ratings where not held;
create view test as select * from ratings where held;
select from als.train('good', 'train', factors => 4);
select from als.train('poor', 'train', factors => 4, iterations => 1, regularization => 50);
select from als.train('clicks', 'train', feedback => 'implicit', factors => 4);

-- The means over users are those of all; errors are means over ratings.
create table whole as select * from als.evaluate('good', 'test', '{3,10}', per_user => 'users');
\d users
select w.metric, w.k, n = of_users as users, abs(value - mean) < 1e-12 as value, abs(baseline - mean_baseline) < 1e-12 as baseline
from whole as w join (select metric, k, count(*) as of_users, avg(value) as mean, avg(baseline) as mean_baseline from users group by 1, 2) as u
  on w.metric = u.metric and w.k is not distinct from u.k where w.metric not in ('rmse', 'mae') order by 1, 2;
select metric, abs(sqrt(sum(u.value ^ 2 * t.n) / sum(t.n)) - (select value from whole where metric = 'rmse')) < 1e-12 as rmse
from users as u join (select user_id, count(*) as n from test group by 1) as t using (user_id) where metric = 'rmse' group by 1;
select metric, abs(sum(u.value * t.n) / sum(t.n) - (select value from whole where metric = 'mae')) < 1e-12 as mae
from users as u join (select user_id, count(*) as n from test group by 1) as t using (user_id) where metric = 'mae' group by 1;
-- What is measured of all is the same with the table and without, in any number of threads.
select count(*) from (select * from whole except select * from als.evaluate('good', 'test', '{3,10}', threads => 1)) as t;
-- Other types of ids; no ranking; no errors; a schema; a temporary table; no trace of an evaluation that fails.
create table names as select 'user ' || user_id as user_id, item_id from test;
select from als.train('named', 'select ''user '' || user_id as user_id, item_id from train', rating_col => null, feedback => 'implicit', factors => 3);
select count(*) > 0 as any from als.evaluate('named', 'names', per_user => 'pg_temp.named_users', rating_col => null);
select pg_typeof(user_id), metric, k, count(*) > 50 as users from named_users group by 1, 2, 3 order by 2, 3;
select count(*) from als.evaluate('good', 'test', '{}', per_user => 'errors');
select metric, k, count(*) from errors group by 1, 2 order by 1;
select count(*) from als.evaluate('good', 'test', history => 'train', per_user => 'compare.folded');
select metric, count(*), count(baseline) from folded group by 1 order by 1;
select try('select from als.evaluate(''good'', ''test'', per_user => ''users'')');
select try('select from als.evaluate(''good'', ''select 1'', per_user => ''none'')'), to_regclass('none');
select try('select from als.evaluate(''good'', ''test'', per_user => ''nowhere.users'')');
begin read only;
select try('select from als.evaluate(''good'', ''test'', per_user => ''none'')');
select count(*) from als.evaluate('good', 'test');
rollback;

-- Two models. The interval is that of the differences of the users.
select metric, k, round(value_a::numeric, 3) as value_a, round(value_b::numeric, 3) as value_b, low < difference and difference < high as between, better, n
from als.compare('poor', 'good', 'test');
create table of_good as select * from users;
select count(*) from als.evaluate('poor', 'test', '{3,10}', per_user => 'of_poor', min_rating => (select mean from good));
select c.metric, c.k, abs(c.difference - d.difference) < 1e-12 as difference, abs(c.high - d.difference - 1.6448536269514722 * d.error) < 1e-9 as high,
  abs(d.difference - c.low - 1.6448536269514722 * d.error) < 1e-9 as low, c.n = d.n as n
from als.compare('poor', 'good', 'test', '{3,10}', confidence => 0.9, min_rating => (select mean from good)) as c
join (select g.metric, g.k, avg(g.value - p.value) as difference, stddev_samp(g.value - p.value) / sqrt(count(*)) as error, count(*) as n
      from of_good as g join of_poor as p on g.user_id = p.user_id and g.metric = p.metric and g.k is not distinct from p.k group by 1, 2) as d
  on c.metric = d.metric and c.k is not distinct from d.k where c.metric not in ('rmse', 'mae') order by 1, 2;
-- Turned round, all signs turn; a model is no better than itself.
select count(*), bool_and(a.difference = -b.difference and abs(a.low + b.high) < 1e-12 and a.better is not distinct from b.better) as mirrored
from als.compare('poor', 'good', 'test', min_rating => 3) as a join als.compare('good', 'poor', 'test', min_rating => 3) as b using (metric) where a.k is not distinct from b.k;
select bool_and(difference = 0 and low = 0 and high = 0 and better is null) as same from als.compare('good', 'good', 'test');
-- Without errors where one is implicit. Users that one does not know do not count.
select from als.train('some', 'select * from train where user_id % 2 = 0', factors => 4);
select metric, n, round(value_a::numeric, 2) = round(value_b::numeric, 2) as equal from als.compare('clicks', 'good', 'test', min_rating => 4) where metric in ('rmse', 'ndcg');
select metric, n < 60 as fewer from als.compare('good', 'some', 'test') where metric in ('rmse', 'ndcg');
-- One user makes no interval.
select metric, difference is null as none, low, high, better, n from als.compare('poor', 'good', 'select * from test where user_id = 3', '{}');
select try('select als.compare(''good'', ''named'', ''test'')');
select try('select als.compare(''good'', ''poor'', ''select -1 as user_id, 1 as item_id, 1 as rating'')');
select try('select als.compare(''good'', ''test'', ''test'')');
select try('select als.compare(''good'', null, ''test'')');
select try('select als.compare(''good'', ''poor'', ''test'', confidence => 1)');
select try('select als.compare(''good'', ''poor'', ''test'', ''{0}'')');

\set ECHO none
set client_min_messages = error;
drop schema compare cascade;
