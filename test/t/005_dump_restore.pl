# pg_dump and restore: a model in the new database is the model it was.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node   = new_node('dump');
my $folder = PostgreSQL::Test::Utils::tempdir();
create_ratings($node, 'ratings', 4000, 200, 60);
$node->safe_psql(
	'postgres', q{
	create schema "My ""Models""";
	create table "My ""Models"""."It's ratings" as
	select 'user ''"\' || user_id as "The user", md5(item_id::text)::uuid as "item ""id""", rating as "Rating"
	from ratings;

	select from als.train('taste', 'ratings', factors => 12, iterations => 5);
	-- Two runs, the newest of which serves.
	select from als.train('taste', 'ratings', factors => 7, iterations => 4, seed => 1, replace => true);
	select from als.train('clicks', 'select user_id::bigint * 10000000000 as user_id, item_id::numeric from public.ratings',
		rating_col => null, feedback => 'implicit', factors => 9, iterations => 3,
		item_features => 'select n::numeric as item_id, n % 5 as kind from pg_catalog.generate_series(1, 60) as n');
	select from als.train('"My ""Models"""."It''s a ""model"""', '"My ""Models"""."It''s ratings"',
		user_col => 'The user', item_col => 'item "id"', rating_col => 'Rating', factors => 5, iterations => 3)});

# Everything that the models answer. No search_path, so that all names must be qualified.
my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank))
	from generate_series(1, 200) as u, als.recommend('public.taste', u) as r
	union all
	select md5(string_agg(als.predict('public.taste', u, i)::text, ' ' order by u, i))
	from generate_series(1, 200) as u, generate_series(1, 60) as i
	union all
	select md5(string_agg(r::text, ' ' order by u, r.rank))
	from generate_series(1, 200) as u, als.recommend('public.clicks', (u * 10000000000)::text) as r
	union all
	select md5(string_agg(r::text, ' ' order by u, r.rank))
	from generate_series(1, 200) as u,
		als.recommend('"My ""Models"""."It''s a ""model"""', 'user ''"\' || u) as r
	union all
	select md5(string_agg(s::text, ' ' order by i, s.rank))
	from generate_series(1, 60) as i,
		als.similar_items('"My ""Models"""."It''s a ""model"""', md5(i::text)::uuid, 60) as s};
my $models = q{
	select model, run, version, source, source_table, user_factors, item_factors, loss, read_seconds
	from als.models order by model::text};
my $all_relations = q{
	select string_agg(oid::regclass::text || ' ' || relkind::text || coalesce(nullif(reloftype, 0)::regtype::text, ''),
	                  ', ' order by oid::regclass::text)
	from pg_class where relkind in ('r', 'i', 'v') and oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace};

# Whose the factor tables are recorded to be, which a dump does not keep, and their triggers, which it does.
my $recorded = q{
	select string_agg(d.objid::regclass::text, ' ' order by d.objid::regclass::text) from pg_depend d
	join pg_class f on f.oid = d.objid and f.relkind = 'r'
	join pg_class m on m.oid = d.refobjid and m.reloftype = 'als.model'::regtype
	where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'
	and f.relname ~ '^taste'};
my $triggers = q{
	select string_agg(tgrelid::regclass || ' ' || tgenabled::text, ', ' order by tgrelid::regclass::text)
	from pg_trigger where tgfoid = 'als.factors_changed()'::regprocedure};
$node->safe_psql('postgres', 'create role mallory; create role writer login');

my $original        = AlsTest::Session->new($node, settings => 'search_path=');
my $expected        = $original->rows($answers);
my $expected_models = $original->rows($models);
is(scalar @$expected,                         5, 'there are answers to compare');
is(scalar(grep { $_->[0] eq '' } @$expected), 0, 'all of them');
is(scalar @$expected_models,                  3, 'of three models');

