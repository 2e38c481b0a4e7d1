-- The results of test/bench/defaults as tables.
\echo 'Explicit feedback: RMSE, that of item means, and how many times better (1 or more)'
select dataset, version, users, items, ratings, value::numeric(9, 4) as rmse, baseline::numeric(9, 4) as item_means,
       (baseline / value)::numeric(6, 3) as ratio, tuned::numeric(9, 4) as tuned
from bench.result where feedback = 'explicit' order by id;
\echo
\echo 'Implicit feedback: Recall@10, that of the most popular items, and how many times better'
select dataset, version, users, items, ratings, value::numeric(6, 4) as recall, baseline::numeric(6, 4) as popularity,
       (value / nullif(baseline, 0))::numeric(8, 2) as ratio, tuned::numeric(6, 4) as tuned
from bench.result where feedback = 'implicit' order by id;
\echo
\echo 'The worst ratios'
select feedback, min(case feedback when 'explicit' then baseline / value else value / nullif(baseline, 0) end)::numeric(6, 3) as ratio
from bench.result group by feedback order by feedback;
