\echo Use "alter extension als update to '1.1'" to load this file. \quit

-- Names are the server's, whatever else is in the schema.
set local search_path = pg_catalog, pg_temp;

-- The schema belongs to the extension. 1.0 took over one that somebody had made before.
do $$
declare
  extension oid := (select oid from pg_extension where extname = 'als');
  schema oid := 'als'::regnamespace;
  owner text := (select extowner::regrole from pg_extension where oid = extension);
  strange text;
begin
  if not (select rolsuper or extowner = nspowner from pg_namespace n, pg_extension e, pg_roles r
          where n.oid = schema and e.oid = extension and r.oid = nspowner) then
    raise exception 'schema "als" does not belong to the owner of the extension, %', owner using
      errcode = 'object_not_in_prerequisite_state',
      hint = format('Drop what others have put into it, say ALTER SCHEMA als OWNER TO %s, and update again.', owner);
  end if;
  select string_agg(p.oid::regprocedure::text, ', ' order by p.oid) into strange
  from pg_proc p join pg_roles r on r.oid = proowner
  where pronamespace = schema and not rolsuper
    and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and refclassid = 'pg_extension'::regclass and deptype = 'e');
  if strange is not null then
    raise exception 'schema "als" holds functions that are not of the extension' using
      errcode = 'object_not_in_prerequisite_state',
      detail = strange,
      hint = 'Drop them or move them to another schema, and update again.';
  end if;
  -- A schema cannot belong to the extension that it contains.
  update pg_extension set extnamespace = 'pg_catalog'::regnamespace where oid = extension;
  delete from pg_depend where classid = 'pg_extension'::regclass and objid = extension and refobjid = schema and deptype = 'n';
  alter extension als add schema als;
end
$$;
comment on schema als is 'Collaborative filtering by alternating least squares: the extension als';

-- Functions that only als itself calls begin with an underscore.
alter function als.trained_id(bigint, anyelement) rename to _trained_id;
alter function als.trained_factors(bigint) rename to _trained_factors;
alter function als.trained_bias(bigint) rename to _trained_bias;
alter function als.trained_n_ratings(bigint) rename to _trained_n_ratings;
alter function als.recommended_user(bigint, anyelement) rename to _recommended_user;
alter function als.recommended_item(bigint, anyelement) rename to _recommended_item;
alter function als.recommended_score(bigint) rename to _recommended_score;
alter function als.recommended_rank(bigint) rename to _recommended_rank;
alter function als.cached_images() rename to _cached_segments;
alter function als.top_k_support(internal) rename to _top_k_support;
create function als._command_progress(
  out pid int,
  out command text,            -- 'train', 'tune', 'evaluate', 'recommend_all', 'refresh_users', 'refresh_items' or 'import_model'
  out model text,              -- of a tuning the source; null for a query
  out phase text,
  out iteration int,           -- iterations of a training or of all trials, or batches of users, that are done
  out of int,
  out loss float8,             -- of a training, after its last iteration
  out rows_read bigint,        -- of the source, which may be read several times
  out elapsed interval,
  out remaining interval,
  out trial int,               -- of a tuning, the one whose iteration was the last
  out bytes_moved bigint       -- by the iterations of a distributed training: vectors of items and sums, about
) returns setof record
language c volatile strict parallel restricted rows 1 as 'MODULE_PATHNAME', 'als_command_progress';
comment on function als._command_progress is
  'The trainings, tunings, evaluations, refreshes, imports and recommendations to all now running in this database; behind the view als.progress';

create or replace view als.progress as select * from als._command_progress();
drop function als.command_progress();
create or replace view als.cache as select * from als._cached_segments();

-- Who may execute functions of which some are dropped below, and made again. Where those of one name differ, the
-- fewest privileges count.
select set_config('als_upgrade.privileges', coalesce(jsonb_object_agg(name, privileges), '{}')::text, true)
from (
  select distinct on (proname) proname as name,
    (select coalesce(jsonb_agg(jsonb_build_object('role', grantee, 'may_grant', is_grantable)), '[]') from aclexplode(proacl)) as privileges
  from pg_proc where pronamespace = 'als'::regnamespace and proacl is not null
  order by proname, cardinality(proacl), oid
) as f;

-- Ids and numbers of any type, and lists without a type.
drop function als.predict(regclass, "any", "any", text);
drop function als.predict(regclass, text, text, text);
drop function als.predict(regclass, text, "any", text);
drop function als.predict(regclass, "any", text, text);
drop function als.recommend(regclass, anyelement, int, boolean, "any", "any", text);
drop function als.recommend(regclass, text, int, boolean, "any", "any", text);
drop function als.fold_in(regclass, "any", float8[]);
drop function als.fold_in(regclass, text, float8[]);
drop function als.fold_in_item(regclass, "any", float8[]);
drop function als.fold_in_item(regclass, text, float8[]);
drop function als.recommend_for(regclass, anyarray, float8[], int, boolean, "any", "any", text);
drop function als.recommend_for(regclass, text, float8[], int, boolean, "any", "any", text);
drop function als.recommend_all(regclass, text, int, boolean, int);
drop function als.similar_items(regclass, anyelement, int, text, text);
drop function als.similar_items(regclass, text, int, text, text);
drop function als.similar_users(regclass, anyelement, int, text, text);
drop function als.similar_users(regclass, text, int, text, text);
drop function als.report(regclass, text, text, int[], int);
drop function als.explain(regclass, "any", anyelement, int);
drop function als.explain(regclass, text, text, int);
drop function als.explain(regclass, text, anyelement, int);
drop function als.explain(regclass, "any", text, int);
drop function als.refresh_users(regclass, "any");
drop function als.refresh_users(regclass, text);
drop function als.refresh_items(regclass, "any");
drop function als.refresh_items(regclass, text);

-- Ids and numbers as arguments ---------------------------------------------------------------------

-- What a function takes as an id decides the type of the ids that it returns. Integers come in three types,
-- and which one a driver sends may depend on the value: here they are one, which is preferred to anyelement
-- as float8 is preferred to real.
create type als.integer_id;
create function als._integer_id_in(cstring) returns als.integer_id
language internal immutable strict parallel safe as 'int8in';
comment on function als._integer_id_in is 'Input of als.integer_id';
create function als._integer_id_out(als.integer_id) returns cstring
language internal immutable strict parallel safe as 'int8out';
comment on function als._integer_id_out is 'Output of als.integer_id';
create type als.integer_id (
  input = als._integer_id_in, output = als._integer_id_out, like = pg_catalog.int8, category = 'N', preferred = true
);
comment on type als.integer_id is 'An id given as a smallint, int or bigint; ids come back as bigint then';
create function als._integer_id(smallint) returns als.integer_id
language internal immutable strict parallel safe as 'int28';
comment on function als._integer_id(smallint) is 'Cast to als.integer_id';
create function als._integer_id(int) returns als.integer_id
language internal immutable strict parallel safe as 'int48';
comment on function als._integer_id(int) is 'Cast to als.integer_id';
create cast (smallint as als.integer_id) with function als._integer_id(smallint) as implicit;
comment on cast (smallint as als.integer_id) is 'Implicit, for arguments of functions of als';
create cast (int as als.integer_id) with function als._integer_id(int) as implicit;
comment on cast (int as als.integer_id) is 'Implicit, for arguments of functions of als';
create cast (bigint as als.integer_id) without function as implicit;
comment on cast (bigint as als.integer_id) is 'Implicit, for arguments of functions of als';

-- The same for arrays; one number will do too. Its values are arrays of any of the three types.
create type als.integers;
create function als._integers_in(cstring) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_in';
comment on function als._integers_in is 'Input of als.integers';
create function als._integers_out(als.integers) returns cstring
language internal immutable strict parallel safe as 'array_out';
comment on function als._integers_out is 'Output of als.integers';
create type als.integers (
  input = als._integers_in, output = als._integers_out, like = pg_catalog._int8, category = 'A', preferred = true
);
comment on type als.integers is 'Integers given as an array of smallint, int or bigint, or as one of them';
create function als._integers(smallint) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_of_one';
comment on function als._integers(smallint) is 'Cast to als.integers';
create cast (smallint as als.integers) with function als._integers(smallint) as implicit;
comment on cast (smallint as als.integers) is 'Implicit, for arguments of functions of als';
create function als._integers(int) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_of_one';
comment on function als._integers(int) is 'Cast to als.integers';
create cast (int as als.integers) with function als._integers(int) as implicit;
comment on cast (int as als.integers) is 'Implicit, for arguments of functions of als';
create function als._integers(bigint) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_of_one';
comment on function als._integers(bigint) is 'Cast to als.integers';
create cast (bigint as als.integers) with function als._integers(bigint) as implicit;
comment on cast (bigint as als.integers) is 'Implicit, for arguments of functions of als';
create function als._integers(smallint[]) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_of_array';
comment on function als._integers(smallint[]) is 'Cast to als.integers';
create cast (smallint[] as als.integers) with function als._integers(smallint[]) as implicit;
comment on cast (smallint[] as als.integers) is 'Implicit, for arguments of functions of als';
create function als._integers(int[]) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_of_array';
comment on function als._integers(int[]) is 'Cast to als.integers';
create cast (int[] as als.integers) with function als._integers(int[]) as implicit;
comment on cast (int[] as als.integers) is 'Implicit, for arguments of functions of als';
create function als._integers(bigint[]) returns als.integers
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_integers_of_array';
comment on function als._integers(bigint[]) is 'Cast to als.integers';
create cast (bigint[] as als.integers) with function als._integers(bigint[]) as implicit;
comment on cast (bigint[] as als.integers) is 'Implicit, for arguments of functions of als';

-- Functions that return ids: four of each, which differ in the type of the ids. The server chooses by the argument:
--
--   smallint, int, bigint        bigint, which holds every integer
--   uuid                         uuid
--   text, without a type         text: also for ids of two types
--   any other type               the same type
--
-- Other ids, and arrays of ids, are anycompatible: any type, or none, which makes them text. Beside a result of type
-- anyelement that is not possible where there is a default, so the fourth takes "any", and there a parameter must have
-- a type.

