# Cancel and terminate als.train at every stage: the server obeys at once, nothing is left, and the
# session goes on working.
# Runs alone: it measures the time and the processor time until a training obeys.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# The bound is a quarter of a second. Machines that run tests are slow and busy: what is asserted is
# this, and some processor time, for trainings that would go on for minutes.
my $patience = 2;

my $node = new_node('cancel');
create_ratings($node, 'small', 2000, 100, 50);
# Long to train on: item 1 has 50,000 ratings.
create_ratings($node, 'big', 300_000, 50_000, 5000);
# Long to read and to index.
$node->safe_psql('postgres', 'create view repeated as select big.* from big, generate_series(1, 30)');
$node->safe_psql(
	'postgres', q{
	create view texts as
	select 'user ' || user_id || ' ' || n as user_id, 'item ' || item_id as item_id, rating
	from big, generate_series(1, 30) as n where user_id > 40000});
# Most of the work before the first iteration is to set up the factors.
$node->safe_psql(
	'postgres', q{
	create view wide as
	select i as user_id, (i * 7919::bigint % 200000)::int as item_id, 1 as rating from generate_series(1, 200000) as i}
);
# Quick to train on and long to write.
create_ratings($node, 'many', 600_000, 500_000, 1000);

my $session = AlsTest::Session->new($node);
my $watcher = AlsTest::Session->new($node);

$session->query("select from als.train('old', 'small', factors => 8, iterations => 3)");
my $no_new_model = relations($watcher);
my $fingerprint  = q{
	select md5(string_agg(t::text, ' ' order by t::text)) from (
	select old::text as t from old union all
	select u::text from old_user_factors as u union all
	select i::text from old_item_factors as i) as rows};
my $old_model = $watcher->value($fingerprint);

sub check_nothing_changed
{
	my ($name) = @_;

	is(relations($watcher),           $no_new_model, "$name: no table is left");
	is($watcher->value($fingerprint), $old_model,    "$name: the old model is as it was");
	is_deeply($watcher->rows('select * from als.progress'), [], "$name: no progress is shown");
	return;
}

