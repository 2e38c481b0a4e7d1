-- The tables that the examples in README.md and docs/ use: films that exist, and 400 viewers who do not. Load it into an
-- empty database with `psql -f test/docs/setup.sql` to follow the tutorial. Every number is drawn by a hash, so that the
-- data are the same everywhere.

create extension als;

create table movies (movie_id int primary key, title text not null, year int not null, genres text not null);
insert into movies values
  (1, 'Metropolis', 1927, 'Drama, Sci-Fi'),
  (2, 'City Lights', 1931, 'Comedy, Romance'),
  (3, 'It Happened One Night', 1934, 'Comedy, Romance'),
  (4, 'The Wizard of Oz', 1939, 'Family, Fantasy'),
  (5, 'Citizen Kane', 1941, 'Drama'),
  (6, 'Casablanca', 1942, 'Drama, Romance'),
  (7, 'The Big Sleep', 1946, 'Crime'),
  (8, 'Rome, Open City', 1945, 'Drama, War'),
  (9, 'The Third Man', 1949, 'Crime, Drama'),
  (10, 'Sunset Boulevard', 1950, 'Drama'),
  (11, 'Singin'' in the Rain', 1952, 'Comedy, Romance'),
  (12, 'Roman Holiday', 1953, 'Comedy, Romance'),
  (13, 'Seven Samurai', 1954, 'Action, Drama'),
  (14, 'Godzilla', 1954, 'Action, Sci-Fi'),
  (15, 'Forbidden Planet', 1956, 'Sci-Fi'),
  (16, 'Paths of Glory', 1957, 'Drama, War'),
  (17, 'Vertigo', 1958, 'Crime, Romance'),
  (18, 'North by Northwest', 1959, 'Action, Crime'),
  (19, 'Some Like It Hot', 1959, 'Comedy, Romance'),
  (20, 'Psycho', 1960, 'Crime, Horror'),
  (21, 'The Apartment', 1960, 'Comedy, Drama, Romance'),
  (22, 'Breathless', 1960, 'Crime, Drama'),
  (23, 'Lawrence of Arabia', 1962, 'Drama, War'),
  (24, 'The Birds', 1963, 'Horror'),
  (25, 'Dr. Strangelove', 1964, 'Comedy, War'),
  (26, 'Mary Poppins', 1964, 'Family, Fantasy'),
  (27, 'Goldfinger', 1964, 'Action, Crime'),
  (28, 'The Battle of Algiers', 1966, 'Drama, War'),
  (29, 'The Graduate', 1967, 'Comedy, Drama, Romance'),
  (30, '2001: A Space Odyssey', 1968, 'Sci-Fi'),
  (31, 'Planet of the Apes', 1968, 'Action, Sci-Fi'),
  (32, 'Rosemary''s Baby', 1968, 'Horror'),
  (33, 'Night of the Living Dead', 1968, 'Horror'),
  (34, 'The Godfather', 1972, 'Crime, Drama'),
  (35, 'Solaris', 1972, 'Drama, Sci-Fi'),
  (36, 'The Exorcist', 1973, 'Horror'),
  (37, 'Chinatown', 1974, 'Crime, Drama'),
  (38, 'Young Frankenstein', 1974, 'Comedy, Horror'),
  (39, 'Jaws', 1975, 'Action, Horror'),
  (40, 'Taxi Driver', 1976, 'Crime, Drama'),
  (41, 'Star Wars', 1977, 'Action, Sci-Fi'),
  (42, 'Annie Hall', 1977, 'Comedy, Romance'),
  (43, 'Halloween', 1978, 'Horror'),
  (44, 'Alien', 1979, 'Horror, Sci-Fi'),
  (45, 'Apocalypse Now', 1979, 'Drama, War'),
  (46, 'Stalker', 1979, 'Drama, Sci-Fi'),
  (47, 'The Shining', 1980, 'Horror'),
  (48, 'Airplane!', 1980, 'Comedy'),
  (49, 'The Empire Strikes Back', 1980, 'Action, Sci-Fi'),
  (50, 'Raiders of the Lost Ark', 1981, 'Action'),
  (51, 'Das Boot', 1981, 'Drama, War'),
  (52, 'Blade Runner', 1982, 'Sci-Fi'),
  (53, 'E.T. the Extra-Terrestrial', 1982, 'Family, Sci-Fi'),
  (54, 'The Thing', 1982, 'Horror, Sci-Fi'),
  (55, 'Local Hero', 1983, 'Comedy, Drama'),
  (56, 'The Terminator', 1984, 'Action, Sci-Fi'),
  (57, 'Back to the Future', 1985, 'Comedy, Sci-Fi'),
  (58, 'Ran', 1985, 'Action, Drama, War'),
  (59, 'Platoon', 1986, 'Drama, War'),
  (60, 'The Princess Bride', 1987, 'Comedy, Family, Fantasy'),
  (61, 'My Neighbor Totoro', 1988, 'Family, Fantasy'),
  (62, 'Die Hard', 1988, 'Action, Crime'),
  (63, 'When Harry Met Sally', 1989, 'Comedy, Romance'),
  (64, 'Goodfellas', 1990, 'Crime, Drama'),
  (65, 'Home Alone', 1990, 'Comedy, Family'),
  (66, 'The Silence of the Lambs', 1991, 'Crime, Horror'),
  (67, 'Terminator 2', 1991, 'Action, Sci-Fi'),
  (68, 'Groundhog Day', 1993, 'Comedy, Romance'),
  (69, 'Jurassic Park', 1993, 'Action, Sci-Fi'),
  (70, 'Schindler''s List', 1993, 'Drama, War'),
  (71, 'The Lion King', 1994, 'Family'),
  (72, 'Pulp Fiction', 1994, 'Crime'),
  (73, 'Toy Story', 1995, 'Comedy, Family'),
  (74, 'Heat', 1995, 'Action, Crime'),
  (75, 'Before Sunrise', 1995, 'Drama, Romance'),
  (76, 'Fargo', 1996, 'Comedy, Crime'),
  (77, 'Princess Mononoke', 1997, 'Action, Fantasy'),
  (78, 'The Big Lebowski', 1998, 'Comedy, Crime'),
  (79, 'The Matrix', 1999, 'Action, Sci-Fi'),
  (80, 'Spirited Away', 2001, 'Family, Fantasy');

