-- Everything runs as the caller: privileges, row-level security, ownership.
create schema security;
set search_path = security;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never
create role security_owner;
create role security_reader;
create role security_other;
grant usage, create on schema security to security_owner;
grant usage on schema security to security_reader, security_other;

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
\pset format unaligned
\pset tuples_only on

-- Training: select on the source, create on the schema.
set role security_owner;
select try($$select als.train('m', 'ratings', factors => 3)$$);
select try($$select als.train('m', 'select * from ratings', factors => 3)$$);
reset role;
grant select (user_id, item_id, rating) on ratings to security_owner;
set role security_owner;
select n_ratings > 0 from als.train('m', 'select user_id, item_id, rating from ratings', factors => 3);
reset role;
grant select on ratings to security_owner;
set role security_owner;
select n_ratings > 0, run from als.train('m', 'ratings', factors => 3, replace => true);
select distinct tableowner from pg_tables where schemaname = 'security' and tablename ~ '^m';
reset role;
grant select on ratings to security_other;
set role security_other;
select try($$select als.train('mine', 'ratings', factors => 3)$$);
select try($$select als.train('m', 'ratings', factors => 3, replace => true)$$);
select try($$select als.train('security.m', 'ratings', factors => 3)$$);
reset role;
select relname from pg_class where relnamespace = 'security'::regnamespace and relkind = 'r' order by 1;

-- Serving: select on the model, the factors and, for what is seen, the source. Also when the owner has just
-- filled the cache of the same session.
create function answers() returns table (predict text, popular text, recommend text, seen text, similar_items text, similar_users text) language sql as $$
  select split_part(try($q$select als.predict('m', 1, 1)$q$), E'\n', 1), split_part(try($q$select als.recommend('m', 999, exclude_seen => false, on_unknown => 'popular')$q$), E'\n', 1),
    split_part(try($q$select als.recommend('m', 1, exclude_seen => false)$q$), E'\n', 1), split_part(try($q$select als.recommend('m', 1)$q$), E'\n', 1),
    split_part(try($q$select als.similar_items('m', 1)$q$), E'\n', 1), split_part(try($q$select als.similar_users('m', 1)$q$), E'\n', 1) $$;
create function warm() returns bigint language sql as
$$ select count(als.predict('m', u, i)) from generate_series(1, 20) as u, generate_series(1, 12) as i $$;
\pset tuples_only off
\pset footer off
select warm();
select * from answers();
set role security_reader;
select * from answers();
reset role;
grant select on m to security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on m_item_factors to security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on m_user_factors to security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on ratings to security_reader;
set role security_reader;
select * from answers();
select warm();
reset role;
-- Taken back, one at a time, while the reader's cache is warm.
revoke select on m_user_factors from security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on m_user_factors to security_reader;
revoke select on m_item_factors from security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on m_item_factors to security_reader;
revoke select on ratings from security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on ratings to security_reader;
revoke select on m from security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on m to security_reader;
-- Within one transaction.
begin;
set local role security_reader;
select als.predict('m', 1, 1) is not null as predict;
reset role;
revoke select on m_user_factors from security_reader;
set local role security_reader;
select als.predict('m', 1, 1) is not null as predict;
rollback;
-- By way of the schema.
revoke usage on schema security from security_reader;
set role security_reader;
select als.predict('security.m', 1, 1);
reset role;
grant usage on schema security to security_reader;
-- By way of a group's membership.
revoke select on m_user_factors, m_item_factors from security_reader;
create role security_group;
grant select on m_user_factors, m_item_factors to security_group;
set role security_reader;
select predict from answers();
reset role;
grant security_group to security_reader;
set role security_reader;
select predict from answers();
reset role;
revoke security_group from security_reader;
set role security_reader;
select predict from answers();
reset role;
drop owned by security_group;
drop role security_group;
-- On columns only: enough if they are the ones that are read.
grant select (user_id, factors) on m_user_factors to security_reader;
grant select on m_item_factors to security_reader;
set role security_reader;
select predict, similar_items from answers();
reset role;
grant select (bias, n_ratings) on m_user_factors to security_reader;
set role security_reader;
select * from answers();
reset role;
grant select on m_user_factors, m_item_factors to security_reader;
-- Through a definer's function, as the definer; through a view, as the asker.
revoke select on m_user_factors from security_reader;
create function definer() returns real language sql security definer set search_path = security, pg_temp as $$ select als.predict('m', 1, 1) $$;
create view viewer as select als.predict('m', 1, 1) is not null as predict;
grant select on viewer to security_reader;
set role security_reader;
select definer() is not null as predict;
select predict from answers();
select try('select * from viewer');
reset role;
grant select on m_user_factors to security_reader;

-- Changing factors by hand: who may not give the model its new version may not change them.
grant update on m_item_factors to security_reader;
select version from m order by run desc limit 1 \gset
set role security_reader;
select try('update m_item_factors set bias = 100 where item_id = 1') as update;
reset role;
revoke select on m from security_reader;
set role security_reader;
select try('update m_item_factors set bias = 100 where item_id = 1') as update;
reset role;
select count(*) as changed from m_item_factors where bias = 100;
grant select, update on m to security_reader;
set role security_reader;
select try('update m_item_factors set bias = 100 where item_id = 1') as update;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
reset role;
select version <> :'version' as new_version from m order by run desc limit 1;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
revoke update on m, m_item_factors from security_reader;
select run from als.train('m', 'ratings', factors => 3, replace => true);

