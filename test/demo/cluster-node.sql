-- On each server but the first, for test/demo/cluster: tables for its share of the ratings and of the model.
create extension als;
create table ratings (user_id int, item_id int, rating real);
create table movies (movie_id int primary key, title text, year int);
create table taste_users (user_id int primary key, factors real[] not null, bias real, n_ratings int, checksum bigint);
create table taste_items (item_id int primary key, factors real[] not null, bias real, n_ratings int, checksum bigint, popularity real);
create index on ratings (user_id);
