-- The scale of explicit ratings, and where they begin, change the unit of a model and nothing else.
create schema scale;
set search_path = scale;
set client_min_messages = warning;
\set VERBOSITY terse


create table stars as
select u as user_id, i as item_id, (3 + (u % 5 - 2) * (i % 4 - 1.5) / 3 + (i * 7 % 11 - 5) / 10.0 + (u * 3 % 7 - 3) / 7.0
                                    + (als.hash_fraction(u, i, 1) - 0.5))::real as rating
from generate_series(1, 60) u, generate_series(1, 30) i
where als.hash_fraction(u, i) < 0.5;
create view cents as select user_id, item_id, rating * 100 as rating from stars;
create view around_zero as select user_id, item_id, rating - 3 as rating from stars;
create view fourfold as select user_id, item_id, rating * 4 as rating from stars;
create view huge as select user_id, item_id, rating::float8 * 1e12 as rating from stars;
create view tiny as select user_id, item_id, rating::float8 * 1e-12 as rating from stars;

-- What the row says: lambda by the spread, and by both that of the biases, which has no scale.
do $$
begin
  for i in 1 .. 6 loop
    perform als.train('m_' || (array['stars', 'cents', 'around_zero', 'fourfold', 'tiny', 'huge'])[i],
                      'scale.' || (array['stars', 'cents', 'around_zero', 'fourfold', 'tiny', 'huge'])[i], factors => 4);
  end loop;
end
$$;
select model, round(spread::numeric, 4) as spread, round(regularization::numeric, 4) as regularization,
       round(bias_regularization::numeric, 4) as bias_regularization
from als.models where model::text ~ 'stars|cents|around_zero|fourfold' order by model::text;

create function best(model regclass) returns text language sql as $$
  select string_agg(user_id || ':' || items, ' ' order by user_id)
  from (select u as user_id, (select string_agg(item_id::text, ',' order by rank) from als.recommend(model, u, 3)) as items
        from generate_series(1, 60) u) lists
$$;
select name, best(('m_' || name)::regclass) = best('m_stars') as same_lists
from unnest(array['cents', 'around_zero', 'fourfold', 'tiny', 'huge']) name;

-- Scores are rescaled: by powers of four bit by bit.
select max(abs(als.predict('m_cents', user_id, item_id) / 100 - als.predict('m_stars', user_id, item_id))) < 1e-3 as cents,
       max(abs(als.predict('m_around_zero', user_id, item_id) + 3 - als.predict('m_stars', user_id, item_id))) < 1e-3 as around_zero,
       bool_and(als.predict('m_fourfold', user_id, item_id) = 4 * als.predict('m_stars', user_id, item_id)) as fourfold,
       max(abs(als.predict('m_tiny', user_id, item_id) * 1e12 - als.predict('m_stars', user_id, item_id))) < 1e-3 as tiny,
       max(abs(als.predict('m_huge', user_id, item_id) / 1e12 - als.predict('m_stars', user_id, item_id))) < 1e-3 as huge
from stars;

-- All solvers, and without biases, where the beginning of the scale matters.
do $$
declare
  options jsonb;
  difference float8;
begin
  foreach options in array array['{"solver": "direct"}', '{"nonnegative": true}', '{"biases": false}',
                                 '{"biases": false, "nonnegative": true}', '{"reg_exponent": 1}']::jsonb[] loop
    perform als.train('m_a', 'scale.stars', options || '{"factors": 4}', replace => true);
    perform als.train('m_b', 'scale.cents', options || '{"factors": 4}', replace => true);
    select max(abs(als.predict('m_b', user_id, item_id) / 100 - als.predict('m_a', user_id, item_id))) into difference from stars;
    if difference > 2e-3 then
      raise exception '%: %', options, difference;
    end if;
  end loop;
end
$$;

-- The ridge of the biases is kept: users folded in, explained and refreshed are those of the training.
select max(abs(f - t)) < 1e-4 as folded_in_as_trained
from m_cents_user_factors u,
     lateral (select als.fold_in('m_cents', array_agg(item_id), array_agg(rating::real)) as folded from cents c where c.user_id = u.user_id) x,
     lateral unnest(folded[1:4], factors) as v (f, t);
select bool_and(abs(sum - score) < 1e-2) as explained
from (select user_id, 1 as item_id, als.predict('m_cents', user_id, 1) as score, (select sum(contribution) from als.explain('m_cents', user_id, 1, 1000)) as sum
      from generate_series(1, 10) user_id) e;
create table before as select user_id, factors, bias from m_cents_user_factors;
select als.refresh_users('m_cents', (select array_agg(user_id) from before)) as refreshed;
select max(abs(a.bias - b.bias)) < 1e-2 as refreshed_as_trained from before a join m_cents_user_factors b using (user_id);

-- A lambda that is given is taken as it is; that of the biases follows, unless it is given too.
select regularization, round(bias_regularization::numeric, 4) as bias_regularization
from als.train('m', 'scale.cents', factors => 4, regularization => 100, replace => true);
select regularization, bias_regularization
from als.train('m', 'scale.cents', factors => 4, regularization => 100, bias_regularization => 0.5, replace => true);
select bias_regularization from als.train('m', 'scale.stars', factors => 4, biases => false, replace => true);
select als.train('m', 'scale.stars', factors => 4, biases => false, bias_regularization => 1, replace => true);
select als.train('m', 'scale.stars', factors => 4, feedback => 'implicit', bias_regularization => 1, replace => true);

