-- item_features => 'table or query': items lean on what is known of them, and those without ratings are recommended by it.
create schema features;
set search_path = features, public;
\set ECHO none
\i test/sql/try.psql
\set ECHO all
set client_min_messages = warning;

-- Each user likes two of ten topics; items have one topic, and two thirds of them have ratings.
create type size as enum ('small', 'large');
create table items as
select i as item_id, 'topic ' || i % 10 as topic, array['tag ' || i % 10, 'tag ' || (i + i / 10) % 7] as tags, (i % 5)::numeric as price,
	date '2020-01-01' + i as released, (array['small', 'large'])[1 + i % 2]::size as size, i % 3 = 0 as is_new,
	to_tsvector('simple', 'about topic' || i % 10) as words, case when i % 4 > 0 then i end as sometimes
from generate_series(1, 300) i;
alter table items add primary key (item_id);
create table ratings as
select u as user_id, item_id, case when item_id % 10 in (u % 10, (u * 3 + 1) % 10) then 5 else 2 end as rating
from generate_series(1, 200) u, items
where not is_new and als.hash_fraction(u, item_id) < case when item_id % 10 in (u % 10, (u * 3 + 1) % 10) then 0.4 else 0.1 end;
create index on ratings (user_id);
create view likes as select user_id, item_id from ratings where rating = 5;

-- What was made of each column, and the weights, are told.
select n_items, n_new_items, item_features, item_features_table is null as is_query, feature_regularization, feature_strength, item_feature_weights
from als.train('taste', 'likes', rating_col => null, feedback => 'implicit', factors => 8, item_features => 'items');
select column_name, kind, weights, missing, rare_values
from jsonb_to_recordset((select item_feature_columns from taste)) as x ("column" text, kind text, weights int, missing int, rare_values int),
	lateral (select "column" as column_name) y;
select feature, role, column_name, value, n_items, round(center::numeric, 2) as center, round(scale::numeric, 2) as scale, cardinality(weights), bias
from taste_item_feature_weights where column_name is null or column_name in ('topic', 'price', 'sometimes') order by feature;
select n_ratings = 0 as is_new, count(*), count(checksum), min(popularity) >= 0 as has_popularity from taste_item_factors group by 1 order by 1;

-- New items are recommended to the users of their topics: one of five at random.
create function share_of_liked(model text) returns numeric language plpgsql as $$
declare share numeric;
begin
	execute format($q$
		select round(avg((item_id %% 10 in (u %% 10, (u * 3 + 1) %% 10))::int), 1)
		from generate_series(1, 200) u, als.recommend(%L, u, 10, candidates => array(select item_id from items where is_new))$q$, model) into share;
	return share;
end $$;
select share_of_liked('taste');
-- Ratings alone know nothing of them.
select n_items from als.train('blind', 'likes', rating_col => null, feedback => 'implicit', factors => 8);
select count(*) from als.recommend('blind', 1, 300, candidates => array(select item_id from items where is_new));
-- That nobody has rated them says nothing of users.
select max(abs(a - b)) < 1e-3 as is_the_same
from taste_user_factors, unnest(factors, als.fold_in('taste', array(select item_id from likes where user_id = taste_user_factors.user_id))) as x (a, b);
select als.refresh_users('taste', array[1, 2, 3]);

-- Explicit feedback: biases too. A query, another name of the id, and another type.
select n_items, n_new_items, item_features_table is null as is_query
from als.train('stars', 'ratings', factors => 8, item_features => 'select item_id::bigint as sku, topic from items');
select share_of_liked('stars');
select round(avg(abs(als.predict('stars', u, item_id) - truth))::numeric, 1) as error, round(avg(abs((select mean from stars) - truth))::numeric, 1) as error_of_mean
from generate_series(1, 20) u, items, lateral (select case when item_id % 10 in (u % 10, (u * 3 + 1) % 10) then 5 else 2 end as truth) x where is_new;
select count(bias) from stars_item_feature_weights;
-- Items that have ratings and no features, and unknown ones, are no error.
select n_items, n_new_items from als.train('some', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'select item_id, topic from items where item_id <= 100');

