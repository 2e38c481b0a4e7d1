-- als.predict_pairs: the scores of many pairs, bit for bit those of als.predict.
create schema predict_pairs;
set search_path = predict_pairs;
set client_min_messages = warning;
set als.threads = 1;

\set ECHO none
\i test/sql/try.psql
\set ECHO all
\pset format unaligned
\pset tuples_only on

create table ratings as select u as user_id, i as item_id, 1 + (u * u + 3 * i + u * i) % 5 as rating from generate_series(1, 60) as u, generate_series(1, 40) as i where (u * 7 + i * 11) % 3 > 0;
select n_users, n_items from als.train('explicit', 'ratings', factors => 5);
select n_users, n_items from als.train('implicit', 'select user_id::text || ''th'' as user_id, item_id::bigint, rating from ratings', feedback => 'implicit', factors => 20);
-- Users and items that are not known among them, nulls, duplicates.
create table pairs as select n, nullif(n * 31 % 70, 9) as u, nullif(n * 17 % 50, 7) as i from generate_series(1, 500) as n;

-- Few pairs are looked up, many read their sides: the same numbers.
create function differ(model regclass, on_unknown text, clip bool, few int) returns bigint language sql as $$
  select count(*) from (select row_number() over (order by n) as place, n, u, i from pairs where n <= few) as p,
    (select als.predict_pairs(model, array_agg(u order by n), array_agg(i order by n), on_unknown, clip) as scores from pairs where n <= few) as all_scores
  where scores[place] is distinct from als.predict(model, u, i, on_unknown, clip) or array_length(scores, 1) <> (select count(*) from pairs where n <= few)
$$;
select few, on_unknown, clip, differ('explicit', on_unknown, clip, few) from unnest(array[20, 500]) as few, unnest(array['null', 'mean']) as on_unknown, unnest(array[false, true]) as clip order by 1, 2, 3;
select als.predict_pairs('implicit', array_agg(u::text || 'th' order by n), array_agg(i order by n)) = array_agg(als.predict('implicit', u::text || 'th', i) order by n), count(als.predict('implicit', u::text || 'th', i)) from pairs;
select als.predict_pairs('implicit', array_agg(u::text || 'th' order by n), array_agg(i order by n), 'mean') = array_agg(als.predict('implicit', u::text || 'th', i, 'mean') order by n) from pairs;
-- Of more users than there are parts by which pairs are put together, in no order.
select n_users, n_items from als.train('crowd', 'select u as user_id, u % 40 + i as item_id, (u * i) % 5 as rating from generate_series(1, 3000) as u, generate_series(1, 4) as i', factors => 3, iterations => 2);
select count(scores[n]), count(*) filter (where scores[n] is distinct from als.predict('crowd', u, i)) from (select n, n * 7919 % 3100 as u, n * 17 % 45 as i from generate_series(1, 5000) as n) as pairs,
  (select als.predict_pairs('crowd', array_agg(n * 7919 % 3100 order by n), array_agg(n * 17 % 45 order by n)) as scores from generate_series(1, 5000) as n) as all_scores;
-- Lists as text, with and without a type; of other types.
select als.predict_pairs('explicit', '{1,2}', '{3,4}') = array[als.predict('explicit', 1, 3), als.predict('explicit', 2, 4)],
  als.predict_pairs('explicit', '{1,2}'::text, '{3,4}'::text) = als.predict_pairs('explicit', array[1, 2]::bigint[], array[3, 4]::smallint[]),
  als.predict_pairs('explicit', array[1, 2]::numeric[], '{3,4}') = als.predict_pairs('explicit', array[1, 2], array['3', '4']);
prepare asked as select als.predict_pairs('explicit', $1, $2) = als.predict_pairs('explicit', '{1}', '{2}');
execute asked ('{1}', '{2}');
-- Nothing, null, and ids beyond the type.
select als.predict_pairs('explicit', '{}', '{}') = '{}', als.predict_pairs('explicit', null::int[], '{1}'), als.predict_pairs('explicit', '{1}', null), als.predict_pairs(null, '{1}', '{1}');
select als.predict_pairs('explicit', array[99999999999, 1], array[1, null]);
select als.predict_pairs('explicit', array[null::int], array[null::int], 'mean') = array[als.predict('explicit', null::int, 1000, 'mean')];
-- Errors.
select try($$select als.predict_pairs('explicit', array[1, 2], array[1])$$);
select try($$select als.predict_pairs('explicit', array[1, 99], array[1, 2], 'error')$$);
select try($$select als.predict_pairs('explicit', array[1, 2], array[1, null], 'error')$$);
select try($$select als.predict_pairs('explicit', array[1], array[1], 'none')$$);
select try($$select als.predict_pairs('implicit', array['1th'], array[1], clip => true)$$);
select try($$select als.predict_pairs('explicit', 1, array[1])$$);
select try($$select als.predict_pairs('explicit', array[1], 1)$$);
select try($$select als.predict_pairs('explicit', array[1.5], array[1])$$);
select try($$select als.predict_pairs('explicit', array['x'], array[1])$$);
select try($$select als.predict_pairs('explicit', array[current_date], array[1])$$);
select try($$select als.predict_pairs('ratings', array[1], array[1])$$);
-- What conversions of ids take goes while the call goes on: less than 10 MB is there behind 200000 of them.
create function used() returns bigint volatile language plpgsql as $$
declare
  bytes bigint = 0;
begin
  if to_regclass('pg_backend_memory_contexts') is not null then  -- since version 14
    execute 'select sum(total_bytes) from pg_backend_memory_contexts' into bytes;
  end if;
  return bytes;
end $$;
create table numerics as select array_agg((n % 50)::numeric) as ids from generate_series(1, 100000) as n;
select before is not null, pairs, behind - before < 10000000 from (select used() as before, array_length(als.predict_pairs('explicit', ids, ids), 1) as pairs, used() as behind from numerics offset 0) as used;
set als.max_memory = '1MB';
select try($$select als.predict_pairs('explicit', array_agg(n), array_agg(n)) from generate_series(1, 100000) as n$$);
reset als.max_memory;
-- Rows that row-level security hides are not known, to many pairs as to few.
create role predict_pairs_reader;
grant usage on schema predict_pairs to predict_pairs_reader;
grant select on all tables in schema predict_pairs to predict_pairs_reader;
create policy visible on explicit_user_factors to predict_pairs_reader using (user_id % 2 = 0);
alter table explicit_user_factors enable row level security;
set role predict_pairs_reader;
select few, differ('explicit', 'null', false, few), (select count(*) from pairs where n <= few and als.predict('explicit', u, i) is not null) > 0, (select count(*) from pairs where n <= few and u % 2 = 1 and als.predict('explicit', u, i) is not null) from unnest(array[20, 500]) as few;
reset role;
revoke select on explicit_item_factors from predict_pairs_reader;
set role predict_pairs_reader;
select try($$select als.predict_pairs('explicit', array[2], array[1])$$);
reset role;

drop schema predict_pairs cascade;
drop role predict_pairs_reader;
