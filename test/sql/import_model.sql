-- als.import_model: factors from elsewhere become a model that serves, with what als.train makes.
create schema import_model;
set search_path = import_model;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 5) % 5)::real as rating
from generate_series(1, 40) u, generate_series(1, 30) i where (u * 31 + i * 17) % 3 = 0;

-- A model of our own, its factors given back to us: the same scores, neighbours, and vectors of new users.
select run from als.train('mine', 'ratings', factors => 4);
select run from als.train('likes', 'select * from ratings where rating >= 3', rating_col => null,
                          feedback => 'implicit', factors => 4, alpha => 5, regularization => 2);
select feedback, factors, regularization, reg_exponent, alpha, biases, n_rows, n_skipped, n_ratings, n_users, n_items,
       iterations, solver, loss, source, rating_col
from als.import_model('theirs', 'select user_id, factors from likes_user_factors',
    'select item_id, factors::float8[] from likes_item_factors', regularization => 2, reg_exponent => 0.5, alpha => 5,
    source => 'select * from ratings where rating >= 3', rating_col => null);
select count(*), count(*) filter (where als.predict('likes', u, i) is not distinct from als.predict('theirs', u, i)) as equal
from generate_series(1, 40) u, generate_series(1, 30) i;
select count(*) as differing from generate_series(1, 40) u, lateral (
  (select * from als.recommend('likes', u) except select * from als.recommend('theirs', u)) union all
  (select * from als.similar_items('likes', u) except select * from als.similar_items('theirs', u))) as d;
select als.fold_in('likes', '{3,4,8}') = als.fold_in('theirs', '{3,4,8}') as same_vector;
select count(*) as differing from (
  select user_id, n_ratings from likes_user_factors except select user_id, n_ratings from theirs_user_factors) as d;
select count(*) as differing from (
  select item_id, n_ratings from likes_item_factors except select item_id, n_ratings from theirs_item_factors) as d;

-- With biases, and the mean that they are added to.
select feedback, biases, mean = (select mean from mine) as same_mean, n_ratings
from als.import_model('explicit', 'select user_id, factors, bias from mine_user_factors',
    'select item_id, factors, bias from mine_item_factors', feedback => 'explicit',
    regularization => 1.2, reg_exponent => 0.5, mean => (select mean from mine), source => 'ratings');
select max(abs(als.predict('mine', u, i) - als.predict('explicit', u, i))) as difference
from generate_series(1, 40) u, generate_series(1, 30) i;
select (select array_agg(item_id order by rank) from als.recommend_for('mine', '{1,2,3}', '{5,1,4}'))
     = (select array_agg(item_id order by rank) from als.recommend_for('explicit', '{1,2,3}', '{5,1,4}')) as same_list;
-- Or the mean of the source.
select round(mean::numeric, 4) = (select round(avg(rating)::numeric, 4) from ratings) as mean_of_source
from als.import_model('averaged', 'select user_id, factors, bias from mine_user_factors',
    'select item_id, factors from mine_item_factors', feedback => 'explicit', source => 'ratings');

-- Ids are of the source's type, where there is one; of the factors' own otherwise. Tables will do as well.
create table big as select user_id::bigint, item_id::text, rating from ratings;
create table u (id int, v real[]);
create table i (id int, v numeric[]);
insert into u values (1, '{1,0}'), (2, '{0,1}'), (77, '{1,1}');
insert into i values (3, '{2,1}'), (4, '{1,3}'), (99, '{0,0}');
select n_rows > n_skipped as skips_unknown_ids, n_ratings from als.import_model('typed', 'u', 'i', source => 'big');
select attrelid::regclass, atttypid::regtype from pg_attribute
where attname in ('user_id', 'item_id') and attrelid in ('typed_user_factors'::regclass, 'typed_item_factors'::regclass)
order by 1;
select user_id, factors, bias, n_ratings from typed_user_factors order by 1;
select * from als.recommend('typed', '77', exclude_seen => false);

-- Without options and a source it serves; what needs them says so.
select regularization, alpha, source, n_ratings, n_users from als.import_model('bare', 'u', 'i');
select * from als.recommend('bare', 2, exclude_seen => false);
select item_id, n_ratings from bare_item_factors order by 1;
select try($$select als.fold_in('bare', '{3}')$$);
select try($$select * from als.recommend_for('bare', '{3}')$$);
select try($$select * from als.recommend('bare', 2)$$);
select try($$select als.recommend_all('bare', 'recs')$$);
select als.recommend_all('bare', 'recs', exclude_seen => false);

-- Replacement keeps the tables, and gives a new version.
create temp table before as
select version, user_factors::oid as users, 'bare'::regclass::oid as model from als.latest_run('bare');
select try($$select als.import_model('bare', 'u', 'i')$$);
select run, alpha from als.import_model('bare', 'select * from u where id < 50', 'i', regularization => 1, reg_exponent => 1, alpha => 2, replace => true);
select r.version <> b.version as new_version, r.user_factors = b.users as same_table, 'bare'::regclass = b.model as same_model
from als.latest_run('bare') as r, before as b;
select als.predict('bare', 77, 3) as gone, als.predict('bare', 1, 3) as stays, als.fold_in('bare', '{3}') is not null as folds_in;
select run, feedback from als.train('bare', 'ratings', factors => 2, replace => true);
select run from als.import_model('light', 'u', 'i', unlogged => true);
select relpersistence from pg_class where oid = 'light_user_factors'::regclass;
select als.drop_model('light');