-- Each of the types.
create table sorts as select item_id, topic::varchar(20) as a, size, is_new, md5(topic)::uuid as id, price, price::int as whole, price::real as single,
	released, released::timestamp as at, released::timestamptz as exact, tags, array[size] as sizes, array[price] as prices, words from items;
select jsonb_path_query_array(item_feature_columns, '$[*].kind') from als.train('sorted', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'sorts');
-- Lexemes count by their idf, so those of all items next to nothing and those of two as a category does. It is kept with the weights: a
-- vector is that of every item and those of its lexemes, each divided by its scale, in a training, at a refresh, and from JSON.
create table texts as select item_id, to_tsvector('simple', 'about topic' || item_id % 10 || case when item_id in (1, 2) then ' pair' else '' end || case when item_id in (4, 5) then ' only' || item_id || ' once' || item_id else '' end) as words
from items where item_id <= 60;
select item_feature_columns from als.train('texts_model', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'texts');
select role, value, n_items, center, round(scale::numeric, 2) as scale from texts_model_item_feature_weights order by feature;
insert into texts values (1001, to_tsvector('simple', 'about topic3 pair')), (1002, to_tsvector('simple', 'topic3 topic4 unheard')), (1003, '');
select als.refresh_items('texts_model');
create function expected(words tsvector) returns real[] language sql as $$
	select array_agg(x order by i) from (
		select i, sum(w / coalesce(scale, 1))::real as x from texts_model_item_feature_weights, unnest(weights) with ordinality u (w, i)
		where role = 'every item' or value = any (tsvector_to_array(words))
			or role = 'rare values' and exists (select from unnest(words) l where lexeme not in (select value from texts_model_item_feature_weights where value is not null))
		group by i) x
$$;
select count(*), max(als.cosine(expected(words), factors)) > 0.99999 as is_expected, max(abs(a - b)) < 1e-5 as is_the_same,
	bool_and(als.features_vector('texts_model', to_jsonb(t)) = factors) as is_that_of_json
from texts t join texts_model_item_factors using (item_id), unnest(expected(words), factors) x (a, b) where n_ratings = 0;
-- The order of rows does not matter.
create table backwards as select * from items order by item_id desc;
select 1 from als.train('again', 'likes', rating_col => null, feedback => 'implicit', factors => 8, item_features => 'backwards');
select count(*) from taste_item_factors t full join again_item_factors a using (item_id) where t.factors is distinct from a.factors;
select count(*) from taste_item_feature_weights t full join again_item_feature_weights a using (feature) where t.weights is distinct from a.weights;

-- New rows come with a refresh.
insert into items (item_id, topic, tags, price) values (1001, 'topic 3', '{tag 3}', 1), (1002, 'never heard of', '{}', null), (1003, null, null, null);
select als.refresh_items('taste');
select item_id, n_ratings from taste_item_factors where item_id > 1000 order by 1;
select n_items from taste;
select item_id % 10 as topic, count(*) from als.similar_items('taste', 1001, 10) group by 1 order by 2 desc limit 1;
select als.refresh_items('taste');
-- Features that have changed are noticed, of items with ratings and of new ones, and what is written is no change to the next refresh.
create table before_change as select item_id, factors from taste_item_factors;
create function changed() returns text language sql as $$
	select string_agg(b.item_id::text, ' ' order by b.item_id) from before_change b join taste_item_factors t using (item_id)
	where (select max(abs(x - y)) from unnest(b.factors, t.factors) u (x, y)) > 0.02
