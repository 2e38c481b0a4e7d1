# The upgrade script brings 1.0 to what the newest script makes from nothing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# What an extension holds: each member with its definition, comment and privileges.
my $members = q{
	with member as (
		select d.classid, d.objid from pg_depend d join pg_extension e on e.oid = d.refobjid
		where e.extname = 'als' and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e')
	select pg_describe_object(classid, objid, 0),
		coalesce(obj_description(objid, classid::regclass::text), ''),
		case classid
			when 'pg_proc'::regclass then (select regexp_replace(case prokind when 'a' then (select a::text from pg_aggregate a where aggfnoid = p.oid) else pg_get_functiondef(objid) end, '\s+', ' ', 'g')
				|| coalesce(p.proacl::text, '') from pg_proc p where p.oid = objid)
			when 'pg_class'::regclass then (select pg_get_viewdef(objid) || coalesce(c.relacl::text, '') from pg_class c where c.oid = objid and c.relkind = 'v')
			when 'pg_type'::regclass then (select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute a join pg_type t on t.typrelid = a.attrelid where t.oid = objid and not attisdropped)
		end
	from member order by 1};

$node->safe_psql('postgres', "create database fresh; create database upgraded");
$node->safe_psql('fresh', 'create extension als');
$node->safe_psql('upgraded', "create extension als version '1.0'");
my $before = $node->safe_psql('upgraded', $members);
# As 1.0 makes the tables of a model.
$node->safe_psql('upgraded', q{
	create table older of als.model (run primary key);
	create table older_user_factors (user_id int primary key, factors real[] not null, bias real, n_ratings int);
	create trigger als_version after insert or update or delete or truncate on older_user_factors
		for each statement execute function als.factors_changed();
	create table resting (like older_user_factors);
	create trigger als_version after insert on resting for each statement execute function als.factors_changed();
	alter table resting disable trigger als_version;
	insert into older (run, user_version, user_factors) values (1, gen_random_uuid(), 'older_user_factors')});
# One that serves, of ratings that go with the factors.
$node->safe_psql('upgraded', q{
	create table stars (user_id int, item_id int, rating int);
	insert into stars select u, i, 1 + (u * i) % 5 from generate_series(1, 40) u, generate_series(1, 60) i where (u * 7 + i * 3) % 4 = 0;
	create table aged of als.model (run primary key);
	create table aged_user_factors (user_id int primary key, factors real[] not null, bias real, n_ratings int);
	create table aged_item_factors (item_id int primary key, factors real[] not null, bias real, n_ratings int);
	insert into aged_user_factors select user_id, array[sin(user_id), cos(user_id)], 0.1, count(*) from stars group by 1, 2;
	insert into aged_item_factors select item_id, array[sin(item_id), cos(item_id)], 0, count(*) from stars group by 1, 2;
	insert into aged (run, version, user_version, item_version, trained_at, source, source_table, user_col, item_col, rating_col, user_factors,
		item_factors, feedback, factors, iterations, regularization, reg_exponent, biases, nonnegative, on_duplicate, holdout, tolerance, seed, solver,
		warm_start, threads, n_rows, n_skipped, n_duplicates, n_holdout, n_ratings, n_users, n_items, mean, loss)
	select 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), 'public.stars', 'stars', 'user_id', 'item_id', 'rating', 'aged_user_factors',
		'aged_item_factors', 'explicit', 2, 15, 1.2, 0.5, true, false, 'average', 0, 0, 42, 'direct',
		false, 1, count(*), 0, 0, 0, count(*), count(distinct user_id), count(distinct item_id), avg(rating), '{2,1}' from stars;
	create trigger als_version after insert or update or delete or truncate on aged_user_factors for each statement execute function als.factors_changed();
	create trigger als_version after insert or update or delete or truncate on aged_item_factors for each statement execute function als.factors_changed()});
for my $call ("als.train('newer', 'select 1 as user_id, 2 as item_id, 3 as rating')", "als.recommend('older', 5)") {
	my (undef, undef, $error) = $node->psql('upgraded', "\\set VERBOSITY verbose\nselect * from $call");
	like($error, qr/55000: the functions of als in this database are of version 1\.0.*HINT:  Run: alter extension als update/s,
		"until the update $call says what to do");
}
$node->safe_psql('upgraded', 'alter extension als update');
my $fresh = $node->safe_psql('fresh', $members);
my $upgraded = $node->safe_psql('upgraded', $members);
is($upgraded, $fresh, 'an upgraded extension has the members of a fresh one');
isnt($before, $fresh, 'which 1.0 had not');

$node->safe_psql('upgraded', q{
	create table ratings as select u as user_id, i as item_id, (u * 7 + i * 3) % 5 + 1 as rating
		from generate_series(1, 20) u, generate_series(1, 10) i where (u + i) % 3 > 0;
	select als.train('taste', 'ratings', factors => 4)});
is($node->safe_psql('upgraded', q{select count(*) from als.recommend('taste', 5, 3)}), 3, 'and it works');

