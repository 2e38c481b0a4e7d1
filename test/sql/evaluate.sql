-- als.evaluate against the definitions of its metrics, written out in SQL, by all three protocols.
create schema evaluate;
set search_path = evaluate;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13 + u * i) % 5 + 1 as rating, (u * u * 5 + i * i * 3 + u * i) % 7 as part
from generate_series(1, 60) as u, generate_series(1, 40) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
create view train as select user_id, item_id, rating from ratings where part > 0 and item_id <> 17 and user_id <> 5;
create view test as select user_id, item_id, rating from ratings where part = 0;
select n_users, n_items from als.train('stars', 'train', factors => 7, iterations => 4);
select n_users, n_items from als.train('likes', 'train', factors => 5, iterations => 4, feedback => 'implicit');
-- Scores that are equal for many items.
select n_users from als.train('flat', 'train', factors => 2, iterations => 2);
update flat_item_factors set factors = '{0, 0}', bias = item_id % 4;

-- What is ranked for each user: filled in by each test.
create table lists (user_id int, item_id int, score real, popularity real, relevant boolean);

create function expected(score text, cutoffs int[], items bigint) returns table (metric text, k int, value float8, n bigint)
language plpgsql as $$
begin
  return query execute format($q$
    with ranked as (
      select user_id, item_id, relevant, %1$I as score, row_number() over (partition by user_id order by %1$I desc, item_id) as rank
      from lists where user_id in (select user_id from lists where relevant)),
    hits as (select user_id, rank, row_number() over (partition by user_id order by rank) as j from ranked where relevant),
    users as (select user_id, count(*) as r, min(rank) as first from hits group by 1),
    at as (
      select c.k, u.user_id, u.r, count(h.j) as h,
             coalesce(sum(ln(2) / ln(h.rank + 1)), 0) as dcg,
             (select sum(ln(2) / ln(j + 1)) from generate_series(1, least(c.k, u.r)) as j) as ideal,
             coalesce(sum(h.j::float8 / h.rank), 0) as precisions
      from unnest($1) as c(k) cross join users as u left join hits as h on h.user_id = u.user_id and h.rank <= c.k
      group by 1, 2, 3),
    pairs as (
      select a.user_id, avg(case when a.score > b.score then 1 when a.score = b.score then 0.5 else 0 end)::float8 as auc
      from ranked as a join ranked as b using (user_id) where a.relevant and not b.relevant group by 1)
    select m.metric, at.k, m.value::float8, m.n from (
      select k, avg(h::float8 / k) as precision, avg(h::float8 / least(k, r)) as recall, avg((h > 0)::int::float8) as hit_rate,
             avg(dcg / ideal) as ndcg, avg(precisions / least(k, r)) as map, count(*) as users
      from at group by 1) as at
    cross join lateral (values
      ('precision', precision, users), ('recall', recall, users), ('hit_rate', hit_rate, users), ('ndcg', ndcg, users), ('map', map, users),
      ('catalog_coverage', (select count(distinct item_id)::float8 / $2 from ranked where rank <= at.k), $2)) as m(metric, value, n)
    union all select 'mrr', null, avg(1.0 / first)::float8, count(*) from users
    union all select 'auc', null, avg(auc), count(*) from pairs$q$, score)
  using cutoffs, items;
end $$;

-- Compares the ranking metrics of a call with those of the lists.
create procedure check_ranking(call text, cutoffs int[]) language plpgsql as $$
declare
  items bigint; compared bigint; wrong bigint; users bigint;
begin
  execute 'drop table if exists found; create table found as ' || call;
  select count(*) into items from stars_item_factors;
  select count(*), count(*) filter (where f.metric is null or e.metric is null or p.metric is null or f.n is distinct from e.n
           or not coalesce(abs(f.value - e.value) < 1e-6, f.value is null and e.value is null)
           or not coalesce(abs(f.baseline - p.value) < 1e-6, f.baseline is null and p.value is null))
  into compared, wrong
  from (select * from found where metric not in ('coverage', 'user_coverage', 'rmse', 'mae', 'r2')) as f
  full join expected('score', cutoffs, items) as e on e.metric = f.metric and e.k is not distinct from f.k
  full join expected('popularity', cutoffs, items) as p on p.metric = f.metric and p.k is not distinct from f.k;
  select n into users from found where metric = 'mrr';
  raise info '% metrics of % users compared, % wrong', compared, users, wrong;
