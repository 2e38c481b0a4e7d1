-- What training minimises, recomputed in SQL in double precision; and that it is reproducible.
create schema objective;
set search_path = objective;
set client_min_messages = warning;
set als.threads = 1;

create table ratings as
select u as user_id, i as item_id, ((u * 7 + i * 13) % 9 + 1) / 2.0 as rating
from generate_series(1, 30) as u, generate_series(1, 20) as i where (u * 31 + i * 17 + u * i) % 3 <> 0;
-- With duplicates, negatives and zeros.
create table messy as
select user_id, item_id, case when item_id % 7 = 0 then -rating when user_id % 11 = 0 then 0 else rating end as rating from ratings
union all select user_id, item_id, rating + 1 from ratings where (user_id + item_id) % 10 = 0;

-- One row for each observed cell, with the weight and the target that the model's options give it.
create function cells(model als.model) returns table (user_id int, item_id int, w float8, p float8) language plpgsql as $$
begin
  return query execute format(
    'select user_id, item_id, case when %1$L = ''explicit'' then 1 else 1 + %2$L::float8 * abs(r) end,
       case when %1$L = ''explicit'' then r else (r > 0)::int end
     from (select user_id, item_id, case when %3$L = ''average'' then avg(rating::float8) else sum(rating::float8) end as r
           from %4$s group by 1, 2) as merged',
    model.feedback, coalesce(model.alpha, 0), model.on_duplicate, model.source);
end $$;

-- Of a component, of which the bias is the last.
create function lambda(model als.model, k bigint) returns float8 language sql as $$
  select case when k <= model.factors then model.regularization else model.bias_regularization end
$$;

-- The objective, and the largest gradient of a user's unknowns relative to what it is a sum of
-- (users are solved last, and exactly whatever the solver, so theirs is zero but for rounding).
create function check_objective(title text, source text, options text) returns table (
  "model" text, "loss as recorded" bool, "never rises" bool, "gradient is zero" bool, "of cells" bigint) language plpgsql as $$
declare
  run als.model; fit float8; ridge float8; worst float8; n bigint;
begin
  execute format('select * from als.train(''m'', %L, %s)', source, options) into run;
  -- The vectors by component, the bias as the last one, which the other side multiplies by 1.
  create temp table u on commit drop as
  select user_id, k, x::float8 from m_user_factors, unnest(factors || case when run.biases then bias end) with ordinality as t (x, k) where x is not null;
  create temp table i on commit drop as
  select item_id, k, y::float8 from m_item_factors, unnest(factors || case when run.biases then bias end) with ordinality as t (y, k) where y is not null;
  -- Every cell that has a weight: the observed ones, and for implicit feedback all others.
  create temp table cell on commit drop as
  select s.user_id, s.item_id, coalesce(c.w, 1) as w, coalesce(c.p, 0) as p, s.s
  from (
    select user_id, item_id, case when run.biases then run.mean else 0 end
      + sum(case when k <= run.factors then x * y else x + y end) as s from u join i using (k) group by 1, 2) as s
    left join cells(run) as c using (user_id, item_id)
  where run.feedback = 'implicit' or c.w is not null;
  select sum(w * (p - s) ^ 2), count(*) into fit, n from cell;
  select sum(power(w, run.reg_exponent) * norm) into ridge from (
    select w, norm from (select user_id, sum(w) as w from cell group by 1) as weights
      join (select user_id, sum(lambda(run, k) * x ^ 2) as norm from u group by 1) as norms using (user_id)
    union all
    select w, norm from (select item_id, sum(w) as w from cell group by 1) as weights
      join (select item_id, sum(lambda(run, k) * y ^ 2) as norm from i group by 1) as norms using (item_id)) as t;
  -- d/dx_k of the objective / 2 = lambda W^e x_k - sum of w (p - s) y_k, and 1 in the place of y_k for the bias.
  select max(abs(pull - rest) / (size + 1e-6)) into worst from (
    select user_id, k, lambda(run, k) * power(sum(w), run.reg_exponent) * x as pull,
      sum(w * (p - s) * y) as rest, sum(abs(w * (p - s) * y)) + sum(abs(w * s * y)) as size
    from cell join (select item_id, k, case when k <= run.factors then y else 1 end as y from i) as z using (item_id)
      join u using (user_id, k)
    group by user_id, k, x) as g;
  return query select title, abs(run.loss[run.iterations] / (fit + ridge) - 1) < 1e-4,
    (select bool_and(run.loss[t + 1] <= run.loss[t] * (1 + 1e-5)) from generate_series(1, run.iterations - 1) as t), worst < 1e-5, n;
  drop table u, i, cell;
  perform als.drop_model('m');
