-- als.train_in_steps: the same models as als.train, and where it cannot run. test/t/017_train_in_steps.pl has the rest.
create table ratings as
select (i % 200 + 1)::int as user_id, 'item ' || (i * 7919) % 61 as item_id, (1 + i % 5)::numeric as rating
from generate_series(1, 4000) as i;

-- What two models have in common, but for times and versions.
create function same(a regclass, b regclass) returns table (row_is boolean, users_are boolean, items_are boolean)
language plpgsql as $$
declare
	left_row jsonb := to_jsonb(als.latest_run(a));
	right_row jsonb := to_jsonb(als.latest_run(b));
	own text[] := '{version,user_version,item_version,trained_at,user_factors,item_factors,read_seconds,train_seconds,write_seconds}';
begin
	row_is := left_row - own = right_row - own;
	execute format('select not exists ((table %s except table %s) union all (table %2$s except table %1$s))',
		left_row ->> 'user_factors', right_row ->> 'user_factors') into users_are;
	execute format('select not exists ((table %s except table %s) union all (table %2$s except table %1$s))',
		left_row ->> 'item_factors', right_row ->> 'item_factors') into items_are;
	return next;
end $$;

call als.train_in_steps('steps', 'ratings', factors => 8, iterations => 4, holdout => 0.1);
select run, n_users, n_items, cardinality(loss) from als.train('whole', 'ratings', factors => 8, iterations => 4, holdout => 0.1);
select * from same('steps', 'whole');
-- A run more, which starts from the last, and a query with parameters that do not live long.
do $$
declare
	query text := 'select user_id, item_id, rating from ratings where user_id > ' || 5;
begin
	call als.train_in_steps('steps', query, factors => 8, iterations => 2, replace => true, warm_start => true);
	perform als.train('whole', query, factors => 8, iterations => 2, replace => true, warm_start => true);
end $$;
select * from same('steps', 'whole');
select run, warm_start, n_users from steps order by run;
-- Implicit feedback, by its schema's name, in every isolation level.
create schema shop;
set default_transaction_isolation = 'serializable';
call als.train_in_steps('shop.clicks', 'ratings', rating_col => null, feedback => 'implicit', factors => 4, iterations => 2, unlogged => true);
reset default_transaction_isolation;
select from als.train('clicks', 'ratings', rating_col => null, feedback => 'implicit', factors => 4, iterations => 2);
select * from same('shop.clicks', 'clicks');
select relname, relpersistence from pg_class where relnamespace = 'shop'::regnamespace and relkind = 'r' order by relname;
-- In a transaction of the procedure's own, after which the caller's goes on.
create procedure nightly() language plpgsql as $$
begin
	create table before ();
	call als.train_in_steps('steps', 'ratings', factors => 4, iterations => 1, replace => true);
	create table after ();
	rollback;
end $$;
call nightly();
select to_regclass('before') is null as before_is_gone, to_regclass('after') is null as after_is_gone, max(run) from steps;
drop table before;

-- Where it cannot commit.
\set SHOW_CONTEXT never
\set VERBOSITY sqlstate
begin;
call als.train_in_steps('new', 'ratings');
rollback;
\set VERBOSITY default
-- Versions before 15 show the last result alone.
\set SHOW_ALL_RESULTS off
select 1 \; call als.train_in_steps('new', 'ratings');
do $$ begin
	call als.train_in_steps('new', 'ratings');
exception when others then
	raise;
end $$;
create function within() returns void language plpgsql as $$ begin call als.train_in_steps('new', 'ratings'); end $$;
select within();
create procedure with_setting() language plpgsql set work_mem = '1MB' as $$ begin call als.train_in_steps('new', 'ratings'); end $$;
call with_setting();
create procedure with_rights() language plpgsql security definer as $$ begin call als.train_in_steps('new', 'ratings'); end $$;
call with_rights();
begin;
call als.train_in_steps('new', 'ratings');
rollback;
begin;
savepoint s;
call als.train_in_steps('new', 'ratings');
rollback;
set default_transaction_read_only = on;
call als.train_in_steps('new', 'ratings');
reset default_transaction_read_only;

-- Errors, in each step, leave nothing and can be told by PL/pgSQL's names.
call als.train_in_steps('new', 'nothing');
call als.train_in_steps('steps', 'ratings');
call als.train_in_steps('ratings', 'ratings', replace => true);
call als.train_in_steps('steps', 'select user_id::text, item_id, rating from ratings', replace => true);
call als.train_in_steps('new', 'select user_id, item_id, 1 / (user_id - 7) as rating from ratings');
call als.train_in_steps('new', 'select * from ratings where rating > 5');
call als.train_in_steps('new', 'select * from ratings union all select * from ratings', on_duplicate => 'error');
call als.train_in_steps('steps', 'ratings', factors => 5, replace => true, warm_start => true);
call als.train_in_steps('new', 'ratings', factors => 0);
create function refuse() returns trigger language plpgsql as $$ begin raise 'no more runs'; end $$;
create trigger refuse before insert on steps for each row execute function refuse();
call als.train_in_steps('steps', 'ratings', factors => 4, iterations => 1, replace => true);
drop trigger refuse on steps;
create constraint trigger refuse after insert on steps deferrable initially deferred for each row execute function refuse();
call als.train_in_steps('steps', 'ratings', factors => 4, iterations => 1, replace => true);
drop trigger refuse on steps;
-- A privilege is missed before the work.
create role trainer;
grant select on ratings to trainer;
set role trainer;
call als.train_in_steps('shop.new', 'select user_id, item_id, 1 / (user_id - 7) as rating from ratings');
call als.train_in_steps('steps', 'select user_id, item_id, 1 / (user_id - 7) as rating from ratings', replace => true);
reset role;
drop owned by trainer;
drop role trainer;
select to_regclass('new') is null as nothing_is_left, max(run) from steps;
select count(*) as locks from pg_locks where pid = pg_backend_pid() and locktype = 'object';
select count(*) as progress from als.progress;
call als.train_in_steps('steps', 'ratings', factors => 4, iterations => 1, replace => true);
select max(run) from steps;

select als.drop_model(model) from unnest('{steps,whole,shop.clicks,clicks}'::regclass[]) as model;
drop schema shop cascade;
drop table ratings;
drop function same, within, refuse;
drop procedure nightly, with_setting;
