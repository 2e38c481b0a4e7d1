-- Strange things that users, or the tables they own, may do: an error at worst, never a crash.
create schema robustness;
set search_path = robustness;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

-- Whatever it is, its SQLSTATE or its first value.
create function try(statement text) returns text language plpgsql as $$
declare
  result text;
begin
  execute statement into result;
  return coalesce(result, 'null');
exception when others then
  return sqlstate;
end $$;
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;
create table texts as select 'user ' || user_id as user_id, 'item ' || item_id as item_id, rating from ratings;
create procedure train(model text, source text = 'ratings', factors int = 3) language plpgsql as
$$ begin perform als.train(model, source, factors => factors, iterations => 2, replace => true); end $$;
-- Asks so often that all factors are kept in memory.
create procedure warm(model text, source text = 'ratings') language plpgsql as
$$ begin execute format('select count(als.predict(%L, user_id, item_id)) from %s, generate_series(1, 3)', model, source); end $$;
create function all_of(model text) returns table (predict text, recommend text, similar_items text, similar_users text) language sql as $$
  select try(format('select als.predict(%L, ''1'', ''1'') is not null', model)), try(format('select count(*) from als.recommend(%L, ''1'', 5, false)', model)),
    try(format('select count(*) from als.similar_items(%L, ''1'', 5)', model)), try(format('select count(*) from als.similar_users(%L, ''1'', 5)', model)) $$;

-- Another model's factors in the row of this one, of another type and length.
call train('numbers');
call train('words', 'texts', 4);
call warm('numbers');
call warm('words', 'texts');
begin;
update words set user_factors = 'numbers_user_factors', item_factors = 'numbers_item_factors';
select * from all_of('words');
update words set factors = 3;
select * from all_of('words');
rollback;
begin;
update numbers set user_factors = 'words_user_factors', item_factors = 'words_item_factors', factors = 4;
select * from all_of('numbers');
select try('select als.predict(''numbers'', ''user 1'', ''item 1'') is not null');
rollback;
begin;
update numbers set user_factors = 'numbers_item_factors', item_factors = 'numbers_user_factors';
select * from all_of('numbers');
update numbers set user_factors = 'ratings', item_factors = 'pg_class';
select * from all_of('numbers');
update numbers set user_factors = 0, item_factors = 4294967295;
select * from all_of('numbers');
rollback;
begin;
update numbers set factors = 1024;
select * from all_of('numbers');
update numbers set factors = 1;
select * from all_of('numbers');
update numbers set feedback = 'nonsense', mean = 'NaN', n_users = -1, n_items = 9223372036854775807;
select * from all_of('numbers');
rollback;
begin;
update numbers set source = 'select 1) as x; drop table ratings; select (1', source_table = null, user_col = 'x"y', item_col = '';
select try('select count(*) from als.recommend(''numbers'', 1, 5)');
select count(*) > 0 as ratings from ratings;
update numbers set source_table = 'numbers_pkey';
select try('select count(*) from als.recommend(''numbers'', 1, 5)');
rollback;
select * from all_of('numbers');

-- Columns of the factor tables that change their types.
begin;
alter table words_user_factors alter user_id type int using substr(user_id, 6)::int;
alter table words_item_factors alter item_id type int using substr(item_id, 6)::int;
select * from all_of('words');
rollback;
begin;
alter table numbers_user_factors alter user_id type text;
alter table numbers_item_factors alter item_id type uuid using md5(item_id::text)::uuid;
select * from all_of('numbers');
rollback;
begin;
alter table numbers_item_factors alter item_id type bigint;
select * from all_of('numbers');
select count(*) from als.recommend('numbers', 1, 5, false);
rollback;
create function changed(column_name text, definition text) returns setof text language plpgsql as $$
declare
  side text;
begin
  foreach side in array array['user', 'item'] loop
    begin
      execute format('alter table numbers_%s_factors alter %s type %s', side, column_name, definition);
      return next side || '_factors: ' || (select row(a.*)::text from all_of('numbers') as a);
      raise 'undo' using errcode = 'ALS00';
    exception when sqlstate 'ALS00' then null;
    end;
  end loop;
