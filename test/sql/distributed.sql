-- als.train(..., distributed => true) over plain tables of one server: the same model as a training in one place.
create schema distributed;
set search_path = distributed;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (1 + 4 * als.hash_fraction(u, i, 'rating') + 2 * cos(u % 7 + i % 5))::real as rating
from generate_series(1, 600) u, generate_series(1, 80) i where als.hash_fraction(u, i) < 0.2;

-- How far apart two models are after each iteration, in parts of the loss.
create function apart(a regclass, b regclass) returns text language plpgsql as $$
declare far float8; n int;
begin
  execute format('select max(abs(x / y - 1)), count(*) from %s a join %s b using (run), unnest(a.loss, b.loss) l(x, y)', a, b) into far, n;
  return n || ' iterations, ' || case when far < 1e-5 then 'within 1e-5' else far::text end;
end $$;
create function trained(model text, options text) returns text language plpgsql as $$
begin
  execute format('select from als.train(%L, ''ratings'', factors => 9, iterations => 4, %s)', model, options);
  return model;
end $$;
select trained('alone', 'biases => true'), trained('parts_1', 'biases => true, distributed => true'), trained('parts_3', 'biases => true, distributed => true, parts => 3'), trained('parts_8', 'biases => true, distributed => true, parts => 8');
select apart('alone', 'parts_1'), apart('alone', 'parts_3'), apart('alone', 'parts_8');
select n_rows, n_skipped, n_duplicates, n_ratings, n_users, n_items, solver, distributed, parts from alone union all
select n_rows, n_skipped, n_duplicates, n_ratings, n_users, n_items, solver, distributed, parts from parts_8;
select abs(a.mean - b.mean) < 1e-9 as mean, abs(a.spread - b.spread) < 1e-9 as spread, abs(a.damping / b.damping - 1) < 1e-9 as damping, abs(a.regularization / b.regularization - 1) < 1e-9 as regularization,
  (a.lowest_rating, a.highest_rating) = (b.lowest_rating, b.highest_rating) as range
from alone a, parts_8 b;
-- The rows of the factor tables are those of the other model.
select count(*) as users, count(*) filter (where a.n_ratings <> b.n_ratings or a.checksum <> b.checksum) as differ,
  max(abs(als.predict('alone', user_id, 3) - als.predict('parts_3', user_id, 3))) < 0.01 as close
from alone_user_factors a join parts_3_user_factors b using (user_id);
select count(*) as items, count(*) filter (where a.n_ratings <> b.n_ratings or a.checksum <> b.checksum or b.checksum is null or abs(a.popularity - b.popularity) > 1e-5) as differ
from alone_item_factors a join parts_3_item_factors b using (item_id);
-- Nothing is left of its tables.
select count(*) from pg_class where relnamespace = 'distributed'::regnamespace and relname like 'als\_%';
-- The same bits again.
select trained('parts_3_too', 'biases => true, distributed => true, parts => 3');
-- It is not done in steps.
call als.retrain_in_steps('parts_3_too');
select count(*) filter (where a.factors <> b.factors or a.bias <> b.bias) as differ from parts_3_user_factors a join parts_3_too_user_factors b using (user_id);
-- And where there is no memory for chunks, users and slices to be kept from step to step.
set als.max_memory = '8kB';
select trained('parts_3_unkept', 'biases => true, distributed => true, parts => 3');
reset als.max_memory;
select count(*) filter (where a.factors <> b.factors or a.bias <> b.bias) as differ from parts_3_user_factors a join parts_3_unkept_user_factors b using (user_id);

-- Without biases, and implicit feedback.
select trained('plain', 'biases => false'), trained('plain_parts', 'biases => false, distributed => true, parts => 2');
select apart('plain', 'plain_parts');
select trained('implicit', 'feedback => ''implicit'''), trained('implicit_parts', 'feedback => ''implicit'', distributed => true, parts => 5');
select apart('implicit', 'implicit_parts');
select abs(a.alpha / b.alpha - 1) < 1e-9 as alpha, abs(a.regularization / b.regularization - 1) < 1e-9 as regularization from implicit a, implicit_parts b;
select count(*) filter (where a.popularity <> b.popularity) as differ from implicit_item_factors a join implicit_parts_item_factors b using (item_id);
select trained('seven', 'rating_col => null, feedback => ''implicit'', alpha => 7, regularization => 0.1, reg_exponent => 1'),
  trained('seven_parts', 'rating_col => null, feedback => ''implicit'', alpha => 7, regularization => 0.1, reg_exponent => 1, distributed => true');