-- No spread, and next to no ratings: scores are the mean.
create table one_value as select u as user_id, i as item_id, 5 as rating from generate_series(1, 4) u, generate_series(1, 3) i;
create function one_score(source text, biases boolean default true) returns table (spread float8, score numeric) language plpgsql as $$
declare
  run als.model;
begin
  run := als.train('m', source, factors => 4, biases => one_score.biases, replace => true);
  return query select round(run.spread::numeric, 7)::float8, round(als.predict('m', 1, 1)::numeric, 3);
end
$$;
select * from one_score('scale.one_value');
select * from one_score('scale.one_value', biases => false);
select * from one_score('select 1 as user_id, 1 as item_id, 4 as rating');
select * from one_score('select 1 as user_id, 1 as item_id, 0 as rating');
select spread > 0.3 as spread, score is not null as has_score
from one_score('select 1 as user_id, item_id, rating from scale.stars where user_id = 1 union all values (1, 1, 3)');

-- Beyond single precision.
select als.train('m', 'select user_id, item_id, rating * 1e30 as rating from scale.stars', factors => 4, replace => true);
select als.train('m', 'select user_id, item_id, rating * 1e-30 as rating from scale.stars', factors => 4, replace => true);

-- Within it, a default by the scale may be beyond what the option can be: it is the nearest to that, and the model serves.
select t.bias_regularization, als.predict('m', 1, 1) is not null as serves
from als.train('m', 'select user_id, item_id, rating * 1e-15 as rating from scale.stars', factors => 4, regularization => 1e20, replace => true) t;
select t.regularization, als.predict('m', 1, 1) is not null as serves
from als.train('m', 'scale.stars', factors => 4, feedback => 'implicit', alpha => 1e35, reg_exponent => 0, replace => true) t;
select t.alpha, als.predict('m', 1, 1) is not null as serves
from als.train('m', 'select user_id, item_id, 1e-40 as rating from scale.stars', factors => 4, feedback => 'implicit', replace => true) t;

-- Counts: their unit changes nothing, alpha is in units of them, and few large ones of a long tail do not count for all.
create table plays as select user_id, item_id, (exp(3 * als.hash_fraction(user_id, item_id, 2)) * 3)::int as rating from stars;
select als.drop_model('m_a'), als.drop_model('m_b');
select round((a.alpha / b.alpha)::numeric, 3) as alpha, round((a.regularization / b.regularization)::numeric, 3) as regularization
from als.train('m_a', 'scale.plays', factors => 4, feedback => 'implicit') a,
     als.train('m_b', 'select user_id, item_id, rating * 1000.0 as rating from scale.plays', factors => 4, feedback => 'implicit') b;
select best('m_a') = best('m_b') as same_lists;
select alpha from als.train('m', 'scale.plays', factors => 4, feedback => 'implicit', rating_col => null, replace => true);
-- Where nothing is liked, lists say nothing.
select t.advice from als.train('m', 'select user_id, item_id, rating - 50.0 as rating from scale.stars', factors => 4, feedback => 'implicit', replace => true) t;
select t.advice from als.train('m', 'select user_id, item_id, 0 as rating from scale.stars', factors => 4, feedback => 'implicit', distributed => true, replace => true) t;
select t.advice from als.train('m', 'select user_id, item_id, rating - 50.0 as rating from scale.stars', factors => 4, replace => true) t;
-- Nor are stars that are all the same.
select t.advice from als.train('m', 'select user_id, item_id, 4.5 as rating from scale.stars', factors => 4, replace => true) t;
select t.advice from als.train('m', 'select user_id, item_id, 5 as rating from scale.stars', factors => 4, distributed => true, replace => true) t;
select t.advice from als.train('m', 'scale.stars', rating_col => null, factors => 4, replace => true) t;
-- Rows that are left out are no mistake, unless they are most of them.
select t.advice from als.train('m', 'select user_id, item_id, case when als.hash_fraction(user_id, item_id, 9) < 0.6 then rating end as rating from scale.stars', factors => 4, replace => true) t;
select t.advice from als.train('m', 'select user_id, item_id, case when als.hash_fraction(user_id, item_id, 9) < 0.4 then rating end as rating from scale.stars', factors => 4, replace => true) t;
select t.advice from als.train('m', 'select *, (als.hash_fraction(user_id, item_id, 9) < 0.4)::int as w from scale.stars', weight_col => 'w', factors => 4, replace => true) t;
select t.advice from als.train('m', 'select user_id, item_id, rating - 3 as rating from scale.stars', factors => 4, feedback => 'implicit', replace => true) t;
-- Of few clicks, which tell little beyond popularity, lambda is larger.
select share, round((t.regularization / 2.5)::numeric, 1) as larger
from unnest('{0.2, 0.02, 0.002}'::float8[]) as share,
     als.train('m', format('select u as user_id, i as item_id from generate_series(1, 600) u, generate_series(1, 300) i where als.hash_fraction(u, i, 5) < %s', share),
               rating_col => null, feedback => 'implicit', alpha => 40, factors => 2, iterations => 1, replace => true) as t;

drop schema scale cascade;
