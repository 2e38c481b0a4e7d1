-- als.predict, als.recommend and the similar ones against brute force; seen, candidates, unknown ids; plans.
create schema serving;
set search_path = serving;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 60) as u, generate_series(1, 40) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
select n_ratings > 900 as trained from als.train('m', 'ratings', factors => 7, iterations => 4);
select n_ratings > 900 as trained from als.train('nobias', 'ratings', factors => 16, iterations => 4, biases => false);
select n_ratings > 900 as trained from als.train('implicit', 'ratings', factors => 17, iterations => 4, feedback => 'implicit');

-- predict is mean + biases + inner product, and recommend ranks by the very same number.
create function brute_force(model regclass) returns table (user_id int, item_id int, score float8, predicted real) language plpgsql as $$
begin
  return query execute format('
    select u.user_id, i.item_id,
      case when biases then mean + u.bias::float8 + i.bias else 0 end
        + (select sum(x::float8 * y) from unnest(u.factors, i.factors) as t (x, y)),
      als.predict(%L, u.user_id, i.item_id)
    from %1$s as m, %s as u, %s as i', model, (als.latest_run(model)).user_factors, (als.latest_run(model)).item_factors);
end $$;
create table expected as
select model, b.*, exists (select from ratings as r where r.user_id = b.user_id and r.item_id = b.item_id) as seen
from unnest(array['m', 'nobias', 'implicit']) as model, brute_force(model::regclass) as b;
select model, count(*), max(abs(score - predicted)) < 1e-5 as predicts from expected group by 1 order by 1;

create procedure check_lists(title text, k int, exclude_seen bool) language plpgsql as $$
declare
  wrong int; n int; which text;
begin
  foreach which in array array['m', 'nobias', 'implicit'] loop
    select count(*), count(*) filter (where (r.item_id, r.score) is distinct from (e.item_id, e.score)) into n, wrong
    from (select u as user_id, r.* from generate_series(1, 60) as u, als.recommend(which, u, k, exclude_seen) as r) as r
      full join (
        select user_id, item_id, predicted as score, row_number() over (partition by user_id order by predicted desc, item_id) as rank
        from expected as e where e.model = which and not (seen and exclude_seen)) as e using (user_id, rank)
    where rank <= k;
    raise info '%, %: % rows, % wrong', title, which, n, wrong;
  end loop;
end $$;
call check_lists('top 5', 5, true);
call check_lists('top 5 of all', 5, false);
call check_lists('top 1', 1, true);
call check_lists('more than there are', 1000, true);
call check_lists('all', 2147483647, false);

-- Neighbours are by cosine; the item itself is left out.
create procedure check_similar(k int) language plpgsql as $$
declare
  wrong int; n int;
begin
  select count(*), count(*) filter (where abs(s.score - e.score) > 1e-5 or s.other is null or e.other is null) into n, wrong
  from (select i as id, s.item_id as other, s.score, s.rank from generate_series(1, 40) as i, als.similar_items('m', i, k) as s) as s
    full join (
      select a.item_id as id, b.item_id as other, als.cosine(a.factors, b.factors) as score,
        row_number() over (partition by a.item_id order by als.cosine(a.factors, b.factors) desc, b.item_id) as rank
      from m_item_factors as a, m_item_factors as b where a.item_id <> b.item_id) as e using (id, rank)
  where rank <= k;
  raise info 'similar items: % rows, % wrong', n, wrong;
  select count(*), count(*) filter (where abs(s.score - e.score) > 1e-5 or s.other is null or e.other is null) into n, wrong
  from (select u as id, s.user_id as other, s.score, s.rank from generate_series(1, 60) as u, als.similar_users('m', u, k) as s) as s
    full join (
      select a.user_id as id, b.user_id as other, als.cosine(a.factors, b.factors) as score,
        row_number() over (partition by a.user_id order by als.cosine(a.factors, b.factors) desc, b.user_id) as rank
      from m_user_factors as a, m_user_factors as b where a.user_id <> b.user_id) as e using (id, rank)
  where rank <= k;
  raise info 'similar users: % rows, % wrong', n, wrong;
end $$;
call check_similar(5);
call check_similar(1000);

-- Or by the inner product, without the biases.
select count(*), count(*) filter (where abs(s.score - e.score) > 1e-5 or s.item_id is null or e.item_id is null) as wrong
from (select i as id, s.* from generate_series(1, 40) as i, als.similar_items('m', i, 7, measure => 'inner_product') as s) as s
  full join (
    select a.item_id as id, b.item_id, als.dot(a.factors, b.factors) as score,
      row_number() over (partition by a.item_id order by als.dot(a.factors, b.factors) desc, b.item_id) as rank
    from m_item_factors as a, m_item_factors as b where a.item_id <> b.item_id) as e using (id, rank)
where rank <= 7;
select als.similar_users('m', 1, measure => 'euclidean');

-- Ties are broken by id.
select n_users from als.train('flat', 'select user_id, item_id, 3 as rating from ratings', factors => 2, regularization => 1);
update flat_item_factors set factors = '{0, 0}', bias = item_id % 3;
select array_agg(item_id order by rank) from als.recommend('flat', 1, 16, exclude_seen => false);
select array_agg(item_id order by rank), min(score), max(score) from als.similar_items('flat', 7, 5);
select als.drop_model('flat');

\pset format unaligned
\pset tuples_only on
-- k.
select count(*) from als.recommend('m', 1, 0);
select count(*) from als.similar_items('m', 1, 0);
select count(*), max(rank) from als.recommend('m', 1);
select count(*) from als.similar_items('m', 1);
select try('select * from als.recommend(''m'', 1, -1)');
select try('select * from als.recommend(''m'', 1, null)');
select try('select * from als.similar_items(''m'', 1, -1)');
select try('select * from als.similar_users(''m'', 1, k => null)');

-- What is seen is what the source holds now.
create table list as select * from als.recommend('m', 5, 10);
insert into ratings select 5, item_id, 4 from list where rank <= 3;
select count(*), count(*) filter (where item_id in (select item_id from list where rank <= 3)) as seen,
  bool_and(item_id in (select item_id from list) or rank > 7) as moved_up from als.recommend('m', 5, 10);
delete from ratings where user_id = 5;
select count(*) from als.recommend('m', 5, 100);
-- A user's new items that the model does not know do not matter, nor do nulls.
insert into ratings values (5, 4711, 1), (5, null, 3), (5, 1, null);
select count(*), bool_or(item_id = 1) as seen from als.recommend('m', 5, 100);

-- Candidates and exclusions, in arrays of any type that fits.
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array[3, 4, 5]);
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => '{3,4,5}');
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array[3, 4, 5]::bigint[]);
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array['3', '4', '5']);
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array[3.0, 4, 5]);
select array_agg(item_id order by item_id) from als.recommend('m', '1', exclude_seen => false, candidates => array[3, 4, 5]);
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array[[3, 4], [5, 5]]);
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array[3, null, 4711, -1, 5]);
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array(select generate_series(3, 5)));
select array_agg(item_id order by item_id) from als.recommend('m', 1, exclude_seen => false, candidates => array[3, 4, 5], exclude => array[4, 6, null]);
select array_agg(item_id order by item_id) from als.recommend('m', 1, 100, exclude_seen => false, exclude => array(select generate_series(4, 40))::bigint[]);
select count(*) from als.recommend('m', 1, candidates => '{}');
select count(*) from als.recommend('m', 1, candidates => '{}'::int[]);
select count(*) from als.recommend('m', 1, candidates => array[null]::int[]);
select count(*) from als.recommend('m', 1, 100, exclude_seen => false, candidates => null);
select count(*) from als.recommend('m', 1, 100, exclude_seen => false, candidates => null::int[], exclude => '{}'::int[]);
select try('select * from als.recommend(''m'', 1, candidates => 3)');
select try('select * from als.recommend(''m'', 1, candidates => ''3'')');
select try('select * from als.recommend(''m'', 1, candidates => ''{3,x}'')');
select try('select * from als.recommend(''m'', 1, candidates => array[''x''])');
select try('select * from als.recommend(''m'', 1, candidates => array[now()])');
select try('select * from als.recommend(''m'', 1, candidates => array[row(1, 2)])');
select try('select * from als.recommend(''m'', 1, exclude => ''{1,2}''::text)');
select try('select * from als.recommend(''m'', 1, exclude => row(1, 2))');

