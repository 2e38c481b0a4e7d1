-- Looking after models: als.models, als.drop_model, als.progress, the extension itself, and models that are broken.
create schema models;
set search_path = models;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
create view relations as select relname from pg_class where relnamespace = 'models'::regnamespace and relkind = 'r';

-- Everything that is the extension's has a comment, and nothing of it lies outside of its schema.
select classid::regclass, count(*) > 0 as some, count(*) filter (where obj_description(objid, classid::regclass::text) is null) as without_comment
from pg_depend
where refclassid = 'pg_extension'::regclass and refobjid = (select oid from pg_extension where extname = 'als') and deptype = 'e'
  and not (classid = 'pg_type'::regclass and exists (select from pg_type where oid = objid and (typelem <> 0 or typrelid in (select oid from pg_class where relkind = 'v'))))
  and not (classid = 'pg_class'::regclass and exists (select from pg_class where oid = objid and relkind = 'c'))
  and not classid = 'pg_rewrite'::regclass
group by 1 order by 1::text;
select extname, nspname <> 'als' as "not in its own schema", extrelocatable from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace where extname = 'als';
select count(*) as outside from pg_depend join pg_proc as p on p.oid = objid and classid = 'pg_proc'::regclass
where refclassid = 'pg_extension'::regclass and refobjid = (select oid from pg_extension where extname = 'als') and deptype = 'e' and pronamespace <> 'als'::regnamespace;
-- Everything runs as the caller; what reads is stable and safe in parallel plans, and what makes rows says how many, few
-- but for all rows of a slice or a chunk.
-- Four functions run whole queries that they are given, and for those leave parallel plans to the server. What is collected
-- is of one session, which has no parallel workers for it.
select oid::regprocedure from pg_proc
where pronamespace = 'als'::regnamespace and proname <> all ('{compare,evaluate,evaluate_by_activity,report,split,_unpacked_factors,_collect,_collected,_collect_query}')
  and (prosecdef or provolatile <> 'v' and proparallel <> 's' and proname <> all ('{_add_piece,_add_to_sums,_add_to_totals,_packed_items,_packed_users,_part_sums,_part_totals,_piece,_pieces_sum,_sampled_ratings,_slice_block,_start_users,_step_slice,_step_users,_sum_pieces,_sums_bytes,_turn_slice}') or proretset and prorows not between 1 and 20 or provolatile = 'v' and proparallel = 's');

-- als.models lists models, each with its newest run.
select run from als.train('a', 'ratings', factors => 2);
select run from als.train('b', 'select * from ratings', factors => 2, feedback => 'implicit');
select run from als.train('b', 'select * from ratings', factors => 3, replace => true);
select model, run, source, source_table is not null as is_table, factors, feedback, n_users, n_items from als.models order by model::text;
select count(*) from information_schema.columns where table_schema = 'als' and table_name = 'models' and column_name in ('model', 'owner', 'loss', 'version');
select (als.latest_run('b')).run, (als.latest_run('b')).factors, als.latest_run(null) is null as null;
create view no_model as select 1;
\pset format unaligned
\pset tuples_only on
select try('select als.latest_run(''no_model'')');
select try('select als.drop_model(''no_model'')');
select try('select als.drop_model(''ratings'')');
select try('select als.drop_model(''nothing'')');
select als.drop_model(null);
-- Nothing is being trained.
select count(*) from als.progress;
select count(*) from als._command_progress();
-- But while a training reads its source, it is: the source itself can see it.
select n_ratings > 0 from als.train('watched', 'select user_id, item_id, rating from ratings, (select count(*) as n from als.progress where pid = pg_backend_pid() and phase = ''reading'' and model = ''models.watched'' and iteration = 0 and of = 7 and loss is null) as p where p.n = 1', factors => 2, iterations => 7);
select count(*) from als.progress;
select try('select als.train(''unfinished'', ''select 1 / 0 as user_id, 1 as item_id, 1 as rating'')');
select count(*) from als.progress;
select als.drop_model('watched');

-- Dropping.
select als.drop_model('a');
select * from relations order by 1;
-- The model table's drop takes the factors along; a factor table can go alone.
drop table b;
select * from relations order by 1;
select run from als.train('a', 'ratings', factors => 2);
begin;
drop table a;
select * from relations order by 1;
rollback;
alter table a_item_factors rename to items_of_a;
create schema elsewhere;
alter table a_user_factors set schema elsewhere;
drop table a;
select * from relations order by 1;
select count(*) from pg_class where relnamespace = 'elsewhere'::regnamespace;
drop schema elsewhere;
-- Not what others depend on.
select run from als.train('a', 'ratings', factors => 2);
create view top as select * from a_item_factors order by bias limit 3;
select split_part(try('select als.drop_model(''a'')'), ' ', 1);
select try('drop table a') ~ '^2BP01 ';
drop table a cascade;
select * from relations order by 1;
select count(*) from pg_views where schemaname = 'models' and viewname = 'top';
-- The extension stays as long as there are models.
select run from als.train('a', 'ratings', factors => 2);
select try('drop extension als') ~ '^2BP01 ';
select als.drop_model('a');
-- The factor tables' trigger may be told to step aside, and the extension's objects are the extension's.
select try('drop function als.predict(regclass, anycompatible, "any", text, boolean)') ~ '^2BP01 ';
select try('drop type als.model') ~ '^2BP01 ';

