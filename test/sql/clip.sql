-- clip: predictions within the scale of the ratings.
create schema clip;
set search_path = clip;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

-- Users who like all of it, and items that all like: the sum of their biases is beyond the scale.
create table ratings as
select u as user_id, i as item_id, least(5, greatest(1, u / 8 + i / 6 - (u * 7 + i * 13) % 3))::real as rating
from generate_series(1, 40) as u, generate_series(1, 30) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
select lowest_rating, highest_rating from als.train('m', 'ratings', factors => 3, regularization => 0.01);
create view pairs as select u as user_id, i as item_id, als.predict('m', u, i) as score, als.predict('m', u, i, clip => true) as clipped from generate_series(1, 40) as u, generate_series(1, 30) as i;
select count(*) filter (where score > 5) > 10 as above, count(*) filter (where score < 1) > 10 as below,
  bool_and(clipped = least(5, greatest(1, score))) as clipped from pairs;
-- The mean, too; what is null stays null.
begin;
update m set mean = 9;
select als.predict('m', 40, -1, 'mean') > 5 as mean, als.predict('m', 40, -1, 'mean', true) as clipped, als.predict('m', 40, -1, clip => true) as unknown;
rollback;
-- As errors see it.
create table test as select u as user_id, i as item_id, case when u > 30 then 5 else 1 end as rating from generate_series(1, 40) as u, generate_series(1, 30) as i;
select metric, abs(c.value - sqrt(e.mean)) < 1e-6 as clipped, c.value < p.value as better
from als.evaluate('m', 'test', '{}', clip => true) as c join als.evaluate('m', 'test', '{}') as p using (metric),
  (select avg((rating - clipped::float8) ^ 2) as mean from test join pairs using (user_id, item_id)) as e where metric = 'rmse';
select metric, c.value_b < p.value_b as better from als.compare('m', 'm', 'test', '{}', clip => true) as c join als.compare('m', 'm', 'test', '{}') as p using (metric) where metric = 'rmse';
-- Imported with ratings, or without; ratings that are all alike; the scale is of what was trained on.
select lowest_rating, highest_rating from als.import_model('imported', 'select user_id, factors, bias from m_user_factors', 'select item_id, factors, bias from m_item_factors', source => 'ratings', feedback => 'explicit');
select lowest_rating, als.predict('imported', 40, 30, clip => true) from imported;
select lowest_rating from als.import_model('bare', 'select user_id, factors, bias from m_user_factors', 'select item_id, factors, bias from m_item_factors', mean => 3, feedback => 'explicit');
select lowest_rating, highest_rating from als.train('sums', 'select * from ratings union all select * from ratings', on_duplicate => 'sum', factors => 2, iterations => 1);
select lowest_rating, highest_rating from als.train('likes', 'ratings', feedback => 'implicit', factors => 2);
select try('select als.predict(''bare'', 40, 30, clip => true)');
-- Bounds that no training can have written.
begin;
update m set lowest_rating = 'nan';
select try('select als.predict(''m'', 40, 30, clip => true)');
update m set lowest_rating = 1, highest_rating = 'infinity';
select try('select als.predict(''m'', 40, 30, clip => true)');
update m set highest_rating = 0;
select try('select als.evaluate(''m'', ''test'', ''{}'', clip => true)');
rollback;
update m set lowest_rating = null;
select try('select als.predict(''m'', 40, 30, clip => true)');
select try('select als.evaluate(''m'', ''test'', ''{}'', clip => true)');
select try('select als.predict(''likes'', 40, 30, clip => true)');
select try('select als.evaluate(''likes'', ''test'', clip => true)');
select try('select als.predict(''m'', 40, 30, clip => null)');

\set ECHO none
set client_min_messages = error;
drop schema clip cascade;