-- Unknown users and items.
select als.predict('m', 999, 1), als.predict('m', 1, 999), als.predict('m', 999, 999), als.predict('m', 999, 1, 'null');
select round(als.predict('m', 999, 999, 'mean')::numeric - mean::numeric, 5),
  round((als.predict('m', 999, 1, 'mean') - mean - (select bias from m_item_factors where item_id = 1))::numeric, 5),
  round((als.predict('m', 1, 999, 'mean') - mean - (select bias from m_user_factors where user_id = 1))::numeric, 5),
  als.predict('m', 1, 1, 'mean') = als.predict('m', 1, 1) from m;
select als.predict('nobias', 999, 1, 'mean') = mean::real from nobias;
select als.predict('implicit', 999, 1, 'mean');
select try('select als.predict(''m'', 999, 1, ''error'')');
select try('select als.predict(''m'', 1, 999, ''error'')');
select try('select als.predict(''m'', ''999'', ''1000'', on_unknown => ''error'')');
select try('select als.predict(''m'', 1, 1, ''empty'')');
select try('select als.predict(''m'', 1, 1, null)');
select count(*) from als.recommend('m', 999);
select count(*) from als.recommend('m', 999, on_unknown => 'empty');
select try('select * from als.recommend(''m'', 999, on_unknown => ''error'')');
select try('select * from als.recommend(''m'', 1, on_unknown => ''null'')');
select try('select * from als.recommend(''m'', 1, on_unknown => null)');
select try('select * from als.recommend(''m'', 1, exclude_seen => null)');
select count(*) from als.similar_items('m', 999);
select try('select * from als.similar_items(''m'', 999, on_unknown => ''error'')');
select try('select * from als.similar_users(''m'', 999, on_unknown => ''error'')');
select try('select * from als.similar_users(''m'', 999, on_unknown => ''popular'')');
-- Popular: by popularity, ties by id; what the user has seen is left out even of an unknown user.
select array_agg(r.item_id order by rank) = (select array_agg(item_id::bigint) from (select item_id from m_item_factors order by popularity desc, item_id limit 12) as p)
from als.recommend('m', 999, 12, on_unknown => 'popular') as r;
select bool_and(r.score = i.popularity) from als.recommend('m', 999, 12, on_unknown => 'popular') as r join m_item_factors as i using (item_id);
insert into ratings select 999, item_id, 5 from als.recommend('m', 999, 3, on_unknown => 'popular');
select array_agg(r.item_id order by rank) = (select array_agg(item_id::bigint) from (select item_id from m_item_factors order by popularity desc, item_id limit 9 offset 3) as p)
from als.recommend('m', 999, 9, on_unknown => 'popular') as r;

