-- What als does for a caller runs no code of a role that the caller does not trust, unless the caller named it.
create schema trust;
set search_path = trust;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\pset format unaligned
\pset footer off
create role trust_trainer;
create role trust_app;
create role trust_admin;
create role trust_other;
grant usage, create on schema trust to trust_trainer;
grant usage on schema trust to trust_app, trust_admin;
grant create on schema trust to trust_other;

\set ECHO none
\i test/sql/try.psql
\set ECHO all
create sequence witness;
grant usage, select on witness to public;

-- What runs as anybody but its owner leaves a trace.
set role trust_trainer;
create function evil(x bigint) returns bigint language plpgsql immutable as $$
begin
  if current_user <> 'trust_trainer' then perform nextval('trust.witness'); end if;
  return x;
end $$;
create function evil_true() returns boolean language sql immutable as $$ select trust.evil(1) > 0 $$;
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
select n_ratings from als.train('plain', 'ratings', factors => 3, iterations => 3);
select n_ratings from als.train('query', 'select * from trust.ratings where trust.evil(user_id) > 0', factors => 3, iterations => 3);
grant select on all tables in schema trust to public;
reset role;

-- Each way to a model's source.
create function answers(model text) returns table (recommend text, unseen text, explain text, evaluate text, recommend_all text, refresh text) language sql as $$
  select split_part(try(format('select als.recommend(%L, 1)', model)), E'\n', 1),
    split_part(try(format('select als.recommend(%L, 1, exclude_seen => false)', model)), E'\n', 1),
    split_part(try(format('select als.explain(%L, 1, 1)', model)), E'\n', 1),
    split_part(try(format('select als.evaluate(%L, ''select 1 as user_id, 2 as item_id, 3 as rating'')', model)), E'\n', 1),
    split_part(try(format('create temp table t (user_id int, item_id int, score real, rank int); select als.recommend_all(%L, ''pg_temp.t''); drop table t', model)), E'\n', 1),
    split_part(try(format('select als.refresh_users(%L, ''{1}'')', model)), E'\n', 1) $$;

-- A query of a role that the caller does not trust does not run, not even for a superuser.
select * from answers('query');
select try($$select als.recommend('query', 1)$$);
select metric, baseline is null as no_baseline from als.evaluate('query', 'select 1 as user_id, 2 as item_id, 3 as rating', exclude_seen => false) where metric = 'rmse';
set role trust_app;
select * from answers('query');
select is_called from witness;
-- For those who trust it, it does.
set role trust_trainer;
select * from answers('query');
reset role;
grant trust_trainer to trust_admin;
set role trust_admin;
select * from answers('query');
reset role;
select is_called from witness;
alter sequence witness restart;

-- Whoever has made a role may not become it, though since 16 they are a member of it.
begin;
create role trust_boss createrole;
create role trust_between;
set local session authorization trust_boss;
create role trust_made;
reset session authorization;
grant usage, create on schema trust to trust_made;
grant usage on schema trust to trust_boss;
set local role trust_made;
select n_ratings from als.train('made', 'select * from trust.ratings', factors => 3, iterations => 3);
grant select on made, made_user_factors, made_item_factors to trust_boss;
set local session authorization trust_boss;
select try($$select als.recommend('made', 1)$$);
reset session authorization;
grant trust_made to trust_between;
grant trust_between to trust_boss;
set local session authorization trust_boss;
select try($$select als.recommend('made', 1)$$);
rollback;

-- A plain table is read for anybody.
select * from answers('plain');
set role trust_app;
select * from answers('plain');
reset role;

-- Unless reading it may run something of its owner's.
create function as_app(what text, change text, out answer text, out detail text) language plpgsql as $$
begin
  set local role trust_trainer;
  execute change;
  set local role trust_app;
  answer := try('select als.recommend(''plain'', 1)');
  reset role;
  detail := split_part(answer, E'\n', 2);
  answer := split_part(answer, E'\n', 1);
