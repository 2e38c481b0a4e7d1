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
	my ($name, @statements) = @_;

	my $session = session();
	# Nobody else writes the log to disk.
	my $writer = $session->value("select pid from pg_stat_activity where backend_type = 'walwriter'");
	kill 'STOP', $writer;
	$session->query($_) for @statements;
	kill 'KILL', $session->pid;
	kill 'CONT', $writer;
	is($session->query('select pg_sleep(60)')->{state}, 'lost', "$name: the process is gone");
	$session->quit;
	$session = session();
	is($session->value('select count(*) from small'), 2000, "$name: the server is back");
	$session->quit;
}

my $options = 'factors => 2, iterations => 1, distributed => true, parts => 2';
for my $kind ([ 'parts', $options ], [ 'unlogged', 'factors => 2, iterations => 1, unlogged => true' ])
{
	my ($name, $with) = @$kind;
	check("$name, a transaction", 'begin', "select from als.train('m', 'small', $with)", 'rollback');
	check("$name, a part of one",
		"do \$\$ begin perform als.train('m', 'small', $with); raise exception 'enough'; exception when raise_exception then null; end \$\$");
}

done_testing();
