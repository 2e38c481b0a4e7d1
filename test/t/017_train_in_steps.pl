# als.train_in_steps: no snapshot and no transaction id during the training, and nothing left of one that does not
# come to its end.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('steps');
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->restart;
create_ratings($node, 'small', 4000,    200,     60);
create_ratings($node, 'big',   300_000, 50_000,  5000);
create_ratings($node, 'many',  600_000, 500_000, 1000);
$node->safe_psql(
	'postgres', q{
	create view repeated as select big.* from big, generate_series(1, 30);
	create table busy (n int);
	create role trainer login;
	create schema shop authorization trainer;
	grant select on small, big to trainer;
	select from als.train('old', 'small', factors => 8, iterations => 3)});

# The server closes all connections after a crash, and comes back after recovery.
sub session
{
	my @options = @_;

	return wait_until('the server to be back', sub { eval { AlsTest::Session->new($node, @options) } });
}

my ($session, $watcher) = (session(), session());
my $relations   = relations($watcher);
my $fingerprint = q{
	select md5(string_agg(t::text, ' ' order by t::text)) from (
	select old::text as t from old union all
	select u::text from old_user_factors as u union all
	select i::text from old_item_factors as i) as rows};
my $old_model = $watcher->value($fingerprint);
my $turns     = "select count(*) from pg_locks where locktype = 'object' and classid = 'pg_class'::regclass";

sub check_nothing_changed
{
	my ($name) = @_;

	is(relations($watcher),           $relations, "$name: no table is left");
	is($watcher->value($fingerprint), $old_model, "$name: the old model is as it was");
	is($watcher->value($turns),       0,          "$name: no lock is left");
	is_deeply($watcher->rows('select * from als.progress'), [], "$name: no progress is shown");
	return;
}

my %long = (
	reading  => ['repeated', 'factors => 8'],
	training => ['big', 'factors => 512, iterations => 10000'],
	writing  => ['many', 'factors => 16, iterations => 1']);

# The statement that takes long in this phase.
sub train
{
	my ($model, $phase) = @_;

	my ($source, $options) = @{ $long{$phase} };
	return "call als.train_in_steps('$model', '$source', $options, replace => true)";
}

# What the process holds: the oldest snapshot, a transaction id, locks on relations.
sub held
{
	my ($pid) = @_;

	return join ' ', @{ $watcher->rows(
			qq{select coalesce(backend_xmin::text, '-'), coalesce(backend_xid::text, '-'),
			   (select count(*) from pg_locks where pid = $pid and locktype = 'relation'), state
			   from pg_stat_activity where pid = $pid})->[0] };
}

# VACUUM goes on beside it.
$watcher->query('insert into busy select generate_series(1, 1000)');
for my $model ('new', 'old')
{
	for my $isolation ('read committed', 'serializable')
	{
		$session->query("set default_transaction_isolation = '$isolation'");
		$session->begin(train($model, 'training') =~ s/replace/holdout => 0.1, replace/r);
		wait_for_phase($watcher, $session->pid, 'training');
		my $held = held($session->pid);
		is($held, '- - 0 active', "$isolation, $model model: a training holds no snapshot, no id, no table");
		$watcher->query('delete from busy where n % 2 = 0; insert into busy select generate_series(2, 1000, 2)');
		like($watcher->query('vacuum (verbose) busy')->{err},
			qr/500 removed|removed 500 (?:row versions|dead item)/, "$isolation, $model model: VACUUM removes what has died since");
		wait_for_phase($watcher, $session->pid, 'training', 1);
		is(held($session->pid), '- - 0 active', 'still after an iteration');
		my $readers = session();
		is($readers->query("select als.recommend('old', 5)")->{state}, '00000', 'readers go on');
		is($readers->query('insert into big values (1, 1, 1)')->{state}, '00000', 'and writers of the ratings');
		is($readers->query('vacuum old_user_factors, old')->{state}, '00000', 'and VACUUM of the model');
		$readers->quit;
		$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
		is($session->wait->{state}, '57014', 'canceled');
		check_nothing_changed("$isolation, $model model");
	}
}
$session->query('reset default_transaction_isolation');
# The function is still the function.
$session->begin("select from als.train('new', 'big', factors => 512, iterations => 10000)");
wait_for_phase($watcher, $session->pid, 'training');
unlike(held($session->pid), qr/-/, 'als.train holds both');
$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
$session->wait;

