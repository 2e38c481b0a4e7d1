-- Ids at the borders of every type that is passed by value, and ids that are too long for an index.
create schema id_borders;
set search_path = id_borders;
set client_min_messages = warning;
set als.threads = 1;

-- Every value is a user and an item. Each is asked for as a literal, as a value that an input function made, and as one
-- read from a table: they may differ in those bits of a Datum that the type does not use. First row by row, then with the
-- model in memory.
create procedure check_borders(type text, variadic borders text[]) language plpgsql as $$
declare
  n int; stored int; made int; literal int; lists int; neighbours int; folded int; refreshed int; loaded int;
begin
  execute format('create table ids as select value::%s as id from unnest($1) as value', type) using borders;
  create view source as select u.id as user_id, i.id as item_id, 1 + length(u.id::text || i.id::text) % 5 as rating from ids as u, ids as i;
  perform als.train('m', 'source', factors => 2, iterations => 1);
  commit;
  for round in 1 .. 2 loop
    select count(*) filter (where als.predict('m', u.id, i.id) is null) into stored from ids as u, ids as i, generate_series(1, 40);
    execute format('select count(*) filter (where als.predict(''m'', u::%1$s, i::%1$s) is null) from unnest($1) as u, unnest($1) as i', type) using borders into made;
    select count(*) filter (where als.predict('m', u, i) is null) into literal from unnest(borders) as u, unnest(borders) as i;
    execute format('select count(*) filter (where (select count(*) from als.recommend(''m'', u::%s, 99, exclude_seen => false)) <> array_length($1, 1)) from unnest($1) as u', type)
      using borders into lists;
    select count(*) filter (where (select count(*) from als.similar_items('m', id, 99)) <> array_length(borders, 1) - 1) into neighbours from ids;
    execute format('select count(*) filter (where als.fold_in(''m'', array[i::%1$s], ''{3}'') <> als.fold_in(''m'', array[id], ''{3}'')) from unnest($1) as i, ids where id = i::%1$s', type)
      using borders into folded;
  end loop;
  select count(*) into loaded from als.cache where model = 'm'::regclass and content like '%factors';
  execute format('select sum(als.refresh_users(''m'', array[u::%1$s])) from unnest($1) as u', type) using borders into refreshed;
  select n_users into n from m;
  raise info '%: % ids, not found % + % + %; wrong: lists %, similar %, folded in %; loaded %; refreshed %', type, n, stored, made, literal, lists, neighbours, folded, loaded, refreshed;
  perform als.drop_model('m');
  drop view source;
  drop table ids;
end $$;

create type letter as enum ('a', 'b', 'c');
create domain key as oid;
call check_borders('bool', 'false', 'true');
call check_borders('int2', '-32768', '-1', '0', '1', '32767');
call check_borders('int4', '-2147483648', '-1', '0', '1', '65535', '65536', '2147483647');
call check_borders('int8', '-9223372036854775808', '-4294967296', '-2147483649', '-1', '0', '1', '2147483648', '4294967295', '4294967296', '9223372036854775807');
call check_borders('oid', '0', '1', '2147483647', '2147483648', '2147483649', '4294967294', '4294967295');
call check_borders('key', '0', '1', '2147483647', '2147483648', '4294967295');
call check_borders('regproc', '1', '2147483647', '2147483648', '4294967295');
call check_borders('regtype', 'int4', 'letter', '2147483648', '4294967295');
call check_borders('letter', 'a', 'b', 'c');
call check_borders('xid8', '0', '1', '2147483648', '4294967296', '9223372036854775807', '9223372036854775808', '18446744073709551615');
call check_borders('pg_lsn', '0/0', '0/1', '0/80000000', '1/0', '80000000/0', 'FFFFFFFF/FFFFFFFF');
call check_borders('money', '-92233720368547758.08', '-1', '0', '1', '92233720368547758.07');
call check_borders('date', '-infinity', '4714-11-24 BC', '1999-12-31', '2000-01-01', '5874897-12-31', 'infinity');
call check_borders('time', '00:00', '00:00:00.000001', '24:00');
call check_borders('timestamp', '-infinity', '4714-11-24 BC', '1999-12-31', '2000-01-01', '294276-12-31 23:59:59.999999', 'infinity');
call check_borders('timestamptz', '-infinity', '4714-11-25 BC', '1999-12-31', '2000-01-01', '294276-12-31', 'infinity');
call check_borders('float4', '-infinity', '-3.4e38', '-1', '-0', '1e-45', '1', '3.4e38', 'infinity', 'nan');
call check_borders('float8', '-infinity', '-1.7e308', '-1', '-0', '5e-324', '1', '1.7e308', 'infinity', 'nan');

