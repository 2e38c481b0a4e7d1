-- als.fold_in and als.recommend_for: users whom training has not seen.
create schema fold_in;
set search_path = fold_in;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (((u * 7 + i * 13) % 9 + 1) / 2.0)::real as rating
from generate_series(1, 40) as u, generate_series(1, 30) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
-- With duplicates, negatives and zeros.
create table messy as
select user_id, item_id, case when item_id % 7 = 0 then -rating when user_id % 11 = 0 then 0 else rating end as rating from ratings
union all select user_id, item_id, rating + 1 from ratings where (user_id + item_id) % 10 = 0;

-- A trained user's own ratings give back that user's vector, and the list with its scores, so the bias too.
create function check_trained(title text, source text, options text)
returns table (model text, users bigint, "same vectors" bool, "not all zero" bool, "same lists" bool) language plpgsql as $$
begin
  execute format('select from als.train(''trained'', %L, %s)', source, options);
  execute format('create temp table basket on commit drop as select user_id, array_agg(item_id order by rating, item_id) as items, array_agg(rating::real order by rating, item_id) as ratings from %s group by 1', source);
  return query
  with folded as (
    select u.factors, als.fold_in('trained', b.items, b.ratings) as vector from basket as b join trained_user_factors as u using (user_id)
  ), distances as (
    select (select sqrt(sum((a::float8 - b) ^ 2)) from unnest(factors, vector) as t (a, b)) as distance,
      (select sqrt(sum(a::float8 ^ 2)) from unnest(factors) as a) as length
    from folded
  ), lists as (
    select bool_and(abs(a.score - b.score) <= 1e-4 * (1 + abs(a.score))) as same
    from basket, als.recommend('trained', user_id, 100) as a
      full join als.recommend_for('trained', items, ratings, 100) as b using (item_id)
    group by user_id
  )
  select title, count(*), bool_and(coalesce(distance <= 1e-4 * length, false)), bool_or(length > 0.01),
    (select bool_and(coalesce(same, false)) from lists)
  from distances;
  drop table basket;
  perform als.drop_model('trained');
end $$;