end $$;

select c.* from (values
  ('explicit', 'ratings', 'factors => 4, iterations => 8'),
  ('explicit, no biases', 'ratings', 'factors => 4, iterations => 8, biases => false'),
  ('explicit, plain ridge', 'ratings', 'factors => 4, iterations => 8, reg_exponent => 0, regularization => 1'),
  ('explicit, root', 'ratings', 'factors => 4, iterations => 8, reg_exponent => 0.5, regularization => 0.3'),
  ('explicit, strong ridge', 'ratings', 'factors => 4, iterations => 8, regularization => 5'),
  ('explicit, free biases', 'ratings', 'factors => 4, iterations => 8, bias_regularization => 0.01'),
  ('explicit, held biases', 'ratings', 'factors => 4, iterations => 8, solver => ''direct'', bias_regularization => 30'),
  ('explicit, averages', 'messy', 'factors => 3, iterations => 8, regularization => 0.05'),
  ('explicit, sums', 'messy', 'factors => 3, iterations => 8, on_duplicate => ''sum'', biases => false'),
  ('explicit, many factors', 'ratings', 'factors => 40, iterations => 5'),
  ('explicit, cg', 'ratings', 'factors => 4, iterations => 8, solver => ''cg'''),
  ('explicit, cg, no biases', 'ratings', 'factors => 24, iterations => 8, solver => ''cg'', biases => false'),
  ('explicit, sums, cg', 'messy', 'factors => 3, iterations => 8, solver => ''cg'', on_duplicate => ''sum'''),
  ('implicit', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8'),
  ('implicit, cg', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8, solver => ''cg'''),
  ('implicit, cg, plain ridge', 'ratings', 'feedback => ''implicit'', factors => 24, iterations => 8, solver => ''cg'', alpha => 10, reg_exponent => 0, regularization => 1'),
  ('implicit, plain ridge', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8, alpha => 40, reg_exponent => 0, regularization => 0.1'),
  ('implicit, root', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8, alpha => 1, reg_exponent => 0.5, regularization => 0.1'),
  ('implicit, sums and negatives', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 8, alpha => 2'),
  ('implicit, averages', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 8, alpha => 2, on_duplicate => ''average'''),
  ('implicit, alpha 0', 'ratings', 'feedback => ''implicit'', factors => 3, iterations => 8, alpha => 0')) as t (title, source, options),
  check_objective(title, source, options) as c;

-- More iterations go on where fewer stopped.
select a.loss = b.loss[1:3] as "the same start"
from als.train('a', 'ratings', factors => 4, iterations => 3, solver => 'direct') as a, als.train('b', 'ratings', factors => 4, iterations => 6, solver => 'direct') as b;
select als.drop_model('a'), als.drop_model('b');

-- The same data and seed give the same bits, whatever the threads and the order of the rows. (Threads are
-- used only where each has enough to do, hence the many factors.)
create function fingerprint(source text, options text) returns text language plpgsql as $$
declare
  result text;
begin
  execute format('select als.train(''m'', %L, iterations => 2, %s)', source, options);
  select md5(string_agg(f.id || f.factors::text || coalesce(f.bias::text, '') || f.n_ratings, ',' order by f.id)) || (select loss::text from m) into result from (
    select 'u' || user_id::text as id, factors, bias, n_ratings from m_user_factors union all
    select 'i' || item_id::text, factors, bias, n_ratings from m_item_factors) as f;
  perform als.drop_model('m');
  return result;
end $$;
create table many as
select (u * 7919) % 1000003 as user_id, (i * 104729) % 1000033 as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 120) as u, generate_series(1, 90) as i where (u * 31 + i * 17 + u * i) % 4 = 0;
create table shuffled as select * from many order by md5(user_id || '/' || item_id || 'salt');
create table fingerprints (options text, fingerprint text);
insert into fingerprints
select options, fingerprint(source, 'factors => 130, solver => ''direct'', ' || options)
from (values ('many', 'threads => 1'), ('many', 'threads => 2'), ('many', 'threads => 4'), ('shuffled', 'threads => 1'), ('shuffled', 'threads => 4'),
  ('select * from many order by item_id desc, user_id', 'seed => 42, threads => 3')) as t (source, options);
