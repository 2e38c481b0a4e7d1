-- The tables and procedures of test/bench/sweep.
create extension als;
-- The tables that the functions read are made later.
set check_function_bodies = off;
create schema sweep;

create unlogged table sweep.loaded (user_id text, item_id text, rating real);
create table sweep.result (
  dataset text, feedback text, biases boolean, reg_exponent float8, regularization float8,
  alpha float8, factors int, metric float8, seconds float8);

-- RMSE over the held-out ratings; unknown users and items are predicted by the mean.
create function sweep.rmse() returns float8 language sql as $$
  select sqrt(avg((rating - als.predict('sweep.model', user_id, item_id, 'mean')) ^ 2))
  from sweep.held_out
$$;

-- Recall@10 of what was liked among the ratings held out.
create function sweep.recall(liked real) returns float8 language sql as $$
  select value from als.evaluate('sweep.model', format('select user_id, item_id, 1 as rating from sweep.held_out where rating >= %s', liked)) where metric = 'recall'
$$;

-- feedback: explicit, or implicit by what was liked (clicks) or by all ratings, as confidence (counts).
create procedure sweep.try(dataset text, feedback text, biases boolean, e float8, lambda float8,
                           alpha float8, factors int, liked real) language plpgsql as $$
declare
  run als.model;
  metric float8;
begin
  if feedback = 'explicit' then
    run := als.train('sweep.model', 'sweep.train', biases => biases, factors => factors, iterations => 15,
                     reg_exponent => e, regularization => lambda, replace => true);
    -- Planned anew each time: the name stands for another table now.
    execute 'select sweep.rmse()' into metric;
  else
    run := als.train('sweep.model', case feedback when 'clicks' then 'sweep.likes' else 'sweep.train' end,
                     rating_col => case feedback when 'counts' then 'rating' end, feedback => 'implicit',
                     alpha => alpha, factors => factors, iterations => 15, reg_exponent => e,
                     regularization => lambda, replace => true);
    execute 'select sweep.recall($1)' into metric using liked;
  end if;
  insert into sweep.result
  values (dataset, feedback, biases, e, lambda, alpha, factors, metric, run.train_seconds);
  perform als.drop_model('sweep.model');
end
$$;

-- Splits what has been loaded, nine to one by a hash of user and item, and tries the options.
create procedure sweep.measure(dataset text, liked real) language plpgsql as $$
declare
  option record;
begin
  drop table if exists sweep.train, sweep.held_out, sweep.likes;
  create table sweep.train as
    select user_id, item_id, avg(rating)::real as rating from sweep.loaded
    group by user_id, item_id having hashtextextended(user_id || '/' || item_id, 0) & 1023 >= 102;
  create table sweep.held_out as
    select user_id, item_id, avg(rating)::real as rating from sweep.loaded
    group by user_id, item_id having hashtextextended(user_id || '/' || item_id, 0) & 1023 < 102;
  create table sweep.likes as select user_id, item_id from sweep.train where rating >= liked;
  create index on sweep.likes (user_id);
  truncate sweep.loaded;
  analyze sweep.train, sweep.held_out, sweep.likes;

  for option in
    -- The best lambda grows as the exponent falls: W is some hundreds where there is much to learn.
    select 'explicit' as feedback, biases, e, lambda, null::float8 as alpha, 64 as factors
    from (values (1, array[0.05, 0.08, 0.1, 0.15]), (0.7, array[0.2, 0.4, 0.6]),
                 (0.5, array[0.6, 1, 1.2, 1.5, 2.5]), (0.3, array[2, 4]),
                 (0, array[6, 12])) as grid (e, lambdas),
         unnest(lambdas) as lambda, unnest(array[true, false]) as biases
    where biases or e in (1, 0.5)
    union all
    select feedback, null, e, lambda, alpha, 64
    from (values (1, array[0.003, 0.01, 0.03]), (0.7, array[0.1, 0.3]), (0.5, array[1, 2, 3, 10]),
                 (0, array[10, 50, 200])) as grid (e, lambdas),
         unnest(lambdas) as lambda, unnest(array[1, 10, 20, 40, 100]) as alpha,
         unnest(array['clicks', 'counts']) as feedback
    union all
    select 'explicit', true, 0.5, 1.2, null, factors from unnest(array[8, 16, 32, 128]) as factors
    union all
    select feedback, null, 0.5, 2, 40, factors
    from unnest(array[16, 32, 128]) as factors, unnest(array['clicks', 'counts']) as feedback
  loop
    call sweep.try(dataset, option.feedback, option.biases, option.e, option.lambda, option.alpha,
                   option.factors, liked);
  end loop;
  commit;
end
$$;
