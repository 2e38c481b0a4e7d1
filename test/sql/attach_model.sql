-- als.attach_model: tables of factors that are there become those of a model, without a copy.
create schema attach_model;
set search_path = attach_model;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all
\pset format unaligned
\pset tuples_only on

create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 5) % 5)::real as rating
from generate_series(1, 40) u, generate_series(1, 30) i where (u * 31 + i * 17) % 3 = 0;
create index on ratings (user_id);
select run from als.train('mine', 'ratings', factors => 4, iterations => 3);
select run from als.train('likes', 'select * from attach_model.ratings where rating >= 3', rating_col => null, feedback => 'implicit', factors => 4, alpha => 5, regularization => 2);

-- As Spark writes them.
create table u as select user_id as id, factors as features from likes_user_factors;
create table i as select item_id as id, factors as features from likes_item_factors;
select try($$select als.attach_model('taste', 'u', 'i')$$);
alter table u rename id to user_id;
alter table i rename id to item_id;
select try($$select als.attach_model('taste', 'u', 'i')$$);
alter table u rename features to factors;
alter table i rename features to factors;
select try($$select als.attach_model('taste', 'u', 'i')$$);
alter table u add bias real;
select try($$select als.attach_model('taste', 'u', 'i')$$);
alter table u add n_ratings bigint;
select try($$select als.attach_model('taste', 'u', 'i')$$);
alter table u alter n_ratings type int;
alter table i add bias real, add n_ratings int;
select try($$select als.attach_model('taste', 'u', 'i')$$);
alter table u add primary key (user_id);
alter table i add primary key (item_id);
select feedback, factors, regularization, reg_exponent, alpha, biases, n_rows, n_users, n_items, iterations, loss, source, rating_col, user_factors, item_factors, options
from als.attach_model('taste', 'u', 'i', regularization => 2, reg_exponent => 0.5, alpha => 5, source => 'select * from attach_model.ratings where rating >= 3', rating_col => null);

-- What has been seen is kept as by als.import_model, and checked.
begin;
select als.drop_model('taste');
select source, seen, user_col from als.attach_model('taste', 'u', 'i', seen => 'select user_id as who, item_id as what from attach_model.ratings', user_col => 'who', item_col => 'what');
select count(*) as seen_before from als.recommend('taste', 1, 30) r join ratings s on s.user_id = 1 and s.item_id = r.item_id;
select als.drop_model('taste');
select try($$select als.attach_model('taste', 'u', 'i', seen => 'select user_id as who, item_id from attach_model.ratings')$$);
rollback;

-- It serves, folds in and is evaluated like the model that the factors are of.
select count(*), count(*) filter (where als.predict('likes', u, i) is not distinct from als.predict('taste', u, i)) as equal from generate_series(1, 41) u, generate_series(1, 31) i;
select count(*) as differing from generate_series(1, 40) u, lateral (
  (select * from als.recommend('likes', u) except select * from als.recommend('taste', u)) union all
  (select * from als.recommend_for('likes', array[u % 30, 3]) except select * from als.recommend_for('taste', array[u % 30, 3])) union all
  (select * from als.similar_items('likes', u) except select * from als.similar_items('taste', u)) union all
  (select * from als.similar_users('likes', u) except select * from als.similar_users('taste', u))) as d;
select a.value = b.value from als.evaluate('likes', 'ratings', exclude_seen => false) a join als.evaluate('taste', 'ratings', exclude_seen => false) b using (metric, k) where metric = 'ndcg';
select als.recommend_all('taste', 'lists', 3);
select model, (user_factors, item_factors)::text, problem from als.models where model::text = 'taste';

-- Nothing was copied or moved; changes give a new version, by hand and by a refresh.
select tgrelid::regclass, tgname, tgenabled from pg_trigger where tgrelid in ('u'::regclass, 'i'::regclass) order by 1;
create function changed() returns text language plpgsql as $$
declare
  before taste; after taste;