select c.* from (values
  ('explicit', 'ratings', 'factors => 5, iterations => 4, solver => ''direct'''),
  ('explicit, cg', 'ratings', 'factors => 5, iterations => 4, solver => ''cg'''),
  ('explicit, no biases', 'ratings', 'factors => 17, iterations => 4, biases => false, solver => ''direct'''),
  ('explicit, no biases, cg', 'ratings', 'factors => 17, iterations => 4, biases => false, solver => ''cg'''),
  ('explicit, plain ridge', 'ratings', 'factors => 5, iterations => 4, reg_exponent => 0, regularization => 1'),
  ('explicit, root', 'ratings', 'factors => 5, iterations => 4, reg_exponent => 0.5, regularization => 0.3'),
  ('explicit, nonnegative', 'ratings', 'factors => 5, iterations => 4, nonnegative => true'),
  ('explicit, nonnegative, no biases', 'ratings', 'factors => 5, iterations => 4, nonnegative => true, biases => false'),
  ('explicit, averages', 'messy', 'factors => 3, iterations => 4, regularization => 0.05'),
  ('explicit, sums', 'messy', 'factors => 3, iterations => 4, on_duplicate => ''sum'''),
  ('implicit', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 4, solver => ''direct'''),
  ('implicit, cg', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 4, solver => ''cg'''),
  ('implicit, plain ridge', 'ratings', 'feedback => ''implicit'', factors => 17, iterations => 4, reg_exponent => 0, regularization => 3'),
  ('implicit, root', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 4, reg_exponent => 0.5, regularization => 0.5, alpha => 2'),
  ('implicit, nonnegative', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 4, nonnegative => true'),
  ('implicit, sums', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 4'),
  ('implicit, averages', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 4, on_duplicate => ''average''')
) as t (title, source, options), check_trained(title, source, options) as c;

select n_items from als.train('m', 'ratings', factors => 7, iterations => 4);
select n_items from als.train('taste', 'ratings', factors => 7, iterations => 4, feedback => 'implicit');
select n_items from als.train('clicks', 'ratings', factors => 7, iterations => 4, feedback => 'implicit', rating_col => null);
select n_items from als.train('strict', 'ratings', factors => 7, iterations => 4, on_duplicate => 'error');
select n_items from als.train('words', 'select user_id, ''item '' || item_id as item_id, rating from ratings', factors => 7, iterations => 4, feedback => 'implicit');

-- Ids of any type that casts to the model's, as a literal, as text, and in any shape.
create table vectors as select als.fold_in('taste', array[3, 5, 8], '{1,2,3}') as vector;
select array_length(vector, 1), array_ndims(vector), array_position(vector, null) from vectors;
select als.fold_in('taste', array[3, 5, 8]::bigint[], '{1,2,3}') = vector as "bigint", als.fold_in('taste', array[3.0, 5, 8], '{1,2,3}') = vector as "numeric",
  als.fold_in('taste', array['3', '5', '8'], '{1,2,3}') = vector as "text", als.fold_in('taste', '{3,5,8}', '{1,2,3}') = vector as literal,
  als.fold_in('taste', '{3,5,8}'::text, array[1, 2, 3]) = vector as "a text", als.fold_in('taste', '[0:2]={3,5,8}', '[7:9]={1,2,3}') = vector as bounds,
  als.fold_in('taste', array[[8, 3], [5, 5]], array[[3, 1], [1, 1]]) = vector as square, als.fold_in('taste', array[8, 3, 5], '{3,1,2}') = vector as "any order"
from vectors;
prepare untyped as select als.fold_in('taste', $1, $2) = vector from vectors;
execute untyped ('{3,5,8}', '{1,2,3}');
deallocate untyped;
-- Null and unknown ids are left out, with their ratings.
select als.fold_in('taste', array[3, null, 5, 4711, 8, -1], '{1,9,2,9,3,9}') = vector from vectors;
select als.fold_in('taste', array[4711]), als.fold_in('taste', '{}'), als.fold_in('taste', array[null, null]::int[]), als.fold_in('taste', '{}'::int[], '{}');
-- Without ratings every item counts 1.
select als.fold_in('taste', array[3, 5, 8]) = als.fold_in('taste', array[3, 5, 8], '{1,1,1}'), als.fold_in('clicks', array[3, 5]) = als.fold_in('clicks', array[5, 3], '{1,1}');
select try('select als.fold_in(''m'', array[3, 5])');
select try('select als.fold_in(''m'', array[4711])');
-- An empty basket has none to give.
select als.fold_in('m', '{}'), als.fold_in_item('m', null::int[]), (select count(*) from als.recommend_for('m', '{}'::int[])) as without, (select count(*) from als.recommend_for('m', '{}'::int[], k => 2, on_unknown => 'popular')) as popular;
-- The same item twice, as in training.
select als.fold_in('m', array[3, 5, 3], '{1,4,2}') = als.fold_in('m', array[3, 5], '{1.5,4}') as average,
  als.fold_in('taste', array[3, 5, 3], '{1,4,2}') = als.fold_in('taste', array[3, 5], '{3,4}') as sum,
  als.fold_in('clicks', array[3, 5, 3]) = als.fold_in('clicks', array[3, 5], '{2,1}') as counts;
select try('select als.fold_in(''strict'', array[3, 5, 3], ''{1,4,2}'')');
select als.fold_in('strict', array[4711, 5, 4711], '{1,4,2}') = als.fold_in('strict', array[5], '{4}');
-- A score is the product with the item's vector, and with biases mu, the item's bias and the user's own, which ranks nothing.
select count(*), max(abs(als.dot(als.fold_in('taste', array[3, 5, 8]), factors) - r.score)) < 1e-6 as same
from als.recommend_for('taste', array[3, 5, 8], k => 30) as r join taste_item_factors using (item_id);
select count(*), max(own) - min(own) < 1e-5 as "one bias", abs(max(own)) > 1e-3 as "not zero"
from (select r.score - als.dot(als.fold_in('m', array[3, 5, 8], '{1,2,3}'), i.factors) - bias - mean as own
      from m, als.recommend_for('m', array[3, 5, 8], '{1,2,3}', 30) as r join m_item_factors as i using (item_id)) as t;
-- Factors that have changed since.
begin;
select als.fold_in('taste', array[3, 5, 8], '{1,2,3}') = vector from vectors;
update taste_item_factors set factors = array(select 2 * y from unnest(factors) as y);
select als.fold_in('taste', array[3, 5, 8], '{1,2,3}') = vector from vectors;
rollback;
select als.fold_in('taste', array[3, 5, 8], '{1,2,3}') = vector from vectors;
-- So are options changed by hand; impossible ones are refused.
begin;
update taste set regularization = 10;
select als.fold_in('taste', array[3, 5, 8], '{1,2,3}') = vector from vectors;
rollback;
create function try_row(change text) returns text language plpgsql as $$
begin
  execute 'update taste set ' || change;
  return try('select als.fold_in(''taste'', array[3, 5])');
end $$;
begin;
select try_row('regularization = -1');
select try_row('regularization = ''NaN''');
select try_row('regularization = null');
select try_row('regularization = 0.1, reg_exponent = 3');
select try_row('reg_exponent = 1, alpha = -0.5');
select try_row('alpha = 1, biases = true');
select try_row('biases = false, nonnegative = null');
rollback;

-- Arguments that are wrong.
select try('select als.fold_in(''taste'', array[3, 5], ''{1}'')');
select try('select als.fold_in(''taste'', array[3], ''{1,2}'')');
select try('select als.fold_in(''taste'', ''{}'', ''{1}'')');
select try('select als.fold_in(''m'', array[3, 5, 8], ''{1,null,2}'')');
select try('select als.fold_in(''m'', array[3, 5, 8], ''{1,2,NaN}'')');
select try('select als.fold_in(''m'', array[3, 5, 8], ''{-Infinity,2,3}'')');
select try('select als.fold_in(''taste'', array[3, 3], ''{3e38,3e38}'')');
select try('select als.fold_in(''taste'', 3)');
select try('select als.fold_in(''taste'', ''3'')');
select try('select als.fold_in(''taste'', ''{3,x}'')');
select try('select als.fold_in(''taste'', array[''x''])');
select try('select als.fold_in(''taste'', array[now()])');
select try('select als.fold_in(''taste'', row(1, 2))');
select try('select als.fold_in(''ratings'', array[3])');
select als.fold_in(null, array[3]), als.fold_in('m', null), als.fold_in('m', null::int[]);
select try('select als.fold_in(''m'', null::int[], ''{1}'')');
-- Vectors that are no numbers.
begin;
update m_item_factors set factors = array_fill('NaN'::real, array[7]) where item_id = 3;
select try('select als.fold_in(''m'', array[3, 5], ''{1,2}'')');
update m_item_factors set factors = array_fill(1e17::real, array[7]) where item_id = 3;
select try('select als.fold_in(''m'', array[3], ''{3e38}'')');
select als.fold_in('m', array[5], '{2}') is not null;
rollback;

-- The best items for a basket: ids typed like the array's elements, or text.
create table best as select * from als.recommend_for('taste', array[3, 5, 8], k => 4);
select pg_typeof(item_id), count(*), max(rank) from best group by 1;
select pg_typeof(r.item_id), bool_and(r.item_id = b.item_id and r.score = b.score) from als.recommend_for('taste', array[3, 5, 8]::bigint[], k => 4) as r join best as b using (rank) group by 1;
select pg_typeof(r.item_id), bool_and(r.item_id = b.item_id::text and r.score = b.score) from als.recommend_for('taste', '{3,5,8}', k => 4) as r join best as b using (rank) group by 1;
select pg_typeof(r.item_id), bool_and(r.item_id = b.item_id::text and r.score = b.score) from als.recommend_for('taste', array['3', '5', '8'], k => 4) as r join best as b using (rank) group by 1;
prepare untyped as select r.item_id = b.item_id::text as same from als.recommend_for('taste', $1, k => 4) as r join best as b using (rank);
execute untyped ('{3,5,8}');
deallocate untyped;
select pg_typeof(item_id), count(*), bool_and(item_id ~ '^item \d+$' and item_id <> 'item 3') from als.recommend_for('words', array['item 3', 'item 5']) group by 1;
select pg_typeof(item_id), count(*) from als.recommend_for('words', '{item 3,item 5}') group by 1;
select pg_typeof(item_id), count(*) from als.recommend_for('words', '{item 3,item 5}'::varchar[]) group by 1;
select count(*) from als.recommend_for('words', array[3, 5]);
-- Against brute force.
select array_agg(r.item_id order by rank) = (
  select array_agg(item_id::bigint) from (
    select item_id from taste_item_factors where item_id not in (3, 5, 8) order by als.dot(als.fold_in('taste', array[3, 5, 8]), factors) desc, item_id limit 10) as top)
from als.recommend_for('taste', array[3, 5, 8]) as r;
-- The basket's own items come back only if asked for; candidates, exclude and k are those of als.recommend.
select count(*), count(*) filter (where item_id in (3, 5, 8)) from als.recommend_for('taste', array[3, 5, 8, 4711], k => 100);
select count(*), count(*) filter (where item_id in (3, 5, 8)) from als.recommend_for('taste', array[3, 5, 8, 4711], k => 100, exclude_seen => false);
select array_agg(item_id order by item_id) from als.recommend_for('taste', array[3, 5, 8], candidates => array[3, 4, 6, 4711, null]);
select array_agg(item_id order by item_id) from als.recommend_for('taste', array[3, 5, 8], candidates => '{3,4,6}', exclude => '{4}'::text, exclude_seen => false);
select count(*) from als.recommend_for('taste', array[3], k => 0);
select array_agg(item_id order by rank) = (select array_agg(item_id order by rank) from best) from als.recommend_for('taste', '{3,5,8}'::int[], null, 4);
-- None of the items known.
select count(*) from als.recommend_for('taste', array[4711]);
select count(*) from als.recommend_for('taste', '{}'::int[], on_unknown => 'empty');
select array_agg(r.item_id order by rank) = (select array_agg(item_id::bigint) from (select item_id from taste_item_factors order by n_ratings desc, item_id limit 10) as p)
from als.recommend_for('taste', array[4711], on_unknown => 'popular') as r;
select array_agg(item_id order by item_id) from als.recommend_for('taste', '{}', on_unknown => 'popular', candidates => array[1, 2, 3], exclude => array[2]);
select count(*) from als.recommend_for('taste', array[4711, 3], on_unknown => 'error');
select try('select * from als.recommend_for(''taste'', array[4711, null], on_unknown => ''error'')');
select try('select * from als.recommend_for(''taste'', array[3], on_unknown => ''null'')');
select try('select * from als.recommend_for(''taste'', array[3], on_unknown => null)');
select try('select * from als.recommend_for(''taste'', array[3], k => -1)');
select try('select * from als.recommend_for(''taste'', array[3], k => null)');
select try('select * from als.recommend_for(''taste'', array[3], exclude_seen => null)');
select try('select * from als.recommend_for(''m'', array[3])');
select try('select * from als.recommend_for(''m'', array[3], ''{1,2}'')');
select count(*) from als.recommend_for(null, array[3]);
select count(*) from als.recommend_for('taste', null);
select count(*) from als.recommend_for('taste', null::int[]);
-- A null basket is an empty one: of array_agg where nothing is found.
select count(*) from als.recommend_for('taste', null::int[], k => 2, on_unknown => 'popular');
select try('select als.recommend_for(''taste'', null::int[], on_unknown => ''error'')');

-- Baskets of a query; parallel plans; the planner is told k.
select count(*), count(distinct user_id) from (select user_id, array_agg(item_id) as items from ratings where user_id < 10 group by 1) as b, als.recommend_for('clicks', items, k => 3);
create function planned_rows(query text) returns text language plpgsql as $$
declare
  plan json;
begin
  execute 'explain (format json) ' || query into plan;
  return plan -> 0 -> 'Plan' ->> 'Plan Rows';
end $$;
select planned_rows('select * from als.recommend_for(''m'', array[1])'), planned_rows('select * from als.recommend_for(''m'', array[1], k => 25)'),
  planned_rows('select * from als.recommend_for(''m'', ''{1}'', ''{5}'', 7)'), planned_rows('select * from als.recommend_for(''m'', array[1], k => 5 + 4)');
create table baskets as select user_id, array_agg(item_id) as items from ratings group by 1;
create table answers as select user_id, als.fold_in('clicks', items) as vector from baskets;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set max_parallel_workers_per_gather = 2;
alter table baskets set (parallel_workers = 2);
explain (costs off) select count(*) from baskets where als.fold_in('clicks', items) is not null;
select count(*) from (select user_id, als.fold_in('clicks', items) as vector from baskets) as f join answers as a using (user_id) where f.vector = a.vector;
reset all;
set search_path = fold_in;
set client_min_messages = warning;

-- Privileges are the caller's, and rows that row-level security hides do not exist.
create role fold_in_reader;
grant usage on schema fold_in to fold_in_reader;
set role fold_in_reader;
select try('select als.fold_in(''taste'', array[3, 5])');
reset role;
grant select on taste, taste_user_factors, taste_item_factors to fold_in_reader;
set role fold_in_reader;
select als.fold_in('taste', array[3, 5]) is not null;
reset role;
alter table taste_item_factors enable row level security;
create policy odd on taste_item_factors to fold_in_reader using (item_id % 2 = 1);
set role fold_in_reader;
select count(*), count(*) filter (where item_id % 2 = 0) from als.recommend_for('taste', array[4, 5], k => 100);
select als.fold_in('taste', array[4]);
reset role;
drop schema fold_in cascade;
drop role fold_in_reader;