end $$;
begin; select * from as_app('index on an expression', 'create index on ratings (trust.evil(user_id))'); rollback;
begin; select * from as_app('constant in an index', 'create index on ratings ((item_id + trust.evil(1)))'); rollback;
begin; select * from as_app('partial index', 'create index on ratings (item_id) where trust.evil_true()'); rollback;
begin; select * from as_app('check', 'alter table ratings add check (trust.evil_true())'); rollback;
begin; select * from as_app('child with an index', 'create table child () inherits (ratings); create index on child (trust.evil(user_id))'); rollback;
begin; select * from as_app('row-level security', 'alter table ratings enable row level security; create policy p on ratings using (trust.evil_true())'); rollback;
begin; select * from as_app('view', 'alter table ratings rename to r; create view ratings as select * from r where trust.evil_true();
  grant select on ratings to public; update plain set source = ''trust.ratings'''); rollback;
begin; select * from as_app('type', 'create domain number as int check (trust.evil_true()); alter table ratings alter item_id type number'); rollback;
begin; select * from as_app('partition key', 'create table parts (like ratings) partition by range ((user_id + trust.evil(1)));
  grant select on parts to public; update plain set source = ''trust.parts'''); rollback;
begin; select * from as_app('dropped column', 'alter table ratings rename item_id to item'); rollback;
-- With functions of the server's it is as plain as before.
begin; select * from as_app('index on abs()', 'create index on ratings (abs(user_id)) where rating > 1; alter table ratings add check (rating > 0)'); rollback;
begin; select * from as_app('materialized view', 'create materialized view m as select * from ratings; grant select on m to public; update plain set source = ''trust.m'''); rollback;
begin; select * from as_app('partitions', 'create table parts (like ratings) partition by list (user_id); create table parts_1 partition of parts default;
  grant select on parts to public; update plain set source = ''trust.parts'''); rollback;
-- What a superuser has made is trusted.
begin;
create view seen as select * from ratings;
grant select on seen to public;
select * from as_app('view of a superuser', 'update plain set source = ''trust.seen''');
rollback;
begin;
alter table ratings owner to current_user;
alter table ratings enable row level security;
create policy p on ratings using (user_id = 1);
grant select on ratings to trust_trainer;
select * from as_app('row-level security of a superuser', 'select 1');
rollback;
begin;
set local role trust_trainer;
create function one() returns int language plpgsql immutable as 'begin return 1; end';
reset role;
alter table ratings owner to current_user;
create index on ratings ((item_id + one()));
grant select on ratings to trust_trainer;
select * from as_app('index of a superuser', 'select 1');
rollback;
select is_called from witness;

