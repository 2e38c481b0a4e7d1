# Logical replication: the triggers of factor tables fire in the initial copy, whichever table comes first, and what
# the subscriber answers is what the publisher does.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher  = new_node('publisher', allows_streaming => 'logical');
my $subscriber = new_node('subscriber');
create_ratings($publisher, 'ratings', 2000, 100, 40);
my $train = q{select from als.train('taste', 'ratings', factors => 5, iterations => 3, seed => %d, replace => true)};
my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank))
	from generate_series(1, 100) u, als.recommend('taste', u, exclude_seen => false) r};
$publisher->safe_psql('postgres', sprintf $train, 1);

my ($schema) = run_command(
	[ 'pg_dump', '--schema-only', '--table', 'taste*', '--table', 'ratings', '--dbname', $publisher->connstr('postgres') ]);
$subscriber->safe_psql('postgres', $schema);

# The factors first, while the subscriber has no model that names them.
$publisher->safe_psql(
	'postgres', q{
	create publication factors for table taste_user_factors, taste_item_factors;
	create publication model for table taste});
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres',
	"create subscription s connection '$connection' publication factors");
$subscriber->wait_for_subscription_sync($publisher, 's');
is($subscriber->safe_psql('postgres', 'select count(*) from taste_user_factors'),
	100, 'factors come without their model');
$subscriber->safe_psql('postgres', 'alter subscription s set publication factors, model');
$subscriber->wait_for_subscription_sync($publisher, 's');

my $reader   = AlsTest::Session->new($subscriber);
my $expected = $publisher->safe_psql('postgres', $answers);
is($reader->value($answers), $expected, 'the subscriber answers as the publisher does');
$publisher->safe_psql('postgres', sprintf $train, 2);
$publisher->wait_for_catchup('s');
my $retrained = $publisher->safe_psql('postgres', $answers);
isnt($retrained, $expected, 'a training gives other answers');
is($reader->value($answers), $retrained, 'which come to the subscriber');
$publisher->safe_psql('postgres', 'update taste_item_factors set bias = bias + item_id');
$publisher->wait_for_catchup('s');
is($reader->value($answers), $publisher->safe_psql('postgres', $answers), 'so do changes by hand');

# The other way round: the model's row is there before its factors.
$subscriber->safe_psql(
	'postgres', q{
	alter subscription s set publication model;
	truncate taste_user_factors, taste_item_factors});
is($reader->query($answers)->{state}, '55000', 'a reader is told that factors are missing');
$subscriber->safe_psql('postgres', 'alter subscription s set publication model, factors');
$subscriber->wait_for_subscription_sync($publisher, 's');
is($reader->value($answers), $publisher->safe_psql('postgres', $answers),
	'and sees them once they are there');

$reader->quit;
$subscriber->stop;
$publisher->stop;
done_testing();
