-- Every answer is that of the snapshot that asks: changes by hand, rollbacks, retraining.
create schema mvcc;
set search_path = mvcc;
set client_min_messages = warning;
set als.threads = 1;

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
select run from als.train('m', 'ratings', factors => 3, iterations => 3);

-- What the model says, in one line: all predictions and all lists. It asks often enough for the
-- factors to be kept in memory.
create function answers() returns text language sql as
$$ select md5((select string_agg(als.predict('m', u, i)::text, ',' order by u, i) from generate_series(1, 20) as u, generate_series(1, 12) as i)
    || (select string_agg(r::text, ',' order by u, r.rank) from generate_series(1, 20) as u, als.recommend('m', u, 20) as r)
    || (select string_agg(s::text, ',' order by i, s.rank) from generate_series(1, 12) as i, als.similar_items('m', i, 20) as s)) $$;
select answers() \gset old_
create function same_as(text) returns text language sql as $$ select case when answers() = $1 then 'as before' else 'changed' end $$;
select same_as(:'old_answers');

-- update, insert, delete, truncate, copy and merge-like upserts are seen by the next statement.
create table versions (version uuid);
insert into versions select version from m;
begin;
update m_item_factors set bias = bias + 1 where item_id = 3;
insert into versions select version from m;
select same_as(:'old_answers');
update m_item_factors set bias = bias - 1 where item_id = 3;
insert into versions select version from m;
rollback;
select same_as(:'old_answers');

begin;
update m_item_factors set bias = 100 where item_id = 3;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
select als.predict('m', 1, 3) > 90 as predict;
update m_item_factors set bias = 200 where item_id = 5;
select item_id from als.recommend('m', 1, 2, exclude_seen => false);
delete from m_item_factors where item_id = 5;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
select als.predict('m', 1, 5);
insert into m_item_factors values (4711, '{0,0,0}', 300, 1);
select item_id from als.recommend('m', 1, 2, exclude_seen => false);
insert into m_item_factors as f values (4711, '{0,0,0}', -300, 1) on conflict (item_id) do update set bias = excluded.bias;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
copy m_item_factors (item_id, factors, bias, n_ratings) from stdin;
4712	{0,0,0}	400	1
\.
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
truncate m_item_factors;
select count(*) from als.recommend('m', 1, 1, exclude_seen => false);
select als.predict('m', 1, 3) is null as predict;
rollback;
select same_as(:'old_answers');
-- The same for users.
begin;
update m_user_factors set bias = bias + 50 where user_id = 2;
select als.predict('m', 2, 2) > 40 as predict, (select min(score) from als.recommend('m', 2)) > 40 as recommend;
delete from m_user_factors where user_id = 2;
select als.predict('m', 2, 2) is null as predict, (select count(*) from als.recommend('m', 2)) as recommend;
truncate m_user_factors;
select count(als.predict('m', u, 2)) from generate_series(1, 20) as u;
rollback;
select same_as(:'old_answers');
-- Through a view, through a function, by a statement that asks the model while it changes it.
begin;
create view biases as select item_id, bias from m_item_factors;
update biases set bias = 100 where item_id = 4;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
with changed as (update m_item_factors set bias = 500 where item_id = 5 returning item_id)
select (select item_id from als.recommend('m', 1, 1, exclude_seen => false)) as "not seen yet", item_id from changed;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
update m_item_factors set bias = als.predict('m', 1, item_id);
select round((als.predict('m', 1, 5) - bias)::numeric, 3) <> 0 as predict from m_item_factors where item_id = 5;
rollback;
select same_as(:'old_answers');

-- Savepoints.
begin;
update m_item_factors set bias = 100 where item_id = 3;
select answers() \gset first_
savepoint a;
update m_item_factors set bias = 200 where item_id = 4;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
savepoint b;
update m_item_factors set bias = 300 where item_id = 5;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
rollback to b;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
update m_item_factors set bias = 300 where item_id = 6;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
release b;
rollback to a;
select same_as(:'first_answers') as "first savepoint";
rollback;
select same_as(:'old_answers');
-- In a block with an exception handler.
do $$
declare
  before text := mvcc.answers(); during text;
