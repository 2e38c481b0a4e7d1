-- Weights of ratings that a call brings along: als.fold_in, als.fold_in_item, als.recommend_for; and diversity of the lists
-- that come from what is given.
create schema given_weights;
set search_path = given_weights;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 3 + u * i) % 5)::real as rating, 0.5 + ((u + 2 * i) % 7) / 2.0::float8 as weight
from generate_series(1, 60) u, generate_series(1, 40) i where (u * 31 + i * 17) % 3 > 0;
select weight_col from als.train('m', 'ratings', weight_col => 'weight', factors => 4, solver => 'direct', iterations => 8);

-- A trained user's own ratings and weights give their vector.
create function apart(a real[], b real[]) returns boolean language sql as $$ select max(abs(x - y)) > 1e-4 from unnest(a, b) as v (x, y) $$;
create function given(u int, out items int[], out ratings float8[], out weights float8[]) language sql as $$
  select array_agg(item_id), array_agg(rating), array_agg(weight) from ratings where user_id = u
$$;
select count(*) filter (where apart(als.fold_in('m', g.items, g.ratings, g.weights), u.factors)) as wrong,
       count(*) filter (where apart(als.fold_in('m', g.items, g.ratings), u.factors)) as without
from m_user_factors u, given(u.user_id) g;
select count(*) from als.recommend('m', 3) a join given(3) g on true join lateral als.recommend_for('m', g.items, g.ratings, weights => g.weights) b using (rank) where a.item_id <> b.item_id or abs(a.score - b.score) > 1e-3;
-- Models without weights take them, too; all weights of 1 are as none.
select bias from als.train('plain', 'select * from ratings', factors => 4, biases => false, on_duplicate => 'average', iterations => 3) as m, lateral (select biases as bias) b;
select als.fold_in('plain', array[1, 2], '{5,2}', '{1,1}') = als.fold_in('plain', array[1, 2], '{5,2}') as same;
-- Several of one item: the mean of the ratings by their weights, of the mean weight.
select apart(als.fold_in('plain', array[1, 1, 2], '{5,3,2}', '{3,1,1}'), als.fold_in('plain', array[1, 2], '{4.5,2}', '{2,1}')) as apart;
-- 0 leaves a rating out, but what it was for is still seen; nothing else leaves nothing.
select als.fold_in('plain', array[1, 2], '{5,2}', '{1,0}') = als.fold_in('plain', array[1], '{5}') as same;
select count(*) from als.recommend_for('plain', array[1, 2], '{5,2}', 40, weights => '{1,0}') where item_id in (1, 2);
select als.fold_in('plain', array[1], '{5}', '{0}') is null as nothing, als.fold_in('plain', array[1], '{5}', '{1e-60}') is null as underflow;
select count(*) from als.recommend_for('plain', array[1], '{5}', weights => '{0}');
-- An item by its users.
select apart(als.fold_in_item('plain', array[1, 2], '{5,2}', '{2,1}'), als.fold_in_item('plain', array[1, 2], '{5,2}')) as apart;
select als.fold_in_item('plain', array[1, 2], '{5,2}', '{3,0}') = als.fold_in_item('plain', array[1], '{5}', '{3}') as same;

-- Implicit feedback: the weight is the confidence, the rating says of what.
select weight_col from als.train('clicks', 'select user_id, item_id, rating - 3 as rating, weight from ratings', feedback => 'implicit', weight_col => 'weight', factors => 4, solver => 'direct', iterations => 8, alpha => 2, regularization => 10);
select als.fold_in('clicks', array[1, 2, 3], '{2,-1,0}', '{3,1,5}') = als.fold_in('clicks', array[1, 2, 3], '{3,-1,-5}') as same;
select als.fold_in('clicks', array[1, 2], weights => '{3,1}') = als.fold_in('clicks', array[1, 2], '{3,1}') as same;
-- What is done several times adds up.
select als.fold_in('clicks', array[1, 1], weights => '{3,1}') = als.fold_in('clicks', array[1], '{4}') as same;

-- Calls find their function, whatever has a type.
select count(*) from als.recommend_for('m', '{1,2}', '{5,2}', 3, weights => '{1,2}');
select count(*) from als.recommend_for('m', array[1, 2]::bigint[], array[5, 2], 3, weights => array[1, 2]);
select count(*) from als.recommend_for('m', array[1, 2], '{5,2}', 3, true, null, null, 'empty', 0, '{1,2}');
select count(*) from als.recommend_for('m', array['1', '2'], '{5,2}', 3, diversity => 0.2);
select count(*) from als.recommend_for('m', array[1, 2], '{5,2}', 3);
select als.fold_in('m', '{1,2}', '{5,2}', '{1,2}') = als.fold_in('m', array[1, 2], array[5, 2], array[1, 2]::float8[]) as same;
select count(*) > 0 as made from als.create_functions('m');
select count(*) from m_recommend_for(array[1, 2], '{5,2}', 3, diversity => 0.2, weights => '{1,2}');
select count(*) from m_recommend_vector((select factors from m_user_factors where user_id = 1), k => 3, diversity => 0.2);

