-- What als does, on the tables ratings and movies of MovieLens; run by test/demo/run.

\echo
\echo 'als: collaborative filtering inside PostgreSQL'
\echo '=============================================='
create extension als;

select count(*) as ratings, count(distinct user_id) as users, count(distinct item_id) as movies,
       round(avg(rating)::numeric, 2) as "mean rating"
from ratings;

-- One rating in ten is kept from the models, to test them with. A hash decides, so that every run
-- splits alike.
create table train as
select * from ratings where hashint8(user_id::bigint << 32 | item_id) % 10 <> 0;
create table held_out as select * from ratings except all select * from train;
create table likes as select user_id, item_id from train where rating >= 4;
create index on train (user_id);
create index on likes (user_id, item_id);
analyze;

\echo '1. How many stars will they give?'
\echo '---------------------------------'
\echo 'A model of the ratings is one call. One rating in ten is kept aside, to test with.'
\echo
\timing on
\set ECHO queries
select n_ratings, n_users, n_items, factors, iterations
from als.train('stars', 'train');
\set ECHO none
\timing off
\echo
\echo 'Its predictions for the ratings kept aside, in stars (RMSE and MAE: less is better), against the'
\echo 'mean rating of each movie:'
\echo
\timing on
\set ECHO queries
select metric, round(value::numeric, 3) as als, round(baseline::numeric, 3) as "movie's mean", n
from als.evaluate('stars', 'held_out', k => '{}') where metric <> 'coverage';
\set ECHO none
\timing off
\echo
\echo '2. What will they like?'
\echo '-----------------------'
\echo 'Often all that is known is who liked what. Here: four stars or more. What they have seen and did'
\echo 'not like is not recommended to them either.'
\echo
\timing on
\set ECHO queries
select n_ratings, n_users, n_items, factors, iterations
from als.train('taste', 'likes', rating_col => null, feedback => 'implicit', seen => 'train');
\set ECHO none
\timing off
\echo
\echo 'Ten recommendations for every user, against the ten most popular movies that are new to them.'
\echo 'Recall: the share of what they liked among the ratings kept aside, out of at most ten:'
\echo
\timing on
\set ECHO queries
select metric, round(value::numeric, 3) as als, round(baseline::numeric, 3) as popular, n as users
from als.evaluate('taste', 'select user_id, item_id from held_out where rating >= 4')
where metric in ('recall', 'ndcg', 'hit_rate', 'auc');
\set ECHO none
\timing off
\echo

-- A user with a taste to look at: enough likes to show, not so many as to like everything.
select user_id as someone from likes
group by user_id order by abs(count(*) - 40), user_id limit 1 \gset
\echo '3. One user'
\echo '-----------'
\echo Some of what user :someone liked:
\echo
select m.title, m.year, m.genres
from train t join movies m on m.movie_id = t.item_id
where t.user_id = :someone
order by t.rating desc, hashint4(t.item_id) limit 10;

\echo 'and what the model recommends:'
\echo
\timing on
\set ECHO queries
select r.rank, m.title, m.year, m.genres
from als.recommend('taste', :someone, 10) r join movies m on m.movie_id = r.item_id
order by r.rank;
\set ECHO none
\timing off
\echo
select item_id as first from als.recommend('taste', :someone, 1) \gset
\echo 'Why the first of them? What each of the likes has added to its score:'
\echo
\timing on
\set ECHO queries
select coalesce(m.title, 'all others') as because, round(e.contribution::numeric, 3) as contribution,
       round(100 * e.share) || ' %' as share
from als.explain('taste', :someone, :first, 5) e left join movies m on m.movie_id = e.item_id
order by m.title is null, e.contribution desc;
\set ECHO none
\timing off
\echo
\echo 'Only comedies from before 1970, please; any query names the candidates:'
\echo
\timing on
\set ECHO queries
select r.rank, m.title, m.year, m.genres
from als.recommend('taste', :someone, 5, candidates => array(
       select movie_id from movies where year < 1970 and genres like '%Comedy%')) r
     join movies m on m.movie_id = r.item_id
order by r.rank;
\set ECHO none
\timing off
\echo

select item_id as star_wars from likes join movies on movie_id = item_id
where title like 'Star Wars%' group by item_id order by count(*) desc limit 1 \gset
select item_id as toy_story from likes join movies on movie_id = item_id
where title like 'Toy Story%' group by item_id order by count(*) desc limit 1 \gset
\echo '4. More like this'
\echo '-----------------'
\timing on
\set ECHO queries
select rank, a.title as "like Star Wars", b.title as "like Toy Story"
from als.similar_items('taste', :star_wars, 7) s
join als.similar_items('taste', :toy_story, 7) t using (rank)
join movies a on a.movie_id = s.item_id
join movies b on b.movie_id = t.item_id
order by rank;
\set ECHO none
\timing off
\echo
\echo '5. A moment later'
\echo '-----------------'
\echo 'The table notes who likes something new. No writer waits for a refresh, nor for a training:'
\echo
\set ECHO queries
select als.track('taste');
\set ECHO none
select items, users from als.refresh('taste') \gset
\timing on
\set ECHO queries
insert into likes select :someone, item_id
from als.similar_items('taste', :star_wars, 5, exclude => array(select item_id from likes where user_id = :someone));
select items, users from als.refresh('taste');
\set ECHO none
\timing off
\echo 'Five likes of movies that are like Star Wars have moved the list:'
\echo
\set ECHO queries
select r.rank, m.title, m.year, m.genres
from als.recommend('taste', :someone, 5) r join movies m on m.movie_id = r.item_id
order by r.rank;
\set ECHO none
\echo
\echo '6. The next night'
\echo '-----------------'
\echo 'More likes have come in. The model is trained again as it was, from where it is; readers go on.'
insert into likes select user_id, item_id from held_out where rating >= 4;
\echo
\timing on
\set ECHO queries
select run, warm_start, factors, iterations, n_ratings from als.retrain('taste', iterations => 3);
\set ECHO none
\timing off
\echo
\echo '7. A movie is released today'
\echo '----------------------------'
\echo 'Nobody has rated it. Its genres and its year say who will like it:'
\echo
create view movie_features as
select movie_id, string_to_array(genres, ', ') as genres, year from movies;
\timing on
\set ECHO queries
select n_items, n_new_items
from als.train('knowing', 'likes', rating_col => null, feedback => 'implicit', item_features => 'movie_features');
insert into movies values (9999, 'Terminal Orbit', 1998, 'Action, Sci-Fi, Thriller');
select als.refresh_items('knowing', array[9999]);
\set ECHO none
\echo
\echo 'The share of its genres in what they have liked, of the 50 users who should hear of it first, and of all:'
\echo
\set ECHO queries
select genre, round(avg(share) filter (where hears), 2) as "these 50", round(avg(share), 2) as "all users"
from (select user_id, user_id in (select user_id from als.recommend_users('knowing', 9999, 50)) as hears, genre,
             avg((genres like '%' || genre || '%')::int) as share
      from likes join movies on movie_id = item_id, unnest(array['Action', 'Sci-Fi', 'Thriller', 'Romance']) as genre
      group by user_id, genre) x
group by genre order by genre;
\set ECHO none
\timing off
\echo
\echo '8. A model is ordinary tables'
\echo '-----------------------------'
\echo 'You own them, grant them, dump them. A view lists the models:'
\echo
\set ECHO queries
select model, feedback, factors, user_factors, item_factors, n_ratings,
       round(train_seconds::numeric, 2) as seconds
from als.models order by model::text;
\set ECHO none
\echo 'This server goes away now. On your own: make install, then create extension als.'
