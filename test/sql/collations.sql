-- Text ids under collations in which different strings are equal, or order differently. Needs ICU.
select getdatabaseencoding() <> 'UTF8' or not exists (select from pg_collation where collname like '%-x-icu') as skip \gset
\if :skip
\quit
\endif
create schema collations;
set search_path = collations;
set client_min_messages = warning;
set als.threads = 1;

create collation caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table ratings (user_id text collate caseless, item_id text collate caseless, rating int);
insert into ratings
select case when (u + i) % 2 = 0 then upper('user' || u) else 'user' || u end, case when u % 2 = 0 then initcap('item' || i) else 'item' || i end, (u * 7 + i * 13) % 5 + 1
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;

-- Ids that the collation holds equal are one id, and any spelling finds it.
select n_users, n_items, n_duplicates from als.train('m', 'ratings', factors => 3, iterations => 3);
select attrelid::regclass, attname, attcollation::regcollation from pg_attribute
where attrelid in ('m_user_factors'::regclass, 'm_item_factors'::regclass) and attnum = 1 order by 1::text;
select als.predict('m', 'user1', 'item1') = als.predict('m', 'USER1', 'iTeM1') as same, als.predict('m', 'user99', 'item1');
-- The same once the factors are in memory.
select count(als.predict('m', user_id, item_id)) = count(*) as known, count(*) filter (where als.predict('m', upper(user_id), lower(item_id)) is distinct from als.predict('m', lower(user_id), upper(item_id))) as different
from ratings;
select als.predict('m', 'user1', 'item1') = als.predict('m', 'USER1', 'iTeM1') as same;
select array(select lower(item_id) from als.recommend('m', 'user1', 20)) = array(select lower(item_id) from als.recommend('m', 'USER1', 20)) as same;
select count(*) as seen from als.recommend('m', 'UsEr1', 20) as r where exists (select from ratings as s where s.user_id = 'user1' and s.item_id = r.item_id collate caseless);
select count(*) from als.recommend('m', 'user1', exclude_seen => false, candidates => array['ITEM1', 'item2', 'Item2'], exclude => '{ITEM2}');
select count(*) from als.similar_items('m', 'ITEM1', 20);
select count(*) from als.similar_users('m', 'uSER1', 30);
-- The order of arrival decides which spelling is kept, and nothing else.
select md5(string_agg(factors::text, ',' order by item_id)) as fingerprint from m_item_factors \gset
select run from als.train('m', 'select * from ratings order by md5(user_id || item_id)', factors => 3, iterations => 3, replace => true);
select md5(string_agg(factors::text, ',' order by item_id)) = :'fingerprint' as same from m_item_factors;
select als.drop_model('m');

-- Ties are broken by the collation's order.
create collation german (provider = icu, locale = 'de');
create table words (user_id int, item_id text collate german, rating int);
insert into words select u, i, 3 from generate_series(1, 3) as u, unnest(array['b', 'a', 'B', 'A', 'ä', 'z', 'Ä']) as i;
select n_items from als.train('m', 'words', factors => 2, biases => false);
update m_item_factors set factors = '{0,0}';
select array(select item_id from als.recommend('m', '1', 10, exclude_seen => false) order by rank) = array(select distinct item_id collate german from words order by 1) as ordered;
select als.drop_model('m');

