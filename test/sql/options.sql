-- The arguments of als.train and the als.* settings, where models go, and what replacing one keeps.
create schema options;
set search_path = options;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 12) as u, generate_series(1, 9) as i where (u * 31 + i * 17) % 3 <> 0;
create view objects as
select relname, relkind from pg_class where relnamespace = 'options'::regnamespace and relname not in ('ratings', 'objects');

\pset format unaligned
\pset tuples_only on
-- Out of range.
create function try_option(options text) returns text language sql as
$$ select try(format('select als.train(''m'', ''ratings'', %s)', options)) $$;
select try_option('factors => 0');
select try_option('factors => 1025');
select try_option('factors => -1');
select try_option('iterations => 0');
select try_option('iterations => 10001');
select try_option('regularization => -0.1');
select try_option('regularization => ''NaN''');
select try_option('regularization => ''Infinity''');
select try_option('reg_exponent => -1');
select try_option('reg_exponent => 2.5');
select try_option('feedback => ''implicit'', alpha => -1');
select try_option('feedback => ''implicit'', alpha => ''NaN''');
select try_option('alpha => 1');
select try_option('feedback => ''implicit'', biases => true');
select try_option('feedback => ''Implicit''');
select try_option('feedback => ''''');
select try_option('on_duplicate => ''ignore''');
select try_option('threads => 0');
select split_part(try_option('threads => 1000000'), E'\n', 1);
-- Null.
select try('select als.train(null, ''ratings'')');
select try('select als.train(''m'', null)');
select try_option('user_col => null');
select try_option('item_col => null');
select try_option('feedback => null');
select try_option('factors => null');
select try_option('seed => null');
select try_option('replace => null');
select try_option('unlogged => null');
select count(*) from objects;

-- The limits themselves.
select factors, iterations, regularization, reg_exponent, alpha, biases, seed, threads from als.train('m', 'ratings', factors => 1, iterations => 1, regularization => 0, reg_exponent => 0, seed => -9223372036854775808, threads => 1);
select factors, iterations, seed from als.train('m', 'ratings', factors => 1024, iterations => 1, seed => 9223372036854775807, replace => true);
select distinct array_length(factors, 1) from m_item_factors;
select count(als.predict('m', user_id, item_id)) from ratings;
select regularization > 0 as regularization, alpha > 0 as alpha, biases, threads from als.train('m', 'ratings', feedback => 'implicit', replace => true, threads => 3);
select regularization, alpha, biases, feedback, on_duplicate from als.train('m', 'ratings', feedback => 'implicit', regularization => 1e10, alpha => 1e10, reg_exponent => 2, biases => false, replace => true);
select alpha, max(abs(l)) < 1e9 from als.train('m', 'ratings', feedback => 'implicit', alpha => 0, replace => true) as r, unnest(loss) as l group by 1;
select threads, als.drop_model('m') from als.train('m', 'ratings', replace => true);

-- What is left open depends on the feedback, the biases and the exponent.
select o as options, reg_exponent, round(regularization::numeric, 4) as regularization, alpha, biases, iterations
from unnest(array['{}', '{"reg_exponent": null, "regularization": null}', '{"reg_exponent": 1}', '{"reg_exponent": 0}', '{"biases": false}',
  '{"biases": false, "reg_exponent": 0.5}', '{"regularization": 3}', '{"feedback": "implicit"}', '{"feedback": "implicit", "reg_exponent": 1}',
  '{"feedback": "implicit", "reg_exponent": 0, "alpha": 1}', '{"iterations": null, "solver": "cg"}', '{"solver": "direct"}',
  '{"nonnegative": true}', '{"feedback": "implicit", "nonnegative": true}', '{"iterations": 3, "solver": "direct"}']) with ordinality as t (o, n),
  als.train('defaults', 'ratings', o::jsonb || '{"factors": 1}', true) order by n;
select als.drop_model('defaults');

-- Settings.
set als.threads = 2;
select threads from als.train('m', 'ratings');
select threads from als.train('m', 'ratings', threads => 1, replace => true);
set als.threads = 0;
select threads >= 1 from als.train('m', 'ratings', replace => true);
set als.threads = -1;
set als.threads = 1;
-- Only from 15 on does the server know whose names these are.
do $$ begin
  set als.nonsense = 1;
  if current_setting('server_version_num')::int < 150000 then raise invalid_name; end if;