-- "char" casts to text by itself, which leaves the server with two functions to choose from: such ids are given as text.
select n_users, n_items from als.train('m', 'select chr(32 + u)::"char" as user_id, chr(127 - i)::"char" as item_id, 1 + (u + i) % 5 as rating from generate_series(1, 8) as u, generate_series(0, 5) as i', factors => 2);
select count(als.predict('m', chr(32 + u), chr(127 - i))), count(als.predict('m', (chr(32 + u)::"char")::text, chr(127 - i))) from generate_series(1, 8) as u, generate_series(0, 5) as i, generate_series(1, 20);
select als.drop_model('m');

-- An enum's number is an oid, which may be beyond 2^31 in an old cluster.
create type late as enum ('x', 'y', 'z');
update pg_enum set oid = 4294967295 - enumsortorder::int where enumtypid = 'late'::regtype;
call check_borders('late', 'x', 'y', 'z');

-- The longest id that an index takes is served; a longer one is refused as it is read.
\set ECHO none
\i test/sql/try.psql
\set ECHO all
-- Digits that cannot be compressed. An index takes 2696 bytes, four of which say how many there are.
create function noise(bytes int) returns text immutable language sql as
$$ select left(string_agg(md5(n::text), '' order by n), bytes) from generate_series(1, 1 + bytes / 32) as n $$;
create table kept (id text primary key);
select try('insert into kept values (noise(2692))'), left(try('insert into kept values (noise(2693))'), 5);
\pset format unaligned
\pset tuples_only on
create table ratings as select 'u' || u as user_id, 'i' || i as item_id, (u + i) % 5 + 1 as rating from generate_series(1, 4) as u, generate_series(1, 3) as i;
insert into ratings values (noise(2692), 'i1', 3), ('u1', noise(2692), 3), (repeat('long and compressible ', 10000), 'i1', 3);
select n_users, n_items from als.train('m', 'ratings', factors => 2);
select als.predict('m', noise(2692), 'i1') is not null, als.predict('m', 'u1', noise(2692)) is not null, als.predict('m', repeat('long and compressible ', 10000), 'i2') is not null;
insert into ratings values (noise(2693), 'i1', 3);
select try('select als.train(''bad'', ''ratings'')');
select to_regclass('bad');
-- A refresh, an import.
select try('select als.refresh_users(''m'')');
update ratings set user_id = 'u5', item_id = noise(2693) where user_id = noise(2693);
select try('select als.train(''bad'', ''ratings'')');
select try('select als.import_model(''bad'', ''select 1, array[1.0]'', ''select noise(2693), array[1.0]'')');
-- What is only looked at may be of any length; a tuning is a rehearsal for trainings.
select als.predict('m', 'u1', noise(2693)), count(*) from als.evaluate('m', 'select * from ratings') as e where metric = 'rmse';
select try('select als.tune(''ratings'', ''{"factors": [2]}'', ''rmse'', holdout => 0.5) is not null');
-- Characters of several bytes are not cut in two; other types than text.
select try('select als.train(''bad'', ''select repeat(''''ä'''', 30) || noise(9000) as user_id, 1 as item_id'', rating_col => null, feedback => ''implicit'')');
select try('select als.train(''bad'', ''select decode(noise(9000), ''''hex'''') as user_id, 1 as item_id'', rating_col => null, feedback => ''implicit'')');
select try('select als.train(''bad'', ''select string_to_array(noise(9000), ''''0'''') as user_id, 1 as item_id'', rating_col => null, feedback => ''implicit'')');

