-- Whether models of 1.0 answer after the update as they did before it.
\set ON_ERROR_STOP on
set search_path = older;
create view differences as
select model, call, key, b.value as before, a.value as after
from before b full join after a using (model, call, key)
where (b.value - a.value) is distinct from 0
	and coalesce(abs(b.value - a.value) > 1e-5 * greatest(abs(b.value), 1), (b.value is null) <> (a.value is null));
select * from differences order by model, call, key limit 40;
do $$ begin
	if exists (select from differences) or (select count(distinct (model, call)) from before where value is not null) <> 11 * 8 then
		raise exception '% answers of models of 1.0 differ, of %', (select count(*) from differences), (select count(*) from before);
	end if;
end $$;
select count(*) as answers, count(distinct model) as models from before \gset
\echo ok - :models models that 1.0 has trained give the same :answers answers
