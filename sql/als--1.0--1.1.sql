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
alter function als.command_progress() rename to _command_progress;
alter function als.cached_images() rename to _cached_segments;
alter function als.top_k_support(internal) rename to _top_k_support;
create or replace view als.progress as select * from als._command_progress();
create or replace view als.cache as select * from als._cached_segments();

-- als.evaluate: the column popularity also holds item means, and is called baseline.
drop function als.evaluate(regclass, text, int[], text, text, boolean, float8, name, name, name, int);
create function als.evaluate(
  model regclass,
  test text,
  k int[] default '{10}',
  history text default null,
  candidates text default null,
  exclude_seen boolean default true,
  min_rating float8 default null,
  user_col name default null,
  item_col name default null,
  rating_col name default null,
  threads int default null
) returns table (metric text, k int, value float8, baseline float8, n bigint)
language c stable parallel restricted rows 20 as 'MODULE_PATHNAME', 'als_evaluate';
comment on function als.evaluate is
  'How well a model predicts and ranks the rows of a test that it has not seen, and how well the most popular items or mean ratings would do';

comment on function als.hash_fraction is
  'A number of [0, 1) that depends on these values alone, on every server and in every version the same';

-- als.explain: the column part is called component.
drop function als.explain(regclass, "any", anyelement, int);
drop function als.explain(regclass, text, text, int);
drop function als.explain(regclass, text, anyelement, int);
drop function als.explain(regclass, "any", text, int);
create function als.explain(
  model regclass,
  user_id "any",
  item_id anyelement,
  k int default 10
) returns table (component text, item_id anyelement, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, "any", anyelement, int) is
  'What a score is made of: what each of the user''s ratings contributes, ids typed like the argument item_id';
create function als.explain(
  model regclass,
  user_id text,
  item_id text,
  k int default 10
) returns table (component text, item_id text, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, text, text, int) is
  'What a score is made of: what each of the user''s ratings contributes, ids as text or without a type';
create function als.explain(
  model regclass,
  user_id text,
  item_id anyelement,
  k int default 10
) returns table (component text, item_id anyelement, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, text, anyelement, int) is
  'What a score is made of: what each of the user''s ratings contributes, ids typed like the argument item_id';
create function als.explain(
  model regclass,
  user_id "any",
  item_id text,
  k int default 10
) returns table (component text, item_id text, rating float8, contribution float8, share float8)
language c stable parallel safe cost 1000 rows 10
as 'MODULE_PATHNAME', 'als_explain';
comment on function als.explain(regclass, "any", text, int) is
  'What a score is made of: what each of the user''s ratings contributes, ids as text or without a type';

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
create view als.models as select model, owner, (run).*, problem from als._models();
comment on view als.models is
  'The models that the current user may read, each with its newest run, or the problem with reading it';
grant select on als.models to public;

-- What costs a machine is granted and revoked as one.
create function als._costly_functions() returns setof regprocedure
language sql stable parallel safe rows 10 set search_path = pg_catalog, pg_temp as $$
  select oid::regprocedure from pg_proc
  where pronamespace = 'als'::regnamespace
    and proname in ('train', 'train_in_steps', 'import_model', 'tune', 'evaluate', 'recommend_all', 'refresh_users', 'refresh_items')
$$;
comment on function als._costly_functions is
  'What takes a machine''s processors and memory for long; what als.grant_training and als.revoke_training are about';

create function als._change_training(granted boolean, role name) returns void
language plpgsql volatile strict parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  costly regprocedure;
begin
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
language sql volatile strict parallel unsafe set search_path = pg_catalog, pg_temp as $$
  select als._change_training(true, to_role)
$$;
comment on function als.grant_training is
  'Lets a role, or public, execute what costs a machine: als.train, als.import_model, als.tune, als.evaluate, als.recommend_all, als.refresh_*';

create function als.revoke_training(from_role name default 'public') returns void
language sql volatile strict parallel unsafe set search_path = pg_catalog, pg_temp as $$
  select als._change_training(false, from_role)
$$;
comment on function als.revoke_training is
  'Takes from public, or a role, the right to execute what costs a machine: als.train, als.import_model, als.tune, als.evaluate, als.recommend_all, als.refresh_*';

-- What acts on other tables first proves that they are the model's.
create or replace function als.drop_model(model regclass) returns void
language c volatile strict parallel unsafe as 'MODULE_PATHNAME', 'als_drop_model';
comment on function als.drop_model is 'Drops a model: its table and the factor tables that are provably its own';

create or replace function als.factors_changed() returns trigger
language c as 'MODULE_PATHNAME', 'als_factors_changed';

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
  iterations int default 15,
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
  replace_ids boolean default false
) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_train';
comment on function als.train(text, text, name, name, name, text, int, int, float8, float8, float8, boolean, boolean, text, float8, float8, bigint, text, int, boolean, boolean, boolean, boolean, boolean) is
  'Trains a model by alternating least squares on a table, view or query of ratings, and returns its row';

create procedure als.train_in_steps(
  model text,
  source text,
  user_col name default 'user_id',
  item_col name default 'item_id',
  rating_col name default 'rating',
  feedback text default 'explicit',
  factors int default 64,
  iterations int default 15,
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
  replace_ids boolean default false
)
language c as 'MODULE_PATHNAME', 'als_train_in_steps';
comment on procedure als.train_in_steps is
  'als.train in several transactions, none of which is open for as long as the training: vacuum goes on meanwhile';

create function als.rollback_model(model regclass) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_rollback_model';
comment on function als.rollback_model is
  'Takes back the newest run of a model that was trained with keep_previous, and returns the row of the run before, which serves again';

-- als.refresh_*: what would remove more than half of a side is refused, unless told.
drop function als.refresh_users(regclass, "any");
drop function als.refresh_users(regclass, text);
drop function als.refresh_items(regclass, "any");
drop function als.refresh_items(regclass, text);
create function als.refresh_users(
  model regclass,
  user_ids "any" default null,
  force boolean default false
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh_users';
comment on function als.refresh_users(regclass, "any", boolean) is
  'Computes the rows of these users (null: of those whose number of ratings has changed) from the live source, the items held fixed; returns the rows written';

create function als.refresh_users(
  model regclass,
  user_ids text,
  force boolean default false
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh_users';
comment on function als.refresh_users(regclass, text, boolean) is
  'Computes the rows of these users from the live source, the array of ids as text or without a type';

create function als.refresh_items(
  model regclass,
  item_ids "any" default null,
  force boolean default false
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh_items';
comment on function als.refresh_items(regclass, "any", boolean) is
  'Computes the rows of these items (null: of those whose number of ratings has changed) from the live source, the users held fixed; returns the rows written';

create function als.refresh_items(
  model regclass,
  item_ids text,
  force boolean default false
) returns bigint
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_refresh_items';
comment on function als.refresh_items(regclass, text, boolean) is
  'Computes the rows of these items from the live source, the array of ids as text or without a type';

-- als.import_model: replace_ids.
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
  replace_ids boolean default false
) returns als.model
language c volatile parallel unsafe as 'MODULE_PATHNAME', 'als_import_model';
comment on function als.import_model is
  'Makes a model of factors that were trained elsewhere, given as tables or queries of ids and vectors';
