-- What test/tools/test-package runs where nothing but the package is installed.
create extension als;
create table ratings as
select u as user_id, i as item_id, 1 + (u * i) % 5 as rating
from generate_series(1, 50) as u, generate_series(1, 40) as i where (u + i) % 3 > 0;
select n_users, n_items from als.train('taste', 'ratings');
select 1 / (count(*) = 5)::int as five from als.recommend('taste', 7, 5);
