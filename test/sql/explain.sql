-- als.explain: what a score is made of.
create schema explain;
set search_path = explain;
set client_min_messages = warning;
set als.threads = 1;
set jit = off;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (((u * 7 + i * 13) % 9 + 1) / 2.0)::real as rating
from generate_series(1, 40) as u, generate_series(1, 30) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 5;
-- With duplicates, negatives and zeros.
create table messy as
select user_id, item_id, case when item_id % 7 = 0 then -rating when user_id % 11 = 0 then 0 else rating end as rating from ratings
union all select user_id, item_id, rating + 1 from ratings where (user_id + item_id) % 10 = 0;

-- Every pair: the parts add up to the score, whatever k is, and the shares to one.
create function check_sums(title text, source text, options text)
returns table (model text, pairs bigint, "add up" bool, "shares too" bool, "with k => 3" bool, "each rating once" bool) language plpgsql as $$
begin
  execute format('select from als.train(''trained'', %L, %s)', source, options);
  return query execute format($q$
  with pairs as (
    select u.user_id, i.item_id, als.predict('trained', u.user_id, i.item_id) as score from trained_user_factors as u, trained_item_factors as i where (u.user_id * 7 + i.item_id) %% 29 = 0
  ), parts as (
    select score, (select count(distinct r.item_id) from %s as r where r.user_id = p.user_id) as n, whole.*, short
    from pairs as p,
      lateral (select sum(contribution) as sum, sum(share) as share, sum(abs(contribution)) as size, count(*) filter (where component = 'rating') as n_parts, count(distinct e.item_id) as n_items
               from als.explain('trained', p.user_id, p.item_id, 1000) as e) as whole,
      lateral (select sum(contribution) as short from als.explain('trained', p.user_id, p.item_id, 3)) as cut
  )
  select %L, count(*), bool_and(abs(sum - score) <= 1e-4 * greatest(abs(score), 0.01 * size)), bool_and(abs(share - 1) < 1e-6 or abs(sum) < 1e-9), bool_and(abs(short - sum) <= 1e-6 * size + 1e-12),
    bool_and(n_parts = n and n_items = n)
  from parts$q$, source, title);
  perform als.drop_model('trained');
