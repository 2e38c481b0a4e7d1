# als.progress and the messages of a training.
# Runs alone: it has to see phases of some milliseconds.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('progress');
create_ratings($node, 'small', 2000,    100,     50);
create_ratings($node, 'big',   400_000, 20_000,  3000);
create_ratings($node, 'many',  300_000, 250_000, 1000);
$node->safe_psql(
	'postgres', q{
	create view repeated as select big.* from big, generate_series(1, 10);
	create schema "S""1";
	create role trainer login;
	create role member login in role trainer;
	create role stranger login;
	create role observer login in role pg_read_all_stats;
	grant create on schema public to trainer;
	grant select on big, repeated, small, many to trainer;
	grant usage on schema als to public;
	create database elsewhere});
$node->safe_psql('elsewhere', 'create extension als');

my $session = AlsTest::Session->new($node);
my $watcher = AlsTest::Session->new($node);
my $pid     = $session->pid;

is_deeply($watcher->rows('select * from als.progress'), [], 'nothing is going on');

# A tuning: the iterations of all trials, the source in the model's place.
{
	my $source = 'big';
	for my $of ('public.big', '')
	{
		$session->begin(
			qq{select from als.tune('$source', '{"factors": [8, 16, 24, 32, 40, 48], "iterations": 60}', threads => 1)});
		wait_for_phase($watcher, $pid, 'training', 10);
		my ($row) = @{ $watcher->rows(
				'select command, model, phase, iteration, of, loss, remaining is null, trial from als.progress') };
		my ($command, $model, $phase, $iteration, $steps, $loss, $no_remaining, $trial) = @$row;
		is("$command $phase", 'tune training', 'a tuning is shown');
		is($model // '', $of,  'by its source, if that is no query');
		is($steps, 6 * 20 + 2 * 40, 'with the iterations of all trials that are to come');
		cmp_ok($iteration, '>=', 10, 'of which some are done');
		ok($trial >= 1 && $trial <= 6, 'the trial is told');
		is(($loss // '') . $no_remaining, 'f', 'there is no loss, but time to come');
		$watcher->query("select pg_cancel_backend($pid)");
		$session->wait;
		$source = 'select * from big';
	}
}

# A distributed one, with what it moves in an iteration, at two bytes a number: twice the items' vectors to each machine,
# here one, and as many vectors from each part.
{
	$session->begin(q{select from als.train('parted', 'big', factors => 32, iterations => 10000, feedback => 'implicit', distributed => true, parts => 4)});
	my ($row) = @{ wait_until('iterations',
			sub { my $rows = $watcher->rows("select bytes_moved, iteration from als.progress where pid = $pid and iteration > 2"); @$rows && $rows }) };
	my ($bytes, $iteration) = @$row;
	my $vectors = 2 * 32 * $watcher->value('select count(distinct item_id) from big');
	cmp_ok($bytes, '>', 2 * (4 + 1) * $iteration * $vectors * 0.7, 'bytes are counted');
	cmp_ok($bytes, '<', 3 * (4 + 1) * ($iteration + 1) * $vectors * 1.2, 'each once');
	$watcher->query("select pg_cancel_backend($pid)");
	$session->wait;
}

# Its statements, which empty tables with indexes, leave nothing else in it.
{
	my ($result, @seen) = watch_progress($session, $watcher,
		q{select from als.train('parted', 'big', factors => 32, iterations => 40, feedback => 'implicit', distributed => true, parts => 4,
			replace => true)},
		sub { phases(@_) =~ /reading .*training/ });
	is($result->{state}, '00000', 'trained in parts') or diag $result->{err};
	like(phases(@seen), qr/^(?:waiting for other writers )?reading (?:indexing )?training(?: writing)?$/, 'the phases in their order');
	is(scalar(grep { $_->{of} != 40 && $_->{phase} eq 'training' } @seen), 0, 'the number of iterations');
	is(scalar(grep { $_->{elapsed} > 3600 } @seen), 0, 'the time since it began');
	ok(never_falls('iteration', @seen), 'iterations go up');
	$watcher->query(q{select als.drop_model('parted')});
}

# A training from its beginning to its end.
{
	my ($result, @seen) = watch_progress($session, $watcher,
		q{
		select n_rows, loss[1], loss[20], read_seconds, train_seconds
		from als.train('taste', 'repeated', factors => 32, iterations => 20, threads => 1, replace => true)},
		sub {
			return (grep { $_->{rows_read} > 0 && $_->{phase} eq 'reading' } @_) && (grep { $_->{iteration} =~ /^1.$/ } @_);
		});
	is($result->{state}, '00000', 'trained') or diag $result->{err};
	my ($rows, $first_loss, $last_loss) = split /\t/, $result->{out};
	my @training = grep { $_->{phase} eq 'training' } @seen;
	my @timed    = grep { $_->{remaining} ne '' } @training;
	like(
		phases(@seen),
		qr/^(?:waiting for other writers )?reading (?:indexing )?training(?: writing)?$/,
		'the phases in their order');
	is(scalar(grep { $_->{pid} != $pid } @seen),             0, 'the process');
	is(scalar(grep { $_->{model} ne 'public.taste' } @seen), 0, 'the model');
	is(scalar(grep { $_->{of} != 20 } @seen),                0, 'the number of iterations');
	ok(never_falls('iteration', @seen), 'iterations are counted');
	cmp_ok(scalar(grep { $_->{iteration} > 0 && $_->{iteration} < 20 } @training), '>', 0,
		'while they go on');
	ok(never_falls('rows_read', @seen), 'rows are counted');
	cmp_ok(scalar(grep { $_->{rows_read} > 0 && $_->{rows_read} < $rows } @seen),
		'>', 0, 'while they are read');
	is(scalar(grep { $_->{rows_read} != $rows } @training), 0, 'all of them before the training');
	ok(never_falls('elapsed', @seen), 'time elapses');
	cmp_ok($seen[-1]{elapsed}, '<=', $result->{seconds},     'no more than there was');
	cmp_ok($seen[-1]{elapsed}, '>',  $result->{seconds} / 2, 'nor much less');

	is(scalar(grep { ($_->{iteration} == 0) != ($_->{loss} eq '') } @seen),
		0, 'there is a loss after an iteration');
	my @losses = grep { $_ ne '' } map { $_->{loss} } @seen;
	is(scalar(grep { $losses[$_] > $losses[ $_ - 1 ] } 1 .. $#losses), 0, 'it falls');
	is(scalar(grep { $_ > $first_loss || $_ < $last_loss } @losses),   0, 'as the model row says');

	is(scalar(grep { $_->{remaining} ne '' && $_->{phase} ne 'training' } @seen),
		0, 'time remaining is told in training only');
	is(scalar(grep { ($_->{iteration} == 0) != ($_->{remaining} eq '') } @training), 0, 'after an iteration');
	is(scalar(grep { $_->{remaining} < 0 } @timed), 0, 'it is never negative');
	my $end = $training[-1]{elapsed};
	my ($half) = grep { $_->{iteration} >= 10 } @training;
	cmp_ok($half->{remaining}, '<', 5 * ($end - $half->{elapsed}) + 1, 'halfway, not far too much');
	cmp_ok($half->{remaining}, '>', ($end - $half->{elapsed}) / 5 - 1, 'nor far too little');
	note sprintf 'halfway: %.2f s remaining, then it took %.2f s', $half->{remaining},
	  $end - $half->{elapsed};
	is_deeply($watcher->rows('select * from als.progress'), [], 'no row is left');
}

# Refreshing and importing, which have no steps to count.
{
	for my $command ('refresh_users', 'refresh_items', 'import_model')
	{
		my %sql = (
			refresh_users => q{select als.refresh_users('taste', array(select user_id from taste_user_factors))},
			refresh_items => q{select als.refresh_items('taste', array(select item_id from taste_item_factors))},
			import_model  => q{select from als.import_model('copied', 'select user_id, factors from taste_user_factors',
				'select item_id, factors from taste_item_factors', source => 'repeated', replace => true)});
		my ($solving, $of) = $command =~ /refresh/ ? (' solving', 'taste') : ('', 'copied');
		my ($result, @seen) = watch_progress($session, $watcher,
			$sql{$command},
			sub { phases(@_) =~ /reading$solving/ && grep { $_->{rows_read} > 0 && $_->{phase} eq 'reading' } @_ });
		is($result->{state}, '00000', $command) or diag $result->{err};
		like(
			phases(@seen),
			qr/^(?:waiting for other writers )?reading$solving(?: writing)?$/,
			"$command: the phases in their order");
		is(scalar(grep { $_->{command} ne $command || $_->{model} ne "public.$of" } @seen), 0, 'the model');
		is(scalar(grep { "$_->{iteration}$_->{of}$_->{loss}$_->{remaining}" ne '' } @seen),
			0, 'no iterations, no loss and no end in sight');
		ok(never_falls('rows_read', @seen), 'rows are counted');
		cmp_ok(scalar(grep { $_->{rows_read} > 0 && $_->{phase} eq 'reading' } @seen), '>', 0, 'while they are read');
		is_deeply($watcher->rows('select * from als.progress'), [], 'no row is left');
	}
}

# Writing takes a while here.
{
	my ($result, @seen) =
	  watch_progress($session, $watcher, q{select from als.train('"S""1"."A ""b"', 'many', factors => 8, iterations => 1, replace => true)},
		sub { phases(@_) =~ / writing$/ });
	is($result->{state}, '00000', 'trained') or diag $result->{err};
	like(phases(@seen), qr/ training writing$|reading writing$/, 'the last phase is writing');
	is(scalar(grep { $_->{model} ne '"S""1"."A ""b"' } @seen), 0, 'names are quoted as they must be');
	$session->query(q{select als.drop_model('"S""1"."A ""b"')});
}

# Many small ones, so that some rows are seen while tables are made: the server reports then that it
# builds indexes, which must not be taken for our own progress.
{
	my ($result, @seen) = watch_progress($session, $watcher,
		q{
		do $$ begin
			for i in 1 .. 40 loop
				perform als.train('new' || i, 'small', factors => 4, iterations => 3);
			end loop;
			raise data_exception;
		end $$});
	is($result->{state},                     '22000', 'trained many') or diag $result->{err};
	cmp_ok(scalar @seen, '>', 0, 'some of them seen');
	is(scalar(grep { $_->{of} != 3 } @seen), 0,       'progress is that of the training alone');
	is(scalar(grep { $_->{iteration} > 0 && $_->{phase} !~ /training|writing/ } @seen),
		0, 'from its first row on');
}

# Rows vanish with their training, however it ends.
my $long = "select from als.train('new', 'big', factors => 512, iterations => 10000, threads => 1)";
for my $end (qw(pg_cancel_backend pg_terminate_backend))
{
	my $victim     = AlsTest::Session->new($node);
	my $victim_pid = $victim->pid;
	$victim->begin($long);
	my $row = wait_for_phase($watcher, $victim_pid, 'training');
	is($row->[1], 'public.new', "$end: in training");
	$watcher->query("select $end($victim_pid)");
	$victim->wait;
	wait_until("the end of $victim_pid",
		sub { !$watcher->value("select count(*) from pg_stat_activity where pid = $victim_pid") })
	  if $end eq 'pg_terminate_backend';
	is_deeply($watcher->rows('select * from als.progress'), [], "$end: no row is left");
	$victim->quit;
}
is( $session->query(
		"select from als.train('new', 'select 1 / (item_id - 30) as user_id, item_id, rating from small')")
	  ->{state},
	'22012',
	'an error while reading');
is_deeply($watcher->rows('select * from als.progress'), [], 'leaves no row');
is( $session->query(
		"do \$\$ begin perform als.train('new', 'no table'); exception when others then perform pg_sleep(0.5); end \$\$"
	)->{state},
	'00000',
	'an error that is caught');
is_deeply($watcher->rows('select * from als.progress'), [], 'leaves none either');

# Who sees what.
{
	my %by;
	$by{$_} = AlsTest::Session->new($node, user => $_) for qw(trainer member stranger observer);
	my $elsewhere   = AlsTest::Session->new($node, dbname => 'elsewhere');
	my $trainer     = AlsTest::Session->new($node, user   => 'trainer');
	my $other       = AlsTest::Session->new($node);
	my $trainer_pid = $trainer->pid;
	$trainer->begin($long);
	wait_for_phase($watcher, $trainer_pid, 'training');
	$other->begin($long =~ s/new/other/r);
	wait_for_phase($watcher, $other->pid, 'training');
	my $seen = "select coalesce(string_agg(model, ' ' order by model), 'none') from als.progress";
	is($watcher->value($seen),      'public.new public.other', 'a superuser sees all trainings');
	is($by{trainer}->value($seen),  'public.new',              'a role sees its own');
	is($by{member}->value($seen),   'public.new',              'and those of roles it is a member of');
	is($by{stranger}->value($seen), 'none',                    'no others');
	is($by{observer}->value($seen), 'public.new public.other', 'pg_read_all_stats shows all');
	is($elsewhere->value($seen),    'none',                    'of this database');
	is($watcher->value("select count(*) from pg_stat_progress_vacuum"),
		0, "the server's own views are not confused");
	is($watcher->value("select count(*) from pg_stat_progress_create_index"), 0, 'none of them');
	is($watcher->value("select count(*) from pg_stat_progress_copy"), 0, 'at all')
	  if $watcher->value('show server_version_num') >= 140000;

	# Waiting for another.
	my $waiting = AlsTest::Session->new($node);
	$waiting->begin("select from als.train('new', 'small', replace => true, iterations => 12)");
	my $row = wait_for_phase($watcher, $waiting->pid, 'waiting for other writers');
	is("@$row[2, 3]", 'waiting for other writers 0', 'a trainer in a queue');
	is($watcher->value('select "of" from als.progress where pid = ' . $waiting->pid), 12, 'and what it is to do');
	$watcher->query("select pg_cancel_backend(pid) from als.progress");
	$_->wait for $trainer, $other, $waiting;
	$_->quit for values %by, $elsewhere, $trainer, $other, $waiting;
}

# Messages.
{
	my $train = "select from als.train('taste', 'small', iterations => 3, factors => 4, replace => true)";
	my $line  = qr/als: iteration (\d) of 3: loss [\d.e+]+, [\d.]+ s/;
	my $quiet = $session->query($train);
	unlike($quiet->{err}, $line, 'training is quiet');
	my $setting = 'als."verbose"';    # a keyword of SQL
	is($session->query("set $setting = on")->{state}, '00000', "set $setting");
	my $verbose = $session->query($train)->{err};
	is(join(' ', $verbose =~ /NOTICE:  00000: $line/g), '1 2 3',
		"$setting gives a NOTICE for each iteration");
	$session->query("reset $setting; set client_min_messages = debug1");
	my $debug = $session->query($train)->{err};
	is(join(' ', $debug =~ /DEBUG:  00000: $line/g), '1 2 3', 'otherwise they come at DEBUG1');
	unlike($debug, qr/NOTICE/, 'not as NOTICE');
	$session->query('reset client_min_messages');
}

$_->quit for $session, $watcher;
$node->stop;
done_testing();
