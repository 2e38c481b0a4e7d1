# als.recommend_all at work: its progress, cancel at every stage, readers and other writers of the target, and
# a source that is read several times.
# Runs alone: it measures the time until it obeys, and has to see phases of some milliseconds.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# As in 001_cancel.pl: a bound for slow and busy machines, and some processor time.
my $patience = 2;

my $node = new_node('recommend_all');
create_ratings($node, 'small', 4000,    200,     60);
create_ratings($node, 'big',   600_000, 100_000, 20_000);
$node->safe_psql(
	'postgres', q{
	create view repeated as select big.* from big, generate_series(1, 30);
	select from als.train('taste', 'small', factors => 8, iterations => 3);
	select from als.train('"Long"', 'big', factors => 16, iterations => 1);
	select from als.train('slow', 'repeated', factors => 4, iterations => 1)});

my $session = AlsTest::Session->new($node);
my $watcher = AlsTest::Session->new($node);
my $pid     = $session->pid;

sub fingerprint
{
	my ($table) = @_;

	return $watcher->value("select count(*) || ' ' || sum(hashtextextended(t::text, 0)) from $table as t");
}

# Progress from the beginning to the end.
{
	my ($result, @seen) = watch_progress($session, $watcher, q{select als.recommend_all('"Long"', 'long_recs', 3)},
		sub { phases(@_) =~ /scoring .*writing/ });
	is($result->{out}, 300_000, 'rows written') or diag $result->{err};
	like(phases(@seen), qr/^(?:waiting for other writers )?(?:reading )?(?:removing old rows )?(?:reading )?scoring writing$/, 'the phases');
	for my $expected ([ pid => $pid ], [ command => 'recommend_all' ], [ model => 'public."Long"' ], [ loss => '' ])
	{
		my ($column, $value) = @$expected;
		is(scalar(grep { $_->{$column} ne $value } @seen), 0, "$column is $value");
	}
	my @working = grep { $_->{phase} =~ /scoring|writing/ } @seen;
	is(scalar(grep { $_->{of} != 5 } @working),             0, 'the number of batches');
	is(scalar(grep { $_->{rows_read} != 600_000 } @working), 0, 'all rows are read before');
	for my $column (qw(iteration rows_read elapsed))
	{
		ok(never_falls($column, @seen), "$column never falls");
	}
	cmp_ok(scalar(grep { $_->{iteration} > 0 && $_->{iteration} < 5 } @working), '>', 0,
		'batches are counted');
	is(scalar(grep { ($_->{iteration} == 0) != ($_->{remaining} eq '') } @working),
		0, 'time remaining is told after the first');
	is(scalar(grep { $_->{remaining} ne '' && $_->{remaining} < 0 } @seen), 0, 'it is never negative');
	is_deeply($watcher->rows('select * from als.progress'), [], 'no row is left');
}

# Cancel.
$session->query(q{select als.recommend_all('taste', 'recs')});
my $no_new_table = relations($watcher);
my $old_recs     = fingerprint('recs');
my $old_long     = fingerprint('long_recs');