-- Null arguments mean nothing is asked.
select als.predict(null, 1, 1), als.predict('m', null, 1), als.predict('m', 1, null), als.predict('m', null::int, 1::text);
select count(*) from als.recommend(null, 1);
select count(*) from als.recommend('m', null);
select count(*) from als.recommend('m', null::int);
select count(*) from als.similar_items('m', null::int);
select count(*) from als.similar_users(null, 1);
-- Not a model.
select try('select als.predict(''ratings'', 1, 1)');
select try('select * from als.recommend(''pg_class'', 1)');
select try('select * from als.similar_items(''m_pkey'', 1)');
select try('select als.predict(''nothing'', 1, 1)');
select try('select als.predict(0, 1, 1)');
select try('select als.predict(4294967295, 1, 1)');

-- Composition: lateral, filters, ordering by score, aggregation, plpgsql, prepared statements, cursors.
select count(*), count(distinct user_id) from (select distinct user_id from ratings where user_id < 40) as u, als.recommend('m', user_id, 3) as r;
select count(*) from generate_series(1, 10) as u left join als.recommend('m', u + 55, 2) as r on true;
select array_agg(item_id order by rank) = (
  select array_agg(item_id::bigint) from (
    select item_id from m_item_factors where item_id % 2 = 0 order by als.predict('m', 1, item_id) desc, item_id limit 10) as top)
from als.recommend('m', 1, 10, exclude_seen => false, candidates => array(select item_id from m_item_factors where item_id % 2 = 0));
select count(*) from (select als.recommend('m', u, 2) from generate_series(1, 3) as u) as t;
select (als.recommend('m', 1, 1)).rank;
select count(*) from als.recommend('m', 1, 3) with ordinality as r (item_id, score, rank, n) where rank = n;
select count(*) from rows from (als.recommend('m', 1, 3), als.recommend('m', 2, 2)) as r (a, b, c, d, e, f);
create view mine as select r.* from als.recommend('m', 1, 3) as r;
select count(*) from mine;
create function total(u int) returns float8 language plpgsql as $$
declare
  r record; result float8 := 0;
begin
  for r in select * from als.recommend('m', u, 4) loop result := result + r.rank; end loop;
  return result + coalesce(als.predict('m', u, 4711), 0);
end $$;
select total(1), total(2), total(999);
-- Parameters without a type, as some drivers send all of them.
prepare untyped as
  select als.predict('m', $1, $2) = als.predict('m', 1, 2) as both, als.predict('m', $1, 2) = als.predict('m', 1, 2) as "user",
         als.predict('m', 1, $2) = als.predict('m', 1, 2) as item;
