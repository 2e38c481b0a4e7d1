-- Settings: when a session knows them, and that what is set before holds.
create schema settings;
set search_path = settings;
create table ratings as
  select u as user_id, i as item_id, (u * i % 5)::real as rating
  from generate_series(1, 20) as u, generate_series(1, 20) as i where (u + i) % 3 > 0;
create index on ratings (user_id);
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

-- LOAD defines all.
\c -
load 'als';
show als.threads;
show als.cache_size;
set client_min_messages = warning;
drop schema settings cascade;
