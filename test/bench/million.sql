-- Run by test/bench/million, which sets :rows.
create extension als;
set client_min_messages = warning;

-- User and item counts grow with the rows as in MovieLens; squares and cubes of uniform numbers make
-- the tails heavy. Ratings 1 to 5 follow a planted rank-2 structure with noise.
create table ratings as
select user_id, item_id,
       greatest(1, least(5, round((3.2 + sin(user_id) * cos(item_id * 0.7)
                                   + cos(user_id * 0.3) * sin(item_id) + random() - 0.5)::numeric)))::real as rating
from (select (power(random(), 2) * sqrt(:rows) * 50)::int as user_id,
             (power(random(), 3) * sqrt(:rows) * 5)::int as item_id
      from generate_series(1, :rows)) as pairs;
create index on ratings (user_id);
vacuum analyze ratings;

\timing on
select n_ratings, n_users, n_items, round(read_seconds::numeric, 2) as read,
       round(train_seconds::numeric, 2) as train, round(write_seconds::numeric, 2) as write
from als.train('explicit', 'ratings');
select n_ratings, n_users, n_items, round(read_seconds::numeric, 2) as read,
       round(train_seconds::numeric, 2) as train, round(write_seconds::numeric, 2) as write
from als.train('implicit', 'ratings', feedback => 'implicit');
\echo 'als.predict for every row:'
select count(als.predict('explicit', user_id, item_id)) from ratings;