select apart('seven', 'seven_parts');
-- The same ratings are kept out, and come to the same.
select trained('held', 'holdout => 0.3, solver => ''cg'''), trained('held_parts', 'holdout => 0.3, distributed => true, parts => 3');
select trained('recalled', 'holdout => 0.3, feedback => ''implicit'''), trained('recalled_parts', 'holdout => 0.3, feedback => ''implicit'', distributed => true, parts => 3');
select apart('held', 'held_parts'), apart('recalled', 'recalled_parts');
select b.n_holdout, b.n_holdout = a.n_holdout as equal, b.n_ratings = a.n_ratings as ratings, b.holdout_metric,
  (select max(abs(x / y - 1)) < 1e-4 and count(*) = 4 from unnest(a.holdout_values, b.holdout_values) as l(x, y)) as close, abs(a.regularization / b.regularization - 1) < 1e-9 as regularization
from held a, held_parts b
union all
select b.n_holdout, b.n_holdout = a.n_holdout, b.n_ratings = a.n_ratings, b.holdout_metric,
  (select max(abs(x / y - 1)) < 0.01 and count(*) = 4 from unnest(a.holdout_values, b.holdout_values) as l(x, y)), abs(a.regularization / b.regularization - 1) < 1e-9
from recalled a, recalled_parts b;
-- Of many users some are looked at, the same ones.
create table many as
select u as user_id, i as item_id from generate_series(1, 2600) u, generate_series(1, 40) i where als.hash_fraction(u, i) < 0.1 + 0.3 * (u % 2 + i % 2);
select from als.train('many_alone', 'many', rating_col => null, feedback => 'implicit', factors => 4, iterations => 2, holdout => 0.3);
select from als.train('many_parts', 'many', rating_col => null, feedback => 'implicit', factors => 4, iterations => 2, holdout => 0.3, distributed => true, parts => 3);
select max(abs(x / y - 1)) < 0.01 as close from many_alone a, many_parts b, unnest(a.holdout_values, b.holdout_values) as l(x, y);
-- The run before is kept, until the next.
select from als.train('held_parts', 'ratings', factors => 9, iterations => 2, distributed => true, replace => true, keep_previous => true);
select run from als.rollback_model('held_parts');
select abs(als.predict('held_parts', 3, 5) - als.predict('held', 3, 5)) < 0.01 as is_back;
select from als.train('held_parts', 'ratings', factors => 9, iterations => 2, distributed => true, replace => true, keep_previous => true);
select from als.train('held_parts', 'ratings', factors => 9, iterations => 2, distributed => true, replace => true);
select try($$select als.rollback_model('held_parts')$$);
-- From the factors that a model has, of both sides; ids that are new begin as always.
create view some_ratings as select * from ratings where user_id > 50 and item_id > 9;
create table more_ratings as select user_id::bigint, item_id::bigint, rating from ratings;
create function warmed(model text, source text, options text) returns text language plpgsql as $$
begin
  execute format('select from als.train(%L, ''some_ratings'', factors => 9, iterations => 3, %s)', model, options);
  execute format('select from als.train(%L, %L, factors => 9, iterations => 3, replace => true, warm_start => true, %s)', model, source, options);
  return model;
end $$;
select warmed('warm', 'ratings', 'solver => ''cg'''), warmed('warm_parts', 'ratings', 'distributed => true, parts => 3');
select warmed('warm_wide', 'more_ratings', 'solver => ''cg'''), warmed('warm_wide_parts', 'more_ratings', 'distributed => true, parts => 3');
select warmed('warm_plain', 'ratings', 'biases => false, solver => ''cg'''), warmed('warm_plain_parts', 'ratings', 'biases => false, distributed => true, parts => 3');
select warmed('warm_implicit', 'ratings', 'feedback => ''implicit'''), warmed('warm_implicit_parts', 'ratings', 'feedback => ''implicit'', distributed => true, parts => 3');
select apart('warm', 'warm_parts'), apart('warm_wide', 'warm_wide_parts'), apart('warm_plain', 'warm_plain_parts'), apart('warm_implicit', 'warm_implicit_parts');
select warm_start, distributed, (select loss[1] from warm_parts where run = 2) < (select loss[2] from parts_3) as is_ahead from als.retrain('warm_parts', iterations => 1);
select try($$select als.train('warm_parts', 'ratings', factors => 8, distributed => true, replace => true, warm_start => true)$$);
select try($$select als.train('warm_parts', 'ratings', feedback => 'implicit', factors => 9, distributed => true, replace => true, warm_start => true)$$);
update warm_parts_user_factors set factors = factors[1:3] where user_id = 77;
select try($$select als.train('warm_parts', 'ratings', factors => 9, distributed => true, replace => true, warm_start => true)$$);
update warm_parts_user_factors set factors = array_fill('NaN'::real, '{9}') where user_id = 77;
select try($$select als.train('warm_parts', 'ratings', factors => 9, distributed => true, replace => true, warm_start => true)$$);
-- A tolerance ends both after the same iteration.
select trained('tolerant', 'tolerance => 0.5'), trained('tolerant_parts', 'tolerance => 0.5, distributed => true, parts => 2');
select apart('tolerant', 'tolerant_parts');

