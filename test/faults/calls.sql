-- A call of each function, for tests that disturb them: faults.sql, and test/soak/disturbed.
create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 13) % 5)::float8 as rating, timestamp '2026-01-01' + u * interval '1 minute' as at
from generate_series(1, 12) u, generate_series(1, 9) i where (u * 31 + i * 17) % 10 < 6;
create table texts as select 'u' || user_id as user_id, 'i' || item_id as item_id, rating from ratings;
create table items as select i as item_id, 'kind ' || i % 3 as kind, i * 1.5 as price from generate_series(1, 11) i;
select from als.train('m', 'ratings', factors => 4, iterations => 3, threads => 1) \g /dev/null
select from als.train('implicit', 'texts', feedback => 'implicit', factors => 4, iterations => 3, threads => 1) \g /dev/null
select from als.train('featured', 'ratings', factors => 2, iterations => 2, threads => 1, item_features => 'items') \g /dev/null
create table people as select u as user_id, 'team ' || u % 2 as team from generate_series(1, 14) u;
select from als.train('known', 'ratings', factors => 2, iterations => 2, threads => 1, user_features => 'people', item_features => 'items') \g /dev/null
select from als.track('m') \g /dev/null

create function note() returns int language sql as 'insert into ratings values (100, 2, 3, now()) returning user_id';

