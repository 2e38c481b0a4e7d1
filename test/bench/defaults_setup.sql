-- The tables and procedures of test/bench/defaults.
create extension als;
set check_function_bodies = off;
create schema bench;

create unlogged table bench.loaded (user_id text, item_id text, rating float8);
create table bench.result (
  id int generated always as identity, dataset text, version text, feedback text, users bigint, items bigint,
  ratings bigint, value float8, baseline float8, former float8, best float8, best_options jsonb, tuned float8);

-- What a training of bench.train with these options comes to, judged by bench.test.
create function bench.judge(feedback text, options jsonb, out value float8, out baseline float8, out run als.model)
language plpgsql as $$
begin
  run := als.train('bench.model', 'bench.train',
                   jsonb_build_object('feedback', feedback, 'factors', 32, 'iterations', 8, 'replace', true) || options);
  if feedback = 'explicit' then
    select e.value, e.baseline into value, baseline from als.evaluate('bench.model', 'bench.test', '{}') e where e.metric = 'rmse';
  else
    select e.value, e.baseline into value, baseline from als.evaluate('bench.model', 'bench.test', '{10}') e where e.metric = 'recall';
  end if;
end
$$;

-- Trains on nine tenths of bench.version and judges by the rest; implicit feedback by the rest that was liked, for
-- some 2,000 users.
create procedure bench.measure(dataset text, version text, feedback text, seconds float8) language plpgsql as $$
declare
  judged record;
  former float8;
  tried float8;
  best float8;
  best_options jsonb;
  tuned float8;
  scale float8;
  options jsonb;
begin
  drop table if exists bench.train, bench.test;
  create table bench.train as
    select user_id, item_id, rating from bench.version where als.hash_fraction(user_id, item_id, 7) >= 0.1;
  create table bench.test as
    select user_id, item_id, rating from bench.version
    where als.hash_fraction(user_id, item_id, 7) < 0.1
      and (feedback = 'explicit' or liked and als.hash_fraction(user_id, 11) < 3000.0 / (select count(distinct user_id) from bench.version));
  create index on bench.train (user_id);
  analyze bench.train, bench.test;
  select * into judged from bench.judge(feedback, '{}');
  if feedback = 'explicit' then
    former := (bench.judge(feedback, '{"regularization": 1.2, "bias_regularization": 1.2}')).value;
    select coalesce(nullif(stddev_pop(rating), 0), 1) into scale from bench.train;
  else
    former := (bench.judge(feedback, '{"alpha": 40, "regularization": 2}')).value;
    select exp(avg(ln(rating))) into scale from bench.train where rating > 0;
  end if;
  for options in
    select jsonb_build_object('regularization', r * scale, 'bias_regularization', r)
    from unnest('{0.6, 0.85, 1.2, 1.7, 2.5, 5, 12}'::float8[]) r where feedback = 'explicit'
    union all
    select jsonb_build_object('alpha', a / scale, 'regularization', r)
    from unnest('{2, 10, 40}'::float8[]) a, unnest('{0.1, 0.4, 1.2, 4}'::float8[]) r where feedback = 'implicit'
  loop
    tried := (bench.judge(feedback, options)).value;
    if best is null or tried <> best and (tried < best) = (feedback = 'explicit') then
      best := tried;
      best_options := options;
    end if;
  end loop;
  if seconds > 0 then
    tuned := (bench.judge(feedback, als.tuned('bench.train', feedback => feedback, seconds => seconds))).value;
  end if;
  perform als.drop_model('bench.model');
  insert into bench.result (dataset, version, feedback, users, items, ratings, value, baseline, former, best, best_options, tuned)
  values (dataset, version, feedback, (judged.run).n_users, (judged.run).n_items, (judged.run).n_ratings, judged.value, judged.baseline,
          former, best, best_options, tuned);
  commit;
end
$$;

