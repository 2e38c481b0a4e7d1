-- seen => 'relation or query': what users have seen beside the source of the training is not recommended to them either.
create schema seen;
set search_path = seen, public;
\set ECHO none
\i test/sql/try.psql
\set ECHO all
create table ratings as
select u as user_id, i as item_id, case when (u + i) % 3 = 0 then 1 else 5 end as rating
from generate_series(1, 30) u, generate_series(1, 20) i where (u * 31 + i * 17 + u * i) % 10 < 6;
create index on ratings (user_id);
create view likes as select * from ratings where rating >= 4;

-- What each user is recommended although they have rated it.
create function again(recommendations text) returns table (recommended bigint, already_rated bigint, disliked bigint) language plpgsql as $$
begin
	return query execute format('select count(*), count(r.item_id), count(*) filter (where r.rating < 4) from (%s) x left join ratings r using (user_id, item_id)', recommendations);
end $$;
create function one_by_one(model regclass, k int) returns table (user_id int, item_id int, score real, rank int) language sql as $$
	select u, r.* from generate_series(1, 30) u, als.recommend(model, u, k) r
$$;

-- Without it, what was rated badly comes back.
select n_users, seen from als.train('blind', 'likes', rating_col => null, feedback => 'implicit', factors => 4);
select als.recommend_all('blind', 'recs', 20);
select * from again('table recs');
select * from again($$select * from one_by_one('blind', 20)$$);

-- The model's row says where it is seen; all that recommends goes by it.
select n_users, seen, seen_table is null as is_query, options from als.train('taste', 'likes', rating_col => null, feedback => 'implicit', factors => 4, seen => 'ratings');
select als.recommend_all('taste', 'recs', 20);
select * from again('table recs');
select * from again($$select * from one_by_one('taste', 20)$$);
select not exists (select user_id, item_id, rank from recs except select user_id, item_id, rank from one_by_one('taste', 20)) as are_the_same;
-- All else of it is as without.
select count(*) from taste_user_factors t full join blind_user_factors b using (user_id) where t is distinct from b;
select count(*) from recs x join blind_item_factors using (item_id) where score <> als.predict('blind', x.user_id, x.item_id);
-- What is written afterwards counts too.
insert into ratings select 1, i, 1 from generate_series(1, 20) i where i not in (select item_id from ratings where user_id = 1);
select count(*) from als.recommend('taste', 1, 20);
select als.recommend_all('taste', 'recs', 20);
select count(*) from recs where user_id = 1;
select count(*) > 0 as has from als.recommend('taste', 1, 20, exclude_seen => false);
delete from ratings where user_id = 1 and rating = 1;

-- A call can name another.
select als.recommend_all('taste', 'recs', 20, seen => 'select * from ratings where false');
select * from again('table recs');
select als.recommend_all('blind', 'recs', 20, seen => 'ratings');
select * from again('table recs');
select als.recommend_all('blind', 'recs', 20, seen => 'select user_id::text, item_id::numeric as item_id from ratings;');
select als.recommend_all('blind', 'recs', 20, seen => 'select user_id::bigint, item_id::smallint from ratings;');
select * from again('table recs');
select als.recommend_all('blind', 'recs', 20, exclude_seen => false, seen => 'ratings') > 500 as all_of_them;

-- A query, ids of other types, a retraining, and steps.
select seen, seen_table from als.retrain('taste', seen => 'select user_id::bigint, item_id::smallint from ratings -- all');
select * from again($$select * from one_by_one('taste', 20)$$);
select seen from als.retrain('taste');
call als.retrain_in_steps('taste', seen => '');
select seen, seen_table from als.latest_run('taste');
call als.retrain_in_steps('taste', seen => 'ratings');
call als.train_in_steps('stepwise', 'likes', rating_col => null, feedback => 'implicit', factors => 4, seen => 'ratings');
select * from again($$select * from one_by_one('stepwise', 20)$$);
select seen from als.train('of_json', 'likes', options => '{"rating_col": null, "feedback": "implicit", "factors": 4, "seen": "ratings"}');
select seen from als.train('of_json', 'likes', rating_col => null, feedback => 'implicit', factors => 4, replace => true);
-- A table is known under its new name.
alter table ratings rename to scores;
select count(*) > 0 as has, count(s.item_id) as already_rated from one_by_one('taste', 20) left join scores s using (user_id, item_id);
alter table scores rename to ratings;