# Cancel, terminate and kill, in each phase.
for my $model ('new', 'old')
{
	for my $phase ('reading', 'training', 'writing')
	{
		for my $end ('pg_cancel_backend', 'pg_terminate_backend', 'kill')
		{
			my $victim = session();
			$victim->begin(train($model, $phase));
			wait_for_phase($watcher, $victim->pid, $phase);
			sleep 0.05;
			my $name = "$end, $phase, $model model";
			if ($end eq 'kill')
			{
				kill 'KILL', $victim->pid;
				$watcher->query('select pg_sleep(60)');
				$_->quit for $session, $watcher;
				($session, $watcher) = (session(), session());
			}
			else
			{
				$watcher->query("select $end(" . $victim->pid . ')');
			}
			is($victim->wait->{state}, $end eq 'pg_cancel_backend' ? '57014' : 'lost', "$name: obeyed");
			my $pid = $victim->pid;
			if ($end eq 'pg_cancel_backend')
			{
				is($victim->value('select 41 + 1'), 42, "$name: the session works");
			}
			else
			{
				wait_until("the end of $pid",
					sub { !$watcher->value("select count(*) from pg_stat_activity where pid = $pid") });
			}
			check_nothing_changed($name);
			$victim->quit;
		}
	}
}
is($session->query("set statement_timeout = 300; " . train('new', 'training'))->{state}, '57014', 'statement_timeout');
$session->query('reset statement_timeout');
check_nothing_changed('statement_timeout');

# One training at a time; who waits holds nothing either, and als.train does not wait.
{
	my ($second, $third) = (session(), session());
	$session->begin(train('old', 'training'));
	wait_for_phase($watcher, $session->pid, 'training', 1);
	$second->begin("call als.train_in_steps('old', 'small', factors => 8, iterations => 3, replace => true)");
	wait_until('the second to wait',
		sub { $watcher->value("select coalesce(wait_event_type, '-') from pg_stat_activity where pid = " . $second->pid) eq 'Lock' });
	is(held($second->pid), '- - 0 active', 'who waits for a training in steps holds nothing');
	is($watcher->value('select phase from als.progress where pid = ' . $second->pid),
		'waiting for other writers', 'and says so');
	for my $writer (
		"select from als.train('old', 'small', replace => true)",
		"select als.rollback_model('old')",
		"select from als.import_model('old', 'old_user_factors', 'old_item_factors', replace => true)")
	{
		my $result = $third->query($writer);
		is($result->{state}, '55006', "$writer: not now");
		like($result->{err}, qr/a training in steps is at work on model public\.old/, 'for a reason that it tells');
	}
	is($third->query("select from als.train('other', 'small', factors => 4)")->{state}, '00000', 'other models are free');
	is($third->query("select als.refresh_users('old', array[5]), als.drop_model('other')")->{state},
		'00000', 'this one can be refreshed');
	is($third->query('update old_user_factors set bias = bias + 1')->{state}, '00000', 'and changed by hand');
	is($third->query('set lock_timeout = 100; ' . train('old', 'training'))->{state}, '55P03', 'lock_timeout ends the waiting');
	$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
	is($session->wait->{state},                      '57014', 'the first is canceled');
	is($second->wait->{state},                       '00000', 'the second goes on');
	is($watcher->value('select max(run) from old'), 2,       'to a run of its own');
	is($watcher->value($turns),                      0,       'no lock is left');
	$_->quit for $second, $third;
	$old_model = $watcher->value($fingerprint);
}