# What 1.0 has made is served on.
is($node->safe_psql('upgraded', q{
	select string_agg(tgenabled::text, ' ' order by tgrelid) from pg_trigger
	where tgrelid in ('older_user_factors'::regclass, 'resting'::regclass)}),
	'A D', 'triggers of 1.0 come to fire in sessions that replicate too, but not those that are disabled');
my $version = $node->safe_psql('upgraded', 'select user_version from older');
$node->safe_psql('upgraded', 'update older_user_factors set bias = bias');
isnt($node->safe_psql('upgraded', 'select user_version from older'), $version, 'and make new versions');
$node->safe_psql('upgraded', q{select als.drop_model('older')});
is($node->safe_psql('upgraded', q{select count(*) from pg_class where relname ~ '^older'}), 0, 'and belong to their model');

# And goes on as any model does: refreshed, trained again with features that have knots, tracked, dropped.
my $scores = q{select bool_and(abs(als.predict('aged', u.user_id, i.item_id) - als.dot(u.factors, i.factors) - u.bias - i.bias - mean) < 1e-5)
	from aged_user_factors u, aged_item_factors i, als.latest_run('aged')};
is($node->safe_psql('upgraded', $scores), 't', 'a model of 1.0 serves what its tables hold');
is($node->safe_psql('upgraded', q{select items, users from als.refresh('aged')}), '0|0', 'nothing has changed since');
$node->safe_psql('upgraded', q{insert into stars values (41, 4, 5), (41, 8, 1)});
is($node->safe_psql('upgraded', q{select items, users from als.refresh('aged')}), '0|1', 'then a user is new');
is($node->safe_psql('upgraded', q{select items, users from als.refresh('aged')}), '2|0', 'whose items come next');
is($node->safe_psql('upgraded', $scores), 't', 'and it serves them');
$node->safe_psql('upgraded', q{
	create table films as select i as item_id, i * 1.5 as price, date '2020-01-01' + i as released from generate_series(1, 80) i;
	create table people as select u as user_id, 20 + u as age from generate_series(1, 60) u});
is($node->safe_psql('upgraded', q{
	select run, factors, n_items, n_users, source, source_table is null from als.retrain('aged', item_features => 'films', user_features => 'people')}),
	'2|2|80|60|public.stars|f', 'a retraining takes features along, with the options of 1.0');
is($node->safe_psql('upgraded', q{
	select count(*) filter (where role = 'knot') > 4 from aged_item_feature_weights}), 't', 'with knots');
is($node->safe_psql('upgraded', q{select items, users from als.refresh('aged')}), '0|0', 'after which nothing has changed');
$node->safe_psql('upgraded', q{update films set price = 500 - price where item_id in (4, 70); insert into films values (81, 3, '2020-02-02')});
is($node->safe_psql('upgraded', q{select items, users from als.refresh('aged')}), '3|0', 'until features do');
is($node->safe_psql('upgraded', $scores), 't', 'which it serves, too');
is($node->safe_psql('upgraded', q{
	select als.track('aged'); select als.refresh('aged'); update stars set rating = 6 - rating where user_id = 1;
	select users from als.refresh('aged'); select count(*) from als.create_functions('aged')}), "aged_changes\n(0,0)\n1\n8", 'it can be tracked');
$node->safe_psql('upgraded', q{select als.drop_model('aged')});
is($node->safe_psql('upgraded', q{
	select count(*) from (select relname from pg_class union all select proname from pg_proc) x where relname ~ '^aged'}), 0, 'and nothing is left of it');

# Who may execute a function that is dropped and made again stays the same, and may execute what does the same.
$node->safe_psql('postgres', 'create database guarded; create role analyst; create role guest');
$node->safe_psql('guarded', q{
	create extension als version '1.0';
	revoke execute on all functions in schema als from public;
	grant execute on function als.recommend(regclass, text, int, boolean, "any", "any", text) to public;
	grant execute on function als.recommend(regclass, anyelement, int, boolean, "any", "any", text) to public;
	grant execute on function als.refresh_users(regclass, text), als.refresh_users(regclass, "any") to analyst with grant option;
	alter extension als update});
is($node->safe_psql('guarded', q{
	select string_agg(distinct role || ' ' || proname, ', ' order by role || ' ' || proname)
	from pg_proc, unnest('{analyst, guest}'::text[]) as role
	where pronamespace = 'als'::regnamespace and (proname in ('recommend', 'predict') or oid in (select * from als._costly_functions()))
		and has_function_privilege(role, oid, 'execute')}),
	'analyst recommend, analyst refresh, analyst refresh_users, guest recommend', 'what was revoked in 1.0 stays revoked');
is($node->safe_psql('guarded', q{
	select has_function_privilege('analyst', 'als.refresh_users(regclass, anycompatible, boolean)', 'execute with grant option'),
		has_function_privilege('analyst', 'als.recommend(regclass, text, bigint, boolean, anycompatible, anycompatible, text, text, float8, float8, int, bigint)', 'execute with grant option')}),
	't|f', 'with the right to grant it');
my ($dump) = run_command(['pg_dump', '-s', '-d', $node->connstr('guarded')]);
like($dump, qr{REVOKE ALL ON FUNCTION als\.retrain}, 'and is dumped');

done_testing();