create function als.predict(
  model regclass,
  user_id anycompatible,
  item_id "any",
  on_unknown text default 'null',
  clip boolean default false
) returns real
language c stable parallel safe cost 10 as 'MODULE_PATHNAME', 'als_predict';
comment on function als.predict(regclass, anycompatible, "any", text, boolean) is
  'The score of an item for a user: the rating expected, or the preference for implicit feedback';

-- Two that are anycompatible would have to be of one type.
create function als.predict(
  model regclass,
  user_id anycompatible,
  item_id text,
  on_unknown text default 'null',
  clip boolean default false
) returns real
language c stable parallel safe cost 10 as 'MODULE_PATHNAME', 'als_predict';
comment on function als.predict(regclass, anycompatible, text, text, boolean) is
  'The score of an item for a user, the item as text or without a type';

-- Lists may be of two types, or come as text.
create function als.predict_pairs(
  model regclass,
  user_ids anycompatible,
  item_ids "any",
  on_unknown text default 'null',
  clip boolean default false
) returns real[]
language c stable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_predict_pairs';
comment on function als.predict_pairs(regclass, anycompatible, "any", text, boolean) is
  'The scores of pairs, each item for the user at its place: as als.predict, for many at a time';

create function als.predict_pairs(
  model regclass,
  user_ids anycompatible,
  item_ids text,
  on_unknown text default 'null',
  clip boolean default false
) returns real[]
language c stable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_predict_pairs';
comment on function als.predict_pairs(regclass, anycompatible, text, text, boolean) is
  'The scores of pairs, the items as text or without a type';