-- The row of a model may name any table for its factors, but only those of the model's owner count as named.
create table others as select * from plain_item_factors;
grant all on others to public;
alter table others owner to trust_other;
begin; select * from as_app('factors of another role', 'update plain set item_factors = ''others'''); rollback;
begin; select * from as_app('a view as factors', 'create view v as select item_id, factors, bias, n_ratings from plain_item_factors where trust.evil_true();
  grant select on v to public; update plain set item_factors = ''v'''); rollback;
select is_called from witness;

-- Casts are found by types alone.
set role trust_trainer;
create type colour as enum ('red', 'green', 'blue');
create function colour(int) returns colour language plpgsql as
$$ begin perform trust.evil(1); return (array['red', 'green', 'blue'])[$1]::trust.colour; end $$;
create cast (int as colour) with function colour(int) as assignment;
create type shade as enum ('light', 'dark');
create function number(shade) returns int language plpgsql as $$ begin perform trust.evil(1); return 1; end $$;
create cast (shade as int) with function number(shade) as implicit;
create domain checked as int check (trust.evil_true());
create type span as range (subtype = checked);
create table colours as select (enum_range(null::colour))[1 + u % 3] as user_id, i as item_id, 1 + (u * i) % 5 as rating
from generate_series(0, 2) as u, generate_series(1, 9) as i;
create table shades as select (enum_range(null::shade))[1 + u] as user_id, i as item_id, 1 + (u * i) % 5 as rating
from generate_series(0, 1) as u, generate_series(1, 9) as i;
create table spans as select span(u, u + 1) as user_id, i as item_id, 1 + (u * i) % 5 as rating from generate_series(1, 9) as u, generate_series(1, 9) as i;
select n_ratings from als.train('by_colour', 'colours', factors => 2, iterations => 2);
select n_ratings from als.train('by_shade', 'shades', factors => 2, iterations => 2);
select n_ratings from als.train('by_span', 'spans', factors => 2, iterations => 2);
grant select on all tables in schema trust to public;
reset role;
select try($$select als.predict('by_colour', 1, 1)$$);
select try($$select als.predict('by_colour', 'red', 1)$$), try($$select als.predict('by_colour', 'red'::colour, 1)$$);
select try($$select als.predict('by_span', '[1,2)', 1)$$);
select try($$select als.fold_in_item('by_span', '{"[1,2)"}')$$);
create table numbers (user_id int, item_id int, score real, rank int);
select try($$select als.recommend_all('by_shade', 'numbers', exclude_seen => false)$$);
select is_called from witness;
set role trust_trainer;
select als.predict('by_colour', 1, 1) is not null as own_cast;

-- So are those of columns of a model's own tables whose types their owner has changed.
create type cell as (value int);
create function number(cell) returns int language plpgsql as $$ begin perform trust.evil(1); return 1; end $$;
create function bigger(cell) returns bigint language plpgsql as $$ begin perform trust.evil(1); return 1; end $$;
create function fraction(cell) returns real language plpgsql as $$ begin perform trust.evil(1); return 1; end $$;
create function vector(cell) returns real[] language plpgsql as $$ begin perform trust.evil(1); return '{1,2,3}'; end $$;
create cast (cell as int) with function number(cell) as implicit;
create cast (cell as bigint) with function bigger(cell) as implicit;
create cast (cell as real) with function fraction(cell) as implicit;
create cast (cell as real[]) with function vector(cell) as implicit;
create table people as select distinct user_id, user_id % 3 as team from ratings;
select n_ratings from als.train('described', 'ratings', factors => 3, iterations => 3, user_features => 'people');
grant all on ratings, people, described, described_user_factors, described_item_factors, described_user_feature_weights to public;
reset role;
create function answers_of_described() returns setof text language plpgsql as $$
declare call text;
begin
  foreach call in array array['als.predict(%L, 1, 1)', 'als.recommend(%L, 1, exclude_seen => false)', 'als.similar_users(%L, 1)',
    'als.refresh_users(%L, array[1])', 'als.features_vector(%L, ''{"team": 1}'', ''user'')', 'als.report(%L)', 'als.rollback_model(%L)',
    'als.retrain(%L, keep_previous => true)', 'als.retrain(%L)'] loop
    return next split_part(call, '(', 1) || ': ' || split_part(trust.try(format('select ' || call, 'described')), E'\n', 1);
  end loop;
end $$;
create function as_changed(part text, changed name, type text, value text) returns setof text language plpgsql as $$
begin
  set local role trust_trainer;
  execute format('alter table described_%1$s drop column %2$s; alter table described_%1$s add column %2$s %3$s', part, changed, type);
  execute format('update described_%1$s set %2$s = %3$L', part, changed, value);
  reset role;
  return query select * from trust.answers_of_described();
end $$;
begin; select * from as_changed('item_factors', 'n_ratings', 'cell', '(1)'); rollback;
begin; select * from as_changed('item_factors', 'bias', 'cell', '(1)'); rollback;
begin; select * from as_changed('user_factors', 'factors', 'cell', '(1)'); rollback;
begin; select * from as_changed('user_factors', 'factors', 'cell[]', '{(1),(1),(1)}'); rollback;
begin; select * from as_changed('user_feature_weights', 'run', 'cell', '(1)'); rollback;
-- In a kept run, too; and a cast that comes later.
set role trust_trainer;
select run from als.retrain('described', keep_previous => true);
create type late as (value int);
create function fraction(late) returns real language plpgsql as $$ begin perform trust.evil(1); return 1; end $$;
reset role;
begin; select * from as_changed('user_factors_previous', 'bias', 'cell', '(1)'); rollback;
begin;
select * from as_changed('item_factors', 'bias', 'late', '(1)');
set local role trust_trainer;
create cast (late as real) with function fraction(late) as implicit;
reset role;
select * from answers_of_described();
rollback;
-- A column that is missing would be the whole row, where the table has its name.
begin;
set local role trust_trainer;
alter table described_user_factors rename to bias;
alter table bias drop column bias;
create function fraction(bias) returns real language plpgsql as $$ begin perform trust.evil(1); return 1; end $$;
create cast (bias as real) with function fraction(bias) as implicit;
reset role;
select * from answers_of_described();
rollback;
select is_called from witness;

-- Operators and functions are the server's under any search_path.
create schema trap;
do $$
declare
  l text; r text; o text;
begin
  foreach o in array array['+', '-', '<', '=', '>', '||', '<=', '>=', '*'] loop
    foreach l in array array['bigint', 'int', 'float8', 'text', 'uuid', 'real'] loop
      foreach r in array array['bigint', 'int', 'float8', 'text', 'uuid', 'real'] loop
        execute format('create function trap.%I(%s, %s) returns %s language plpgsql as $f$ begin raise exception ''trap: %s''; end $f$', o, l, r,
          case when o in ('<', '=', '>', '<=', '>=') then 'boolean' else l end, o);
        execute format('create operator trap.%s (leftarg = %s, rightarg = %s, function = trap.%I)', o, l, r, o);
      end loop;
    end loop;
  end loop;
end $$;
-- Like try(), without an operator.
create function trapped(statement text) returns text language plpgsql as
$$ begin execute statement; return 'no error'; exception when others then return sqlerrm; end $$;
create function trap.first(bigint, bigint) returns bigint language plpgsql as $$ begin raise exception 'trap: max'; end $$;
create aggregate trap.max(bigint) (sfunc = trap.first, stype = bigint);
create table taste_ratings as select * from ratings;
set search_path = trap, pg_catalog, trust;
select trust.trapped('select 1 + 1');
select trust.trapped($$select als.train('trust.trapped', 'trust.taste_ratings', factors => 2, iterations => 2, holdout => 0.2)$$);
select trust.trapped($$select als.train('trust.trapped', 'trust.taste_ratings', factors => 2, iterations => 2, replace => true, warm_start => true)$$);
select trust.trapped($$select als.import_model('trust.imported', 'select user_id, factors from trust.trapped_user_factors', 'select item_id, factors from trust.trapped_item_factors', source => 'trust.taste_ratings')$$);
select trust.trapped($$select als.recommend('trust.trapped', 1)$$);
select trust.trapped($$select als.predict('trust.trapped', 1, 1)$$);
select trust.trapped($$select als.explain('trust.trapped', 1, 1)$$);
select trust.trapped($$select als.similar_items('trust.trapped', 1)$$);
select trust.trapped($$select als.evaluate('trust.trapped', 'trust.taste_ratings', history => 'trust.taste_ratings')$$);
select trust.trapped($$select als.refresh_users('trust.trapped')$$);
select trust.trapped($$select als.refresh_users('trust.trapped', '{1,2}'::int[])$$);
select trust.trapped($$select als.recommend_all('trust.trapped', 'trust.everything')$$);
select trust.trapped($$select als.tune('trust.taste_ratings', '{"factors": [2, 3]}', results => 'trust.tuned')$$);
select trust.trapped($$select als.tune('trust.taste_ratings', '{"factors": [2, 3]}', results => 'trust.tuned')$$);
select trust.trapped($$select als.report('trust.trapped', test => 'trust.taste_ratings')$$);
select trust.trapped($$select als.split('trust.taste_ratings', 'test', by => 'user')$$);
select trust.trapped($$select count(*) from als.models$$), trust.trapped($$select count(*) from als.cache$$), trust.trapped($$select count(*) from als.progress$$);
select trust.trapped($$update trust.trapped_user_factors set bias = 0$$);
select trust.trapped($$select als.drop_model('trust.trapped')$$);
set search_path = trust;

-- What a model's row names is trained on only if the owner may read it, and tracked only if they may make triggers: what comes of
-- it goes into tables of theirs.
create table accounts as
select u as user_id, i as item_id, 1 + (u * i) % 5 as rating from generate_series(1, 20) as u, generate_series(1, 12) as i;
set role trust_trainer;
select n_ratings from als.train('named', 'ratings', factors => 2, iterations => 1);
update named set source = 'trust.accounts', source_table = '1/1/1';
reset role;
select try('select als.retrain(''named'')');
select try('select als.track(''named'')');
grant select on accounts to trust_trainer;
select run from als.retrain('named');
select try('select als.track(''named'')');
grant trigger on accounts to trust_trainer;
select als.track('named') is not null as tracked;
select als.drop_model('named');
drop table accounts;

-- Ceilings that an administrator sets.
set als.threads_limit = 2;
set als.max_memory_limit = '1MB';
set role trust_trainer;
select try('set als.threads_limit = 64'), try('set als.max_memory_limit = -1');
set als.threads = 64;
set als.max_memory = '1GB';
select try($$select als.train('plain', 'ratings', factors => 100, replace => true)$$);
reset als.max_memory;
select try($$select als.train('plain', 'ratings', factors => 100, replace => true)$$);
reset role;
reset als.max_memory_limit;
select threads from als.train('plain', 'ratings', factors => 3, replace => true);
select threads from als.train('plain', 'ratings', factors => 3, replace => true, threads => 8);
set als.max_memory = '1MB';
select try($$select als.train('plain', 'ratings', factors => 100, replace => true)$$);
reset als.max_memory;
reset als.threads_limit;
set als.threads = 1;

-- What costs a machine is granted and revoked as one.
begin;
select als.revoke_training();
grant select on ratings, plain, plain_user_factors, plain_item_factors to trust_app;
select als.grant_training('trust_trainer');
set local role trust_app;
select als.predict('plain', 1, 1) is not null as predict;
select split_part(try(q), E'\n', 1) from unnest(array['select als.train(''n'', ''ratings'')', 'select als.train(''n'', ''ratings'', ''{}''::jsonb)',
  'select als.tune(''ratings'', ''{}'')', 'select als.evaluate(''plain'', ''ratings'')', 'select als.recommend_all(''plain'', ''n'')',
  'select als.import_model(''n'', ''ratings'', ''ratings'')', 'select als.refresh_users(''plain'')', 'select als.refresh_items(''plain'')',
  'select als.grant_training(''trust_app'')', 'select als.revoke_training()']) as q;
set local role trust_trainer;
select run from als.train('plain', 'ratings', '{"factors": 2}'::jsonb, replace => true);
reset role;
select als.revoke_training('trust_trainer');
set local role trust_trainer;
select try($$select als.train('plain', 'ratings', factors => 2, replace => true)$$);
reset role;
select try($$select als.grant_training('nobody_at_all')$$);
select try('select als.grant_training(null)');
select try('select als.revoke_training(null)');
rollback;

reset search_path;
\set QUIET on
set client_min_messages = error;
drop schema trust cascade;
drop schema trap cascade;
drop role trust_trainer, trust_app, trust_admin, trust_other;
