-- als.dot and als.cosine.
\set VERBOSITY terse
set extra_float_digits = 0;
select als.dot('{1,2,3}', '{4,5,6}'), als.dot(array[1.5, -2], array[2, 0.25]::real[]), als.dot('{}', '{}'), als.dot('{0}', '{5}');
select als.cosine('{1,0}', '{0,1}'), als.cosine('{1,2}', '{2,4}'), als.cosine('{1,2}', '{-1,-2}'), round(als.cosine('{1,1}', '{1,0}')::numeric, 6);
-- A zero vector has no direction; the empty one neither.
select als.cosine('{0,0}', '{1,2}'), als.cosine('{1,2}', '{0,0}'), als.cosine('{0,0}', '{0,0}'), als.cosine('{}', '{}');
-- Null in, null out.
select als.dot(null, '{1}'), als.dot('{1}', null), als.cosine(null, '{1}'), als.cosine('{1}', null);
-- Other number types, other lower bounds, long vectors.
select als.dot('[5:7]={1,2,3}', '{4,5,6}'), als.cosine('[0:1]={1,2}', '{2,4}');
select als.dot(array_agg(i::real), array_agg(1::real)) from generate_series(1, 1000) as i;
select als.dot(array_agg(1::real order by i), array_agg((i % 7)::real order by i)) = sum(i % 7) from generate_series(1, 100000) as i;
select n, als.dot(array_fill(2::real, array[n]), array_fill(3::real, array[n])) as dot, als.cosine(array_fill(2::real, array[n]), array_fill(3::real, array[n])) as cosine
from unnest(array[1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 1024]) as n;
-- Extremes: cosine neither overflows nor vanishes.
select als.cosine('{1e30,1e30}', '{1e30,1e30}'), als.cosine('{1e-30,0}', '{1e-30,0}'), als.cosine('{1e30}', '{1e-30}');
select als.dot('{NaN,1}', '{1,1}'), als.dot('{Infinity}', '{1}'), als.dot('{Infinity}', '{0}'), als.dot('{3e38}', '{3e38}'), als.cosine('{NaN}', '{1}');
-- Symmetric, bit for bit.
select count(*) as n, count(*) filter (where als.dot(a, b) <> als.dot(b, a) or als.cosine(a, b) <> als.cosine(b, a)) as asymmetric
from (select array_agg(((i * 7919 + j) % 101 / 13.0)::real order by i) as a, array_agg(((i * 104729 + j * j) % 97 / 11.0)::real order by i) as b
      from generate_series(1, 37) as i, generate_series(1, 20) as j group by j) as pairs;
-- Stored compressed and out of line, and with a short header.
create temp table vectors (id int, v real[]);
insert into vectors values (1, array_fill(1::real, array[5000])), (2, (select array_agg((hashint4(i) % 1000)::real) from generate_series(1, 5000) as i)), (3, '{1,2}');
select id, als.dot(v, v) = (select sum(x::float8 * x) from unnest(v) as x)::real or abs(als.dot(v, v) / (select sum(x::float8 * x) from unnest(v) as x) - 1) < 1e-5 as dot, als.cosine(v, v) from vectors order by id;

create function pg_temp.try(statement text) returns text language plpgsql as $$
declare
  state text; message text; detail text; hint text;
begin
  execute statement;
  return 'no error';
exception when others then
  get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
  return state || ' ' || message || coalesce(E'\n  detail: ' || nullif(detail, ''), '') || coalesce(E'\n  hint: ' || nullif(hint, ''), '');
end $$;
\pset format unaligned
\pset tuples_only on
select pg_temp.try($$select als.dot('{1,2}', '{1}')$$);
select pg_temp.try($$select als.cosine('{1,2}', '{}')$$);
select pg_temp.try($$select als.dot('{{1,2},{3,4}}', '{1,2}')$$);
select pg_temp.try($$select als.cosine('{1,2}', '{{1,2}}')$$);
select pg_temp.try($$select als.dot('{{1,2},{3,4}}', '{{1,2},{3,4}}')$$);
select pg_temp.try($$select als.dot('{1,null}', '{1,2}')$$);
select pg_temp.try($$select als.cosine('{1,2}', '{null,2}')$$);
-- A null that was there once is none.
select als.dot((array[1, null, 3]::real[])[3:3], '{2}'), als.dot(array_remove(array[1, null]::real[], null), '{2}');
-- They can stand in an index.
create temp table indexed as select 1 as id, '{3,4}'::real[] as v;
create index on indexed (als.dot(v, v));
select id from indexed where als.dot(v, v) = 25;
select proname, provolatile, proparallel, proisstrict from pg_proc where oid in ('als.dot(real[],real[])'::regprocedure, 'als.cosine(real[],real[])'::regprocedure) order by 1;
