# A hot standby serves models, and sees a new one once it has replayed its commit.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', allows_streaming => 1);
create_ratings($primary, 'ratings', 4000, 200, 60);
$primary->safe_psql(
	'postgres', q{
	create table others as select user_id, item_id + 100 as item_id, 6 - rating as rating from ratings;
	select from als.train('taste', 'ratings', factors => 12, iterations => 4)});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

sub catch_up
{
	# Brings out what is not yet committed, too.
	$primary->safe_psql('postgres', 'select pg_switch_wal()');
	$primary->wait_for_catchup($standby, 'replay');
	return;
}

my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank)) || ' ' || md5(string_agg(s::text, ' ' order by u, r.rank))
	from generate_series(1, 200) as u, als.recommend('taste', u) as r, als.predict('taste', u, r.item_id) as s
	union all
	select md5(string_agg(s::text, ' ' order by i, s.rank))
	from (select min(item_id) as i from taste_item_factors) as one, als.similar_items('taste', i) as s
	union all
	select md5(string_agg(s::text, ' ' order by s.rank)) from als.similar_users('taste', 3, 20) as s};

my $writer = AlsTest::Session->new($primary);
my $reader = AlsTest::Session->new($standby);
catch_up();
my $first = $writer->rows($answers);
is(scalar(grep { $_->[0] ne '' } @$first), 3, 'there are answers to compare');
is_deeply($reader->rows($answers), $first, 'the standby answers as the primary does');
is($reader->value('select model from als.models'), 'taste', 'and lists the model');

# Warm sessions: between transactions, in one, and in one with an old snapshot.
my $committed = AlsTest::Session->new($standby);
$committed->query('begin');
is_deeply($committed->rows($answers), $first, 'in a transaction');
my $repeatable = AlsTest::Session->new($standby);
$repeatable->query('begin isolation level repeatable read');
is_deeply($repeatable->rows($answers), $first, 'in a transaction with one snapshot');

$writer->query(
	"begin; select from als.train('taste', 'others', factors => 12, iterations => 4, replace => true)");
my $second = $writer->rows($answers);
isnt($second->[0][0], $first->[0][0], 'a new model');
catch_up();
is_deeply($reader->rows($answers), $first, 'which the standby does not see before it is committed');
$writer->query('commit');
catch_up();
is_deeply($reader->rows($answers),     $second, 'but then does');
is_deeply($committed->rows($answers),  $second, 'even in a transaction');
is_deeply($repeatable->rows($answers), $first,  'unless it has an old snapshot');
$_->query('commit')                                    for $committed, $repeatable;
is_deeply($_->rows($answers), $second, 'and after it') for $committed, $repeatable;

$writer->query("begin; select from als.train('taste', 'ratings', replace => true); rollback");
$writer->query("select from als.train('another', 'ratings', factors => 4, iterations => 2)");
catch_up();
is_deeply($reader->rows($answers), $second, 'a training rolled back changes nothing');
is( $reader->value("select string_agg(model::text, ' ' order by model::text) from als.models"),
	'another taste',
	'a new model comes');
$writer->query('update taste_item_factors set bias = bias + 1 where item_id % 3 = 0');
catch_up();
my $third = $writer->rows($answers);
isnt($third->[0][0], $second->[0][0], 'an update of the factors');
is_deeply($reader->rows($answers), $third, 'is seen too');

# No training on a standby.
for my $statement (
	"select from als.train('taste', 'ratings', replace => true)",
	"select from als.train('new', 'ratings')",
	"select als.drop_model('taste')")
{
	is($reader->query($statement)->{state}, '25006', "$statement: fails as on any read-only server");
}
is_deeply($reader->rows($answers),                     $third, 'the session goes on');
is_deeply($reader->rows('select * from als.progress'), [],     'als.progress works');
$writer->query("select als.drop_model('another')");
catch_up();
is($reader->value('select model from als.models'), 'taste', 'a dropped model goes');

# The same answers from the session and from new ones after promotion, and training.
$standby->promote;
wait_until('promotion', sub { $reader->value('select pg_is_in_recovery()') eq 'f' });
is_deeply($reader->rows($answers), $third, 'promoted, the server answers the same');
is( $reader->value(
		"select run from als.train('taste', 'ratings', factors => 12, iterations => 4, replace => true)"),
	3,
	'and trains');
is_deeply($reader->rows($answers), $first, 'the model that the primary made of these ratings');
is($committed->rows($answers)->[0][0], $first->[0][0], 'for every session');

unlike(slurp_file($_->logfile), qr/PANIC|TRAP|terminated by signal/, 'no crash') for $primary, $standby;
$_->quit for $reader, $committed, $repeatable, $writer;
$standby->stop;
$primary->stop;
done_testing();
