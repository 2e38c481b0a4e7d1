-- What serving tells of each model in the schema older, one number a row, into the table older.:stage.
-- Neighbours are told apart by their rank: some are just as near.
\set ON_ERROR_STOP on
set search_path = older;
create table answers (model text, call text, key text, value float8);
create temp table calls (call text, query text);
insert into calls values
	('predict', 'select u.id, i.id, als.predict(m, u.id, i.id) from u, i'),
	('recommend', 'select u.id, r.item_id, r.score from u, als.recommend(m, u.id, 8) r'),
	('recommend with what is seen', 'select u.id, r.item_id, r.score from u, als.recommend(m, u.id, 8, false) r'),
	('similar items', 'select i.id, r.rank, r.score from i, als.similar_items(m, i.id, 5) r'),
	('similar users', 'select u.id, r.rank, r.score from u, als.similar_users(m, u.id, 5) r'),
	('explain', 'select concat_ws('' '', u.id, i.id), r.item_id, r.contribution from u, i, als.explain(m, u.id, i.id, 100) r
		where r.item_id is not null'),
	('fold in', $$select 'a basket', r.n, r.factor from (select array_agg(id order by id)::text as ids from i) i,
		unnest(als.fold_in(m, i.ids, '{5,1,3,4}')) with ordinality as r(factor, n)$$),
	('evaluate', 'select r.metric, r.k, r.value from s, als.evaluate(m, s.source, exclude_seen => false) r');
do $$
declare
	model regclass;
	run als.model;
	c record;
begin
	for model in select oid from pg_class where reloftype = 'als.model'::regtype and relnamespace = 'older'::regnamespace loop
		execute format('select * from %s order by run desc limit 1', model) into run;
		for c in select * from calls loop
			execute format('insert into answers
				with m as (select %1$L::regclass as m), s as (select %2$L::text as source),
					u as (select user_id::text as id from %3$s order by n_ratings desc, user_id limit 9),
					i as (select item_id::text as id from %4$s order by n_ratings, item_id limit 4)
				select %1$L, %5$L, concat_ws('' '', key, other), value from m, lateral (%6$s) as answer (key, other, value)',
				model, run.source, run.user_factors, run.item_factors, c.call, c.query);
		end loop;
	end loop;
end $$;
alter table answers rename to :stage;