# Nor does it hold anything while it waits for als.train; a snapshot from before does not count afterwards.
{
	my $second = session();
	$second->query("set default_transaction_isolation = 'serializable'");
	$session->query('begin');
	is($session->value("select run from als.train('old', 'small', factors => 8, iterations => 3, replace => true)"), 3, 'als.train');
	$second->begin("call als.train_in_steps('old', 'small', factors => 8, iterations => 3, replace => true, keep_previous => true)");
	wait_until('the second to wait',
		sub { $watcher->value("select coalesce(wait_event_type, '-') from pg_stat_activity where pid = " . $second->pid) eq 'Lock' });
	is(held($second->pid), '- - 0 active', 'who waits for als.train holds nothing');
	$session->query('commit');
	is($second->wait->{state}, '00000', 'then it goes on');
	is($second->value('show transaction_isolation'), 'serializable', 'and the session is as it was');
	is($second->value("select run from als.rollback_model('old')"), 3, 'the run is kept');
	$second->quit;
}

# What has become of the model meanwhile.
for my $case (
	["select als.drop_model('m')",                                                'dropped or renamed', 'm'],
	['alter table m rename to n',                                                 'dropped or renamed', 'm'],
	['alter table m rename to n; alter table o rename to m',                      'dropped or renamed', 'm'],
	['insert into m select (jsonb_populate_record(m, \'{"run": 2}\')).* from m',  'given or deprived of another run', 'm'],
	['delete from m',                                                             'given or deprived of another run', 'm'],
	['create table fresh of als.model (run primary key)',                         'made by somebody else', 'fresh'],
	['create view fresh as select 1',                                             undef, 'fresh', '42809'],
	['alter table big alter item_id type bigint', 'the ids of the source have changed their type', 'm'],
	['alter table big rename to large',           undef, 'm', '00000'],
	['alter table big rename item_id to item',    undef, 'm', '42703'],
	['drop table big cascade',                    undef, 'm', '42P01'],
	['revoke create on schema shop from trainer', undef, 'shop.taste', '42501'],
	['drop schema shop cascade',                  undef, 'shop.taste', '3F000'])
{
	my ($meanwhile, $message, $model, $state) = @$case;

	$watcher->query("select from als.train('$_', 'small', factors => 4)") for 'm', 'o';
	my $trainer = session($model =~ /shop/ ? (user => 'trainer') : ());
	$trainer->begin("call als.train_in_steps('$model', 'big', factors => 32, iterations => 20, replace => true)");
	# Not while it ends the transaction of reading, where it has locks that everybody would wait for.
	wait_for_phase($watcher, $trainer->pid, 'training', 1);
	kill 'STOP', $trainer->pid;
	is(held($trainer->pid), '- - 0 active', 'a training holds nothing');
	my $change = "begin; create table saved as select * from big; $meanwhile; commit";
	is($watcher->query($change)->{state}, '00000', "meanwhile: $meanwhile");
	my $before = relations($watcher);
	kill 'CONT', $trainer->pid;
	my $result = $trainer->wait;
	is($result->{state}, $state // '55000', 'what becomes of the training') or diag $result->{err};
	like($result->{err}, qr/\Q$message\E/, 'says what has happened') if defined $message;
	is(relations($watcher), $before, 'nothing is written') if ($state // '') ne '00000';
	is($watcher->value($turns), 0, 'no lock is left');
	$trainer->quit;
	$watcher->query(
		q{
		do $$ begin
			perform als.drop_model(model) from als.models where model::text <> 'old';
			drop view if exists fresh, repeated;
			drop table if exists m, fresh, big, large;
			alter table saved rename to big;
			create schema if not exists shop authorization trainer;
			grant create on schema shop to trainer;
			grant select on big to trainer;
		end $$});
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal(?! 9)/, 'the server has not crashed by itself');
$_->quit for $session, $watcher;
$node->stop;
done_testing();