$$;
update items set topic = 'topic 5' where item_id in (3, 7);
select als.refresh_items('taste'), als.refresh_items('taste') as again, changed();
update items set topic = 'topic ' || item_id % 10 where item_id in (3, 7);
select * from als.refresh('taste');
select changed();
-- The order of values, one that is given twice, and another that the training has not seen, change nothing.
update items set tags = tags[2:2] || tags[1:1] || tags[2:2] where item_id in (3, 7);
update items set topic = 'never heard of this either' where item_id = 1002;
select als.refresh_items('taste');
-- A checksum of another kind counts once.
update taste_item_factors set checksum = checksum - 1 where item_id in (6, 7);
select als.refresh_items('taste'), als.refresh_items('taste') as again;
-- Ratings that have come twice count once.
create table twice as select * from likes union all select * from likes where item_id = 7 and user_id < 20;
select n_duplicates from als.train('twice_model', 'twice', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'items');
select als.refresh_items('twice_model');
update items set price = price + 1 where item_id in (6, 7);
select als.refresh_items('twice_model'), als.refresh_items('twice_model') as again;
update items set price = price - 1 where item_id in (6, 7);
-- A new item goes with its row of features, also where nothing was left in that.
insert into items (item_id, topic) values (1004, 'topic 4'), (1005, 'topic 5');
select als.refresh_items('taste');
delete from items where item_id = 1004;
update items set topic = null where item_id = 1005;
select als.refresh_items('taste'), als.refresh_items('taste') as again;
delete from items where item_id = 1005;
select als.refresh_items('taste'), als.refresh_items('taste') as again;
-- Of ids that are named nothing but their features is read, whichever integers they are.
create sequence looked_at;
create function look(int) returns bigint volatile language sql as $$ select nextval('looked_at') * 0 + $1 $$;
select 1 from als.train('looks', 'likes', rating_col => null, feedback => 'implicit', factors => 2, item_features => 'select item_id::bigint as item_id, topic, look(item_id) as n from items where item_id <= 300');
select setval('looked_at', 1);
select als.refresh_items('looks', array[3, 4, 5]), (select last_value - 1 from looked_at) as rows_read;
-- Those of items that have ratings lean on them as in a training, and an item that loses its ratings keeps its row.
select 1 from als.train('converged', 'ratings', factors => 4, iterations => 200, item_features => 'select item_id, topic from items');
create table before as select * from converged_item_factors;
select als.refresh_items('converged', array(select item_id from items where not is_new and item_id < 100));
select max(abs(a - b)) < 0.01 as is_the_same, max(abs(c.bias - before.bias)) < 0.01 as has_the_same_bias
from before join converged_item_factors c using (item_id), unnest(before.factors, c.factors) as x (a, b);
delete from ratings where item_id = 1;
select als.refresh_items('taste', array[1]);
select n_ratings from taste_item_factors where item_id = 1;
delete from items where item_id = 1003;
select als.refresh_items('taste', array[1003]);
select count(*) from taste_item_factors where item_id = 1003;