end $$;
select c.* from (values
  ('explicit', 'ratings', 'factors => 5, iterations => 3'),
  ('explicit, no biases', 'ratings', 'factors => 17, iterations => 3, biases => false'),
  ('explicit, plain ridge', 'ratings', 'factors => 5, iterations => 3, reg_exponent => 0, regularization => 1'),
  ('explicit, nonnegative', 'ratings', 'factors => 5, iterations => 3, nonnegative => true'),
  ('explicit, nonnegative, no biases', 'ratings', 'factors => 5, iterations => 3, nonnegative => true, biases => false'),
  ('explicit, averages', 'messy', 'factors => 3, iterations => 3, regularization => 0.05'),
  ('explicit, sums', 'messy', 'factors => 3, iterations => 3, on_duplicate => ''sum'''),
  ('implicit', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 3'),
  ('implicit, root', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 3, reg_exponent => 0.5, regularization => 0.5, alpha => 2'),
  ('implicit, nonnegative', 'ratings', 'feedback => ''implicit'', factors => 5, iterations => 3, nonnegative => true'),
  ('implicit, negatives', 'messy', 'feedback => ''implicit'', factors => 3, iterations => 3'),
  ('implicit, no ratings', 'ratings', 'feedback => ''implicit'', factors => 3, iterations => 3, rating_col => null')
) as t (title, source, options), check_sums(title, source, options) as c;

-- One factor and one rating, by hand: x = y r / (y^2 + lambda), and the rating is the whole of the score.
create table one (user_id int, item_id int, rating float8);
insert into one values (1, 1, 4), (2, 1, 3), (2, 2, 1);
select from als.train('single', 'one', factors => 1, biases => false, iterations => 2, regularization => 0.1);
select component, e.item_id, rating, abs(contribution - y1.factors[1] * 4 / (y1.factors[1]::float8 ^ 2 + 0.1) * y2.factors[1]) < 1e-5 as right, share
from als.explain('single', 1, 2) as e, single_item_factors as y1, single_item_factors as y2 where y1.item_id = 1 and y2.item_id = 2;

-- The parts, the most important ratings first.
select from als.train('m', 'ratings', factors => 5, iterations => 3);
select component, item_id is not null as item, rating is not null as rating from als.explain('m', 3, 7, 4);
select component from als.explain('m', 3, 7, 0);
select bool_and(abs(contribution) <= before) from (select contribution, lag(abs(contribution)) over () as before from als.explain('m', 3, 7, 100) where component = 'rating') as t;
select component, contribution = mean as mean, contribution = u.bias as "user", contribution = i.bias as item
from als.explain('m', 3, 7, 0), m, m_user_factors as u, m_item_factors as i where u.user_id = 3 and i.item_id = 7 order by component;

-- What the user has now counts: a rating that has come since the training, also of a user who has.
begin;
update ratings set rating = rating + 2 where user_id = 3;
insert into ratings values (100, 3, 5), (100, 4711, 1);
select abs((select sum(contribution) from als.explain('m', 3, 7)) - als.predict('m', 3, 7)) > 0.01 as differs;
select component, item_id, rating from als.explain('m', 100, 7);
select als.refresh_users('m', array[3, 100]);
select abs((select sum(contribution) from als.explain('m', u, 7)) - als.predict('m', u, 7)) < 1e-5 as same from unnest(array[3, 100]) as u;
rollback;
-- Nothing to explain.
select count(*) from als.explain('m', 4711, 7);
select count(*) from als.explain('m', 3, 4711);
select count(*) from als.explain(null, 3, 7);
select count(*) from als.explain('m', null, 7);

-- Ids of any types.
select pg_typeof(item_id), count(*) from als.explain('m', 3, 7) group by 1 order by 1;
select pg_typeof(item_id), count(*) from als.explain('m', 3::bigint, 7::bigint) group by 1;
select pg_typeof(item_id), count(*) from als.explain('m', '3', '7') group by 1;
select pg_typeof(item_id), count(*) from als.explain('m', '3'::text, 7) group by 1;
select pg_typeof(item_id), count(*) from als.explain('m', 3, '7') group by 1;
prepare untyped as select count(*) from als.explain('m', $1, $2);
execute untyped ('3', '7');
select from als.train('mixed', 'select md5(user_id::text)::uuid as user_id, ''item '' || item_id as item_id, rating from ratings', factors => 3, iterations => 2, feedback => 'implicit');
select item_id ~ '^item \d+$' as named, count(*) from als.explain('mixed', md5('3')::uuid, 'item 7') where component = 'rating' group by 1;
select count(*) from als.explain('mixed', md5('3'), 'item 7');

select try('select als.explain(''m'', 3, 7, -1)');
select try('select als.explain(''m'', 3, 7, null)');
select try('select als.explain(''m'', ''x'', ''7'')');
select try('select als.explain(''m'', 3, now())');
select try('select als.explain(''ratings'', 3, 7)');
-- Duplicates that training would refuse; a source that has changed, or gone.
select from als.train('strict', 'ratings', factors => 3, iterations => 2, on_duplicate => 'error');
begin;
insert into ratings values (3, 7, 1), (3, 7, 2);
select try('select als.explain(''strict'', 3, 7)');
rollback;
begin;
insert into ratings values (3, 100, 'infinity');
select try('select als.explain(''m'', 3, 7)');
rollback;
begin;
alter table ratings alter user_id type numeric;
select try('select als.explain(''m'', 3, 7)');
rollback;
begin;
alter table ratings rename rating to stars;
select try('select als.explain(''m'', 3, 7)');
drop table ratings;
select try('select als.explain(''m'', 3, 7)');
rollback;

-- As the caller.
create role explain_reader;
grant usage on schema explain to explain_reader;
grant select on m, m_item_factors to explain_reader;
set role explain_reader;
select try('select als.explain(''m'', 3, 7)');
reset role;
grant select on ratings to explain_reader;
set role explain_reader;
select count(*) from als.explain('m', 3, 7);
reset role;
create policy low on ratings for select to explain_reader using (item_id <= 15);
alter table ratings enable row level security;
set role explain_reader;
select max(item_id) <= 15 as "what he sees" from als.explain('m', 3, 7, 100);
reset role;

drop schema explain cascade;
drop owned by explain_reader;
drop role explain_reader;
