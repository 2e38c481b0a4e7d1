-- Distributed trainings within others: functions of a source, and triggers of a model's tables, that train themselves.
create schema distributed_nested;
set search_path = distributed_nested;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

create table ratings as
select u as user_id, i as item_id, (1 + 4 * als.hash_fraction(u, i, 'rating') + 2 * cos(u % 7 + i % 5))::real as rating
from generate_series(1, 300) u, generate_series(1, 40) i where als.hash_fraction(u, i) < 0.2;
create function train(model text, source text = 'ratings') returns void language plpgsql as $$
begin
  perform als.train(model, source, factors => 5, iterations => 3, distributed => true, parts => 3, replace => true);
end $$;
create function bits(model text) returns text language plpgsql as $$
declare result text;
begin
  execute format('select md5((select string_agg(u::text, '','' order by user_id) from %1$s_user_factors u) || (select string_agg(i::text, '','' order by item_id) from %1$s_item_factors i))', model) into result;
  return result;
end $$;
select train('alone');

-- The same ratings, some rows of which train the same model under another name.
create function trained(model text) returns boolean language plpgsql as $$
begin
  perform train(model);
  return true;
end $$;
create view trains as select * from ratings where case when user_id = 7 then trained('inner_' || item_id % 2) else true end;
select train('trains_others', 'trains');
select bits('trains_others') = bits('alone') as trains_others, bits('inner_0') = bits('alone') as inner_0, bits('inner_1') = bits('alone') as inner_1, (select count(*) from inner_0_user_factors) as users;

-- A trigger on what a training writes.
create function train_too() returns trigger language plpgsql as $$
begin
  perform train(tg_argv[0]);
  return new;
end $$;
select train('written'), train('beside');
create trigger train_too before insert on written_user_factors for each row when (new.user_id % 100 = 3) execute function train_too('beside');
create trigger train_too before insert on written_item_factors for each row when (new.item_id = 7) execute function train_too('beside');
select train('written');
select bits('written') = bits('alone') as written, bits('beside') = bits('alone') as beside;
-- One that fails, and is not the end of the transaction.
create function fail() returns trigger language plpgsql as $$
begin
  begin
    perform train('beside', 'select * from ratings where 1 / (user_id - 3) is not null');
  exception when division_by_zero then
    begin
      perform als.train('beside', 'ratings', factors => 5, iterations => 3, distributed => true, feedback => 'implicit', replace => true);
      raise 'not that one';
    exception when raise_exception then
      perform train('written_too');
    end;
  end;
  return new;
end $$;
drop trigger train_too on written_user_factors;
create trigger train_too before insert on written_user_factors for each row when (new.user_id % 100 = 3) execute function fail();
select train('written');
select bits('written') = bits('alone') as written, bits('beside') = bits('alone') as beside, bits('written_too') = bits('alone') as written_too;

-- What has been kept by a subtransaction goes with it: of two chunks of a user's 60 ratings there is room for one.
create function is_kept() returns boolean language sql as $$
  select octet_length(als._chunk(row, 1, 0, 0, 60, 0, 0, 0, null, numbers)) < 400 as is_kept
  from (select '\x0100000000000000'::bytea || '\x3c00000000000000'::bytea || '\x0000000000000000' || string_agg(set_byte('\x000000000000803f'::bytea, 0, i), '') as row,
          '\x0100000000000000'::bytea || '\x0000000000000000' || '\x3c00000000000000'::bytea || string_agg(set_byte('\x00000000'::bytea, 0, i), '') as numbers
        from generate_series(0, 59) i) bytes
$$;
begin;
set local als.max_memory = '8kB';
savepoint before;
select is_kept();
savepoint within;
select is_kept();
rollback to within;
select is_kept();
rollback to before;
select is_kept();
release before;
select is_kept();
commit;
drop schema distributed_nested cascade;