# Starts a training, waits for the phase and a moment more, and cancels.
sub check_cancel
{
	my ($name, $arguments, $phase, %options) = @_;

	my $command = $options{command} // 'train';
	$session->begin("select from als.$command($arguments)");
	wait_for_phase($watcher, $session->pid, $phase, $options{iterations});
	sleep($options{delay} // rand 0.3);
	my $now   = $watcher->rows('select phase, iteration from als.progress')->[0] // ['ended'];
	my $cpu   = cpu_seconds($session->pid)                                       // 0;
	my $start = time;
	$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
	my $result  = $session->wait;
	my $seconds = time - $start;
	$cpu = (cpu_seconds($session->pid) // 0) - $cpu;
	is($result->{state}, '57014', "$name: canceled");
	cmp_ok($seconds, '<', $patience, "$name: at once");
	cmp_ok($cpu,     '<', 0.6,       "$name: without much ado");
	note sprintf '%s: obeyed after %.3f s (%.2f s of processor time), in phase %s', $name, $seconds, $cpu,
	  join ' ', @$now;
	note $result->{err};
	check_nothing_changed($name);
	is($session->value('select 41 + 1'), 42, "$name: the session works");
	return;
}

# Reading and indexing.
check_cancel('reading',            "'new', 'repeated'",                  'reading');
check_cancel('reading texts',      "'new', 'texts'",                     'reading');
check_cancel('reading to replace', "'old', 'repeated', replace => true", 'reading');
$session->query(
	'set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0');
check_cancel('reading in parallel', "'new', 'repeated'", 'reading');
$session->query('reset all');
for my $threads (1, 2)
{
	check_cancel(
		"indexing, threads $threads",
		"'new', 'repeated', threads => $threads",
		'indexing', delay => 0);
}
check_cancel('ranking texts', "'new', 'texts'", 'indexing', delay => 0);

# Training, with short rows and one long.
for my $threads (1, 2)
{
	check_cancel(
		"second iteration, threads $threads",
		"'new', 'big', factors => 32, iterations => 10000, threads => $threads",
		'training', iterations => 1);
	for my $factors (64, 512, 1024)
	{
		check_cancel("training $factors factors, threads $threads",
			"'new', 'big', factors => $factors, iterations => 10000, threads => $threads", 'training');
	}
	# While the eigenvectors are sought, the longest that is not about ratings.
	check_cancel(
		"first decomposition, threads $threads",
		"'new', 'big', factors => 1024, iterations => 10000, threads => $threads",
		'training', delay => 0.6);
	check_cancel("training on implicit feedback, threads $threads",
		"'old', 'big', feedback => 'implicit', factors => 512, threads => $threads, replace => true",
		'training');
}

check_cancel(
	'setting up the factors',
	"'new', 'wide', factors => 512, iterations => 10000, threads => 1",
	'training', delay => 0);

# Trying options: reading, between trials and in a long one.
my $grid = q{'{"factors": [8, 64, 256], "regularization": [0.01, 0.1], "iterations": 10000}'};
my %tune = (command => 'tune');
check_cancel('tuning, reading',  "'repeated', $grid, results => 'kept'", 'reading', %tune);
check_cancel('tuning, indexing', "'repeated', $grid",                    'indexing', %tune, delay => 0);
check_cancel('tuning, threads 2', "'big', $grid, threads => 2, results => 'kept'", 'training', %tune);
check_cancel('tuning on implicit feedback',
	"'big', $grid, feedback => 'implicit', threads => 1",
	'training', %tune, iterations => 2);
check_cancel('tuning, judging a trial',
	q{'many', '{"factors": 16, "iterations": [1, 1, 1, 1, 1, 1]}', feedback => 'implicit', holdout => 0.5, metric => 'ndcg@1000'},
	'training', %tune, iterations => 1);

# Writing.
check_cancel('writing', "'new', 'many', factors => 16, iterations => 1", 'writing');
check_cancel('writing to replace',
	"'old', 'many', factors => 16, iterations => 1, replace => true", 'writing');

# Answering, while a model comes into memory. What was canceled is not taken for the whole.
{
	$session->query("select from als.train('new', 'wide', factors => 8, iterations => 1)");
	for my $query (
		"select count(*), min(rank), max(score) from als.similar_users('new', 7, 1000)",
		"select count(*), sum(item_id), max(score) from als.recommend('new', 8, 1000)")
	{
		# Each with a copy of its own: one that is shared would be there after the first.
		my %own      = (settings => 'als.cache_size=0');
		my $fresh    = AlsTest::Session->new($node, %own);
		my $expected = $fresh->rows($query);
		$fresh->quit;
		$fresh = AlsTest::Session->new($node, %own);
		for my $milliseconds (5, 15)
		{
			$fresh->query("set statement_timeout = $milliseconds");
			my $result = $fresh->query($query);
			is($result->{state}, '57014', "statement_timeout of $milliseconds ms: $query");
			cmp_ok($result->{seconds}, '<', $patience, 'obeyed at once');
			$fresh->query('reset statement_timeout');
		}
		is_deeply($fresh->rows($query), $expected, 'the session answers as if nothing had been');
		$fresh->quit;
	}

	# A hundred thousand users, each to be judged by all items.
	for my $phase ('reading', 'scoring')
	{
		$session->begin(
			q{select from als.evaluate('new', 'select user_id, (item_id + 1) % 200000 as item_id, rating from wide')});
		wait_for_phase($watcher, $session->pid, $phase);
		my $start = time;
		$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
		is($session->wait->{state}, '57014', "evaluating, $phase: canceled");
		cmp_ok(time - $start, '<', $patience, "evaluating, $phase: at once");
		is_deeply($watcher->rows('select * from als.progress'), [], "evaluating, $phase: no progress is shown");
	}
	$session->query("select als.drop_model('new')");
}

# Waiting for another trainer, of an old model and of one that nobody sees yet.
my $other = AlsTest::Session->new($node);
for my $model ('old', 'new')
{
	$other->query('begin');
	is($other->query("select from als.train('$model', 'small', replace => true)")->{state},
		'00000', "another session trains $model");
	check_cancel("waiting for $model", "'$model', 'small', replace => true", 'waiting for other writers');
	is( $session->query("set lock_timeout = 100; select from als.train('$model', 'small', replace => true)")
		  ->{state},
		'55P03', "lock_timeout ends waiting for $model");
	$session->query('reset lock_timeout');
	$other->query('rollback');
}
check_nothing_changed('after waiting');

# In a transaction, a savepoint keeps what came before.
$session->query('begin; create table before (); savepoint s');
$session->begin("select from als.train('new', 'big', factors => 512)");
wait_for_phase($watcher, $session->pid, 'training');
$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
is($session->wait->{state}, '57014', 'canceled in a transaction');
is($session->query('rollback to s; table before; commit; drop table before')->{state},
	'00000', 'the savepoint can be gone back to');
check_nothing_changed('after the savepoint');

# A canceled training's threads do not stay busy, nor do those of one that ended.
SKIP:
{
	my $pid = $session->pid;
	skip 'needs /proc as Linux has it', 4 if !defined cpu_seconds($pid) || !-d "/proc/$pid/task";

	my $before = cpu_seconds($pid);
	sleep 1;
	my $canceled = cpu_seconds($pid) - $before;
	cmp_ok($canceled, '<', 0.2, 'a session is idle after a canceled training');

	$session->query("select from als.train('done', 'small', threads => 2)");
	$before = cpu_seconds($pid);
	sleep 1;
	my $done = cpu_seconds($pid) - $before;
	cmp_ok($done, '<', 0.2, 'a session is idle after a training');
	$session->query("select als.drop_model('done')");
	note "CPU seconds in the second after: $canceled canceled, $done done";

	# Signals are for the main thread: PostgreSQL's handlers must not run in another.
	$session->begin("select from als.train('new', 'big', factors => 512, threads => 3)");
	my @helpers;
	wait_until('helpers to start',
		sub { (@helpers = grep { $_ != $pid } map { m{(\d+)$} } glob "/proc/$pid/task/*") >= 2 });
	is(scalar @helpers, 2, 'threads => 3 makes two helpers');
	my @open;
	for my $helper (@helpers)
	{
		my ($blocked) = slurp_file("/proc/$pid/task/$helper/status") =~ /^SigBlk:\s*([0-9a-f]+)/m;
		for my $signal (qw(1 2 3 10 12 14 15 17 23))
		{
			push @open, $signal if !(hex(substr $blocked, -8) >> ($signal - 1) & 1);
		}
	}
	is("@open", '', 'helpers block every signal that PostgreSQL uses');
	$watcher->query("select pg_cancel_backend($pid)");
	$session->wait;
}

# Termination.
for my $threads (1, 2)
{
	my $victim = AlsTest::Session->new($node);
	my $pid    = $victim->pid;
	$victim->begin("select from als.train('new', 'big', factors => 512, threads => $threads)");
	wait_for_phase($watcher, $pid, 'training');
	sleep 0.1;
	my $start = time;
	$watcher->query("select pg_terminate_backend($pid)");
	my $result  = $victim->wait;
	my $seconds = time - $start;
	is($result->{state}, 'lost', "terminated, threads $threads");
	like($result->{err}, qr/57P01/, 'as by an administrator');
	cmp_ok($seconds, '<', $patience, 'at once');
	note sprintf 'terminated after %.3f s', $seconds;
	wait_until('the process to end',
		sub { !$watcher->value("select count(*) from pg_stat_activity where pid = $pid") });
	check_nothing_changed('after termination');
	$victim->quit;
}

# A client that is gone, noticed while training.
SKIP:
{
	skip 'the server cannot notice a lost client', 1
	  if $watcher->query('set client_connection_check_interval = 100')->{state} ne '00000';

	my $client = AlsTest::Session->new($node, settings => 'client_connection_check_interval=100');
	my $pid    = $client->pid;
	$client->begin("select from als.train('new', 'big', factors => 512)");
	wait_for_phase($watcher, $pid, 'training');
	$client->kill;
	ok( wait_until(
			'the process to end',
			sub { !$watcher->value("select count(*) from pg_stat_activity where pid = $pid") }),
		'training ends when its client is gone');
	check_nothing_changed('after a lost client');
}

# After all this, training works.
is( $session->value("select n_ratings from als.train('new', 'small')"),
	$session->value('select count(distinct (user_id, item_id)) from small'),
	'training works');
is($session->value('select count(*) from als.models'), 2, 'and leaves its model');
is($watcher->value("select count(*) from pg_stat_activity where backend_type = 'client backend'"),
	3, 'the sessions are those that were opened');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'the server has not crashed');

$_->quit for $session, $watcher, $other;
$node->stop;
done_testing();
