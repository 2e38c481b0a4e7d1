# Calls by the drivers that applications use. ALS_DRIVERS names the folder that test/tools/fetch-drivers has filled.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = $ENV{ALS_DRIVERS} // '';
my %driver = (
	psycopg2   => [ '/usr/bin/env', "PYTHONPATH=$folder/psycopg2",   'python3', 'client.py', 'psycopg2' ],
	psycopg    => [ '/usr/bin/env', "PYTHONPATH=$folder/psycopg",    'python3', 'client.py', 'psycopg' ],
	asyncpg    => [ '/usr/bin/env', "PYTHONPATH=$folder/asyncpg",    'python3', 'client.py', 'asyncpg' ],
	sqlalchemy => [ '/usr/bin/env', "PYTHONPATH=$folder/sqlalchemy", 'python3', 'client.py', 'sqlalchemy' ],
	django     => [ '/usr/bin/env', "PYTHONPATH=$folder/django",     'python3', 'client.py', 'django' ],
	node       => [ '/usr/bin/env', "NODE_PATH=$folder/node/node_modules", 'node', 'client.js' ],
	pgx        => ["$folder/pgx/client"],
	jdbc       => [ 'java', '-cp', "$folder/jdbc:$folder/jdbc/postgresql-42.7.4.jar", 'Client' ]);
my @there = grep { -e "$folder/$_/complete" } sort keys %driver;
plan skip_all => 'no drivers; test/tools/fetch-drivers installs them' if !@there;
# The python of the drivers is that of the system.
$ENV{PATH} = "/usr/bin:$ENV{PATH}" if -x '/usr/bin/python3';

my $node = new_node('drivers');
# JDBC has no Unix sockets.
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
$node->append_conf('pg_hba.conf', 'host all all 127.0.0.1/32 trust');
$node->restart;
$ENV{PGHOST}       = $node->host;
$ENV{PGPORT}       = $node->port;
$ENV{PGDATABASE}   = 'postgres';
$ENV{PGUSER}       = $node->safe_psql('postgres', 'select current_user');
$ENV{ALS_TCP_HOST} = '127.0.0.1';

# Small numbers among the ids, which psycopg sends as smallint, and items beyond.
$node->safe_psql(
	'postgres', q{
	create table ratings as select u as user_id, i * 20000 as item_id, (u * 7 + i * 13) % 5 + 1 as rating
	from generate_series(1, 20) as u, generate_series(1, 12) as i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6 or i = 1;
	insert into ratings select distinct user_id, 7, 3 from ratings;
	create view bigs_source as select user_id + 5000000000 as user_id, item_id + 9000000000000 as item_id, rating from ratings;
	create view words_source as select 'u' || user_id as user_id, 'i' || item_id as item_id, rating from ratings;
	create view uuids_source as select md5(user_id::text)::uuid as user_id, md5(item_id::text)::uuid as item_id, rating from ratings;
	create view mixed_source as select md5(user_id::text)::uuid as user_id, item_id, rating from ratings;
	select from als.train('ints', 'ratings', factors => 4, iterations => 3);
	select from als.train('bigs', 'bigs_source', factors => 4, iterations => 3);
	select from als.train('words', 'words_source', factors => 4, iterations => 3);
	select from als.train('uuids', 'uuids_source', factors => 4, iterations => 3);
	select from als.train('mixed', 'mixed_source', factors => 4, iterations => 3);
	select als.create_functions('mixed')});

# The calls: a name, a statement with {type} where a parameter goes, and parameters. Of those whose name begins with
# "untyped" no driver casts one.
my ($user, $item) = map { $node->safe_psql('postgres', "select md5('$_')::uuid") } 1, 7;
my @models = (
	[ 'ints',  'int',    1,          7,             20000 ],
	[ 'bigs',  'bigint', 5000000001, 9000000000007, 9000000020000 ],
	[ 'words', 'text',   'u1',       'i7',          'i20000' ],
	[ 'uuids', 'uuid',   $user,      $item,         $node->safe_psql('postgres', q{select md5('20000')::uuid}) ]);