-- The largest factors, biases and mean give a finite score.
select n_items from als.import_model('largest', 'select 1, array_fill(1e17::real, array[1024]), 1e37::float8', 'select 1, array_fill(1e17::real, array[1024]), 1e37::float8',
  feedback => 'explicit', mean => 1e37);
select als.predict('largest', 1, 1) between 1e37 and 3e38 as finite;
-- Beyond them nothing is loaded, whoever has written it.
begin;
update largest_item_factors set factors = array_fill(3e38::real, array[1024]);
select try('select als.predict(''largest'', 1, 1)');
select try('select als.recommend(''largest'', 1)');
select try('select als.similar_items(''largest'', 1)');
select try('select als.explain(''largest'', 1, 1)');
select try('select als.recommend_all(''largest'', ''target'', exclude_seen => false)');
update largest_item_factors set factors = array_fill(1::real, array[1024]), bias = '-infinity';
select try('select als.predict(''largest'', 1, 1)');
select try('select als.recommend(''largest'', 1, exclude_seen => false)');
update largest_item_factors set bias = null;
select als.predict('largest', 1, 1) between 1e37 and 3e38 as finite;
update largest set mean = 'nan';
select try('select als.predict(''largest'', 1, 1)');
rollback;
select als.drop_model('largest');

-- Errors leave nothing behind.
create function bad(users text, items text, more text default '') returns text language sql as $$
  select try(format('select als.import_model(''bad'', %L, %L%s)', users, items, more))
$$;
select bad('select 1, array[1,2]', 'select 1, array[1,2,3]') as lengths;
select bad('select * from (values (1, array[1,2]), (2, array[1])) v', 'i') as length;
select bad('select null::int, array[1,2]', 'i') as null_id;
select bad('select 1, null::real[]', 'i') as null_vector;
select bad('select 1, array[1,null]', 'i') as null_element;
select bad('select 1, array[1,''NaN''::real]', 'i') as nan;
select bad('u', 'select 1, array[1,''-infinity''::float8]') as infinite;
select bad('u', 'select 1, array[1,1e300::float8]') as too_large;
select bad('select 1, array[1,3e38]', 'i') as infinite_score;
select bad('select 1, array[1,-1.1e17]', 'i') as just_too_large;
select bad('select 1, array[1,2], 1.1e37', 'i', ', ''explicit'', mean => 1') as bias_too_large;
select bad('select 1, array[1,2], 1', 'i', ', ''explicit'', mean => -1.1e37') as mean_too_large;
select bad('u', 'select * from i union all select 3, ''{1,1}''') as twice;
select bad('select * from u where false', 'i') as empty;
select bad('select 1, ''{}''::real[]', 'i') as no_factors;
select bad('select 1, array_fill(0::real, array[1025])', 'i') as many_factors;
select bad('select 1, array[array[1,2]]', 'i') as dimensions;
select bad('select 1', 'i') as one_column;
select bad('select 1, 2, 3, 4', 'i') as four_columns;
select bad('select 1, ''x''::text', 'i') as no_vector;
select bad('select point(1,1), array[1,2]', 'i') as no_id;
select bad('select 1, array[1,2], 0', 'i') as implicit_biases;
select bad('select 1, array[1,2], null::real', 'i', ', ''explicit'', mean => 1') as null_bias;
select bad('select 1, array[1,2], ''infinity''::float8', 'i', ', ''explicit'', mean => 1') as infinite_bias;
select bad('select 1, array[1,2], 0', 'i', ', ''explicit''') as no_mean;
select bad('u', 'i', ', ''likes''') as feedback;
select bad('u', 'i', ', ''explicit'', alpha => 1') as alpha;
select bad('u', 'i', ', mean => 1') as mean;
select bad('u', 'i', ', regularization => ''nan''') as regularization;
select bad('u', 'i', ', regularization => 1') as exponent_missing;
select bad('u', 'i', ', reg_exponent => 3') as exponent;
select bad('u', 'i', ', on_duplicate => ''most''') as on_duplicate;
select bad('u', 'i', ', source => ''nowhere''') as no_source;
select bad('u', 'i', ', source => ''ratings'', user_col => ''nobody''') as no_column;
select bad('nowhere', 'i') as no_table;
select bad('select', 'i') as no_query;
select bad('select 1, array[1,2]) x; drop table u; --', 'i') as injected;
select bad(null, 'i') as null_factors;
select try($$select als.import_model('ratings', 'u', 'i', replace => true)$$) as no_model;
select try($$select als.import_model('typed', 'u', 'i', replace => true)$$) as other_ids;
select to_regclass('bad') is null and to_regclass('bad_user_factors') is null as nothing_left;
set als.max_memory = '1MB';
select bad('select n, array_fill(0::real, array[1000]) from generate_series(1, 10000) n', 'i') as memory;
reset als.max_memory;

-- What the query of users drops is undefined when items are read.
create table fleeting as select 1 as item_id, array[1, 2]::real[] as factors;
create function drop_it() returns int language plpgsql as $$ begin drop table fleeting; return 1; end $$;
select bad('select drop_it(), array[1,2]', 'fleeting') as dropped;

set client_min_messages = error;
drop schema import_model cascade;