-- A retraining keeps them; an empty name drops them.
select n_new_items, item_features from als.retrain('taste', iterations => 2);
select distinct run from taste_item_feature_weights;
select n_new_items, feature_strength, options from als.retrain('taste', feature_strength => 0.5, keep_previous => true, iterations => 2);
select distinct run from taste_item_feature_weights order by 1;
select run from als.rollback_model('taste');
select als.refresh_items('taste', array[4]);
select n_new_items, item_features, feature_strength, item_feature_weights from als.retrain('taste', item_features => '', iterations => 2);
select count(*) from taste_item_feature_weights;
set client_min_messages = notice;
select n_new_items from als.train('stars', 'ratings', factors => 8, replace => true);
set client_min_messages = warning;
call als.train_in_steps('stepped', 'likes', rating_col => null, feedback => 'implicit', factors => 8, item_features => 'items');
select n_new_items, (select count(*) from stepped_item_feature_weights) > 0 as has_weights from stepped;
call als.retrain_in_steps('stepped', iterations => 2);
select run, n_new_items from als.latest_run('stepped');
-- A column of features that has gone, or has become another, is no silence.
create table fickle as select item_id, topic, price from items where item_id < 1000;
select 1 from als.train('changing', 'likes', rating_col => null, feedback => 'implicit', factors => 2, item_features => 'fickle');
alter table fickle add column more int;
select als.refresh_items('changing', array[3]);
alter table fickle alter column price type text;
select try($$select als.refresh_items('changing')$$);
alter table fickle drop column price;
select try($$select als.refresh_items('changing')$$);
-- What a real is called depends on no setting.
create table reals as select item_id, array[(item_id % 4)::real / 3] as x from items where item_id < 1000;
set extra_float_digits = 3;
select 1 from als.train('real', 'likes', rating_col => null, feedback => 'implicit', factors => 2, item_features => 'reals');
set extra_float_digits = -5;
create table real_before as select item_id, factors from real_item_factors where n_ratings = 0;
select als.refresh_items('real', array(select item_id from real_before)) = count(*) as are_all from real_before;
select max(abs(a - b)) < 1e-5 as is_the_same from real_before r join real_item_factors f using (item_id), unnest(r.factors, f.factors) as x (a, b);
reset extra_float_digits;
-- The vector of an item that is in no table, from its features: that which its row would have.
create table formed as select item_id, topic, tags, price, released, size, is_new, words, md5(topic)::uuid as key, sometimes from items where item_id <= 300;
select 1 from als.train('forms', 'likes', rating_col => null, feedback => 'implicit', factors => 8, item_features => 'formed');
select bool_and(als.features_vector('forms', to_jsonb(f)) = factors) as is_the_same, count(*)
from formed f join forms_item_factors using (item_id) where n_ratings = 0 and item_id < 60;
select als.features_vector('forms', '{"topic": null}') = als.features_vector('forms', '{}') as is_missing;
select item_id % 10 as topic, count(*) from (select item_id from forms_item_factors order by als.cosine(factors, als.features_vector('forms', '{"topic": "topic 3", "tags": ["tag 3"]}')) desc limit 10) x group by 1 order by 2 desc limit 1;
select als.features_vector('forms', null) is null as is_null;
-- What is no finite number is missing, as in a row: to_jsonb() makes a text of it.
select bool_and(als.features_vector('forms', to_jsonb(x)) = als.features_vector('forms', '{}')) as are_missing
from unnest('{NaN,Infinity,-Infinity}'::float8[]) price cross join lateral (select price) x;
select try($$select als.features_vector('forms', '{"price": "nan"}')$$);
-- JSON is read as the type of the column is.
create table lengths as select item_id, topic::char(20) as topic, array[topic::char(20)] as topics, array[(item_id % 5)::numeric(6,2)] as prices, array[(item_id % 4)::real / 2] as halves,
	array[md5(topic)::uuid] as keys from items where item_id <= 300;
select 1 from als.train('lengths_model', 'likes', rating_col => null, feedback => 'implicit', factors => 8, item_features => 'lengths');
select distinct value from lengths_model_item_feature_weights where column_name in ('prices', 'halves') order by 1;
select bool_and(als.features_vector('lengths_model', to_jsonb(l)) = factors) as is_the_same, count(*)
from lengths l join lengths_model_item_factors using (item_id) where n_ratings = 0 and item_id < 60;
select bool_and(als.features_vector('lengths_model', a) = als.features_vector('lengths_model', b)) as are_the_same
from (values ('{"topic": "topic 3"}'::jsonb, '{"topic": "topic 3   "}'::jsonb), ('{"prices": [2]}', '{"prices": [2.00]}'), ('{"halves": [0.5]}', '{"halves": [0.50]}'),
	('{"keys": ["0C7DB9AB-AA94-47AC-8D8C-CDBE4DA0D3FD"]}', '{"keys": ["0c7db9abaa9447ac8d8ccdbe4da0d3fd"]}')) x (a, b);
create function vector(features text, side text default 'item') returns text language sql as $$
	select try(format('select als.features_vector(%L, %L, %L)', 'forms', features, side))
$$;
select vector('[1]');
select vector('{"colour": "red"}');
select vector('{"price": "cheap"}');
select vector('{"topic": ["a", "b"]}');
select vector('{"tags": "tag 3"}');
select vector('{"tags": [["tag 3"]]}');
select vector('{"tags": [[[[["tag 3"]]]]]}');
select vector('{"released": 5}');
select vector('{"released": "some day"}');
select vector('{}', 'user');
select vector('{}', 'other');
-- Options as JSON.
select n_new_items, feature_strength from als.train('from_json', 'likes', '{"item_features": "items", "feature_strength": 2, "rating_col": null, "feedback": "implicit", "factors": 4}'::jsonb);