sub check_cancel
{
	my ($name, $arguments, $phase, %options) = @_;

	$session->begin("select als.recommend_all($arguments, k => 2000, threads => $options{threads})");
	wait_for_phase($watcher, $pid, $phase);
	sleep($options{delay} // rand 0.3);
	my $now   = $watcher->rows('select phase, iteration from als.progress')->[0] // ['ended'];
	my $cpu   = cpu_seconds($pid)                                                // 0;
	my $start = time;
	$watcher->query("select pg_cancel_backend($pid)");
	my $result  = $session->wait;
	my $seconds = time - $start;
	$cpu = (cpu_seconds($pid) // 0) - $cpu;
	is($result->{state}, '57014', "$name: canceled") or diag $result->{err};
	cmp_ok($seconds, '<', $patience, "$name: at once");
	cmp_ok($cpu,     '<', 0.6,       "$name: without much ado");
	note sprintf '%s: obeyed after %.3f s (%.2f s of processor time), in phase %s', $name, $seconds, $cpu,
	  join ' ', @$now;
	is(relations($watcher), $no_new_table, "$name: no table is left");
	is(fingerprint('recs') . fingerprint('long_recs'), $old_recs . $old_long, "$name: old ones are as they were");
	is_deeply($watcher->rows('select * from als.progress'), [], "$name: no progress is shown");
	is($session->value('select 41 + 1'), 42, "$name: the session works");
	return;
}

for my $threads (1, 2)
{
	check_cancel("reading, threads $threads", "'slow', 'new'", 'reading', threads => $threads);
	check_cancel("scoring, threads $threads, at once",
		q{'"Long"', 'new'}, 'scoring', threads => $threads, delay => 0);
	for my $target ('new', 'recs')
	{
		for my $n (1 .. 3)
		{
			check_cancel("scoring and writing to $target, threads $threads, $n",
				qq{'"Long"', '$target'}, 'scoring', threads => $threads);
		}
	}
}
check_cancel('removing old rows', q{'"Long"', 'long_recs'}, 'removing old rows', threads => 1, delay => 0);

# While lists are given up for want of memory.
$session->query(q{set als.max_memory = '6MB'});
check_cancel('reading with little memory', q{'slow', 'new'}, 'reading', threads => 1);
$session->query('reset als.max_memory');

# Termination.
{
	my $victim     = AlsTest::Session->new($node);
	my $victim_pid = $victim->pid;
	$victim->begin(q{select als.recommend_all('"Long"', 'recs', 2000)});
	wait_for_phase($watcher, $victim_pid, 'scoring');
	sleep 0.1;
	$watcher->query("select pg_terminate_backend($victim_pid)");
	is($victim->wait->{state}, 'lost', 'terminated');
	wait_until('the process to end',
		sub { !$watcher->value("select count(*) from pg_stat_activity where pid = $victim_pid") });
	is(fingerprint('recs'), $old_recs, 'the table is as it was');
	is_deeply($watcher->rows('select * from als.progress'), [], 'no progress is shown');
	$victim->quit;
}

# Termination while lists are written and helpers search for the next: they leave what they read before it goes.
{
	$watcher->query(
		q{
		create table fatal (user_id int, item_id int, score real, rank int);
		create function terminate() returns trigger language plpgsql as $$
		begin
			perform pg_terminate_backend(pg_backend_pid());
			return null;
		end $$;
		create trigger terminate before insert on fatal execute function terminate()});
	for my $n (1 .. 5)
	{
		my $victim = AlsTest::Session->new($node);
		$victim->begin(q{select als.recommend_all('"Long"', 'fatal', 50, threads => 4)});
		is($victim->wait->{state}, 'lost', "terminated while writing, $n");
		$victim->quit;
		is($watcher->value('select 41 + 1'), 42, "no other session is ended by it, $n");
	}
	$watcher->query('drop table fatal');
}

# A source that is read several times, since memory holds only what some of the users have seen.
{
	my $recommend = q{select als.recommend_all('"Long"', 'long_recs', 3, threads => 1)};
	my $note      = qr/als: memory holds what the first (\d+) of 100000 users have seen/;
	my $rows      = $session->value($recommend);
	my $once      = fingerprint('long_recs');
	for my $order ('user_id', 'user_id desc', 'hashint4(user_id)')
	{
		$session->query(
			qq{reset als.max_memory; create table sorted as select * from big order by $order;
			update "Long" set source = 'public.sorted'; set als.max_memory = '6MB';
			set als."verbose" = on});
		my $result = $session->query($recommend);
		is($result->{out}, $rows, "by $order, with little memory: as many rows") or diag $result->{err};
		is(fingerprint('long_recs'), $once, "by $order: the same rows");
		my @ends = $result->{err} =~ /$note/g;
		cmp_ok(scalar(@ends), '>=', 3, "by $order: in several passes");
		cmp_ok(scalar(@ends), '<=', 40, "by $order: not too many");
		note "by $order: @ends";
		is(join(' ', @ends), join(' ', sort { $a <=> $b } @ends), "by $order: which go on");
		$session->query('drop table sorted');
	}
	$session->query(q{reset als.max_memory; update "Long" set source = 'public.big'});
	unlike($session->query($recommend)->{err}, $note, 'with enough memory, once');
	$session->query('reset als."verbose"');
}

# Readers see one list or the other, and never wait; writers queue.
{
	my @readers;
	$session->query(
		q{
		create table stop ();
		create table watched (isolation text, checks int, failures int, lists int);
		create procedure watch() language plpgsql as $$
		declare
			isolation text := current_setting('default_transaction_isolation');
			checks int := 0; failures int := 0;
			seen int[] := '{}';
			now int; again int;
		begin
			commit;
			loop
				select count(*) from recs into now;
				if now is distinct from (select max(rank) * count(distinct user_id) from recs) and isolation <> 'read committed' then
					failures := failures + 1;
				end if;
				if now not in (600, 1000) then failures := failures + 1; end if;
				perform pg_sleep(0.01);
				select count(*) from recs into again;
				if isolation <> 'read committed' and now <> again then failures := failures + 1; end if;
				if not now = any (seen) then seen := seen || now; end if;
				checks := checks + 1;
				exit when exists (select from stop);
				commit;
			end loop;
			commit;
			insert into watched values (isolation, checks, failures, cardinality(seen));
		end $$});
	$session->query(q{select als.recommend_all('taste', 'recs', 3)});
	for my $isolation ('read committed', 'repeatable read', 'serializable')
	{
		my $reader = AlsTest::Session->new($node, settings => 'lock_timeout=1000');
		$reader->query("set default_transaction_isolation = '$isolation'");
		$reader->begin('call watch()');
		push @readers, $reader;
	}
	for my $n (1 .. 10)
	{
		$session->query('begin');
		my $k = $n % 2 ? 5 : 3;
		is($session->value("select als.recommend_all('taste', 'recs', $k)"), 200 * $k, "beside readers, $n");
		# Longer than the readers' patience.
		sleep 1.5 if $n == 5;
		$session->query('commit');
		sleep 0.1;
	}
	$session->query('insert into stop default values');
	for my $reader (@readers)
	{
		my $result = $reader->wait;
		is($result->{state}, '00000', 'a reader met no error') or diag $result->{err};
		$reader->quit;
	}
	for my $row (@{ $session->rows('select * from watched') })
	{
		my ($isolation, $checks, $failures, $lists) = @$row;
		is($failures, 0, "$isolation: every answer is that of one list");
		is($lists, 2, "$isolation: of two");
		cmp_ok($checks, '>=', 10, "$isolation: many answers");
	}
}

my $other = AlsTest::Session->new($node);
for my $case ([ 'recs', 'commit' ], [ 'recs', 'rollback' ], [ 'fresh', 'rollback' ], [ 'fresh', 'commit' ])
{
	my ($target, $end) = @$case;
	$other->query('begin');
	is($other->query("select als.recommend_all('taste', '$target', 2)")->{state},
		'00000', "$target, $end: the first writes");
	$session->begin("select als.recommend_all('taste', '$target', 4)");
	is( wait_for_phase($watcher, $pid, 'waiting for other writers')->[2],
		'waiting for other writers',
		"$target, $end: the second waits");
	is($watcher->query(q{begin; select als.recommend_all('taste', 'elsewhere', 1); rollback})->{state},
		'00000', 'another target is not in the queue');
	ok(!$session->done, "$target, $end: it still waits");
	$other->query($end);
	is($session->wait->{out}, 800, "$target, $end: then it goes on");
	is($watcher->value("select count(*) from $target"), 800, "$target, $end: and has the last word");
	$session->query('drop table fresh') if $target eq 'fresh';
}
$other->query('begin; insert into recs values (-1, -1, 0, 1)');
$session->query('set lock_timeout = 100');
is($session->query(q{select als.recommend_all('taste', 'recs', 4)})->{state},
	'55P03', 'lock_timeout ends waiting for somebody who inserts');
$session->query('reset lock_timeout');
$other->query('rollback');

# A snapshot from before another's list cannot write another.
for my $isolation ('repeatable read', 'serializable')
{
	$other->query("begin isolation level $isolation; select count(*) from stop");
	$session->query(q{select als.recommend_all('taste', 'recs', 3)});
	is($other->query(q{select als.recommend_all('taste', 'recs', 5)})->{state},
		'40001', "$isolation: could not serialize");
	$other->query('rollback');
	is($watcher->value('select max(rank) from recs'), 3, "$isolation: the other's list stands");
}

# The whole list is that of the model as the call found it.
{
	$other->query(q{begin; select from als.train('taste', 'small', factors => 4, replace => true)});
	is($session->value(q{select als.recommend_all('taste', 'recs', 3)}), 600, 'beside a training');
	my $before = fingerprint('recs');
	$other->query('commit');
	is($session->value(q{select als.recommend_all('taste', 'recs', 3)}), 600, 'and after it');
	isnt(fingerprint('recs'), $before, 'the new model says something else');
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'the server has not crashed');
$_->quit for $session, $watcher, $other;
$node->stop;
done_testing();
