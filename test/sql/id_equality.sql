-- Ids that are equal, but differ in their bytes: one id, by whichever spelling it is asked for.
create schema id_equality;
set search_path = id_equality;
set client_min_messages = warning;
set als.threads = 1;

create table cells as
select u, i, (u * 7 + i * 13) % 5 + 1 as rating
from generate_series(1, 8) as u, generate_series(1, 6) as i where (u * 31 + i * 17) % 3 <> 0;

-- a and b: two spellings of the n-th id. Users and items have the same ids.
create procedure check_spellings(title text, a text, b text) language plpgsql as $$
declare
  wrong text[] := '{}';
  failed bool;
  checks text[] := array[
    'bytes', 'select not bool_and(a = b) or not bool_or(record_image_ne(row(a), row(b))) from ids',
    'counts', 'select n_users <> 8 or n_items <> 6 from m',
    'predict', 'select bool_or(als.predict(''m'', x.a, y.a) is distinct from als.predict(''m'', x.b, y.b) or als.predict(''m'', x.a, y.b) is null)
      from ids as x, ids as y, generate_series(1, 5) where y.n <= 6',
    'text', 'select bool_or(als.predict(''m'', x.a::text, y.b::text) is distinct from als.predict(''m'', x.b::text, y.a::text)
        or als.predict(''m'', x.a::text, y.b::text) is null) from ids as x, ids as y where y.n <= 6',
    'recommend', 'select bool_or(to_jsonb(array(select r from als.recommend(''m'', a, 6, exclude_seen => false) as r))
        <> to_jsonb(array(select r from als.recommend(''m'', b, 6, exclude_seen => false) as r))
        or (select count(*) from als.recommend(''m'', b, 6)) <> 6 - (select count(*) from cells where u = n)) from ids',
    'candidates', 'select bool_or((select count(*) from als.recommend(''m'', a, 6, exclude_seen => false, candidates => array[a, b])) <> (n <= 6)::int
        or (select count(*) from als.recommend(''m'', a, 6, exclude_seen => false, exclude => array[b])) <> 6 - (n <= 6)::int) from ids',
    'similar', 'select bool_or(to_jsonb(array(select s from als.similar_users(''m'', a, 9) as s)) <> to_jsonb(array(select s from als.similar_users(''m'', b, 9) as s))
        or (select count(*) from als.similar_users(''m'', b, 9)) <> 7 or (select count(*) from als.similar_items(''m'', b, 9)) <> 5 * (n <= 6)::int) from ids',
    'explain', 'select bool_or((select string_agg(e::text, '' '') from als.explain(''m'', x.a, y.a) as e) <> (select string_agg(e::text, '' '') from als.explain(''m'', x.b, y.b) as e)
        or (select count(*) from als.explain(''m'', x.b, y.a)) < 2) from ids as x, ids as y where y.n <= 6',
    'fold_in', 'select bool_or(als.fold_in(''m'', array[a], ''{4}'') <> als.fold_in(''m'', array[b], ''{4}'')
        or (select count(*) from als.recommend_for(''m'', array[a], ''{4}'', 6)) <> 5) from ids where n <= 6',
    'loaded', 'select count(*) <> 2 from als.cache where model = ''m''::regclass and content like ''%factors''',
    'evaluate', 'select count(*) <> 1 from als.evaluate(''m'', ''turned'') as e where e.metric = ''rmse'' and n = (select count(*) from cells)',
    'refresh', 'select bool_or(als.refresh_users(''m'', array[a]) <> 1 or als.refresh_users(''m'', array[b]) <> 1 or als.refresh_items(''m'', array[b]) <> (n <= 6)::int) from ids',
    'refresh of the changed', 'select als.refresh_users(''m'') <> 0 or als.refresh_items(''m'') <> 0',
    'recommend_all', 'select als.recommend_all(''m'', ''lists'', 6) <> 48 - (select count(*) from cells)'];
begin
  execute format('create view ids as select n, %s as a, %s as b from generate_series(1, 8) as n', a, b);
  create view source as select case when (u + i) % 2 = 0 then x.a else x.b end as user_id, case when u % 2 = 0 then y.a else y.b end as item_id, rating
    from cells, ids as x, ids as y where x.n = u and y.n = i;
  create view turned as select case when (u + i) % 2 = 0 then x.b else x.a end as user_id, case when u % 2 = 0 then y.b else y.a end as item_id, rating
    from cells, ids as x, ids as y where x.n = u and y.n = i;
  perform als.train('m', 'source', factors => 3, iterations => 2);
  commit;
  for c in 1 .. array_length(checks, 1) by 2 loop
    begin
      execute checks[c + 1] into failed;
      if failed is distinct from false then wrong := wrong || checks[c]; end if;
    exception when others then
      wrong := wrong || (checks[c] || ': ' || sqlerrm);
    end;
  end loop;
  raise info '%: % wrong %', title, array_length(checks, 1) / 2, wrong;
  drop table if exists lists;
  perform als.drop_model('m');
  drop view source, turned, ids;
