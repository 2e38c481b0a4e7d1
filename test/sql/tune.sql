-- als.tune: what it tries, how it ranks, what it keeps, and als.train with the options that it finds.
create schema tune;
set search_path = tune;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, 3 + round(2 * sin(u * (i % 5 + 1)) + sin(u * 31 + i * 17)) as rating
from generate_series(1, 80) as u, generate_series(1, 50) as i where (u * 31 + i * 17) % 5 < 2;
create view likes as select user_id, item_id from ratings where rating > 3;

\pset format unaligned
\pset tuples_only on
-- A grid: every combination once, all ranks, survivors first, each with the value that it comes to.
create table g as select * from als.tune('ratings', '{"regularization": [0.03, 0.1, 0.3, 1], "factors": [2, 4, 8], "reg_exponent": 1, "iterations": 9}');
select count(*), count(distinct options), min(rank), max(rank), count(distinct rank), count(distinct trial), bool_and(seconds > 0) from g;
select iterations, count(*), min(rank), max(rank) from g group by 1 order by 1 desc;
select count(*) from g a join g b on b.rank = a.rank + 1 and b.iterations = a.iterations where b.value < a.value;
select distinct options - 'regularization' - 'bias_regularization' - 'factors' from g;
select string_agg(options ->> 'factors' || '/' || (options ->> 'regularization'), ' ' order by trial) from g;
-- The value is what a training of its own records after as many iterations, in every bit.
select bool_and(value = (r.holdout_values)[g.iterations]), count(*), max(holdout_metric)
from g, als.train('alone', 'ratings', options || '{"holdout": 0.1}', replace => true) as r;
-- Without stopping all go on to the end, and the winner is the same.
select count(*), count(*) filter (where e.iterations = 9), bool_and(e.options = g.options) filter (where e.rank = 1 and g.rank = 1), bool_and(e.value = g.value) filter (where g.iterations = 9)
from als.tune('ratings', '{"regularization": [0.03, 0.1, 0.3, 1], "factors": [2, 4, 8], "reg_exponent": 1, "iterations": 9}', stop_early => false) as e join g using (trial);
-- The same for any number of threads, and with no memory for trials put aside.
select count(*) from als.tune('ratings', '{"regularization": [0.03, 0.1, 0.3, 1], "factors": [2, 4, 8], "reg_exponent": 1, "iterations": 9}', threads => 3) as t join g using (trial, rank, value, iterations, options);
do $$
declare
  kb int := 1024;
  step int := 1024;
begin
  -- As little as a trial alone takes.
  loop
    begin
      perform set_config('als.max_memory', kb || 'kB', false);
      perform als.tune('ratings', '{"factors": 8, "iterations": 1}');
      exit when step = 1;
      kb := kb - step;
      step := step / 4;
    exception when configuration_limit_exceeded then null;
    end;
    kb := kb + step;
  end loop;
end $$;
set als."verbose" = on;
set client_min_messages = notice;
select count(*) from als.tune('ratings', '{"regularization": [0.03, 0.1, 0.3, 1], "factors": [2, 4, 8], "reg_exponent": 1, "iterations": 9}') as t join g using (trial, rank, value, iterations, options);
set client_min_messages = warning;
reset als."verbose";
reset als.max_memory;
-- Another seed holds out other ratings.
select count(*) from als.tune('ratings', '{"regularization": [0.03, 0.1, 0.3, 1], "factors": [2, 4, 8], "reg_exponent": 1, "iterations": 9}', seed => 1) as t join g using (trial, value);
-- Nothing in the grid is a trial with the defaults; a value alone is an array of one.
select trial, rank, iterations, options from als.tune('ratings', '{}');
select options from als.tune('ratings', '{"factors": 3, "iterations": 2.0, "tolerance": 0.5, "biases": false, "nonnegative": true, "solver": "direct", "reg_exponent": 0.5, "regularization": 0}');
select count(*), min(iterations) from als.tune('ratings', '{"iterations": [1, 4], "factors": 2}', stop_early => false);
select iterations < 50 from als.tune('ratings', '{"iterations": 50, "factors": 2, "tolerance": 0.2}');