-- Broken models tell what is wrong and how to go on.
create function all_of(model text) returns setof text language plpgsql as $$
begin
  return next 'predict: ' || try(format('select als.predict(%L, 1, 1)', model));
  return next 'recommend: ' || try(format('select als.recommend(%L, 1)', model));
  return next 'similar_items: ' || try(format('select als.similar_items(%L, 1)', model));
  return next 'similar_users: ' || try(format('select als.similar_users(%L, 1)', model));
end $$;
select run from als.train('a', 'ratings', factors => 2);
begin;
drop table a_item_factors;
select all_of('a');
select model, run from als.models;
-- Training anew mends it.
select run from als.train('a', 'ratings', factors => 2, replace => true);
select all_of('a');
select * from relations order by 1;
rollback;
begin;
drop table a_user_factors;
select all_of('a');
select als.drop_model('a');
select * from relations order by 1;
rollback;
begin;
delete from a;
select all_of('a');
select model, run from als.models;
savepoint s;
select als.drop_model('a');
select * from relations order by 1;
rollback to s;
select run from als.train('a', 'ratings', factors => 2, replace => true);
select all_of('a');
select * from relations order by 1;
rollback;
begin;
update a set user_version = null;
select all_of('a');
select run from als.train('a', 'ratings', factors => 2, replace => true);
select all_of('a');
rollback;
begin;
update a set factors = 3;
select all_of('a');
rollback;
begin;
update a set factors = 2000000000;
select all_of('a');
update a set factors = -1;
select all_of('a');
rollback;
begin;
update a_item_factors set factors = '{1,2,3}' where item_id = 7;
select all_of('a');
rollback;
begin;
update a_item_factors set factors = '{1,null}' where item_id = 7;
select try('select als.recommend(''a'', 1)');
update a_item_factors set factors = '{{1,2}}' where item_id = 7;
select try('select als.recommend(''a'', 1)');
update a_item_factors set factors = '{}' where item_id = 7;
select try('select als.recommend(''a'', 1)');
rollback;
begin;
update a_user_factors set factors = '{1,2,3}' where user_id = 1;
select all_of('a');
select als.predict('a', 2, 1) is not null;
rollback;
begin;
alter table a_item_factors rename item_id to id;
select left(try('select als.recommend(''a'', 1)'), 5), left(try('select als.predict(''a'', 1, 1)'), 5);
rollback;
begin;
alter table a_item_factors drop column bias;
select try('select als.recommend(''a'', 1)') ~ '^(42703|55000|42804) ';
rollback;
-- Vectors that are no numbers are refused; without biases, null ones count as 0.
begin;
update a_item_factors set factors = '{NaN,1}' where item_id <= 3;
select try('select als.recommend(''a'', 1, 100, exclude_seen => false)');
select try('select als.predict(''a'', 1, 1)');
select als.predict('a', 1, 4) is not null;
update a_item_factors set bias = null, factors = '{0,0}';
select count(*), min(item_id) from als.recommend('a', 1, 100, exclude_seen => false);
rollback;
-- An empty model table, and one made by hand.
create table made of als.model;
select all_of('made');
insert into made (run) values (1);
select all_of('made');
select run from als.train('made', 'ratings', factors => 2, replace => true);
select all_of('made');
select als.drop_model('made');
-- Failing time and again leaks nothing.
update a_item_factors set factors = '{1}' where item_id = 7;
do $$
begin
  for i in 1 .. 100 loop
    begin
      perform als.recommend('a', 1);
    exception when others then null;
    end;
  end loop;
end $$;
do $$
declare
  n int;
begin
  if to_regclass('pg_backend_memory_contexts') is not null then
    execute 'select count(*) from pg_backend_memory_contexts where name like ''als%''' into n;
    if n > 20 then raise info '% memory contexts are left behind', n; end if;
  end if;
end $$;
select als.drop_model('a');
select * from relations order by 1;
drop schema models cascade;

-- Gone and back.
set search_path = public;
create extension if not exists als;
begin;
drop extension als;
create extension als;
select count(*) from als.models;
rollback;