create table users as select user_id from generate_series(1, 400) as user_id;
alter table users add primary key (user_id);

-- How much a viewer likes a genre, in [-1.4, 1.4]; how well they like a film; and how likely they are to see it.
create view opinions as
select user_id, movie_id as item_id,
       3.4 + (als.hash_fraction(movie_id, 'quality') - 0.5)
           + avg(2.8 * als.hash_fraction(user_id, genre, 'taste') - 1.4)
           + 0.8 * (als.hash_fraction(user_id, 'mood') - 0.5)
           + 1.4 * (als.hash_fraction(user_id, movie_id, 'noise') - 0.5) as opinion,
       0.08 + 0.3 * als.hash_fraction(user_id, 'leisure') + 0.3 * power(als.hash_fraction(movie_id, 'fame'), 2)
           + 0.5 * avg(2 * als.hash_fraction(user_id, genre, 'taste') - 1) as chance
from users, movies, unnest(string_to_array(genres, ', ')) as genre
group by user_id, movie_id;

create table ratings (
  user_id int references users, item_id int references movies, rating real not null, rated_at timestamptz not null,
  primary key (user_id, item_id)
);
insert into ratings
select user_id, item_id, least(greatest(round(opinion::numeric), 1), 5),
       timestamptz '2026-01-01 12:00+00' + 180 * als.hash_fraction(user_id, item_id, 'time') * interval '1 day'
from opinions
where als.hash_fraction(user_id, item_id, 'seen') < chance
order by user_id, item_id;
create index on ratings (item_id);
drop view opinions;

-- Who liked what: implicit feedback.
create table likes as select user_id, item_id from ratings where rating >= 4 order by user_id, item_id;
create index on likes (user_id, item_id);
create index on likes (item_id);

-- How often somebody has played a song.
create table plays as
select u as user_id, s as item_id, 1 + (20 * power(als.hash_fraction(u, s, 'plays'), 4))::int as plays,
       timestamptz '2026-01-01 12:00+00' + 180 * als.hash_fraction(u, s, 'time') * interval '1 day' as played_at
from generate_series(1, 200) as u, generate_series(1, 100) as s
where als.hash_fraction(u, s, 'played') < case when u % 4 = s % 4 then 0.3 else 0.05 end
order by u, s;

-- A shop, whose ids are texts. The clicks are always of the last two months.
create schema shop;
create table shop.clicks as
select 'v' || lpad(v::text, 3, '0') as visitor, chr(65 + p % 5) || '-' || p as sku,
       now() - 60 * als.hash_fraction(v, p, 'time') * interval '1 day' as clicked_at
from generate_series(1, 300) as v, generate_series(1, 60) as p
where als.hash_fraction(v, p, 'clicked') < case when v % 5 = p % 5 then 0.5 else 0.06 end
order by v, p;
create index on shop.clicks (visitor, sku);

analyze;
