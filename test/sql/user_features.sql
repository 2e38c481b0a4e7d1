-- user_features => 'table or query': users lean on what is known of them, and those without ratings are served by it.
create schema user_features;
set search_path = user_features, public;
\set ECHO none
\i test/sql/try.psql
\set ECHO all
set client_min_messages = warning;

-- Each team likes two of ten topics; two thirds of the users have ratings.
create table people as
select u as user_id, 'team ' || u % 10 as team, 20 + u % 50 as age, u % 3 = 0 as is_new from generate_series(1, 300) u;
create table ratings as
select user_id, i as item_id, case when i % 10 in (user_id % 10, (user_id * 3 + 1) % 10) then 5 else 2 end as rating
from people, generate_series(1, 200) i
where not is_new and als.hash_fraction(user_id, i) < case when i % 10 in (user_id % 10, (user_id * 3 + 1) % 10) then 0.4 else 0.1 end;
create view likes as select user_id, item_id from ratings where rating = 5;

-- What was made of each column, and the weights, are told.
select n_users, n_new_users, n_items, n_new_items, user_features, user_features_table is null as is_query, user_feature_weights, item_feature_weights, feature_strength, user_feature_strength
from als.train('taste', 'likes', rating_col => null, feedback => 'implicit', factors => 8, user_features => 'select user_id, team, age from people');
select jsonb_pretty(user_feature_columns) from taste;
select feature, role, column_name, value, n_users, cardinality(weights), bias from taste_user_feature_weights where column_name is null or value < 'team 3' order by feature;
select n_ratings = 0 as is_new, count(*), count(checksum) from taste_user_factors group by 1 order by 1;

-- Users without ratings are served by their features: one of five items suits at random.
create function share_of_liked(model text) returns numeric language plpgsql as $$
declare share numeric;
begin
	execute format($q$
		select round(avg((item_id %% 10 in (user_id %% 10, (user_id * 3 + 1) %% 10))::int), 1)
		from people, als.recommend(%L, user_id, 10) where is_new$q$, model) into share;
	return share;
end $$;
select share_of_liked('taste');
-- Ratings alone know nothing of them.
select n_users from als.train('blind', 'likes', rating_col => null, feedback => 'implicit', factors => 8);
select count(*) from als.recommend('blind', 3, 10);
create table before as select * from taste_user_factors;
-- A refresh solves those with ratings as the training did, and knows those who have come.
select als.refresh_users('taste', array(select user_id from people where not is_new and user_id < 100)) as refreshed;
select max(abs(a - b)) < 1e-3 as is_the_same from before join taste_user_factors f using (user_id), unnest(before.factors, f.factors) as x (a, b);
-- That somebody without ratings comes says nothing of items.
create table folded as select als.fold_in_item('taste', array[4, 14]) as vector;
insert into people values (1001, 'team 3', 30, true), (1002, 'none of these', null, true);
select als.refresh_users('taste');
select user_id, n_ratings from taste_user_factors where user_id > 1000 order by 1;
select max(abs(a - b)) < 1e-4 as is_the_same from folded, unnest(vector, als.fold_in_item('taste', array[4, 14])) as x (a, b);
select round(avg((item_id % 10 in (3, 0))::int), 1) from als.recommend('taste', 1001, 10);
select n_users from taste;
select als.refresh_users('taste');
-- Features that have changed are noticed.
update people set team = 'team 4' where user_id in (2, 1001);
select als.refresh_users('taste'), als.refresh_users('taste') as again;
select round(avg((item_id % 10 in (4, 3))::int), 1) from als.recommend('taste', 1001, 10);
update people set team = 'team ' || user_id % 10 where user_id = 2;
update people set team = 'team 3' where user_id = 1001;
select * from als.refresh('taste');
-- Somebody of whom nothing but features is known.
select round(avg((item_id::int % 10 in (3, 0))::int), 1) from als.recommend_vector('taste', als.features_vector('taste', '{"team": "team 3"}', 'user'), k => 10);
select try($$select als.features_vector('taste', '{"team": "team 3"}')$$);
-- Ratings and features of a row give what a training gives them, and features alone what they expect.
create function features_of(id int) returns jsonb language sql as 'select to_jsonb(p) - ''is_new'' from people p where user_id = $1';
create function liked_by(id int) returns int[] language sql as 'select array(select item_id from likes where user_id = $1)';
create function likeness(a real[], b real[]) returns text language sql as
	'select case when max(abs(x - y)) < 1e-3 then ''the same'' else ''others'' end from unnest(a, b) as z (x, y)';