end $$;

create procedure list_model(model text, min_rating float8, exclude_seen boolean default true, candidates text default null) language plpgsql as $$
begin
  truncate lists;
  execute format($q$
    insert into lists
    select u.user_id, i.item_id, als.predict(%1$L, u.user_id, i.item_id), i.n_ratings, t.relevant is not null
    from %1$I_user_factors as u cross join %1$I_item_factors as i
    left join (select user_id, item_id, true as relevant from test where rating >= %2$L::float8 group by 1, 2) as t using (user_id, item_id)
    where (%3$L or t.relevant or (u.user_id, i.item_id) in (select user_id, item_id from %4$s as c))
      and not (%5$L and (u.user_id, i.item_id) in (select user_id, item_id from train))$q$,
    model, coalesce(min_rating, (als.latest_run(model)).mean), candidates is null, coalesce(candidates, 'test'), exclude_seen);
end $$;

-- Users in the model. The rows of user 5 and item 17, which the model does not know, are left out.
call list_model('stars', 3.5);
call check_ranking($$select * from als.evaluate('stars', 'test', '{1, 3, 10, 1000}', min_rating => 3.5)$$, '{1, 3, 10, 1000}');
call list_model('stars', null);
call check_ranking($$select * from als.evaluate('stars', 'test', '{10}')$$, '{10}');
call list_model('likes', 0);
call check_ranking($$select * from als.evaluate('likes', 'test', '{5, 10}')$$, '{5, 10}');
call list_model('likes', 4);
call check_ranking($$select * from als.evaluate('likes', 'test', '{5, 10}', min_rating => 4, threads => 1)$$, '{5, 10}');
-- Ties are broken by id, and count half for auc.
call list_model('flat', 3);
call check_ranking($$select * from als.evaluate('flat', 'test', '{5, 10}', min_rating => 3)$$, '{5, 10}');
call list_model('flat', 3, false);
call check_ranking($$select * from als.evaluate('flat', 'test', '{5, 10}', min_rating => 3, exclude_seen => false)$$, '{5, 10}');

-- The order of the rows and their number change nothing, nor does the number of threads.
create temp table twice as select * from test, generate_series(1, 2) order by md5(user_id::text || item_id);
select count(*) as different from als.evaluate('likes', 'test', threads => 1) as a
join als.evaluate('likes', 'twice', threads => 7) as b using (metric) where metric <> 'coverage' and a is distinct from b;

-- The errors of predictions.
create procedure check_errors(model text) language plpgsql as $$
declare
  compared bigint; wrong bigint;
begin
  create temp table predicted on commit drop as
  select t.rating, als.predict(model, t.user_id, t.item_id)::float8 as score, m.mean::float8 as mean
  from test as t left join (select item_id, avg(rating) as mean from train group by 1) as m using (item_id);
  execute format('drop table if exists found; create table found as select * from als.evaluate(%L, %L, %L)', model, 'test', '{}');
  select count(*), count(*) filter (where not coalesce(abs(f.value - e.value) < 1e-6 and f.n = e.n, false)
           or not coalesce(abs(f.baseline - e.baseline) < 1e-6, f.baseline is null and e.baseline is null))
  into compared, wrong
  from found as f full join (
    select m.* from (select count(*) as n, avg(rating) as center from predicted where score is not null) as p cross join lateral (
      select 'coverage' as metric, avg((score is not null)::int)::float8 as value, null::float8 as baseline, count(*) as n from predicted
      union all select 'rmse', sqrt(avg((rating - score) ^ 2)), sqrt(avg((rating - mean) ^ 2)), p.n from predicted where score is not null
      union all select 'mae', avg(abs(rating - score)), avg(abs(rating - mean)), p.n from predicted where score is not null
      union all select 'r2', 1 - sum((rating - score) ^ 2) / sum((rating - p.center) ^ 2), 1 - sum((rating - mean) ^ 2) / sum((rating - p.center) ^ 2), p.n
        from predicted where score is not null) as m) as e using (metric);
  raise info '% metrics compared, % wrong', compared, wrong;
end $$;
call check_errors('stars');
call check_errors('flat');
select n_users from als.train('unbiased', 'train', factors => 3, iterations => 2, biases => false);
call check_errors('unbiased');