-- It serves, and is trained again, as it was or otherwise.
select count(*) from als.recommend('parts_3', 7, 5);
insert into ratings values (1001, 7, 3), (1001, 9, 4), (1001, 81, 2);
select n_users, n_items, distributed, parts, run from als.retrain('parts_3');
select n_users, distributed, parts from als.retrain('parts_3', parts => 2);
select n_users, distributed, parts from als.retrain('parts_3', distributed => false);
select count(*) from als.recommend('parts_3', 1001, 5);

-- Rows with nulls, several for a pair, and ids of any type.
create table messy as select user_id, item_id, rating from ratings union all select user_id, item_id, rating + 1 from ratings where user_id % 10 = 0
union all values (null, 3, 3), (3, null, 3), (3, 3, null);
create function trained_on(model text, source text, options text) returns text language plpgsql as $$
begin
  execute format('select from als.train(%L, %L, factors => 5, iterations => 3, %s)', model, source, options);
  return model;
end $$;
select trained_on('messy_alone', 'messy', 'seed => 1'), trained_on('messy_parts', 'messy', 'seed => 1, distributed => true, parts => 3');
select apart('messy_alone', 'messy_parts');
select n_rows, n_skipped, n_duplicates, n_ratings from messy_alone union all select n_rows, n_skipped, n_duplicates, n_ratings from messy_parts;
select trained_on('summed', 'messy', 'on_duplicate => ''sum'''), trained_on('summed_parts', 'messy', 'on_duplicate => ''sum'', distributed => true');
select apart('summed', 'summed_parts');
select trained_on('texts', $$select 'user ' || user_id as user_id, ('item' || item_id)::varchar as item_id, rating from ratings$$, 'seed => 2'),
  trained_on('texts_parts', $$select 'user ' || user_id as user_id, ('item' || item_id)::varchar as item_id, rating from ratings$$, 'seed => 2, distributed => true, parts => 2');
select apart('texts', 'texts_parts');
select trained_on('mixed', $$select md5(user_id::text)::uuid as user_id, item_id::numeric / 2 as item_id, rating from ratings$$, 'seed => 2'),
  trained_on('mixed_parts', $$select md5(user_id::text)::uuid as user_id, item_id::numeric / 2 as item_id, rating from ratings$$, 'seed => 2, distributed => true, parts => 2');
select apart('mixed', 'mixed_parts');

-- More items than one slice has, in several parts.
create table wide as select u as user_id, floor(17000 * als.hash_fraction(u, k))::int as item_id, 1 + 4 * als.hash_fraction(u, k, 'rating') as rating
from generate_series(1, 200) u, generate_series(1, 300) k;
create function trained_wide(model text, options text) returns text language plpgsql as $$
begin
  execute format('select from als.train(%L, ''wide'', factors => 80, iterations => 2, biases => true, %s)', model, options);
  return model;
end $$;
select trained_wide('wide_alone', 'solver => ''cg'''), trained_wide('wide_parts', 'distributed => true, parts => 3');
select apart('wide_alone', 'wide_parts');
select count(*) as items, count(*) filter (where a.n_ratings <> b.n_ratings or a.checksum <> b.checksum or b.checksum is null) as differ
from wide_alone_item_factors a join wide_parts_item_factors b using (item_id);