select likeness(factors, als.fold_in('taste', liked_by(4), features => features_of(4))) as both,
	likeness(factors, als.fold_in('taste', liked_by(4))) as ratings_alone,
	likeness(als.features_vector('taste', features_of(4), 'user'), als.fold_in('taste', '{}'::int[], features => features_of(4))) as features_alone,
	likeness(als.features_vector('taste', features_of(4), 'user'), als.fold_in('taste', liked_by(4), null, array_fill(0, array[cardinality(liked_by(4))]), features_of(4))) as no_weight,
	als.fold_in('taste', array[-1]) is null as nothing
from taste_user_factors where user_id = 4;
-- The team counts beside a click, whose item is not shown again.
select (array_agg(score order by of))[1] > (array_agg(score order by of))[2] as of_the_team_first
from (values (1, '{"team": "team 3"}'::jsonb), (2, null)) x (of, features), als.recommend_for('taste', array[5], candidates => array[13], features => features);
select count(*) from als.recommend_for('taste', array[5], candidates => array[5, 13], features => '{"team": "team 3"}');
select count(*) as nothing_known from als.recommend_for('taste', array[-1]);
select round(avg((item_id % 10 in (3, 0))::int), 1) as of_the_team from als.recommend_for('taste', array[-1], features => '{"team": "team 3"}', on_unknown => 'error');
select count(*) from als.create_functions('taste');
select round(avg((item_id % 10 in (3, 0))::int), 1) as of_the_team from taste_recommend_for('{}', features => '{"team": "team 3"}');
select try($$select als.fold_in('taste', array[5], features => '{"town": "Basel"}')$$);
select try($$select als.fold_in('taste', array[5], features => '{"age": "old"}')$$);
select try($$select als.fold_in('taste', array[5], features => '{"age": -1e400}')$$);
select try($$select als.fold_in('taste', array[5], features => '{"age": 12e-400}')$$);
select als.fold_in('taste', array[5], features => '{"age": 0.00}') = als.fold_in('taste', array[5], features => '{"age": 1e-300}') as tiny;
select try($$select als.fold_in('taste', array[5], features => '["team 3"]')$$);
select try($$select als.fold_in_item('taste', array[5], features => '{"topic": "topic 1"}')$$);
select try($$select als.fold_in('blind', array[5], features => '{"team": "team 3"}')$$);
-- Whoever loses all ratings keeps a row; whoever loses the features too loses it.
delete from ratings where user_id = 1;
select als.refresh_users('taste', array[1]);
select n_ratings from taste_user_factors where user_id = 1;
delete from people where user_id = 1002;
select als.refresh_users('taste', array[1002]);
select count(*) from taste_user_factors where user_id = 1002;

-- Explicit feedback, and both sides at once; directly and by conjugate gradients.
create view topics as select i as item_id, 'topic ' || i % 10 as topic from generate_series(1, 220) i;
select n_users, n_new_users, n_items, n_new_items
from als.train('stars', 'ratings', factors => 8, user_features => 'people', item_features => 'topics', holdout => 0.1);
select share_of_liked('stars');
select count(bias), (select count(bias) from stars_item_feature_weights) from stars_user_feature_weights;
select round(avg(abs(als.predict('stars', user_id, i) - case when i % 10 in (user_id % 10, (user_id * 3 + 1) % 10) then 5 else 2 end))::numeric, 1) as error
from people, generate_series(201, 220) i where is_new and user_id < 100;
select every(loss <= before * 1.000001) as never_rises, min(loss / before) filter (where n = 20) > 0.99 as nor_falls_at_the_end
from (select n, x.loss, lag(x.loss) over (order by n) as before from als.train('direct', 'ratings', factors => 8, solver => 'direct', iterations => 20, user_features => 'people', item_features => 'topics') t, unnest(t.loss) with ordinality as x (loss, n)) y;

