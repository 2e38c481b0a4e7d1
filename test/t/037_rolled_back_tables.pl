# A crash just after a training that makes unlogged tables has been rolled back: the server recovers.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use Test::More;

my $node = new_node('rolled_back');
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->restart;
create_ratings($node, 'small', 2000, 100, 50);

sub session
{
	return wait_until(
		'the server to be back',
		sub {
			eval { AlsTest::Session->new($node) }
		});
}

sub check
{
	my ($name, $options, $rollback) = @_;

	my $session = session();
	$session->query($_) for 'begin', 'savepoint before', "select from als.train('m', 'small', $options)";
	# What has been done is on disk now; and from here on nobody else writes the log there.
	$node->safe_psql('postgres', 'create table written (); drop table written');
	my $writer = $session->value("select pid from pg_stat_activity where backend_type = 'walwriter'");
	kill 'STOP', $writer;
	$session->query($rollback);
	kill 'KILL', $session->pid;
	kill 'CONT', $writer;
	is($session->query('select pg_sleep(60)')->{state}, 'lost', "$name, $rollback: the process is gone");
	$session->quit;
	$session = session();
	is($session->value('select count(*) from small'), 2000, "$name, $rollback: the server is back");
	$session->quit;
	return;
}

for my $rollback ('rollback', 'rollback to before')
{
	check('parts', 'factors => 2, iterations => 1, distributed => true, parts => 2', $rollback);
	check('unlogged', 'factors => 2, iterations => 1, unlogged => true', $rollback);
}

done_testing();