execute untyped ('1', '2');
deallocate untyped;
prepare top (int, int) as select count(*), max(rank) from als.recommend('m', $1, $2);
execute top (1, 4);
execute top (2, 6);
execute top (null, 6);
set plan_cache_mode = force_generic_plan;
execute top (2, 5);
reset plan_cache_mode;
begin;
declare c cursor for select rank from als.recommend('m', 1, 4);
fetch 2 from c;
move backward all in c;
fetch 1 from c;
close c;
commit;

-- The planner is told k.
create function planned_rows(query text) returns text language plpgsql as $$
declare
  plan json;
begin
  execute 'explain (format json) ' || query into plan;
  return plan -> 0 -> 'Plan' ->> 'Plan Rows';
end $$;
select planned_rows('select * from als.recommend(''m'', 1)'), planned_rows('select * from als.recommend(''m'', 1, 25)'),
  planned_rows('select * from als.recommend(''m'', 1, k => 3)'), planned_rows('select * from als.recommend(''m'', ''1'', 7)'),
  planned_rows('select * from als.similar_items(''m'', 1, 33)'), planned_rows('select * from als.similar_users(''m'', ''1'', 34)'),
  planned_rows('select * from als.recommend(''m'', 1, 0)'), planned_rows('select * from als.recommend(''m'', 1, on_unknown => ''popular'', k => 5 + 4)');

-- Parallel plans give the same answers.
create table answers as select user_id, item_id, als.predict('m', user_id, item_id) as score from ratings;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
set max_parallel_workers_per_gather = 2;
alter table answers set (parallel_workers = 2);
create function is_parallel(query text) returns bool language plpgsql as $$
declare
  line text;
begin
  for line in execute 'explain (costs off) ' || query loop
    if line ~ 'Gather' then return true; end if;
  end loop;
  return false;
end $$;
select is_parallel('select user_id from answers where score is distinct from als.predict(''m'', user_id, item_id)');
select count(*) from answers where score is distinct from als.predict('m', user_id, item_id);
select count(*) from (select distinct user_id from answers where user_id < 20) as u, als.recommend('m', user_id, 3) as r;
select count(*) from (select user_id, (select max(score) from als.recommend('m', user_id, 3)) as best from answers) as t where best is not null and user_id < 3;
reset parallel_setup_cost;
reset parallel_tuple_cost;
reset min_parallel_table_scan_size;

-- Models asked in turn are each read once, not at every call.
create function reads() returns bigint language sql volatile as
$$ select sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::bigint from pg_stat_xact_user_tables where relid in ('m'::regclass, 'nobias'::regclass, 'implicit'::regclass) $$;
begin;
select reads() as before \gset
select count(als.predict((array['m', 'nobias', 'implicit']::regclass[])[i % 3 + 1], 7, 8)) from generate_series(1, 300) as i;
select reads() - :before between 1 and 20 as read_seldom;
commit;

-- Renamed and moved, a model still serves.
create schema elsewhere;
create table before as select item_id, score from als.recommend('m', 7, 10);
alter table m rename to renamed;
create function moved() returns bool language sql as
$$ select not exists (select item_id, score from als.recommend('renamed', 7, 10) except select item_id, score from before)
  and als.predict('renamed', 7, 8) is not null and exists (select from als.similar_users('renamed', 7)) $$;
select moved();
alter table ratings rename to opinions;
alter table m_item_factors rename to vectors;
alter table m_user_factors set schema elsewhere;
select moved();
alter table renamed set schema elsewhere;
set search_path = serving, elsewhere;
select moved();
alter schema elsewhere rename to "Else where";
set search_path = serving, "Else where";
select moved();
select run from als.train('renamed', 'opinions', factors => 3, replace => true);
select n_ratings = (select count(*) from opinions where item_id is not null and rating is not null) from renamed where run = 2;
select count(*) from als.recommend('renamed', 7, 10);
-- A source that has lost its column, or is gone.
alter table opinions rename item_id to thing;
select try('select * from als.recommend(''renamed'', 7)') ~ '^42703 ';
drop table opinions;
select try('select * from als.recommend(''renamed'', 7)');
select count(*) from als.recommend('renamed', 7, exclude_seen => false);
select als.predict('renamed', 7, 8) is not null, exists (select from als.similar_items('renamed', 7));
select run, source from als.models where model = 'renamed'::regclass;

drop schema serving, "Else where" cascade;
