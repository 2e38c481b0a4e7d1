-- on_unknown => 'popular': by what was liked. Dislikes and zeros are no votes, and few stars of few users do not win.
create schema popular;
set search_path = popular, public;
create table r as select u as user_id, i as item_id, 1 as rating from generate_series(1, 20) u, generate_series(1, 10) i where (u * 7 + i * 3) % 5 < 3;
insert into r select 100 + g, 99, -1 from generate_series(1, 50) g;
insert into r select 200 + g, 98, 0 from generate_series(1, 40) g;
insert into r values (20, 97, -1), (20, 97, 1), (19, 97, 2);
select n_users, damping from als.train('m', 'r', feedback => 'implicit', factors => 4);
-- As many as there are of positive feedback.
create view votes as
select item_id, count(*) filter (where rating > 0) as votes from (select user_id, item_id, sum(rating) as rating from r group by 1, 2) x group by 1;
select item_id, popularity, n_ratings from m_item_factors where item_id > 90 order by 1;
select count(*) from m_item_factors join votes using (item_id) where popularity is distinct from votes;
select r.*, votes from als.recommend('m', 12345, 3, on_unknown => 'popular') r left join votes using (item_id) order by rank;
select item_id, score, rank from als.recommend('m', 12345, 13, on_unknown => 'popular') order by rank desc limit 4;
select count(*) from als.recommend_for('m', array[12345], k => 3, on_unknown => 'popular') p join als.recommend('m', 12345, 3, on_unknown => 'popular') r using (item_id, score, rank);
-- A user with nothing but a "no", or a zero, without what that was said of; and one who is given so.
select item_id, score from als.recommend('m', 101, 3, on_unknown => 'popular') order by rank;
select item_id, score from als.recommend('m', 201, 3, on_unknown => 'popular') order by rank;
select count(*) from als.recommend('m', 101, 20, on_unknown => 'popular') where item_id = 99;
select count(*) from als.recommend_for('m', array[99], array[-1], k => 3, on_unknown => 'popular') p join als.recommend('m', 101, 3, on_unknown => 'popular') r using (item_id, score, rank);
select count(*) from als.recommend('m', 101, 3);
-- Who has said yes once gets a list of their own.
select max(score) < 2 as of_their_own from als.recommend('m', 1, 3, on_unknown => 'popular');
-- Nobody is logged in: a null is an unknown user, or item.
select item_id, score from als.recommend('m', null::int, 3, on_unknown => 'popular') order by rank;
select count(*) from als.recommend('m', null::int, 3);
select count(*) from als.recommend('m', null::int, 3, on_unknown => 'error');
select count(*) from als.similar_items('m', null::int, 3);
select count(*) from als.similar_items('m', null::int, 3, on_unknown => 'error');
select als.predict('m', null::int, 1, 'mean'), als.predict('m', null::int, 1), als.predict('m', 1, null::int, 'mean');
select als.predict('m', null::int, 1, 'error');
select als.predict('m', 1, null::int, 'error');
select als.predict(null, 1, 1, 'error');

-- Explicit feedback: the mean rating, damped by as many ratings of the mean as the data themselves suggest.
create table stars as select user_id, item_id, 3 + item_id * 0.2 + (user_id * 7 + item_id * 5) % 3 - 1 as rating from generate_series(1, 30) user_id, generate_series(1, 8) item_id where (user_id * 3 + item_id) % 4 > 0;
insert into stars values (1, 50, 5.0), (2, 51, 0.5);
select n_users, damping > 0 as has_damping from als.train('s', 'stars', factors => 2);
-- By hand: the analysis of variance.
create view by_hand as
with items as (select item_id, count(*) n, sum(rating) s, sum(rating * rating) q from stars group by 1),
	all_items as (select sum(n) n, count(*) k, sum(s) s, sum(q) q, sum(s * s / n) m, sum(n * n) n2 from items),
	variances as (select *, (q - m) / (n - k) as inside, (m - s * s / n) / (k - 1) as outside, (n - n2 / n) / (k - 1) as n0 from all_items)
select item_id, items.n, items.s, v.s / v.n as mean, inside / ((outside - inside) / n0) as damping,
	(items.s + inside / ((outside - inside) / n0) * v.s / v.n) / (items.n + inside / ((outside - inside) / n0)) as damped_mean
from items, variances v;
select abs(damping - (select max(b.damping) from by_hand b)) < 1e-6 as is_that from als.latest_run('s');
select count(*) as items, count(*) filter (where abs(popularity - damped_mean) < 1e-4) as right from s_item_factors join by_hand using (item_id);
-- The one rating of 5.0 is not enough to come first.
select item_id, round(score::numeric, 2) as score from als.recommend('s', null::int, 3, on_unknown => 'popular') order by rank;
select round(als.predict('s', null::int, 8, 'mean')::numeric, 1) as mean_and_bias;

-- A refresh goes by the same; a copy keeps it.
insert into r select 300 + g, 5, 1 from generate_series(1, 30) g;
insert into r values (1, 60, 1), (2, 60, -1);
select als.refresh_items('m');
select item_id, popularity, n_ratings from m_item_factors where item_id in (5, 60) order by 1;
select als.refresh_users('m');
select als.refresh_items('m', array[5]);
select popularity from m_item_factors where item_id = 5;
insert into stars select 100 + g, 8, 6 from generate_series(1, 5) g;
select from als.refresh_users('s');
select from als.refresh_items('s');
select abs(popularity - (select (sum(rating) + damping * mean) / (count(*) + damping) from stars where item_id = 8)) < 1e-4 as is_right from s_item_factors, als.latest_run('s') where item_id = 8;
create table before as select item_id, popularity from m_item_factors;
select run from als.retrain('m', keep_previous => true, source => 'select * from r where item_id <> 5');
select count(*) > 0 as has_changed from (table before except select item_id, popularity from m_item_factors) x;
select run from als.rollback_model('m');
select count(*) from (table before except select item_id, popularity from m_item_factors) x;

-- Imported: by the source, where there is one; else by the number of ratings, as the tables of als 1.0.
select damping from als.import_model('i', 'select user_id, factors from m_user_factors', 'select item_id, factors from m_item_factors', source => 'r');
select count(*) from i_item_factors join (select item_id, count(*) filter (where rating > 0) as votes from r group by 1) v using (item_id) where popularity <> votes;
select damping > 0 as has_damping from als.import_model('e', 'select user_id, factors from m_user_factors', 'select item_id, factors from m_item_factors', feedback => 'explicit', source => 'stars');
select count(popularity) from e_item_factors;
select from als.import_model('i', 'select user_id, factors from m_user_factors', 'select item_id, factors from m_item_factors', replace => true);
select count(popularity), count(n_ratings) from i_item_factors;
alter table m_item_factors drop column popularity;
select item_id, score from als.recommend('m', 12345, 2, exclude_seen => false, on_unknown => 'popular') order by rank;
select from als.refresh_items('m', array[5]);
select run from als.retrain('m');
alter table m_item_factors drop column popularity, add column popularity text;
select item_id, score from als.recommend('m', 12345, 2, on_unknown => 'popular') order by rank;
select run from als.retrain('m', keep_previous => true);

-- The baseline of als.evaluate is the same for implicit feedback; for stars it is the number of ratings.
create table test as select 1 as user_id, 99 as item_id, 1 as rating;
select from als.train('judged', 'select * from r where user_id <> 1 or item_id <> 99', feedback => 'implicit', factors => 4);
select metric, baseline from als.evaluate('judged', 'test', '{3}') where metric = 'recall';
set client_min_messages = warning;
drop schema popular cascade;