end $$;
select * from changed('factors', 'int using 5');
select * from changed('factors', $$text using 'hello'$$);
select * from changed('factors', 'float8[] using factors');
select * from changed('factors', $$int[] using '{1,2,3}'$$);
select * from changed('factors', $$text[] using '{a,b,c}'$$);
select * from changed('bias', 'text using repeat(''x'', 10000)');
select * from changed('bias', 'bigint using -1');
select * from changed('bias', 'bool using true');
select * from changed('n_ratings', 'text using ''many''');
select * from changed('n_ratings', 'numeric using 1e30');
begin;
alter table numbers_item_factors drop factors;
select * from all_of('numbers');
rollback;
begin;
alter table numbers_item_factors alter factors drop not null;
update numbers_item_factors set factors = null, bias = null, n_ratings = null where item_id > 3;
select * from all_of('numbers');
select count(*) from als.recommend('numbers', 999, on_unknown => 'popular');
rollback;

-- Ids that stand twice, without the primary key or by inheritance.
begin;
alter table numbers_item_factors drop constraint numbers_item_factors_pkey;
alter table numbers_user_factors drop constraint numbers_user_factors_pkey;
insert into numbers_item_factors select f.* from numbers_item_factors as f, generate_series(1, 2000);
insert into numbers_user_factors select f.* from numbers_user_factors as f, generate_series(1, 100);
alter table numbers_item_factors alter item_id drop not null;
insert into numbers_item_factors values (null, '{1,2,3}', 1, 1);
select try('select als.predict(''numbers'', 1, 1) is not null') ~ '^(true|t|[0-9A-Z]{5})$' as predict,
  try('select count(*) < 30 from als.recommend(''numbers'', 1, 100000, false)') ~ '^(true|t|[0-9A-Z]{5})$' as recommend,
  try('select count(*) < 30 from als.similar_items(''numbers'', 1, 100000)') ~ '^(true|t|[0-9A-Z]{5})$' as similar_items,
  try('select count(*) < 30 from als.similar_users(''numbers'', 1, 100000)') ~ '^(true|t|[0-9A-Z]{5})$' as similar_users;
rollback;
begin;
create table child () inherits (numbers_item_factors);
insert into child select * from numbers_item_factors;
insert into child values (77, '{1,2,3}', 1000, 1);
select * from all_of('numbers');
select count(*) filter (where item_id = 77) as of_child from als.recommend('numbers', 1, 100, false);
call train('numbers');
select * from all_of('numbers');
rollback;

-- Triggers that meddle with training.
create function meddle() returns trigger language plpgsql as $$
begin
  if tg_argv[0] = 'skip' then return null;
  elsif tg_argv[0] = 'halve' then new.factors := new.factors[1:2];
  elsif tg_argv[0] = 'null' then new.factors := null;
  elsif tg_argv[0] = 'other' then perform als.train('other', 'ratings', factors => 2, iterations => 1, replace => true);
  elsif tg_argv[0] = 'same' then perform als.train('numbers', 'ratings', factors => 2, iterations => 1, replace => true);
  elsif tg_argv[0] = 'ask' then perform als.predict('numbers', 1, 1), als.recommend('numbers', 1), als.similar_items('numbers', 1);
  elsif tg_argv[0] = 'drop' then perform als.drop_model('numbers');
  elsif tg_argv[0] = 'fail inside' then
    begin perform als.train('other', 'select 1 / 0 as user_id, 1 as item_id, 1 as rating'); exception when others then null; end;
    begin perform als.predict('numbers', 'x', 1); exception when others then null; end;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create function meddled(tab text, event text, what text) returns text language plpgsql as $$
declare
  result text;