-- Random search.
create table r as select * from als.tune('ratings', '{"regularization": {"min": 0.01, "max": 1, "scale": "log"}, "factors": {"min": 2, "max": 6}, "biases": [true, false], "iterations": 3}', trials => 10);
select count(*), count(distinct options), bool_and((options ->> 'regularization')::float8 between 0.01 and 1), bool_and((options ->> 'factors')::int between 2 and 6), count(distinct options -> 'biases') from r;
select count(*) from als.tune('ratings', '{"regularization": {"min": 0.01, "max": 1, "scale": "log"}, "factors": {"min": 2, "max": 6}, "biases": [true, false], "iterations": 3}', trials => 10, threads => 2) as t join r using (trial, rank, value, options);
select count(*), count(distinct options) from als.tune('ratings', '{"factors": [1, 2, 3, 4], "regularization": [0.1, 0.2, 0.3], "iterations": 1}', trials => 5);
select count(*), count(distinct options) from als.tune('ratings', '{"factors": [1, 2], "iterations": 1}', trials => 5);
select count(*), count(distinct options) from als.tune('ratings', '{"factors": {"min": 2, "max": 4}, "iterations": 1}', trials => 50);

-- Implicit feedback and its metrics.
create table i as select * from als.tune('likes', '{"alpha": [1, 10, 40], "regularization": [0.003, 0.03], "factors": 4, "iterations": 6}', feedback => 'implicit', rating_col => null, holdout => 0.2);
select count(*), bool_and(value between 0 and 1), min(options ->> 'feedback'), bool_and(options -> 'rating_col' = 'null') from i;
select count(*) from i a join i b on b.rank = a.rank + 1 and b.iterations = a.iterations where b.value > a.value;
select bool_and(value = (r.holdout_values)[i.iterations]), max(holdout_metric) from i, als.train('alone', 'likes', options || '{"holdout": 0.2}', replace => true) as r;
select m, count(*), bool_and(value between 0.01 and 1) from unnest(array['recall@5', 'precision@5', 'ndcg@5', 'map@5', 'hit_rate@5']) as m,
  als.tune('likes', '{"factors": 4, "iterations": 3}', m, feedback => 'implicit', rating_col => null, holdout => 0.2) group by 1 order by 1;

-- A test of one's own. Those of users and items that the source does not know do not count.
create view train as select * from ratings where (user_id * 7 + item_id * 3) % 10 <> 0;
create view test as select * from ratings where (user_id * 7 + item_id * 3) % 10 = 0 union all select 1, 1000, 5 union all select 1000, 1, 5;
select n_ratings = (select count(*) from train) from als.train('alone', 'train', options => '{"factors": 4, "iterations": 5}', replace => true);
select round((value - (select sqrt(avg((rating - als.predict('alone', user_id, item_id)) ^ 2)) from test))::numeric, 5) as difference
from als.tune('train', '{"factors": 4, "iterations": 5}', test => 'select * from test');
select round(value::numeric, 6) = round((select value from als.tune('train', '{"factors": 4, "iterations": 5}', test => 'test'))::numeric, 6) from als.tune('train', '{"factors": 4, "iterations": 5}', test => 'test', holdout => 0);

-- Other columns, other types.
create view texts as select 'u' || user_id as who, 'i' || item_id as what, rating::numeric as stars from ratings;
select options - 'seed' - 'solver' from als.tune('texts', '{"factors": 2, "iterations": 1}', user_col => 'who', item_col => 'what', rating_col => 'stars', on_duplicate => 'error');
select n_users, n_items from als.train('by_text', 'texts', (select options from als.tune('texts', '{"factors": [2, 3], "iterations": 1}', user_col => 'who', item_col => 'what', rating_col => 'stars') where rank = 1));

