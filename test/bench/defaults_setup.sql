-- The tables and procedures of test/bench/defaults.
create extension als;
set check_function_bodies = off;
create schema bench;

create unlogged table bench.loaded (user_id text, item_id text, rating float8);
create table bench.result (
  id int generated always as identity, dataset text, version text, feedback text, users bigint, items bigint,
  ratings bigint, value float8, baseline float8, tuned float8);

-- Trains on nine tenths of bench.version and judges by the rest; implicit feedback by the rest that was liked.
create procedure bench.measure(dataset text, version text, feedback text, seconds float8) language plpgsql as $$
declare
  run als.model;
  wanted text := case feedback when 'explicit' then 'rmse' else 'recall' end;
  test text := 'select user_id, item_id, rating from bench.version where als.hash_fraction(user_id, item_id, 7) < 0.1'
    || case feedback when 'explicit' then '' else ' and liked' end;
  judged record;
  tuned float8;
begin
  drop table if exists bench.train;
  create table bench.train as
    select user_id, item_id, rating from bench.version where als.hash_fraction(user_id, item_id, 7) >= 0.1;
  create index on bench.train (user_id);
  analyze bench.train;
  run := als.train('bench.model', 'bench.train', feedback => feedback, replace => true);
  select e.value, e.baseline into judged from als.evaluate('bench.model', test) e where e.metric = wanted;
  if seconds > 0 then
    perform als.train('bench.model', 'bench.train',
                      als.tuned('bench.train', feedback => feedback, seconds => seconds), replace => true);
    select e.value into tuned from als.evaluate('bench.model', test) e where e.metric = wanted;
  end if;
  perform als.drop_model('bench.model');
  insert into bench.result (dataset, version, feedback, users, items, ratings, value, baseline, tuned)
  values (dataset, version, feedback, run.n_users, run.n_items, run.n_ratings, judged.value, judged.baseline, tuned);
  commit;
end
$$;

create procedure bench.measure_versions(dataset text, liked float8, seconds float8) language plpgsql as $$
declare
  version record;
begin
  for version in
    select * from (values
      ('explicit', 'as it is', 'rating', 'true'),
      ('explicit', 'times 100', 'rating * 100', 'true'),
      ('explicit', 'plus 1000', 'rating + 1000', 'true'),
      ('explicit', 'liked: 1, not: 0', format('(rating >= %s)::int', liked), 'true'),
      ('explicit', '10 % of the ratings', 'rating', 'als.hash_fraction(user_id, item_id, 3) < 0.1'),
      ('explicit', '10 % of the users', 'rating', 'als.hash_fraction(user_id, 3) < 0.1'),
      ('explicit', '1 % of the users', 'rating', 'als.hash_fraction(user_id, 3) < 0.01'),
      ('explicit', '5 % of the items', 'rating', 'als.hash_fraction(item_id, 3) < 0.05'),
      ('implicit', 'liked', '1', format('rating >= %s', liked)),
      ('implicit', 'all, the rating as confidence', 'rating', 'true'),
      ('implicit', 'all, counts with a long tail', 'floor(exp(8 * als.hash_fraction(user_id, item_id, 5) ^ 2) * rating)', 'true'),
      ('implicit', 'liked, 30 % of the ratings', '1', format('rating >= %s and als.hash_fraction(user_id, item_id, 3) < 0.3', liked)),
      ('implicit', 'liked, 10 % of the users', '1', format('rating >= %s and als.hash_fraction(user_id, 3) < 0.1', liked))
    ) as v (feedback, name, rating, condition)
  loop
    drop table if exists bench.version;
    execute format('create table bench.version as select user_id, item_id, rating, rating0 >= %s as liked from '
                   '(select user_id, item_id, rating as rating0, %s as rating from bench.loaded where %s) v',
                   liked, version.rating, version.condition);
    call bench.measure(dataset, version.name, version.feedback, seconds);
  end loop;
  truncate bench.loaded;
end
$$;

-- A number of a normal distribution.
create function bench.noise(variadic keys text[]) returns float8 language sql immutable as $$
  select sqrt(-2 * ln(1 - als.hash_fraction(array_to_string(keys, ' '), 1))) * cos(2 * pi() * als.hash_fraction(array_to_string(keys, ' '), 2))
$$;

create procedure bench.measure_extremes(seconds float8) language plpgsql as $$
begin
  -- 70 of 100 items rated by each of 4,000 users, from -10 to 10: habits of users, six tastes, much noise.
  drop table if exists bench.version;
  create table bench.version as
    select u as user_id, i as item_id, true as liked,
           greatest(-10, least(10, 0.7 + 2.4 * bench.noise('u', u::text) + 1.3 * bench.noise('i', i::text)
             + (select sum(2 / (k + 0.5) * bench.noise('u', u::text, k::text) * bench.noise('i', i::text, k::text)) from generate_series(1, 6) k)
             + 3.6 * bench.noise('e', u::text, i::text))) as rating
    from generate_series(1, 4000) u, generate_series(1, 100) i where als.hash_fraction(u, i, 9) < 0.7;
  call bench.measure('made up', 'dense, -10 to 10', 'explicit', seconds);
  update bench.version set rating = rating / 10;
  call bench.measure('made up', 'dense, -1 to 1', 'explicit', seconds);
  update bench.version set rating = bench.noise('x', user_id::text, item_id::text);
  call bench.measure('made up', 'dense, noise alone', 'explicit', seconds);
  delete from bench.version where als.hash_fraction(user_id, item_id, 4) > 0.05;
  call bench.measure('made up', 'sparse, noise alone', 'explicit', seconds);
end
$$;
