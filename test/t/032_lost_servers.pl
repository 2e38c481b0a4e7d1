# Servers of partitions that are lost, or whose disk is full, in each phase of a training over foreign tables: an error within
# seconds that names the server, nothing left on any, the model as it was, and a next training that works. And trainings that
# are cancelled.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# Small segments: a file that can grow no longer must not be one of those.
my $hub = new_node('hub', extra => [ '--wal-segsize', '1' ]);
plan skip_all => 'postgres_fdw and dblink are not there'
  if $hub->safe_psql('postgres', q{select count(*) from pg_available_extensions where name in ('postgres_fdw', 'dblink')}) < 2;
my %server = map { $_ => new_node($_, extra => [ '--wal-segsize', '1' ]) } 'two', 'three';

sub sql { return $hub->safe_psql('postgres', $_[0]); }

sql('create extension postgres_fdw; create extension dblink');
# The sums of all items are more than a full disk takes, see limit_files().
create_ratings($hub, 'all_ratings', 40_000, 10_000, 12_000);
sql('create table ratings (like all_ratings) partition by hash (user_id);'
	  . 'create table ratings_0 partition of ratings for values with (modulus 3, remainder 0)');
my $n = 0;
for my $name (sort keys %server)
{
	++$n;
	$server{$name}->safe_psql('postgres', 'create table ratings (user_id int, item_id int, rating real)');
	sql(sprintf q{create server %s foreign data wrapper postgres_fdw options (host '%s', port '%d', dbname 'postgres', connect_timeout '5');
			create user mapping for postgres server %1$s options (user 'postgres');
			create foreign table ratings_%d partition of ratings for values with (modulus 3, remainder %4$d) server %1$s options (table_name 'ratings')},
		$name, $server{$name}->host, $server{$name}->port, $n);
}
sql('insert into ratings select * from all_ratings');
my $train = q{select from als.train('taste', 'ratings', factors => 64, iterations => %d, distributed => true, replace => true)};
sql(sprintf $train, 1);
my $list = q{select string_agg(concat_ws(' ', item_id, score), ', ' order by rank) from als.recommend('taste', 7, 5)};
my $served = sql($list);
my $two    = $server{two};

sub check_as_before
{
	my ($what) = @_;
	is(sql(q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}'}), 0, "$what: nothing is left on the hub");
	for my $name (sort keys %server)
	{
		wait_until("$what: the session on $name to end",
			sub { $server{$name}->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name = 'als'}) == 0 });
		is($server{$name}->safe_psql('postgres', q{select count(*) from pg_class where relname like 'als\_%'}), 0, "$what: nor on $name");
	}
	is(sql($list), $served, "$what: the model serves as it was");
	my (undef, undef, $error) = $hub->psql('postgres', sprintf $train, 1);
	is($error, '', "$what: the next training works");
	$served = sql($list);
}

# How a training ends that is harmed as soon as it has come to a phase; what is kept busy on server two is so before, and
# stays so with `kept`.
my %phases = (
	reading  => [ 'begin; lock table ratings in access exclusive mode', q{phase = 'reading'} ],
	training => [ 'select',                                           q{phase = 'training' and iteration > 0} ],
	writing  => [ 'select',                                           q{phase = 'writing'} ]);

sub harmed
{
	my ($what, $phase, $harm, %kept) = @_;
	my ($keep, $reached)   = @{ $phases{$phase} };
	my ($keeper, $session) = map { AlsTest::Session->new($_) } $two, $hub;
	# The rows that a training replaces are kept busy on the hub.
	my $locker = AlsTest::Session->new($hub);
	my $let_go = sub { $_->quit for $keeper, $locker };
	$locker->query($phase eq 'writing' ? 'begin; select from taste_user_factors for update' : 'select');
	$keeper->query($keep);
	$session->begin(sprintf $train, $phase eq 'training' ? 10_000 : 1);
	my $error = error_of_harmed(
		$session, $what,
		sub { sql("select count(*) from als.progress where pid = $_[0] and $reached") },
		sub { $harm->(@_); $let_go->() if !%kept });
	$kept{meanwhile}->() if %kept;
	is($session->value('select dblink_get_connections() is null'), 't', "$what: no connection is left");
	$let_go->();
	$session->quit;
	return $error;
}

# Sessions of trainings on the servers, with a statement.
sub at_work
{
	return join ' ', map {
		$server{$_}->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name = 'als' and state = 'active'})
	} sort keys %server;
}