-- Strong generalisation: users are known by their history alone.
create view history as select user_id + 1000 as user_id, item_id, rating from ratings where part > 2 and user_id % 3 = 0;
create view future as select user_id + 1000 as user_id, item_id, rating from ratings where part = 0 and user_id % 3 < 2;
create procedure list_history(model text, min_rating float8, exclude_seen boolean) language sql as $$
  truncate lists;
  insert into lists
  select h.user_id, i.item_id, r.score, i.n_ratings, t.relevant is not null
  from (select user_id, array_agg(item_id) as items, array_agg(rating::real) as ratings from history group by 1) as h
  cross join lateral als.recommend_for(model, h.items, h.ratings, k => 1000, exclude_seen => exclude_seen) as r
  join stars_item_factors as i using (item_id)
  left join (select user_id, item_id, true as relevant from future where rating >= min_rating group by 1, 2) as t using (user_id, item_id);
$$;
call list_history('stars', 3, true);
call check_ranking($$select * from als.evaluate('stars', 'future', '{2, 10}', history => 'history', min_rating => 3)$$, '{2, 10}');
call list_history('likes', 0, true);
call check_ranking($$select * from als.evaluate('likes', 'future', '{2, 10}', history => 'history')$$, '{2, 10}');
call list_history('likes', 0, false);
call check_ranking($$select * from als.evaluate('likes', 'future', '{2, 10}', history => 'history', exclude_seen => false)$$, '{2, 10}');
-- Users without a history are not judged, and their rows not predicted.
select metric, round(value::numeric, 4) as value, n from als.evaluate('stars', 'future', '{10}', history => 'history') where metric like '%coverage' and k is null;
select count(distinct user_id) filter (where user_id in (select user_id from history)) as judged, count(distinct user_id) as users,
       count(*) filter (where user_id in (select user_id from history) and item_id <> 17) as predicted, count(*) as rows
from future;
-- The errors are those of what als.fold_in gives.
with folded as (
  select user_id, als.fold_in('unbiased', array_agg(item_id), array_agg(rating::real)) as vector from history group by 1)
select abs(e.value - f.rmse) < 1e-6 as same, e.n = f.n as same_n
from als.evaluate('unbiased', 'future', '{}', 'history') as e,
     (select sqrt(avg((t.rating - als.dot(f.vector, i.factors)) ^ 2)) as rmse, count(*) as n
      from future as t join folded as f using (user_id) join unbiased_item_factors as i using (item_id)) as f
where e.metric = 'rmse';

-- Sampled negatives: each user's items are ranked among their candidates.
create view negatives as select u as user_id, i as item_id from generate_series(1, 60) as u, generate_series(1, 45) as i where (u * 3 + i * 5) % 4 = 0;
call list_model('likes', 0, true, 'negatives');
call check_ranking($$select * from als.evaluate('likes', 'test', '{1, 5}', candidates => 'negatives')$$, '{1, 5}');
call list_model('stars', 3, false, 'negatives');
call check_ranking($$select * from als.evaluate('stars', 'test', '{1, 5}', candidates => 'select * from negatives union all select * from negatives;', exclude_seen => false, min_rating => 3)$$, '{1, 5}');
-- A user without candidates: nothing but the relevant items, so that there is no auc.
select metric, k, value, baseline, n from als.evaluate('likes', 'select * from test where user_id = 2', '{1}', candidates => 'select 1 as user_id, 2 as item_id');

-- Ids of other types that cast, other columns, other types of ratings, nulls.
create table texts as select user_id::text as u, item_id::bigint as i, rating::numeric as r from test
union all select '1', null, 3 union all select null, 2, 3 union all select '2', 3, null;
select count(*) as different from als.evaluate('stars', 'test', '{3}') as a
join als.evaluate('stars', 'texts', '{3}', user_col => 'u', item_col => 'i', rating_col => 'r') as b using (metric) where a is distinct from b;

-- Nothing to judge.
select metric, k, value, baseline, n from als.evaluate('stars', 'select * from test where false', '{2}');
select metric, value, baseline, n from als.evaluate('stars', 'select 999 as user_id, 1 as item_id, 5 as rating', '{2}') where k is null;
-- No spread, no r2.
select metric, value is null as none, n from als.evaluate('stars', 'select user_id, item_id, 3 as rating from test limit 5', '{}') where metric = 'r2';

-- What training has seen is no test of it: a notice says so.
set client_min_messages = notice;
select metric, value from als.evaluate('likes', 'train') where metric = 'user_coverage';
reset client_min_messages;
set client_min_messages = warning;

