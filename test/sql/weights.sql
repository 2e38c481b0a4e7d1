-- weight_col: how much each row of the source counts.
create schema weights;
set search_path = weights;
set als.threads = 1;
\set SHOW_CONTEXT never

create table ratings (user_id int, item_id int, rating real, weight float8, at int);
insert into ratings
select u, i, 1 + (u * 7 + i * 3 + u * i) % 5, 0.5 + ((u + 2 * i) % 7) / 2.0, u + i
from generate_series(1, 60) u, generate_series(1, 40) i where (u * 31 + i * 17) % 3 > 0;

-- A row of weight 2 is as two rows: the exact solver's loss is a sum over them, with weights that are whole.
create view twice as
select * from ratings cross join lateral (values (1 + (user_id + item_id) % 3)) w (n);
select weight_col, n_rows, n_ratings, round(mean::numeric, 6) as mean from
  als.train('weighted', 'twice', weight_col => 'n', factors => 4, solver => 'direct', regularization => 2, iterations => 5);

-- The objective by its definition: sum of n (r - s)^2 and the ridges, whose W is the sum of the row's n.
with parts as (
  select sum(n * (r.rating - als.predict('weighted', user_id, item_id)) ^ 2) as fit from twice r
), ridges as (
  select sum(m.regularization * w.total ^ m.reg_exponent * (als.dot(f.factors, f.factors)))
       + sum(m.bias_regularization * w.total ^ m.reg_exponent * f.bias ^ 2) as ridge
  from weighted m, (
    select factors, bias, (select sum(n) from twice t where t.user_id = u.user_id) from weighted_user_factors u
    union all
    select factors, bias, (select sum(n) from twice t where t.item_id = i.item_id) from weighted_item_factors i
  ) f (factors, bias, total), lateral (values (f.total::float8)) w (total)
)
select abs((fit + ridge) / loss[5] - 1) < 1e-4 as is_objective from parts, ridges, weighted;

-- Weights of 1 are as none, bit for bit; and where the regularization is left open, their scale does not matter.
select loss from als.train('plain', 'ratings', factors => 4, iterations => 3) \gset plain_
select loss = :'plain_loss' as same from
  als.train('ones', 'select *, 1 as one from ratings', weight_col => 'one', factors => 4, iterations => 3);
select abs(loss[3] / 100 / (:'plain_loss'::float8[])[3] - 1) < 1e-5 as scaled from
  als.train('ones', 'select *, 100 as hundred from ratings', weight_col => 'hundred', factors => 4, iterations => 3, replace => true);

-- A weight of 0 leaves a row out.
select n_rows, n_skipped, n_ratings from
  als.train('zeros', 'select *, (item_id <= 30)::int as w from ratings', weight_col => 'w', factors => 4, iterations => 3);
select loss = (select loss from zeros) as same from
  als.train('without', 'select * from ratings where item_id <= 30', factors => 4, iterations => 3);
select als.train('none', 'select *, 0 as w from ratings', weight_col => 'w');

-- What is no weight.
select als.train('bad', 'select *, case when item_id = 8 and user_id = 1 then null else 1 end as w from ratings', weight_col => 'w');
select als.train('bad', 'select *, case when item_id = 8 and user_id = 1 then -2.5 else 1 end as w from ratings', weight_col => 'w');
select als.train('bad', 'select *, ''nan''::float8 as w from ratings where item_id = 8 and user_id = 1', weight_col => 'w');
select als.train('bad', 'select *, ''infinity''::float8 as w from ratings where item_id = 8 and user_id = 1', weight_col => 'w');
select als.train('bad', 'select *, 1e300 as w from ratings where item_id = 8 and user_id = 1', weight_col => 'w');
select als.train('bad', 'select *, -1 as w from ratings where item_id = 8 and user_id = 1', weight_col => 'w', feedback => 'implicit');
-- Weights with which no loss can be told.
select als.train('bad', 'select u as user_id, (u * 13 + k * k) % 200 as item_id, 1 + (u + k) % 5 as rating, 1e38 as w from generate_series(1, 300) u, generate_series(1, 3) k',
  weight_col => 'w', factors => 64, iterations => 3, solver => 'direct');
select als.train('bad', 'select *, true as w from ratings', weight_col => 'w');
select als.train('bad', 'ratings', weight_col => 'wait');
select als.train('bad', 'ratings', weight_col => 'weight', distributed => true);
-- A row with another null is skipped first.
select n_skipped from als.train('nulls', 'select user_id, item_id, nullif(rating, 5) as rating, case when rating < 5 then 1 end as w from ratings', weight_col => 'w', factors => 2, iterations => 1);

-- Implicit feedback: the weight is the confidence, the rating tells whether it is of a preference or of a dislike.
select feedback, weight_col, alpha, loss from als.train('clicks', 'select user_id, item_id, rating - 3 as rating, weight from ratings', feedback => 'implicit', weight_col => 'weight', factors => 4, iterations => 3, alpha => 2, regularization => 10) \gset clicks_
select loss = :'clicks_loss' as same from
  als.train('signed', 'select user_id, item_id, case when rating > 3 then weight else -weight end as rating from ratings', feedback => 'implicit', factors => 4, iterations => 3, alpha => 2, regularization => 10);
