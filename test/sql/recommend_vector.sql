-- als.recommend_vector: users whose vector the caller brings.
create schema recommend_vector;
set search_path = recommend_vector;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 40) as u, generate_series(1, 300) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
select biases from als.train('stars', 'ratings', factors => 4, iterations => 3);
select biases from als.train('clicks', 'ratings', rating_col => null, feedback => 'implicit', factors => 4, iterations => 3);

-- A trained user's own vector and bias give that user's list, with its scores.
create function differences(model text, clauses text) returns bigint language plpgsql as $$
declare
  n bigint;
begin
  execute format('select count(*) from (select user_id, item_id::text, score, rank from %1$I_user_factors u, als.recommend(%1$L, user_id, 20, exclude_seen => false%2$s)) as a
    full join (select user_id, item_id, score, rank from %1$I_user_factors u, als.recommend_vector(%1$L, u.factors, 20, bias => u.bias%2$s)) as b using (user_id, item_id, score, rank)
    where a is null or b is null', model, clauses) into n;
  return n;
end $$;
select model, differences(model, ''), differences(model, ', exclude => array[3, 4]'), differences(model, ', candidates => array(select generate_series(1, 200))'),
  differences(model, ', candidates => ''{5,6,7,4711}'', exclude => ''{6}''')
from unnest('{stars,clicks}'::text[]) as model;
select count(*) from stars_user_factors as u, als.recommend('stars', user_id, 20) as a
  full join als.recommend_vector('stars', (select factors from stars_user_factors where user_id = 1), 20, bias => (select bias from stars_user_factors where user_id = 1),
    exclude => array(select item_id from ratings where user_id = 1)) as b on a.item_id = b.item_id::int and a.score = b.score and a.rank = b.rank
where u.user_id = 1 and (a is null or b is null);

-- The third argument is k, as in als.recommend. A bias does not pass for one.
select model, (select count(*) from als.recommend_vector(model::regclass, '{1,2,3,4}', 7)) from unnest('{stars,clicks}'::text[]) as model;
select try('select r.* from stars_user_factors as u, als.recommend_vector(''stars'', u.factors, u.bias) as r');
-- The bias moves all scores alike; without it, ids are text, and a parameter needs no type.
select pg_typeof(item_id), pg_typeof(score), pg_typeof(rank), count(*) from als.recommend_vector('stars', '{1,2,3,4}') group by 1, 2, 3;
select round((a.score - b.score)::numeric, 3) from als.recommend_vector('stars', '{1,2,3,4}', 3, bias => 0.5) as a join als.recommend_vector('stars', '{1,2,3,4}', 3, bias => null) as b using (item_id, rank);
prepare untyped as select count(*) from als.recommend_vector('stars', $1, $2, $3, $4, bias => $5);
execute untyped ('{1,2,3,4}', 2, '{1,2,3,4,5}', '{1,2}', 1);

-- Nothing known: a null, or for implicit feedback a vector of zeros.
select count(*) from als.recommend_vector('stars', null);
select count(*) from als.recommend_vector('clicks', '{0,0,0,0}', k => 4);
create function popular(vector real[]) returns boolean language sql as $$
  select bool_and(v.item_id = r.item_id::text and v.score = r.score)
  from als.recommend_vector('clicks', vector, k => 5, on_unknown => 'popular') as v join als.recommend('clicks', 4711, 5, on_unknown => 'popular') as r using (rank) $$;
select popular(null), popular('{0,0,0,0}'), popular('{1,1,1,1}');
select array_agg(item_id order by item_id) from als.recommend_vector('clicks', als.fold_in('clicks', array[4711]), on_unknown => 'popular', candidates => array[1, 2, 3], exclude => array[2]);
select count(*) from als.recommend_vector(null, '{1,2,3,4}');
select count(*) from als.recommend_vector('stars', '{1,2,3,4}', k => 0);

select try('select * from als.recommend_vector(''stars'', null, on_unknown => ''error'')');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3}'')');
select try('select * from als.recommend_vector(''stars'', ''{}'')');
select try('select * from als.recommend_vector(''stars'', ''{{1,2},{3,4}}'')');
select try('select * from als.recommend_vector(''stars'', ''{1,2,null,4}'')');
select try('select * from als.recommend_vector(''stars'', ''{1,2,NaN,4}'')');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,1e18}'')');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,4}'', bias => ''infinity'')');
select try('select * from als.recommend_vector(''clicks'', ''{1,2,3,4}'', bias => 0.5)');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,4}'', k => -1)');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,4}'', on_unknown => ''null'')');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,4}'', exclude => array[1.5])');
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,4}'', candidates => (select array_agg(item_id) from ratings where false))');
select try('select * from als.recommend_vector(''ratings'', ''{1,2,3,4}'')');

-- For many users in one query.
select count(*), count(distinct user_id) from stars_user_factors as u, als.recommend_vector('stars', u.factors, 3, bias => u.bias);

-- In the types of the model's ids.
select count(*) from als.create_functions('stars');
select pg_typeof(r.item_id), count(*) from stars_recommend_vector('{1,2,3,4}', k => 3, exclude => array[1]) as r join (select distinct item_id from ratings) as i using (item_id) group by 1;

-- With the caller's privileges.
create role vector_reader;
grant usage on schema recommend_vector to vector_reader;
grant select on stars to vector_reader;
set role vector_reader;
select try('select * from als.recommend_vector(''stars'', ''{1,2,3,4}'')');
reset role;
grant select on stars_item_factors to vector_reader;
set role vector_reader;
select count(*) from als.recommend_vector('stars', '{1,2,3,4}', k => 3);
reset role;
drop schema recommend_vector cascade;
drop role vector_reader;