-- A source whose collation has come to hold other strings equal has other ids.
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO none
\i test/sql/try.psql
\set ECHO all
create table spelled (user_id text collate "C", item_id int, rating int);
insert into spelled select case when u % 2 = 0 then upper('user' || u) else 'user' || u end, i, (u * 7 + i * 13) % 5 + 1
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
insert into spelled values ('user2', 100, 4);
select n_users from als.train('m', 'spelled', factors => 3, iterations => 3);
alter table spelled alter user_id type text collate caseless;
select try($$select als.refresh_users('m')$$);
select try($$select als.refresh_items('m')$$);
select try($$select als.retrain('m')$$);
select try($$select als.train('m', 'spelled', factors => 3, iterations => 3, replace => true)$$);
select n_users from als.retrain('m', replace_ids => true, keep_previous => true);
select als.predict('m', 'user2', 1) = als.predict('m', 'USER2', 1) as same, als.predict('m', 'user2', 100) is not null as known;
select als.refresh_users('m'), als.refresh_items('m');
select (als.rollback_model('m')).n_users;
select attcollation::regcollation from pg_attribute where attrelid = 'm_user_factors'::regclass and attnum = 1;
select als.predict('m', 'user2', 1) = als.predict('m', 'USER2', 1) as same;
-- And the way back, where the model's table would take no two spellings.
select n_users from als.retrain('m', replace_ids => true);
alter table spelled alter user_id type text collate "C";
select try($$select als.retrain('m')$$);
select n_users from als.retrain('m', replace_ids => true);
-- One that differs by its order alone has the same ones.
alter table spelled alter user_id type text collate german;
select als.refresh_users('m');
select n_users from als.retrain('m');
select n_users from als.retrain('m', distributed => true);
-- What is seen under another collation is compared by the model's, for one user as for many.
alter table spelled alter user_id type text collate caseless;
select n_users from als.retrain('m', replace_ids => true, distributed => false);
create table bought as select user_id collate "C" as user_id, item_id from spelled where item_id <> 100;
select try($$select als.train('m', 'spelled', factors => 3, replace => true, seen => 'bought')$$);
select count(*) as unseen from als.recommend('m', 'user2', 20, seen => 'bought') where item_id <> '100';
select count(*) as unseen from als.recommend('m', 'USER2', 20, seen => 'bought') where item_id <> '100';
select als.recommend_all('m', 'lists', 20, seen => 'bought') > 0 as made;
select count(*) as unseen from lists where user_id = 'user2' and item_id <> 100;
-- The other way round, a model that tells spellings apart where what is seen does not: what USER2 has bought is not of user2.
select n_users from als.train('strict', 'select user_id collate "C" as user_id, item_id, rating from spelled', factors => 3, iterations => 3);
create table of_any_case as select user_id, item_id, rating from spelled where item_id <> 100;
create index on of_any_case (user_id);
select count(*) from als.recommend('strict', 'user2', 20, seen => 'of_any_case');
select count(*) from als.recommend('strict', 'USER2', 20, seen => 'of_any_case');
select als.recommend_all('strict', 'strict_lists', 20, seen => 'of_any_case') > 0 as made;
select user_id, count(*) from strict_lists where user_id in ('user2', 'USER2') group by 1 order by 1;
-- And what is tested, as history and as candidates, is compared by the model's, too, whichever that is.
create function differs(model text, of_other text, of_same text) returns text language plpgsql as $$
declare
  rows text;
  answer text := '';
begin
  foreach rows in array array['als.evaluate(%L, %L, exclude_seen => false)', 'als.evaluate(%L, ''spelled'', history => %L)',
    'als.evaluate(%L, ''spelled'', exclude_seen => false, candidates => %L)'] loop
    execute format('with a as (select metric, k, n, round(value::numeric, 6) from ' || rows || '), b as (select metric, k, n, round(value::numeric, 6) from ' || rows
      || ') select %L || (select count(*) from (table a except table b) x) || '' of '' || (select count(*) from b where n > 0) || ''. ''', model, of_other, model, of_same, answer) into answer;
  end loop;
  return answer;
end $$;
create table sides as select user_id, item_id, rating, user_id collate "C" as strict_user from spelled where item_id <= 6 and user_id <> 'USER4'
union all select case when user_id = lower(user_id) collate "C" then upper(user_id) else lower(user_id) end, item_id, 6 - rating,
	case when user_id = lower(user_id) collate "C" then upper(user_id) else lower(user_id) end from spelled where item_id between 4 and 8;
select differs('strict', 'sides', 'select user_id collate "C" as user_id, item_id, rating from sides');
select differs('m', 'select strict_user as user_id, item_id, rating from sides', 'sides');
select als.drop_model('strict');

-- An index serves as before.
create table seen_by_index (user_id text collate caseless, item_id int);
create index on seen_by_index (user_id);
create function uses_index(query text) returns boolean language plpgsql as $$
declare
  line text;
begin
  for line in execute 'explain ' || query loop
    if line like '%Index%' then return true; end if;
  end loop;
  return false;
end $$;
set enable_seqscan = off;
select uses_index($$select item_id from seen_by_index where user_id collate caseless = 'user2'$$);
reset enable_seqscan;

-- als.attach_model goes by the collation of the column, not by that of its type.
create table users as select user_id collate caseless as user_id, factors, bias, n_ratings from m_user_factors;
create table items as select * from m_item_factors;
alter table users add primary key (user_id);
alter table items add primary key (item_id);
select try($$select als.attach_model('attached', 'users', 'items', feedback => 'explicit', source => 'bought', rating_col => null)$$);
select try($$select als.attach_model('attached', 'users', 'items', feedback => 'explicit', mean => 3, seen => 'bought')$$);
select n_users from als.attach_model('attached', 'users', 'items', feedback => 'explicit', source => 'spelled');
select als.predict('attached', 'user2', 1) = als.predict('attached', 'USER2', 1) as same;
select count(*) as seen from als.recommend('attached', 'user2', 20) as r where exists (select from spelled as s where s.user_id = 'USER2' and s.item_id::text = r.item_id);
select als.drop_model('attached');
alter table users alter user_id type name collate caseless;
select try($$select als.attach_model('attached', 'users', 'items', feedback => 'explicit', mean => 3)$$);
alter table users alter user_id type name collate "C";
select n_users from als.attach_model('attached', 'users', 'items', feedback => 'explicit', mean => 3);
select als.predict('attached', 'USER2', 1) is not null as known;
select als.drop_model('attached');
select als.drop_model('m');
drop schema collations cascade;