-- The table is the model's.
select als.drop_model('stepped');
select to_regclass('stepped_item_feature_weights');
drop table sorted;
select to_regclass('sorted_item_feature_weights');

-- Errors.
create function train(features text, more text default '') returns text language sql as $$
	select try(format($q$select 1 from als.train('failed', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => %L %s)$q$, features, more))
$$;
select train('');
select train('no_such_table');
select train('select item_id from items');
select train('select item_id, topic, point(1, 2) as place from items');
-- A numeric that double precision cannot hold is named, with its row. What is not finite is missing; all others are as they are in float8.
select train('select item_id, topic, case item_id when 7 then 1e400 else price end as cost from items');
select train('select item_id, topic, case item_id when 7 then -1e-400 else price end as cost from items');
create domain price as numeric(30, 2);
create function of_prices(type text) returns jsonb language plpgsql as $$
begin
	perform als.train('priced', 'likes', rating_col => null, feedback => 'implicit', factors => 4, replace => true, item_features => format(
		'select item_id, (item_id %% 7 * 0.1)::%1$s as small, case when item_id %% 5 = 0 then ''nan''::%1$s else item_id %% 3 end as gaps, (item_id * 1e20)::%1$s as large from items', type));
	return (als.latest_run('priced')).item_feature_columns || (select jsonb_agg(jsonb_build_array(column_name, n_items, center, scale, weights) order by run, feature) from priced_item_feature_weights);
end $$;
select of_prices('numeric') = of_prices('float8') as is_the_same, of_prices('price') = of_prices('float8') as of_a_domain, of_prices('numeric') -> 1 as gaps;
-- What a JSON holds is read as the columns are: what cannot be is told with them.
select 1 from als.train('kinds', 'likes', rating_col => null, feedback => 'implicit', factors => 2, item_features => 'select item_id, topic, price, released, is_new, tags, array[item_id % 7] as digits from items');
select try(format('select als.features_vector(%L, %L)', 'kinds', features)) from unnest(array['{"released": "2020-02-30", "price": 3, "topic": "new"}', '{"released": "2020-02-20", "is_new": "perhaps"}', '{"digits": ["one"], "tags": ["one"]}']) features;
-- A column without a value is left out, and that is said; where there is nothing else it is an error.
select train('select item_id, null::text as nothing, null::int as no_number from items');
set client_min_messages = notice;
select item_feature_columns, advice from als.train('partly', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'select item_id, null::text as nothing, topic, case when is_new then 7 end as of_new, array[null]::text[] as "no ""tags" from items');
select 1 from als.train('wholly', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'select item_id, topic from items');
set client_min_messages = warning;
select count(*), count(*) filter (where p.weights is distinct from w.weights) as others from partly_item_feature_weights p full join wholly_item_feature_weights w using (feature);
select als.refresh_items('partly'), als.features_vector('partly', '{"topic": "topic 1", "nothing": "something", "of_new": 3}') = als.features_vector('partly', '{"topic": "topic 1"}') as counts_for_nothing;
select als.drop_model('partly'), als.drop_model('wholly');
select train('select topic, item_id as sku from items');
select train('select tags, item_id as sku from items');
select train('select released as item_id, topic from items');
select train('select item_id % 3 as id, topic from items');
select train('select item_id + 5000 as item_id, topic from items');
select train('select item_id, topic from items union all select 7, null');
select train('select n as item_id, md5(n::text) as hash from generate_series(1, 1000001) n');
select train('items', ', nonnegative => true');
select train('items', ', distributed => true');
select train('items', ', feature_strength => 0');
select try($$select 1 from als.train('failed', 'ratings', feature_regularization => 1)$$);
select try($$select 1 from als.tune('ratings', '{"feature_strength": [1, 2]}')$$);
-- Each trial of a tuning comes to what a training of its own does, and what it finds trains as it is.
create table trials as select * from als.tune('likes', '{"factors": 4, "iterations": 9, "regularization": [0.1, 1], "feature_strength": [0.1, 1, 10], "feature_regularization": [0.5, 2]}',
	rating_col => null, feedback => 'implicit', item_features => 'items', user_features => 'select user_id, user_id % 10 as digit from generate_series(1, 200) user_id');