-- Row-level security on items: each role has lists of what it may see, whoever filled the cache.
alter table m_item_factors enable row level security;
create policy few on m_item_factors for select to security_reader using (item_id <= 4);
create policy chosen on m_item_factors for select to security_other using (item_id = any (string_to_array(current_setting('security.items', true), ',')::int[]));
grant select on m, m_item_factors, m_user_factors to security_other;
select warm();
select count(*), max(item_id) from als.recommend('m', 1, 100, exclude_seen => false);
set role security_reader;
select count(*), max(item_id) from als.recommend('m', 1, 100, exclude_seen => false);
select count(*), max(item_id) from als.recommend('m', 999, 100, exclude_seen => false, on_unknown => 'popular');
select als.predict('m', 1, 4) is not null as visible, als.predict('m', 1, 5) is not null as hidden;
select count(*), max(item_id) from als.similar_items('m', 1, 100);
select count(*) from als.similar_items('m', 5, 100);
select warm();
select count(*), max(item_id) from als.recommend('m', 1, 100, exclude_seen => false);
set role security_other;
select count(*) from als.recommend('m', 1, 100, exclude_seen => false);
set security.items = '1,2,12';
select count(*), max(item_id) from als.recommend('m', 1, 100, exclude_seen => false);
set security.items = '3';
select count(*), max(item_id) from als.recommend('m', 1, 100, exclude_seen => false);
select als.predict('m', 1, 3) is not null as visible, als.predict('m', 1, 12) is not null as hidden;
set row_security = off;
select try('select als.recommend(''m'', 1, 100, exclude_seen => false)') as "row_security = off";
reset row_security;
reset role;
select warm();
alter table m_item_factors force row level security;
select count(*) as superuser from als.recommend('m', 1, 100, exclude_seen => false);
set role security_owner;
select count(*) as owner from als.recommend('m', 1, 100, exclude_seen => false);
reset role;
alter table m_item_factors no force row level security;
set role security_owner;
select count(*) as owner from als.recommend('m', 1, 100, exclude_seen => false);
reset role;
alter table m_item_factors disable row level security;
set role security_reader;
select count(*) from als.recommend('m', 1, 100, exclude_seen => false);
reset role;
-- On users, on the source, and on the model.
alter table m_user_factors enable row level security;
create policy own on m_user_factors for select to security_reader using (user_id = 1);
alter table ratings enable row level security;
create policy nothing on ratings for select to security_reader using (false);
set role security_reader;
select als.predict('m', 1, 1) is not null as own, als.predict('m', 2, 1) is not null as another, (select count(*) from als.recommend('m', 2)) as list;
select (select count(*) from als.recommend('m', 1, 100)) = (select count(*) from m_item_factors) as "nothing seen";
reset role;
alter table m_user_factors disable row level security;
alter table ratings disable row level security;
alter table m enable row level security;
create policy first on m for select to security_reader using (run = 0);
set role security_reader;
select try('select als.predict(''m'', 1, 1)') as predict;
select count(*) from als.models where model = 'm'::regclass and run is not null;
reset role;
alter table m disable row level security;

-- als.models shows what the caller may see.
select model, owner from als.models where model = 'm'::regclass order by model::text;
set role security_reader;
select model, owner from als.models where model = 'm'::regclass order by model::text;
reset role;
revoke select on m from security_reader;
set role security_reader;
select count(*) from als.models;
select try('select als.latest_run(''m'')') as latest_run;
reset role;
revoke usage on schema security from security_other;
set role security_other;
select count(*) from als.models;
select count(*) from als.progress;
reset role;
grant usage on schema security to security_other;

-- Dropping is for owners.
set role security_reader;
select try('select als.drop_model(''m'')') as drop_model;
reset role;
grant select on m to security_reader;
set role security_reader;
select try('select als.drop_model(''m'')') as drop_model;
reset role;
select count(*) from m_item_factors;

-- What als.train uses while it writes is of no use to anyone else.
select name, try(format('select als.%s', name))
from unnest(array['_trained_factors(0)', '_trained_bias(0)', '_trained_n_ratings(0)', '_trained_id(0, null::int)', '_trained_id(0, ''x''::text)']) as name;
select als._trained_factors(null), als._trained_id(null, null::int);
-- Not even to a trigger, beyond the rows that are there.
create function peek() returns trigger language plpgsql as $$
begin
  raise info '% % %', split_part(try('select als._trained_factors(0)'), E'\n', 1), split_part(try('select als._trained_factors(4711)'), E'\n', 1),
    split_part(try('select als._trained_id(0, null::text)'), E'\n', 1);
  return null;
end $$;
create trigger peek after insert on m_item_factors execute function peek();
select run from als.train('m', 'ratings', factors => 3, replace => true);
select try('select als._trained_factors(0)') as trained_factors;
drop trigger peek on m_item_factors;

-- The owner drops.
drop view viewer;
set role security_owner;
select als.drop_model('m');
reset role;
drop schema security cascade;
drop role security_owner, security_reader, security_other;
