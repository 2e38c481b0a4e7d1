-- als.equations, als.implicit_equations, als.gram and als.solve.
create schema equations;
set search_path = equations;
set client_min_messages = warning;
set als.threads = 1;
set extra_float_digits = 0;
\set VERBOSITY terse

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (1 + 4 * als.hash_fraction(u, i, 'rating'))::real as rating
from generate_series(1, 60) u, generate_series(1, 25) i where als.hash_fraction(u, i) < 0.4;

-- By hand: two ratings of one factor. (1 + 4 + lambda 2^e) x = 3 * 1 + 5 * 2.
select als.solve(als.equations(f, r), 0.5, 1), als.solve(als.equations(f, r), 0.5, 0), als.solve(als.equations(f, r), 0)
from (values ('{1}'::real[], 3), ('{2}', 5)) v(f, r);
-- With a bias: ((1 + 4 + 2 lambda, 1 + 2), (1 + 2, 2 + 2 lambda_b)) (x, b)' = (1 * 2 + 2 * 4, 2 + 4)'.
select als.solve(als.equations(f, r, b), 0.25, 1, 1)
from (values ('{1}'::real[], 3, 1), ('{2}', 5, 1)) v(f, r, b);
-- Implicit feedback: (G + 2 * 1 + lambda (2 + 3)^e) x = 1 + 2.
select als.solve(als.implicit_equations(f, r, 2), 0.1, 1, gram => (select als.gram(g) from (values ('{1}'::real[]), ('{2}'), ('{3}')) v(g)))
from (values ('{1}'::real[], 1)) v(f, r);
-- Nulls are left out; nothing is null; so is its solution.
select als.solve(als.equations(f, r), 0) from (values ('{1}'::real[], 3), (null, 5), ('{2}', null)) v(f, r);
select als.equations(f, r) is null as none, als.solve(als.equations(f, r), 0) is null as none, als.gram(f) is null as none, als.implicit_equations(f, r, 1) is null as none
from (values (null::real[], 5)) v(f, r);

-- What a training solves: a user's vector as als.train leaves it, with all kinds of feedback.
select from als.train('explicit', 'ratings', factors => 5, iterations => 3, biases => false, solver => 'direct', regularization => 0.1, reg_exponent => 0.7);
select from als.train('biased', 'ratings', factors => 17, iterations => 3, solver => 'direct', regularization => 0.5, bias_regularization => 0.3);
select from als.train('implicit', 'ratings', factors => 8, iterations => 3, feedback => 'implicit', solver => 'direct', regularization => 0.2, alpha => 3);
create function differs(a real[], b real[]) returns boolean language sql as $$
  select sqrt(sum((x - y) ^ 2)) > 1e-5 * sqrt(sum(y ^ 2)) or count(x) <> count(y) from unnest(a, b) t(x, y)
$$;
select count(*) as users, count(*) filter (where differs(x, factors)) as differ
from (select r.user_id, als.solve(als.equations(y.factors, r.rating), 0.1, 0.7) as x
      from ratings r join explicit_item_factors y using (item_id) group by r.user_id) s join explicit_user_factors using (user_id);
select count(*) as users, count(*) filter (where differs(x, factors || bias)) as differ
from (select r.user_id, als.solve(als.equations(y.factors, r.rating - m.mean, y.bias), m.regularization, m.reg_exponent, m.bias_regularization) as x
      from biased m, ratings r join biased_item_factors y using (item_id) group by r.user_id, m.regularization, m.reg_exponent, m.bias_regularization) s
join biased_user_factors using (user_id);
select count(*) as users, count(*) filter (where differs(x, factors)) as differ
from (select r.user_id, als.solve(als.implicit_equations(y.factors, r.rating, 3), 0.2, 0.5, gram => (select als.gram(factors) from implicit_item_factors)) as x
      from ratings r join implicit_item_factors y using (item_id) group by r.user_id) s join implicit_user_factors using (user_id);

-- Sums of parts are those of the whole, whatever the parts.
create function solved(parts int) returns real[] language plpgsql as $$
declare whole bytea;
begin
  for p in 0 .. parts - 1 loop
    whole := coalesce(als._merge_equations(whole, e), whole, e)
    from (select als.equations(y.factors, r.rating) as e from ratings r join explicit_item_factors y using (item_id) where (r.user_id + r.item_id) % parts = p) s;
  end loop;
  return als.solve(whole, 0.1);
end $$;
select parts, differs(solved(parts), solved(1)) from unnest(array[1, 2, 3, 16, 50]) parts;
-- So they are in parallel plans, and as window functions.
begin;
set local parallel_setup_cost = 0;
set local parallel_tuple_cost = 0;
set local min_parallel_table_scan_size = 0;
explain (costs off) select als.solve(als.equations(y.factors, y.n_ratings), 0.1) from explicit_user_factors y;
create temp table serial as select als.solve(als.equations(y.factors, y.n_ratings), 0.1) as x, als.gram(y.factors) as g from explicit_user_factors y;
commit;
select differs(x, (select als.solve(als.equations(y.factors, y.n_ratings), 0.1) from explicit_user_factors y)) from serial;
select item_id, als.solve(als.equations(factors, item_id) over (order by item_id), 0.1) is distinct from
  (select als.solve(als.equations(y.factors, y.item_id order by y.item_id), 0.1) from explicit_item_factors y where y.item_id <= x.item_id) as differs
