-- What training minimises, recomputed in SQL in double precision; and that it is reproducible.
create schema objective;
set search_path = objective;
set client_min_messages = warning;
set als.threads = 1;

create function dot(a float8[], b float8[]) returns float8 language sql immutable as
$$ select coalesce(sum(x * y), 0) from unnest(a, b) as t (x, y) $$;

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

-- The objective, and the largest gradient of an item's unknowns relative to what it is a sum of
-- (items are solved last, so theirs is zero but for rounding).
create function check_objective(title text, source text, options text) returns table (
  "model" text, "loss as recorded" bool, "never rises" bool, "gradient is zero" bool, "of cells" bigint) language plpgsql as $$
declare
  run als.model; fit float8; ridge float8; worst float8; n bigint;
begin
  execute format('select * from als.train(''m'', %L, %s)', source, options) into run;
  create temp table u on commit drop as select user_id, factors::float8[] as x, coalesce(bias, 0)::float8 as b from m_user_factors;
  create temp table i on commit drop as select item_id, factors::float8[] as y, coalesce(bias, 0)::float8 as b from m_item_factors;
  -- Every cell that has a weight: the observed ones, and for implicit feedback all others.
  create temp table cell on commit drop as
  select u.user_id, i.item_id, coalesce(c.w, 1) as w, coalesce(c.p, 0) as p,
    case when run.biases then run.mean + u.b + i.b else 0 end + dot(u.x, i.y) as s
  from u cross join i left join cells(run) as c using (user_id, item_id)
  where run.feedback = 'implicit' or c.w is not null;
  select sum(w * (p - s) ^ 2), count(*) into fit, n from cell;
  select sum(run.regularization * power(t.w, run.reg_exponent) * t.norm) into ridge from (
    select sum(w) as w, dot(x, x) + b ^ 2 as norm from cell join u using (user_id) group by user_id, x, b
    union all
    select sum(w), dot(y, y) + b ^ 2 from cell join i using (item_id) group by item_id, y, b) as t;
  -- d/dy_k of the objective / 2 = lambda W^e y_k - sum of w (p - s) x_k, for each k, and for the bias with x_k = 1.
  select max(abs(g.pull - g.rest) / (g.size + 1e-6)) into worst from (
    select item_id, k, run.regularization * power(sum(c.w), run.reg_exponent) * (i.y || i.b)[k] as pull,
      sum(c.w * (c.p - c.s) * (u.x || 1::float8)[k]) as rest,
      sum(abs(c.w * (c.p - c.s) * (u.x || 1::float8)[k])) + sum(abs(c.w * c.s * (u.x || 1::float8)[k])) as size
    from cell as c join u using (user_id) join i using (item_id),
      generate_series(1, run.factors + run.biases::int) as k
    group by item_id, k, i.y, i.b) as g;
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
  ('explicit, averages', 'messy', 'factors => 3, iterations => 8, regularization => 0.05'),
  ('explicit, sums', 'messy', 'factors => 3, iterations => 8, on_duplicate => ''sum'', biases => false'),
  ('explicit, many factors', 'ratings', 'factors => 40, iterations => 5'),
  ('implicit', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8'),
  ('implicit, plain ridge', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8, alpha => 40, reg_exponent => 0, regularization => 0.1'),
  ('implicit, root', 'ratings', 'feedback => ''implicit'', factors => 4, iterations => 8, alpha => 1, reg_exponent => 0.5, regularization => 0.1'),
  ('implicit, sums and negatives', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 8, alpha => 2'),
  ('implicit, averages', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 8, alpha => 2, on_duplicate => ''average'''),
  ('implicit, alpha 0', 'ratings', 'feedback => ''implicit'', factors => 3, iterations => 8, alpha => 0')) as t (title, source, options),
  check_objective(title, source, options) as c;

-- More iterations go on where fewer stopped.
select a.loss = b.loss[1:3] as "the same start"
from als.train('a', 'ratings', factors => 4, iterations => 3) as a, als.train('b', 'ratings', factors => 4, iterations => 6) as b;
select als.drop_model('a'), als.drop_model('b');

-- The same data and seed give the same bits, whatever the threads and the order of the rows.
create function fingerprint(source text, options text) returns text language plpgsql as $$
declare
  result text;
begin
  execute format('select als.train(''m'', %L, factors => 6, iterations => 3, %s)', source, options);
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
insert into fingerprints select options, fingerprint('many', options) from unnest(array[
  'threads => 1', 'threads => 2', 'threads => 4', 'seed => 42, threads => 3']) as options;
insert into fingerprints select options, fingerprint('shuffled', options) from unnest(array['threads => 1', 'threads => 4']) as options;
insert into fingerprints select options, fingerprint('select * from many order by item_id desc, user_id', options) from unnest(array['threads => 2']) as options;
insert into fingerprints select options, fingerprint('select user_id::bigint, item_id::bigint, rating::float8 from shuffled', options) from unnest(array['threads => 2']) as options;
select count(distinct fingerprint) as distinct_models, count(*) as n from fingerprints;
select count(distinct fingerprint('many', 'seed => ' || seed)) as distinct_models from unnest(array[42, 43, 0, -1]) as seed;
truncate fingerprints;
insert into fingerprints select 'implicit', fingerprint(source, 'feedback => ''implicit'', threads => ' || threads)
from unnest(array['many', 'shuffled']) as source, unnest(array[1, 2, 4]) as threads;
select count(distinct fingerprint) as distinct_models, count(*) as n from fingerprints;

-- The same with text and uuid ids, and with duplicates.
create view texts as select 'user ' || user_id as user_id, 'item ' || item_id as item_id, rating from many;
create view shuffled_texts as select 'user ' || user_id as user_id, 'item ' || item_id as item_id, rating from shuffled;
select fingerprint('texts', 'threads => 1') = fingerprint('shuffled_texts', 'threads => 3') as text_ids;
select fingerprint('select md5(user_id)::uuid as user_id, md5(item_id)::uuid as item_id, rating from texts', 'threads => 1')
  = fingerprint('select md5(user_id)::uuid as user_id, md5(item_id)::uuid as item_id, rating from shuffled_texts', 'threads => 2') as uuids;
select fingerprint('select user_id / 1000.0 as user_id, item_id / 1000.0 as item_id, rating from many', 'threads => 1')
  = fingerprint('select user_id / 1000.0 as user_id, item_id / 1000.0 as item_id, rating from shuffled', 'threads => 2') as numerics;
create view twice as
select user_id, item_id, rating::float8 / 3 as rating from many union all select user_id, item_id, rating * 0.1 from shuffled union all
select user_id, item_id, 1e-3 from many where user_id % 2 = 0;
select fingerprint('twice', 'threads => 1') = fingerprint('select * from twice order by md5(twice::text)', 'threads => 2') as averages,
  fingerprint('twice', 'on_duplicate => ''sum'', threads => 1') = fingerprint('select * from twice order by md5(twice::text)', 'on_duplicate => ''sum'', threads => 2') as sums;
-- Nor does it matter what there was before.
select run, md5(loss::text) from als.train('m', 'many', factors => 6, iterations => 3) \gset first_
select run from als.train('m', 'twice', factors => 6, iterations => 3, replace => true);
select run, md5(loss::text) = :'first_md5' as same from als.train('m', 'shuffled', factors => 6, iterations => 3, replace => true);

drop schema objective cascade;
