-- Run by the module of 1.0 (see test/tools/test-upgraded): models of every kind that it knows, in a schema of their own,
-- so that the SQL tests do not meet them. What als.calls tells of each is kept, to be compared after the update.
\set ON_ERROR_STOP on
create schema older;
set search_path = older;

create table ratings as
select u as user_id, i as item_id, 1 + floor(5 * als.hash_fraction(i, u))::int as rating
from generate_series(1, 60) u, generate_series(1, 40) i where als.hash_fraction(u, i) < 0.4;
create table orders as select user_id::bigint * 1000000007 as user_id, item_id, rating::numeric as rating from ratings;
create table reads as select 'reader ' || user_id as user_id, md5(item_id::text)::uuid as item_id from ratings;
create table "Odd ones" as
select 'u"' || user_id as "User Id", e'i\'\\' || item_id as "select", rating::real as "Rating" from ratings;

do $$ begin
	perform als.train('older.explicit', 'ratings', factors => 8, iterations => 6);
	perform als.train('older.biased', 'ratings', factors => 4, iterations => 5, biases => true, regularization => 0.05,
		reg_exponent => 1, solver => 'direct');
	perform als.train('older.implicit', 'orders', feedback => 'implicit', alpha => 20, factors => 16, iterations => 4);
	perform als.train('older.texts', 'reads', rating_col => null, feedback => 'implicit', factors => 5, nonnegative => true,
		unlogged => true);
	perform als.train('older."An odd one"', 'older."Odd ones"', user_col => 'User Id', item_col => 'select',
		rating_col => 'Rating', factors => 3, tolerance => 0.01, holdout => 0.1, on_duplicate => 'error');
	perform als.train('older.of_a_query', 'select * from older.ratings where rating > 2', factors => 2);
	perform als.train('older.split', als.split('older.ratings', 'train', 0.2), factors => 4, iterations => 3);
	perform als.train('older.by_options', 'older.ratings', '{"factors": 7, "iterations": 2, "solver": "cg"}'::jsonb);
	perform als.train('older.twice', 'ratings', factors => 6);
	perform als.train('older.twice', 'ratings', factors => 6, replace => true, warm_start => true);
	perform als.import_model('older.imported', 'select user_id, factors from older.explicit_user_factors',
		'select item_id, factors from older.explicit_item_factors', source => 'older.ratings',
		regularization => 0.1, reg_exponent => 1, alpha => 1);
	-- Users who came later, and one whose ratings changed.
	perform als.train('older.refreshed', 'ratings', factors => 4);
	insert into ratings select 1000 + u, i, 5 from generate_series(1, 3) u, generate_series(1, 5) i;
	update ratings set rating = 1 where user_id = 7;
	perform als.refresh_users('older.refreshed', array[7, 1001, 1002, 1003]);
	perform als.refresh_items('older.refreshed', array[1, 2, 3, 4, 5]);
end $$;
