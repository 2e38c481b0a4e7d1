-- From a table of ratings to predictions and recommendations, explicit and implicit.
create schema basics;
set search_path = basics;
set client_min_messages = warning;
set als.threads = 1;

-- A number in [0, 1) that looks random and is the same everywhere.
create function noise(text) returns float8 language sql immutable
  as $$ select (('x' || substr(md5($1), 1, 7))::bit(28)::int)::float8 / (1 << 28) $$;

-- Planted: mean 3, biases, and two hidden factors; no noise.
create table truth as
select u as user_id, i as item_id,
  3 + noise('bu' || u) - noise('bi' || i)
    + 2 * (noise('x' || u) - 0.5) * (noise('y' || i) - 0.5) * 2
    + 2 * (noise('z' || u) - 0.5) * (noise('w' || i) - 0.5) * 2 as rating,
  noise(u || '/' || i) < 0.6 as observed
from generate_series(1, 80) as u, generate_series(1, 50) as i;
create table ratings as select user_id, item_id, rating from truth where observed;
create table heldout as select user_id, item_id, rating from truth where not observed;

-- What train returns.
create table run as
select * from als.train('taste', 'ratings', factors => 4, iterations => 20, regularization => 0.001);
select run, source, source_table is not null as is_table, user_col, item_col, rating_col, user_factors, item_factors
from run;
select feedback, factors, iterations, regularization, reg_exponent, alpha, biases, on_duplicate, seed
from run;
select
  n_rows = (select count(*) from ratings) as n_rows, n_skipped, n_duplicates,
  n_ratings = n_rows as n_ratings, n_users, n_items,
  abs(mean - (select avg(rating) from ratings)) < 1e-6 as mean,
  array_length(loss, 1) as losses, n_refined >= 0 as n_refined, threads > 0 as threads,
  version is not null as version, trained_at between now() - interval '1 minute' and clock_timestamp() as trained_at,
  least(read_seconds, train_seconds, write_seconds) > 0 as seconds
from run;
select (run.*)::text = (taste.*)::text as "the row in the model table is the same" from run, taste;

-- What the model is made of.
select relname, relkind, relpersistence, reloftype::regtype as of_type
from pg_class where relnamespace = 'basics'::regnamespace and relname like 'taste%' and relkind in ('r', 'i')
order by relname;
select attrelid::regclass as factor_table, attname, format_type(atttypid, atttypmod) as type, attnotnull, attstorage
from pg_attribute
where attrelid in ('taste_user_factors'::regclass, 'taste_item_factors'::regclass) and attnum > 0
order by attrelid::regclass::text, attnum;
select conrelid::regclass as on_table, conname, pg_get_constraintdef(oid) as definition
from pg_constraint where connamespace = 'basics'::regnamespace and contype = 'p' order by conname;
select count(*), min(array_length(factors, 1)), max(array_length(factors, 1)), count(bias), sum(n_ratings) = (select count(*) from ratings) as n_ratings
from taste_user_factors;
select count(*), min(array_length(factors, 1)), max(array_length(factors, 1)), count(bias), sum(n_ratings) = (select count(*) from ratings) as n_ratings
from taste_item_factors;

-- Held-out ratings are predicted far better than by the mean.
select
  sqrt(avg((als.predict('taste', user_id, item_id) - rating) ^ 2)) < 0.1 as good,
  sqrt(avg(((select avg(rating) from ratings) - rating) ^ 2)) > 0.4 as "the mean is not"
from heldout;

-- Recommendations are the best unseen items.
select count(*) as n, min(rank) as first, max(rank) as last, bool_and(ordered) as ordered,
  count(*) filter (where seen) as seen
from (
  select r.rank, lag(r.score) over (order by r.rank) is distinct from r.score
    and coalesce(lag(r.score) over (order by r.rank) > r.score, true) as ordered,
    exists (select from ratings as s where s.user_id = 7 and s.item_id = r.item_id) as seen
  from als.recommend('taste', 7, 5) as r
) as list;
select avg(truth.rating) > avg(average.rating) + 0.5 as "better than average"
from generate_series(1, 80) as u cross join als.recommend('taste', u, 5) as r
  join truth on truth.user_id = u and truth.item_id = r.item_id
  join (select user_id, avg(rating) as rating from truth group by user_id) as average on average.user_id = u;
select count(*) as n, max(score) <= 1 as cosine, bool_and(item_id <> 3) as "not itself" from als.similar_items('taste', 3, 8);
select count(*) as n, max(score) <= 1 as cosine, bool_and(user_id <> 3) as "not itself" from als.similar_users('taste', 3, 8);

-- Without biases, the same data needs more factors.
select biases, abs(mean - (select avg(rating) from ratings)) < 1e-6 as mean
from als.train('plain', 'ratings', factors => 5, iterations => 20, regularization => 0.001, biases => false);
select count(bias) as biases from plain_item_factors;
select sqrt(avg((als.predict('plain', user_id, item_id) - rating) ^ 2)) < 0.2 as good from heldout;

-- Implicit feedback: users like one of six groups of items; some items are popular with all.
create table likes as
select u as user_id, i as item_id, i / 20 = u % 6 as own_group,
  case when i / 20 = u % 6 then noise(u || ':' || i) < 0.5
       else noise(u || ':' || i) < case when i % 20 < 3 then 0.5 else 0.02 end end as clicked
from generate_series(1, 150) as u, generate_series(0, 119) as i;
create table clicks as
select user_id, item_id, 1 + (user_id + item_id) % 3 as clicks from likes where clicked;

select feedback, alpha is not null as alpha, biases, on_duplicate, n_users, n_items, rating_col
from als.train('implicit', 'clicks', rating_col => 'clicks', feedback => 'implicit', factors => 8);
select feedback, n_users, n_items, rating_col
from als.train('unary', 'clicks', rating_col => null, feedback => 'implicit', factors => 8);

-- How many of the liked items that were not clicked are among the first 15?
create function recall(model text) returns float8 language sql as $$
  select avg(found) from (
    select user_id, avg((item_id = any (recommended))::int) as found
    from likes join (
      select u as user_id, array(select item_id from als.recommend(model, u, 15)) as recommended
      from generate_series(1, 150) as u offset 0) as list using (user_id)
    where own_group and not clicked group by user_id) as users
$$;
select recall('implicit') > 0.5 as implicit, recall('unary') > 0.5 as unary;
-- Popularity is no match.
select recall('implicit') > 2.5 * avg(found) as "beats popularity two and a half times" from (
  select user_id, avg((item_id = any (popular))::int) as found
  from likes join (
    select u as user_id, array(
      select item_id from clicks group by item_id having not bool_or(user_id = u)
      order by count(*) desc, item_id limit 15) as popular
    from generate_series(1, 150) as u offset 0) as list using (user_id)
  where own_group and not clicked group by user_id) as users;
-- Neighbours are of the same group.
select avg((s.item_id / 20 = i / 20)::int) > 0.6 as "same group"
from generate_series(5, 119, 20) as i, als.similar_items('implicit', i, 10) as s;
select avg((s.user_id % 6 = u % 6)::int) > 0.7 as "same taste"
from generate_series(1, 6) as u, als.similar_users('implicit', u, 10) as s;

select model, run, feedback, n_ratings > 0 as trained from als.models where model::text like any (array['taste', 'plain', 'implicit', 'unary']) order by model::text;
select als.drop_model('taste'), als.drop_model('plain'), als.drop_model('implicit'), als.drop_model('unary');
select relname from pg_class where relnamespace = 'basics'::regnamespace and relkind = 'r' order by relname;
drop schema basics cascade;
