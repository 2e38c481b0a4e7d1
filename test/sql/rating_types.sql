-- Ratings of every type; rows that are skipped, refused or merged.
create schema rating_types;
set search_path = rating_types;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table base as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 as rating
from generate_series(1, 12) as u, generate_series(1, 9) as i where (u * 31 + i * 17) % 3 <> 0;
create domain stars as numeric(3, 1) check (value between 0 and 5);
create domain flag as boolean;

-- The same numbers in any type give the same model, bit for bit.
create table fingerprints (title text, mean float8, loss float8[], factors text);
create procedure fingerprint(title text, rating text) language plpgsql as $$
begin
  insert into fingerprints
  select title, mean, loss
  from als.train('m', format('select user_id, item_id, %s as r from base', rating), rating_col => 'r', factors => 3, iterations => 3);
  update fingerprints as f
  set factors = (select md5(string_agg(factors::text || bias::text, ',' order by item_id)) from m_item_factors) where f.title = fingerprint.title;
  perform als.drop_model('m');
end $$;
call fingerprint('int', 'rating');
call fingerprint('smallint', 'rating::smallint');
call fingerprint('bigint', 'rating::bigint');
call fingerprint('real', 'rating::real');
call fingerprint('float8', 'rating::float8');
call fingerprint('numeric', 'rating::numeric');
call fingerprint('domain', 'rating::stars');
select count(distinct (mean, loss, factors)) as distinct_models, count(*) as n, round(min(mean)::numeric, 6) as mean from fingerprints;
truncate fingerprints;
call fingerprint('boolean', 'rating > 2');
call fingerprint('domain over boolean', '(rating > 2)::flag');
call fingerprint('0 and 1', '(rating > 2)::int');
select count(distinct (mean, loss, factors)) as distinct_models, count(*) as n, round(min(mean)::numeric, 6) as mean from fingerprints;

-- No rating at all: every row counts 1; of that, explicit feedback learns nothing.
select rating_col, mean, n_ratings from als.train('m', 'base', rating_col => null, feedback => 'implicit', factors => 3);
select als.drop_model('m');
\set VERBOSITY default
select rating_col, mean, n_ratings, advice from als.train('m', 'base', rating_col => null, factors => 3);
\set VERBOSITY terse
select als.drop_model('m');

\pset format unaligned
\pset tuples_only on
-- What is no number is refused.
select try($$select als.train('m', 'select user_id, item_id, rating::text as rating from base')$$);
select try($$select als.train('m', 'select user_id, item_id, now() as rating from base')$$);
select try($$select als.train('m', 'select user_id, item_id, array[rating] as rating from base')$$);
select try($$select als.train('m', 'select user_id, item_id, rating::money as rating from base')$$);
select try($$select als.train('m', 'select user_id, item_id, rating * interval ''1 s'' as rating from base')$$);
select try($$select als.train('m', 'select user_id, item_id, base as rating from base')$$);

-- So is what is not finite in single precision, naming the row.
create function with_rating(rating text) returns text language sql as
$$ select try(format($q$select als.train('m', 'select user_id, item_id, rating::float8 from base union all select 77, 99, %s')$q$, rating)) $$;
select with_rating($$''NaN''$$);
select with_rating($$''Infinity''$$);
select with_rating($$''-Infinity''$$);
select with_rating('1e300');
select with_rating('-3.5e38');
select try($$select als.train('m', 'select ''a user'' as user_id, date ''2020-02-29'' as item_id, ''NaN''::numeric as rating')$$);
select try($$select als.train('m', 'select ''a user'' as user_id, 1 as item_id, ''NaN''::real as rating')$$);
-- A numeric that double precision cannot hold is the server's to refuse: the columns are told.
create function without_digits(message text) returns text language sql as $$ select regexp_replace(message, '0{200}0*', '...') $$;
select without_digits(try($$select als.train('m', 'select user_id, item_id, 1e400 as "how much" from base', rating_col => 'how much')$$));
select without_digits(try($$select als.train('m', 'select user_id, item_id, 1e400 as "how much" from base', rating_col => 'how much', distributed => true)$$));
select without_digits(try($$select als.train('m', 'select user_id, item_id, rating, 1e-400 as weight from base', weight_col => 'weight')$$));
select to_regclass('m');
create table numerics as select user_id, item_id, rating::numeric as rating from base;
select n_ratings > 0 as trained from als.train('m', 'numerics', factors => 3, iterations => 2);
insert into numerics values (77, 99, -1e400);
select without_digits(try($$select als.refresh('m')$$));
select without_digits(try($$select als.evaluate('m', 'numerics', exclude_seen => false)$$));
select als.drop_model('m');
-- The extremes of single precision are taken in.
select n_ratings from als.train('m', 'select user_id, item_id, rating::float8 from base union all select 77, 99, 1e-300', factors => 3);
select als.drop_model('m');
select n_ratings from als.train('m', 'select user_id, item_id, rating * 1000000000000000::bigint as rating from base', factors => 3);
select als.drop_model('m');
select try($$select als.train('m', 'values (1, 1, 3e38), (1, 1, 3e38)', 'column1', 'column2', 'column3', feedback => 'implicit')$$);
select try($$select als.train('m', 'select user_id, item_id, 3e38 * rating / 5 as rating from base', factors => 3, regularization => 0)$$) ~ '^no error|^22003 ';
drop table if exists m cascade;