create procedure bench.measure_versions(dataset text, liked float8, seconds float8) language plpgsql as $$
declare
  version record;
  count text := 'floor(exp(8 * als.hash_fraction(user_id, item_id, 5) ^ 2) * rating)';
begin
  for version in
    select * from (values
      ('explicit', 'as it is', 'rating', 'true'),
      ('explicit', 'times 100', 'rating * 100', 'true'),
      ('explicit', 'plus 1000', 'rating + 1000', 'true'),
      ('explicit', 'liked: 1, not: 0', format('(rating >= %s)::int', liked), 'true'),
      ('explicit', '10 % of the ratings', 'rating', 'als.hash_fraction(user_id, item_id, 3) < 0.1'),
      ('explicit', '30 users', 'rating', 'user_id in (select user_id from bench.loaded group by user_id order by als.hash_fraction(user_id, 3) limit 30)'),
      ('implicit', 'liked', '1', format('rating >= %s', liked)),
      ('implicit', 'all, the rating as confidence', 'rating', 'true'),
      ('implicit', 'all, clicks', '1', 'true'),
      ('implicit', 'all, counts with a long tail', count, 'true'),
      ('implicit', 'all, ln(1 + those counts)', format('ln(1 + %s)', count), 'true'),
      ('implicit', 'liked, 30 % of the ratings', '1', format('rating >= %s and als.hash_fraction(user_id, item_id, 3) < 0.3', liked)),
      ('implicit', 'liked, 10 % of the ratings', '1', format('rating >= %s and als.hash_fraction(user_id, item_id, 3) < 0.1', liked)),
      ('implicit', 'liked, 10 % of the users', '1', format('rating >= %s and als.hash_fraction(user_id, 3) < 0.1', liked)),
      ('implicit', 'liked, 30 users', '1', format('rating >= %s and user_id in (select user_id from bench.loaded group by user_id order by als.hash_fraction(user_id, 3) limit 30)', liked))
    ) as v (feedback, name, rating, condition)
  loop
    drop table if exists bench.version;
    execute format('create table bench.version as select user_id, item_id, %s as rating, rating >= %s as liked from bench.loaded where %s',
                   version.rating, liked, version.condition);
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
  -- 70 of 100 items rated by each of 2,000 users, from -10 to 10: habits of users, six tastes, much noise.
  drop table if exists bench.version;
  create table bench.version as
    with
      u as (select u, bench.noise('u', u::text) as habit, bench.noise('u', u::text, '1') as t1, bench.noise('u', u::text, '2') as t2, bench.noise('u', u::text, '3') as t3 from generate_series(1, 2000) u),
      i as (select i, bench.noise('i', i::text) as quality, bench.noise('i', i::text, '1') as t1, bench.noise('i', i::text, '2') as t2, bench.noise('i', i::text, '3') as t3 from generate_series(1, 100) i)
    select u as user_id, i as item_id, true as liked,
           greatest(-10, least(10, 0.7 + 2.4 * habit + 1.3 * quality + 1.8 * u.t1 * i.t1 + 1.2 * u.t2 * i.t2 + 0.8 * u.t3 * i.t3
             + 3.6 * bench.noise('e', u::text, i::text))) as rating
    from u, i where als.hash_fraction(u, i, 9) < 0.7;
  call bench.measure('made up', 'dense, -10 to 10', 'explicit', seconds);
  update bench.version set rating = rating / 10;
  call bench.measure('made up', 'dense, -1 to 1', 'explicit', seconds);
  update bench.version set rating = 1, liked = rating > 0.4;
  delete from bench.version where not liked;
  call bench.measure('made up', 'dense, liked', 'implicit', seconds);
  update bench.version set rating = bench.noise('x', user_id::text, item_id::text);
  call bench.measure('made up', 'dense, noise alone', 'explicit', seconds);
  delete from bench.version where als.hash_fraction(user_id, item_id, 4) > 0.05;
  call bench.measure('made up', 'sparse, noise alone', 'explicit', seconds);
end
$$;
