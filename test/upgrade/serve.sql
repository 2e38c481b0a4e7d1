-- Models of 1.0 can be used as those of today: refreshed, trained again, read whole, reported, dropped.
\set ON_ERROR_STOP on
set search_path = older;
set client_min_messages = warning;
select count(*) as models from pg_class where reloftype = 'als.model'::regtype and relnamespace = 'older'::regnamespace \gset
do $$
declare
	model regclass;
	name text;
	before als.model;
	after als.model;
	tables regclass[];
begin
	for model, name in
		select oid, oid::regclass from pg_class where reloftype = 'als.model'::regtype and relnamespace = 'older'::regnamespace
	loop
		before := als.latest_run(model);
		tables := array[model, before.user_factors, before.item_factors];
		perform als.refresh_users(model), als.refresh_items(model);
		perform als.refresh(model);
		perform als.create_functions(model);
		perform als.recommend_all(model, 'lists', 5);
		if (select count(*) from lists) = 0 or als.report(model) !~* '^<!doctype html>' then
			raise exception '% is not served', model;
		end if;
		drop table lists;
		if name !~ 'imported' then
			after := als.retrain(model);
			if (before.run + 1, before.factors, before.feedback, before.iterations, before.regularization, before.alpha, before.biases,
				before.nonnegative, before.tolerance, before.holdout) is distinct from
				(after.run, after.factors, after.feedback, after.iterations, after.regularization, after.alpha, after.biases,
				after.nonnegative, after.tolerance, after.holdout)
			then
				raise exception '% was trained again as %', before, after;
			end if;
		end if;
		perform als.drop_model(model);
		if exists (select from pg_class where oid = any (tables)) then
			raise exception '% has left a table', name;
		end if;
	end loop;
end $$;
\echo ok - :models models that 1.0 has trained are refreshed, trained again and dropped
drop schema older cascade;