-- What it cannot do, and mistakes.
select try($$select als.train('no', 'ratings', distributed => true, nonnegative => true)$$);
select try($$select als.train('no', 'ratings', distributed => true, solver => 'direct')$$);
select try($$select als.train('no', 'ratings', parts => 3)$$);
select try($$select als.train('no', 'ratings', distributed => true, parts => 0)$$);
select try($$select als.train('no', 'ratings', distributed => null)$$);
select try($$select als.train('no', 'select * from ratings where false', distributed => true)$$);
select try($$select als.train('no', 'select u as user_id, i as item_id, 1 as rating from generate_series(1, 3) u, generate_series(1, 200) i', factors => 1024, distributed => true, parts => 100)$$);
select try($$select als.train('no', 'messy', on_duplicate => 'error', distributed => true)$$);
select try($$select als.train('no', 'select user_id, item_id, ''NaN''::real as rating from ratings', distributed => true)$$);
select try($$select als.train('no', 'select user_id, item_id, 1e39::float8 as rating from ratings', distributed => true)$$);
select count(*) from pg_class where relnamespace = 'distributed'::regnamespace and (relname like 'als\_%' or relname like 'no%');

-- The functions that its statements call take whatever they are given: here as rows, since those that find or keep something
-- in the session, and are immutable, refuse a call that would be made while its statement is planned.
create table forged as select b::bytea, null::bytea as nothing from unnest(array['\x00']) b;
select try($$select als._sampled_ratings(b, 1) from forged$$);
select try($$select als._chunk_facts('')$$);
select try($$select als._chunk_facts('\x0011223344556677889900112233445566778899')$$);
select try($$select als._chunk_facts(decode(repeat('ff', 200), 'hex'))$$);
select try($$select als._chunk_facts(decode(repeat('00', 200), 'hex'))$$);
select try($$select als._part_totals('\x00', 1, '\x00')$$);
select try($$select als._piece(substr(b, 2), 0) from forged$$);
-- Numbers of sums, of which no session knows.
select try($$select als._piece(overlay(b placing '\x0102030405060708' from 1), 0) from forged$$);
select try($$select als._sum_pieces('\x0102030405060708')$$);
-- What servers send each other is text.
select als._encoded('\x00ff10'), als._encoded(''), als._decoded('AP8Q'), als._decoded(als._encoded('\x0102')), als._decoded(null) is null as of_null;
select try($$select als._decoded('AP8')$$), try($$select als._decoded(E'AP8Q\n')$$);
select try($$select als._sent_piece('AA==', 0, 0)$$);
select try($$select als._sent_piece(null, 0, 0)$$);
select try($$select als._sent_piece('AP8', 0, 0)$$);
select try($$select als._sent_users('AP8', array[1], 4, false)$$);
select try($$select als._sent_users('AP8Q', array[1], 4, false)$$), try($$select als._sent_users('AP8Q', array[1], 4, null)$$);
select try($$select als._sent_users(null, array[1], 4, false)$$), try($$select als._sent_users('AP8Q', null::int[], 4, false)$$), try($$select als._sent_users('AP8Q', array[1], 0, false)$$);
select try($$select als._sum_pieces(e) from unnest(array['\x00', null]::bytea[]) e$$);
select try($$select als._make_slice('\x00', 0, '\x00', '{1}', 1, null)$$);
select try($$select als._start_users(b, b, nothing) from forged$$);
select als._known(n, factors, 1) from (values (7, '{1,2}'::real[]), (2, '{3,4}'), (1, null), (null, '{5}')) as known(n, factors);
select try($$select als._known(n, '{1,2}'::real[] || n::real, 0) from (values (1), (2)) as known(n) where n > 1 union all select als._known(n, array_fill(1::real, array[n]), 0) from (values (1), (2)) as known(n)$$);
select try($$select als._known(-1, '{1}', 0)$$);
select try($$select als._turn_slice(substr(b, 2), b) from forged$$);
select try($$select als._slice_block(b, b) from forged$$);
select try($$select als._keep_slice('\x00', '\x00')$$);
select try($$select als._keep_pieces('\x00', '\x00')$$), try($$select als._keep_pieces(null, b) from forged$$);
select try($$select als._keep_pieces('\x00', null)$$);
-- A block of two pieces, of two items and one factor, and a piece of another step: after the error right ones are believed.
create table pieces (name text, b bytea);
insert into pieces values
  ('step', '\x414c530207000000c400000000000000b3fe2c55be372d85000000000000000000000100000001000000333333333333f33f333333333333f33f000000000000e03f000000000000f03f00000000000000002a0000000000000000000000000000000200000001000000010000000000000001000000000000000000000000000000ffffffffffffffff00010000000000000001000000000000000000000000000000000000000000f03f00000000010000803f010000803f010000803f010000803f00'),
  ('piece 0', '\x414c530208000000a800000000000000ae99f1bbe492d62b000000000000000000000100000001000000333333333333f33f333333333333f33f000000000000e03f000000000000f03f00000000000000002a0000000000000000000000000000000200000001000000010000000000000001000000000000000000000000000000ffffffffffffffff010000000000000001000000000000000000010000000000000000000000'),
  ('piece 1', '\x414c530208000000a800000000000000f48b8265ad6d86d2010000000000000000000100000001000000333333333333f33f333333333333f33f000000000000e03f000000000000f03f00000000000000002a0000000000000000000000000000000200000001000000010000000000000001000000000000000000000000000000ffffffffffffffff010000000000000001000000000000000000010000000000000000000000'),
  ('another piece 1', '\x414c530208000000a8000000000000001fe430534ae66c28010000000000000000000100000001000000333333333333f33f333333333333f33f000000000000e03f000000000000f03f00000000000000002a0000000000000000000000000000000200000001000000010000000000000001000000000000000000000000000000ffffffffffffffff020000000000000001000000000000000000010000000000000000000000');
