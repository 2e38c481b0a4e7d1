\echo Use "alter extension als update to '1.1'" to load this file. \quit

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