begin
  execute format('create trigger meddle %s on %s for each row execute function meddle(%L)', event, tab, what);
  begin
    perform als.train('numbers', 'ratings', factors => 3, iterations => 2, replace => true);
    result := 'trained ' || (select row(a.*)::text from all_of('numbers') as a);
    raise 'undo' using errcode = 'ALS00';
  exception when sqlstate 'ALS00' then null;
    when others then result := sqlstate;
  end;
  if to_regclass(tab) is not null then execute format('drop trigger if exists meddle on %s', tab); end if;
  return format('%s %s %s: %s', tab, event, what, result);
end $$;
select meddled('numbers', 'before insert', 'skip');
select meddled('numbers', 'before insert', 'ask');
select meddled('numbers', 'after insert', 'ask');
select meddled('numbers', 'before insert', 'other');
select meddled('numbers_item_factors', 'before insert', 'skip');
select meddled('numbers_item_factors', 'before insert', 'halve');
select meddled('numbers_item_factors', 'before insert', 'null');
select meddled('numbers_item_factors', 'before insert', 'other');
select meddled('numbers_item_factors', 'before insert', 'ask');
select meddled('numbers_item_factors', 'before insert', 'fail inside');
select meddled('numbers_user_factors', 'after insert', 'other');
select meddled('numbers_user_factors', 'after insert', 'ask');
select meddled('numbers_user_factors', 'after insert', 'fail inside');
select meddled('numbers_user_factors', 'before delete', 'other');
select meddled('numbers_user_factors', 'before insert', 'drop') ~ ': (55006|2BP01|55000)$' as dropped_meanwhile;
select meddled('numbers_user_factors', 'after insert', 'same') ~ ': (54001|27000|trained .*|55\d\d\d)$' as trains_itself;
select * from all_of('numbers');
begin;
create rule nothing as on insert to numbers do instead nothing;
select try('call train(''numbers'')') ~ '^[0-9A-Z]{5}$' as refused;
rollback;
begin;
create rule nothing as on insert to numbers_item_factors do instead nothing;
call train('numbers');
select * from all_of('numbers');
rollback;

-- Sources and lists that go round in circles end at the stack's limit, not beyond it.
set max_stack_depth = '200kB';
create view circle as select 1 as user_id, 2::bigint as item_id, 3 as rating;
call train('own', 'circle');
create or replace view circle as select 1 as user_id, 2::bigint as item_id, 3 as rating union all select 1, item_id, 4 from als.recommend('own', 1, 3);
select try('select count(*) from als.recommend(''own'', 1)');
reset max_stack_depth;
-- A source that asks more models than a session keeps plans for, while a list of it is made.
do $$ begin for i in 1 .. 24 loop perform als.train('many_' || i, 'select * from ratings limit 10', factors => 1, iterations => 1); end loop; end $$;
create function ask_many() returns int language plpgsql as $$
begin
  for i in 1 .. 24 loop
    perform als.predict(('many_' || i)::regclass, 1, 1), als.recommend(('many_' || i)::regclass, 1, 2);
  end loop;
  return 1;
end $$;
create view asking as select user_id, item_id, rating from ratings union all select 1, ask_many(), 3;
call train('asks', 'asking');
select count(*) from als.recommend('asks', 1, 3);
select count(*) from als.recommend('asks', 2, 3);
select count(*) from generate_series(1, 3) as u, als.recommend('asks', u, 1);
do $$ begin for i in 1 .. 24 loop perform als.drop_model(('many_' || i)::regclass); end loop; end $$;

-- A query that comes to mean something else while it is read.
create table swaps (left_over int);
create function swap() returns event_trigger language plpgsql as $$
begin
  if (select left_over from robustness.swaps) > 0 then
    update robustness.swaps set left_over = 0;
    alter table robustness.ratings rename to hidden;
    alter table robustness.texts rename to ratings;
    alter table robustness.hidden rename to texts;
  end if;