begin;
select name, als._keep_pieces(b, (select b from pieces where name = 'step')) from pieces where name = 'piece 0';
select name, als._keep_pieces(b, null) from pieces where name = 'another piece 1';
select try($$select als._step_users(b, nothing, 1) from forged$$);
select try($$select als._step_users(b, nothing, 1) from forged$$);
select name, als._keep_pieces(b, (select b from pieces where name = 'step')) from pieces where name like 'piece _' order by name;
select try($$select als._step_users(b, nothing, 1) from forged$$);
rollback;
select try($$select als._keep_pieces(b, '') from pieces where name = 'piece 0'$$);
-- After the last step of a training, which had all pieces.
begin;
select from als.train('kept_parts', 'ratings', factors => 2, iterations => 1, distributed => true);
select try($$select als._keep_pieces('\x00', null)$$);
rollback;
select try($$select als._step_slice(b, b, b) from forged$$);
select try($$select als._slice_report('\x00')$$);
select try($$select als._step_users(b, nothing, 1) from forged$$);
select try($$select als._user_report('\x00')$$);
select try($$select als._user_report('\xffffffffffffffff')$$);
select try($$select als._sum_user_reports('\x00')$$);
select try($$select als._part_sums(0, '\x00', '\x00', 1)$$);
select try($$select als._packed_items(b, b, 0, null) from forged$$);
select try($$select als._packed_users(b, b, null) from forged$$);
-- A slice of one item, the same in the middle of a half-step, and what the ratings of this item and of another come to.
create table slices (name text, b bytea);
insert into slices values
  ('slice', '\x414c53020c00000090000000000000009f124760870abe2f000000000000000091ebbf26730c0f0e030000000000000000000000000000000000000000000000581e3e46cfea0a402a6b81793acd244000000000000000000000000000000000000000004e062e40000000a02c3a5a3f000000a0fee8863e000000803acd244000000080b72b523f000000c0c6be7f3e414c530206000000a8000000000000009bb9c7f1c552b68a000000000000000000000200000001000000333333333333f33f333333333333f33f000000000000e03f000000000000f03f00000000000000002a0000000000000000000000000000000200000001000000040000000000000005000000000000000000000000000000ffffffffffffffff030000000000404081050540c62a0f40b01e7a390001dcbeaa3f00000000'),
  ('busy slice', '\x414c53020c000000600000000000000017a9b790f87947f4000000000000000091ebbf26730c0f0e0200000000000000010000000000000000000000000000000000000000000000475286f523b02b4000000000000000000000000000000000414c530206000000d8000000000000008932876397237718000000000000000000000200000001000000333333333333f33f333333333333f33f000000000000e03f000000000000f03f00000000000000002a0000000000000000000000000000000200000001000000040000000000000005000000000000000000000000000000ffffffffffffffff030000000000404081050540602c2540070338bbaffb03404c13b4bb2118dcbf2f6ca93b001e17d2ff03bed54a00000000000000000000000000000000f70b6bf8bcf424400000000000003e4001'),
  ('totals', '\x414c5302050000005c000000000000005ca9c3a87d98442c0000000000000000000000000000000001000000030000000300000000000000000020400000000000003e400000000000000840000000000000000067fd10af11723afe'),
  ('totals of another', '\x414c5302050000005c00000000000000c6deb6db9b44904c010000000000000000000000000000000100000002000000020000000000000000001040000000000000244000000000000000400000000000000000be5d0eb3d890ac4f');
