-- How a training goes: solver, nonnegative, tolerance, holdout, warm_start, als.simd.
create schema solvers;
set search_path = solvers;
set client_min_messages = warning;
set als.threads = 1;

-- Three tastes of users and items, with noise.
create table ratings as
select u as user_id, i as item_id,
  (3 + 1.5 * cos(2.1 * (u % 3)) * cos(2.1 * (i % 3)) + 1.5 * sin(2.1 * (u % 3)) * sin(2.1 * (i % 3)) + ((u * 37 + i * 91) % 7 - 3) / 6.0)::real as rating
from generate_series(1, 120) as u, generate_series(1, 60) as i where (u * 31 + i * 17 + u * i) % 3 <> 0;
create table likes as select user_id, item_id from ratings where rating > 3.5;

create function message(statement text) returns text language plpgsql as $$
declare
  hint text; message text;
begin
  execute statement;
  return 'no error';
exception when others then
  get stacked diagnostics hint = pg_exception_hint, message = message_text;
  return format('%s: %s | %s', sqlstate, message, hint);
end $$;

-- What the automatic solver picks is recorded.
select factors, solver from (values (2), (64)) as f (n), als.train('m', 'ratings', factors => n, iterations => 2, replace => true);
select solver from als.train('m', 'ratings', factors => 4, iterations => 2, solver => 'cg', replace => true);
select solver from als.train('m', 'ratings', factors => 40, iterations => 2, solver => 'direct', replace => true);
select solver from als.train('m', 'ratings', factors => 40, iterations => 2, nonnegative => true, replace => true);
select message($$select als.train('m', 'ratings', solver => 'fast', replace => true)$$);
select message($$select als.train('m', 'ratings', solver => null, replace => true)$$);

-- Both solvers come to the same.
select kind, abs(cg.loss[60] / direct.loss[60] - 1) < 0.01 as "about the same loss",
  cg.loss[60] < cg.loss[1] as falls, cg.n_refined
from (values ('explicit'), ('implicit')) as f (kind),
  als.train('direct', 'ratings', feedback => kind, factors => 20, iterations => 60, solver => 'direct', replace => true) as direct,
  als.train('cg', 'ratings', feedback => kind, factors => 20, iterations => 60, solver => 'cg', replace => true) as cg;

-- Factors that are not negative; biases may be.
select nonnegative, loss[8] < loss[1] as falls, n_refined
from (values ('biases => true'), ('biases => false')) as b (option),
  lateral (select * from als.train('nn', 'ratings', factors => 6, iterations => 8, nonnegative => true, biases => option like '%true', replace => true)) as run;
select bool_and(x >= 0) as "not negative", bool_or(x > 0) as "some are positive"
from (select factors from nn_user_factors union all select factors from nn_item_factors) as f, unnest(factors) as x;
select loss[8] < loss[1] as falls from als.train('nn', 'likes', rating_col => null, feedback => 'implicit', factors => 20, iterations => 8, nonnegative => true, replace => true);
select bool_and(x >= 0) as "not negative", bool_or(x = 0) as "some are zero" from (select factors from nn_user_factors union all select factors from nn_item_factors) as f, unnest(factors) as x;
-- The model still tells the three tastes apart.
select count(*) from likes as l where als.predict('nn', user_id, item_id) < 0.5 * (select avg(als.predict('nn', user_id, item_id)) from likes);
select message($$select als.train('m', 'ratings', nonnegative => true, solver => 'cg', replace => true)$$);
select message($$select als.train('m', 'ratings', nonnegative => null, replace => true)$$);

-- A tolerance ends the training where the loss falls by less.
select iterations, cardinality(loss) between 3 and 60 as "fewer iterations", tolerance,
  (loss[cardinality(loss) - 2] - loss[cardinality(loss) - 1]) / loss[cardinality(loss) - 2] >= tolerance as "not too early"
from als.train('m', 'ratings', factors => 3, iterations => 500, tolerance => 1e-3, replace => true);
select cardinality(loss) < 100 as "fewer iterations" from als.train('m', 'ratings', factors => 20, iterations => 500, tolerance => 1e-3, solver => 'cg', replace => true);
select cardinality(loss) from als.train('m', 'ratings', factors => 3, iterations => 40, replace => true);
select cardinality(loss) from als.train('m', 'ratings', factors => 3, iterations => 40, tolerance => 1, replace => true);
select message($$select als.train('m', 'ratings', tolerance => -1, replace => true)$$);
select message($$select als.train('m', 'ratings', tolerance => 'nan', replace => true)$$);
select message($$select als.train('m', 'ratings', tolerance => null, replace => true)$$);

-- A share of each user's ratings is kept out, and tells after each iteration how good the model is.
select holdout, n_rows - n_holdout = n_ratings as adds_up, abs(n_holdout / (0.25 * n_rows) - 1) < 0.05 as share_is_met,
  n_users, n_items, holdout_metric, cardinality(holdout_values) as values, holdout_values[10] < holdout_values[1] as improves