-- Results in a table: made, appended to, with one's own columns and grants.
select count(*) from als.tune('ratings', '{"factors": [2, 3, 4], "iterations": 2}', results => 'kept');
select count(*) from als.tune('select * from ratings where user_id < 50', '{"factors": [2, 3], "iterations": 2}', results => 'tune.kept');
select run, source, metric, count(*), min(rank), max(rank), count(distinct tuned_at) from kept group by 1, 2, 3 order by 1;
select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where attrelid = 'kept'::regclass and attnum > 0 order by attnum;
alter table kept add note text default 'mine';
select count(*) from als.tune('ratings', '{"factors": [2], "iterations": 2}', results => 'kept');
select run, note from kept where run = 3;
begin;
select count(*) from als.tune('ratings', '{"factors": [2], "iterations": 2}', results => 'kept');
rollback;
select max(run), count(*) from kept;
create view a_view as select 1 as x;
select try($$select als.tune('ratings', '{}', results => 'a_view')$$);
create table narrow (run bigint);
select try($$select als.tune('ratings', '{}', results => 'narrow')$$);
-- Nor one with other types, or with columns that would get no value; nor where rows may be hidden.
select count(*) from als.tune('ratings', '{"factors": [2], "iterations": [1]}', results => 'changed');
begin;
alter table changed alter metric type int using 1;
select try($$select als.tune('ratings', '{}', results => 'changed')$$);
rollback;
begin;
alter table changed drop column options;
select try($$select als.tune('ratings', '{}', results => 'changed')$$);
rollback;
begin;
alter table changed add note text not null default '';
select count(*) from als.tune('ratings', '{"factors": [2], "iterations": [1]}', results => 'changed');
alter table changed alter note drop default;
select try($$select als.tune('ratings', '{}', results => 'changed')$$);
rollback;
create role tuner;
grant usage on schema tune to tuner;
grant select on ratings to tuner;
grant select, insert on changed to tuner;
alter table changed enable row level security;
set role tuner;
select try($$select als.tune('ratings', '{}', results => 'changed')$$);
reset role;
drop table changed;
drop owned by tuner;
drop role tuner;
select try($$select als.tune('ratings', '{}', results => 'nowhere.x')$$);
create role tune_reader;
grant usage on schema tune to tune_reader;
grant select on ratings to tune_reader;
grant select on kept to tune_reader;
set role tune_reader;
select count(*) from als.tune('tune.ratings', '{"factors": 2, "iterations": 2}');
select try($$select als.tune('tune.train', '{}')$$);
select try($$select als.tune('tune.ratings', '{}', results => 'tune.kept')$$);
select try($$select als.tune('tune.ratings', '{}', results => 'tune.new')$$);
select try($$select als.tune('tune.ratings', '{}', test => 'tune.test')$$);
reset role;
-- Row-level security.
alter table ratings enable row level security;
create policy half on ratings using (user_id <= 40);
select options, value from als.tune('select * from ratings where user_id <= 40', '{"factors": 2, "iterations": 2}') \gset all_
set role tune_reader;
select value = :all_value from als.tune('tune.ratings', '{"factors": 2, "iterations": 2}');
reset role;
alter table ratings disable row level security;
-- Without results nothing is written.
begin read only;
select count(*) from als.tune('ratings', '{"factors": 2, "iterations": 2}');
select left(try($$select als.tune('ratings', '{}', results => 'kept')$$), 5);
commit;

-- What the grid must not hold.
create function try_grid(grid text, more text default '') returns text language sql as
$$ select tune.try(format('select als.tune(''ratings'', %L%s)', grid, more)) $$;
select try_grid(g) from unnest(array[
  '[1]', '5', 'null', '{"factor": [8]}', '{"seed": [1, 2]}', '{"feedback": ["implicit"]}',
  '{"factors": []}', '{"factors": [8, 0]}', '{"factors": [1025]}', '{"factors": [8.5]}', '{"factors": ["8"]}', '{"factors": [null]}', '{"factors": null}', '{"factors": [[8]]}', '{"factors": true}',
  '{"iterations": 0}', '{"regularization": [-1]}', '{"regularization": [1e23]}', '{"reg_exponent": [3]}', '{"biases": [1]}', '{"biases": "yes"}', '{"solver": ["lu"]}', '{"tolerance": 2}', '{"alpha": [1, 2]}',
  '{"nonnegative": [true, false], "solver": ["cg", "direct"]}',
  '{"factors": {"min": 1, "max": 9}}', '{"factors": [[[[[[1]]]]]]}', '{"regularization": 1e400}']) as g;