create function packed(slice text, totals text, mean text, damping text) returns text language sql as $$
  select try(format('select f.n_ratings || '' ratings, '' || (f.popularity is not null) from slices s, slices t, als._unpacked_factors(als._packed_items(s.b, t.b, %L, %L)) f where s.name = %L and t.name = %L',
    mean, damping, slice, totals))
$$;
select packed('slice', 'totals', '3', '1'), packed('slice', 'totals', '3', null);
select packed('busy slice', 'totals', '3', '1');
select packed('slice', 'totals of another', '3', '1');
select packed('totals', 'slice', '3', '1');
select packed('slice', 'totals', mean, damping) from (values (null, '1'), ('NaN', '1'), ('1e39', '1'), ('3', '-1'), ('3', 'NaN'), ('3', '1e301')) wrong(mean, damping);
select try($$select als._unpacked_factors('\x00')$$), try($$select als._unpacked_factors(null)$$);
-- A slice's report and a number, of which no session knows.
select try($$select als._turn_slice('\x414c53020c0000002000000000000000000000000000000000000000000000000102030405060708', b) from forged$$);
-- Constants alone.
select try(call) from unnest(array[
  $$select als._piece('\x0102030405060708', 0)$$, $$select als._packed_items('\x00', '\x00', 0, null)$$, $$select als._turn_slice('\x00', '\x00')$$, $$select als._slice_block('\x00', '\x00')$$,
  $$select als._step_slice('\x00', '\x00', '\x00')$$, $$select als._start_users('\x00', '\x00', null)$$,
  $$select als._step_users('\x00', null, 1)$$, $$select als._sampled_ratings('\x00', 1)$$,
  $$explain select als._step_users('\x00', null, 1)$$, $$prepare p(bytea) as select als._turn_slice($1, $1); execute p('\x00')$$]) call;
select try($$select als._chunk(r, 1, 0, 0, 1, 0, 0, 0, null, '') from unnest(array['\x00', '\x0000000000000000']::bytea[]) r$$);
select try($$select als._chunk('\x010000000000000001000000000000000000000000000000'::bytea, 1, 0, 0, 1, 0, 0, 0, null, '')$$);
select try($$select als._chunk(''::bytea, 1, 0, 0, 2147483647, 0, 0, 0, null, '')$$);
select try($$select als._chunk(''::bytea, 1, 0, 0, 1, 0, 0, 0, null, n) from unnest(array['\x00', decode(repeat('ff', 24), 'hex')]) n$$);
select try($$select als._chunk(''::bytea, 1, 0, 0, 1, 0, 0, 0, null, '\x010000000000000001000000000000000100000000000000ffffffff')$$);
-- Session 1 has told that its item 0 is number 5 of 6; then a rating of its item 1, half of one, one of another session, and one that no session keeps.
select try(format($$select als._chunk(%L::bytea, 1, 0, 0, 6, 0, 0, 0, null, '\x01000000000000000000000000000000010000000000000005000000')$$, r))
from unnest(array['\x010000000000000001000000000000000000000000000000010000000000803f', '\x01000000000000000100000000000000000000000000000000000000', '\x020000000000000000000000000000000000000000000000',
  '\x0100000000000000010000000000000009000000000000000000000000000000']) r;
select try($$select als._item_numbers('', array[3, null], array[3])$$);
select try($$select als._item_numbers('', array[3, 4], array[3])$$);
select try($$select als._item_numbers('', array[3], array[3, null])$$);
select try($$select als._item_numbers('', array['a'], array['a', 'b', 'a'])$$);
select als._item_numbers('\x09', array['b', 'a'], array['a', 'b']);
-- The list of the call, not of the query's first one.
select als._item_numbers('', array[n], array[n, 2]) from generate_series(3, 1, -2) n;
select als._item_numbers('', array[2], case n when 1 then array[1, 2] else array[2, 1] end) from generate_series(1, 2) n;
-- What _chunk has gathered is gone when it has been packed: so it knows no window frames.
select try($$select als._chunk('', n, 0, 0, 1, 0, 0, 0, null, '') over (order by n) from generate_series(1, 2) n$$);
select try($$select als._collected(1)$$);
select try($$select als._collect(1, 2, 3, null)$$);
select try($$select als._collect(1, 2, 3, '{7, 100, 0}')$$);
select try($$select als._collect(1, 2, 3, '{7, 100, 0, null}')$$);
select try($$select als._collect(1, 2, 3, '{7, 0, 0, 5}')$$);
select try($$select als._collect(1, 2, 3, '{7, 100, 0, 5000000000}')$$);
select try($$select als._collect(1, 2, 'infinity', '{7, 100, 0, 5}')$$);
select try($$select als._collect(1, array[array[2]], 3, '{7, 100, 0, 5}')$$);

