# Train here, serve there: pg_dump of the tables of a model into a database without the ratings.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('alone');
create_ratings($node, 'ratings', 4000, 200, 60);
$node->safe_psql(
	'postgres', q{
	create table dropped as table ratings;
	select from als.train('taste', 'ratings', factors => 4, iterations => 3);
	select from als.train('orphan', 'dropped', factors => 4, iterations => 3);
	select from als.train('asked', 'select * from ratings', factors => 4, iterations => 3);
	drop table dropped;
	create database serving; create database again});
$node->safe_psql('serving', q{create extension als; create table bystander (user_id int, item_id int, rating real)});

my @tables = map { ('-t', $_, '-t', "${_}_user_factors", '-t', "${_}_item_factors") } qw(taste orphan asked);
my $dump   = $node->basedir . '/model.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump, @tables ], 'a dump of the models alone');
unlike(slurp_file($dump), qr/^\d+\t.*\t\d{4,6}\t(?:user_id|\\N)\t/m, 'holds no bare number of a table');
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('serving'), '-f', $dump ], 'loads where there are no ratings');

sub serving { return $node->safe_psql('serving', $_[0]) }

sub error
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('serving', "\\set VERBOSITY verbose\n$sql");
	return $err;
}

my $list = q{select string_agg(item_id || ' ' || score, ' ' order by rank) from als.recommend('%s', 7, 5, exclude_seen => false)};
for my $model (qw(taste orphan asked))
{
	is(serving(sprintf $list, $model), $node->safe_psql('postgres', sprintf $list, $model), "$model serves there as here");
}
is(serving(q{select count(*) from als.recommend('taste', 7, 100, exclude_seen => false, exclude => array[1, 2, 3]) where item_id <= 3}), 0, 'excludes what it is told to');
is(serving(q{select count(*) > 0 from als.similar_items('taste', 3)}), 't', 'has neighbours');
is(serving(q{select als.recommend_all('taste', 'recs', k => 3, exclude_seen => false) > 0}), 't', 'recommends to all');
is(serving(q{select count(*) from als.recommend_for('taste', array[1, 2], array[5, 4])}), 10, 'and for a basket');
is(serving(q{select count(*) from als.models where problem is null}), 3, 'is listed');
for my $model (qw(taste orphan))
{
	like(error("select * from als.recommend('$model', 7)"), qr/ERROR:  42P01: the source of ratings "public\.\w+" does not exist here.*exclude_seen => false/s, "$model says what it cannot exclude");
	like(error("select * from als.refresh_users('$model')"), qr/ERROR:  42P01: the source of ratings "public\.\w+" does not exist here/, 'and that it cannot be refreshed');
}
like(error("select * from als.recommend('asked', 7)"), qr/ERROR:  42P01: relation "ratings" does not exist/, 'a query says so in its own words');

# Once the ratings are there, it does everything.
$node->command_ok(
	[ 'bash', '-c', sprintf q{pg_dump -d '%s' -t ratings | psql -qX -v ON_ERROR_STOP=1 -d '%s'}, $node->connstr('postgres'), $node->connstr('serving') ],
	'the ratings follow');
my $seen = q{select string_agg(item_id || ' ' || score, ' ' order by rank) from als.recommend('%s', 7, 5)};
for my $model (qw(taste asked))
{
	is(serving(sprintf $seen, $model), $node->safe_psql('postgres', sprintf $seen, $model), "$model leaves out what was seen");
	is(serving("select als.refresh_users('$model')"), 0, 'and can be refreshed');
}
is(serving("select run from als.train('taste', 'ratings', factors => 4, iterations => 3, replace => true)"), 2, 'trained');
is(serving("select count(*) from pg_tables where tablename ~ '^taste'"), 3, 'into its own tables');
is(serving("select als.drop_model('orphan')"), '', 'and dropped');

# A model row that was lost, as with als 1.0, does not orphan the factors.
$node->safe_psql('again', 'create extension als');
my $lost = slurp_file($dump);
$lost =~ s/^(COPY public\.taste \(.*?FROM stdin;\n).*?^(\\\.\n)/$1$2/ms;
append_to_file("$dump.lost", $lost);
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('again'), '-f', "$dump.lost" ], 'a dump without the row');
$node->safe_psql('again', q{create table ratings as select u as user_id, i as item_id, 3 as rating from generate_series(1, 20) u, generate_series(1, 10) i where (u + i) % 3 > 0;
	select from als.train('taste', 'ratings', factors => 4, iterations => 3, replace => true)});
is($node->safe_psql('again', "select count(*) from pg_tables where tablename ~ '^taste'"), 3, 'and trained into its own tables');

# A dump of als 1.0 says the name of the source where 1.1 has its identity.
$node->safe_psql('again', q{update taste set source_table = 'public.ratings'});
is($node->safe_psql('again', q{select count(*) > 0 from als.recommend('taste', 7)}), 't', 'a row of als 1.0 goes by its name');

$node->stop;
done_testing();