create table calls (number int generated always as identity, name text, threads int default 1, before text, call text);
insert into calls (name, threads, before, call) values
  ('train', 2, null, $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 4, iterations => 2)$$),
  ('train, implicit, texts', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'texts', feedback => 'implicit', factors => 4, iterations => 2, holdout => 0.2)$$),
  ('train, item_features', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 4, iterations => 2, item_features => 'items')$$),
  ('train, user_features', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 2, iterations => 2, user_features => 'people',
     item_features => 'items')$$),
  ('train, functions', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 2, iterations => 1, functions => true)$$),
  ('retrain', 1, null, $$select run, loss from als.retrain('m', iterations => 2, keep_previous => true)$$),
  ('train by options', 1, null, $$select n_ratings, loss from als.train('fresh', 'ratings', '{"factors": 2, "iterations": 1}'::jsonb)$$),
  ('train, distributed', 2, null,
   $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 2, iterations => 1, distributed => true, parts => 2)$$),
  ('tune', 2, null,
   $$select count(*), count(value) from als.tune('ratings', '{"factors": [2], "regularization": [0.1, 1], "iterations": [2]}')$$),
  ('import_model', 1, null,
   $$select n_users, n_items from als.import_model('fresh', 'select user_id, factors from m_user_factors',
     'select item_id, factors from m_item_factors')$$),
  ('attach_model', 1,
   'create table if not exists au (like m_user_factors including indexes);
    create table if not exists ai (like m_item_factors including indexes);
    insert into au table m_user_factors on conflict do nothing;
    insert into ai table m_item_factors on conflict do nothing',
   $$select n_users, n_items from als.attach_model('fresh', 'au', 'ai', feedback => 'explicit', mean => 3)$$),
  ('predict', 1, null, $$select als.predict('m', 1, 2)$$),
  ('predict, cold', 1, 'touch', $$select als.predict('m', 1, 2)$$),
  ('recommend', 1, null, $$select * from als.recommend('m', 1, 3)$$),
  ('recommend, cold', 1, 'touch', $$select * from als.recommend('m', 1, 3)$$),
  ('recommend, own changes', 1, null,
   $$select * from (with changed as materialized (select als.touch('m'::regclass)) select r.* from changed, als.recommend('m', 1, 3) r) r$$),
  ('recommend, texts, diversity', 1, null,
   $$select * from als.recommend('implicit', 'u1', 3, exclude => array['i2'], candidates => array['i1','i3','i4','i5'], diversity => 0.5)$$),
  ('recommend_users', 1, null, $$select * from als.recommend_users('m', 1, 3)$$),
  ('recommend_users, cold', 1, 'touch', $$select * from als.recommend_users('m', 1, 3)$$),
  ('recommend_for', 1, null, $$select * from als.recommend_for('m', array[1, 2], array[5, 1], 3)$$),
  ('recommend_for, cold, implicit', 1, 'touch', $$select * from als.recommend_for('implicit', array['i1', 'i2'], k => 3)$$),
  ('recommend_for, features', 1, 'touch',
   $$select * from als.recommend_for('known', array[1, 2], array[5, 1], 3, features => '{"team": "team 1"}')$$),
  ('recommend_vector', 1, null, $$select * from als.recommend_vector('m', array[1, 0, 1, 0]::real[], k => 3)$$),
  ('fold_in', 1, 'touch', $$select als.fold_in('implicit', array['i1', 'i3'])$$),
  ('fold_in_item', 1, null, $$select als.fold_in_item('m', array[1, 3], array[4, 2])$$),
  ('fold_in, features', 1, 'touch', $$select als.fold_in('known', array[1, 3], array[4, 2], features => '{"team": "team 0"}')$$),
  ('fold_in_item, features', 1, 'touch',
   $$select als.fold_in_item('known', array[1, 3], array[4, 2], features => '{"kind": "kind 1", "price": 3}')$$),
  ('similar_items', 1, 'touch', $$select * from als.similar_items('m', 2, 3)$$),
  ('similar_users', 1, null, $$select * from als.similar_users('m', 2, 3, measure => 'cosine')$$),
  ('explain', 1, 'touch', $$select * from als.explain('m', 1, 2, 3)$$),
  ('explain, implicit', 1, null, $$select * from als.explain('implicit', 'u1', 'i2', 3)$$),
  ('explain, features', 1, 'touch', $$select * from als.explain('known', 1, 2, 3)$$),
  ('recommend_all', 2, 'touch', $$select als.recommend_all('m', 'fresh', 3)$$),
  ('recommend_users_all', 1, null, $$select als.recommend_users_all('implicit', 'fresh', 3)$$),
  ('evaluate', 2, 'touch', $$select metric, k, n from als.evaluate('m', 'ratings', array[2], exclude_seen => false)$$),
  ('evaluate_by_activity', 1, null,
   $$select metric, k, n from als.evaluate_by_activity('implicit', 'texts', array[2], exclude_seen => false)$$),
  ('compare', 1, null, $$select metric, k, n from als.compare('m', 'm', 'ratings', array[2], exclude_seen => false)$$),
  ('report', 1, null, $$select length(als.report('m')) > 1000$$),
  ('report, features', 1, 'touch', $$select length(als.report('known', titles => 'select item_id, kind from items')) > 1000$$),
  ('refresh_users, features', 1, 'touch', $$select als.refresh_users('known', array[1, 2], force => true)$$),
  ('refresh_users', 1, null, $$select als.refresh_users('m', array[1, 2], force => true)$$),
  ('refresh_items', 1, null, $$select als.refresh_items('m', force => true)$$),
  ('refresh', 1, 'insert into ratings select 13, 1, 3, now() where not exists (select from ratings where user_id = 13)',
   $$select * from als.refresh('m')$$),
  ('noted changes', 1, null, $$select note()$$),
  ('track', 1, null, $$select als.track('implicit') is not null$$),
  ('untrack', 1, null, $$select als.untrack('m')$$),
  ('create_functions', 1, null, $$select count(*) from als.create_functions('m')$$),
  ('rollback_model', 1, null,
   $$select run from (select als.retrain('m', iterations => 1, keep_previous => true)) t, als.rollback_model('m')$$),
  ('drop_model', 1, null, $$select als.drop_model('m')$$),
  ('models', 1, null, $$select model::text from als.models order by 1$$),
  ('latest_run', 1, null, $$select run from als.latest_run('m')$$),
  ('cache', 1, null, $$select count(*) >= 0 from als.cache$$),
  ('split', 1, null, $$select count(*) >= 0 from (select als.split('ratings', 'test')) s$$),
  ('hash_fraction', 1, null, $$select als.hash_fraction(1, 'a'::text)$$),
  ('features_vector', 1, 'touch', $$select als.features_vector('featured', '{"kind": "kind 1", "price": 3}')$$),
  ('dot, cosine', 1, null, $$select als.dot('{1,2}', '{3,4}'), als.cosine('{1,2}', '{3,4}')$$),
  ('equations, solve', 1, null,
   $$select als.solve(als.equations(f.factors, r.rating), 0.1) from ratings r join m_item_factors f using (item_id) where user_id = 1$$),
  ('implicit_equations, gram', 1, null,
   $$select als.solve(als.implicit_equations(f.factors, r.rating, 1), 0.1, gram => (select als.gram(factors) from m_item_factors))
     from ratings r join m_item_factors f using (item_id) where user_id = 1$$);
