-- diversity of als.recommend and als.recommend_all: maximal marginal relevance over the ten times k best.
create schema diversity;
set search_path = diversity;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table likes as
select u as user_id, i as item_id from generate_series(1, 120) as u, generate_series(1, 150) as i
where (u % 6 = i % 6 and (u * 31 + i * 17) % 5 < 3) or (u * 7 + i * 11 + u * i) % 23 = 0;
select n_users, n_items from als.train('m', 'likes', rating_col => null, feedback => 'implicit', factors => 8, iterations => 5);

-- By the definition, one item after the other.
create function by_definition(u int, k int, share float8) returns int[] language plpgsql as $$
declare
  list int[] := '{}';
  next int;
begin
  create temp table head as select r.item_id::int as item_id, r.score, r.rank, f.factors from als.recommend('m', u, 10 * k) r join m_item_factors f on f.item_id = r.item_id;
  while cardinality(list) < least(k, (select count(*) from head)) loop
    select h.item_id into next from head h
    where h.item_id <> all (list)
    order by case when list = '{}' then -h.rank else
      (1 - share) * (h.score - (select min(score) from head))::float8 / ((select max(score) from head) - (select min(score) from head))::float8
      - share * (select max(als.cosine(h.factors, c.factors)) from head c where c.item_id = any (list)) end desc, h.rank limit 1;
    list := list || next;
  end loop;
  drop table head;
  return list;
end $$;
select count(*) as lists, count(*) filter (where by_definition(u, 5, share) <> (select array_agg(r.item_id::int order by rank) from als.recommend('m', u, 5, diversity => share) r)) as wrong
from generate_series(1, 120, 7) as u, unnest('{0.1,0.3,0.7,1}'::float8[]) as share;

-- The scores are those that the items have; the first item is the best; 0 is as without.
select bool_and(d.score = b.score) as scores, bool_and(d.rank = 1) filter (where b.rank = 1) as first, count(*) filter (where d.rank <> b.rank) > 0 as others
from als.recommend('m', 5, 5, diversity => 0.6) d join als.recommend('m', 5, 50) b using (item_id);
select count(*) from (select * from als.recommend('m', 5, 8, diversity => 0) except select * from als.recommend('m', 5, 8)) as d;
-- Lists are less alike the more is asked for.
create function alike(share float8) returns float8 language sql as $$
  select avg(als.cosine(a.factors, b.factors)) from generate_series(1, 120) as u
  cross join lateral (select f.item_id, f.factors from als.recommend('m', u, 5, diversity => share) r join m_item_factors f on f.item_id = r.item_id) a
  cross join lateral (select f.item_id, f.factors from als.recommend('m', u, 5, diversity => share) r join m_item_factors f on f.item_id = r.item_id) b
  where a.item_id < b.item_id
$$;
select alike(0) > alike(0.2) and alike(0.2) > alike(0.6) and alike(0.6) > alike(1) as less_and_less;

-- Among candidates, few or many; with everything else that als.recommend takes.
select count(*), bool_and(item_id <= 9) as within from als.recommend('m', 7, 5, diversity => 0.5, candidates => array[1, 2, 3, 4, 5, 6, 7, 8, 9], exclude_seen => false);
select count(*) from als.recommend('m', 7, 5, diversity => 0.5, candidates => array[1], exclude_seen => false);
select count(*) from als.recommend('m', 7, 0, diversity => 0.5);
select count(*) from als.recommend('m', 7, 1000, diversity => 0.5) d full join als.recommend('m', 7, 1000) a using (item_id) where a.rank is null or d.rank is null;
select count(*) from als.recommend('m', -1, 5, diversity => 0.5);
select count(*) from (select * from als.recommend('m', -1, 5, diversity => 0.5, on_unknown => 'popular') except select * from als.recommend('m', -1, 5, on_unknown => 'popular')) p;
-- Ids of any type, and the functions of the model.
select array_agg(item_id::int order by rank) = by_definition(5, 5, 0.4) as same from als.recommend('m', '5', 5, diversity => 0.4);
select count(*) > 0 as made from als.create_functions('m');
select array_agg(item_id order by rank) = by_definition(5, 5, 0.4) as same from m_recommend(5, 5, diversity => 0.4);

-- For all users at once, whatever the threads.
select als.recommend_all('m', 'lists', 5, diversity => 0.4);
select count(*) from lists l full join (select u.user_id, r.* from m_user_factors u cross join lateral als.recommend('m', u.user_id, 5, diversity => 0.4) r) r using (user_id, rank) where l.item_id is distinct from r.item_id or l.score is distinct from r.score;
select als.recommend_all('m', 'alone', 5, threads => 1, diversity => 0.4);
select count(*) from (table lists except table alone) d;
select als.recommend_all('m', 'plain', 5), als.recommend_all('m', 'zero', 5, diversity => 0);
select count(*) from (table plain except table zero) d;

-- Mistakes.
select try($$select als.recommend('m', 5, diversity => 1.1)$$);
select try($$select als.recommend('m', 5, diversity => -0.1)$$);
select try($$select als.recommend('m', 5, diversity => 'nan')$$);
select try($$select als.recommend('m', 5, diversity => null)$$);
select try($$select als.recommend('m', -1, diversity => 2)$$);
select try($$select als.recommend_all('m', 'lists', diversity => 2)$$);
select try($$select als.recommend_all('m', 'lists', diversity => null)$$);

drop schema diversity cascade;