select als.refresh_items('stars', array[7]);
select likeness(factors, als.fold_in_item('stars', users, stars, features => '{"topic": "topic 7"}')) as both, likeness(factors, als.fold_in_item('stars', users, stars)) as ratings_alone
from stars_item_factors, (select array_agg(user_id) as users, array_agg(rating::float8) as stars from ratings where item_id = 7) r where item_id = 7;
-- With the user's bias in the scores: the team that likes it rates it higher.
select i, round(max(score) filter (where team = 1)::numeric) as team_1, round(max(score) filter (where team = 2)::numeric) as team_2
from unnest(array[1, 4, 2, 7]) i, generate_series(1, 2) team, als.recommend_for('stars', array[-1], array[5], candidates => array[i], features => jsonb_build_object('team', 'team ' || team))
group by i order by i;
-- Whoever has rated nothing gives no ratings.
select bool_and(a.item_id = b.item_id and a.score = b.score) as are_the_same, count(*)
from als.recommend_for('stars', array[-1], array[5], features => '{"team": "team 1"}') a join als.recommend_for('stars', '{}'::int[], features => '{"team": "team 1"}') b using (rank);
select try($$select als.features_vector('stars', '{"team": "team 3"}')$$);

-- An explanation has a row for features, and adds up to the score, of explicit feedback and of implicit, for those with ratings and without.
create function explained(model text) returns table (n_ratings text, explanations bigint, add_up bool, shares_too bool, features_matter bool) language plpgsql as $$
begin
	perform als.refresh_users(model, array(select user_id from people where user_id < 60));
	return query execute format($q$
		select case when is_new then 'none' else 'some' end, count(*), bool_and(abs(sum - score) < 1e-4), bool_and(abs(share - 1) < 1e-6), avg(features) > 0.001
		from people, generate_series(1, 20) i, lateral (select als.predict(%1$L, user_id, i)) p (score),
			lateral (select sum(contribution), sum(share), sum(abs(contribution)) filter (where component = 'features') from als.explain(%1$L, user_id, i, 3)) e (sum, share, features)
		where user_id < 60 and user_id > 1 and score is not null group by 1 order by 1$q$, model);
end $$;
select * from explained('taste');
select * from explained('stars');
select component, contribution is not null as has_part from als.explain('stars', 1001, 3, 3);
select count(*) from als.explain('stars', 5000, 3, 3);
-- The terms are those of the text: by hand.
create table one (user_id int, item_id int, rating float8);
insert into one values (1, 1, 4), (2, 1, 3), (2, 2, 1), (3, 2, 5);
select from als.train('single', 'one', factors => 1, biases => false, iterations => 30, regularization => 0.1, user_feature_strength => 0.5, user_features => 'select u as user_id, (u % 2)::text as odd from generate_series(1, 3) u');
-- lambda (W_u)^e is 0.1 of one rating, and 0.2 of two; of a strength of 0.5 a third is around what features say.
with terms as (
	select u.user_id, y.factors[1] as y, sum(h.factors[1] * rating) as ratings, sum(h.factors[1] ^ 2) as squares, 0.1 * count(*) as ridge, (als.features_vector('single', format('{"odd": "%s"}', u.user_id % 2)::jsonb, 'user'))[1] as m
	from single_user_factors u join one o using (user_id) join single_item_factors h using (item_id), single_item_factors y where y.item_id = 2 group by 1, 2)
select user_id, abs(e.ratings - y * t.ratings / (squares + ridge)) < 1e-5 as ratings_are_theirs, abs(e.features - y * ridge * m / 3 / (squares + ridge)) < 1e-5 as features_are_theirs
from terms t, lateral (select sum(contribution) filter (where component = 'rating') as ratings, sum(contribution) filter (where component = 'features') as features from als.explain('single', user_id, 2, 9)) e order by 1;
-- Users with a history are folded in by their features as well: as the model knows them who have the same ratings.
select 1 from als.train('exact', 'ratings', factors => 4, iterations => 100, user_features => 'select user_id, team from people');
select als.refresh_users('exact', array(select user_id from people where user_id < 60)) > 0 as refreshed;
create table probes as select user_id, item_id, rating from ratings where user_id < 60 and als.hash_fraction(user_id, item_id, 7) < 0.2;
select max(abs(a.value - b.value)) < 1e-4 as is_the_same, count(*)
from als.evaluate('exact', 'probes', exclude_seen => false) a join als.evaluate('exact', 'probes', exclude_seen => false, history => 'select * from ratings where user_id < 60') b using (metric, k);
-- With one rating each, features are what tells.
create table first_ratings as select distinct on (user_id) * from ratings where user_id < 200 order by user_id, item_id;
select 1 from als.train('plain', 'ratings', factors => 4, iterations => 100);
select a.value < b.value * 0.9 as helps
from als.evaluate('exact', 'select * from ratings where user_id < 200', history => 'first_ratings') a, als.evaluate('plain', 'select * from ratings where user_id < 200', history => 'first_ratings') b
where a.metric = 'rmse' and b.metric = 'rmse';

