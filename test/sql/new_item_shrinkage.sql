-- new_item_shrinkage => s: users who have not rated a new item count against it.
create schema shrinkage;
set search_path = shrinkage, public;
\set ECHO none
\i test/sql/try.psql
\set ECHO all
set client_min_messages = warning;

create table items as
select i as item_id, 'topic ' || i % 5 as topic, i % 3 = 0 as is_new from generate_series(1, 60) i;
alter table items add primary key (item_id);
create table likes as
select u as user_id, item_id from generate_series(1, 40) u, items
where not is_new and als.hash_fraction(u, item_id) < case when item_id % 5 = u % 5 then 0.8 else 0.1 end;
create function train(model text, options text) returns table (regularization float8, reg_exponent float8, new_item_shrinkage float8) language plpgsql as $$
begin
	return query execute format($q$select regularization, reg_exponent, new_item_shrinkage from als.train(%L, 'likes', rating_col => null, feedback => 'implicit',
		factors => 2, item_features => 'items' %s)$q$, model, options);
end $$;

-- Nothing else changes: the same ratings, the same weights, the same rows of what has ratings.
select new_item_shrinkage from train('plain', '');
select new_item_shrinkage from train('shrunk', ', new_item_shrinkage => 0.5');
select bool_and(p.weights = s.weights) as are_the_same, count(p.new_item_weights) as of_plain, count(s.new_item_weights) as of_shrunk
from plain_item_feature_weights p join shrunk_item_feature_weights s using (feature);
select n_ratings = 0 as is_new, bool_and(p.factors = s.factors) as are_the_same
from plain_item_factors p join shrunk_item_factors s using (item_id, n_ratings) group by 1 order by 1;

-- y = r (s X^T X + r I)^-1 C^T f, r = lambda n^e, n being the number of users: s X^T X y + r y = r C^T f, component by component.
with users as (
	select sum(factors[1]::float8 ^ 2) as xx11, sum(factors[1]::float8 * factors[2]) as xx12, sum(factors[2]::float8 ^ 2) as xx22 from shrunk_user_factors
), ridge as (
	select new_item_shrinkage as s, regularization * n_users ^ reg_exponent as r from shrunk
), new_items as (
	select s.factors[1]::float8 as y1, s.factors[2]::float8 as y2, p.factors[1]::float8 as c1, p.factors[2]::float8 as c2
	from shrunk_item_factors s join plain_item_factors p using (item_id) where s.n_ratings = 0
)
select count(*), max(abs(s * (xx11 * y1 + xx12 * y2) + r * (y1 - c1)) + abs(s * (xx12 * y1 + xx22 * y2) + r * (y2 - c2))) < 1e-4 * max(r * (abs(c1) + abs(c2))) as is_the_least
from users, ridge, new_items;

-- The vector of features that are in no table, of what has none but these, and of what has come since, are the same.
create function of(item int) returns jsonb stable language sql as $$ select to_jsonb(i) from items i where item_id = item $$;
select bool_and(als.features_vector('shrunk', of(item_id)) = factors) as is_the_same,
	bool_and(als.fold_in_item('shrunk', null, features => of(item_id)) = factors) as is_that_of_no_ratings,
	bool_and(als.fold_in_item('shrunk', array[1], null, array[0], of(item_id)) = factors) as is_that_of_no_weight
from shrunk_item_factors where n_ratings = 0;
insert into items values (101, 'topic 1', true), (102, 'topic 2', true);
select als.refresh_items('shrunk'), als.refresh_items('plain');
select bool_and(als.features_vector('shrunk', of(item_id)) = factors) as are_the_same, count(*) from shrunk_item_factors where item_id > 100;
-- With ratings they lean on the same as without the option.
insert into likes values (1, 101), (6, 101), (1, 102);
select als.refresh_items('shrunk', array[101, 102]), als.refresh_items('plain', array[101, 102]);
select bool_and(s.factors = p.factors) as are_the_same from shrunk_item_factors s join plain_item_factors p using (item_id) where item_id > 100;
select als.fold_in_item('shrunk', array[1, 2], features => of(101)) = als.fold_in_item('plain', array[1, 2], features => of(101)) as are_the_same;
-- Without them they are new ones again.
delete from likes where item_id > 100;
select als.refresh_items('shrunk', array[101, 102]);
select bool_and(als.features_vector('shrunk', of(item_id)) = factors) as is_the_same from shrunk_item_factors where item_id > 100;

