# Logical replication: the triggers of factor tables fire in the initial copy, whichever table comes first, and what
# the subscriber answers is what the publisher does.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher  = new_node('publisher', allows_streaming => 'logical');
# With options: no copy of the template, but a server with an identifier of its own.
my $subscriber = new_node('subscriber', extra => [ '--encoding', 'UTF8' ]);
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
is($reader->query($answers)->{state}, '55000', 'a reader that asks before the initial copy is told so');
$subscriber->safe_psql('postgres', 'alter subscription s set publication model, factors');
$subscriber->wait_for_subscription_sync($publisher, 's');
is($reader->value($answers), $publisher->safe_psql('postgres', $answers),
	'and after it sees the factors');

# Features: the weights come along, knots and all, and what is made from features is what the publisher makes.
$publisher->safe_psql(
	'postgres', q{
	create table people as select u as user_id, 15 + u * 7 % 60 as age, date '2020-01-01' + u as since from generate_series(1, 105) u;
	alter table people add primary key (user_id);
	select from als.train('by_people', 'ratings', factors => 5, iterations => 3, user_features => 'people');
	create publication features for table people, by_people, by_people_user_factors, by_people_item_factors, by_people_user_feature_weights});
is($publisher->safe_psql('postgres', q{select string_agg(distinct column_name, ' ') from by_people_user_feature_weights where role = 'knot'}),
	'age since', 'features have knots');
($schema) = run_command([ 'pg_dump', '--schema-only', '--table', 'people', '--table', 'by_people*', '--dbname', $publisher->connstr('postgres') ]);
$subscriber->safe_psql('postgres', $schema);
$subscriber->safe_psql('postgres', 'alter subscription s set publication factors, model, features');
$subscriber->wait_for_subscription_sync($publisher, 's');
my $by_features = q{
	select md5(string_agg(v::text || r.r::text, ' ' order by a))
	from generate_series(-3, 100) a, als.features_vector('by_people', jsonb_build_object('age', a, 'since', date '2020-01-01' + a), 'user') v,
		lateral (select array_agg(x order by rank) as r from als.recommend('by_people', a + 5, 40, exclude_seen => false) x) r};
my @found;
for my $change (
	'select 1',
	q{select from als.retrain('by_people', seed => 3)},
	q{update people set age = 90 - age where user_id % 4 = 0; insert into people values (106, 30, '2020-02-03'); select als.refresh('by_people')})
{
	$publisher->safe_psql('postgres', $change);
	$publisher->wait_for_catchup('s');
	push @found, $publisher->safe_psql('postgres', $by_features);
	is($reader->value($by_features), $found[-1], "the subscriber answers by features as the publisher does: $change");
}
ok($found[0] ne $found[1] && $found[1] ne $found[2], 'each time otherwise');

$reader->quit;
$subscriber->stop;
$publisher->stop;
done_testing();