select count(*), count(distinct iterations) > 1 as some_stop_early, count(distinct value) > 4 as they_matter, min(options ->> 'item_features') as features from trials;
select count(*), bool_and(value = (r.holdout_values)[t.iterations]) as is_the_same, min(r.n_new_items) as new_items
from trials t, als.train('alone', 'likes', options || '{"holdout": 0.1}', replace => true) as r where rank <= 4 or rank > 10;
select options -> 'feature_strength' as strength, options ->> 'item_features' as features from als.tuned('likes', trials => 8, seconds => 1000, rating_col => null, feedback => 'implicit', item_features => 'items') as options;
select try($$select 1 from als.tune('ratings', '{"nonnegative": [true]}', item_features => 'items')$$);
select try($$select 1 from als.tune('ratings', '{"factors": 2}', item_features => 'select item_id from items')$$);
-- What has changed since the training.
delete from again_item_feature_weights;
select try($$select als.refresh_items('again')$$);
drop table backwards;
select try($$select als.refresh_items('again')$$);
create table "My Features" as select item_id, topic from items;
select n_items from als.train('again', 'likes', rating_col => null, feedback => 'implicit', factors => 4, replace => true, item_features => '"My Features"');
drop table "My Features";
select try($$select als.refresh_items('again')$$);

-- Weights that no training writes.
select 1 from als.train('tampered', 'likes', rating_col => null, feedback => 'implicit', factors => 2, item_features => 'select item_id, price from items where item_id < 1000');
create function tamper(change text) returns text language plpgsql as $$
begin
	execute 'update tampered_item_feature_weights set ' || change;
	perform als.refresh_items('tampered', array[3]);
	raise 'no error';
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select change, tamper(change) from unnest(array['weights = ''{NaN,1}''', 'weights = ''{1}''', 'weights = ''{null,1}''', 'weights = ''{{1,2}}''', 'scale = 0', 'scale = ''Infinity''', 'center = ''NaN''', 'role = ''other''', 'n_items = 0']) change;

-- Knots go up, and follow their number.
begin;
select tamper('center = null where role = ''knot''') union all select tamper('center = -center where role = ''knot''') union all select tamper('column_name = ''other'' where role = ''knot''')
union all select tamper('center = 7 where role = ''knot''') union all select tamper('role = ''knot'' where role = ''number''');
delete from tampered_item_feature_weights where role = 'number';
select tamper('n_items = n_items');
rollback;
-- Of any item, those without ratings and those with.
update tampered_item_feature_weights set weights = '{3e38, -3e38}';
select try($$select als.features_vector('tampered', '{"price": 1000}')$$);
select try($$select als.refresh_items('tampered', array[3])$$);
select try($$select als.refresh_items('tampered', array[4])$$);
alter table tampered_item_feature_weights alter role type varchar;
select try($$select als.features_vector('tampered', '{"price": 1000}')$$);

-- Numbers that a wrong row has: they count for some deviations, not for all that there is.
create function furthest(features text) returns text language plpgsql as $$
declare furthest real;
begin
	perform als.train('odd', 'likes', rating_col => null, feedback => 'implicit', factors => 4, iterations => 2, item_features => features, replace => true);
	select max(abs(x)) into furthest from odd_item_factors, unnest(factors) x;
	return case when furthest < 100 then 'within range' else 'too far: ' || furthest end;
exception when others then
	return sqlstate || ' ' || sqlerrm;
end $$;
select furthest('select item_id, case when item_id = 4 then 1e200 else item_id end as n from items where item_id < 1000');
select furthest('select item_id, case when item_id = 4 then -1.7e308 when item_id = 5 then 1.7e308 else item_id end as n from items where item_id < 1000');
select furthest('select item_id, case when item_id = 3 then 1e300 else item_id end as n from items where item_id < 1000');
-- What differs by rounding alone does not differ.
select furthest('select item_id, case when item_id = 3 then 0.2 else 0.1 end::float8 as n from items where item_id < 1000');
select center, scale from odd_item_feature_weights where column_name = 'n';