-- A source that is gone, a model's tables that are closed, little memory.
create table passing as select * from train;
select n_items from als.train('orphan', 'passing', factors => 2, iterations => 1);
drop table passing;
select try($$select als.evaluate('orphan', 'test')$$);
select metric, value is null as none, baseline is null as no_baseline from als.evaluate('orphan', 'test', '{}');
set als.max_memory = '1MB';
create view many as select * from test, generate_series(1, 1000);
select split_part(try($$select als.evaluate('stars', 'many')$$), E'\n', 1);
select split_part(try($$select als.evaluate('stars', 'test', history => 'many')$$), E'\n', 1);
reset als.max_memory;
-- What a cluster adds up takes memory for each group that is open.
set als.max_memory = '1MB';
create view sums_by_user as
select als._sum_tested(als._tested_user('stars', factors, bias, n_ratings, '{1,2}'::int[], '{5,1}', null, null::int[], null, null::int[], null::int[], null::int[], null),
                       'stars', '{10}', null, null, null) as sums
from stars_user_factors group by user_id;
set enable_hashagg = off;
select count(sums) from sums_by_user;
reset enable_hashagg;
set enable_sort = off;
set enable_indexscan = off;
select split_part(try($$select count(sums) from sums_by_user$$), E'\n', 1);
reset enable_sort;
reset enable_indexscan;
reset als.max_memory;
select count(sums) from sums_by_user;
select try($$select als._add_tested(null, '', 'stars', '{10}', null, null, null)$$);
-- What users have seen is read in several passes where it does not fit: the metrics are the same.
create table seen as
select u as user_id, i as item_id from generate_series(1, 3000) as u, generate_series(1, 200) as i where (u + i * i) % 3 <> 1;
create sequence passes;
create view counted as
with pass as materialized (select nextval('passes')) select seen.* from seen where (select count(*) from pass) = 1;
select n_ratings from als.train('passed', 'counted', rating_col => null, feedback => 'implicit', factors => 3, iterations => 2);
create view unseen as
select u as user_id, i as item_id from generate_series(1, 3000) as u, generate_series(1, 200) as i where (u + i * i) % 3 = 1 and i % 20 = 0;
select setval('passes', 1, false);
set als.max_memory = '1MB';
create table little as select * from als.evaluate('passed', 'unseen', '{5}', rating_col => null);
reset als.max_memory;
select last_value >= 2 as in_passes from passes;
select setval('passes', 1, false);
select * from als.evaluate('passed', 'unseen', '{5}', rating_col => null) except select * from little;
select count(value) as metrics, last_value as passes from little, passes group by last_value;
create role evaluate_reader;
grant usage on schema evaluate to evaluate_reader;
grant select on stars, stars_user_factors, stars_item_factors to evaluate_reader;
set role evaluate_reader;
do $$ begin perform als.evaluate('stars', 'test'); exception when insufficient_privilege then raise info '%', sqlerrm; end $$;
reset role;
grant select on test to evaluate_reader;
set role evaluate_reader;
do $$ begin perform als.evaluate('stars', 'test'); exception when insufficient_privilege then raise info '%', sqlerrm; end $$;
reset role;
drop owned by evaluate_reader;
drop role evaluate_reader;

-- Ratings that no training would take leave their items without a mean, whichever way the source is read: with what has been
-- seen, or by itself, with weights or without.
create table beyond as select user_id, item_id, rating::float8, 1.0::float8 as weight, now() as at from train;
create function baselines() returns table (model text, seen_too bool, baseline numeric) language sql as $$
	select m, e, round(b.baseline::numeric, 9) from unnest('{plain,weighted,timed}'::text[]) as m, unnest('{true,false}'::bool[]) as e,
		als.evaluate(m::regclass, 'test', exclude_seen => e) as b where b.metric = 'rmse' order by m, e
$$;
select n_users from als.train('plain', 'beyond', factors => 2, iterations => 1);
select n_users from als.train('weighted', 'beyond', factors => 2, iterations => 1, weight_col => 'weight');
select n_users from als.train('timed', 'beyond', factors => 2, iterations => 1, on_duplicate => 'last', time_col => 'at');
select count(distinct baseline) from baselines();
delete from beyond where item_id = (select item_id from test order by item_id limit 1);
create temp table without as select * from baselines();
select count(distinct baseline) from without;
create function others(ratings float8[], weight float8 default 1) returns table (baselines bigint, "as without" bool) language plpgsql as $$
begin
	delete from beyond where user_id > 1000;
	insert into beyond select 1000 + n, (select item_id from test order by item_id limit 1), rating, others.weight, now()
	from unnest(ratings) with ordinality as given (rating, n);
	return query select count(distinct b.baseline), bool_and(b.baseline = w.baseline) from baselines() b join without w using (model, seen_too)
	where others.weight = 1 or b.model = 'weighted';