my @calls;
for (@models)
{
	my ($model, $of, $of_user, @items) = @$_;
	my $list      = '{' . join(',', @items) . '}';
	my $recommend = "select item_id from als.recommend('$model', {$of}, 4, exclude_seen => false";
	push @calls,
	  [ 'recommend',        "$recommend)",                          $of_user ],
	  [ 'seen left out',    "select item_id from als.recommend('$model', {$of})", $of_user ],
	  [ 'candidates',       "$recommend, candidates => {${of}[]})", $of_user, $list ],
	  [ 'no candidates',    "$recommend, candidates => {${of}[]})", $of_user, '{}' ],
	  [ 'null candidates',  "$recommend, candidates => {${of}[]})", $of_user, '\N' ],
	  [ 'exclude',          "$recommend, exclude => {${of}[]})",    $of_user, $list ],
	  [ 'exclude nothing',  "$recommend, exclude => {${of}[]})",    $of_user, '{}' ],
	  [ 'null exclude',     "$recommend, exclude => {${of}[]})",    $of_user, '\N' ],
	  [ 'both lists',       "$recommend, candidates => {${of}[]}, exclude => {${of}[]})", $of_user, $list, "{$items[0]}" ],
	  [ 'list and nothing', "$recommend, candidates => {${of}[]}, exclude => {${of}[]})", $of_user, $list, '{}' ],
	  [ 'k',             "select item_id from als.recommend('$model', {$of}, {bigint}, exclude_seen => false)",   $of_user,  2 ],
	  [ 'basket',        "select item_id from als.recommend_for('$model', {${of}[]}, {float8[]}, 4)",             $list,     '{5,4}' ],
	  [ 'similar items', "select item_id from als.similar_items('$model', {$of}, 4)",                             $items[0] ],
	  [ 'similar users', "select user_id from als.similar_users('$model', {$of}, 4)",                             $of_user ],
	  [ 'explain',       "select item_id from als.explain('$model', {$of}, {$of}, 4) where component = 'rating'", $of_user,  $items[0] ],
	  [ 'predict',       "select (als.predict('$model', {$of}, {$of}) > 0)::int",                                 $of_user,  $items[0] ],
	  [ 'fold in',       "select cardinality(als.fold_in('$model', {${of}[]}, {float8[]}))",                      $list,     '{5,4}' ],
	  [ 'refresh',       "select als.refresh_users('$model', {${of}[]})",                                         "{$of_user}" ];
	$_->[0] = "$model: $_->[0]" for @calls[ -18 .. -1 ];
}
push @calls,
  [ 'untyped: functions of a model', 'select item_id from mixed_recommend({uuid}, {bigint}, false, {int[]}, {int[]})', $user, 4, '\N', '{7}' ],
  [ 'untyped: a score',    'select (mixed_predict({uuid}, {int}) > 0)::int', $user, 7 ],
  [ 'untyped: neighbours', 'select user_id from mixed_similar_users({uuid}, 3)', $user ],
  [ 'untyped: options', "select (als.train('trained', 'ratings', options => {jsonb}, replace => true)).factors", '{"factors": 3, "iterations": 1}' ],
  [ 'untyped: text of ids', "select item_id from als.recommend('words', {text}, 4, candidates => {text}, exclude => {text})", 'u1', '{i7,i20000,i40000,i60000}', '\N' ],
  [ 'several k', "select k from als.evaluate('ints', 'ratings', k => {int[]}, exclude_seen => false) where metric = 'precision'", '{3,5}' ];

# What they give with every parameter written out with its type.
my %expected;
my $session = AlsTest::Session->new($node);
for (@calls)
{
	my ($name, $statement, @parameters) = @$_;
	my @left = @parameters;
	$statement =~ s/\{([^}]*)\}/my $value = shift @left; $value eq '\N' ? "null::$1" : "'$value'::$1"/ge;
	$expected{$name} = join(',', map { $_->[0] } @{ $session->rows($statement) });
}
is($expected{'ints: no candidates'}, '', 'an empty list allows nothing');
is(scalar(grep { $_ eq '' } values %expected), 4, 'all other calls give something');

chdir 'test/drivers' or die $!;
my $calls = PostgreSQL::Test::Utils::tempdir() . '/calls';
append_to_file($calls, join("\t", @$_) . "\n") for @calls;
for my $name (@there)
{
	my ($out, $err) = run_command([ @{ $driver{$name} }, $calls ]);
	my %got = map { my ($call, $values) = split /\t/; ($call => $values) } split /\n/, $out;
	my @wrong = grep { ($got{$_} // 'nothing') ne $expected{$_} } map { $_->[0] } @calls;
	is(scalar @wrong, 0, "$name: " . scalar(@calls) . ' calls') or diag((map { "$_: " . ($got{$_} // 'nothing') . ", not $expected{$_}\n" } @wrong), $err);
}

done_testing();