end $$;
create event trigger swap on ddl_command_end when tag in ('CREATE TABLE') execute function swap();
insert into swaps values (1);
select try('select als.train(''swapped'', ''select * from ratings'', factors => 2)') ~ '^(42804|55000)$' as refused;
update swaps set left_over = 1;
select try('select als.train(''swapped'', ''select * from texts'', factors => 2)') ~ '^(42804|55000)$' as refused;
drop event trigger swap;
select to_regclass('swapped'), pg_typeof(user_id) from ratings limit 1;

-- Arguments of all shapes.
select argument, try(format('select als.predict(''numbers'', %s, 1) is not null', argument)) as predict,
  try(format('select count(*) from als.recommend(''numbers'', %s, 2, false)', argument)) as recommend,
  try(format('select count(*) from als.recommend(''numbers'', 1, 2, false, candidates => %s)', argument)) as candidates,
  try(format('select count(*) from als.similar_items(''numbers'', %s, 2)', argument)) as similar_items,
  try(format('select count(*) from als.recommend(''words'', %s, 2, false)', argument)) as words
from unnest(array[
  '1', '''1''', '1::bigint', '1e300', '-1', '9223372036854775807', '''''', 'null', 'true', '''x''', '''1''::name', '''1''::char(5)', '''1''::varchar',
  'now()', '''(1,2)''::point', 'array[1]', 'array[[1],[2]]', '''{}''::int[]', '''[5:6]={1,2}''::int[]', 'array[null]::int[]', '''{}''', '''{1,null}''',
  'row(1, 2)', 'array[row(1, 2)]', '''1 2''::int2vector', 'repeat(''x'', 1000000)', 'array[repeat(''x'', 1000000)]', '''{"a": 1}''::jsonb', '''1''::tsvector', '''numbers''::regclass',
  'array[''1'', ''2'']', 'array[''1'', ''x'']', 'array[true]', '(select r from ratings as r limit 1)']) as argument;
select count(*) from als.recommend('numbers', 1, 2, false, candidates => array(select generate_series(1, 200000)), exclude => array(select generate_series(100000, 300000)));
select try('select als.predict(''numbers'', 1, 1, ' || quote_literal(repeat('é', 5000)) || ')');
select try('select als.train(''m'', ''ratings'', feedback => ' || quote_literal(repeat('é', 5000)) || ')');
select try('select als.train(' || quote_literal(repeat('x.', 5000)) || ', ''ratings'')') ~ '^42';
select try('select als.train(''m'', ' || quote_literal(repeat('(', 20000)) || ')') ~ '^(42601|54001)$';
-- Ids too large for an index.
select try('select als.train(''m'', ''select string_agg(md5(g::text), '''''''') as user_id, 1 as item_id, 1 as rating from generate_series(1, 500) as g'')');
select to_regclass('m');

-- In the places where expressions may stand.
create table scored (user_id int, item_id int, score real default als.predict('numbers', 1, 1), check (als.predict('numbers', user_id, item_id) is not null));
insert into scored values (1, 1), (2, 2);
select try('insert into scored values (999, 1)');
select count(score) from scored;
alter table scored add column list int default (als.predict('numbers', 2, 2))::int;
select count(list) from scored;
select try('create index on scored (als.predict(''numbers'', user_id, item_id))');
select try('alter table scored add column g real generated always as (als.predict(''numbers'', user_id, item_id)) stored');
create domain known_user as int check (als.predict('numbers', value, 1) is not null);
select 1::known_user, try('select 999::known_user');
create materialized view lists as select user_id, r.* from (select distinct user_id from ratings) as u, als.recommend('numbers', user_id, 2) as r;
refresh materialized view lists;
select count(*) from lists;
select try('select als.predict(''numbers'', 1, 1) from ratings group by als.predict(''numbers'', user_id, 1) having count(*) > 1000');
select count(distinct als.predict('numbers', user_id, item_id)) > 10 as aggregate, count(*) filter (where als.predict('numbers', user_id, item_id) > 0) > 10 as filter from ratings;
select count(*) > 0 as "window" from (select rank() over (partition by user_id order by als.predict('numbers', user_id, item_id)) from ratings) as w;
drop table scored;
drop domain known_user;

drop schema robustness cascade;
