# The schema als belongs to the extension: made by it, dropped with it, never one that somebody had made before.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('schema');
$node->init;
$node->start;
$node->safe_psql('postgres', 'create role mallory login; create role trainer; create role app');

sub database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "create database $name");
	$node->safe_psql($name, 'grant create on database ' . $name . ' to mallory');
	return $name;
}

sub fails
{
	my ($database, $sql, $pattern, $what) = @_;
	my ($result, $out, $err) = $node->psql($database, $sql);
	like($err, $pattern, $what);
	is($node->safe_psql($database, "select count(*) from pg_extension where extname = 'als' and extversion = '1.1'"), 0, "$what: nothing is left");
	return;
}

my $is_member = q{
	select count(*) from pg_depend where classid = 'pg_namespace'::regclass and objid = 'als'::regnamespace
		and refclassid = 'pg_extension'::regclass and deptype = 'e'};
my $train = q{
	create table ratings as select u as user_id, i as item_id, (u * 7 + i * 3) % 5 + 1 as rating
		from generate_series(1, 20) u, generate_series(1, 10) i where (u + i) % 3 > 0;
	select from als.train('taste', 'ratings', factors => 4)};
my $answer = q{select string_agg(r::text, ' ') from generate_series(1, 20) as u, als.recommend('public.taste', u) as r};

# A fresh one.
my $fresh = database('fresh');
$node->safe_psql($fresh, 'create extension als');
is($node->safe_psql($fresh, $is_member), 1, 'the schema is of the extension');
$node->safe_psql($fresh, 'drop extension als');
is($node->safe_psql($fresh, "select to_regnamespace('als') is null"), 't', 'and dropped with it');
$node->safe_psql($fresh, 'create extension als');
$node->safe_psql($fresh, $train);

# Somebody was there first.
my $taken = database('taken');
$node->safe_psql($taken, 'set role mallory; create schema als');
fails($taken, 'create extension als', qr/schema "als" already exists.*HINT: .*rename or drop it/s, 'a schema that is there');
fails($taken, 'create extension als with schema als', qr/schema "als" is not empty or belongs to another role/, 'a schema of another role');
$node->safe_psql($taken, 'alter schema als owner to postgres; create function als.f() returns int language sql as $$select 1$$');
fails($taken, 'create extension als with schema als', qr/schema "als" is not empty or belongs to another role/, 'a schema that is not empty');
$node->safe_psql($taken, 'drop function als.f()');
fails($taken, 'create extension als', qr/schema "als" already exists/, 'an empty schema of ours that nobody has named');
$node->safe_psql($taken, 'create extension als with schema als');
is($node->safe_psql($taken, $is_member), 1, 'an empty schema of ours is taken over, as dumps of 1.0 need it');
$node->safe_psql($taken, 'drop extension als');
is($node->safe_psql($taken, "select to_regnamespace('als') is null"), 't', 'and dropped with the extension');

# The upgrade of 1.0, which took over what was there.
my $hijacked = database('hijacked');
$node->safe_psql($hijacked, "set role mallory; create schema als");
$node->safe_psql($hijacked, "create extension als version '1.0'");
fails($hijacked, 'alter extension als update', qr/schema "als" does not belong to the owner of the extension, postgres.*HINT: .*ALTER SCHEMA als OWNER TO postgres/s, 'an upgrade in a schema of another role');
$node->safe_psql($hijacked, 'set role mallory; create function als.predict(int, int, int) returns int language sql as $$select 1$$');
$node->safe_psql($hijacked, 'alter schema als owner to postgres');
fails($hijacked, 'alter extension als update', qr/functions that are not of the extension.*DETAIL: .*als.predict\(integer,integer,integer\)/s, 'an upgrade in a schema with a function of another role');
$node->safe_psql($hijacked, 'drop function als.predict(int, int, int)');
$node->safe_psql($hijacked, 'alter extension als update');
is($node->safe_psql($hijacked, $is_member), 1, 'after what the hints say it succeeds');
$node->safe_psql($hijacked, $train);

# A dump of 1.0 makes the schema itself, and gets 1.1.
my $old = database('old');
$node->safe_psql($old, "create extension als version '1.0'");
is($node->safe_psql($old, $is_member), 0, 'in 1.0 the schema is not of the extension');

# Who may train is kept too.
$node->safe_psql($_, q{select als.revoke_training(); select als.grant_training('trainer')}) for $fresh, $hijacked;
my $may = q{
	select string_agg(p.proname || ' ' || r.rolname || ' ' || has_function_privilege(r.oid, p.oid, 'execute'), ', ' order by p.oid::regprocedure::text, r.rolname)
	from pg_proc p, pg_roles r where p.pronamespace = 'als'::regnamespace and r.rolname in ('trainer', 'app')
		and proname in ('train', 'tune', 'evaluate', 'recommend_all', 'import_model', 'refresh_users', 'refresh_items', 'predict')};
unlike($node->safe_psql($fresh, $may), qr/(train|tune|evaluate|recommend_all|import_model|refresh_users|refresh_items) (app true|trainer false)/, 'granted and revoked as one');
like($node->safe_psql($fresh, $may), qr/predict app true/, 'without the rest');
my ($result, $out, $err) = $node->psql($fresh, 'set role app; select als.revoke_training()');
like($err, qr/must be owner of function/, 'which only the owner may do');

my $folder = PostgreSQL::Test::Utils::tempdir();
for my $from ($fresh, $hijacked, $old)
{
	# The library of today does not train in 1.0.
	my $expected = $node->safe_psql($from eq $old ? $fresh : $from, $answer);
	for my $format (qw(plain custom))
	{
		my $to = database("${from}_$format");
		$node->command_ok([ 'pg_dump', '--format', $format, '--file', "$folder/$to", $from ], "dump of $from, format $format");
		$node->command_ok(
			$format eq 'plain'
			? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$folder/$to", $to ]
			: [ 'pg_restore', '--exit-on-error', '--dbname', $to, "$folder/$to" ],
			'restore');
		$node->safe_psql($to, $train) if $from eq $old;
		is($node->safe_psql($to, $answer), $expected, "$to: the model answers the same");
		is($node->safe_psql($to, $is_member), 1, "$to: the schema is of the extension");
		is($node->safe_psql($to, 'select count(*) from als.models'), 1, "$to: the views work");
		is($node->safe_psql($to, $may), $node->safe_psql($from, $may), "$to: who may train") if $from ne $old;
		$node->safe_psql($to, 'drop extension als cascade');
		is($node->safe_psql($to, "select to_regnamespace('als') is null"), 't', "$to: which leaves nothing");
	}
}

$node->stop;
done_testing();
