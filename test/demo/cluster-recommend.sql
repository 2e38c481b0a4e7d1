-- On each server, for test/demo/cluster: what the model recommends. On others than the first it is made of what has come.
\echo
\echo 'On server' :name
\echo '----------------'
\if :attach
\set ECHO queries
select n_users, n_items
from als.attach_model('taste', 'taste_users', 'taste_items', source => 'ratings', feedback => 'implicit');
\set ECHO none
\endif
-- A user with a taste to look at: enough ratings to show, not so many as to have seen everything.
select user_id as someone from :table group by user_id order by abs(count(*) - 40), user_id limit 1 \gset
\echo Some of what user :someone likes:
\echo
select m.title, m.year, r.rating as stars
from :table r join movies m on m.movie_id = r.item_id
where r.user_id = :someone order by r.rating desc, hashint4(r.item_id) limit 5;
\echo 'and what is recommended, from the model and the ratings that are on this server:'
\echo
\timing on
\set ECHO queries
select r.rank, m.title, m.year, round(r.score::numeric, 2) as score
from als.recommend('taste', :someone, 5) r join movies m on m.movie_id = r.item_id
order by r.rank;
\set ECHO none
\timing off