exception when invalid_name then
  raise info 'there is no setting of this name';
end $$;
\set VERBOSITY sqlstate
set als.max_memory = '-2MB';
\set VERBOSITY terse
set als.max_memory = '1MB';
set als.threads = 2;
show als.max_memory;
select regexp_replace(try_option('replace => true, factors => 64'), 'at least \d+ MB', 'at least N MB');
set als.max_memory = '32MB';
select regexp_replace(try($$select als.train('big', 'select u as user_id, i as item_id, 1 as rating from generate_series(1, 2000) as u, generate_series(1, 2000) as i')$$), '\d+(?= (MB,|ratings|users|items))', 'N', 'g');
select run from m order by run desc limit 1;
reset als.max_memory;
set als.threads = 1;
select als.drop_model('m');
-- Where models go.
create schema other;
create schema "Odd One";
select user_factors, item_factors from als.train('other.m', 'ratings', factors => 2);
select user_factors, item_factors from als.train('"Odd One"."a ""model"""', 'ratings', factors => 2);
select count(*) from als.recommend('"Odd One"."a ""model"""', 1, 100);
select user_factors from als.train('Upper', 'ratings', factors => 2);
select user_factors from als.train('"Upper"', 'ratings', factors => 2);
select user_factors::text ~ '^pg_temp_\d+\.|^t_user' from als.train('pg_temp.t', 'ratings', factors => 2);
select relpersistence, count(*) from pg_class where oid in ('t'::regclass, 't_user_factors'::regclass, 't_item_factors'::regclass) group by 1;
select count(*) from als.recommend('t', 1, 100);
select als.drop_model('t');
-- Long names are cut as the server cuts the names it makes up, and told apart as it does.
select user_factors, item_factors from als.train(repeat('x', 63), 'ratings', factors => 2);
select count(*) from als.recommend(repeat('x', 63)::regclass, 1, 100);
select try(format('select als.train(%L, ''ratings'')', repeat('x', 64)));
select user_factors, item_factors from als.train(repeat('x', 62) || 'y', 'ratings', factors => 2);
select count(*) from als.recommend((repeat('x', 62) || 'y')::regclass, 1, 100);
select user_factors from als.train(repeat('ü', 30), 'ratings', factors => 2);
select try('select als.train(''nowhere.m'', ''ratings'')');
select try('select als.train(''a.b.c.d'', ''ratings'')');
select try('select als.train('''', ''ratings'')');
select try('select als.train(''two words'', ''ratings'')');
set search_path = '';
select options.try('select als.train(''m'', ''options.ratings'')');
set search_path = options;
drop schema other, "Odd One" cascade;
select count(als.drop_model(m.model)::text) from als.models as m where m.source = 'options.ratings';
select * from objects;

-- A name that is taken.
select try('select als.train(''ratings'', ''ratings'')');
select try('select als.train(''ratings'', ''ratings'', replace => true)');
create view a_view as select 1;
select try('select als.train(''a_view'', ''ratings'', replace => true)');
create index an_index on ratings (item_id);
select try('select als.train(''an_index'', ''ratings'', replace => true)');
create table m_item_factors (x int);
select user_factors, item_factors from als.train('m', 'ratings', factors => 2);
select relname from objects order by 1;
select als.drop_model('m');
select relname from objects order by 1;
drop table m_item_factors;
drop view a_view;
drop index an_index;

-- Replacing keeps tables, privileges and views; a run is a row.
create role options_reader;
grant usage on schema options to options_reader;
select run, factors from als.train('m', 'ratings', factors => 2);
select try('select als.train(''m'', ''ratings'')');
grant select on m, m_user_factors, m_item_factors to options_reader;
create view tops as select user_id, rank, item_id from generate_series(1, 3) as user_id, als.recommend('m', user_id, 1);
create view lengths as select item_id, cardinality(factors) from m_item_factors;
create table before as select oid, relname, relacl::text, reltoastrelid from pg_class where relnamespace = 'options'::regnamespace and relname ~ '^m';
select run, factors from als.train('m', 'ratings', factors => 5, replace => true);
select count(*) from before join pg_class as c on (c.oid, c.relname, c.relacl::text) is not distinct from (before.oid, before.relname, before.relacl);
select distinct cardinality from lengths;
select count(*) from tops;
set role options_reader;
select count(*) from options.m_user_factors;
reset role;
select run, feedback, biases from als.train('m', 'select * from ratings where user_id <= 6', factors => 3, feedback => 'implicit', replace => true);
select count(*), count(bias) from m_user_factors;
select run, factors, feedback, n_users, version = any (select version from m as o where o.run <> m.run) as seen_before from m order by run;
select replace((select run from m order by run desc limit 1)::text, '3', 'three'), count(*) from als.models where model = 'm'::regclass and run = 3;

-- Id types must stay what they are.
select try($$select als.train('m', 'select user_id::numeric, item_id, rating from ratings', replace => true)$$);
select try($$select als.train('m', 'select user_id, item_id::text, rating from ratings', replace => true)$$);
-- A training that fails leaves the old model as it was.
create table untouched as
select (select md5(string_agg(u::text, ',' order by user_id)) from m_user_factors as u) as users,
  (select md5(string_agg(i::text, ',' order by item_id)) from m_item_factors as i) as items, max(run) as run from m;
create function broken(int) returns int language plpgsql as $$ begin if $1 = 9 then raise 'broken source'; end if; return $1; end $$;
select try($$select als.train('m', 'select user_id, broken(item_id) as item_id, rating from ratings', replace => true)$$);
select try($$select als.train('m', 'select user_id, item_id, rating / 0.0 as rating from ratings', replace => true)$$);
select try($$select als.train('m', 'ratings', replace => true, factors => 0)$$);
create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
create trigger refuse before insert on m_item_factors execute function refuse();
select try($$select als.train('m', 'ratings', replace => true)$$);
drop trigger refuse on m_item_factors;
create trigger refuse after insert on m execute function refuse();
select try($$select als.train('m', 'ratings', replace => true)$$);
drop trigger refuse on m;
begin;
select run from als.train('m', 'ratings', replace => true);
rollback;
select (select md5(string_agg(u::text, ',' order by user_id)) from m_user_factors as u) = users as users,
  (select md5(string_agg(i::text, ',' order by item_id)) from m_item_factors as i) = items as items, untouched.run = (select max(m.run) from m) as run from untouched;
select relname from objects where relkind = 'r' order by 1;
-- In a block that catches the error, the rest of the transaction goes on.
do $$
begin
  begin
    perform als.train('fresh', 'select user_id, broken(item_id) as item_id, rating from ratings');
  exception when others then null;
  end;
  perform als.train('fresh', 'ratings', factors => 2);
  begin
    perform als.train('fresh', 'ratings', factors => 4, replace => true);
    raise 'never mind';
  exception when others then null;
  end;
end $$;
select run, factors, (select distinct cardinality(factors) from fresh_item_factors) from fresh;
select als.drop_model('fresh');
drop view tops, lengths;
drop table before, untouched;
select als.drop_model('m');
drop function refuse, broken;

-- Unlogged.
select run from als.train('m', 'ratings', factors => 2, unlogged => true);
select relname, relpersistence from pg_class where relnamespace = 'options'::regnamespace and relname ~ '^m' and relkind = 'r' order by 1;
select run from als.train('m', 'ratings', factors => 2, unlogged => true, replace => true);
select run from als.train('m', 'ratings', factors => 2, replace => true);
select relname, relpersistence from pg_class where relnamespace = 'options'::regnamespace and relname ~ '^m' and relkind = 'r' order by 1;
alter table m_user_factors set logged;
select try($$select als.train('m', 'ratings', unlogged => true, replace => true)$$);
select als.drop_model('m');

-- Training writes, so it needs a transaction that may.
begin read only;
select left(try('select als.train(''m'', ''ratings'')'), 5);
commit;
select * from objects;

revoke all on schema options from options_reader;
drop role options_reader;
drop schema options cascade;
