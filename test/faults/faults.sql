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

create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 13) % 5)::float8 as rating, timestamp '2026-01-01' + u * interval '1 minute' as at
from generate_series(1, 12) u, generate_series(1, 9) i where (u * 31 + i * 17) % 10 < 6;
create table texts as select 'u' || user_id as user_id, 'i' || item_id as item_id, rating from ratings;
create table items as select i as item_id, 'kind ' || i % 3 as kind, i * 1.5 as price from generate_series(1, 11) i;
select from als.train('m', 'ratings', factors => 4, iterations => 3, threads => 1) \g /dev/null
select from als.train('implicit', 'texts', feedback => 'implicit', factors => 4, iterations => 3, threads => 1) \g /dev/null
select from als.track('m') \g /dev/null

create function note() returns int language sql as 'insert into ratings values (100, 2, 3, now()) returning user_id';

create table calls (number int generated always as identity, name text, threads int default 1, before text, call text);
insert into calls (name, threads, before, call) values
  ('train', 2, null, $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 4, iterations => 2)$$),
  ('train, implicit, texts', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'texts', feedback => 'implicit', factors => 4, iterations => 2, holdout => 0.2)$$),
  ('train, item_features', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 4, iterations => 2, item_features => 'items')$$),
  ('train, functions', 1, null,
   $$select n_ratings, loss from als.train('fresh', 'ratings', factors => 2, iterations => 1, functions => true)$$),
  ('retrain', 1, null, $$select run, loss from als.retrain('m', iterations => 2, keep_previous => true)$$),
  ('train by options', 1, null, $$select n_ratings, loss from als.train('fresh', 'ratings', '{"factors": 2, "iterations": 1}'::jsonb)$$),
  ('tune', 2, null,
   $$select count(*), count(value) from als.tune('ratings', '{"factors": [2], "regularization": [0.1, 1], "iterations": [2]}')$$),
  ('import_model', 1, null,
   $$select n_users, n_items from als.import_model('fresh', 'select user_id, factors from m_user_factors',
     'select item_id, factors from m_item_factors')$$),
  ('attach_model', 1,
   'create table if not exists au as table m_user_factors;
    create table if not exists ai as table m_item_factors',
   $$select n_users, n_items from als.attach_model('fresh', 'au', 'ai')$$),
  ('predict', 1, null, $$select als.predict('m', 1, 2)$$),
  ('predict, cold', 1, 'touch', $$select als.predict('m', 1, 2)$$),
  ('recommend', 1, null, $$select * from als.recommend('m', 1, 3)$$),
  ('recommend, cold', 1, 'touch', $$select * from als.recommend('m', 1, 3)$$),
  ('recommend, own changes', 1, null,
   $$select * from (with changed as materialized (select als.touch('m'::regclass)) select r.* from changed, als.recommend('m', 1, 3) r) r$$),
  ('recommend, texts, diversity', 1, null,
   $$select * from als.recommend('implicit', 'u1', 3, exclude => array['i2'], candidates => array['i1','i3','i4','i5'], diversity => 0.5)$$),
  ('recommend_users', 1, null, $$select * from als.recommend_users('m', 1, 3)$$),
  ('recommend_users, cold', 1, 'touch', $$select * from als.recommend_users('m', 1, 3)$$),
  ('recommend_for', 1, null, $$select * from als.recommend_for('m', array[1, 2], array[5, 1], 3)$$),
  ('recommend_for, cold, implicit', 1, 'touch', $$select * from als.recommend_for('implicit', array['i1', 'i2'], k => 3)$$),
  ('recommend_vector', 1, null, $$select * from als.recommend_vector('m', array[1, 0, 1, 0]::real[], k => 3)$$),
  ('fold_in', 1, 'touch', $$select als.fold_in('implicit', array['i1', 'i3'])$$),
  ('fold_in_item', 1, null, $$select als.fold_in_item('m', array[1, 3], array[4, 2])$$),
  ('similar_items', 1, 'touch', $$select * from als.similar_items('m', 2, 3)$$),
  ('similar_users', 1, null, $$select * from als.similar_users('m', 2, 3, measure => 'cosine')$$),
  ('explain', 1, 'touch', $$select * from als.explain('m', 1, 2, 3)$$),
  ('explain, implicit', 1, null, $$select * from als.explain('implicit', 'u1', 'i2', 3)$$),
  ('recommend_all', 2, 'touch', $$select als.recommend_all('m', 'fresh', 3)$$),
  ('recommend_users_all', 1, null, $$select als.recommend_users_all('implicit', 'fresh', 3)$$),
  ('evaluate', 2, 'touch', $$select metric, k, n from als.evaluate('m', 'ratings', array[2], exclude_seen => false)$$),
  ('evaluate_by_activity', 1, null,
   $$select metric, k, n from als.evaluate_by_activity('implicit', 'texts', array[2], exclude_seen => false)$$),
  ('compare', 1, null, $$select metric, k, n from als.compare('m', 'm', 'ratings', array[2], exclude_seen => false)$$),
  ('report', 1, null, $$select length(als.report('m')) > 1000$$),
  ('refresh_users', 1, null, $$select als.refresh_users('m', array[1, 2], force => true)$$),
  ('refresh_items', 1, null, $$select als.refresh_items('m', force => true)$$),
  ('refresh', 1, 'insert into ratings select 13, 1, 3, now() where not exists (select from ratings where user_id = 13)',
   $$select * from als.refresh('m')$$),
  ('noted changes', 1, null, $$select note()$$),
  ('track', 1, null, $$select als.track('implicit') is not null$$),
  ('untrack', 1, null, $$select als.untrack('m')$$),
  ('create_functions', 1, null, $$select count(*) from als.create_functions('m')$$),
  ('rollback_model', 1, null,
   $$select run from (select als.retrain('m', iterations => 1, keep_previous => true)) t, als.rollback_model('m')$$),
  ('drop_model', 1, null, $$select als.drop_model('m')$$),
  ('models', 1, null, $$select m::text from als.models m order by 1$$),
  ('latest_run', 1, null, $$select run from als.latest_run('m')$$),
  ('cache', 1, null, $$select count(*) >= 0 from als.cache$$),
  ('split', 1, null, $$select count(*) >= 0 from (select als.split('ratings', 'test')) s$$),
  ('hash_fraction', 1, null, $$select als.hash_fraction(1, 'a'::text)$$),
  ('dot, cosine', 1, null, $$select als.dot('{1,2}', '{3,4}'), als.cosine('{1,2}', '{3,4}')$$),
  ('equations, solve', 1, null,
   $$select als.solve(als.equations(f.factors, r.rating), 0.1) from ratings r join m_item_factors f using (item_id) where user_id = 1$$),
  ('implicit_equations, gram', 1, null,
   $$select als.solve(als.implicit_equations(f.factors, r.rating, 1), 0.1, gram => (select als.gram(factors) from m_item_factors))
     from ratings r join m_item_factors f using (item_id) where user_id = 1$$);

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
    perform dblink_exec('c', $q$do 'begin perform als.touch(''m''); perform als.touch(''implicit''); end'$q$);
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