from als.train('m', 'ratings', factors => 3, iterations => 10, holdout => 0.25, regularization => 0.02, replace => true);
-- The metric is that of the ratings which are not counted in n_ratings, as computed in SQL.
select bool_and(n - coalesce(f.n_ratings, 0) between 0.25 * n - 1 and 0.25 * n + 1) as "of each user"
from (select user_id, count(*) as n from ratings group by 1) as r left join m_user_factors as f using (user_id);
-- The squares of all errors are those of the ratings seen, which the loss tells, and of those kept out.
create temp table run as select * from als.train('m', 'ratings', factors => 2, iterations => 5, holdout => 0.25, regularization => 0.02, replace => true);
select abs(everything - (loss[5] - ridge) - n_holdout * holdout_values[5] ^ 2) < 1e-4 * everything as "as in SQL"
from run, (select sum((rating - als.predict('m', user_id, item_id)) ^ 2) as everything from ratings) as s,
  (select sum(sqrt(n_ratings) * (0.02 * als.dot(factors, factors) + (select bias_regularization from run) * bias ^ 2)) as ridge
   from (select factors, bias, n_ratings from m_user_factors union all select factors, bias, n_ratings from m_item_factors) as f) as r;
select holdout_metric, n_holdout > 0 as some, holdout_values[8] > 0.5 as "finds them", holdout_values[8] <= 1 as "at most all"
from als.train('m', 'likes', rating_col => null, feedback => 'implicit', factors => 16, iterations => 8, holdout => 0.1, alpha => 10, replace => true);
select holdout, n_holdout, holdout_metric, holdout_values from als.train('m', 'ratings', factors => 2, iterations => 2, replace => true);
-- The same rows whatever their order, others with another seed.
select a.holdout_values = b.holdout_values as "order does not matter", a.holdout_values = c.holdout_values as "seed does"
from als.train('a', 'ratings', factors => 2, iterations => 2, holdout => 0.1, replace => true) as a,
  als.train('b', 'select * from ratings order by rating, user_id desc', factors => 2, iterations => 2, holdout => 0.1, replace => true) as b,
  als.train('c', 'ratings', factors => 2, iterations => 2, holdout => 0.1, seed => 7, replace => true) as c;
-- No user loses their only rating.
select n_holdout, n_ratings from als.train('m', 'select distinct on (user_id) * from ratings', factors => 2, iterations => 1, holdout => 0.99, replace => true);
select message($$select als.train('m', 'ratings', holdout => 1, replace => true)$$);
select message($$select als.train('m', 'ratings', holdout => 0.9999999, replace => true)$$);
select message($$select als.train('m', 'ratings', holdout => -0.1, replace => true)$$);
select message($$select als.train('m', 'ratings', holdout => null, replace => true)$$);

-- A warm start goes on where the last training ended.
set client_min_messages = notice;
select run, warm_start from als.train('w', 'ratings', factors => 20, iterations => 3, replace => true, warm_start => true);
set client_min_messages = warning;
select loss[3] as loss from w where run = 1 \gset before_
select run, warm_start, loss[1] < :before_loss as "goes on" from als.train('w', 'ratings', factors => 20, iterations => 1, replace => true, warm_start => true);
select run, warm_start, loss[1] < :before_loss as "goes on" from als.train('w', 'ratings', factors => 20, iterations => 1, replace => true);
-- Also where users and items have come and gone, and for the other kinds.
select n_users, n_items from als.train('w', 'select user_id + 10 as user_id, item_id - 7 as item_id, rating from ratings', factors => 20, iterations => 2, replace => true, warm_start => true);
select message($$select als.train('x', 'likes', rating_col => null, feedback => 'implicit', factors => 5, iterations => 3)$$);
select warm_start, loss[1] < (select loss[3] from x) as "goes on" from als.train('x', 'likes', rating_col => null, feedback => 'implicit', factors => 5, iterations => 1, replace => true, warm_start => true);
select warm_start from als.train('x', 'likes', rating_col => null, feedback => 'implicit', factors => 5, iterations => 1, nonnegative => true, replace => true, warm_start => true);
select bool_and(f >= 0) as "not negative" from x_item_factors, unnest(factors) as f;
select message($$select als.train('w', 'ratings', factors => 20, warm_start => true)$$);
select message($$select als.train('w', 'ratings', factors => 21, replace => true, warm_start => true)$$);
select message($$select als.train('w', 'ratings', factors => 20, replace => true, warm_start => true, feedback => 'implicit')$$);
select message($$select als.train('w', 'ratings', factors => 20, replace => true, warm_start => true, biases => false)$$);
select message($$select als.train('w', 'ratings', factors => 20, replace => true, warm_start => null)$$);
update w_item_factors set factors = factors[1:3] where item_id = 5;
select message($$select als.train('w', 'ratings', factors => 20, replace => true, warm_start => true)$$);
update w_item_factors set factors = array_fill('nan'::real, array[20]) where item_id = 5;
select message($$select als.train('w', 'ratings', factors => 20, replace => true, warm_start => true)$$);
update w_item_factors set factors = array_fill(0.1::real, array[20]), bias = null where item_id = 5;
select warm_start from als.train('w', 'ratings', factors => 20, iterations => 1, replace => true, warm_start => true);

-- The vector instructions can be set lower, which changes the last bits only.
select current_setting('als.simd') in ('baseline', 'avx2', 'avx512') as known;
set als.simd = baseline;
show als.simd;
create temp table low as select loss from als.train('m', 'ratings', factors => 20, iterations => 3, replace => true);
reset als.simd;
select abs(run.loss[3] / low.loss[3] - 1) < 1e-4 as "about the same"
from als.train('m', 'ratings', factors => 20, iterations => 3, replace => true) as run, low;
set als.simd = 'sse9';

drop schema solvers cascade;