select count(distinct fingerprint) as distinct_models, count(*) as n from fingerprints;
truncate fingerprints;
insert into fingerprints
select 'implicit', fingerprint(source, 'feedback => ''implicit'', factors => 130, solver => ''direct'', threads => ' || threads)
from (values ('many', 1), ('many', 4), ('shuffled', 2), ('shuffled', 3)) as t (source, threads);
select count(distinct fingerprint) as distinct_models, count(*) as n from fingerprints;
truncate fingerprints;
insert into fingerprints
select options, fingerprint(source, 'factors => 420, solver => ''cg'', threads => ' || threads || ', ' || options)
from (values ('many', 1), ('many', 4), ('shuffled', 2), ('shuffled', 3)) as t (source, threads),
  (values ('feedback => ''explicit'''), ('feedback => ''implicit''')) as o (options);
select count(distinct fingerprint) as distinct_models, count(*) as n from fingerprints group by options;
select count(distinct fingerprint(source, 'factors => 100, nonnegative => true, threads => ' || threads)) as distinct_models
from (values ('many', 1), ('many', 2), ('shuffled', 3)) as t (source, threads);
select count(distinct fingerprint('many', 'factors => 6, seed => ' || seed)) as distinct_models from unnest(array[42, 43, 0, -1]) as seed;

-- The same with text and uuid ids, and with duplicates.
create view texts as select 'user ' || user_id as user_id, 'item ' || item_id as item_id, rating from many;
create view shuffled_texts as select 'user ' || user_id as user_id, 'item ' || item_id as item_id, rating from shuffled;
select fingerprint('texts', 'factors => 6, threads => 1') = fingerprint('shuffled_texts', 'factors => 6, threads => 3') as text_ids;
select fingerprint('select md5(user_id)::uuid as user_id, md5(item_id)::uuid as item_id, rating from texts', 'factors => 6, threads => 1')
  = fingerprint('select md5(user_id)::uuid as user_id, md5(item_id)::uuid as item_id, rating from shuffled_texts', 'factors => 6, threads => 2') as uuids;
select fingerprint('select user_id / 1000.0 as user_id, item_id / 1000.0 as item_id, rating from many', 'factors => 6, threads => 1')
  = fingerprint('select user_id / 1000.0 as user_id, item_id / 1000.0 as item_id, rating from shuffled', 'factors => 6, threads => 2') as numerics;
create view twice as
select user_id, item_id, rating::float8 / 3 as rating from many union all select user_id, item_id, rating * 0.1 from shuffled union all
select user_id, item_id, 1e-3 from many where user_id % 2 = 0;
select fingerprint('twice', 'factors => 6, threads => 1') = fingerprint('select * from twice order by md5(twice::text)', 'factors => 6, threads => 2') as averages,
  fingerprint('twice', 'factors => 6, on_duplicate => ''sum'', threads => 1') = fingerprint('select * from twice order by md5(twice::text)', 'factors => 6, on_duplicate => ''sum'', threads => 2') as sums;
-- Nor does it matter what there was before.
select run, md5(loss::text) from als.train('m', 'many', factors => 6, iterations => 3) \gset first_
select run from als.train('m', 'twice', factors => 6, iterations => 3, replace => true);
select run, md5(loss::text) = :'first_md5' as same from als.train('m', 'shuffled', factors => 6, iterations => 3, replace => true);

drop schema objective cascade;
