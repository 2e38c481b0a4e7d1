# Kill the process of a training: after recovery it is as if it had never begun.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('crash');
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->restart;
create_ratings($node, 'small', 4000,    200,     60);
create_ratings($node, 'big',   300_000, 50_000,  5000);
create_ratings($node, 'many',  500_000, 400_000, 1000);
$node->safe_psql(
	'postgres', q{
	create view repeated as select big.* from big, generate_series(1, 30);
	select from als.train('old', 'small', factors => 16, iterations => 5)});

my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank)) || ' ' || md5(string_agg(s::text, ' ' order by u))
	from generate_series(1, 200) as u, als.recommend('old', u, 10) as r, als.predict('old', u, r.item_id) as s};
my $tables = q{
	select md5(string_agg(t::text, ' ' order by t::text)) from (
	select old::text as t from old union all
	select u::text from old_user_factors as u union all
	select i::text from old_item_factors as i) as rows};

# The server closes all connections, and comes back after recovery.
sub session
{
	return wait_until(
		'the server to be back',
		sub {
			eval { AlsTest::Session->new($node) }
		});
}

my $watcher     = session();
my $old_answers = $watcher->value($answers);
my $old_tables  = $watcher->value($tables);
my $relations   = relations($watcher);

sub check_kill
{
	my ($name, $train, $phase) = @_;

	my $session = session();
	$session->begin("select from als.train($train)");
	wait_for_phase($watcher, $session->pid, $phase);
	# In the middle of it.
	$session->pump_for(0.1);
	kill 'KILL', $session->pid;
	is($session->wait->{state}, 'lost', "$name: the process is gone");
	# Its end takes the server's other processes along.
	$watcher->query('select pg_sleep(60)');
	$_->quit for $session, $watcher;

	$watcher = session();
	is(relations($watcher),       $relations,   "$name: no table is left");
	is($watcher->value($tables),  $old_tables,  "$name: the old model's tables are as they were");
	is($watcher->value($answers), $old_answers, "$name: so are its answers");
	is_deeply($watcher->rows('select * from als.progress'), [], "$name: no progress is shown");
	return;
}

for my $model ("'new'", "'old'")
{
	my $replace = $model eq "'old'" ? ', replace => true' : '';
	check_kill("reading $model",  "$model, 'repeated'$replace",                             'reading');
	check_kill("training $model", "$model, 'big', factors => 512$replace",                  'training');
	check_kill("writing $model",  "$model, 'many', factors => 16, iterations => 1$replace", 'writing');
}

is($watcher->value("select run from als.train('new', 'small')"), 1, 'a new model can be trained');
is( $watcher->value(
		"select run from als.train('old', 'small', factors => 16, iterations => 5, replace => true)"),
	2,
	'an old one too');
is($watcher->value($answers), $old_answers, 'the same ratings give the same answers');
is($watcher->query("select als.drop_model('new')")->{state}, '00000', 'and dropped');

# What is committed lasts; of unlogged factors, the model row.
$watcher->query(
	q{
	select from als.train('lasting', 'small', factors => 4, iterations => 2);
	select from als.train('passing', 'small', factors => 4, iterations => 2, unlogged => true)});
my $best    = "select string_agg(r::text, ' ' order by r.rank) from als.recommend('%s', 5) as r";
my $lasting = $watcher->value(sprintf $best, 'lasting');
is($watcher->value(sprintf $best, 'passing'), $lasting, 'unlogged or not, a model is the same');
$watcher->quit;
$node->stop('immediate');
$node->start;
$watcher = session();
is($watcher->value(sprintf $best, 'lasting'), $lasting,             'a committed model outlasts a crash');
is($watcher->value('select count(*) from passing_user_factors'), 0, 'unlogged factors do not');
my $empty = $watcher->query(sprintf $best, 'passing');
is($empty->{out} // '', '', 'a model without factors answers nothing');
note "$empty->{state} $empty->{err}";
is( $watcher->value(
		"select run from als.train('passing', 'small', factors => 4, iterations => 2, replace => true)"),
	2,
	'and can be trained again');
is($watcher->value(sprintf $best, 'passing'), $lasting, 'to answer as before');

# A server whose postmaster is gone can be started once no process of it is left: none stays to end its work.
my $session = session();
$session->begin(q{select from als.train('old', 'big', factors => 256, iterations => 10000, replace => true)});
wait_for_phase($watcher, $session->pid, 'training');
my $postmaster = $node->{_pid};
$node->kill9;
my $orphaned = time;
is($session->wait->{state}, 'lost', 'without a postmaster a training ends');
cmp_ok(time - $orphaned, '<', 10, 'at once');
$_->quit for $session, $watcher;
wait_until('the postmaster to end', sub { !kill 0, $postmaster });
wait_until('the server to start',   sub { $node->start(fail_ok => 1) });
is(session()->value($answers), $old_answers, 'the old model serves');

$node->stop;
done_testing();
