-- What features bring: means over five draws of what is held out, and their standard deviations.
create table measured (what text, metric text, value float8, baseline float8);
create view films as select item_id, string_to_array(genres, ', ') as genres, year, (year / 5 * 5)::text as era from movies;
-- Titles, genres, years and eras as words, with their idf as a tsvector has it, and without.
create view words as
select item_id, to_tsvector('english', concat_ws(' ', title, genres, 'y' || year, 'era' || year / 5 * 5)) as words from movies;
create view elements as select item_id, tsvector_to_array(words) as words from words;
create view likes as select user_id, item_id from ratings where rating >= 4;
create view arrivals as select user_id, to_timestamp(min(seconds)) as first from ratings group by 1;
create view noise as select user_id, als.hash_fraction(user_id, 99) as noise from arrivals;

create procedure measure(what text, model text, test text, history text default null, candidates text default null) language sql as $$
  insert into measured
  select what, metric, value, baseline from als.evaluate(model, test, k => '{10}', history => history, candidates => candidates)
  where metric in ('recall', 'ndcg', 'rmse')
$$;

-- All ratings of a fifth of the items are held out, and a tenth of the others.
create procedure new_items(draw int, name text, options jsonb) language plpgsql as $$
declare
  others text := als.split('ratings', 'train', 0.2, by => 'item', seed => draw);
  new_items text := als.split('ratings', 'test', 0.2, by => 'item', seed => draw);
  train text := als.split(others, 'train', 0.1, seed => draw);
  -- Of items that have ratings, which all models know.
  test text := format('select r.* from (%s) r where item_id in (select item_id from (%s) t)', als.split(others, 'test', 0.1, seed => draw), train);
  pairs text := 'select user_id, item_id from (select distinct user_id from (%1$s) r) u, (select distinct item_id from (%1$s) r) i';
begin
  perform als.train('m', train, options || '{"factors": 32}', replace => to_regclass('m') is not null);
  if options ? 'item_features' then
    call measure(name || ', new items among new ones', 'm', new_items, candidates => format(pairs, new_items));
    call measure(name || ', new items among all', 'm', new_items);
  end if;
  -- Without features: the mean, and what is known of the user.
  if not options ? 'feedback' then
    execute format('insert into measured select %L, ''rmse'', sqrt(avg((rating - als.predict(''m'', user_id, item_id, ''mean'')) ^ 2)) from (%s) r',
                   name || ', new items by als.predict', new_items);
  end if;
  call measure(name || ', others among others', 'm', test, candidates => format(pairs, train));
  call measure(name || ', others among all', 'm', test);
end $$;

-- A fifth of each user's likes is held out; or of a fifth of the users, who are folded in from the others of theirs and from
-- their features; or these users are known by their features alone.
create procedure users(draw int, name text, options jsonb) language plpgsql as $$
declare
  history text := als.split('likes', 'history', by => 'user', seed => draw);
  test text := als.split('likes', 'test', by => 'user', seed => draw);
begin
  options := options || '{"factors": 32, "feedback": "implicit", "rating_col": null}';
  perform als.train('m', als.split('likes', 'train', seed => draw), options, replace => to_regclass('m') is not null);
  call measure(name || ', users of the training', 'm', als.split('likes', 'test', seed => draw));
  perform als.train('m', als.split('likes', 'train', by => 'user', seed => draw), options, replace => true);
  call measure(name || ', users folded in', 'm', test, history);
  if options ? 'user_features' then
    call measure(name || ', users by their features alone', 'm', test);
  end if;
end $$;

create view trials as
select 'new_items' as measure, 'likes, without features' as name, '{"feedback": "implicit", "rating_col": null}'::jsonb as options
union all select 'new_items', 'likes, with', '{"feedback": "implicit", "rating_col": null, "item_features": "films"}'
union all select 'new_items', 'likes, without eras', '{"feedback": "implicit", "rating_col": null, "item_features": "select item_id, genres, year from films"}'
union all select 'new_items', 'likes, words', '{"feedback": "implicit", "rating_col": null, "item_features": "words"}'
union all select 'new_items', 'likes, words without idf', '{"feedback": "implicit", "rating_col": null, "item_features": "elements"}'
union all select 'new_items', 'likes, with users'' age, gender and occupation', '{"feedback": "implicit", "rating_col": null, "item_features": "films", "user_features": "people"}' where exists (select from people)
union all select 'new_items', 'ratings, without features', '{}'
union all select 'new_items', 'ratings, with', '{"item_features": "films"}'
union all select 'users', 'none', '{}'
union all select 'users', 'people', '{"user_features": "people"}' where exists (select from people)
union all select 'users', 'people by ' || strength, jsonb_build_object('user_features', 'people', 'user_feature_strength', strength)
          from unnest(array[0.3, 1, 5]) strength where exists (select from people)
union all select 'users', 'arrivals by 0.3', '{"user_features": "arrivals", "user_feature_strength": 0.3}'
union all select 'users', 'arrivals by 1', '{"user_features": "arrivals", "user_feature_strength": 1}'
union all select 'users', 'noise', '{"user_features": "noise"}'
union all select 'users', 'noise by 1', '{"user_features": "noise", "user_feature_strength": 1}'
union all select 'users', 'noise by 5', '{"user_features": "noise", "user_feature_strength": 5}';
select format('call %I(%s, %L, %L)', measure, draw, name, options) from trials, generate_series(1, 5) draw \gexec
select what, metric, round(avg(value)::numeric, 4) as mean, round(stddev(value)::numeric, 4) as deviation,
       round(avg(baseline)::numeric, 4) as baseline
from measured group by what, metric order by what, metric desc;
