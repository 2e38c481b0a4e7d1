-- als.train_each: a model for each value of a column.
create schema train_each;
set search_path = train_each;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

create table ratings (user_id int, item_id int, rating real, country text, year int, day date, key uuid);
insert into ratings
select u, i, 1 + (u * 7 + i * 3 + u * i) % 5, (array['de', 'fr', 'New York', null, '1''2"3'])[1 + u % 5], 2000 + u % 3, date '2026-02-01' + u % 2, md5((u % 2)::text)::uuid
from generate_series(1, 60) u, generate_series(1, 20) i where (u * 31 + i * 17) % 3 > 0;
create index on ratings (country);
create function models(pattern text) returns setof text language sql as $$
  select format('%s: %s of %s', model, l.n_users, l.source) from als.models m, als.latest_run(m.model) l where m.model::text like pattern order by model::text collate "C"
$$;

call als.train_each('taste_%s', 'ratings', by => 'country', options => '{"factors": 4, "iterations": 3}');
select models('%taste%');
-- Each is the model of its rows, and serves, is refreshed and trained again like any other.
select (als.train('alone', 'select * from ratings where country = ''de''', factors => 4, iterations => 3)).loss = (select loss from taste_de) as same;
select count(*) from als.recommend('"taste_New York"', 2, 3);
insert into ratings values (100, 3, 5, 'de'), (101, 3, 5, 'fr');
select als.refresh_users('taste_de');
select run from als.retrain('"taste_1''2""3"');
-- The index is used.
set enable_seqscan = off;
create function reads(query text) returns setof text language plpgsql as $$ begin return query execute 'explain (costs off) ' || query; end $$;
select count(*) > 0 as by_index from reads((select query from als._sources_by('ratings', 'country') where value = 'de')) line where line ~ 'Index';
reset enable_seqscan;

-- Again: those that are there are named, the others are not lost.
insert into ratings select user_id, item_id, rating, 'it' from ratings where country = 'fr';
call als.train_each('taste_%s', 'ratings', 'country', '{"factors": 4, "iterations": 3}');
select models('taste_it');
call als.train_each('taste_%s', 'ratings', 'country', '{"factors": 2, "iterations": 3, "replace": true}');
select distinct l.factors from als.models m, als.latest_run(m.model) l where m.model::text like '%taste%';

-- One that cannot be trained.
update ratings set rating = 'nan' where country = 'fr' and item_id = 3;
call als.train_each('again_%s', 'select * from ratings where country < ''g''', 'country', '{"factors": 2, "iterations": 3}');
select models('again%');
update ratings set rating = 3 where country = 'fr' and item_id = 3;

-- Values of other types; queries; a schema; names are folded as elsewhere.
create schema "Other";
call als.train_each('"Other".Year_%s', 'select user_id as u, item_id as i, year from ratings -- all', 'year', '{"feedback": "implicit", "user_col": "u", "item_col": "i", "rating_col": null, "factors": 2, "iterations": 2}');
select models('"Other"%');
set datestyle = 'german';
call als.train_each('day_%s', 'ratings', 'day', '{"factors": 2, "iterations": 2}');
-- A date that a query writes down is written as the training will find it.
call als.train_each('wrote_%s', 'select *, day::text as written from ratings', 'written', '{"factors": 2, "iterations": 2}');
set datestyle = 'iso, mdy';
select models('%day%'), models('%wrote%');
call als.train_each('key_%s', 'ratings', 'key', '{"factors": 2, "iterations": 2}');
select count(*) from models('%key%');
create type shade as enum ('light', 'dark');
create domain code as text;
create view shaded as select *, (array['light', 'dark'])[1 + user_id % 2]::shade as shade, country::code as code, (country || ' ')::char(4) as padded from ratings;
call als.train_each('shade_%s', 'shaded', 'shade', '{"factors": 2, "iterations": 2}');
call als.train_each('code_%s', 'select * from shaded where code in (''de'', ''fr'')', 'code', '{"factors": 2, "iterations": 2}');
call als.train_each('padded_%s', 'select * from shaded where code in (''de'', ''fr'')', 'padded', '{"factors": 2, "iterations": 2}');
select models('%ed\_%'), models('code_%');
-- Whatever the search_path holds.
create schema hostile;
create function hostile.no(text, text) returns boolean language sql as 'select 1 / 0 > 0';
create operator hostile.= (leftarg = text, rightarg = text, function = hostile.no);
create operator hostile.> (leftarg = text, rightarg = text, function = hostile.no);
create domain hostile.text as int check (value < 0);
create domain hostile.record as int check (value < 0);
\c -
set als.threads = 1;
set search_path = hostile, train_each, pg_catalog;
call als.train_each('safe_%s', 'select * from ratings where year is not null', 'country', '{"factors": 2, "iterations": 2}');
set search_path = train_each;
select count(*) from models('%safe%');

-- Whatever stands beside the value.
call als.train_each('als_value_of_by_vx%sx', 'select * from ratings where country = ''de''', 'country', '{"factors": 2, "iterations": 2}');
select models('als\_value%');

-- Names that are too long, or those of other tables.
call als.train_each('long_%s', 'select *, case when user_id % 2 = 0 then repeat(''x'', 59) else repeat(''y'', 30) || repeat(''é'', 15) end as value from ratings', 'value', '{"factors": 2, "iterations": 2}');
create table used_de ();
call als.train_each('used_%s', 'select * from ratings where country in (''de'', ''fr'')', 'country', '{"factors": 2, "iterations": 2}', true);

-- What is trained stays when the call is cancelled.
create function slow(country text) returns int language plpgsql stable as $$ begin if country = 'fr' then perform pg_cancel_backend(pg_backend_pid()), pg_sleep(60); end if; return 0; end $$;
call als.train_each('slow_%s', 'select user_id, item_id, country, rating + slow(country) as rating from ratings', 'country', '{"factors": 2, "iterations": 2}');
select count(*) from models('%slow%');

-- With the caller's privileges.
create role train_each_role;
grant usage on schema train_each to train_each_role;
grant select on ratings to train_each_role;
set role train_each_role;
call als.train_each('mine_%s', 'select * from ratings where country in (''de'', ''fr'')', 'country');
reset role;
revoke select on ratings from train_each_role;
set role train_each_role;
call als.train_each('mine_%s', 'ratings', 'country');
reset role;
drop owned by train_each_role;
drop role train_each_role;

-- Mistakes.
set default_transaction_read_only = on;
call als.train_each('taste_%s', 'ratings', 'country');
reset default_transaction_read_only;
call als.train_each('taste', 'ratings', 'country');
call als.train_each('taste_%s_%s', 'ratings', 'country');
call als.train_each('%s.taste', 'ratings', 'country');
call als.train_each('"taste_%s', 'ratings', 'country');
call als.train_each('a.b.taste_%s', 'ratings', 'country');
call als.train_each(null, 'ratings', 'country');
call als.train_each('taste_%s', null, 'country');
call als.train_each('taste_%s', 'ratings', null);
call als.train_each('taste_%s', 'nowhere', 'country');
call als.train_each('taste_%s', 'ratings', 'land');
call als.train_each('taste_%s', 'select *, point(1, 2) as place from ratings', 'place');
call als.train_each('none_%s', 'select * from ratings where false', 'country');
begin;
call als.train_each('taste_%s', 'ratings', 'country');
rollback;

set client_min_messages = warning;
drop schema train_each, "Other", hostile cascade;