-- A retraining keeps them; an empty name drops them; the table is the model's.
select n_new_users, n_new_items from als.retrain('stars');
select n_new_users, n_new_items, user_features is null as has_none, feature_strength is not null as has_strength, user_feature_strength from als.retrain('stars', user_features => '');
select count(*) from stars_user_feature_weights;
select n_new_users, feature_strength from als.retrain('stars', item_features => '');
set client_min_messages = notice;
select n_new_users from als.train('direct', 'ratings', factors => 8, solver => 'direct', iterations => 20, replace => true, item_features => 'topics');
set client_min_messages = warning;
select n_new_users from als.train('from_json', 'likes', '{"user_features": "people", "rating_col": null, "feedback": "implicit", "factors": 4}'::jsonb);
select als.drop_model('from_json');
select to_regclass('from_json_user_feature_weights');

-- Weights that put users beyond what can be computed with: that is said of them, and not of ratings.
select 1 from als.train('tampered', 'ratings', factors => 4, user_features => 'select user_id, team from people');
update tampered_user_feature_weights set weights = '{3e38, 3e38, 3e38, 3e38}';
select try($$select als.refresh_users('tampered', array[2])$$);
select try($$select als.explain('tampered', 2, 1)$$);
select try($$select als.evaluate('tampered', 'ratings', history => 'ratings')$$);

-- Errors name the side.
create function train(features text, more text default '') returns text language sql as $$
	select try(format($q$select 1 from als.train('failed', 'likes', rating_col => null, feedback => 'implicit', factors => 4, user_features => %L %s)$q$, features, more))
$$;
select train('');
select train('select user_id from people');
select train('select user_id, point(1, 2) as place from people');
select train('select user_id, null::text as nothing from people');
select train('select team, user_id as id from people');
select train('select user_id % 3 as id, team from people');
select train('select user_id + 5000 as user_id, team from people');
select train('select user_id, team from people union all select 7, null');
select train('people', ', nonnegative => true');
select train('people', ', feature_strength => 2');
select train('people', ', user_feature_strength => 2000');
select try($$select 1 from als.train('failed', 'select user_id::text as user_id, item_id from likes', rating_col => null, feedback => 'implicit', factors => 4,
	user_features => 'select user_id::text as user_id, team from people union all select string_agg(md5(n::text), ''''), ''team 1'' from generate_series(1, 1000) n')$$);
select train('select * from people a join people b on b.user_id = a.user_id');
select train('people', ', distributed => true');
alter table people drop column age;
select 1 from als.train('stale', 'likes', rating_col => null, feedback => 'implicit', factors => 4, user_features => 'people');
alter table people drop column team;
select try($$select als.refresh_users('stale')$$);

-- Weights that a policy hides would be missing from the sum.
create role user_features_reader;
grant usage on schema user_features to user_features_reader;
grant select on all tables in schema user_features to user_features_reader;
alter table taste_user_feature_weights enable row level security;
create policy half on taste_user_feature_weights using (feature % 2 = 0);
set role user_features_reader;
select try($$select als.features_vector('taste', '{"team": "team 3"}', 'user')$$);
-- A report leaves them out.
select p ~ 'id="features"' as has_columns, p ~ 'id="strongest-features"' as has_weights from als.report('taste') p;
reset role;
select als.report('taste') ~ 'id="strongest-features"' as has_weights;

drop schema user_features cascade;
drop role user_features_reader;