-- A null id or rating skips the row, and is counted.
create table gaps (user_id int, item_id text, rating real);
insert into gaps values (1, 'a', 5), (null, 'a', 1), (1, null, 1), (1, 'b', null), (null, null, null), (2, 'a', 3), (2, 'b', 4);
select n_rows, n_skipped, n_duplicates, n_ratings, n_users, n_items, mean from als.train('m', 'gaps', factors => 2);
select als.drop_model('m');
select n_rows, n_skipped, n_ratings from als.train('m', 'gaps', rating_col => null, feedback => 'implicit', factors => 2);
select als.drop_model('m');
select try($$select als.train('m', 'select * from gaps where user_id is null')$$);
select try($$select als.train('m', 'select * from gaps where false')$$);

-- Duplicates: averaged (explicit) or summed (implicit) unless told otherwise, or refused.
create table twice (user_id int, item_id int, rating float8);
insert into twice values (1, 1, 1), (1, 1, 2), (1, 1, 6), (1, 2, 4), (2, 1, 2), (2, 2, 3), (2, 2, 5);
select on_duplicate, n_rows, n_duplicates, n_ratings, mean from als.train('m', 'twice', factors => 2);
select on_duplicate, n_rows, n_duplicates, n_ratings, mean from als.train('m', 'twice', factors => 2, on_duplicate => 'sum', replace => true);
select on_duplicate, n_rows, n_duplicates, n_ratings, mean from als.train('m', 'twice', factors => 2, feedback => 'implicit', replace => true);
select on_duplicate, n_rows, n_duplicates, n_ratings, mean from als.train('m', 'twice', factors => 2, feedback => 'implicit', on_duplicate => 'average', replace => true);
select on_duplicate, n_rows, n_duplicates, n_ratings, mean from als.train('m', 'select distinct on (user_id, item_id) * from twice order by 1, 2, 3', factors => 2, on_duplicate => 'error', replace => true) ;
select try($$select als.train('m', 'twice', factors => 2, on_duplicate => 'error', replace => true)$$);
select try($$select als.train('m2', 'select ''u'' || user_id as user_id, ''i'' || item_id as item_id, rating from twice', factors => 2, on_duplicate => 'error')$$);
select run, on_duplicate from m order by run;
select to_regclass('m2');
-- A summed table of duplicates gives what its sums give.
select (select loss from als.train('a', 'twice', factors => 2, on_duplicate => 'sum', iterations => 3))
  = (select loss from als.train('b', 'select user_id, item_id, sum(rating) as rating from twice group by 1, 2', factors => 2, iterations => 3));
select als.drop_model('a'), als.drop_model('b'), als.drop_model('m');

-- Implicit: a negative rating is a "no" with weight, a zero the same as no row (but its ids are known).
create table opinions as
select user_id, item_id, case when rating = 0 then -3 else rating end as rating from base;
select n_ratings, loss[5] > 0 as loss, bool_and(loss[i + 1] <= loss[i] * (1 + 1e-5)) as falls
from als.train('m', 'opinions', feedback => 'implicit', factors => 3, iterations => 5, regularization => 0.1) as r, generate_series(1, 4) as i group by 1, 2;
select avg(als.predict('m', user_id, item_id)) filter (where rating > 0) > 0.5 as liked,
  avg(als.predict('m', user_id, item_id)) filter (where rating < 0) < 0.3 as disliked from opinions;
select als.drop_model('m');
select abs((select loss[3] from als.train('a', 'select user_id, item_id, rating from base where rating > 0', feedback => 'implicit', alpha => 10, regularization => 1, factors => 3, iterations => 3))
  / (select loss[3] from als.train('b', 'select user_id, item_id, rating from base', feedback => 'implicit', alpha => 10, regularization => 1, factors => 3, iterations => 3)) - 1) < 1e-4;
select als.drop_model('a'), als.drop_model('b');
select n_ratings, loss[2] < 1e-9 as nothing, n_users from als.train('m', 'select user_id, item_id, 0 as rating from base', feedback => 'implicit', factors => 3, iterations => 2);
select count(*), max(abs(als.predict('m', user_id, item_id))) from base;
select als.drop_model('m');

drop schema rating_types cascade;
