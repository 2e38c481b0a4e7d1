# statement_timeout is obeyed at whatever moment of a training it comes.
# Runs alone: it measures the time until a training obeys.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# The bound is a quarter of a second. Machines that run tests are slow and busy: what is asserted is
# this, for a training that would go on for hours.
my $patience = 2;

my $node = new_node('timeout');
create_ratings($node, 'big', 300_000, 50_000, 5000);
$node->safe_psql(
	'postgres', q{
	create view long as
	select 'user ' || user_id % 1000 * 30 + n as user_id, item_id, rating from big, generate_series(1, 8) as n});

my $session = AlsTest::Session->new($node);
my $watcher = AlsTest::Session->new($node);
my $nothing = relations($watcher);
my $train   = "select from als.train('new', 'long', factors => 512, iterations => 10000, threads => 2)";

# How long it takes to get to the training, and so the span to choose moments from.
$session->begin($train);
my $start = time;
wait_for_phase($watcher, $session->pid, 'training');
my $span = 1.6 * (time - $start);
$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
is($session->wait->{state}, '57014', 'canceled');

my $points = 10;
for my $point (1 .. $points)
{
	my $milliseconds = int(1000 * $span * ($point - rand) / $points) + 1;
	my $phase        = 'none';
	$session->query("set statement_timeout = $milliseconds");
	$session->begin($train);
	until ($session->done)
	{
		my $row = $watcher->rows('select phase from als.progress')->[0];
		$phase = $row->[0] if $row;
	}
	my $result  = $session->wait;
	my $seconds = $result->{seconds} - $milliseconds / 1000;
	is($result->{state}, '57014', "statement_timeout of $milliseconds ms");
	like($result->{err}, qr/due to statement timeout/, 'says so');
	cmp_ok($seconds, '<', $patience, 'and is obeyed at once');
	note sprintf '%d ms: obeyed after %.3f s, last seen in phase %s', $milliseconds, $seconds, $phase;
}
$session->query('reset statement_timeout');
is(relations($watcher), $nothing, 'no table is left');

is( $session->value("select n_users from als.train('new', 'select 1 as user_id, 1 as item_id, 1 as rating')"),
	1, 'the session goes on to train');

$_->quit for $session, $watcher;
$node->stop;
done_testing();