end $$;

create domain padded as bpchar;
create domain price as numeric;

create procedure check_all() language plpgsql as $$
begin
  call check_spellings('char(n)', $q$ ('i' || n)::char(4) $q$, $q$ ('i' || n)::char(8) $q$);
  call check_spellings('char', $q$ rpad('i' || n, 20)::bpchar $q$, $q$ ('i' || n)::bpchar $q$);
  call check_spellings('domain over char(n)', $q$ ('i' || n)::padded $q$, $q$ rpad('i' || n, 20)::bpchar::padded $q$);
  call check_spellings('numeric', $q$ n::numeric $q$, $q$ n + 0.000 $q$);
  call check_spellings('domain over numeric', $q$ n::price $q$, $q$ (n + 0.000)::price $q$);
  call check_spellings('real', $q$ (n - 3)::real $q$, $q$ case n when 3 then '-0'::real else n - 3 end $q$);
  call check_spellings('float8', $q$ (n - 3)::float8 $q$, $q$ case n when 3 then '-0'::float8 else n - 3 end $q$);
  call check_spellings('interval', $q$ n * interval '1 day' $q$, $q$ n * interval '24 hours' $q$);
  -- There are no arrays of arrays, so such ids come one at a time only.
  call check_spellings('array', $q$ array[n, 0.5] $q$, $q$ array[n + 0.0, 0.50] $q$);
  call check_spellings('range', $q$ numrange(n, n + 0.5) $q$, $q$ numrange(n + 0.0, n + 0.50) $q$);
  call check_spellings('jsonb', $q$ jsonb_build_object('id', n) $q$, $q$ jsonb_build_object('id', n + 0.0) $q$);
end $$;
call check_all();

-- Whatever the catalogs promise: some releases have promised equal bytes for char(n) and interval, and a cluster keeps
-- the catalogs of the release that made it.
create function promise(oid) returns bool immutable language sql as 'select true';
create temporary table btree as select oid as opfamily from pg_opfamily where opfmethod = (select oid from pg_am where amname = 'btree');
create temporary table promises as select p.* from pg_amproc as p join btree on amprocfamily = opfamily where amprocnum = 4;
insert into pg_amproc (oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc)
select pg_nextoid('pg_amproc', 'oid', 'pg_amproc_oid_index'), opcfamily, opcintype, opcintype, 4, 'promise'::regproc from pg_opclass join btree on opcfamily = opfamily
where opcdefault and not exists (select from promises where amprocfamily = opcfamily and amproclefttype = opcintype);
update pg_amproc set amproc = 'promise'::regproc where amprocnum = 4 and amprocfamily in (select opfamily from btree);
call check_all();
delete from pg_amproc where amprocnum = 4 and amprocfamily in (select opfamily from btree) and oid not in (select oid from promises);
update pg_amproc as a set amproc = p.amproc from promises as p where a.oid = p.oid;

-- What a server may lack: the output is the same then.
do $$
begin
  if exists (select from pg_available_extensions where name = 'citext') then
    create extension citext;
    call check_spellings('citext', $q$ ('i' || n)::citext $q$, $q$ ('I' || n)::citext $q$);
  else
    raise info 'citext: 14 wrong {}';
  end if;
  if getdatabaseencoding() = 'UTF8' and exists (select from pg_collation where collname like '%-x-icu') then
    create collation caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    call check_spellings('text, caseless', $q$ ('i' || n) collate caseless $q$, $q$ ('I' || n) collate caseless $q$);
    call check_spellings('varchar, caseless', $q$ ('i' || n)::varchar collate caseless $q$, $q$ ('I' || n)::varchar collate caseless $q$);
    call check_spellings('char(n), caseless', $q$ ('i' || n)::char(4) collate caseless $q$, $q$ ('I' || n)::char(6) collate caseless $q$);
    -- The server's hashes of names know nothing of collations.
    begin
      perform als.train('bad', 'select (''i'' || u)::name collate caseless as user_id, i as item_id, rating from cells');
    exception when undefined_function then
      raise info '%', sqlerrm;
    end;
  else
    raise info 'text, caseless: 14 wrong {}';
    raise info 'varchar, caseless: 14 wrong {}';
    raise info 'char(n), caseless: 14 wrong {}';
    raise info 'user ids of type name cannot be ids';
  end if;
end $$;
-- Ids of no certain collation.
select als.train('bad', 'select a.user_id || b.user_id as user_id, 1 as item_id from (values (''a'' collate "C")) as a (user_id), (values (''b'' collate "POSIX")) as b (user_id)', rating_col => null, feedback => 'implicit');

drop schema id_equality cascade;
