# What the TAP tests share: a server with the extension, and psql sessions that stay open.

package AlsTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(new_node citus_cluster create_ratings wait_until wait_for_phase watch_progress phases never_falls error_of_harmed recovery_of limit_files relations cpu_seconds resident_memory);

# A started server whose database postgres has the extension.
sub new_node
{
	my ($name, %params) = @_;

	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(%params);
	$node->append_conf('postgresql.conf', <<'EOF');
autovacuum = off
max_wal_size = 4GB
shared_buffers = 256MB
EOF
	$node->start;
	$node->safe_psql('postgres', 'create extension als');
	return $node;
}

# A coordinator and two workers with Citus, whose database postgres has both extensions; no nodes where there is no Citus.
# init: as of a node. addresses: where they listen, in a network of its own; see OwnNetwork.
sub citus_cluster
{
	my ($settings, %init) = @_;

	my $addresses = delete $init{addresses};
	my (@nodes, %host);
	for my $name (qw(coordinator worker1 worker2))
	{
		my $node = PostgreSQL::Test::Cluster->new($name);
		$node->init(%init);
		OwnNetwork::listen_at($node, $addresses->[@nodes]) if $addresses;
		$host{$name} = $addresses ? $addresses->[@nodes] : $node->host;
		$node->append_conf('postgresql.conf',
			"max_prepared_transactions = 100\nmax_connections = 100\nmax_wal_size = 1GB\nautovacuum = off\n");
		$node->start;
		my $available = $node->safe_psql('postgres', q{select count(*) from pg_available_extensions where name = 'citus'});
		return if $available == 0;
		$node->append_conf('postgresql.conf',
			"shared_preload_libraries = 'citus'\ncitus.shard_count = 8\ncitus.enable_statistics_collection = off\n" . ($settings // ''));
		$node->restart;
		$node->safe_psql('postgres', 'create extension citus');
		push @nodes, $node;
	}
	my ($coordinator, @workers) = @nodes;
	$coordinator->safe_psql(
		'postgres', sprintf "select citus_set_coordinator_host('%s', %d); %s", $host{ $coordinator->name }, $coordinator->port,
		join ' ', map { sprintf "select citus_add_node('%s', %d);", $host{ $_->name }, $_->port } @workers);
	$coordinator->safe_psql('postgres', 'create extension als');
	return @nodes;
}

# A table of n ratings of made-up users and items, numbered from 1; low items are the popular ones, and
# every user has rated item 1.
sub create_ratings
{
	my ($node, $table, $n, $users, $items) = @_;

	$node->safe_psql(
		'postgres', qq{
		create table $table as
		select (i % $users + 1)::int as user_id,
		       (case when i < $users then 1
		             else 1 + (((h & 65535) * ((h >> 16) & 65535) * $items) >> 32) end)::int as item_id,
		       (1 + (i + h) % 5)::real as rating
		from generate_series(0::bigint, $n - 1) as i, lateral (select hashint8(i) & 4294967295 as h) as hash;
		analyze $table});
	return;
}

# Calls the function until it returns true, and returns that; dies after the usual time limit.
sub wait_until
{
	my ($what, $test) = @_;

	my $end = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $end)
	{
		my $result = $test->();
		return $result if $result;
		sleep 0.002;
	}
	die "timed out waiting for $what";
}

# Waits, watching from another session, until the command of this process has come to the phase or
# beyond (and has finished so many iterations); returns its row of als.progress.
sub wait_for_phase
{
	my ($watcher, $pid, $phase, $iterations) = @_;

	$iterations //= 0;
	my $phases = '{waiting for other writers,removing old rows,reading,indexing,training,scoring,writing}';
	return wait_until(
		"a command to reach $phase",
		sub {
			$watcher->rows(
				'select pid, model, phase, iteration, of, loss, rows_read, elapsed, remaining from als.progress'
				  . " where pid = $pid and iteration >= $iterations and"
				  . " array_position('$phases'::text[], phase) >= array_position('$phases'::text[], '$phase')"
			)->[0];
		});
}

# Runs a statement in $session; returns its result and all rows of als.progress that $watcher has seen meanwhile. On a busy
# machine a phase may be over before anybody has looked: then it runs once more, up to ten times, until $complete->(rows).
sub watch_progress
{
	my ($session, $watcher, $sql, $complete) = @_;

	my ($result, @seen);
	for my $attempt (1 .. 10)
	{
		@seen = ();
		$session->begin($sql);
		until ($session->done)
		{
			my $row = $watcher->query(
				q{select pid, command, model, phase, iteration, of, loss, rows_read, extract(epoch from elapsed) as elapsed,
				  extract(epoch from remaining) as remaining from als.progress})->{out};
			my @values = split /\t/, $row, -1;
			push @seen,
			  { map { $_ => shift @values } qw(pid command model phase iteration of loss rows_read elapsed remaining) }
			  if @values;
			sleep 0.001;
		}
		$result = $session->wait;
		last if !$complete || $result->{state} ne '00000' || $complete->(@seen);
	}
	note scalar(@seen), ' rows of progress, phases: ', phases(@seen);
	return ($result, @seen);
}

# Of rows of progress the phases, in the order in which they began.
sub phases
{
	my %count;
	return join ' ', grep { !$count{$_}++ } map { $_->{phase} } @_;
}

sub never_falls
{
	my ($column, @rows) = @_;

	my @values = grep { $_ ne '' } map { $_->{$column} } @rows;
	return !grep { $values[$_] < $values[ $_ - 1 ] } 1 .. $#values;
}

# The error by which a session's command ends, within ten seconds, when something is done to it, harm(pid), as soon as
# reached(pid) is true.
sub error_of_harmed
{
	my ($session, $what, $reached, $harm) = @_;

	wait_until(
		"$what to begin",
		sub {
			$session->pump_for(0.01);
			die $session->wait->{err} if $session->done;
			return $reached->($session->pid);
		});
	my $start = time;
	$harm->($session->pid);
	my $result = $session->wait;
	cmp_ok(time - $start, '<', 10, "$what: it ends within seconds");
	isnt($result->{state}, '00000', "$what: by an error");
	note $result->{err};
	return $result->{err};
}

# To be called before a process of a server is killed: a function that waits until the server has recovered. Its log says
# so. psql is no good for it: where the server refuses it, IPC::Run at times dies of the statement that nobody reads.
sub recovery_of
{
	my ($node) = @_;

	my $seen = -s $node->logfile;
	return sub {
		wait_until($node->name . ' to recover',
			sub { substr(slurp_file($node->logfile), $seen) =~ /database system is ready to accept connections/ });
	};
}

# A disk that is full looks like files that may not grow: those of processes. One that has ended since is none that writes.
sub limit_files
{
	for my $pid (@_)
	{
		run_log([ 'prlimit', '--pid', $pid, '--fsize=1048576:' ]) or !kill(0, $pid) or die "prlimit of $pid failed";
	}
	return;
}

# The names of all tables, views and indexes outside the server's own schemas, in one line.
sub relations
{
	my ($session) = @_;

	return $session->value(
		"select coalesce(string_agg(oid::regclass::text, ' ' order by oid::regclass::text), '') from pg_class"
		  . " where relkind in ('r', 'v', 'i') and oid >= 16384 and relnamespace <> 'als'::regnamespace"
		  . " and relnamespace <> 'pg_toast'::regnamespace");
}

# Seconds of processor time that a process has used, all its threads; undef where that cannot be told.
sub cpu_seconds
{
	my ($pid) = @_;

	return if !-r "/proc/$pid/stat";
	my @stat = split ' ', (PostgreSQL::Test::Utils::slurp_file("/proc/$pid/stat") =~ s/^.*\) //sr);
	return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# The memory of its own that a process has, in kB; undef where that cannot be told.
sub resident_memory
{
	my ($pid) = @_;

	return if !-r "/proc/$pid/status";
	my ($kb) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m;
	return $kb;
}

package AlsTest::Session;

use IPC::Run;
use Time::HiRes qw(sleep time);

# A psql that stays connected. Options: dbname, user, settings ("name=value ...").
sub new
{
	my ($class, $node, %options) = @_;

	my $connection = $node->connstr($options{dbname} // 'postgres');
	$connection .= " user=$options{user}" if defined $options{user};
	if (defined $options{settings})
	{
		my $settings = join ' ', map { "-c $_" } split ' ', $options{settings};
		$connection .= " options='$settings'";
	}
	my $self = bless { in => '', out => '', err => '', statements => 0 }, $class;
	local $ENV{PGAPPNAME} = 'als test';
	$self->{psql} = IPC::Run::start(
		[
			$node->installed_command('psql'),
			qw(-X -A -t -q -v VERBOSITY=verbose -v ON_ERROR_STOP=0 -F),
			"\t", '-d', $connection, '-f', '-'
		],
		'<',
		\$self->{in},
		'>',
		\$self->{out},
		'2>',
		\$self->{err});
	$self->{pid} = $self->value('select pg_backend_pid()') // die "no connection: $self->{last}{err}";
	return $self;
}

# The process serving this session.
sub pid { return shift->{pid} }

# Sends SQL without waiting for its end.
sub begin
{
	my ($self, $sql) = @_;

	die 'the previous statement is not done' if $self->{running};
	$sql =~ s/[\s;]+\z//;
	my $marker = '--done-' . ++$self->{statements};
	$self->{in} .= "$sql;\n\\echo $marker :SQLSTATE\n\\warn $marker\n";
	$self->{running} = $marker;
	$self->{started} = time;
	eval { $self->{psql}->pump_nb; 1 } or $self->{lost} = 1;
	return;
}

# Whether the statement begun has ended.
sub done
{
	my ($self) = @_;

	my $marker = $self->{running} // return 1;
	eval { $self->{psql}->pump_nb; 1 } or $self->{lost} = 1;
	return $self->{lost} || !$self->{psql}->pumpable || $self->_finished($marker);
}

# Lets the statement go on for some seconds.
sub pump_for
{
	my ($self, $seconds) = @_;

	my $end = time + $seconds;
	while (time < $end && !$self->done) { sleep 0.002 }
	return;
}

sub _finished
{
	my ($self, $marker) = @_;

	return $self->{out} =~ /^\Q$marker\E ?\w*\n/m && $self->{err} =~ /^\Q$marker\E\n/m;
}

# Waits for the end of the statement begun. Returns { out, err, state (SQLSTATE), seconds }; the
# state is 'lost' when the connection is.
sub wait
{
	my ($self) = @_;

	my $marker = $self->{running} // die 'no statement was begun';
	my $end    = time + $PostgreSQL::Test::Utils::timeout_default;
	until ($self->_finished($marker) || $self->{lost})
	{
		die "timed out in: $self->{err}" if time > $end;
		eval {
			if ($self->{psql}->pumpable) { $self->{psql}->pump_nb; sleep 0.001 }
			else                         { $self->{lost} = 1 }
			1;
		} or $self->{lost} = 1;
	}
	my $result = { seconds => time - $self->{started}, state => 'lost' };
	if ($self->{out} =~ s/\A(.*?)^\Q$marker\E ?(\w*)\n//ms)
	{
		@$result{qw(out state)} = ($1, $2);
		$self->{err} =~ s/\A(.*?)^\Q$marker\E\n//ms;
		$result->{err} = $1;
		# psql's own word for a lost connection.
		$result->{state} ||= 'lost';
	}
	else
	{
		@$result{qw(out err)} = @$self{qw(out err)};
	}
	chomp $result->{out};
	$self->{last} = $result;
	delete $self->{running};
	return $result;
}

sub query
{
	my ($self, $sql) = @_;

	$self->begin($sql);
	return $self->wait;
}

# The rows of a query that must succeed, each a list of values.
sub rows
{
	my ($self, $sql) = @_;

	my $result = $self->query($sql);
	die "$sql: $result->{state} $result->{err}" if $result->{state} ne '00000';
	return [ map { [ split /\t/, $_, -1 ] } split /\n/, $result->{out} ];
}

# The single value of a query that must succeed.
sub value
{
	my ($self, $sql) = @_;

	my $rows = $self->rows($sql);
	return @$rows ? $rows->[0][0] : undef;
}

# Ends psql as a crash of the client would.
sub kill
{
	my ($self) = @_;

	$self->{lost} = 1;
	$self->{psql}->kill_kill(grace => 0);
	delete $self->{psql};
	return;
}

sub quit
{
	my ($self) = @_;

	return if !$self->{psql};
	eval { $self->{psql}->pump_nb if $self->{psql}->pumpable; 1 };
	$self->{in} .= "\\q\n" if !$self->{lost};
	eval { $self->{psql}->finish; 1 };
	delete $self->{psql};
	return;
}

1;
