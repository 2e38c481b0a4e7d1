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
drop schema collations cascade;