# Models that name another's factors, before and after the first change by somebody who may record whose they are.
sub check_strangers
{
	my ($name, $restored) = @_;

	$restored->query(
		q{
		create schema stranger authorization mallory;
		set role mallory;
		create table stranger.trap of als.model;
		create function stranger.spring() returns trigger language plpgsql as $$
			begin raise exception 'code of mallory runs as %', current_user; end $$;
		create trigger spring before update on stranger.trap for each row execute function stranger.spring();
		insert into stranger.trap (run, user_factors, item_factors)
			values (1000, 'public.taste_user_factors', 'public.taste_item_factors');
		grant all on stranger.trap to public;
		reset role;
		create table public.taste_copy of als.model;
		insert into public.taste_copy select * from public.taste});
	my $kept = $name eq 'copied' ? 'public.taste_item_factors public.taste_user_factors' : '';
	is($restored->value($recorded) // '', $kept, "$name: what is recorded before");
	my $versions = "select user_version from public.%s order by run desc limit 1";
	my @before = map { $restored->value(sprintf $versions, $_) } 'taste', 'taste_copy';

	# Somebody who may not read the model.
	$restored->query('grant select, update on public.taste_user_factors to writer; set role writer');
	is($restored->query('update public.taste_user_factors set bias = bias')->{state},
		'42501', "$name: a writer who may not give the model a new version is refused");
	$restored->query('reset role; revoke all on public.taste_user_factors from writer');

	# The superuser.
	my $result = $restored->query('update public.taste_user_factors set bias = bias');
	is($result->{state}, '00000', "$name: no code of a stranger runs") or diag $result->{err};
	my @after = map { $restored->value(sprintf $versions, $_) } 'taste', 'taste_copy';
	isnt($after[0], $before[0], "$name: the model has a new version");
	isnt($after[1], $before[1], "$name: so has its copy, while nothing tells which is the model") if !$kept;
	is($restored->value($recorded) // '', $kept, "$name: nor has als decided");
	is($restored->query("select als.drop_model('public.taste_copy')")->{state},
		'55000', "$name: the copy cannot be dropped as a model");
	$restored->query('drop table public.taste_copy; update public.taste_user_factors set bias = bias');
	like($restored->value($recorded), qr/taste_user_factors/, "$name: after the first change its model is recorded");
	is($restored->query("select als.drop_model('stranger.trap')")->{state},
		'55000', "$name: nor does a stranger's model drop it");
	$restored->query("update public.taste_user_factors set bias = bias; drop schema stranger cascade");
	is($restored->value("select count(*) from public.taste_user_factors"), 200, "$name: the factors are there");

	$result = $restored->query("select als.refresh_items('public.taste', '{}'::int[])");
	is($result->{state}, '00000', "$name: a refresh, even of nothing,") or diag $result->{err};
	is( $restored->value($recorded),
		'public.taste_item_factors public.taste_user_factors',
		"$name: records the other table too");
	return;
}

sub check_restored
{
	my ($name) = @_;

	my $restored = AlsTest::Session->new($node, dbname => $name, settings => 'search_path=');
	is_deeply($restored->rows($answers), $expected, "$name: the models answer the same");
	is_deeply($restored->rows($models),
		$expected_models, "$name: their rows say the same, of the restored tables");
	is( $restored->value($all_relations),
		$original->value($all_relations),
		"$name: tables, types and indexes are there");
	is( $restored->value(
				"select (select user_factors from public.taste order by run desc limit 1)::oid ="
			  . " 'public.taste_user_factors'::regclass::oid"),
		't',
		"$name: a model row points to its own database's tables");
	is($restored->value("select string_agg(run::text, ' ' order by run) from public.taste"),
		'1 2', "$name: every run is there");

	is($restored->value($triggers), $original->value($triggers), "$name: the triggers fire as before");
	check_strangers($name, $restored);

	# A change by hand still makes a new version.
	my $change = q{
		begin; update public.taste_user_factors set bias = bias + 1;
		select version = '%s' from als.models where model = 'public.taste'::regclass};
	is($restored->value(sprintf $change, $expected_models->[2][2] // ''),
		'f', "$name: an update makes a new version");
	isnt($restored->rows($answers)->[1][0], $expected->[1][0], "$name: which serves");
	$restored->query('rollback');
	is_deeply($restored->rows($answers), $expected, "$name: until it is undone");

	is( $restored->value(
				"select run from als.train('public.taste', 'public.ratings', factors => 7, iterations => 4,"
			  . ' seed => 1, replace => true)'),
		3,
		"$name: the model can be trained again");
	is_deeply($restored->rows($answers), $expected, "$name: to the same answers");
	is( $restored->query(
			q{select als.drop_model('public.taste'); select als.drop_model('public.clicks');
			select als.drop_model('"My ""Models"""."It''s a ""model"""')})->{state},
		'00000',
		"$name: the models can be dropped");
	is( $restored->value(
			$all_relations =~
			  s/from pg_class where/from pg_class where relnamespace <> 'als'::regnamespace and/r),
		'"My ""Models"""."It\'s ratings" r, public.ratings r',
		"$name: which leaves nothing");
	$restored->quit;
	return;
}

for my $format (qw(plain custom directory))
{
	my $dump = "$folder/$format";
	$node->command_ok([ 'pg_dump', '--format', $format, '--file', $dump, 'postgres' ],
		"dump, format $format");
	$node->safe_psql('postgres', "create database $format");
	$node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $format ]
		: [ 'pg_restore', '--exit-on-error', '--jobs=2', '--dbname', $format, $dump ],
		"restore, format $format");
	check_restored($format);
}

# The same for a copy of the database, where the oids stay.
$original->quit;
$node->safe_psql('template1', 'create database copied template postgres');
$original = AlsTest::Session->new($node, settings => 'search_path=');
check_restored('copied');

# One model alone, into a database with the extension.
$node->command_ok(
	[
		'pg_dump', '--file',  "$folder/one.sql", '--table', 'taste', '--table',
		'taste_*', '--table', 'ratings',         'postgres'
	],
	'dump of one model');
$node->safe_psql('postgres', 'create database one');
$node->safe_psql('one',      'create extension als');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$folder/one.sql", 'one' ],
	'restore of one model');