begin
  begin
    update m_item_factors set bias = 100;
    during := mvcc.answers();
    raise division_by_zero;
  exception when division_by_zero then null;
  end;
  raise info 'during: %, after: %', during = before, mvcc.answers() = before;
end $$;

-- A function that changes the factors sees it at once, the statement that calls it does not.
create function bump() returns real language plpgsql as $$
begin
  update m_item_factors set bias = bias + 10 where item_id = 3;
  return als.predict('m', 1, 3);
end $$;
begin;
select round((b - a)::numeric, 3) as first, round((d - b)::numeric, 3) as second, a = c and c = e as "statement's own"
from (select als.predict('m', 1, 3) as a, bump() as b, als.predict('m', 1, 3) as c, bump() as d, als.predict('m', 1, 3) as e) as t;
rollback;

-- Retraining.
begin;
select run from als.train('m', 'ratings', factors => 5, iterations => 3, replace => true);
select same_as(:'old_answers');
select answers() \gset new_
savepoint s;
select run from als.train('m', 'ratings', factors => 2, iterations => 3, feedback => 'implicit', replace => true);
select same_as(:'new_answers');
rollback to s;
select same_as(:'new_answers') as new;
rollback;
select same_as(:'old_answers');
select max(run) from m;
select run from als.train('m', 'ratings', factors => 5, iterations => 3, replace => true);
select same_as(:'new_answers') as new;
-- A training within a statement is not seen by that statement's own snapshot, but by the next.
select count(*) as rows, count(distinct predicted) as answers from (
  select case when n = 5 then (als.train('m', 'ratings', factors => 3, iterations => 3, replace => true)).run end,
    als.predict('m', 1, 3) as predicted from generate_series(1, 10) as n) as t;
select same_as(:'old_answers');

-- Dropping and making anew, with the change rolled back or not.
begin;
select als.drop_model('m');
select run from als.train('m', 'ratings', factors => 4, iterations => 2);
select same_as(:'old_answers');
rollback;
select same_as(:'old_answers');

-- In repeatable read, one's own changes are seen as well.
begin isolation level repeatable read;
select same_as(:'old_answers');
update m_item_factors set bias = 100 where item_id = 3;
select item_id from als.recommend('m', 1, 1, exclude_seen => false);
insert into ratings values (1, 3, 5);
select item_id = 3 as "seen since" from als.recommend('m', 1, 1);
select run from als.train('m', 'ratings', factors => 5, iterations => 3, replace => true);
select same_as(:'old_answers');
rollback;
select same_as(:'old_answers');
begin isolation level serializable;
select same_as(:'old_answers');
select run from als.train('m', 'ratings', factors => 5, iterations => 3, replace => true);
commit;
select same_as(:'new_answers') as new;

-- Every change of the factors makes a new version, even one that changes nothing; rolled-back ones are never used again.
update m_item_factors set bias = bias where false;
insert into versions select version from m where run = (select max(run) from m);
update m_user_factors set bias = bias where user_id = 1;
insert into versions select version from m where run = (select max(run) from m);
begin;
update m_user_factors set bias = bias where user_id = 1;
select same_as(:'new_answers') as new;
rollback;
update m_user_factors set bias = bias where user_id = 1;
insert into versions select version from m where run = (select max(run) from m);
select count(*), count(distinct version) from versions;
-- A change to another model is none to this one.
select run from als.train('other', 'ratings', factors => 3);
insert into versions select version from m where run = (select max(run) from m);
select als.drop_model('other');
select count(*) - count(distinct version) as same from versions;

-- A cursor keeps to its snapshot.
begin;
declare c cursor for select u, (select item_id from als.recommend('m', u, 1, exclude_seen => false)) from generate_series(1, 3) as u;
update m_item_factors set bias = 1000 where item_id = 9;
select count(*) from generate_series(1, 3) as u, als.recommend('m', u, 1, exclude_seen => false) where item_id = 9;
do $$
declare
  c refcursor := 'c'; r record; n int := 0;
begin
  for i in 1 .. 3 loop
    fetch c into r;
    n := n + (r.item_id = 9)::int;
  end loop;
  raise info 'the cursor sees the update % times', n;
end $$;
rollback;

drop schema mvcc cascade;