-- An imported model without a source.
select seen from als.import_model('imported', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors');
select try($$select als.recommend_all('imported', 'recs', 20)$$);
select als.recommend_all('imported', 'recs', 20, seen => 'ratings');
select * from again('table recs');
-- With what has been seen alone, or beside a source.
create view watched as select user_id as viewer, item_id as film from ratings;
select source, seen, user_col from als.import_model('imported', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors', replace => true, seen => 'watched', user_col => 'viewer', item_col => 'film');
select als.recommend_all('imported', 'recs', 20);
select * from again('table recs');
select source, seen from als.import_model('imported', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors', replace => true, source => 'likes', rating_col => null, seen => 'ratings');
select als.recommend_all('imported', 'recs', 20);
select * from again('table recs');
select try($$select als.import_model('wrong', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors', seen => 'watched')$$);
select try($$select als.import_model('wrong', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors', seen => 'select point(1, 2) as user_id, item_id from ratings')$$);

-- Evaluation ranks what could be recommended. What the test holds is not seen by then, wherever else it is.
create table held as select user_id, item_id, rating from ratings where (user_id * 7 + item_id) % 4 = 0;
create table known as select * from ratings except select * from held;
select n_users from als.train('judged', 'select * from known where rating >= 4', rating_col => null, feedback => 'implicit', factors => 4);
create temp table metrics as
select 'without' as way, * from als.evaluate('judged', 'select * from held where rating >= 4', '{5}')
union all select 'known', * from als.evaluate('judged', 'select * from held where rating >= 4', '{5}', seen => 'known')
union all select 'all', * from als.evaluate('judged', 'select * from held where rating >= 4', '{5}', seen => 'ratings')
union all select 'nothing', * from als.evaluate('judged', 'select * from held where rating >= 4', '{5}', seen => 'ratings', exclude_seen => false);
-- By hand: the hit rate of lists of five without what is known.
select abs(m.value - h.rate) < 1e-9 as hit_rate_is_right from metrics m, (
	select avg(hit::int) as rate from (
		select exists (
			select from (
				select r.item_id from als.recommend('judged', u.user_id, 20) r
				where not exists (select from known k where k.user_id = u.user_id and k.item_id = r.item_id) order by r.rank limit 5) top
			join held using (item_id) where held.user_id = u.user_id and held.rating >= 4) as hit
		from (select distinct user_id from held where rating >= 4) u) x) h
where way = 'known' and metric = 'hit_rate';
select count(*) as differ from metrics a join metrics b using (metric) where a.way = 'without' and b.way = 'known' and a.value <> b.value and metric in ('recall', 'ndcg', 'mrr', 'hit_rate', 'precision') having count(*) > 0;
select way, n from metrics where metric = 'recall' order by way;
-- Of what has been seen only the rows of the test's users are read.
begin;
create table long (user_id int, item_id int);
create index on long (user_id);
insert into long select u, i from generate_series(1, 3000) as u, generate_series(1, 5) as i;
set local enable_seqscan = off;
select metric, value from als.evaluate('judged', 'select * from held where user_id < 4', '{5}', seen => 'long') where metric = 'user_coverage';
select seq_tup_read, idx_tup_fetch from pg_stat_xact_user_tables where relname = 'long';
rollback;
-- As the model's row says, and with a history.
select seen from als.train('judged', 'select * from known where rating >= 4', rating_col => null, feedback => 'implicit', factors => 4, seen => 'known', replace => true);
select count(*) as differ from als.evaluate('judged', 'select * from held where rating >= 4', '{5}') e join metrics m using (metric) where way = 'known' and e.value <> m.value and metric not in ('auc');
select count(*) from als.evaluate('judged', 'select * from held where rating >= 4', '{5}', history => 'select * from known where rating >= 4', seen => 'ratings');

-- What does not work.
select try($$select als.train('wrong', 'likes', seen => 'no_such_table')$$);
select try($$select als.train('wrong', 'likes', seen => '')$$);
select try($$select als.train('wrong', 'likes', seen => 'select user_id, 1 as thing from ratings')$$);
select try($$select als.train('wrong', 'likes', seen => 'select point(1, 2) as user_id, item_id from ratings')$$);
select try($$select als.recommend_all('blind', 'recs', seen => 'select 1 as user_id')$$);
create table things as select 1 as item_id, 'a thing' as title;
select try($$select * from als.recommend('taste', 1, seen => 'things')$$);
select try($$select als.recommend_all('taste', 'recs', seen => 'things')$$);
select try($$select * from als.recommend('taste', 1, seen => 'select item_id from things')$$);
select try($$select * from als.recommend('taste', 1, seen => 'select 1 as user_id, 1 as item')$$);
select try($$select * from als.recommend('taste', 1, seen => 'select nothing from things')$$);
select try($$select als.evaluate('taste', 'ratings', seen => 'select title from things')$$);
drop table things;
select try($$select als.recommend_all('taste', 'ratings')$$);
drop view likes;
drop table ratings;
select try($$select from als.recommend('stepwise', 1)$$);
alter table held add column extra int;
update stepwise set source = 'seen.held', source_table = 'held';
select try($$select from als.recommend('stepwise', 1)$$);
select try($$select als.recommend_all('stepwise', 'recs')$$);
select count(*) > 0 as has from als.recommend('stepwise', 1, exclude_seen => false);

-- A stranger's row: what it names is read only where that runs nothing of the stranger's, as the source.
create role als_seen_owner;
create schema lent authorization als_seen_owner;
set role als_seen_owner;
create function lent.spy() returns int language plpgsql as $$ begin raise notice 'as %', current_user; return 1; end $$;
create table lent.ratings as select u as user_id, i as item_id, 1 + (u * i) % 5 as rating from generate_series(1, 9) u, generate_series(1, 6) i where (u + i) % 3 > 0;
create table lent.more as select 1 as user_id, i as item_id from generate_series(1, 6) i;
create view lent.spying as select * from lent.more where lent.spy() = 1;
select n_users from als.train('lent.model', 'lent.ratings', factors => 2, iterations => 2, seen => 'lent.spying');
select count(*) from als.recommend('lent.model', 1);
reset role;
select try($$select from als.recommend('lent.model', 1)$$);
select try($$select als.recommend_all('lent.model', 'lent_recs')$$);
select try($$select als.evaluate('lent.model', 'lent.ratings')$$);
select count(*) from als.recommend('lent.model', 1, exclude_seen => false);
-- What the caller has named is read.
select als.recommend_all('lent.model', 'lent_recs', seen => 'lent.more') > 0 as has;
select count(*) from lent_recs where user_id = 1;
update lent.model set seen = 'select * from lent.more', seen_table = null;
select try($$select from als.recommend('lent.model', 1)$$);
update lent.model set seen = 'lent.more', seen_table = 'lent.more';
select count(*) from als.recommend('lent.model', 1);
set client_min_messages = warning;
drop schema seen, lent cascade;
drop role als_seen_owner;
