-- Five folds by a hash of user and item: each is predicted by a model of the other four. Unknown users and
-- items are predicted by the mean and what is known.
create procedure pg_temp.measure(e float8, lambda float8, factors int) language plpgsql as $$
declare
  squares float8 := 0;
  errors float8 := 0;
  n bigint := 0;
  fold record;
begin
  for k in 0 .. 4 loop
    perform als.train('model',
                      format($q$select * from public.ratings
                                where hashtextextended(user_id || '/' || item_id, 1) & 65535 not between %s and %s$q$,
                             k * 65536 / 5, (k + 1) * 65536 / 5 - 1),
                      reg_exponent => e, regularization => lambda, factors => factors);
    execute $q$
      select count(*) as n, sum((rating - s) ^ 2) as squares, sum(abs(rating - s)) as errors
      from (select rating, als.predict('model', user_id, item_id, 'mean') as s from public.ratings
            where hashtextextended(user_id || '/' || item_id, 1) & 65535 between $1 and $2) held_out
    $q$ into fold using k * 65536 / 5, (k + 1) * 65536 / 5 - 1;
    n := n + fold.n;
    squares := squares + fold.squares;
    errors := errors + fold.errors;
    perform als.drop_model('model');
  end loop;
  insert into pg_temp.result values (factors, e, lambda, sqrt(squares / n), errors / n);
end
$$;

create temporary table result (factors int, reg_exponent float8, regularization float8, rmse float8, mae float8);
-- Nulls: the defaults.
select format('call pg_temp.measure(%L, %L, %s)', e, lambda, factors)
from (values (null, null), (1, 0.08), (1, 0.1), (1, 0.12), (0.7, 0.4), (0.7, 0.6), (0.5, 1), (0.5, 1.2), (0.5, 1.5), (0.3, 4),
             (0, 12), (0, 20)) as options (e, lambda),
     unnest(array[16, 64, 128]) as factors \gexec
select factors, reg_exponent as e, regularization as lambda, round(rmse::numeric, 4) as rmse,
       round(mae::numeric, 4) as mae
from pg_temp.result order by rmse;