from explicit_item_factors x order by item_id limit 20;
-- Called by hand, an argument stays as it was.
with a as (select als.equations(f, r) as e from (values ('{1}'::real[], 3)) v(f, r)),
     b as materialized (select als._add_rating(e, '{2}', 5) as more, e from a)
select als.solve(e, 0), als.solve(more, 0), als.solve(als._merge_equations(more, e), 0) from b;
-- Stored out of line, and with a short header.
create temp table stored as select als.equations(y.factors, r.rating - 3, y.bias) as e from ratings r join biased_item_factors y using (item_id) group by user_id;
select count(*) as rows, count(als.solve(e, 1)) as solved, bool_and(als.solve(e, 1) = als.solve(e || ''::bytea, 1)) as same from stored;

-- Mistakes.
select try($$select als.equations(f, 1) from (values ('{1}'::real[]), ('{1,2}')) v(f)$$);
select try($$select als.equations(f, 1) from (values ('{}'::real[])) v(f)$$);
select try($$select als.equations(f, 1) from (values (array_fill(1::real, array[1025]))) v(f)$$);
select try($$select als.equations(f, 1) from (values ('{{1}}'::real[])) v(f)$$);
select try($$select als.equations(f, 1) from (values ('{1,null}'::real[])) v(f)$$);
select try($$select als.equations(f, 1) from (values ('{1,NaN}'::real[])) v(f)$$);
select try($$select als.gram(f) from (values ('{1e18}'::real[])) v(f)$$);
select try($$select als.equations('{1}', r) from (values ('NaN'::float8)) v(r)$$);
select try($$select als.equations('{1}', r) from (values (-1e39::float8)) v(r)$$);
select try($$select als.equations('{1}', 1, b) from (values ('-Infinity'::float8)) v(b)$$);
select try($$select als.implicit_equations('{1}', 1, a) from (values (-1::float8)) v(a)$$);
select try($$select als.implicit_equations('{1}', 1, a) from (values (null::float8)) v(a)$$);
select try($$select als.implicit_equations('{1}', 1, a) from (values (1), (2)) v(a)$$);
select try($$select als.solve(als.equations('{1}', 1), -1)$$);
select try($$select als.solve(als.equations('{1}', 1), null)$$);
select try($$select als.solve(als.equations('{1}', 1), 1, 3)$$);
select try($$select als.solve(als.equations('{1}', 1), 1, 1, 1)$$);
select try($$select als.solve(als.equations('{1}', 1, 1), 1, 1, 'NaN')$$);
select try($$select als.solve(als.equations('{1}', 1), 1, gram => als.gram('{1}'))$$);
select try($$select als.solve(als.implicit_equations('{1}', 1, 1), 1)$$);
select try($$select als.solve(als.implicit_equations('{1}', 1, 1), 1, gram => als.gram('{1,2}'))$$);
select try($$select als.solve(als.implicit_equations('{1}', 1, 1), 1, gram => als.equations('{1}', 1))$$);
select try($$select als.solve(als.gram('{1}'), 1)$$);
select try($$select als._merge_equations(als.equations('{1}', 1), als.gram('{1}'))$$);
select try($$select als._merge_equations(als.equations('{1}', 1), als.equations('{1,2}', 1))$$);
select try($$select als.solve(als.equations('{1e-15}', 1e30), 0)$$);
-- Bytes that are none: cut, longer, or changed one by one. Whatever comes out, it is no crash.
select try($$select als.solve('', 1)$$);
select try($$select als.solve('\x6573636c', 1)$$);
select try($$select als.solve(substr(e, 1, length(e) - 1), 1) from (select als.equations('{1}', 1) as e) s$$);
select try($$select als.solve(e || '\x00', 1) from (select als.equations('{1}', 1) as e) s$$);
create table outcomes as
select n, try(format('select als.solve(set_byte(e, %s, %s), 1) from (select als.equations(array[1, 2], 1) as e) s', n, b)) as outcome
from generate_series(0, 199) n, unnest(array[0, 1, 127, 128, 255]) b;
select split_part(outcome, ' ', 1) as sqlstate, count(*) > 10 as many from outcomes group by 1 order by 1;
select proname, pronargs, provolatile, proparallel from pg_proc where pronamespace = 'als'::regnamespace
  and proname in ('equations', 'implicit_equations', 'gram', 'solve', '_add_rating', '_add_implicit_rating', '_add_vector', '_merge_equations') order by 1, 2;

set client_min_messages = error;
drop schema equations cascade;