create function als.recommend(
  model regclass,
  user_id als.integer_id,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  seen text default null,
  diversity float8 default 0,
  explore float8 default 0,
  new_below int default 5,
  seed bigint default 42
) returns table (item_id bigint, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend';
comment on function als.recommend(regclass, als.integer_id, bigint, boolean, anycompatible, anycompatible, text, text, float8, float8, int, bigint) is
  'The k best items for a user; ids: integers';

create function als.recommend(
  model regclass,
  user_id uuid,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  seen text default null,
  diversity float8 default 0,
  explore float8 default 0,
  new_below int default 5,
  seed bigint default 42
) returns table (item_id uuid, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend';
comment on function als.recommend(regclass, uuid, bigint, boolean, anycompatible, anycompatible, text, text, float8, float8, int, bigint) is
  'The k best items for a user; ids: uuid';

create function als.recommend(
  model regclass,
  user_id text,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  seen text default null,
  diversity float8 default 0,
  explore float8 default 0,
  new_below int default 5,
  seed bigint default 42
) returns table (item_id text, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend';
comment on function als.recommend(regclass, text, bigint, boolean, anycompatible, anycompatible, text, text, float8, float8, int, bigint) is
  'The k best items for a user; ids: text or without a type';

create function als.recommend(
  model regclass,
  user_id anyelement,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates "any" default null,
  exclude "any" default null,
  on_unknown text default 'empty',
  seen text default null,
  diversity float8 default 0,
  explore float8 default 0,
  new_below int default 5,
  seed bigint default 42
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend';
comment on function als.recommend(regclass, anyelement, bigint, boolean, "any", "any", text, text, float8, float8, int, bigint) is
  'The k best items for a user; ids: any other type';

create function als.recommend_users(
  model regclass,
  item_id als.integer_id,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  seen text default null
) returns table (user_id bigint, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_users';
comment on function als.recommend_users(regclass, als.integer_id, bigint, boolean, anycompatible, anycompatible, text, text) is
  'The k best users for an item; ids: integers';

create function als.recommend_users(
  model regclass,
  item_id uuid,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  seen text default null
) returns table (user_id uuid, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_users';
comment on function als.recommend_users(regclass, uuid, bigint, boolean, anycompatible, anycompatible, text, text) is
  'The k best users for an item; ids: uuid';

create function als.recommend_users(
  model regclass,
  item_id text,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  seen text default null
) returns table (user_id text, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_users';
comment on function als.recommend_users(regclass, text, bigint, boolean, anycompatible, anycompatible, text, text) is
  'The k best users for an item; ids: text or without a type';

create function als.recommend_users(
  model regclass,
  item_id anyelement,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates "any" default null,
  exclude "any" default null,
  on_unknown text default 'empty',
  seen text default null
) returns table (user_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_users';
comment on function als.recommend_users(regclass, anyelement, bigint, boolean, "any", "any", text, text) is
  'The k best users for an item; ids: any other type';

-- The vector alone: with biases a score is als.dot(als.fold_in(...), factors) + mean + the item's bias
-- + the user's own bias, which moves all scores alike and which als.recommend_for adds.
create function als.fold_in(
  model regclass,
  items anycompatible,
  ratings float8[] default null,
  weights float8[] default null,
  features jsonb default null
) returns real[]
language c stable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_fold_in';
comment on function als.fold_in is
  'The vector that training would have given to a user with these items, ratings and features, without a bias; null if the model knows none of the items and there are no features';

create function als.fold_in_item(
  model regclass,
  users anycompatible,
  ratings float8[] default null,
  weights float8[] default null,
  features jsonb default null
) returns real[]
language c stable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_fold_in_item';
comment on function als.fold_in_item is
  'The vector that an item with these users, ratings and features has for the users'' vectors as they are, without a bias; null if the model knows none of the users and there are no features';

create function als.features_vector(
  model regclass,
  features jsonb,
  side text default 'item'
) returns real[]
language c stable strict parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_features_vector';
comment on function als.features_vector is
  'The vector that these features give an item, or a user, without ratings, by the weights of the model''s features';

create function als.recommend_for(
  model regclass,
  items als.integers,
  ratings float8[] default null,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  diversity float8 default 0,
  weights float8[] default null,
  features jsonb default null
) returns table (item_id bigint, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_for';
comment on function als.recommend_for(regclass, als.integers, float8[], bigint, boolean, anycompatible, anycompatible, text, float8, float8[], jsonb) is
  'The k best items for a user with these items and ratings; ids: integers';

create function als.recommend_for(
  model regclass,
  items uuid[],
  ratings float8[] default null,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  diversity float8 default 0,
  weights float8[] default null,
  features jsonb default null
) returns table (item_id uuid, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_for';
comment on function als.recommend_for(regclass, uuid[], float8[], bigint, boolean, anycompatible, anycompatible, text, float8, float8[], jsonb) is
  'The k best items for a user with these items and ratings; ids: uuid';

create function als.recommend_for(
  model regclass,
  items text,
  ratings float8[] default null,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  diversity float8 default 0,
  weights float8[] default null,
  features jsonb default null
) returns table (item_id text, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_for';
comment on function als.recommend_for(regclass, text, float8[], bigint, boolean, anycompatible, anycompatible, text, float8, float8[], jsonb) is
  'The k best items for a user with these items and ratings; ids: text or without a type';

create function als.recommend_for(
  model regclass,
  items anyarray,
  ratings float8[] default null,
  k bigint default 10,
  exclude_seen boolean default true,
  candidates "any" default null,
  exclude "any" default null,
  on_unknown text default 'empty',
  diversity float8 default 0,
  weights float8[] default null,
  features jsonb default null
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_for';
comment on function als.recommend_for(regclass, anyarray, float8[], bigint, boolean, "any", "any", text, float8, float8[], jsonb) is
  'The k best items for a user with these items and ratings; ids: any other type';

create function als.recommend_vector(
  model regclass,
  factors real[],
  k bigint default 10,
  candidates anycompatible default null,
  exclude anycompatible default null,
  on_unknown text default 'empty',
  diversity float8 default 0,
  bias real default 0
) returns table (item_id text, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_vector';
comment on function als.recommend_vector is 'The k best items for a user with this vector and bias; ids as text';

create function als.recommend_all(
  model regclass,
  target text,
  k bigint default 10,
  exclude_seen boolean default true,
  threads int default null,
  seen text default null,
  users text default null,
  candidates text default null,
  exclude text default null,
  diversity float8 default 0,
  explore float8 default 0,
  new_below int default 5,
  seed bigint default 42
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_recommend_all';
comment on function als.recommend_all is
  'Writes the k best items of every user, or of some, into a table, which is made or whose rows are replaced; returns the rows written';

create function als.recommend_users_all(
  model regclass,
  target text,
  k bigint default 10,
  exclude_seen boolean default true,
  threads int default null,
  seen text default null,
  items text default null,
  candidates text default null,
  exclude text default null
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_recommend_users_all';
comment on function als.recommend_users_all is
  'Writes the k best users of every item, or of some, into a table, which is made or whose rows are replaced; returns the rows written';

create function als.similar_items(
  model regclass,
  item_id als.integer_id,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates anycompatible default null,
  exclude anycompatible default null
) returns table (item_id bigint, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_items';
comment on function als.similar_items(regclass, als.integer_id, bigint, text, text, anycompatible, anycompatible) is
  'The k items most like an item by the cosine or inner product of their vectors; ids: integers';

create function als.similar_items(
  model regclass,
  item_id uuid,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates anycompatible default null,
  exclude anycompatible default null
) returns table (item_id uuid, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_items';
comment on function als.similar_items(regclass, uuid, bigint, text, text, anycompatible, anycompatible) is
  'The k items most like an item by the cosine or inner product of their vectors; ids: uuid';

create function als.similar_items(
  model regclass,
  item_id text,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates anycompatible default null,
  exclude anycompatible default null
) returns table (item_id text, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_items';
comment on function als.similar_items(regclass, text, bigint, text, text, anycompatible, anycompatible) is
  'The k items most like an item by the cosine or inner product of their vectors; ids: text or without a type';

create function als.similar_items(
  model regclass,
  item_id anyelement,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates "any" default null,
  exclude "any" default null
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_items';
comment on function als.similar_items(regclass, anyelement, bigint, text, text, "any", "any") is
  'The k items most like an item by the cosine or inner product of their vectors; ids: any other type';

create function als.similar_users(
  model regclass,
  user_id als.integer_id,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates anycompatible default null,
  exclude anycompatible default null
) returns table (user_id bigint, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_users';
comment on function als.similar_users(regclass, als.integer_id, bigint, text, text, anycompatible, anycompatible) is
  'The k users most like a user by the cosine or inner product of their vectors; ids: integers';

create function als.similar_users(
  model regclass,
  user_id uuid,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates anycompatible default null,
  exclude anycompatible default null
) returns table (user_id uuid, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_users';
comment on function als.similar_users(regclass, uuid, bigint, text, text, anycompatible, anycompatible) is
  'The k users most like a user by the cosine or inner product of their vectors; ids: uuid';

create function als.similar_users(
  model regclass,
  user_id text,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates anycompatible default null,
  exclude anycompatible default null
) returns table (user_id text, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_users';
comment on function als.similar_users(regclass, text, bigint, text, text, anycompatible, anycompatible) is
  'The k users most like a user by the cosine or inner product of their vectors; ids: text or without a type';

create function als.similar_users(
  model regclass,
  user_id anyelement,
  k bigint default 10,
  on_unknown text default 'empty',
  measure text default 'cosine',
  candidates "any" default null,
  exclude "any" default null
) returns table (user_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_users';
comment on function als.similar_users(regclass, anyelement, bigint, text, text, "any", "any") is
  'The k users most like a user by the cosine or inner product of their vectors; ids: any other type';

-- als.evaluate: the column popularity also holds item means, and is called baseline.
drop function als.evaluate(regclass, text, int[], text, text, boolean, float8, name, name, name, int);
create function als.evaluate(
  model regclass,
  test text,
  k als.integers default '{10}',
  history text default null,
  candidates text default null,
  exclude_seen boolean default true,
  min_rating float8 default null,
  user_col name default null,
  item_col name default null,
  rating_col name default null,
  threads int default null,
  per_user text default null,
  seen text default null,
  clip boolean default false
) returns table (metric text, k int, value float8, baseline float8, n bigint)
language c volatile parallel unsafe rows 20 as 'MODULE_PATHNAME', 'als_evaluate';
comment on function als.evaluate is
  'How well a model predicts and ranks the rows of a test that it has not seen, and how well the most popular items or mean ratings would do';

create function als.evaluate_by_activity(
  model regclass,
  test text,
  k als.integers default '{10}',
  activity als.integers default '{0,1,4,11,31,101}',
  history text default null,
  candidates text default null,
  exclude_seen boolean default true,
  min_rating float8 default null,
  user_col name default null,
  item_col name default null,
  rating_col name default null,
  threads int default null,
  seen text default null,
  clip boolean default false
) returns table (min_ratings int, max_ratings int, metric text, k int, value float8, baseline float8, n bigint)
language c volatile parallel unsafe rows 100 as 'MODULE_PATHNAME', 'als_evaluate_by_activity';
comment on function als.evaluate_by_activity is
  'The metrics of als.evaluate for users with few, more and many ratings in the training: whom a model serves well and whom badly';

create function als._tested_user(
  model regclass,
  factors real[],
  bias real,
  n_ratings int,
  items "any",
  ratings float8[],
  means float8[],
  history "any",
  history_ratings float8[],
  seen "any",
  more_seen "any",
  candidates "any",
  min_rating float8
) returns bytea
language c stable parallel safe cost 100 as 'MODULE_PATHNAME', 'als_tested_user';
comment on function als._tested_user is
  'Internal to als.evaluate: what is known of one user of the test, on the node that has the user';

create function als._measured_user(
  tested bytea,
  model regclass,
  cutoffs int[],
  lowest real,
  highest real,
  activity int[]
) returns bytea
language c stable parallel safe cost 10000 as 'MODULE_PATHNAME', 'als_measured_user';
comment on function als._measured_user is
  'Internal to als.evaluate: its sums for one user of the test';

create function als._add_measured(sums bytea, measured bytea) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_measured';
comment on function als._add_measured is 'Internal to als._sum_measured: adds a user';

create function als._merge_measured(sums bytea, others bytea) returns bytea
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_merge_measured';
comment on function als._merge_measured is 'Internal to als._sum_measured: adds the users of another node';

create aggregate als._sum_measured(measured bytea) (
  sfunc = als._add_measured, stype = bytea, combinefunc = als._merge_measured, parallel = safe
);
comment on aggregate als._sum_measured(bytea) is
  'Internal to als.evaluate: its sums for all users';

create function als._add_tested(
  sums bytea,
  tested bytea,
  model regclass,
  cutoffs int[],
  lowest real,
  highest real,
  activity int[]
) returns bytea
language c stable parallel safe cost 10000 as 'MODULE_PATHNAME', 'als_add_tested';
comment on function als._add_tested is 'Internal to als._sum_tested: adds a user, once there are enough for a block';

create aggregate als._sum_tested(
  tested bytea,
  model regclass,
  cutoffs int[],
  lowest real,
  highest real,
  activity int[]
) (
  sfunc = als._add_tested, stype = bytea, combinefunc = als._merge_measured, parallel = safe
);
comment on aggregate als._sum_tested(bytea, regclass, int[], real, real, int[]) is
  'Internal to als.evaluate: its sums for all users of the test, ranked in blocks';

create function als._measured_metrics(measured bytea, errors boolean, means boolean)
returns table (metric text, k int, value float8, baseline float8)
language c immutable parallel safe rows 10 as 'MODULE_PATHNAME', 'als_measured_metrics';
comment on function als._measured_metrics is
  'Internal to als.evaluate: the metrics of one user, for the table of users';

create function als.compare(
  model_a regclass,
  model_b regclass,
  test text,
  k als.integers default '{10}',
  history text default null,
  candidates text default null,
  exclude_seen boolean default true,
  min_rating float8 default null,
  user_col name default null,
  item_col name default null,
  rating_col name default null,
  threads int default null,
  confidence float8 default 0.95,
  seen text default null,
  clip boolean default false
) returns table (metric text, k int, value_a float8, value_b float8, difference float8, low float8, high float8, better regclass, n bigint)
language c volatile parallel unsafe rows 20 as 'MODULE_PATHNAME', 'als_compare';
comment on function als.compare is
  'Two models measured by the same users of a test, with the interval of confidence of their difference in each metric';

-- Restricted: the query of titles may be anything.
create function als.report(
  model regclass,
  titles text default null,
  test text default null,
  k als.integers default '{10}',
  items int default 200
) returns text
language c stable parallel restricted cost 1000000 as 'MODULE_PATHNAME', 'als_report';
comment on function als.report is
  'A model as one self-contained HTML page: training, quality, distributions, a map of the items and their neighbours';

-- als.explain: the column part is called component.
create function als.explain(
  model regclass,
  user_id anycompatible,
  item_id als.integer_id,
  k bigint default 10
) returns table (component text, item_id bigint, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, anycompatible, als.integer_id, bigint) is
  'What a score is made of: what each of the user''s ratings contributes; ids: integers';

create function als.explain(
  model regclass,
  user_id anycompatible,
  item_id text,
  k bigint default 10
) returns table (component text, item_id text, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, anycompatible, text, bigint) is
  'What a score is made of: what each of the user''s ratings contributes; ids: text or without a type';

create function als.explain(
  model regclass,
  user_id anycompatible,
  item_id anyelement,
  k bigint default 10
) returns table (component text, item_id anyelement, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, anycompatible, anyelement, bigint) is
  'What a score is made of: what each of the user''s ratings contributes; ids: any other type';

create function als.refresh_users(
  model regclass,
  user_ids anycompatible default null,
  force boolean default false
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh_users';
comment on function als.refresh_users is
  'Computes the rows of these users (null: of those whose ratings have changed) from the live source, the items held fixed; returns the rows written';

create function als.refresh_items(
  model regclass,
  item_ids anycompatible default null,
  force boolean default false
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh_items';
comment on function als.refresh_items is
  'Computes the rows of these items (null: of those whose ratings have changed) from the live source, the users held fixed; returns the rows written';

-- Functions of a model -----------------------------------------------------------------------------
-- als.create_functions makes als's functions for the types of one model's ids. Behind them are these, in which each
-- id may be of any type: of_type, which is null, says what comes back.

create function als._recommend(
  model regclass,
  user_id "any",
  k bigint,
  exclude_seen boolean,
  candidates "any",
  exclude "any",
  on_unknown text,
  seen text,
  diversity float8,
  explore float8,
  new_below int,
  seed bigint,
  of_type anyelement
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend';
comment on function als._recommend is 'Internal to als.create_functions: als.recommend with ids of the type of its last argument';

create function als._recommend_users(
  model regclass,
  item_id "any",
  k bigint,
  exclude_seen boolean,
  candidates "any",
  exclude "any",
  on_unknown text,
  seen text,
  of_type anyelement
) returns table (user_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_users';
comment on function als._recommend_users is 'Internal to als.create_functions: als.recommend_users with ids of the type of its last argument';

create function als._recommend_for(
  model regclass,
  items "any",
  ratings float8[],
  k bigint,
  exclude_seen boolean,
  candidates "any",
  exclude "any",
  on_unknown text,
  diversity float8,
  weights float8[],
  features jsonb,
  of_type anyelement
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_for';
comment on function als._recommend_for is 'Internal to als.create_functions: als.recommend_for with ids of the type of its last argument';

create function als._recommend_vector(
  model regclass,
  factors real[],
  k bigint,
  candidates "any",
  exclude "any",
  on_unknown text,
  diversity float8,
  bias real,
  of_type anyelement
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_recommend_vector';
comment on function als._recommend_vector is 'Internal to als.create_functions: als.recommend_vector with ids of the type of its last argument';

create function als._refreshed_user(
  model regclass,
  items "any",
  ratings float8[],
  out factors real[],
  out bias real,
  out n_ratings int,
  out checksum bigint,
  out duplicates int
) returns record
language c stable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_refreshed_user';
comment on function als._refreshed_user is
  'Internal to als.refresh_users: the row that these ratings give a user, on the node that has the user; nulls if the model knows none of the items';

create function als._checked_rating(user_id "any", item_id "any", rating float8) returns float8
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_checked_rating';
comment on function als._checked_rating is
  'Internal to als, on the nodes that have the users: the rating in single precision; an error that names it if it is no finite number';

create function als._rating_checksum(id "any", rating float8) returns bigint
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_rating_checksum';
comment on function als._rating_checksum is
  'Internal to als.refresh_users and als.refresh_items: what a rating of this id adds to the checksum of its row';

create function als._similar_items(
  model regclass,
  item_id "any",
  k bigint,
  on_unknown text,
  measure text,
  candidates "any",
  exclude "any",
  of_type anyelement
) returns table (item_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_items';
comment on function als._similar_items is 'Internal to als.create_functions: als.similar_items with ids of the type of its last argument';

create function als._similar_users(
  model regclass,
  user_id "any",
  k bigint,
  on_unknown text,
  measure text,
  candidates "any",
  exclude "any",
  of_type anyelement
) returns table (user_id anyelement, score real, rank int)
language c stable parallel safe cost 1000 rows 10 support als._top_k_support
as 'MODULE_PATHNAME', 'als_similar_users';
comment on function als._similar_users is 'Internal to als.create_functions: als.similar_users with ids of the type of its last argument';

create function als._explain(
  model regclass,
  user_id "any",
  item_id "any",
  k bigint,
  of_type anyelement
) returns table (component text, item_id anyelement, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als._explain is 'Internal to als.create_functions: als.explain with ids of the type of its last argument';

-- The functions of a model: what each is called, the types of its arguments, and its definition after the name.
create function als._typed_functions(model regclass, out label text, out name name, out types text, out definition text) returns setof record
language plpgsql stable strict parallel safe rows 8 set search_path = pg_catalog, pg_temp as $$
declare
  run als.model := als.latest_run(model);
  -- All names are qualified: before 14 the server looks them up whenever the function is called.
  self text := format('%L::pg_catalog.regclass', als._locked_model(model));
  users text := als._id_column_type(coalesce(run.user_factors, run.user_table::regclass), 'user_id');
  items text := als._id_column_type(coalesce(run.item_factors, run.item_table::regclass), 'item_id');
  -- Parsed once, a function follows the model when that is renamed.
  is_parsed boolean := current_setting('server_version_num')::int >= 140000;
  f record;
begin
  if users is null or items is null then
    return;
  end if;
  for f in
    select * from (values
      ('predict', 'real', 'cost 10',
       array[['user_id', users, null], ['item_id', items, null], ['on_unknown', 'text', '''null'''], ['clip', 'boolean', 'false']],
       format('als.predict(%s, $1, $2, $3, $4)', self)),
      ('recommend', format('table (item_id %s, score real, rank int)', items), 'cost 1000 rows 10',
       array[['user_id', users, null], ['k', 'bigint', '10'], ['exclude_seen', 'boolean', 'true'],
             ['candidates', items || '[]', 'null'], ['exclude', items || '[]', 'null'], ['on_unknown', 'text', '''empty'''],
             ['seen', 'text', 'null'], ['diversity', 'float8', '0'], ['explore', 'float8', '0'], ['new_below', 'int', '5'],
             ['seed', 'bigint', '42']],
       format('r.item_id, r.score, r.rank from als._recommend(%s, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, null::%s) as r', self, items)),
      ('recommend_users', format('table (user_id %s, score real, rank int)', users), 'cost 1000 rows 10',
       array[['item_id', items, null], ['k', 'bigint', '10'], ['exclude_seen', 'boolean', 'true'],
             ['candidates', users || '[]', 'null'], ['exclude', users || '[]', 'null'], ['on_unknown', 'text', '''empty'''],
             ['seen', 'text', 'null']],
       format('r.user_id, r.score, r.rank from als._recommend_users(%s, $1, $2, $3, $4, $5, $6, $7, null::%s) as r', self, users)),
      ('recommend_for', format('table (item_id %s, score real, rank int)', items), 'cost 1000 rows 10',
       array[['items', items || '[]', null], ['ratings', 'float8[]', 'null'], ['k', 'bigint', '10'], ['exclude_seen', 'boolean', 'true'],
             ['candidates', items || '[]', 'null'], ['exclude', items || '[]', 'null'], ['on_unknown', 'text', '''empty'''],
             ['diversity', 'float8', '0'], ['weights', 'float8[]', 'null'], ['features', 'jsonb', 'null']],
       format('r.item_id, r.score, r.rank from als._recommend_for(%s, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null::%s) as r', self, items)),
      ('recommend_vector', format('table (item_id %s, score real, rank int)', items), 'cost 1000 rows 10',
       array[['factors', 'real[]', null], ['k', 'bigint', '10'],
             ['candidates', items || '[]', 'null'], ['exclude', items || '[]', 'null'], ['on_unknown', 'text', '''empty'''],
             ['diversity', 'float8', '0'], ['bias', 'real', '0']],
       format('r.item_id, r.score, r.rank from als._recommend_vector(%s, $1, $2, $3, $4, $5, $6, $7, null::%s) as r', self, items)),
      ('similar_items', format('table (item_id %s, score real, rank int)', items), 'cost 1000 rows 10',
       array[['item_id', items, null], ['k', 'bigint', '10'], ['on_unknown', 'text', '''empty'''], ['measure', 'text', '''cosine'''],
             ['candidates', items || '[]', 'null'], ['exclude', items || '[]', 'null']],
       format('r.item_id, r.score, r.rank from als._similar_items(%s, $1, $2, $3, $4, $5, $6, null::%s) as r', self, items)),
      ('similar_users', format('table (user_id %s, score real, rank int)', users), 'cost 1000 rows 10',
       array[['user_id', users, null], ['k', 'bigint', '10'], ['on_unknown', 'text', '''empty'''], ['measure', 'text', '''cosine'''],
             ['candidates', users || '[]', 'null'], ['exclude', users || '[]', 'null']],
       format('r.user_id, r.score, r.rank from als._similar_users(%s, $1, $2, $3, $4, $5, $6, null::%s) as r', self, users)),
      ('explain', format('table (component text, item_id %s, rating float8, contribution float8, share float8)', items), 'cost 1000 rows 10',
       array[['user_id', users, null], ['item_id', items, null], ['k', 'bigint', '10']],
       format('r.component, r.item_id, r.rating, r.contribution, r.share from als._explain(%s, $1, $2, $3, null::%s) as r', self, items))
    ) as made (label, result, estimate, arguments, query)
  loop
    label := f.label;
    name := als._name_of_function(model, f.label);
    select string_agg(f.arguments[place][2], ', ' order by place),
      format('(%s) returns %s language sql stable parallel safe %s ',
        string_agg(concat_ws(' ', f.arguments[place][1], f.arguments[place][2], 'default ' || f.arguments[place][3]), ', ' order by place),
        f.result, f.estimate)
      into types, definition
    from generate_subscripts(f.arguments, 1) as place;
    definition := definition || case when is_parsed then format('begin atomic select %s; end', f.query) else format('as %L', 'select ' || f.query) end;
    return next;
  end loop;
end
$$;
comment on function als._typed_functions is
  'Internal to als.create_functions: the functions of a model, with the types of its ids';

create function als._id_column_type(factors regclass, id_column name) returns text
language sql stable strict parallel safe set search_path = pg_catalog, pg_temp as $$
  select format('%I.%I', nspname, typname)
  from pg_attribute join pg_type t on t.oid = atttypid join pg_namespace n on n.oid = typnamespace
  where attrelid = factors and attname = id_column and not attisdropped and typarray <> 0
$$;
comment on function als._id_column_type is
  'Internal to als.create_functions: the type of the ids in a factor table; null if there are no arrays of them';

-- taste_recommend, with as much of the model's name as there is room for.
create function als._name_of_function(model regclass, label text) returns name
language sql stable strict parallel safe set search_path = pg_catalog, pg_temp as $$
  select left(relname::text, letters) || '_' || label
  from pg_class, generate_series(1, length(relname::text)) as letters
  where pg_class.oid = model and octet_length(left(relname::text, letters)) + 1 + octet_length(label) < 64
  order by letters desc limit 1
$$;
comment on function als._name_of_function is 'Internal to als.create_functions: a name that begins with the model''s';

create function als._record_function(made regprocedure, model regclass) returns void
language c volatile strict parallel unsafe as 'MODULE_PATHNAME', 'als_record_function';
comment on function als._record_function is
  'Internal to als.create_functions: records whose a function is, so that it is dropped with the model';

-- Arguments are printed with the function's name before them.
create function als._definition_without_name(made regprocedure) returns text
language sql stable strict parallel safe set search_path = pg_catalog, pg_temp as $$
  select replace(substr(pg_get_functiondef(p.oid), length(format('CREATE OR REPLACE FUNCTION %I.%I', nspname, proname)) + 1),
    quote_ident(proname) || '.', '')
  from pg_proc p join pg_namespace n on n.oid = pronamespace where p.oid = made
$$;
comment on function als._definition_without_name is 'Internal to als.create_functions: what of two functions is compared';

-- Those that als has recorded to be the model's: the record goes where somebody puts another function in the place of one.
-- A dump does not keep it. Then a function is the model's if it is the very one that als would make.
create function als._functions_of(model regclass) returns setof regprocedure
language plpgsql volatile strict parallel unsafe rows 8 set search_path = pg_catalog, pg_temp as $$
declare
  -- Once the model is locked, nobody can move it to another schema or give it to another role.
  schema name := (parse_ident(als._locked_model(model)))[1];
  owner oid := (select relowner from pg_class where oid = model);
  twin name := 'als twin ' || pg_backend_pid();
  f record;
  found regprocedure;
  is_same boolean;
begin
  return query
  select objid::regprocedure from pg_depend
  where classid = 'pg_proc'::regclass and refclassid = 'pg_class'::regclass and refobjid = model and deptype = 'a';
  for f in select * from als._typed_functions(model) loop
    found := to_regprocedure(format('%I.%I(%s)', schema, f.name, f.types));
    continue when found is null
      or (select proowner from pg_proc where oid = found) <> owner
      or exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = found and refclassid = 'pg_class'::regclass and deptype = 'a');
    execute format('create function %I.%I%s', schema, twin, f.definition);
    is_same := als._definition_without_name(found)
      = als._definition_without_name(to_regprocedure(format('%I.%I(%s)', schema, twin, f.types)));
    execute format('drop function %I.%I(%s)', schema, twin, f.types);
    if is_same then
      return next found;
    end if;
  end loop;
end
$$;
comment on function als._functions_of is 'Internal to als.create_functions: the functions that are provably the model''s';

create function als.create_functions(model regclass) returns setof regprocedure
language plpgsql volatile strict parallel unsafe rows 8 set search_path = pg_catalog, pg_temp as $$
declare
  -- Once the model is locked, nobody can move it to another schema or give it to another role.
  schema name := (parse_ident(als._locked_model(model)))[1];
  owner oid := (select relowner from pg_class where oid = model);
  f record;
  made regprocedure;
  all_made regprocedure[];
  before regprocedure[];
begin
  if not pg_has_role(owner, 'usage') then
    raise exception 'must be owner of model %', model using errcode = 'insufficient_privilege';
  end if;
  before := array(select * from als._functions_of(model));
  for f in select * from als._typed_functions(model) loop
    made := to_regprocedure(format('%I.%I(%s)', schema, f.name, f.types));
    if made is not null and made <> all (before) then
      raise exception 'function % already exists', made using
        errcode = 'duplicate_function',
        detail = format('It cannot be proved to be of model %s.', model),
        hint = 'Drop it, rename it or move it to another schema.';
    end if;
    execute format('create or replace function %I.%I%s', schema, f.name, f.definition);
    made := to_regprocedure(format('%I.%I(%s)', schema, f.name, f.types));
    if (select proowner from pg_proc where oid = made) <> owner then
      execute format('alter function %s owner to %I', made, pg_get_userbyid(owner));
    end if;
    execute format('comment on function %s is %L', made, format('als.%s for model %s', f.label, model));
    perform als._record_function(made, model);
    all_made := all_made || made;
    return next made;
  end loop;
  if all_made is null then
    raise exception 'functions cannot be made for model %', model using
      errcode = 'object_not_in_prerequisite_state',
      detail = 'It has no factor tables, or its ids are of a type of which there are no arrays.',
      hint = 'Train it with als.train(..., replace => true), if need be on a query that casts the ids to text.';
  end if;
  -- Of the model's former name, or of ids of other types.
  foreach made in array before loop
    if made <> all (all_made) then
      execute format('drop function %s', made);
    end if;
  end loop;
end
$$;
comment on function als.create_functions is
  'Makes als.recommend and the like as functions of one model, in its schema, with the types of its ids';

comment on function als.hash_fraction is
  'A number of [0, 1) that depends on these values alone: the same in every version, on every server of the same encoding';

-- als.models reads tables that nobody has named, without a query on them; why it cannot, it says.
create function als._models(
  out model regclass,
  out owner name,
  out run als.model,
  out problem text
) returns setof record
language c volatile strict parallel unsafe rows 10 as 'MODULE_PATHNAME', 'als_models';
comment on function als._models is
  'The models that the current user may read, each with its newest run, read without running anything of their owners''; behind the view als.models';

drop view als.models;
-- A run's row tells more of its ratings and its options, and where it says what users have seen beside the source.
-- The source's table is a text: a regclass keeps a model from being restored where that table is not.
alter type als.model
  add attribute bias_regularization float8 cascade,
  add attribute spread float8 cascade,
  add attribute options jsonb cascade,
  add attribute seen text cascade,
  add attribute seen_table text cascade,
  add attribute damping float8 cascade,
  alter attribute source_table set data type text cascade,
  add attribute source_path text cascade,
  add attribute seen_path text cascade,
  add attribute advice text cascade,
  add attribute lowest_rating real cascade,
  add attribute highest_rating real cascade,
  add attribute time_col name cascade,
  add attribute user_table text cascade,
  add attribute item_table text cascade,
  add attribute distributed boolean cascade,
  add attribute parts int cascade,
  add attribute weight_col name cascade,
  add attribute item_features text cascade,
  add attribute item_features_table text cascade,
  add attribute item_features_path text cascade,
  add attribute feature_regularization float8 cascade,
  add attribute feature_strength float8 cascade,
  add attribute item_feature_weights regclass cascade,
  add attribute item_feature_columns jsonb cascade,
  add attribute n_new_items bigint cascade,
  add attribute user_features text cascade,
  add attribute user_features_table text cascade,
  add attribute user_features_path text cascade,
  add attribute user_feature_strength float8 cascade,
  add attribute user_feature_weights regclass cascade,
  add attribute user_feature_columns jsonb cascade,
  add attribute n_new_users bigint cascade,
  add attribute new_item_shrinkage float8 cascade;
create view als.models as select model, owner, (run).*, problem from als._models();
comment on view als.models is
  'The models that the current user may read, each with its newest run, or the problem with reading it';
grant select on als.models to public;

-- What costs a machine is granted and revoked as one.
create function als._costly_functions() returns setof regprocedure
language sql stable parallel safe rows 10 set search_path = pg_catalog, pg_temp as $$
  select oid::regprocedure from pg_proc
  where pronamespace = 'als'::regnamespace
    and proname in ('train', 'train_in_steps', 'train_each', 'retrain', 'retrain_in_steps', 'import_model', 'tune', 'tuned', 'evaluate', 'evaluate_by_activity', 'compare', 'recommend_all', 'recommend_users_all', 'refresh_users', 'refresh_items', 'refresh')
$$;
comment on function als._costly_functions is
  'What takes a machine''s processors and memory for long; what als.grant_training and als.revoke_training are about';

create function als._change_training(granted boolean, role name) returns void
language plpgsql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  costly regprocedure;
begin
  if role is null then
    raise exception 'the role must not be null' using errcode = 'null_value_not_allowed', hint = 'Name a role, or public.';
  end if;
  for costly in select * from als._costly_functions() loop
    -- GRANT and REVOKE themselves would merely warn.
    if not pg_has_role((select proowner from pg_proc where oid = costly), 'usage') then
      raise exception 'must be owner of function %', costly using errcode = 'insufficient_privilege';
    end if;
    execute format(case when granted then 'grant execute on routine %s to %I' else 'revoke execute on routine %s from %I' end,
      costly, role);
  end loop;
end
$$;
comment on function als._change_training is
  'Internal to als.grant_training and als.revoke_training: grants or revokes each of the costly functions';

create function als.grant_training(to_role name) returns void
language sql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
  select als._change_training(true, to_role)
$$;
comment on function als.grant_training is
  'Lets a role, or public, execute what costs a machine: als.train, als.retrain (both also in steps), als.train_each, als.import_model, als.tune, als.tuned, als.evaluate, als.evaluate_by_activity, als.compare, als.recommend_all, als.recommend_users_all, als.refresh, als.refresh_users, als.refresh_items';

create function als.revoke_training(from_role name default 'public') returns void
language sql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
  select als._change_training(false, from_role)
$$;
comment on function als.revoke_training is
  'Takes from public, or a role, the right to execute what costs a machine: als.train, als.retrain (both also in steps), als.train_each, als.import_model, als.tune, als.tuned, als.evaluate, als.evaluate_by_activity, als.compare, als.recommend_all, als.recommend_users_all, als.refresh, als.refresh_users, als.refresh_items';

-- While the lock lasts nobody can give the name to a view, or to another table.
create function als._locked_model(model regclass) returns text
language c stable strict parallel safe as 'MODULE_PATHNAME', 'als_locked_model';
comment on function als._locked_model is
  'Internal to als.latest_run and als.create_functions: locks a model as a query does, and returns its qualified name';

create or replace function als.latest_run(model regclass) returns als.model
language plpgsql stable strict parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  run als.model;
begin
  execute format('select * from %s order by run desc limit 1', als._locked_model(model)) into run;
  return run;
end
$$;

-- What no trigger sees, such as changes of tables that Citus distributes.
create function als.touch(model regclass) returns void
language c volatile strict parallel unsafe as 'MODULE_PATHNAME', 'als_touch';
comment on function als.touch is 'Gives a model a new version, after a change of its factors that no trigger has seen';

-- What acts on other tables first proves that they are the model's.
create or replace function als.drop_model(model regclass) returns void
language c volatile strict parallel unsafe as 'MODULE_PATHNAME', 'als_drop_model';
comment on function als.drop_model is 'Drops a model: its table and the factor tables that are provably its own, but not those that were attached to it';

create or replace function als.factors_changed() returns trigger
language c as 'MODULE_PATHNAME', 'als_factors_changed';

create function als._trained_popularity(n bigint) returns real
language c volatile strict parallel restricted as 'MODULE_PATHNAME', 'als_trained_popularity';
comment on function als._trained_popularity is
  'Internal to als.train: the popularity of row n of the item factors being written';

-- Factors that a session changes while it replicates or restores get a new version too.
do $$
declare
  t record;
begin
  for t in
    select tgrelid::regclass as factors, tgname from pg_catalog.pg_trigger
    where tgfoid = 'als.factors_changed()'::regprocedure and tgenabled = 'O' and tgparentid = 0
  loop
    execute pg_catalog.format('alter table %s enable always trigger %I', t.factors, t.tgname);
  end loop;
end
$$;

-- als.train: keep_previous; als.train_in_steps and als.rollback_model are new.
drop function als.train(text, text, name, name, name, text, int, int, float8, float8, float8, boolean, boolean, text, float8, float8, bigint, text, int, boolean, boolean, boolean);
create function als.train(
  model text,
  source text,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  feedback text default 'explicit',
  factors int default 64,
  iterations int default null,
  regularization float8 default null,
  reg_exponent float8 default null,
  alpha float8 default null,
  biases boolean default null,
  nonnegative boolean default false,
  on_duplicate text default null,
  holdout float8 default 0,
  tolerance float8 default 0,
  seed bigint default 42,
  solver text default 'auto',
  threads int default null,
  replace boolean default false,
  warm_start boolean default false,
  unlogged boolean default false,
  keep_previous boolean default false,
  replace_ids boolean default false,
  seen text default null,
  bias_regularization float8 default null,
  time_col name default null,
  distributed boolean default false,
  parts int default null,
  functions boolean default false,
  weight_col name default null,
  item_features text default null,
  feature_regularization float8 default null,
  feature_strength float8 default null,
  user_features text default null,
  user_feature_strength float8 default null,
  new_item_shrinkage float8 default null
) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_train';
comment on function als.train(text, text, name, name, name, text, int, int, float8, float8, float8, boolean, boolean, text, float8, float8, bigint, text, int, boolean, boolean, boolean, boolean, boolean, text, float8, name, boolean, int, boolean, name, text, float8, float8, text, float8, float8) is
  'Trains a model by alternating least squares on a table, view or query of ratings, and returns its row';

create procedure als.train_in_steps(
  model text,
  source text,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  feedback text default 'explicit',
  factors int default 64,
  iterations int default null,
  regularization float8 default null,
  reg_exponent float8 default null,
  alpha float8 default null,
  biases boolean default null,
  nonnegative boolean default false,
  on_duplicate text default null,
  holdout float8 default 0,
  tolerance float8 default 0,
  seed bigint default 42,
  solver text default 'auto',
  threads int default null,
  replace boolean default false,
  warm_start boolean default false,
  unlogged boolean default false,
  keep_previous boolean default false,
  replace_ids boolean default false,
  seen text default null,
  bias_regularization float8 default null,
  time_col name default null,
  functions boolean default false,
  weight_col name default null,
  item_features text default null,
  feature_regularization float8 default null,
  feature_strength float8 default null,
  user_features text default null,
  user_feature_strength float8 default null,
  new_item_shrinkage float8 default null
)
language c as 'MODULE_PATHNAME', 'als_train_in_steps';
comment on procedure als.train_in_steps is
  'als.train in several transactions, none of which is open for as long as the training: vacuum goes on meanwhile';

create function als._sources_by(source text, by name) returns table (value text, query text)
language c volatile parallel unsafe rows 20 as 'MODULE_PATHNAME', 'als_sources_by';
comment on function als._sources_by is
  'Internal to als.train_each: each value of a column, and a query of the rows of the source that have it';

create function als._check_may_commit(procedure text) returns void
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_check_may_commit';
comment on function als._check_may_commit is
  'Internal to als.train_each: an error where the caller is in a transaction block';

-- Without a search_path of its own, which a procedure that commits may not have: all names, types and operators are qualified.
create procedure als.train_each(
  models text,
  source text,
  by name,
  options jsonb default '{}',
  replace boolean default null
)
language plpgsql as $$
declare
  -- So long that it is nowhere else in the name.
  stand_in constant pg_catalog.text := pg_catalog.concat('v', pg_catalog.repeat('x', pg_catalog.length(models)));
  names pg_catalog.text[];  -- the parts of the name, folded and without quotes
  last int;
  part pg_catalog.record;
  name pg_catalog.text;
  n_values int := 0;
  failed pg_catalog.text[] := '{}';
  first_state pg_catalog.text;
  state pg_catalog.text;
  message pg_catalog.text;
  hint pg_catalog.text;
begin
  if pg_catalog.cardinality(pg_catalog.string_to_array(models, '%s')) operator(pg_catalog.=) 2 then
    begin
      names := pg_catalog.parse_ident(pg_catalog.replace(models, '%s', stand_in));
    exception when invalid_parameter_value then null;
    end;
  end if;
  last := pg_catalog.cardinality(names);
  if (last operator(pg_catalog.<=) 2 and pg_catalog.strpos(names[last], stand_in) operator(pg_catalog.>) 0) is not true then
    raise exception 'models is %', coalesce(pg_catalog.quote_literal(models), 'null') using
      errcode = 'invalid_parameter_value', hint = 'Give a name with one %s, where the value goes: taste_%s, or shop.taste_%s.';
  end if;
  perform als._check_may_commit('als.train_each');
  commit;  -- where this is an error, as in a function, there is no need to train first
  for part in select * from als._sources_by(source, by) loop
    if part.value is null then
      raise notice 'als: rows without a value of % are in no model', pg_catalog.quote_ident(by);
      continue;
    end if;
    n_values := n_values operator(pg_catalog.+) 1;
    name := pg_catalog.replace(names[last], stand_in, part.value);
    begin
      if pg_catalog.octet_length(name) operator(pg_catalog.>) 63 then
        raise exception 'its name has % bytes', pg_catalog.octet_length(name) using
          errcode = 'name_too_long', hint = 'Names have 63 at most. A query as the source can shorten the values.';
      end if;
      perform als.train(
        pg_catalog.concat(case when last operator(pg_catalog.=) 2 then pg_catalog.concat(pg_catalog.quote_ident(names[1]), '.') end, pg_catalog.quote_ident(name)),
        part.query, options, replace);
    exception when others then
      get stacked diagnostics state = returned_sqlstate, message = message_text, hint = pg_exception_hint;
      failed := pg_catalog.array_append(failed, name);
      first_state := coalesce(first_state, state);
      raise warning 'als: model "%" was not trained: %', name, message using errcode = state,
        hint = case when pg_catalog.length(hint) operator(pg_catalog.>) 0 then hint else 'The other models are not affected.' end;
    end;
    commit;
  end loop;
  if n_values operator(pg_catalog.=) 0 then
    raise exception 'the source has no value of %', pg_catalog.quote_ident(by) using
      errcode = 'no_data_found', hint = 'Nothing was trained.';
  elsif pg_catalog.cardinality(failed) operator(pg_catalog.>) 0 then
    raise exception '% of the models could not be trained', pg_catalog.cardinality(failed) using errcode = first_state,
      detail = pg_catalog.concat('These: ', pg_catalog.array_to_string(failed[1:20], ', '), case when pg_catalog.cardinality(failed) operator(pg_catalog.>) 20 then ', ...' end, '.'),
      hint = 'The warnings say why. The other models are committed.';
  end if;
end
$$;
comment on procedure als.train_each is
  'Trains a model for each value of a column, by als.train, and commits each';

create function als.retrain(
  model regclass,
  source text default null,
  user_col name default null,
  item_col name default null,
  rating_col name default null,
  feedback text default null,
  factors int default null,
  iterations int default null,
  regularization float8 default null,
  reg_exponent float8 default null,
  alpha float8 default null,
  biases boolean default null,
  nonnegative boolean default null,
  on_duplicate text default null,
  holdout float8 default null,
  tolerance float8 default null,
  seed bigint default null,
  solver text default null,
  seen text default null,
  threads int default null,
  warm_start boolean default null,
  keep_previous boolean default false,
  replace_ids boolean default false,
  bias_regularization float8 default null,
  time_col name default null,
  distributed boolean default null,
  parts int default null,
  functions boolean default false,
  weight_col name default null,
  item_features text default null,
  feature_regularization float8 default null,
  feature_strength float8 default null,
  user_features text default null,
  user_feature_strength float8 default null,
  new_item_shrinkage float8 default null
) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_retrain';
comment on function als.retrain is
  'Trains a model again as its newest run was trained, except for what is named; starts from the factors that it has';

create procedure als.retrain_in_steps(
  model regclass,
  source text default null,
  user_col name default null,
  item_col name default null,
  rating_col name default null,
  feedback text default null,
  factors int default null,
  iterations int default null,
  regularization float8 default null,
  reg_exponent float8 default null,
  alpha float8 default null,
  biases boolean default null,
  nonnegative boolean default null,
  on_duplicate text default null,
  holdout float8 default null,
  tolerance float8 default null,
  seed bigint default null,
  solver text default null,
  seen text default null,
  threads int default null,
  warm_start boolean default null,
  keep_previous boolean default false,
  replace_ids boolean default false,
  bias_regularization float8 default null,
  time_col name default null,
  functions boolean default false,
  weight_col name default null,
  item_features text default null,
  feature_regularization float8 default null,
  feature_strength float8 default null,
  user_features text default null,
  user_feature_strength float8 default null,
  new_item_shrinkage float8 default null
)
language c as 'MODULE_PATHNAME', 'als_retrain_in_steps';
comment on procedure als.retrain_in_steps is
  'als.retrain in several transactions, none of which is open for as long as the training';

create function als.rollback_model(model regclass) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_rollback_model';
comment on function als.rollback_model is
  'Takes back the newest run of a model that was trained with keep_previous, and returns the row of the run before, which serves again';

-- als.import_model: replace_ids, bias_regularization, seen.
drop function als.import_model;
create function als.import_model(
  model text,
  user_factors text,
  item_factors text,
  feedback text default 'implicit',
  regularization float8 default null,
  reg_exponent float8 default null,
  alpha float8 default null,
  mean float8 default null,
  nonnegative boolean default false,
  on_duplicate text default null,
  source text default null,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  replace boolean default false,
  unlogged boolean default false,
  replace_ids boolean default false,
  bias_regularization float8 default null,
  time_col name default null,
  seen text default null,
  weight_col name default null
) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_import_model';
comment on function als.import_model is
  'Makes a model of factors that were trained elsewhere, given as tables or queries of ids and vectors';

create function als.attach_model(
  model text,
  user_table regclass,
  item_table regclass,
  feedback text default 'implicit',
  regularization float8 default null,
  reg_exponent float8 default null,
  alpha float8 default null,
  mean float8 default null,
  nonnegative boolean default false,
  on_duplicate text default null,
  source text default null,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  bias_regularization float8 default null,
  time_col name default null,
  seen text default null,
  weight_col name default null
) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_attach_model';
comment on function als.attach_model is
  'Makes a model of tables of factors that are there, without a copy; als.drop_model leaves them';

create function als._trained_checksum(n bigint) returns bigint
language c volatile strict parallel restricted as 'MODULE_PATHNAME', 'als_trained_checksum';
comment on function als._trained_checksum is
  'Internal to als.train: a checksum of the ratings of row n of the factors being written';

-- als.track, als.untrack and als.refresh are new.
create function als.track(model regclass) returns regclass
language c volatile strict parallel unsafe as 'MODULE_PATHNAME', 'als_track';
comment on function als.track is
  'Has the source of a model note whose ratings change, in a table that it returns; als.refresh takes the notes';

create function als.untrack(model regclass) returns void
language c volatile strict parallel unsafe as 'MODULE_PATHNAME', 'als_untrack';
comment on function als.untrack is 'Ends what als.track has begun: drops the triggers on the source and the table of notes';

create function als.note_changes() returns trigger
language c as 'MODULE_PATHNAME', 'als_note_changes';
comment on function als.note_changes is
  'Trigger of tracked sources, made by als.track: notes the users and items of the rows that a statement has changed';

create function als.refresh(
  model regclass,
  force boolean default false,
  out items bigint,
  out users bigint
) returns record
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh';
comment on function als.refresh is
  'als.refresh_items and als.refresh_users in one, of what the tracked source has noted, or else of whatever has changed; returns the rows written';

-- als.tune: without a grid, and within a time; als.tuned is new.
drop function als.tune(text, jsonb, text, int, float8, text, name, name, name, text, text, bigint, int, boolean, text);
create function als.tune(
  source text,
  grid jsonb default null,
  metric text default null,
  trials int default null,
  holdout float8 default 0.1,
  test text default null,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  feedback text default 'explicit',
  on_duplicate text default null,
  seed bigint default 42,
  threads int default null,
  stop_early boolean default true,
  results text default null,
  seconds float8 default null,
  time_col name default null,
  weight_col name default null,
  item_features text default null,
  user_features text default null
) returns table (trial int, rank int, value float8, iterations int, seconds float8, options jsonb)
language c volatile parallel unsafe rows 20 as 'MODULE_PATHNAME', 'als_tune';
comment on function als.tune is
  'Tries options of als.train on the same ratings, some of them kept out to judge by, and ranks them; poor trials stop early';

create function als.tuned(
  source text,
  metric text default null,
  seconds float8 default 60,
  trials int default null,
  holdout float8 default 0.1,
  test text default null,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  feedback text default 'explicit',
  on_duplicate text default null,
  seed bigint default 42,
  threads int default null,
  time_col name default null,
  weight_col name default null,
  item_features text default null,
  user_features text default null
) returns jsonb
language sql volatile parallel unsafe as $$
  -- Less than that is chance: of those that are as good the first, which is the closest to the defaults.
  select t.options
  from (select *, pg_catalog.first_value(value) over (order by rank) as best
        from als.tune(source => $1, metric => $2, seconds => $3, trials => $4, holdout => $5, test => $6,
                      user_col => $7, item_col => $8, rating_col => $9, feedback => $10, on_duplicate => $11,
                      seed => $12, threads => $13, time_col => $14, weight_col => $15, item_features => $16,
                      user_features => $17)) t
  where t.rank operator(pg_catalog.=) 1
    or pg_catalog.abs(t.value operator(pg_catalog.-) t.best) operator(pg_catalog.<=)
       (t.best operator(pg_catalog.*) case when $10 operator(pg_catalog.=) 'explicit' then 0.001 else 0.005 end)
  order by t.trial limit 1
$$;
comment on function als.tuned is
  'The options of als.train that do best on these ratings, of those around the defaults that can be tried in so many seconds';

-- The normal equations of a row as aggregates: ALS in plain SQL.
create function als._add_rating(state bytea, factors real[], rating float8) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_rating';
comment on function als._add_rating(bytea, real[], float8) is
  'Internal to als.equations: adds a rating';

create function als._add_rating(state bytea, factors real[], rating float8, bias float8) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_biased_rating';
comment on function als._add_rating(bytea, real[], float8, float8) is
  'Internal to als.equations: adds a rating of something with a bias';

create function als._add_implicit_rating(state bytea, factors real[], rating float8, alpha float8) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_implicit_rating';
comment on function als._add_implicit_rating is
  'Internal to als.implicit_equations: adds a rating';

create function als._add_vector(state bytea, factors real[]) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_vector';
comment on function als._add_vector is
  'Internal to als.gram: adds a vector';

create function als._merge_equations(a bytea, b bytea) returns bytea
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_merge_equations';
comment on function als._merge_equations is
  'Internal to als.equations, als.implicit_equations and als.gram: adds the sums of two parts of the rows';

create aggregate als.equations(factors real[], rating float8) (
  sfunc = als._add_rating, stype = bytea, combinefunc = als._merge_equations, parallel = safe
);
comment on aggregate als.equations(real[], float8) is
  'The normal equations of a user, or an item: of the factors of what it has rated, or was rated by, and of the ratings';

create aggregate als.equations(factors real[], rating float8, bias float8) (
  sfunc = als._add_rating, stype = bytea, combinefunc = als._merge_equations, parallel = safe
);
comment on aggregate als.equations(real[], float8, float8) is
  'The same with biases: the row has one of its own, its last unknown, and the bias of the other side is taken from the rating';

create aggregate als.implicit_equations(factors real[], rating float8, alpha float8) (
  sfunc = als._add_implicit_rating, stype = bytea, combinefunc = als._merge_equations, parallel = safe
);
comment on aggregate als.implicit_equations(real[], float8, float8) is
  'The same of implicit feedback, where a cell weighs 1 + alpha * rating; als.gram has the part of the cells without a rating';

create aggregate als.gram(factors real[]) (
  sfunc = als._add_vector, stype = bytea, combinefunc = als._merge_equations, parallel = safe
);
comment on aggregate als.gram(real[]) is
  'The Gram matrix of a side: what all its vectors add to the equations of every row of the other one';

create function als.solve(
  equations bytea,
  regularization float8,
  reg_exponent float8 default 1,
  bias_regularization float8 default null,
  gram bytea default null
) returns real[]
language c immutable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_solve';
comment on function als.solve is
  'Solves the normal equations of a row exactly: its factors and, with biases, its bias behind them';

-- Trainings in parts ------------------------------------------------------------------------------
-- What the statements of als.train(..., distributed => true) call. Bytes are those of this version.

create function als._id_key(id "any") returns bigint
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_id_key';
comment on function als._id_key is
  'Internal to distributed trainings: the hash of an id that its first factors are drawn by';

create function als._own_part(training bigint, part int) returns int
language c volatile strict parallel restricted as 'MODULE_PATHNAME', 'als_own_part';
comment on function als._own_part is
  'Internal to distributed trainings: ratings of a part that this session will read stay in it';

create function als._collect(user_id "any", item_id "any", rating float8, places bigint[]) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_collect';
comment on function als._collect is
  'Internal to distributed trainings: keeps the rows of a source, and names the collector of them for the first';

create function als._collected(collector bigint) returns setof record
language c stable parallel unsafe as 'MODULE_PATHNAME', 'als_collected';
comment on function als._collected is
  'Internal to distributed trainings: a row for each user of those that als._collect has kept';

create function als._first_rows(internal) returns tsm_handler
language c stable parallel safe as 'MODULE_PATHNAME', 'als_first_rows';
comment on function als._first_rows is
  'Internal to distributed trainings: `tablesample als._first_rows(n)` has the first n rows of each machine''s part of a table';

create function als._collect_query(query text, places bigint[]) returns setof record
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_collect_query';
comment on function als._collect_query is
  'Internal to distributed trainings: a row for each user of a query for users, items and ratings';

create function als._item_numbers(head bytea, ids anyarray, items anyarray) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_item_numbers';
comment on function als._item_numbers is
  'Internal to distributed trainings: the numbers that ids have in a list of all';

create function als._add_to_chunk(state internal, ratings bytea, user_key bigint, part int, number int, items int, on_duplicate int,
                                  holdout float8, seed bigint, item_keys bigint[], numbers bytea) returns internal
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_to_chunk';
comment on function als._add_to_chunk is 'Internal to als._chunk: adds a user';

create function als._chunk_bytes(state internal) returns bytea
language c immutable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_chunk_bytes';
comment on function als._chunk_bytes is 'Internal to als._chunk: its result';

create aggregate als._chunk(ratings bytea, user_key bigint, part int, number int, items int, on_duplicate int,
                            holdout float8, seed bigint, item_keys bigint[], numbers bytea) (
  sfunc = als._add_to_chunk, stype = internal, sspace = 16777216, finalfunc = als._chunk_bytes, finalfunc_modify = read_write, parallel = safe
);
comment on aggregate als._chunk(bytea, bigint, int, int, int, int, float8, bigint, bigint[], bytea) is
  'Internal to distributed trainings: packs the ratings of users, in the order in which they come';

create function als._chunk_facts(chunk bytea, out users int, out ratings bigint, out mean float8, out squares float8, out duplicates bigint,
                                 out lowest real, out highest real)
returns record
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_chunk_facts';
comment on function als._chunk_facts is
  'Internal to distributed trainings: what is in a chunk';

create function als._sampled_ratings(chunk bytea, buckets int) returns bytea[]
language c immutable strict parallel restricted as 'MODULE_PATHNAME', 'als_sampled_ratings';
comment on function als._sampled_ratings is
  'Internal to distributed trainings: the ratings of each user of a chunk who is in the first of so many buckets, and null for others';

create function als._judging_hashes(chunk bytea) returns bigint[]
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_judging_hashes';
comment on function als._judging_hashes is
  'Internal to distributed trainings: the hashes of the users of a chunk whose ratings that were kept out may be looked at';

create function als._add_to_totals(state internal, training bytea, part int, chunk bytea) returns internal
language c immutable parallel restricted as 'MODULE_PATHNAME', 'als_add_to_totals';
comment on function als._add_to_totals is 'Internal to als._part_totals: adds a chunk';

create function als._totals_bytes(state internal) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_totals_bytes';
comment on function als._totals_bytes is 'Internal to als._part_totals: its result';

create aggregate als._part_totals(training bytea, part int, chunk bytea) (
  sfunc = als._add_to_totals, stype = internal, sspace = 16777216, finalfunc = als._totals_bytes, parallel = restricted
);
comment on aggregate als._part_totals(bytea, int, bytea) is
  'Internal to distributed trainings: what the ratings of each item in the chunks of a part come to';

create function als._piece(pieces bytea, slice int) returns bytea
language c immutable strict parallel restricted as 'MODULE_PATHNAME', 'als_piece';
comment on function als._piece is
  'Internal to distributed trainings: the piece of one slice among those of all';

create function als._check_sent(is_possible bool, what text) returns bool
language c volatile as 'MODULE_PATHNAME', 'als_check_sent';
comment on function als._check_sent is
  'Internal to distributed trainings: an error if another server has sent what cannot be';

create function als._encoded(bytes bytea) returns text
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_encoded';
comment on function als._encoded is
  'Internal to distributed trainings: bytes as text, which is base64';

create function als._decoded(encoded text) returns bytea
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_decoded';
comment on function als._decoded is
  'Internal to distributed trainings: the bytes that als._encoded has made text of';

create function als._sent_piece(piece text, slice int, part int) returns bytea
language c volatile parallel restricted as 'MODULE_PATHNAME', 'als_sent_piece';
comment on function als._sent_piece is
  'Internal to distributed trainings: a piece that another server has sent as text, if it is one of this slice and part, or the number of sums that the session keeps';

create function als._sent_users(users text, ids anyarray, factors int, biases boolean) returns bytea
language c volatile parallel restricted as 'MODULE_PATHNAME', 'als_sent_users';
comment on function als._sent_users is
  'Internal to distributed trainings: users that another server has sent as text, if there is one for each of these ids';

create function als._add_piece(state internal, piece bytea) returns internal
language c immutable parallel restricted as 'MODULE_PATHNAME', 'als_add_piece';
comment on function als._add_piece is 'Internal to als._sum_pieces: adds one';

create function als._pieces_sum(state internal) returns bytea
language c immutable parallel restricted as 'MODULE_PATHNAME', 'als_pieces_sum';
comment on function als._pieces_sum is 'Internal to als._sum_pieces and als._sum_user_reports: their result';

create aggregate als._sum_pieces(piece bytea) (
  sfunc = als._add_piece, stype = internal, sspace = 16777216, finalfunc = als._pieces_sum, finalfunc_modify = read_write, parallel = restricted
);
comment on aggregate als._sum_pieces(bytea) is
  'Internal to distributed trainings: adds the pieces of a slice, in the order of the parts';

create function als._add_known(state internal, n int, factors real[], bias real) returns internal
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_known';
comment on function als._add_known is 'Internal to als._known: adds a row';

create function als._known_bytes(state internal) returns bytea
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_known_bytes';
comment on function als._known_bytes is 'Internal to als._known: its result';

create aggregate als._known(n int, factors real[], bias real) (
  sfunc = als._add_known, stype = internal, sspace = 16777216, finalfunc = als._known_bytes, parallel = safe
);
comment on aggregate als._known(int, real[], real) is
  'Internal to distributed trainings: what is known of some rows, by their numbers';

create function als._make_slice(training bytea, slice int, totals bytea, keys bigint[], spread float8, known bytea) returns bytea
language c immutable parallel safe cost 1000 as 'MODULE_PATHNAME', 'als_make_slice';
comment on function als._make_slice is
  'Internal to distributed trainings: some of the items, as the training begins';

create function als._turn_slice(slice bytea, step bytea) returns bytea
language c immutable strict parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_turn_slice';
comment on function als._turn_slice is
  'Internal to distributed trainings: some of the items in the basis of a step';

create function als._slice_block(slice bytea, step bytea) returns bytea
language c immutable strict parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_slice_block';
comment on function als._slice_block is
  'Internal to distributed trainings: what a step tells all parts of some of the items';

create function als._keep_slice(slice bytea, step bytea) returns bigint
language c volatile strict parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_keep_slice';
comment on function als._keep_slice is
  'Internal to distributed trainings: keeps what a step tells all parts of some of the items for those of this session';

create function als._keep_pieces(pieces bytea, step bytea) returns bigint
language c volatile parallel restricted as 'MODULE_PATHNAME', 'als_keep_pieces';
comment on function als._keep_pieces is
  'Internal to distributed trainings: keeps what a step tells all parts of items that lie elsewhere';

create function als._step_slice(slice bytea, step bytea, sums bytea) returns bytea
language c immutable strict parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_step_slice';
comment on function als._step_slice is
  'Internal to distributed trainings: some of the items after a step';

create function als._slice_report(slice bytea) returns bytea
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_slice_report';
comment on function als._slice_report is
  'Internal to distributed trainings: what the next step has to know of some of the items';

create function als._start_users(training bytea, chunk bytea, known bytea) returns bytea
language c immutable parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_start_users';
comment on function als._start_users is
  'Internal to distributed trainings: the users of a chunk, as the training begins';

create function als._step_users(chunk bytea, users bytea, threads int) returns bytea
language c immutable parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_step_users';
comment on function als._step_users is
  'Internal to distributed trainings: a half-step of the users of a chunk';

create function als._user_report(users bytea) returns bytea
language c immutable strict parallel safe as 'MODULE_PATHNAME', 'als_user_report';
comment on function als._user_report is
  'Internal to distributed trainings: what the half-step of a chunk reports';

create function als._add_report(state internal, report bytea) returns internal
language c immutable parallel safe as 'MODULE_PATHNAME', 'als_add_report';
comment on function als._add_report is 'Internal to als._sum_user_reports: adds one';

create aggregate als._sum_user_reports(report bytea) (
  sfunc = als._add_report, stype = internal, sspace = 65536, finalfunc = als._pieces_sum, parallel = safe
);
comment on aggregate als._sum_user_reports(bytea) is
  'Internal to distributed trainings: adds reports, in the order of parts and chunks';

create function als._add_to_sums(state internal, part int, chunk bytea, users bytea, threads int) returns internal
language c immutable parallel restricted cost 1000 as 'MODULE_PATHNAME', 'als_add_to_sums';
comment on function als._add_to_sums is 'Internal to als._part_sums: adds a chunk';

create function als._sums_bytes(state internal) returns bytea
language c immutable parallel restricted as 'MODULE_PATHNAME', 'als_sums_bytes';
comment on function als._sums_bytes is 'Internal to als._part_sums: its result';

create aggregate als._part_sums(part int, chunk bytea, users bytea, threads int) (
  sfunc = als._add_to_sums, stype = internal, sspace = 16777216, finalfunc = als._sums_bytes, finalfunc_modify = read_write, parallel = restricted
);
comment on aggregate als._part_sums(int, bytea, bytea, int) is
  'Internal to distributed trainings: what the chunks of a part, in their order, add to each item in a step';

create function als._packed_items(slice bytea, totals bytea, mean float8, damping float8) returns bytea
language c immutable parallel restricted as 'MODULE_PATHNAME', 'als_packed_items';
comment on function als._packed_items is
  'Internal to distributed trainings: what the model has of some of the items, in their order';

create function als._packed_users(chunk bytea, users bytea, item_keys bigint[]) returns bytea
language c immutable parallel restricted as 'MODULE_PATHNAME', 'als_packed_users';
comment on function als._packed_users is
  'Internal to distributed trainings: what the model has of the users of a chunk, in their order';

create function als._unpacked_factors(packed bytea)
returns table (factors real[], bias real, n_ratings int, checksum bigint, popularity real)
language c immutable parallel safe rows 10000 as 'MODULE_PATHNAME', 'als_unpacked_factors';
comment on function als._unpacked_factors is
  'Internal to distributed trainings: the rows that als._packed_items or als._packed_users has packed';

-- The privileges of the functions that were dropped; what is new has those of what it does the work of. They are not the
-- extension's own, which a dump leaves out.
do $$
declare
  f record;
  grantee record;
begin
  for f in
    select p.oid, p.oid::regprocedure as routine, proowner::regrole as owner, kept.value as privileges
    from jsonb_each(current_setting('als_upgrade.privileges')::jsonb) as kept
      join pg_proc p on kept.key = coalesce(
        case proname
          when 'retrain' then 'train' when 'train_in_steps' then 'train' when 'retrain_in_steps' then 'train' when 'train_each' then 'train' when 'tuned' then 'tune'
          when 'compare' then 'evaluate' when 'evaluate_by_activity' then 'evaluate' when 'recommend_users_all' then 'recommend_all' when 'refresh' then 'refresh_users'
        end, proname)
    where pronamespace = 'als'::regnamespace and proacl is null
  loop
    execute format('revoke all on routine %s from public, %s', f.routine, f.owner);
    for grantee in select * from jsonb_to_recordset(f.privileges) as g (role oid, may_grant boolean) loop
      execute format('grant execute on routine %s to %s%s', f.routine,
        case grantee.role when 0 then 'public' else grantee.role::regrole::text end, case when grantee.may_grant then ' with grant option' end);
    end loop;
    delete from pg_init_privs where classoid = 'pg_proc'::regclass and objoid = f.oid;
  end loop;
end
$$;