select try_grid(g, ', trials => 5') from unnest(array[
  '{"factors": {"min": 9, "max": 1}}', '{"factors": {"min": 1}}', '{"factors": {"max": 1}}', '{"factors": {"min": 0, "max": 9}}', '{"factors": {"min": 1, "max": 9, "scale": "cubic"}}', '{"factors": {"min": 1, "max": 9, "step": 2}}',
  '{"regularization": {"min": 0, "max": 1, "scale": "log"}}', '{"biases": {"min": 0, "max": 1}}', '{"factors": {}}']) as g;
select try_grid(format('{"regularization": %s, "alpha": %1$s}', (select json_agg(n) from generate_series(1, 40) as n)), ', feedback => ''implicit''');
-- Other arguments.
select try('select als.tune(null, ''{}'')');
select try('select als.tune(''ratings'', null, seconds => -1)');
select try('select als.tune(''ratings'', null, trials => 0)');
select try('select als.tuned(null)');
select try_grid('{}', ', ' || a) from unnest(array['trials => 0', 'trials => 1001', 'holdout => 0', 'holdout => 1', 'holdout => null', 'seed => null', 'threads => 0', 'feedback => ''none''', 'stop_early => null', 'on_duplicate => ''max''',
  'metric => ''recall@10''', 'metric => ''RMSE''', 'feedback => ''implicit'', metric => ''rmse''', 'feedback => ''implicit'', metric => ''recall''', 'feedback => ''implicit'', metric => ''recall@0''', 'feedback => ''implicit'', metric => ''ndcg@05''', 'feedback => ''implicit'', metric => ''auc@5''',
  'user_col => ''nobody''', 'test => ''nothing''', 'test => ''select 1 as user_id, 1 as item_id''', 'test => ''select 1::bigint as user_id, 1 as item_id, 1 as rating''', 'test => ''select -1 as user_id, 1 as item_id, 1 as rating''']) as a;
select try($$select als.tune('nothing', '{}')$$);
select try($$select als.tune('select * from ratings where false', '{}')$$);
select try($$select als.tune('select distinct on (user_id) * from ratings', '{}')$$);
select try($$select als.tune('select 1 as user_id, 1 as item_id, n as rating from generate_series(1, 2) as n', '{}', on_duplicate => 'error')$$);
set als.max_memory = '1MB';
select regexp_replace(try_grid('{"factors": [8, 512]}'), '\d+ MB', 'N MB');
reset als.max_memory;
-- Ratings beyond single precision.
create view huge as select user_id, item_id, rating * 1e30 as rating from ratings;
select try($$select als.tune('huge', '{"regularization": [0, 0.1]}')$$);
-- Without a grid: the defaults first, and what lies around them in the scale of the data.
select trial, round((options ->> 'regularization')::numeric, 3) as regularization, options -> 'reg_exponent' as e
from als.tune('ratings', seconds => null, trials => 5) order by trial;
select trial, round((options ->> 'alpha')::numeric, 3) as alpha, round((options ->> 'regularization')::numeric, 3) as regularization
from als.tune('ratings', seconds => 1e9, trials => 4, feedback => 'implicit') order by trial;
create view cents as select user_id, item_id, rating * 100 as rating from ratings;
select a.trial, round((b.value / a.value)::numeric, 2) as value, round(((b.options ->> 'regularization')::float8 / (a.options ->> 'regularization')::float8)::numeric, 2) as regularization
from als.tune('ratings', seconds => 1e9, trials => 3) a join als.tune('cents', seconds => 1e9, trials => 3) b using (trial) order by trial;
-- Time is looked at between trials. The first of them, the defaults, is always there.
select trial, rank, iterations > 0 as trained, options -> 'reg_exponent' as e from als.tune('ratings', seconds => 0);
select count(*) from als.tune('ratings', '{"regularization": [1, 2, 3], "factors": 2}', seconds => 0);
-- All that one has to know.
select run, factors, feedback from als.train('by_itself', 'ratings', options => als.tuned('ratings', seconds => 1e9, trials => 3));
select run, feedback from als.train('by_itself', 'ratings', options => als.tuned('ratings', feedback => 'implicit', seconds => 0), replace => true);
select als.tuned('texts', user_col => 'who', item_col => 'what', rating_col => 'stars', seconds => 0) ->> 'user_col' as user_col;
-- Of the trials that are as good as the best the first: less than that is chance.
create table around as select * from als.tune('likes', feedback => 'implicit', rating_col => null, seconds => 1e9, trials => 15);
select als.tuned('likes', feedback => 'implicit', rating_col => null, seconds => 1e9, trials => 15) = options as is_first
from around where value >= 0.995 * (select max(value) from around) order by trial limit 1;
create table around_stars as select * from als.tune('ratings', seconds => 1e9, trials => 15);
select als.tuned('ratings', seconds => 1e9, trials => 15) = options as is_first
from around_stars where value <= 1.001 * (select min(value) from around_stars) order by trial limit 1;
select als.drop_model('by_itself');

