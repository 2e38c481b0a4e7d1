-- Without regularization, or with next to none, where there are more factors than the data has ranks: the loss never rises.
create schema no_regularization;
set search_path = no_regularization;
set client_min_messages = warning;
set als.threads = 1;

create table clicks as select u as user_id, i as item_id from generate_series(0, 29) as u, generate_series(0, 19) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 4;
create table own as select g as user_id, g as item_id from generate_series(1, 10) as g;
create table stars as select user_id, item_id, 1 + (user_id + item_id) % 5 as rating from clicks;

-- A rise is one by more than 1e-5 of the loss of a model of zeros: of clicks that is their number times 1 + alpha, of ratings the sum of their squares.
create function descent(model als.model, zero_loss float8) returns text language sql as $$
  select case when bool_and(coalesce(loss <= last + 1e-5 * zero_loss, true)) then 'never rises' else 'rises' end
    || case when bool_and(loss between 0 and 'infinity' and loss <> 'infinity') then '' else ', not finite' end
  from (select loss, lag(loss) over (order by n) as last from unnest((model).loss) with ordinality as l (loss, n)) as losses $$;

select solver, regularization, descent(m, 2 * (select count(*) from clicks)), loss[15] < 1e-3 * (select count(*) from clicks) or regularization > 1e-6 as fits
from unnest(array['auto', 'direct']) as solver, unnest(array[0, 1e-12, 1e-6, 1e-3]) as regularization,
  lateral (select m, (m).loss from als.train('m', 'clicks', rating_col => null, feedback => 'implicit', factors => 15, iterations => 15, regularization => regularization, solver => solver, replace => true) as m) as runs;
select max(abs(als.predict('m', user_id, item_id) - 1)) < 0.1 as clicks_are_ones from clicks;
select solver, factors, descent(m, 20) from unnest(array['auto', 'direct']) as solver, unnest(array[10, 15, 64]) as factors,
  lateral (select m from als.train('m', 'own', rating_col => null, feedback => 'implicit', factors => factors, regularization => 0, solver => solver, replace => true) as m) as runs;
select solver, biases, nonnegative, descent(m, (select sum(rating * rating) from stars)), loss[15] < 1e-3 or nonnegative as fits
from unnest(array['auto', 'direct']) as solver, unnest(array[false, true]) as biases, unnest(array[false, true]) as nonnegative,
  lateral (select m, (m).loss from als.train('x', 'stars', factors => 32, iterations => 15, regularization => 0, biases => biases, nonnegative => nonnegative, solver => solver, replace => true) as m) as runs;
-- As few of the tiniest and the hugest ratings do.
select scale, descent(m, scale ^ 2 * (select sum(rating * rating) from stars)) from unnest(array[1e-6, 1e6]) as scale,
  lateral (select m from als.train('x', format('select user_id, item_id, rating * %s as rating from no_regularization.stars', scale), factors => 32, regularization => 0, biases => false, replace => true) as m) as runs;
-- A warm start neither.
select m.loss[1] <= before.loss[15] + 1e-5 * (select sum(rating * rating) from stars) as goes_on
from als.train('w', 'stars', factors => 32, regularization => 0, biases => false) as before, lateral als.train('w', 'stars', factors => 32, regularization => 0, biases => false, iterations => before.iterations, warm_start => true, replace => true) as m;
-- In als.tune no regularization is an option like others.
select count(*), bool_and(value between 0 and 5) as sane from als.tune('stars', '{"regularization": [0, 0.1, 1]}');

drop schema no_regularization cascade;
