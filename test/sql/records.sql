-- Ids that are records. Before 14 the server cannot hash them, and they are refused.
create schema records;
set search_path = records;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create type amount as (number numeric, unit text);
create table ratings as
select row(u, 'kg')::amount as user_id, row(i, 'g')::amount as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 12) as u, generate_series(1, 9) as i where (u * 31 + i * 17) % 3 <> 0;
select n_users, n_items from als.train('m', 'ratings', factors => 3, iterations => 2);
select try($$select als.train('m', 'ratings', factors => 3, iterations => 2, replace => true)$$);
select pg_typeof(item_id), count(*) from als.recommend('m', row(1, 'kg')::amount, 9) group by 1;
-- The same ids in other spellings, as values and as texts.
select bool_and(als.predict('m', user_id, item_id) = als.predict('m', row((user_id).number + 0.00, 'kg')::amount, item_id::text)) from ratings;
select count(*) filter (where i.item_id = row(1.0, 'g')::amount) from als.similar_items('m', row(2.000, 'g')::amount, 8) as i;
select als.refresh_users('m', array[row(3.0, 'kg')::amount]);

-- Text is not read as a record where that runs code of a role that the caller does not trust.
create role als_records_owner;
grant all on schema records to als_records_owner;
set role als_records_owner;
create function is_true() returns boolean language plpgsql as $$ begin return true; end $$;
create domain checked as int check (records.is_true());
create type pair as (a checked);
create table pairs as select row(u)::pair as user_id, i as item_id, 1 + (u * i) % 5 as rating from generate_series(1, 9) as u, generate_series(1, 9) as i;
select n_ratings from als.train('by_pair', 'pairs', factors => 2, iterations => 2);
reset role;
select try($$select als.predict('by_pair', '(1)', 1)$$);
select try($$select als.fold_in_item('by_pair', '{(1)}')$$);

\set ECHO none
set client_min_messages = warning;
drop schema records cascade;
drop role als_records_owner;