is($node->safe_psql('one', $answers =~ s/\bunion all.*//sr), $expected->[0][0], 'the model answers the same');

# A run that is kept is found again: what says so is a trigger, which a dump has.
$node->safe_psql('postgres', 'create database kept');
$node->safe_psql(
	'kept', q{
	create extension als;
	create table ratings as select i % 40 as user_id, i % 17 as item_id, i % 5 as rating from generate_series(1, 400) as i;
	select als.train('m', 'ratings', factors => 3, iterations => 1);
	select als.train('m', 'ratings', factors => 4, iterations => 1, replace => true, keep_previous => true);
	create table copy of als.model;
	insert into copy select * from m;
	create table orders (user_id int primary key, factors real[], bias real, n_ratings int);
	});
$node->command_ok([ 'pg_dump', '--file', "$folder/kept.sql", 'kept' ], 'dump of a model that keeps a run');
my $tables = q{select string_agg(relname, ' ' order by relname) from pg_class
	where relnamespace = 'public'::regnamespace and relkind = 'r'};
for my $database (qw(rolled_back trained dropped))
{
	$node->safe_psql('postgres', "create database $database");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$folder/kept.sql", $database ],
		"$database: restore");
	$node->safe_psql($database, 'drop table copy');
}
is( $node->safe_psql('rolled_back', q{select run, factors from als.rollback_model('m')}),
	'1|3', 'it can be rolled back');
is( $node->safe_psql('rolled_back', $tables),
	'm m_item_factors m_user_factors orders ratings', 'which leaves no copies');
$node->safe_psql('trained',
	q{select als.train('m', 'ratings', factors => 4, iterations => 1, replace => true)});
is( $node->safe_psql('trained', $tables),
	'm m_item_factors m_user_factors orders ratings', 'a training removes the copies');
$node->safe_psql('dropped', q{select als.drop_model('m')});
is($node->safe_psql('dropped', $tables), 'orders ratings', 'and so does dropping the model');

$original->quit;
$node->stop;
done_testing();