-- Only the first row of a query has a collector; a row each user, of those that count, and one of the items, come when there are no more.
select count(*), count(c) from (select als._collect(u, i, 1, '{7, 100, 0, 5}') as c from generate_series(1, 30) u, generate_series(1, 4) i) rows;
select part, place >= 0 as has_place, user_id, items, n, kept, octet_length(ratings) as bytes
from (select max(c) as c from (select u, als._collect(u, i, r, '{7, 100, 0, 5}') as c
    from (values (1, 'a', 1.0), (2, 'b', null), (null, 'c', 2), (3, 'b', 3), (3, null, 1), (1, 'b', 5)) rows(u, i, r)) x where c is not null group by u) first,
  lateral als._collected(c) as found(part int, place int, user_id int, items text[], n bigint, kept bigint, ratings bytea) order by user_id;
-- A query whose rows are read here, in the same way; ratings of types that are no number of the machine's are cast.
select part, place >= 0 as has_place, user_id, items, n, kept, octet_length(ratings) as bytes
from als._collect_query($$values (1, 'a', 1.0), (2, 'b', null), (null, 'c', 2), (3, 'b', 3), (3, null, 1), (1, 'b', 5)$$, '{7, 100, 0, 5}')
  as found(part int, place int, user_id int, items text[], n bigint, kept bigint, ratings bytea) order by user_id;
-- Of a part that is the session's own the ratings stay in it, and their rows have their place: here, and there by als._own_part.
select user_id, octet_length(ratings) as bytes from als._collect_query('select u, i, 1 from generate_series(1, 2) u, generate_series(1, 50) i', '{7, 100, 1, 5}')
  as found(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea) where user_id is not null order by user_id;
begin;
select als._own_part(7, 5), als._own_part(7, null) is null as of_null;
select user_id, octet_length(ratings) as bytes from als._collect_query('select u, i, 1 from generate_series(1, 2) u, generate_series(1, 50) i', '{7, 100, 0, 5}')
  as found(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea) where user_id is not null order by user_id;
select user_id, octet_length(ratings) as bytes from als._collect_query('select u, i, 1 from generate_series(1, 2) u, generate_series(1, 50) i', '{8, 100, 0, 5}')
  as found(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea) where user_id is not null order by user_id;
commit;
-- Where Citus has spread the source by user into shards, equal shares of the type's hashes, those of one have one part.
select count(*) as users, count(distinct part) as parts, count(*) filter (where part <> 5 + (hashint4(user_id)::bigint + 2147483648) / 613566756 % 3) as elsewhere
from als._collect_query('select u, 1, 1 from generate_series(1, 1000) u', '{9, 100, -7, 5, 6, 7}')
  as found(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea) where user_id is not null;
select try($$select count(*) from als._collect_query('select 1, 2, 3', '{7, 100, -5000000000, 5}') as found(part int)$$);
select try($$select count(*) from als._collect_query('select 1, 2', '{7, 100, 0, 5}') as found(part int)$$);
select try($$select count(*) from als._collect_query('reset all', '{7, 100, 0, 5}') as found(part int)$$);
select try($$select count(*) from als._collect_query('select 1, 2, array[3]', '{7, 100, 0, 5}') as found(part int)$$);
select try($$select count(*) from als._collect_query(null, '{7, 100, 0, 5}') as found(part int)$$);
-- By a sample each shard of an engine's names itself. It has the first rows that are visible, and no condition could drop some.
create table shard as select n from generate_series(1, 5000) n;
delete from shard where n < 1000;
select min(n), count(*), bool_and(tableoid = 'shard'::regclass) as is_it from shard tablesample als._first_rows(3);
select count(*) from shard tablesample als._first_rows(100000);
select count(*) from shard tablesample als._first_rows(-1);
select (select sum(n) from shard tablesample als._first_rows(k)) as sum from generate_series(0, 2) k;
select try('select n from shard tablesample als._first_rows(3) where n > 1003');
select try('select n from shard tablesample als._first_rows(null)');
truncate shard;
select n from shard tablesample als._first_rows(3);
drop table shard;
-- They are in files of the subtransaction that was the first to ask; an expression of a function outlives it.
do $$
declare
  collector bigint;