-- Variety, as of als.recommend.
select count(*) from als.recommend('m', 3, 5, diversity => 0.5) a join given(3) g on true join lateral als.recommend_for('m', g.items, g.ratings, 5, diversity => 0.5, weights => g.weights) b using (rank) where a.item_id <> b.item_id;
select count(*) from m_user_factors u cross join lateral als.recommend('m', u.user_id, 5, exclude_seen => false, diversity => 0.5) a
  join lateral als.recommend_vector('m', u.factors, 5, diversity => 0.5, bias => u.bias) b using (rank) where a.item_id <> b.item_id::int or a.score <> b.score;
select count(*) > 0 as differ from als.recommend_vector('m', (select factors from m_user_factors where user_id = 3), 5, diversity => 0.9) a join als.recommend_vector('m', (select factors from m_user_factors where user_id = 3), 5) b using (rank) where a.item_id <> b.item_id;

-- Mistakes.
select try($$select als.fold_in('m', array[1, 2], '{5,2}', '{1}')$$);
select try($$select als.fold_in('m', array[1, 2], '{5,2}', '{1,null}')$$);
select try($$select als.fold_in('m', array[1, 2], '{5,2}', '{1,-0.5}')$$);
select try($$select als.fold_in('m', array[1, 2], '{5,2}', '{1,nan}')$$);
select try($$select als.fold_in('m', array[1, 2], '{5,2}', '{1,infinity}')$$);
select try($$select als.fold_in('m', array[1, 2], '{5,2}', '{1,1e300}')$$);
select try($$select als.fold_in('m', array[1, 2], null, '{1,1}')$$);
select try($$select als.fold_in_item('m', array[1, 2], '{5,2}', '{1,-1}')$$);
select try($$select als.recommend_for('m', array[1, 2], '{5,2}', weights => '{1,2,3}')$$);
select try($$select als.recommend_for('m', array[1, 2], '{5,2}', weights => '{0,0}', on_unknown => 'error')$$);
select try($$select als.recommend_for('m', array[1, 2], '{5,2}', diversity => 2)$$);
select try($$select als.recommend_for('m', array[1, 2], '{5,2}', diversity => null)$$);
select try($$select als.recommend_vector('m', null, diversity => -1)$$);

-- Imported models: the mean, the counts and refreshes go by the weights.
create table u as select user_id, factors, bias from m_user_factors;
create table i as select item_id, factors, bias from m_item_factors;
select weight_col, n_ratings = (select n_ratings from m) as same, abs(mean - (select mean from m)) < 1e-6 as same_mean, abs(damping / (select damping from m) - 1) < 1e-6 as same_damping
from als.import_model('imported', 'u', 'i', 'explicit', regularization => (select regularization from m), bias_regularization => (select bias_regularization from m), reg_exponent => (select reg_exponent from m), source => 'ratings', weight_col => 'weight');
select count(*) filter (where abs(a.popularity - b.popularity) > 1e-5) as wrong from m_item_factors a join imported_item_factors b using (item_id);
select als.refresh_users('imported', array[1, 2, 3]);
select count(*) filter (where apart(a.factors, b.factors)) as wrong from m_user_factors a join imported_user_factors b using (user_id) where user_id <= 3;
select try($$select als.import_model('bad', 'u', 'i', 'explicit', source => 'ratings', weight_col => 'wait')$$);
select try($$select als.import_model('bad', 'u', 'i', 'explicit', source => 'select *, -1 as w from ratings where user_id = 1 and item_id = 2', weight_col => 'w')$$);
-- Without a source there is nothing to weigh.
select try($$select als.import_model('bad', 'u', 'i', 'explicit', weight_col => 'w')$$);
select try($$select als.import_model('bad', 'u', 'i', 'explicit', time_col => 'at')$$);
select try($$select als.attach_model('bad', 'u', 'i', 'explicit', weight_col => 'w')$$);
select n_ratings, mean from als.import_model('zeros', 'u', 'i', 'explicit', source => 'select user_id, item_id, rating, (rating = 5)::int as w from ratings', weight_col => 'w');
select weight_col, n_ratings = (select count(*) from ratings where rating > 3) as same from als.import_model('likes', 'select user_id, factors from u', 'select item_id, factors from i', source => 'select user_id, item_id, weight from ratings where rating > 3', rating_col => null, weight_col => 'weight');
select count(*) filter (where abs(f.popularity - s.w) > 1e-3) as wrong from likes_item_factors f join (select item_id, sum(weight) as w from ratings where rating > 3 group by 1) s using (item_id);
-- Attached ones as well.
alter table u add n_ratings int, add primary key (user_id);
alter table i add n_ratings int, add primary key (item_id);
select weight_col, abs(mean - (select mean from m)) < 1e-6 as same_mean, lowest_rating, highest_rating, n_rows
from als.attach_model('attached', 'u', 'i', 'explicit', regularization => (select regularization from m), bias_regularization => (select bias_regularization from m), reg_exponent => (select reg_exponent from m), source => 'ratings', weight_col => 'weight');
select als.refresh_users('attached', array[4, 5]);
select count(*) filter (where apart(a.factors, b.factors)) as wrong from m_user_factors a join u b using (user_id) where user_id <= 5;
drop schema given_weights cascade;
