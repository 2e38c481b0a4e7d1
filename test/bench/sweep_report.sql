-- The results of test/bench/sweep as tables, a column for each data set.
select string_agg(format('max(metric) filter (where dataset = %L)::numeric(6, 4) as %I', dataset, dataset),
                  ', ' order by dataset) as columns
from (select distinct dataset from sweep.result) d \gset

\echo 'Explicit feedback: RMSE on a held-out tenth (less is better)'
select biases, factors, reg_exponent as e, regularization as lambda, :columns
from sweep.result where feedback = 'explicit' group by 1, 2, 3, 4 order by 1 desc, 2, 3 desc, 4;
\echo
\echo 'Implicit feedback: Recall@10 of what was liked on a held-out tenth (more is better)'
select feedback, factors, reg_exponent as e, alpha, regularization as lambda, :columns
from sweep.result where feedback <> 'explicit' group by 1, 2, 3, 4, 5 order by 1, 2, 3 desc, 4, 5;