begin
  select * into before from seen_versions order by run desc limit 1;
  select * into after from taste order by run desc limit 1;
  delete from seen_versions;
  insert into seen_versions select * from taste;
  return format('users %s, items %s', before.user_version <> after.user_version, before.item_version <> after.item_version);
end $$;
create table seen_versions as select * from taste;
update i set factors = '{0,0,0,0}' where item_id = 3;
select changed(), als.predict('taste', 1, 3);
insert into ratings values (41, 1, 5), (41, 4, 5);
select als.refresh_users('taste', array[41]), changed();
select count(*) from u where user_id = 41;
select count(*) from als.recommend('taste', 41, 3);

-- als.touch: what no trigger has seen.
select changed();
alter table i disable trigger als_attached;
update i set factors = '{1,1,1,1}' where item_id = 3;
delete from i where item_id = 30;
select changed();
select als.touch('taste'), changed();
select n_users = (select count(*) from u), n_items = (select count(*) from i) from taste;
alter table i enable always trigger als_attached;
select als.predict('taste', 1, 3) <> 0;
select als.touch(null);
select try($$select als.touch('ratings')$$);
create table empty of als.model (run primary key);
select try($$select als.touch('empty')$$);
insert into empty (run) values (1);
select try($$select als.touch('empty')$$);
begin read only;
select try($$select als.touch('taste')$$);
commit;
create role attach_reader;
grant usage on schema attach_model to attach_reader;
grant select on taste, u, i to attach_reader;
set role attach_reader;
select try($$select als.touch('taste')$$);
reset role;
grant update on taste to attach_reader;
set role attach_reader;
select als.touch('taste');
reset role;
alter table taste enable row level security;
create policy reads on taste for select using (true);
set role attach_reader;
select try($$select als.touch('taste')$$);
reset role;
alter table taste disable row level security;
-- Whoever may change the row could name a view, whose functions would run as the caller.
begin;
create function told() returns boolean language plpgsql as $$ begin raise 'told'; end $$;
create view told as select * from u where told();
update taste set user_table = 'attach_model.told';
select try($$select als.touch('taste')$$);
rollback;

-- Training may not empty them, and no refresh changes a column.
select try($$select als.train('taste', 'ratings', replace => true)$$);
select try($$select als.import_model('taste', 'select user_id, factors from u', 'select item_id, factors from i', replace => true)$$);
select try($$select als.retrain('taste')$$);
select try($$select als.rollback_model('taste')$$);
select count(*) from u;
alter table ratings alter user_id type bigint;
select try($$select als.refresh_users('taste', array[41])$$);
alter table ratings alter user_id type int;

-- The model goes, the tables stay, and may be changed.
select als.drop_model('taste');
select count(*) from u;
select count(*) from pg_trigger where tgrelid in ('u'::regclass, 'i'::regclass);
insert into u values (42, '{1,2,3,4}');
select factors from als.attach_model('taste', 'u', 'i');
drop table taste;
select count(*) from pg_trigger where tgrelid in ('u'::regclass, 'i'::regclass);
delete from u where user_id = 42;

-- After a restore the trigger tells what they are.
select factors from als.attach_model('taste', 'u', 'i');
delete from pg_depend where classid = 'pg_trigger'::regclass and refobjid = 'taste'::regclass;
update u set bias = null where user_id = 1;
select count(*) from pg_depend where classid = 'pg_trigger'::regclass and refobjid = 'taste'::regclass;
delete from pg_depend where classid = 'pg_trigger'::regclass and refobjid = 'taste'::regclass;
select als.drop_model('taste');
select count(*), (select count(*) from pg_trigger where tgrelid in ('u'::regclass, 'i'::regclass)) from u;