# Cancelled, which ends the work on all servers, whoever keeps it waiting there.
for my $phase (qw(reading training writing))
{
	my $what = "cancel, $phase";
	my $start;
	my $error = harmed(
		$what, $phase,
		sub { $start = time; sql("select pg_cancel_backend($_[0])") },
		meanwhile => sub {
			cmp_ok(time - $start, '<', 2, "$what: at once");
			wait_until("$what: the servers to end their work", sub { at_work() eq '0 0' });
			cmp_ok(time - $start, '<', 2, "$what: on all servers");
		});
	like($error, qr/ERROR:  57014: /, "$what: the error");
	check_as_before($what);
}

# Trainings that fail leave no memory behind in the session.
SKIP:
{
	my ($session, $watcher) = map { AlsTest::Session->new($hub) } 1 .. 2;
	skip 'needs /proc', 1 if !defined resident_memory($session->pid);
	my @resident;
	for my $n (1 .. 6)
	{
		$session->begin(sprintf $train, 10_000);
		wait_for_phase($watcher, $session->pid, 'training', 2);
		sql('select pg_cancel_backend(' . $session->pid . ')');
		is($session->wait->{state}, '57014', "cancel $n of a session");
		push @resident, resident_memory($session->pid);
	}
	cmp_ok($resident[-1] - $resident[1], '<', 8000, 'its memory does not grow') or diag "@resident";
	note "@resident";
	$_->quit for $session, $watcher;
}

# A backend is killed, which takes all of its server's along.
$two->append_conf('postgresql.conf', 'restart_after_crash = on');
$two->reload;
for my $phase (qw(reading training))
{
	my $what      = "backend killed, $phase";
	my $recovered = recovery_of($two);
	my $error     = harmed($what, $phase,
		sub { kill 'KILL', $two->safe_psql('postgres', q{select pid from pg_stat_activity where application_name = 'als' limit 1}) });
	like($error, qr/ERROR:  (08006|57P\d\d): server "two": /, "$what: which names the server");
	$recovered->();
	check_as_before($what);
}

for my $phase (qw(reading training))
{
	my $what   = "postmaster killed, $phase";
	my $killed = $two->{_pid};
	like(harmed($what, $phase, sub { $two->kill9 }), qr/ERROR:  (08006|57P01): server "two": /, "$what: which names the server");
	wait_until('the postmaster to end', sub { !kill 0, $killed });
	my $start = time;
	my (undef, undef, $refused) = $hub->psql('postgres', sprintf $train, 1);
	like($refused, qr/server "two": could not establish connection.*HINT:  /s, "$what: refused, with a hint");
	cmp_ok(time - $start, '<', 10, "$what: soon");
	wait_until('the server to start', sub { $two->start(fail_ok => 1) });
	check_as_before($what);
}

# The disk of the sessions at work.
SKIP:
{
	skip 'needs prlimit', 1 if system('prlimit --version >/dev/null 2>&1') != 0;
	for my $node ($two, $hub)
	{
		# In its iterations a hub writes nothing: it keeps slices and the sums of all servers in its session.
		for my $phase ('reading', $node == $two ? 'training' : 'writing')
		{
			my $what  = 'disk full of ' . $node->name . ", $phase";
			my $error = harmed(
				$what, $phase,
				sub {
					my $pids = $node->safe_psql('postgres', $node == $hub ? "select $_[0]" : q{select pid from pg_stat_activity where application_name = 'als'});
					limit_files(split /\n/, $pids);
				});
			like($error, $node == $two ? qr/server "two": .*File too large/ : qr/File too large/, "$what: it says so");
			check_as_before($what);
		}
	}
}

# The hub's postmaster is killed, which the servers notice by the connections that it has closed.
# Last: tables recovered after a crash have room for rows without growing, so that no disk would be full.
{
	my $what    = 'postmaster of the hub killed';
	my $session = AlsTest::Session->new($hub);
	my $watcher = AlsTest::Session->new($hub);
	$session->begin(sprintf $train, 10_000);
	wait_for_phase($watcher, $session->pid, 'training', 2);
	my $killed = $hub->{_pid};
	my $start  = time;
	$hub->kill9;
	wait_until("$what: the servers to end their work", sub { at_work() eq '0 0' });
	cmp_ok(time - $start, '<', 10, "$what: the servers end their work");
	$_->kill for $session, $watcher;
	wait_until('the postmaster to end', sub { !kill 0, $killed });
	wait_until('the hub to start',      sub { $hub->start(fail_ok => 1) });
	check_as_before($what);
}

$_->stop for $hub, values %server;
done_testing();
