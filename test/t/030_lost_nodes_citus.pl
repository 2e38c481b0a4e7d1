# Nodes of a Citus cluster that are lost, or whose disk is full, in each phase of a distributed training: an error within
# seconds that names the node, nothing left on any, the model as it was, and a next training that works. And trainings that
# are cancelled.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use List::Util ();
use Test::More;
use Time::HiRes qw(sleep time);

# Small segments: a file that can grow no longer must not be one of those.
my @nodes = citus_cluster("citus.node_connection_timeout = 5000\ncitus.recover_2pc_interval = 1000\n", extra => [ '--wal-segsize', '1' ])
  or plan skip_all => 'the extension citus is not there';
my ($coordinator, $worker) = @nodes;

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

# The half of the items that a machine sends is more than a full disk takes, see limit_files().
create_ratings($coordinator, 'ratings', 100_000, 10_000, 25_000);
sql(q{select create_distributed_table('ratings', 'user_id', shard_count => 2); create index on ratings (user_id)});
my $train = q{select from als.train('taste', 'ratings', factors => 64, iterations => %d, distributed => true, replace => true)};
sql(sprintf $train, 1);
my $list = q{select string_agg(concat_ws(' ', item_id, score), ', ' order by rank) from als.recommend('taste', 7, 5)};
my $served = sql($list);

# Kills a node's postmaster, which cannot take the others along. Returns its number.
sub kill_postmaster
{
	my ($node) = @_;
	my $pid = $node->{_pid};
	$node->kill9;
	return $pid;
}

# Starts it again, once the last of its processes has gone.
sub restart
{
	my ($node, $killed) = @_;
	wait_until("process $killed to end", sub { !kill 0, $killed });
	wait_until($node->name . ' to start', sub { $node->start(fail_ok => 1) });
}

sub check_as_before
{
	my ($what) = @_;
	wait_until("$what: prepared transactions to be settled",
		sub { !grep { $_->safe_psql('postgres', 'select count(*) from pg_prepared_xacts') } @nodes });
	is(join(' ', map { $_->safe_psql('postgres', q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}'}) } @nodes),
		'0 0 0', "$what: nothing is left");
	is($_->safe_psql('postgres', $list), $served, "$what: " . $_->name . ' serves the model as it was') for @nodes;
	my (undef, undef, $error) = $coordinator->psql('postgres', sprintf $train, 1);
	is($error, '', "$what: the next training works");
	$served = sql($list);
}

# The worker's part of a table, which others can keep busy.
sub shard
{
	return $worker->safe_psql('postgres',
		"select shard_name(logicalrelid, shardid) from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node n using (groupid)"
		  . " where logicalrelid = '$_[0]'::regclass and nodeport = "
		  . $worker->port
		  . ' limit 1');
}

sub phase { return sql("select coalesce(string_agg(phase, ' '), '') from als.progress where pid = $_[0] and ($_[1])"); }

# What the worker is doing when its postmaster is killed, and with it all that wait; the others end as soon as they would.
my %phases = (
	reading => {
		before => sub { 'begin; lock table ' . shard('ratings') . ' in access exclusive mode' },
		reached => sub { phase($_[0], 'true') eq 'reading' },
	},
	training => { reached => sub { phase($_[0], 'iteration > 0') eq 'training' } },
	writing => {
		before  => sub { 'begin; select from ' . shard('taste_user_factors') . ' for update' },
		reached => sub { phase($_[0], 'true') eq 'writing' },
	},
	committing => {
		before => sub {
			'create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(600); return null; end $$;'
			  . 'create constraint trigger linger after insert on ' . shard('taste_user_factors')
			  . ' deferrable initially deferred for each row execute function linger()';
		},
		reached =>
		  sub { $worker->safe_psql('postgres', q{select count(*) from pg_stat_activity where state = 'active' and query like 'PREPARE%'}) },
		after => 'drop function linger cascade',
	});

# What is kept from going on; how a training ended that was harmed when it had come to a phase. What keeps it goes then, or
# after `meanwhile`.
sub harmed
{
	my ($phase, $harm, $meanwhile) = @_;
	my $this   = $phases{$phase};
	my $keeper = AlsTest::Session->new($worker, settings => 'citus.enable_manual_changes_to_shards=on citus.enable_ddl_propagation=off');
	if ($this->{before})
	{
		my $result = $keeper->query($this->{before}->());
		die $result->{err} if $result->{state} ne '00000';
	}
	my $session = AlsTest::Session->new($coordinator);
	$session->begin(sprintf $train, $phase eq 'training' ? 10_000 : 1);
	my $error = error_of_harmed($session, $phase, $this->{reached}, sub { $harm->(@_); $keeper->quit if !$meanwhile });
	$meanwhile->() if $meanwhile;
	$_->quit for $keeper, $session;
	return $error;
}

sub like_of_worker
{
	my ($error, $what) = @_;
	my $port = $worker->port;
	# Citus passes on what a node says to a COPY, and does not say which node.
	like($error, qr/:$port\b|ReportCopyError/, "$what: which names the node");
}

# Backends of the worker that work on a training.
sub at_work
{
	return $worker->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name like 'citus_internal%' and state = 'active'});
}