-- Items of which all ratings are held out are new ones, too.
select 1 as trained from als.train('held', 'select * from likes where item_id < 9 or user_id = 1', rating_col => null, feedback => 'implicit', factors => 2,
	item_features => 'items', new_item_shrinkage => 2, holdout => 0.5);
select count(*) > 0 as are_there, bool_and(als.features_vector('held', of(item_id)) = factors) as are_the_same
from held_item_factors where n_ratings = 0 and item_id in (select item_id from likes where user_id = 1);

-- With fewer users than factors there are directions in which no user has anything, and nothing is shrunk there.
select 1 as trained from als.train('thin', 'select * from likes where user_id <= 2', rating_col => null, feedback => 'implicit', factors => 16, regularization => 1e-3,
	item_features => 'items', new_item_shrinkage => 1000);
select bool_and(abs(x) < 10) as are_small, count(distinct item_id) > 0 as are_there from thin_item_factors, unnest(factors) x where n_ratings = 0;

-- 0 is what it is without. A retraining keeps it, another number takes its place, and without features it is left out.
select new_item_shrinkage from train('zero', ', new_item_shrinkage => 0');
select bool_and(p.factors = z.factors) as are_the_same from plain_item_factors p join zero_item_factors z using (item_id) where p.n_ratings = 0 and item_id < 100;
select new_item_shrinkage, options ->> 'new_item_shrinkage' as asked_for from als.retrain('shrunk', iterations => 2);
select new_item_shrinkage from als.retrain('shrunk', new_item_shrinkage => 0, iterations => 2);
select count(new_item_weights) from shrunk_item_feature_weights;
select new_item_shrinkage from als.retrain('shrunk', new_item_shrinkage => 3, iterations => 2);
select new_item_shrinkage, options ->> 'new_item_shrinkage' as asked_for from als.retrain('shrunk', item_features => '', iterations => 2);
select new_item_shrinkage from als.train('from_json', 'likes', '{"item_features": "items", "new_item_shrinkage": 1, "rating_col": null, "feedback": "implicit", "factors": 2}'::jsonb);

-- What it does not go with, and what is no such number.
select try($$select from train('other', ', new_item_shrinkage => -1')$$);
select try($$select from train('other', ', new_item_shrinkage => 1001')$$);
select try($$select from train('other', ', new_item_shrinkage => ''NaN''')$$);
select try($$select from train('other', ', new_item_shrinkage => 1, regularization => 0')$$);
select try($$select from train('other', ', new_item_shrinkage => 1, regularization => 1e-50')$$);
select try($$select from als.train('other', 'select user_id, item_id, 1 as rating from likes', item_features => 'items', new_item_shrinkage => 1)$$);
select try($$select from als.train('other', 'likes', rating_col => null, feedback => 'implicit', new_item_shrinkage => 1)$$);
select try($$select from als.train('other', 'likes', rating_col => null, feedback => 'implicit', user_features => 'select distinct user_id, user_id % 2 = 0 as even from likes', new_item_shrinkage => 1)$$);
select try($$select from als.tune('likes', '{"new_item_shrinkage": [0, 1]}', rating_col => null, feedback => 'implicit', item_features => 'items')$$);

-- Weights that are not what a training wrote.
select new_item_shrinkage from train('tampered', ', new_item_shrinkage => 1');
create function tamper(change text) returns text language plpgsql as $$
begin
	execute 'update tampered_item_feature_weights set new_item_weights = ' || change;
	perform als.features_vector('tampered', '{"topic": "topic 1"}');
	raise 'no error';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select change, tamper(change) from unnest(array['''{NaN,1}''', '''{1}''', '''{null,1}''', '''{{1,2}}''', 'case when feature > 0 then weights end', '''{3e38, 3e38}''']) change;
-- A column of another type would be cast, by code that somebody may have written.
alter table tampered_item_feature_weights alter new_item_weights type float8[];
select try($$select als.features_vector('tampered', '{"topic": "topic 1"}')$$);
select try($$select als.refresh_items('tampered', array[3])$$);
alter table tampered_item_feature_weights alter new_item_weights type real[];
update tampered_item_feature_weights set new_item_weights = '{3e38, 3e38}';
-- They count for items without ratings alone.
select try($$select als.refresh_items('tampered', array[3])$$);
select als.refresh_items('tampered', array[4]);
-- Without any it is as if there were no such option.
update tampered_item_feature_weights set new_item_weights = null;
select als.features_vector('tampered', of(1)) = als.features_vector('plain', of(1)) as is_the_same;

drop schema shrinkage cascade;
