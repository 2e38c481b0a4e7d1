-- On the first server, for test/demo/cluster: the ratings go where they belong, a training over them, and the model to the
-- other servers.
insert into ratings select user_id, item_id, rating from raw;
insert into movies select movie_id, title, year from raw_movies;
insert into two.movies select * from movies;
insert into three.movies select * from movies;
analyze raw;

\echo
\echo '1. Where the ratings are'
\echo '------------------------'
\echo 'The table ratings is partitioned by its users. Two of its partitions are foreign tables:'
\echo
\set ECHO queries
select tableoid::regclass as partition, count(*) as ratings, count(distinct user_id) as users
from ratings group by 1 order by 1;
\set ECHO none

\echo '2. A training'
\echo '-------------'
\echo 'Each server works on its own users, at the same time as the others. What travels are the vectors of'
\echo 'the movies, and sums about them; no rating leaves its server:'
\echo
\timing on
\set ECHO queries
select parts, n_ratings, n_users, n_items, factors, iterations
from als.train('taste', 'ratings', feedback => 'implicit', distributed => true);
\set ECHO none
\timing off
\echo
\echo 'The same on one server, with all ratings in one table. How far apart are they, after each iteration?'
\echo
select n_ratings as "in one place" from als.train('single', 'raw', feedback => 'implicit', solver => 'cg');
\set ECHO queries
select max(abs(a.loss / a.single_loss - 1))::numeric(10, 9) as "losses differ by", count(*) as iterations
from taste, single, unnest(taste.loss, single.loss) as a(loss, single_loss);
\set ECHO none

\echo '3. The model on every server'
\echo '----------------------------'
\echo 'The movies go to all of them, each user to where the ratings are, as a partitioned table sends them:'
\echo
\set ECHO queries
create table taste_users (like taste_user_factors) partition by hash (user_id);
create table taste_users_one partition of taste_users for values with (modulus 3, remainder 0);
create foreign table two.taste_users partition of taste_users for values with (modulus 3, remainder 1)
server two options (schema_name 'public');
create foreign table three.taste_users partition of taste_users for values with (modulus 3, remainder 2)
server three options (schema_name 'public');

insert into taste_users select * from taste_user_factors;
insert into two.taste_items select * from taste_item_factors;
insert into three.taste_items select * from taste_item_factors;
\set ECHO none