# Cancelled, which ends the work on all nodes, whoever keeps it waiting there.
for my $phase (qw(reading training writing))
{
	my $what = "cancel, $phase";
	my $start;
	my $error = harmed(
		$phase,
		sub { $start = time; sql("select pg_cancel_backend($_[0])") },
		sub {
			cmp_ok(time - $start, '<', 2, "$what: at once");
			wait_until("$what: the worker to end its work", sub { at_work() == 0 });
			cmp_ok(time - $start, '<', 2, "$what: on the worker, too");
		});
	like($error, qr/ERROR:  57014: /, "$what: the error");
	check_as_before($what);
}

# Trainings that fail leave no memory behind. In the session five more of them take no more than the five before. On the
# worker Citus ends most of the processes that have failed; one that goes on must not grow.
SKIP:
{
	my ($session, $watcher) = map { AlsTest::Session->new($coordinator) } 1 .. 2;
	skip 'needs /proc', 12 if !defined resident_memory($session->pid);
	my (@here, %there);
	for my $n (1 .. 10)
	{
		$session->begin(sprintf $train, 10_000);
		wait_for_phase($watcher, $session->pid, 'training', 2);
		sql('select pg_cancel_backend(' . $session->pid . ')');
		is($session->wait->{state}, '57014', "cancel $n of a session");
		push @here, resident_memory($session->pid);
		my $theirs = q{from pg_stat_activity where application_name like 'citus_internal%'};
		wait_until('the worker to be at rest', sub { $worker->safe_psql('postgres', "select count(*) $theirs and state <> 'idle'") == 0 });
		my $pids = $worker->safe_psql('postgres', "select pid $theirs");
		for my $pid (split /\n/, $pids)
		{
			my $memory = resident_memory($pid) // 0;
			# Before it has worked for the first time it has 6 MB.
			push @{ $there{$pid} }, $memory if $memory > 10_000;
		}
	}
	note "@$_" for \@here, values %there;
	cmp_ok(List::Util::max(@here[ 5 .. 9 ]) - List::Util::max(@here[ 0 .. 4 ]), '<', 15_000, 'the session keeps no memory');
	cmp_ok(List::Util::max(0, map { $_->[-1] - $_->[0] } values %there), '<', 15_000, 'nor does a process of the worker');
	$_->quit for $session, $watcher;
}

for my $phase (qw(reading training writing committing))
{
	my $killed;
	like_of_worker(harmed($phase, sub { $killed = kill_postmaster($worker) }), $phase);
	restart($worker, $killed);
	$worker->safe_psql('postgres', "set citus.enable_ddl_propagation = off; $phases{$phase}{after}") if $phases{$phase}{after};
	check_as_before("postmaster killed, $phase");
}

# The disk of the backends at work.
SKIP:
{
	skip 'needs prlimit', 1 if system('prlimit --version >/dev/null 2>&1') != 0;
	for my $node ($worker, $coordinator)
	{
		# The coordinator writes nothing while the others train.
		for my $phase ('reading', $node == $worker ? 'training' : (), 'writing')
		{
			my $what  = 'disk full of ' . $node->name . ", $phase";
			my $error = harmed(
				$phase,
				sub {
					my $pids = $node->safe_psql('postgres', "select pid from pg_stat_activity where pid = $_[0] or application_name like 'citus_internal%'");
					limit_files(split /\n/, $pids);
				});
			like($error, qr/File too large/, "$what: it says so");
			like_of_worker($error, $what) if $node == $worker;
			check_as_before($what);
		}
	}
}

# The coordinator's postmaster is killed: the workers notice that nobody waits for them.
# Last: tables recovered after a crash have room for rows without growing, so that no disk would be full.
for my $phase (qw(training committing))
{
	my $what    = "postmaster of the coordinator killed, $phase";
	my $this    = $phases{$phase};
	my $keeper  = AlsTest::Session->new($worker, settings => 'citus.enable_manual_changes_to_shards=on citus.enable_ddl_propagation=off');
	my $session = AlsTest::Session->new($coordinator);
	$keeper->query($this->{before}->()) if $this->{before};
	$session->begin(sprintf $train, $phase eq 'training' ? 10_000 : 1);
	wait_until("$what: to begin", sub { $session->pump_for(0.01); $this->{reached}->($session->pid) });
	my $start  = time;
	my $killed = kill_postmaster($coordinator);
	$_->kill for $session, $keeper;
	$worker->safe_psql('postgres', q{select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'}) if $this->{after};
	wait_until("$what: the worker to end its work", sub { at_work() == 0 });
	cmp_ok(time - $start, '<', 10, "$what: the worker ends its work");
	$worker->safe_psql('postgres', "set citus.enable_ddl_propagation = off; $this->{after}") if $this->{after};
	restart($coordinator, $killed);
	check_as_before($what);
}

$_->stop for @nodes;
done_testing();