begin
  for n in 1 .. 2 loop
    begin
      collector = als._collect(n, 1, 1, '{7, 100, 0, 5}');
      raise sqlstate 'ZZ000';
    exception when sqlstate 'ZZ000' then null;
    end;
  end loop;
end $$;
-- Rows are those of one query, once.
select try($$select (select count(*) from als._collected(c) as f(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea)),
  (select count(*) from als._collected(c) as f(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea))
  from (select max(c) as c from (select u, als._collect(u, 1, 1, '{7, 100, 0, 5}') as c from generate_series(1, 3) u) x where c is not null group by u) first$$);
select try($$select count(*) from (select max(c) as c from (select u, als._collect(u, 1, 1, '{7, 100, 0, 5}') as c from generate_series(1, 3) u) x where c is not null group by u) first,
  lateral als._collected(c) as f(part int, place int, user_id text, items int[], n bigint, kept bigint, ratings bytea)$$);
-- What comes when some has been taken has a collector of its own. There is none in another query, which may outlive it.
select count(user_id) as users from (select als._collect(u, 1, 1, '{7, 100, 0, 5}') as c from generate_series(1, 3) u offset 0) first,
  lateral als._collected(c) as f(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea);
begin;
declare collecting cursor for select als._collect(u, 1, 1, '{7, 100, 0, 5}') as collector from generate_series(1, 3) u;
fetch from collecting \gset
move all in collecting;
select try(format('select count(*) from als._collected(%s) as f(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea)', :collector));
rollback;

-- A second scan collects anew.
select n, (select count(*) from (select max(c) as c from (select u, als._collect(u, 1, 1, '{7, 100, 0, 5}') as c from generate_series(1, n) u) x where c is not null group by u) first,
  lateral als._collected(c) as f(part int, place int, user_id int, items int[], n bigint, kept bigint, ratings bytea) where user_id is not null) as users
from generate_series(1, 3) n;
-- Rows in a temporary file that nobody takes are no leak: the server would warn of one.
set als.max_memory = '1MB';
set work_mem = '64kB';
select count(c) from (select als._collect(u, 1, 1, '{7, 100, 0, 5}') as c from generate_series(1, 150000) u offset 0) rows;
reset work_mem;
reset als.max_memory;

-- Where all ratings do not fit the memory, users come in several rows, and the model is the same.
create table plenty as select (n * 7919) % 1000 as user_id, (n / 7 * 31) % 211 as item_id, n % 5 as rating from generate_series(1, 150000) n;
select n_users, n_items, n_ratings, n_duplicates from als.train('plenty_model', 'plenty', factors => 4, iterations => 2, distributed => true, parts => 3, threads => 1);
select md5(string_agg(f, ',' order by f)) as bits from (select u::text from plenty_model_user_factors u union all select i::text from plenty_model_item_factors i) f(f) \gset
set als.max_memory = '1MB';
select n_users, n_items, n_ratings from als.train('plenty_model', 'plenty', factors => 4, iterations => 2, distributed => true, parts => 3, threads => 1, replace => true);
reset als.max_memory;
select md5(string_agg(f, ',' order by f)) = :'bits' as same from (select u::text from plenty_model_user_factors u union all select i::text from plenty_model_item_factors i) f(f);
-- A rating that is none is told with its user and item, a source without rows is none.
select try($$select als.train('no', 'select user_id, item_id, case when user_id = 7 then ''-infinity''::real else 1 end as rating from plenty', distributed => true)$$);

-- Types of the same names in schemas that come first, and a schema whose name has to be quoted.
create schema first;
create function first.told(pg_catalog.bytea) returns boolean language plpgsql as $$ begin raise 'told'; end $$;
create domain first.bytea as pg_catalog.bytea check (first.told(value));
create schema "it's";
set search_path = first, pg_catalog;
select n_users from als.train('"it''s".model', 'distributed.ratings', factors => 2, iterations => 1, distributed => true);
set search_path = distributed;
select count(*) from als.recommend('"it''s".model', 7, 3);
drop schema first, "it's" cascade;

set client_min_messages = error;
drop schema distributed cascade;
