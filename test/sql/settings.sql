-- Settings: when a session knows them, and that what is set before holds.
create schema settings;
set search_path = settings;
create table ratings as
  select u as user_id, i as item_id, (u * i % 5)::real as rating
  from generate_series(1, 20) as u, generate_series(1, 20) as i where (u + i) % 3 > 0;
create index on ratings (user_id);
alter table ratings set (parallel_workers = 2);
select from als.train('model', 'ratings', factors => 4, iterations => 1);

-- A query that only serves defines no more than it must, where that takes the server long.
\c -
set search_path = settings;
select count(*) from als.recommend('model', 1, 3);
select current_setting('als.simd', true) is not null as knows_simd,
  (current_setting('als.threads', true) is null) = (current_setting('server_version_num')::int < 160000) as as_told;
-- What is set then holds for what trains, and is checked from then on.
set als.threads_limit = 1;
set als.max_memory = '1kB';
\set VERBOSITY terse
select from als.train('other', 'ratings', factors => 4, iterations => 1);
show als.threads_limit;
set als.threads = 'many';

-- For what serves, too.
\c -
set search_path = settings;
select als.dot('{1}', '{2}');
set als.cache_size = 0;
select count(*) from als.recommend('model', 1, 3);
select content from als.cache where not shared order by content;
set als.cache_size = 'much';

-- A value that does not fit gives way to the default.
\c -
set search_path = settings;
set als.threads = 'many';
set client_min_messages = error;
select from als.train('other', 'ratings', factors => 4, iterations => 1);
show als.threads;

-- Where workers serve, too: it has been looked at before they start.
\c -
set search_path = settings;
set min_parallel_table_scan_size = 0;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set client_min_messages = error;
set als.cache_size = '64MB';
set als.misspelt = 1;
select count(als.predict('model', user_id, item_id)) from ratings;
show als.cache_size;
\c -
set search_path = settings;
set client_min_messages = error;
select count(*) from als.recommend('model', 1, 3);
set als.cache_size = '64MB';
-- Where the session knows the setting by now, it is refused at once.
do $$ begin set als.threads = 'many'; exception when invalid_parameter_value then null; end $$;
set min_parallel_table_scan_size = 0;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
select count(als.predict('model', user_id, item_id)) from ratings;
show als.cache_size;
explain (costs off) select count(als.predict('model', user_id, item_id)) from ratings;

-- LOAD defines all.
\c -
load 'als';
show als.threads;
show als.cache_size;
set client_min_messages = warning;
drop schema settings cascade;