-- als.train with options in an object. Calls without resolve as before.
select pg_typeof(als.train('a', 'ratings', 'user_id', 'item_id', 'rating', 'explicit', 2, 1));
select factors, user_col from als.train('a', 'ratings', 'user_id', factors => 3, iterations => 1, replace => true);
select factors from als.train('a', 'ratings', factors => 3, iterations => 1, replace => true);
select run, factors, iterations, regularization, seed, solver from als.train('a', 'ratings', '{"factors": 4, "iterations": 2, "regularization": null, "seed": 9223372036854775807, "solver": "direct"}'::jsonb, true);
select run, factors from als.train('a', 'ratings', options => '{"factors": 5, "iterations": 1, "replace": true}');
select run, factors from als.train('a', 'ratings', options => '{"factors": 6, "iterations": 1, "replace": false}', replace => true);
select run, warm_start, holdout, threads from als.train('a', 'ratings', options => '{"factors": 6, "iterations": 1, "replace": true, "warm_start": true, "holdout": 0.1, "threads": 2}');
create function try_train(options text) returns text language sql as $$ select tune.try(format('select als.train(''b'', ''ratings'', options => %L)', options)) $$;
select try_train(o) from unnest(array[null, '[]', '{"nonsense": 1}', '{"model": "x"}', '{"factors": [1]}', '{"factors": {}}', '{"factors": "many"}', '{"factors": 0}', '{"factors": null}', '{"solver": "x''y"}', '{"user_col": "nobody"}', '{"alpha": 1}', '{"Factors": 2}',
  '{"factors": 2.5}', '{"factors": "2"}', '{"regularization": 1e400}', '{"threads": 1.5}', '{"threads": 1000}', '{"unlogged": 1}', '{"user_col": 3}', '{"seed": 9223372036854775808}',
  '{"nonsense": null}']) as o;
-- All arguments of als.train are among them.
select name from (select unnest(proargnames[3:pronargs]) as name from pg_proc where pronamespace = 'als'::regnamespace and proname = 'train' and pronargs > 4) arguments
where try_train(json_build_object(name, array[1])::text) like '%has no option%';
select distributed, parts from als.train('a', 'ratings', options => '{"factors": 2, "iterations": 1, "distributed": true, "parts": 2}', replace => true);
select try($$select als.train('a', 'ratings', options => '{"factors": 2}')$$);
select to_regclass('b');

reset search_path;
drop owned by tune_reader;
drop role tune_reader;
drop schema tune cascade;