-- With biases, and the mean of the source.
create table bu as select user_id, factors, bias, n_ratings from mine_user_factors;
create table bi as select item_id, factors, bias, n_ratings, popularity from mine_item_factors;
alter table bu add primary key (user_id);
alter table bi add primary key (item_id);
select try($$select als.attach_model('stars', 'bu', 'bi')$$);
select try($$select als.attach_model('stars', 'bu', 'bi', feedback => 'explicit')$$);
select biases, n_rows, lowest_rating, highest_rating from als.attach_model('stars', 'bu', 'bi', feedback => 'explicit', source => 'select * from ratings where user_id <> 41');
select max(abs(als.predict('mine', u, i, clip => true) - als.predict('stars', u, i, clip => true))) < 1e-5 as same from generate_series(1, 40) u, generate_series(1, 30) i;
select count(*) from als.recommend('stars', 4711, on_unknown => 'popular') a join als.recommend('mine', 4711, on_unknown => 'popular') b using (item_id, score);
select try($$select als.refresh_users('stars')$$);

-- What is refused.
select try($$select als.attach_model('stars', 'u', 'i')$$);
select try($$select als.attach_model('other', 'bu', 'i')$$);
select try($$select als.attach_model('other', 'u', 'mine_item_factors')$$);
select try($$select als.attach_model('other', 'u', 'u')$$);
select try($$select als.attach_model('other', null, 'i')$$);
select try($$select als.attach_model('other', 1, 'i')$$);
select try($$select als.attach_model('other', 'u', 'i', regularization => 1)$$);
select try($$select als.attach_model('other', 'u', 'i', mean => 3)$$);
select try($$select als.attach_model('other', 'u', 'i', source => 'nowhere')$$);
select try($$select als.attach_model('other', 'u', 'i', source => 'select now() as user_id, 1 as item_id, 1 as rating')$$);
create view v as select * from u;
select try($$select als.attach_model('other', 'v', 'i')$$);
create table parts (like u including all) partition by list (user_id);
select try($$select als.attach_model('other', 'parts', 'i')$$);
create table child () inherits (u);
select try($$select als.attach_model('other', 'child', 'i')$$);
select try($$select als.attach_model('other', 'u', 'i')$$);
drop table child;
create table bad (like u including all);
select try($$select als.attach_model('other', 'bad', 'i')$$);
insert into bad values (1, '{1,2,3}');
select try($$select als.attach_model('other', 'bad', 'i')$$);
insert into bad values (2, '{1,2,3,4}');
select try($$select als.attach_model('other', 'bad', 'i')$$);
update bad set factors = '{{1,2},{3,4}}';
select try($$select als.attach_model('other', 'bad', 'i')$$);
update bad set factors = '{}';
select try($$select als.attach_model('other', 'bad', 'i')$$);
update bad set factors = null where user_id = 1;
select try($$select als.attach_model('other', 'bad', 'i')$$);
begin read only;
select try($$select als.attach_model('other', 'u', 'i')$$);
commit;
-- A null or a number that is none came in later: a null is as good as no row.
update bad set factors = '{1,2,3,4}';
select factors from als.attach_model('other', 'bad', 'i');
update bad set factors = null where user_id = 1;
select als.predict('other', 1, 4), count(*) from als.recommend('other', 1, exclude_seen => false);
update bad set factors = '{1,2,3,NaN}' where user_id = 1;
select try($$select als.predict('other', 1, 4)$$);
select als.drop_model('other');

-- Who owns the tables attaches them, and nobody else.
create role attach_alice;
grant usage, create on schema attach_model to attach_alice;
grant select on ratings to attach_alice;
grant all on u, i to attach_alice;
set role attach_alice;
select try($$select als.attach_model('hers', 'u', 'i')$$);
reset role;
alter table u owner to attach_alice;
select try($$select als.attach_model('hers', 'u', 'i')$$);
alter table i owner to attach_alice;
set role attach_alice;
select factors from als.attach_model('hers', 'u', 'i', source => 'ratings', rating_col => null);
select count(*) from als.recommend('hers', 1, 3);
reset role;
alter table u enable row level security;
alter table u force row level security;
set role attach_alice;
select als.drop_model('hers');
select try($$select als.attach_model('hers', 'u', 'i')$$);
reset role;
drop schema attach_model cascade;
drop role attach_alice;
drop role attach_reader;