-- Signals: every row is a preference, of its weight; those of a pair add up.
create table events (user_id int, item_id int, kind text);
insert into events select user_id, item_id, (array['view', 'cart', 'purchase'])[1 + (user_id + item_id) % 3] from ratings;
insert into events select user_id, item_id, 'view' from ratings where rating > 3;
create view signals as select user_id, item_id, case kind when 'view' then 1 when 'cart' then 5 when 'purchase' then 20 end as weight from events;
select n_duplicates > 0 as has_duplicates, loss from als.train('shop', 'signals', rating_col => null, feedback => 'implicit', weight_col => 'weight', factors => 4, iterations => 3, alpha => 2, regularization => 10) \gset shop_
select loss = :'shop_loss' as same from
  als.train('shop2', 'select user_id, item_id, sum(weight) as rating from signals group by 1, 2', feedback => 'implicit', factors => 4, iterations => 3, alpha => 2, regularization => 10);
-- The default of alpha goes by the weights that count: however many have decayed to next to nothing, and whatever the scale.
select round(alpha) as alpha from als.train('decayed', 'select user_id, item_id, case when item_id % 10 = 0 then 2 else 1e-20 end as weight from ratings', rating_col => null, feedback => 'implicit', weight_col => 'weight', factors => 4, iterations => 3);
-- Popularity is what the rows of an item weigh in all.
select count(*) from shop_item_factors f join (select item_id, sum(weight) as w from signals group by 1) s using (item_id) where f.popularity <> s.w;

-- Duplicates: the weighted mean with the mean weight; or the last with its own.
create table doubles as
select user_id, item_id, rating, weight, 1 as at from ratings
union all
select user_id, item_id, 6 - rating, weight + 1, 2 from ratings where user_id % 4 = 0;
select n_duplicates, loss from als.train('doubled', 'doubles', weight_col => 'weight', factors => 4, iterations => 3) \gset doubled_
select abs(loss[3] / (:'doubled_loss'::float8[])[3] - 1) < 1e-5 as same from
  als.train('merged', 'select user_id, item_id, sum(rating * weight) / sum(weight) as rating, avg(weight) as weight from doubles group by 1, 2',
            weight_col => 'weight', factors => 4, iterations => 3);
select loss from als.train('lasts', 'doubles', on_duplicate => 'last', time_col => 'at', weight_col => 'weight', factors => 4, iterations => 3) \gset lasts_
select loss = :'lasts_loss' as same from
  als.train('latest', 'select distinct on (user_id, item_id) * from doubles order by user_id, item_id, at desc', weight_col => 'weight', factors => 4, iterations => 3);

-- The row remembers the column: als.retrain keeps it, '' takes it away, als.train says that it is forgotten.
select weight_col from als.retrain('weighted', iterations => 2);
select weight_col from als.retrain('weighted', weight_col => '');
select weight_col from als.retrain('weighted', weight_col => 'weight', warm_start => false);
select weight_col from als.train('weighted', 'twice', factors => 4, iterations => 2, replace => true);
select weight_col from als.train('weighted', 'twice', options => '{"weight_col": "n", "factors": 4, "iterations": 2}', replace => true);
call als.retrain_in_steps('weighted');
select run, weight_col from weighted order by run desc limit 1;

-- Refreshing goes by the weights, too.
select n_ratings, loss from als.train('live', 'ratings', weight_col => 'weight', factors => 4, solver => 'direct', iterations => 8) \gset live_
select als.refresh_users('live'), als.refresh_items('live');
update ratings set weight = weight * 3 where user_id in (3, 5);
select als.refresh_users('live');
update ratings set weight = 0 where user_id = 8 and item_id < 20;
select als.refresh_users('live');
select n_ratings = (select count(*) from ratings where user_id = 8 and weight > 0) as zeros_do_not_count from live_user_factors where user_id = 8;
select als.refresh_items('live', array[20, 21]);
update ratings set weight = -1 where user_id = 9 and item_id = 10;
select als.refresh_users('live');
select als.refresh_users('live', array[9]);
update ratings set weight = null where user_id = 9 and item_id = 10;
select als.refresh_users('live');
update ratings set weight = 2 where user_id = 9 and item_id = 10;
-- Implicit feedback as well.
create table bought as select user_id, item_id, weight from ratings where weight > 0;
select feedback from als.train('buys', 'bought', rating_col => null, feedback => 'implicit', weight_col => 'weight', factors => 4, iterations => 8);
update bought set weight = weight + 1 where user_id = 3;
select als.refresh_users('buys');
-- An explanation adds up to the score.
select abs(sum(contribution) - als.predict('live', 3, 12)) < 1e-3 as adds_up from als.explain('live', 3, 12);

-- A history is read with its weights: users are folded in as they were trained.
select round(value::numeric, 3) from als.evaluate('live', 'select * from ratings where user_id = 3', history => 'ratings', k => '{}') where metric = 'rmse' \gset history_
select abs(value - :history_round) < 0.02 as about_the_same from als.evaluate('live', 'select * from ratings where user_id = 3', k => '{}') where metric = 'rmse';

-- Of two models that are compared each reads a history with its own weights, or none.
select metric, n from als.compare('live', 'plain', 'select * from ratings where user_id = 3', history => 'ratings', k => '{}') where metric = 'rmse';
select als.compare('live', 'plain', 'select * from ratings where user_id = 3', history => 'select user_id, item_id, rating from ratings');

-- Tuning trains with the weights, and its options carry the column.
select options ->> 'weight_col' as weight_col from als.tune('ratings', grid => '{"factors": [2, 4]}', weight_col => 'weight', holdout => 0.2, trials => 2) order by rank;
select als.tuned('ratings', seconds => 0.01, weight_col => 'weight') ->> 'weight_col' as weight_col;
select weight_col from als.train('tuned', 'ratings', als.tuned('ratings', seconds => 0.01, weight_col => 'weight'));

\set VERBOSITY terse
set client_min_messages = warning;
drop schema weights cascade;
