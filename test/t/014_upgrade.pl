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
