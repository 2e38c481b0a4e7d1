-- On the first server, for test/demo/cluster: the others, and tables that are spread over them.
create extension als;
create extension dblink;
create extension postgres_fdw;
select format($$create server %I foreign data wrapper postgres_fdw
                options (host %L, dbname 'postgres', connect_timeout '5', batch_size '1000');
                create user mapping for public server %1$I options (user 'postgres');
                create schema %1$I;
                import foreign schema public limit to (movies, taste_items) from server %1$I into %1$I$$,
              name, :'hub' || '/' || name)
from unnest('{two,three}'::text[]) as name \gexec

create table ratings (user_id int, item_id int, rating real) partition by hash (user_id);
create table ratings_one partition of ratings for values with (modulus 3, remainder 0);
create foreign table two.ratings partition of ratings for values with (modulus 3, remainder 1) server two options (schema_name 'public');
create foreign table three.ratings partition of ratings for values with (modulus 3, remainder 2) server three options (schema_name 'public');
create index on ratings_one (user_id);

create table movies (movie_id int primary key, title text, year int);
create table raw (user_id int, item_id int, rating real, seconds float8);
create table raw_movies (like movies, genres text);