end $$;
select ratings, o.* from unnest(array['{1.7e308,1.7e308}', '{1.7e308,-1.7e308,3}', '{1e39,-1e39,3}', '{Infinity,3}', '{NaN,3}']) as ratings, others(ratings::float8[]) as o;
select weight, o.* from unnest('{1.7e308,Infinity,NaN,0,1e-300}'::float8[]) as weight, others('{3,3}', weight) as o;
select o.* from others('{5e-324,5e-324,-5e-324}') as o;
select o.* from others('{1e-300}', 1e-300) as o;

-- Mistakes.
select try($$select als.evaluate(null, 'test')$$);
select try($$select als.evaluate('stars', null)$$);
select try($$select als.evaluate('stars', 'test', null)$$);
select try($$select als.evaluate('stars', 'test', '{1, null}')$$);
select try($$select als.evaluate('stars', 'test', '{0}')$$);
select try($$select als.evaluate('stars', 'test', array(select generate_series(1, 1001)))$$);
select try($$select als.evaluate('stars', 'test', exclude_seen => null)$$);
select try($$select als.evaluate('stars', 'test', min_rating => 'NaN')$$);
select try($$select als.evaluate('stars', 'test', threads => 0)$$);
select try($$select als.evaluate('test', 'test')$$);
select try($$select als.evaluate('stars', 'nothing')$$);
select try($$select als.evaluate('stars', 'test', user_col => 'visitor')$$);
select try($$select als.evaluate('stars', 'select user_id, item_id from test')$$);
select try($$select als.evaluate('stars', 'test', history => 'select user_id, item_id from test')$$);
select try($$select als.evaluate('stars', 'test', candidates => 'select user_id from test')$$);
select try($$select als.evaluate('stars', 'select user_id, now() as item_id, rating from test')$$);
select try($$select als.evaluate('stars', 'select ''abc'' as user_id, item_id, rating from test')$$);
select try($$select als.evaluate('stars', 'select 12 as user_id, 1 as item_id, ''NaN''::float8 as rating')$$);
select n_users from als.train('strict', 'train', factors => 2, iterations => 1, on_duplicate => 'error');
select try($$select als.evaluate('strict', 'test', history => 'twice')$$);
-- Errors of what the training has seen say little, whatever else the source has by now that no training would take.
create table once as select * from train;
select n_users from als.train('once_each', 'once', factors => 2, iterations => 2, on_duplicate => 'error');
create table large as select u as user_id, i as item_id, (1 + (u * i) % 5)::float8 as rating from generate_series(1, 20) u, generate_series(1, 12) i;
select n_ratings from als.train('enlarged', 'large', factors => 2, iterations => 1);
select n_ratings from als.train('weighing', 'select *, (user_id + item_id > 4)::int as weight from large where rating < 9', weight_col => 'weight', factors => 2, iterations => 1);
set client_min_messages = notice;
\set VERBOSITY default
select count(*) from als.evaluate('once_each', 'once', '{}');
select count(*) from als.evaluate('once_each', 'once', '{}', exclude_seen => false);
select count(*) from als.evaluate('once_each', 'test', '{}');
select count(*) from als.evaluate('once_each', 'select * from test where false', '{}');
insert into once select * from once;
select count(*) from als.evaluate('once_each', 'once', '{}');
insert into large values (1, 11, 1e39), (1, 99, 'NaN');
select metric, n from als.evaluate('enlarged', 'select * from large where user_id = 1 and item_id < 6', '{}');
-- A row without a rating is none of the training's, nor is one of weight 0.
select count(*) from als.evaluate('weighing', 'select * from large where user_id = 2 and item_id < 6', '{}');
update large set rating = null where item_id = 5;
select count(*) from als.evaluate('enlarged', 'select *, 3 as given from large where user_id = 3 and item_id < 6', '{}', rating_col => 'given');
set client_min_messages = warning;

drop schema evaluate cascade;