-- A number beyond the ids' type is the id of none, whichever type it comes in. So is what is no number.
create table numbers as select u as user_id, i as item_id, 1 + (u + i) % 5 as rating from generate_series(1, 4) as u, generate_series(1, 3) as i;
select n_users from als.train('small', 'select user_id::smallint, item_id, rating from numbers', factors => 2, iterations => 1);
select n_users from als.train('whole', 'select user_id, item_id, rating from numbers', factors => 2, iterations => 1);
select n_users from als.train('large', 'select user_id::bigint, item_id, rating from numbers', factors => 2, iterations => 1);
-- The last that is within the type and the first beyond it, at both ends: none is known, and nothing fails.
select m, count(als.predict(m::regclass, id, 1)), count(als.predict(m::regclass, id::text, 1)), count(als.predict(m::regclass, 1, id)), count(als.predict(m::regclass, 1, id::text)), sum((select count(*) from als.recommend(m::regclass, id)))
from (values ('small', '32767'), ('whole', '2147483647'), ('large', '9223372036854775807')) as models (m, most),
  lateral unnest(array[most::numeric, most::numeric + 1, -most::numeric - 1, -most::numeric - 2, 99999999999999999999]) as id
group by 1 order by 1;
select count(als.predict(m, id, 1)) from unnest(array['small', 'whole', 'large']::regclass[]) as m, unnest(array[1e30, -1e30, 9223372036854775808, 'nan', 'infinity', '-infinity']::float8[]) as id;
select count(als.predict('small', id, 1)), count(als.predict('whole', id, 1)) from unnest(array[1e10, 'nan', 'infinity', 2147483648]::float4[]) as id;
select count(als.predict('whole', 'nan'::numeric, 1)), count(als.predict('whole', ' 99999999999 ', 1)), count(als.predict('whole', '2', ' +1 ')), count(als.predict('whole', 1::float8, 1::numeric));
-- A fraction may round to what is beyond the range.
select als.predict('whole', 2147483647.6, 1), als.predict('whole', 2147483647.6::float8, 1), als.predict('small', 32767.5::float4, 1);
select try('select als.predict(''whole'', 2147483646.6, 1)');
select try('select als.predict(''small'', 1.5::float8, 1)');
select als.predict('whole', 99999999999::numeric, 1, 'mean') = als.predict('whole', null::int, 1, 'mean');
select try('select als.predict(''whole'', 99999999999::numeric, 1, ''error'')');
select try('select * from als.recommend(''whole'', ''99999999999'', on_unknown => ''error'')');
select count(*) from als.recommend('whole', 99999999999::numeric, on_unknown => 'popular');
-- The source is asked for its number, which it may have by now, whatever type it comes in.
create table grown as select * from numbers;
select n_users from als.train('narrow', 'grown', factors => 2, iterations => 1);
alter table grown alter column user_id type bigint;
insert into grown values (99999999999, 2, 5);
select array(select item_id from als.recommend('narrow', '99999999999', on_unknown => 'popular') order by 1) as literal,
       array(select item_id from als.recommend('narrow', ' 99999999999'::varchar, on_unknown => 'popular') order by 1) as varchar,
       array(select item_id from als.recommend('narrow', 99999999999, on_unknown => 'popular') order by 1) as bigint,
       array(select item_id from als.recommend('narrow', '99999999999999999999', on_unknown => 'popular') order by 1) as longer;
-- In lists.
select count(*) from als.recommend('whole', 1, 9, false, candidates => array[1, 99999999999::numeric]);
select als.refresh_users('whole', array[99999999999]), als.refresh_users('whole', array[99999999999, 2]);
select als.refresh_users('whole', '{99999999999}'), als.refresh_users('whole', '{99999999999, 2}'::text), als.predict_pairs('whole', '{99999999999, 1}', '{1, 99999999999}');
select count(*) from als.recommend('whole', 1, 9, false, candidates => '{1, 99999999999}', exclude => '{99999999999}');
-- What is no id of the type at all.
select try('select * from als.recommend(''whole'', ''two'')');
select try('select als.predict(''whole'', 1, ''2.0'')');
select try('select als.predict(''whole'', '''', 1)');
select n_users from als.train('keyed', 'select md5(user_id::text)::uuid as user_id, date ''2026-01-01'' + item_id as item_id, rating from numbers', factors => 2, iterations => 1);
select try('select * from als.recommend(''keyed'', ''two'')');
select try('select als.predict(''keyed'', md5(''1''), ''monday'')');
select try('select * from als.recommend(''whole'', 1, candidates => array[''1'', ''two''])');
select try('select * from als.recommend(''whole'', 1, candidates => ''{1, two}'')');
-- Ids that the type asked for does not hold.
select n_users from als.train('wide', 'select user_id, item_id + 99999999999999999999 as item_id, rating from numbers', factors => 2, iterations => 1);
select try('select * from als.recommend(''wide'', 1, exclude_seen => false)');

drop schema id_borders cascade;
