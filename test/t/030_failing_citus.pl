# What becomes of a distributed training on Citus when a node fails it: an error within seconds that names the node, nothing
# left on any node, the model as it was, and a next training that works.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my @nodes = citus_cluster("citus.node_connection_timeout = 5000\nrestart_after_crash = on\n") or plan skip_all => 'the extension citus is not there';
my ($coordinator, $worker, $other) = @nodes;

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

create_ratings($coordinator, 'ratings', 100_000, 2000, 300);
sql(q{select create_distributed_table('ratings', 'user_id'); create index on ratings (user_id)});
my $train = q{select from als.train('taste', 'ratings', factors => 16, iterations => %d, distributed => true, replace => true)};
sql(sprintf $train, 2);
my $list = q{select string_agg(concat_ws(' ', item_id, score), ', ' order by rank) from als.recommend('taste', 7, 5)};
my $served = sql($list);

# Of the nodes that are up.
sub left_over
{
	return join ' ', map {
		$_->safe_psql('postgres', q{select (select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}') + (select count(*) from pg_prepared_xacts)})
	} @_;
}

sub busy
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name like 'citus_internal%' and state <> 'idle'});
}

# Starts a training, lets it iterate, does something to it, and says how it ended and after how long.
sub train_until
{
	my ($harm) = @_;
	my $session = AlsTest::Session->new($coordinator);
	my $pid = $session->pid;
	$session->begin(sprintf $train, 10_000);
	wait_until('the training to iterate',
		sub { $session->pump_for(0.01); sql("select count(*) from als.progress where pid = $pid and phase = 'training' and iteration > 0") });
	my $start = time;
	$harm->($pid);
	my $result = $session->wait;
	my $seconds = time - $start;
	$session->quit;
	return ($result->{state}, $result->{err}, $seconds);
}

sub check_served
{
	my ($what, @up) = @_;
	is(left_over(@up), join(' ', map { 0 } @up), "$what: nothing is left");
	is($_->safe_psql('postgres', $list), $served, "$what: " . $_->name . ' serves the model as it was') for @up;
}

# A backend of a worker is killed, which takes all of its server's backends along.
my $recovered = recovery_of($worker);
my ($state, $error, $seconds) = train_until(
	sub {
		kill 'KILL', $worker->safe_psql('postgres', q{select pid from pg_stat_activity where application_name like 'citus_internal%' and state <> 'idle' limit 1});
	});
isnt($state, '00000', 'kill -9: an error, of whichever connection is the first to miss the node') or diag $error;
my $port = $worker->port;
like($error, qr/:$port\b/, 'which names the node');
cmp_ok($seconds, '<', 10, 'within seconds');
$recovered->();
check_served('kill -9', @nodes);
is(sql(sprintf $train, 2), '', 'kill -9: the next training works');
$served = sql($list);

# A cancel is over on all nodes within a second.
my $cancelled = 0;
($state, $error, $seconds) = train_until(sub { sql("select pg_cancel_backend($_[0])") });
is($state, '57014', 'cancel: an error');
cmp_ok($seconds, '<', 3, 'at once');
my $end = time + 1;
sleep 0.02 while time < $end && grep { busy($_) } $worker, $other;
is(join(' ', map { busy($_) } $worker, $other), '0 0', 'cancel: no node works on it');
check_served('cancel', @nodes);

# A worker is stopped.
($state, $error, $seconds) = train_until(sub { $other->stop('immediate') });
isnt($state, '00000', 'stop: an error, of whichever connection is the first to miss the node') or diag $error;
$port = $other->port;
like($error, qr/:$port\b/, 'which names the node');
cmp_ok($seconds, '<', 10, 'within seconds');
my @up = ($coordinator, $worker);
is(left_over(@up), '0 0', 'stop: nothing is left');
my $started = time;
for my $call (sprintf($train, 2), sprintf($train, 2) =~ s/taste/new/r, q{select from als.retrain('taste')}, q{select als.refresh_users('taste')})
{
	my (undef, undef, $refused) = $coordinator->psql('postgres', "\\set VERBOSITY verbose\n$call");
	like($refused, qr/ERROR:  08006: .*:$port\b.*HINT:  All nodes are needed/s, 'the next call is refused, with the name of the node and a hint');
}
cmp_ok(time - $started, '<', 10, 'within seconds');
$other->start;
check_served('stop', @nodes);
is(sql(sprintf $train, 2), '', 'stop: once it is up, the next training works');
$served = sql($list);

# A worker without the extension, or with another version of it: the hint is what to run.
sub on_other
{
	my ($sql, $message, $what) = @_;
	my $here = 'set citus.enable_ddl_propagation = off; set client_min_messages = warning';
	$other->safe_psql('postgres', "$here; $sql");
	my $hint;
	for my $call (sprintf($train, 2), q{select als.recommend_all('taste', 'recs', 2)})
	{
		my (undef, undef, $error) = $coordinator->psql('postgres', "\\set VERBOSITY verbose\n$call");
		like($error, qr/ERROR:  55000: node \S+:$port $message/, "$what: an error of " . substr $call, 0, 40);
		($hint) = $error =~ /HINT:  .*\brun (?:there|on the coordinator): (.*)\./i or diag $error;
	}
	return $hint;
}

my $update = on_other(q{drop extension als cascade; create extension als version '1.0'}, 'has als 1\.0, and this one 1\.1', 'another version');
sql($update);
is(sql(sprintf $train, 2), '', 'another version: it works after the hint');
my $create = on_other('drop extension als cascade', 'is without the extension als', 'none');
$other->safe_psql('postgres', $create);
is(sql(sprintf $train, 2), '', 'none: it works after the hint');
is(sql(q{select als.recommend_all('taste', 'recs', 2)}), 4000, 'lists too');
is(left_over(@nodes), '0 0 0', 'nothing is left');

$_->stop for @nodes;
done_testing();
