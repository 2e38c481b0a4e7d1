-- explore of als.recommend and als.recommend_all: a share of each list kept for new items.
create schema explore;
set search_path = explore;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table likes as
select u as user_id, i as item_id from generate_series(1, 200) as u, generate_series(1, 150) as i
where (u % 6 = i % 6 and (u * 31 + i * 17) % 5 < 3) or (u * 7 + i * 11 + u * i) % 23 = 0;
insert into likes select 1 + i % 7, i from generate_series(151, 170) as i;   -- of these one like each
create table kinds as select i as item_id, (i % 6)::text as kind from generate_series(1, 200) as i;   -- and of 30 more none
select n_users, n_items, n_new_items from als.train('m', 'likes', rating_col => null, feedback => 'implicit', factors => 8, iterations => 5, item_features => 'kinds');

-- So many of each list are new, at places that are anywhere; the others are the best, in order.
create table lists as select u as user_id, r.item_id, r.score, r.rank, f.n_ratings < 5 as is_new, b.rank as best
from generate_series(1, 200) as u cross join lateral als.recommend('m', u, 10, explore => 0.2) r
join m_item_factors f using (item_id) left join lateral (select * from als.recommend('m', u, 10) b where b.item_id = r.item_id) b on true;
select user_id from lists group by user_id having count(*) <> 10 or count(distinct item_id) <> 10 or max(rank) <> 10 or count(*) filter (where best is null) > 2;
select count(*) from lists where not is_new and best is null;
select count(*) from (select best < lag(best) over (partition by user_id order by rank) as is_out_of_order from lists where not is_new) l where is_out_of_order;
select round(avg(kept), 1) as kept from (select count(*) filter (where is_new) as kept from lists group by user_id) l;
select count(distinct rank) as places, count(distinct item_id) > 30 as many from lists where is_new;
-- The scores are those that the items have.
select count(*) from lists where abs(score - als.predict('m', user_id, item_id)) > 1e-5;
-- Of so small a part a list has one place or none.
select max(n) as most, avg(n) between 0.2 and 0.6 as half_or_less from (select count(*) filter (where b.rank is null) as n from generate_series(1, 200) as u cross join lateral als.recommend('m', u, 5, explore => 0.1) r left join lateral (select * from als.recommend('m', u, 5) b where b.item_id = r.item_id) b on true group by u) l;

-- The same for the same seed, others for another; a longer list begins with the shorter one.
select count(*) from (table lists except select l.* from lists l join lateral als.recommend('m', l.user_id, 10, explore => 0.2) r on r.item_id = l.item_id and r.rank = l.rank) d;
select count(*) > 100 as differ from lists l left join lateral als.recommend('m', l.user_id, 10, explore => 0.2, seed => 43) r on r.item_id = l.item_id and r.rank = l.rank where r.item_id is null;
select count(*) from lists l join lateral als.recommend('m', l.user_id, 4, explore => 0.2) r using (rank) where r.item_id <> l.item_id;
select count(*) from (select * from als.recommend('m', 5, 8, explore => 0) except select * from als.recommend('m', 5, 8)) as d;
-- A draw of the ten best for the place, or of all of them.
select count(*) from lists l where is_new and best is null
  and item_id not in (select item_id from als.recommend('m', l.user_id, 20, candidates => array(select item_id from m_item_factors where n_ratings < 5)));
select count(*) from als.recommend('m', 7, 40, explore => 1) r join m_item_factors f using (item_id) where n_ratings >= 5;

-- What is new: fewer ratings than new_below.
select max(n_ratings) from als.recommend('m', 7, 20, explore => 1, new_below => 1) r join m_item_factors f using (item_id);
select count(*) from (select * from als.recommend('m', 7, 20, explore => 1, new_below => 1000000) except select item_id, score, rank from als.recommend('m', 7, 20, explore => 1, new_below => 1000000)) d;

-- With what is seen, candidates, others left out, variety.
select count(*) from als.recommend('m', 3, 30, explore => 0.5) r join likes l on l.user_id = 3 and l.item_id = r.item_id;
select array_agg(r.item_id order by r.item_id) from als.recommend('m', 3, 10, explore => 0.5, exclude_seen => false, candidates => array[1, 2, 3, 171, 172], exclude => array[172]) r;
select count(*) filter (where f.n_ratings < 5) as new, count(*) from als.recommend('m', 3, 10, explore => 0.3, diversity => 0.4) r join m_item_factors f using (item_id);
select count(*) from als.recommend('m', 3, 10, explore => 0.3, diversity => 0.4) r left join als.recommend('m', 3, 10, diversity => 0.4) d using (item_id) join m_item_factors f using (item_id) where d.rank is null and f.n_ratings >= 5;
select count(*) from als.recommend('m', 3, 0, explore => 0.5);
select count(*) from als.recommend('m', -1, 10, explore => 0.5);
select count(*) from (select * from als.recommend('m', -1, 5, explore => 0.5, on_unknown => 'popular') except select * from als.recommend('m', -1, 5, on_unknown => 'popular')) p;
-- Ids of any type, and the functions of the model.
select count(*) from als.recommend('m', '5', 10, explore => 0.2) r full join lists l on l.item_id = r.item_id::int and l.rank = r.rank where coalesce(l.user_id, 5) = 5 and (r.item_id is null or l.item_id is null);
select count(*) > 0 as made from als.create_functions('m');
select count(*) from m_recommend(5, 10, explore => 0.2) r join lists l using (item_id, rank) where user_id = 5;

-- For all users at once, whatever the threads.
select als.recommend_all('m', 'all_lists', 10, explore => 0.2);
select count(*) from lists l full join all_lists a using (user_id, rank) where l.item_id is distinct from a.item_id or l.score is distinct from a.score;
select als.recommend_all('m', 'alone', 10, threads => 1, explore => 0.2);
select count(*) from (table all_lists except table alone) d;
select als.recommend_all('m', 'a_few', 10, explore => 0.5, diversity => 0.3, seed => 7, new_below => 2, users => 'select generate_series(1, 20)', candidates => 'select generate_series(1, 180)', exclude => 'select generate_series(30, 40)');
select count(*) from a_few s full join (select u as user_id, r.* from generate_series(1, 20) u cross join lateral als.recommend('m', u, 10, explore => 0.5, diversity => 0.3, seed => 7, new_below => 2, candidates => array(select generate_series(1, 180)), exclude => array(select generate_series(30, 40))) r) r using (user_id, rank) where r.item_id is distinct from s.item_id;

-- Mistakes.
select try($$select als.recommend('m', 5, explore => 1.1)$$);
select try($$select als.recommend('m', 5, explore => 'nan')$$);
select try($$select als.recommend('m', 5, explore => null)$$);
select try($$select als.recommend('m', 5, new_below => 0)$$);
select try($$select als.recommend('m', 5, new_below => null)$$);
select try($$select als.recommend('m', 5, seed => null)$$);
select try($$select als.recommend('m', -1, explore => 2)$$);
select try($$select als.recommend_all('m', 'lists', explore => 2)$$);
select try($$select als.recommend_all('m', 'lists', new_below => -1)$$);
select try($$select als.recommend_all('m', 'lists', seed => null)$$);
-- A model that does not know who is new.
select n_items from als.import_model('i', 'select user_id, factors from m_user_factors', 'select item_id, factors from m_item_factors');
select try($$select als.recommend('i', 5, exclude_seen => false, explore => 0.1)$$);
select try($$select als.recommend_all('i', 'of_i', exclude_seen => false, explore => 0.1)$$);
drop schema explore cascade;
