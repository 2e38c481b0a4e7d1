-- Fails the n-th call of a kind, for all n, in each function of als, and looks at what is left. Run by test/tools/test-faults
-- with the module of test/faults/faults.cpp; prints a line of TAP for each function and kind. :every is how far apart n are
-- once there are many: 1 tries all.
\set ON_ERROR_STOP 1
\set QUIET 1
set client_min_messages = warning;
create extension als;
create extension dblink;
create function fault_arm(kind int, n bigint) returns void language c as '$libdir/als', 'als_fault_arm';
create function fault_left() returns bigint language c as '$libdir/als', 'als_fault_left';
create function fault_heap() returns bigint language c as '$libdir/als', 'als_fault_heap';

\ir calls.sql

-- The session in which calls fail.
create procedure reconnect(threads int) language plpgsql as $$
begin
  if 'c' = any (dblink_get_connections()) then
    perform dblink_disconnect('c');
  end if;
  perform dblink_connect('c', format('dbname=%s host=%s port=%s', current_database(),
    current_setting('unix_socket_directories'), current_setting('port')));
  perform dblink_exec('c', format('set als.threads = %s; set client_min_messages = warning', threads));
end
$$;
create function there(query text) returns text language plpgsql as $$
declare
  answer text;
begin
  select t.a into answer from dblink('c', query) t(a text);
  return answer;
end
$$;
-- What the session holds besides the server's caches: bytes of C++, and of memory contexts.
create function held() returns bigint language sql as $$
  select there($q$
    select fault_heap() - sum(total_bytes)
      + sum(used_bytes) filter (where name <> 'CacheMemoryContext' and parent is distinct from 'CacheMemoryContext')
    from pg_backend_memory_contexts $q$)::bigint
$$;
-- What a call answers, in a transaction that is rolled back.
create function answer(call text) returns text language plpgsql as $$
declare
  text text;
begin
  perform dblink_exec('c', 'begin');
  text := there(format('select string_agg(t::text, chr(10)) from (%s) t', call));
  perform dblink_exec('c', 'rollback');
  return text;
end
$$;
-- Lets the n-th point of a kind fail. Whether it did; and what is wrong, if anything.
create procedure try(call text, before text, kind int, n bigint, expected text, inout reached boolean, inout wrong text) language plpgsql as $$
declare
  state text := '00000';
  message text;
  got text;
begin
  wrong := null;
  if before = 'touch' then
    perform dblink_exec('c', $q$do 'begin perform als.touch(''m''); perform als.touch(''implicit''); perform als.touch(''featured''); perform als.touch(''known''); end'$q$);
  elsif before is not null then
    perform dblink_exec('c', before);
  end if;
  perform dblink_exec('c', 'begin');
  perform there(format('select fault_arm(%s, %s)', kind, n));
  begin
    got := there(format('select string_agg(t::text, chr(10)) from (%s) t', call));
  exception when others or query_canceled then
    get stacked diagnostics state = returned_sqlstate, message = message_text;
  end;
  if state like '08%' then
    wrong := 'the session is gone: ' || message;
    return;
  end if;
  perform dblink_exec('c', 'rollback');
  reached := there('select fault_left()')::bigint <= 0;
  if state = '00000' and got is distinct from expected then
    wrong := 'went on, and answered ' || coalesce(got, 'null');
  elsif state <> '00000' and not reached then
    wrong := 'failed without a fault: ' || state || ' ' || message;
  elsif state <> all (case kind when 3 then '{00000,53200}' when 5 then '{00000,57014}' else '{00000,53000,53200}' end::text[]) then
    wrong := state || ' ' || message;
  end if;
  if wrong is null then
    got := answer(call);
    if got is distinct from expected then
      wrong := 'the next call answers ' || coalesce(got, 'null');
    end if;
  end if;
  if wrong is null and there('select count(*) from pg_locks where pid = pg_backend_pid() and not fastpath and locktype <> ''virtualxid''')::int
    > 1 then
    wrong := 'locks are left';
  end if;
exception when others then
  get stacked diagnostics state = returned_sqlstate, message = message_text;
  wrong := 'afterwards: ' || state || ' ' || message;
end
$$;

create table results (number int, name text, kind text, points bigint, tried bigint, grown bigint, wrong text[]);
create procedure fail_all(every int, names text) language plpgsql as $$
declare
  c record;
  kinds text[] := array['server', 'after', 'memory', 'thread', 'cancel'];
  kind int;
  n bigint;
  tried bigint;
  heap bigint;
  expected text;
  reached boolean;
  bad text;
  wrong text[];
begin
  for c in select * from calls where name like names order by number loop
    for kind in 1..5 loop
      continue when kind = 4 and c.threads = 1;
      call reconnect(c.threads);
      if c.before is not null and c.before <> 'touch' then
        perform dblink_exec('c', c.before);
      end if;
      wrong := '{}';
      begin
        expected := answer(c.call);
      exception when others then
        insert into results values (c.number, c.name, kinds[kind], 0, 0, 0, array['without a fault: ' || sqlerrm]);
        exit;
      end;
      -- What a session keeps once it has failed for the first time.
      for warm in 1..3 loop
        call try(c.call, c.before, kind, warm, expected, reached, bad);
        exit when not reached or bad is not null;
      end loop;
      heap := held();
      n := 1;
      tried := 0;
      loop
        call try(c.call, c.before, kind, n, expected, reached, bad);
        if bad is not null then
          wrong := wrong || format('at %s: %s', n, bad);
          exit when array_length(wrong, 1) >= 5;
          call reconnect(c.threads);
          heap := null;
          reached := true;
        end if;
        exit when not reached;
        tried := tried + 1;
        n := n + case when every > 1 and n > 20 then 1 + (n * random() * every / 100)::bigint else 1 end;
        commit;
      end loop;
      insert into results
      values (c.number, c.name, kinds[kind], n - 1, tried, held() - heap, wrong);
      commit;
    end loop;
  end loop;
end
$$;
call fail_all(:every, :'only');
\pset format unaligned
\pset tuples_only on
select case when wrong = '{}' and coalesce(grown, 0) < 100000 then 'ok' else 'not ok' end || ' ' || row_number() over (order by number, kind)
  || format(' - %s, %s: failed at %s of %s points', name, kind, tried, points)
  || case when abs(coalesce(grown, 0)) >= 100000 then format(', %s bytes more', grown) else '' end
  || case when wrong <> '{}' then E'\n#  ' || array_to_string(wrong, E'\n#  ') else '' end
from results order by number, kind;
select dblink_disconnect('c') \g /dev/null
select format('# %s faults', sum(tried)) from results;
