-- The results of test/bench/defaults as tables.
\echo 'Explicit feedback, RMSE: the defaults, those of als 1.0, the best of a grid, als.tuned, and the items'' means'
select dataset, version, users, items, ratings, value::numeric(9, 4) as defaults, former::numeric(9, 4) as "of 1.0",
       best::numeric(9, 4) as best, tuned::numeric(9, 4) as tuned, baseline::numeric(9, 4) as item_means,
       (baseline / value)::numeric(6, 3) as to_means, (former / value)::numeric(8, 3) as to_former, (best / value)::numeric(6, 3) as to_best
from bench.result where feedback = 'explicit' order by id;
\echo
\echo 'Implicit feedback, Recall@10: the same, and that of the most popular items'
select dataset, version, users, items, ratings, value::numeric(6, 4) as defaults, former::numeric(6, 4) as "of 1.0",
       best::numeric(6, 4) as best, tuned::numeric(6, 4) as tuned, baseline::numeric(6, 4) as popularity,
       (value / nullif(baseline, 0))::numeric(8, 2) as to_popularity, (value / nullif(former, 0))::numeric(6, 3) as to_former,
       (value / nullif(best, 0))::numeric(6, 3) as to_best, best_options
from bench.result where feedback = 'implicit' order by id;
\echo
\echo 'The worst ratios: above 1 the defaults are better'
select feedback,
       min(case feedback when 'explicit' then baseline / value else value / nullif(baseline, 0) end)::numeric(6, 3) as to_baseline,
       min(case feedback when 'explicit' then former / value else value / nullif(former, 0) end)::numeric(6, 3) as to_former,
       min(case feedback when 'explicit' then best / value else value / nullif(best, 0) end)::numeric(6, 3) as to_best,
       min(case feedback when 'explicit' then best / tuned else tuned / nullif(best, 0) end)::numeric(6, 3) as tuned_to_best
from bench.result group by feedback order by feedback;
