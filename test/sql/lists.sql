-- Lists with candidates and exclude, of neighbours too; the best users for an item; and all of that for many at once.
-- Each agrees with brute force over the factor tables.
create schema lists;
set search_path = lists, public;
\set ECHO none
\i test/sql/try.psql
\set ECHO all
create table ratings as
select u as user_id, i as item_id, 1 + (u * 31 + i * 17 + u * i) % 5 as rating
from generate_series(1, 40) u, generate_series(1, 30) i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 4;
create table items as select i as item_id, i % 3 > 0 as in_stock, i % 7 as shelf from generate_series(1, 32) i;
create index on ratings (user_id);
select n_users, n_items from als.train('stars', 'ratings', factors => 4);
select n_users, n_items from als.train('likes', 'select * from ratings where rating > 3', rating_col => null, feedback => 'implicit', factors => 4, seen => 'ratings');

-- Every score there is.
create function scores(model regclass) returns table (user_id int, item_id int, score float8) language plpgsql as $$
begin
	return query execute format('select user_id, item_id, coalesce(%s + u.bias + i.bias, 0) + als.dot(u.factors, i.factors) from %s u, %s i',
		case when (als.latest_run(model)).biases then (als.latest_run(model)).mean else 0 end, model || '_user_factors', model || '_item_factors');
end $$;
create table stars_scores as select * from scores('stars');
create table likes_scores as select * from scores('likes');
-- How two tables of lists differ: rows of one that the other has not, or with another score or rank.
create function differ(got text, wanted text) returns bigint language plpgsql as $$
declare n bigint;
begin
	execute format('select count(*) from (%s) g full join (%s) w using (user_id, item_id) where (abs(g.score - w.score) < 1e-4 and g.rank = w.rank) is not true', got, wanted) into n;
	return n;
end $$;

-- als.recommend_users, and all of them at once.
create function users_for_all(model regclass, k int) returns table (user_id int, item_id int, score real, rank int) language sql as $$
	select r.user_id, i, r.score, r.rank from generate_series(1, 32) i, als.recommend_users(model, i, k) r
$$;
select user_id, round(score::numeric, 3) as score, rank from als.recommend_users('likes', 7, 3);
select differ($$select * from users_for_all('stars', 5)$$, $$select * from (
	select s.*, row_number() over (partition by item_id order by score desc, user_id) as rank from stars_scores s
	where not exists (select from ratings r where r.user_id = s.user_id and r.item_id = s.item_id)) x where rank <= 5$$);
select differ($$select * from users_for_all('likes', 5)$$, $$select * from (
	select s.*, row_number() over (partition by item_id order by score desc, user_id) as rank from likes_scores s
	where not exists (select from ratings r where r.user_id = s.user_id and r.item_id = s.item_id)) x where rank <= 5$$);
select als.recommend_users_all('likes', 'for_items', 5);
\d for_items
select differ('table for_items', $$select * from users_for_all('likes', 5)$$);
select count(*) > 0 as has_seen from als.recommend_users('stars', 7, 40, exclude_seen => false) u join ratings r on r.user_id = u.user_id and r.item_id = 7;
select array_agg(user_id order by rank) from als.recommend_users('stars', 7, candidates => array[3, 8, 4000, 5], exclude_seen => false);
select array_agg(user_id order by user_id) from als.recommend_users('stars', 7, candidates => array[3, 8, 5], exclude => array[8], exclude_seen => false);
select count(*) from als.recommend_users('likes', 7, 40, seen => 'select user_id, 7 as item_id from ratings');
select count(*) from als.recommend_users('likes', 4000);
select count(*) from als.recommend_users('likes', null::int);
select try($$select als.recommend_users('likes', 4000, on_unknown => 'error')$$);
select try($$select als.recommend_users('likes', 4000, on_unknown => 'popular')$$);
-- Ids of the other side's type.
select pg_typeof(user_id) as "bigint" from als.recommend_users('likes', 7::smallint, 1);
select pg_typeof(user_id) as "text" from als.recommend_users('likes', '7', 1);
select pg_typeof(user_id) as "numeric" from als.recommend_users('likes', 7::numeric, 1);
explain (costs off) select * from als.recommend_users('likes', 7, 3);

-- als.recommend_all: for some users, from some items, without others.
select als.recommend_all('stars', 'recs', 4, users => 'select user_id from ratings where user_id % 5 = 0', candidates => 'select item_id from items where in_stock', exclude => 'select item_id from items where shelf = 2');
select differ('table recs', $$select * from (
	select s.*, row_number() over (partition by user_id order by score desc, item_id) as rank from stars_scores s join items using (item_id)
	where user_id % 5 = 0 and in_stock and shelf <> 2 and not exists (select from ratings r where r.user_id = s.user_id and r.item_id = s.item_id)) x where rank <= 4$$);