-- What is liked in the middle of a number, or on both its ends, no line says: hats between knots do.
create table curved as select item_id, item_id::float8 / 300 as n, is_new, item_id between 100 and 200 as is_middle from items where item_id <= 300;
create table curved_likes as select u as user_id, item_id from generate_series(1, 100) u, curved where not is_new and is_middle = (u % 2 = 0) and als.hash_fraction(u, item_id) < 0.4;
select columns -> 'weights' as weights from als.train('curve', 'curved_likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'select item_id, n from curved') t, jsonb_array_elements(item_feature_columns) columns;
create view liked_of_new as select round(avg((is_middle = (u % 2 = 0))::int), 1) as share from generate_series(1, 100) u, als.recommend('curve', u, 10, candidates => array(select item_id from curved where is_new)) r join curved using (item_id);
select * from liked_of_new;
-- By hand: every item's weights, the line's times the standardised number, and between two knots a part of each.
create function by_hand(n float8) returns real[] language sql as $$
	with hats as (
		select weights, 1 - coalesce(($1 - center) / (case when $1 < center then before else after end - center), 0) as value
		from (select *, lag(center) over w as before, lead(center) over w as after from curve_item_feature_weights where role = 'knot' window w as (order by center)) k
		where $1 = center or $1 < center and ($1 > before or before is null) or $1 > center and ($1 < after or after is null)
		union all select weights, case role when 'number' then greatest(-10, least(10, ($1 - center) / scale)) else 1 end from curve_item_feature_weights where role in ('number', 'every item'))
	select array_agg(x order by i) from (select i, sum(w * value)::real as x from hats, unnest(weights) with ordinality as u (w, i) group by i) s
$$;
select count(*), max(abs(a - b)) < 1e-5 as is_that_of_training from curve_item_factors f join curved c using (item_id), unnest(f.factors, by_hand(c.n)) as x (a, b) where n_ratings = 0;
select round(n::numeric, 4) as n, max(abs(a - b)) < 1e-5 as is_that_of_json
from unnest(array[-1e6, -0.1, 0, 0.0001, 0.5, 1, 1.1, 1e6]::float8[] || (select array_agg(center) filter (where feature % 5 = 0) from curve_item_feature_weights where role = 'knot')) n,
	unnest(als.features_vector('curve', format('{"n": %s}', n)::jsonb), by_hand(n)) as x (a, b) group by n order by n;
select count(*) as knots_in_report from regexp_matches(als.report('curve'), '<td>n</td><td>items</td><td>about 0[.][0-9]+</td>', 'g');
insert into curved values (1001, 0.5, true, true), (1002, 2, true, false), (1003, null, true, null);
select als.refresh_items('curve');
select item_id, max(abs(a - b)) < 1e-5 as is_that_of_refresh
from curve_item_factors f join curved c using (item_id), unnest(f.factors, case when n is null then (select weights from curve_item_feature_weights where role = 'every item') else by_hand(n) end) as x (a, b)
where item_id > 1000 group by 1 order by 1;
-- A model that was trained before there were knots has none: its line is what it was, and a retraining finds knots.
delete from curve_item_feature_weights where role = 'knot';
select als.refresh_items('curve', array(select item_id from curved)) as refreshed;
select max(abs(a - b)) < 1e-5 as is_the_line from curve_item_factors f join curved c using (item_id), unnest(f.factors, by_hand(n)) as x (a, b) where n_ratings = 0 and n is not null;
select share < 0.7 as is_next_to_chance from liked_of_new;
select n_items from als.retrain('curve');
select * from liked_of_new;
-- A few values have a knot each. A line says as much as two, and of fewer than 48 items no more is told.
create function knots_of(n text) returns text language plpgsql as $$
begin
	perform als.train('few', 'likes', rating_col => null, feedback => 'implicit', factors => 2, iterations => 1, item_features => format('select item_id, %s as n from items where item_id < 1000', n), replace => to_regclass('few') is not null);
	return (select count(*) filter (where role = 'number') || ': ' || coalesce(string_agg(value, ', ' order by center) filter (where role = 'knot'), 'no knots') from few_item_feature_weights);
end $$;
select n, knots_of(n) from unnest(array['7', 'item_id % 2', '(item_id % 5) * 0.1 - 0.2', 'case when item_id < 72 then item_id end', 'case when item_id < 76 then item_id end', 'case when item_id < 9 then 3 else item_id % 2 end',
	'0.1::float8 + (item_id % 4) * 1e-16', '1e300 * (item_id % 4 - 1.5)', 'case when item_id = 4 then 1e200 else item_id % 4 end']) n;
-- Those of dates and times are shown as people write them, whatever the session's zone is.
set timezone = 'Pacific/Auckland';
set datestyle = 'German';
select n, knots_of(n) from unnest(array['date ''2020-02-28'' + item_id % 4', 'timestamp ''1999-12-31 23:59:59.5'' + item_id % 4 * interval ''1 second''', 'timestamptz ''2020-06-01 12:00+00'' + item_id % 4 * interval ''1 hour''',
	'case item_id % 4 when 0 then ''infinity'' when 1 then date ''294276-12-31'' when 2 then date ''0044-03-15 BC'' else date ''1066-10-14'' end',
	'case item_id % 4 when 0 then date ''5874897-12-31'' when 1 then date ''4714-11-24 BC'' else date ''2020-02-29'' end']) n;
select cardinality(als.features_vector('few', '{"n": "5874897-12-31"}')) as factors;
reset timezone;
reset datestyle;

-- Times are the same in all time zones.
create table moments as select item_id, '2020-01-01 12:00+00'::timestamptz + item_id * interval '1 minute' as at from items where item_id < 1000;
set timezone = 'UTC';
select 1 from als.train('timed', 'likes', rating_col => null, feedback => 'implicit', factors => 4, item_features => 'moments');
create table in_utc as select item_id, factors from timed_item_factors where item_id in (3, 6, 9);
delete from timed_item_factors where item_id in (3, 6, 9);
set timezone = 'Pacific/Auckland';
select als.refresh_items('timed', array[3, 6, 9]);
select count(*), max(abs(a - b)) < 1e-5 as is_the_same from in_utc join timed_item_factors t using (item_id), unnest(in_utc.factors, t.factors) as x (a, b);
reset timezone;

-- What is read counts before it is a thousand rows.
set als.max_memory = '64MB';
select left(train('select item_id, array_agg(md5(item_id || ''/'' || n)) as long from items, generate_series(1, 50000) n where item_id < 20 group by item_id'), 30);
reset als.max_memory;

-- The cast of a type runs nothing of a stranger's.
create role features_stranger;
grant usage, create on schema features to features_stranger;
set role features_stranger;
create type mood as enum ('good', 'bad');
create function text_of(mood) returns text language plpgsql as $$ begin raise 'this has run as %', current_user; end $$;
create cast (mood as text) with function text_of(mood);
create type moods as enum ('good', 'bad');
create function texts_of(moods[]) returns text[] language plpgsql as $$ begin raise 'this has run as %', current_user; end $$;
create cast (moods[] as text[]) with function texts_of(moods[]);
reset role;
create domain our_mood as mood;
select train('select item_id, ''good''::mood as mood from items');
select train('select item_id, ''good''::our_mood as mood from items');
select train('select item_id, ''{good}''::mood[] as moods from items');
select train('select item_id, ''{good}''::our_mood[] as moods from items');
select train('select item_id, ''{good}''::moods[] as moods from items');
drop domain our_mood;
drop owned by features_stranger cascade;
drop role features_stranger;

-- Read as the source is: of a stranger's model only what runs nothing of theirs.
create role features_stranger;
grant usage, create on schema features to features_stranger;
grant select on likes, ratings to features_stranger;
set role features_stranger;
create table theirs as select 1 as user_id, 1 as item_id;
insert into theirs select u, i from generate_series(1, 20) u, generate_series(1, 20) i where (u + i) % 3 = 0;
select n_new_items from als.train('strange', 'theirs', rating_col => null, feedback => 'implicit', factors => 2, item_features => 'select i as item_id, i % 2 = 0 as even from generate_series(1, 30) i');
reset role;
select try($$select als.refresh_items('strange')$$);
drop owned by features_stranger;
drop role features_stranger;

drop schema features cascade;
