-- A source whose ids have been given a wider type: what serves goes on, and the next writer carries the model over.
create schema widened_ids;
set search_path = widened_ids;
set client_min_messages = warning;
set als.threads = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 30) as u, generate_series(1, 20) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
create table test as select user_id, item_id, rating from ratings where (user_id + item_id) % 7 = 0;
create function id_types(model text) returns text language sql as $$
  select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attname desc) from pg_attribute
  where attrelid in (to_regclass(model || '_user_factors'), to_regclass(model || '_item_factors')) and attnum = 1 $$;

select n_users, n_items from als.train('m', 'ratings', factors => 4, iterations => 3);
create table before as select * from als.recommend('m', 3, 100);
create view oids as select 'm_user_factors'::regclass::oid as users, 'm_item_factors'::regclass::oid as items;
create table oids_before as select * from oids;
alter table ratings alter user_id type bigint, alter item_id type bigint;
insert into ratings values (5000000000, 3, 5), (5000000000, 7000000000, 4), (3, 7000000000, 4), (5000000000, 5, 1);

-- Serving goes on. What the model's type cannot hold is unknown.
select count(*) from als.recommend('m', 3, 100) as r join before as b using (item_id, rank) where r.score = b.score;
select als.recommend_all('m', 'recommended', k => 5);
select metric, value is not null as value, n from als.evaluate('m', 'select * from ratings where user_id > 25', k => '{3}', history => 'select * from ratings where user_id > 5', exclude_seen => false) order by metric;
select component, count(*) from als.explain('m', 3, 5) group by component order by component;
select count(*) from als.recommend('m', 3, 100, candidates => array[1, 2, 7000000000], exclude => array[2, 7000000000], exclude_seen => false);
select als.predict('m', 5000000000, 3), als.predict('m', 3, 7000000000), als.predict('m', 3::bigint, 3::bigint) is not null as known;
select count(*) from als.recommend('m', 5000000000);
select count(*) from als.recommend('m', 5000000000, on_unknown => 'popular', exclude_seen => false);
select try($$select als.recommend('m', 5000000000, on_unknown => 'error')$$);
select count(*) from als.similar_items('m', 7000000000);
select count(*) from als.explain('m', 5000000000, 3);

-- A refresh carries the model over.
begin;
select als.refresh_items('m') > 0 as items, als.refresh_users('m') > 0 as users, als.refresh_users('m');
select id_types('m');
select als.predict('m', 5000000000, 7000000000) is not null as known;
select count(*) from m_user_factors where user_id = 5000000000;
rollback;
-- So does a training, which keeps the tables.
select id_types('m');
select n_users, n_items from als.train('m', 'ratings', factors => 4, iterations => 3, replace => true, warm_start => true, keep_previous => true);
select id_types('m');
select oids = oids_before as same_tables from oids, oids_before;
select als.predict('m', 5000000000, 7000000000) is not null as known;
-- Its vectors were not lost to the warm start: one pass after three is better than one after none.
select warm.loss[1] < cold.loss[1] as warm from m as warm, m as cold where warm.run = 2 and cold.run = 1;
-- Back to a narrower type.
select try($$select als.train('m', 'test', factors => 4, replace => true)$$);
begin;
select n_users > 0 as trained from als.train('m', 'test', factors => 4, iterations => 2, replace => true, replace_ids => true);
select id_types('m');
rollback;
-- The run before has its own types.
select n_users from als.rollback_model('m');
select id_types('m'), als.predict('m', 3, 3) is not null as known;

-- Texts, domains.
create domain short as smallint;
create table visits as select ('u' || user_id)::varchar(20) as user_id, item_id::short from test;
select n_users from als.train('v', 'visits', rating_col => null, feedback => 'implicit', factors => 4, iterations => 2);
alter table visits alter user_id type text, alter item_id type int;
insert into visits select repeat('u', 30), item_id from v_item_factors;
insert into visits select user_id, 100000 from v_user_factors;
select count(*) > 0 as served from v_user_factors as u, als.recommend('v', u.user_id);
select als.refresh_items('v') > 0 as items, als.refresh_users('v') > 0 as users, id_types('v');

-- Other types are taken when asked for.
create table others as select md5(user_id::text)::uuid as user_id, item_id::text, rating from ratings;
select try($$select als.train('m', 'others', factors => 4, replace => true)$$);
select try($$select als.train('m', 'others', factors => 4, replace_ids => true)$$);
begin;
alter table ratings alter user_id type uuid using md5(user_id::text)::uuid;
select try($$select als.refresh_users('m')$$);
rollback;
begin;
select n_users from als.train('m', 'others', factors => 4, iterations => 2, replace => true, replace_ids => true, warm_start => true, keep_previous => true);
select id_types('m'), (select oids = oids_before from oids, oids_before) as same_tables, count(*) > 0 as served from als.recommend('m', md5('3'));
select n_users from als.rollback_model('m');
select id_types('m'), als.predict('m', 3, 3) is not null as known;
rollback;
begin;
select n_users from als.import_model('m', 'select md5(user_id::text)::uuid, factors from m_user_factors', 'select item_id::text, factors from m_item_factors', replace => true, replace_ids => true);
select id_types('m');
rollback;
begin;
select n_users from als.train('m', 'others', '{"factors": 4, "iterations": 2, "replace_ids": true}'::jsonb, replace => true);
select id_types('m');
rollback;
-- What keeps the column from changing is said at once.
alter table visits alter item_id type bigint;
create view uses_it as select item_id from v_item_factors;
select try($$select als.train('v', 'visits', rating_col => null, feedback => 'implicit', factors => 4, replace => true)$$);
select try($$select als.refresh_items('v')$$);
drop view uses_it;
create role widened_ids_other;
grant usage, create on schema widened_ids to widened_ids_other;
grant all on all tables in schema widened_ids to widened_ids_other;
set role widened_ids_other;
select try($$select als.train('v', 'visits', rating_col => null, feedback => 'implicit', factors => 4, replace => true)$$);
reset role;

drop schema widened_ids cascade;
drop owned by widened_ids_other;
drop role widened_ids_other;