-- Few candidates are looked at one by one.
select als.recommend_all('stars', 'recs', 4, candidates => 'select 11 as whatever');
select differ('table recs', $$select s.*, 1 as rank from stars_scores s where item_id = 11 and not exists (select from ratings r where r.user_id = s.user_id and r.item_id = s.item_id)$$);
-- Pairs are excluded for each user, whether seen ones are or not.
select als.recommend_all('likes', 'recs', 30, exclude_seen => false, exclude => 'ratings');
select count(*) as recommended, count(rating) as rated from recs left join ratings using (user_id, item_id);
select als.recommend_all('likes', 'recs', 30, exclude => 'select item_id from ratings where item_id < 29');
select array_agg(distinct item_id) from recs;
select als.recommend_all('likes', 'recs', users => 'select 4000');
select als.recommend_all('likes', 'recs', candidates => 'select item_id from items where false');
select als.recommend_all('likes', 'recs', users => 'select null::int as user_id union all select 3 union all select 3', candidates => 'select item_id::text from items') > 0 as has;
select distinct user_id from recs;
select als.recommend_users_all('stars', 'for_items', 3, items => 'select 5', candidates => 'select user_id from ratings where user_id > 10', exclude => 'ratings', exclude_seen => false);
select differ('table for_items', $$select * from (select s.*, row_number() over (order by score desc, user_id) as rank from stars_scores s
	where item_id = 5 and user_id > 10 and not exists (select from ratings r where r.user_id = s.user_id and r.item_id = s.item_id)) x where rank <= 3$$);
-- Reading what has been seen in parts comes to the same.
select als.recommend_all('stars', 'whole', 4, users => 'select generate_series(1, 40, 3)', threads => 1);
set als.max_memory = '64kB';
select als.recommend_all('stars', 'recs', 4, users => 'select generate_series(1, 40, 3)', threads => 1);
reset als.max_memory;
select differ('table recs', 'table whole');
select try($$select als.recommend_all('likes', 'recs', users => 'no_such_table')$$);
select try($$select als.recommend_all('likes', 'recs', users => 'items')$$);
select try($$select als.recommend_all('likes', 'recs', candidates => 'select 1 as a, 2 as b')$$);
select try($$select als.recommend_all('likes', 'recs', candidates => 'select point(1, 2) as item_id')$$);
select try($$select als.recommend_all('likes', 'recs', exclude => '')$$);

-- als.recommend with seen.
select count(*) from als.recommend('likes', 3, 40, seen => 'select 3 as user_id, item_id from items');
select count(*) > 0 as has from als.recommend('likes', 3, 40, seen => 'select 4 as user_id, item_id from items');

-- Neighbours among some.
create view cosines as
select a.item_id as of, b.item_id, als.cosine(a.factors, b.factors) as cosine, als.dot(a.factors, b.factors) as product
from stars_item_factors a, stars_item_factors b where a.item_id <> b.item_id;
create function wrong(measure text, candidates int[], exclude int[]) returns bigint language sql as $$
	select count(*) from (
		select i as of, s.item_id, s.score, s.rank from generate_series(1, 30) i, als.similar_items('stars', i, 4, measure => $1, candidates => $2, exclude => $3) s) got
	full join (
		select of, item_id, case when measure = 'cosine' then cosine else product end as score,
			row_number() over (partition by of order by case when measure = 'cosine' then cosine else product end desc, item_id) as rank
		from cosines where ($2 is null or item_id = any ($2)) and ($3 is null or item_id <> all ($3))) wanted using (of, item_id, rank)
	where wanted.rank <= 4 and abs(got.score - wanted.score) < 1e-5 is not true or wanted.of is null
$$;
select wrong('cosine', array(select item_id from items where in_stock), null), wrong('inner_product', array(select item_id from items where in_stock), null),
	wrong('cosine', null, array[1, 2, 3, 4, 5]), wrong('inner_product', array[5, 6, 7, 8], array[7]), wrong('cosine', '{}', null);
select count(*) from als.similar_items('stars', 1, 30, exclude => '{}'::int[]);
select array_agg(user_id order by user_id) from als.similar_users('stars', 1, candidates => array[1, 2, 3, 4000], exclude => array[2]);
select array_agg(item_id order by item_id) from als.similar_items('stars', '1', candidates => '{2,3}', exclude => '{3}');
select try($$select als.similar_items('stars', 1, candidates => array['x'])$$);
set client_min_messages = warning;
drop schema lists cascade;
