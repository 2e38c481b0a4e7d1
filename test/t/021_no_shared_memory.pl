# A server whose main shared memory is full: models serve from sessions' own memory, and sessions can be stopped.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('full');
$node->append_conf('postgresql.conf', "max_connections = 20\nmax_locks_per_transaction = 10");
$node->restart;
create_ratings($node, 'ratings', 2000, 100, 50);
$node->safe_psql('postgres', q{select from als.train('taste', 'ratings', factors => 8, iterations => 2)});

# A session keeps the copy that it has made of its own, so it is another one that answers without sharing.
my $answer = q{select md5(string_agg(r::text, ' ' order by r.rank)) from als.recommend('taste', 7) as r};
my $alone  = AlsTest::Session->new($node);
my $wanted = $alone->value("set als.cache_size = 0; $answer");
$alone->quit;

# Tables of locks grow beyond their size as long as there is any room, and never give it back.
sub take_locks
{
	my ($session, $n) = @_;

	return $session->query("select count(pg_advisory_lock_shared(i)) from generate_series(1, $n) as i");
}
my @hogs = map { AlsTest::Session->new($node) } 1 .. 3;
is(take_locks($hogs[0], 1_000_000)->{state}, '53200', 'locks fill the shared memory');
my $n = $hogs[0]->value("select count(*) from pg_locks where locktype = 'advisory'");
# The same again, for the smaller pieces that hold who has which lock.
take_locks($_, $n) for @hogs[ 1, 2 ];
is($hogs[2]->{last}{state}, '53200', 'to the last bit');
$_->quit for @hogs;

my $session = AlsTest::Session->new($node, settings => 'statement_timeout=2s');
is($session->value($answer), $wanted, 'a model serves');
# From 17 on the server has a place for such things in dynamic shared memory.
my $has_room = $node->pg_version >= 17;
is($session->value('select bool_and(shared) from als.cache'), $has_room ? 't' : 'f', 'from where there is room');
my $log = slurp_file($node->logfile);
my $cannot_share = qr/LOG:  als cannot share models between sessions: not enough shared memory/;
$has_room ? unlike($log, $cannot_share, 'the log') : like($log, $cannot_share, 'the log says why');

is($session->query('select pg_sleep(10)')->{state}, '57014', 'the session can be canceled');
$session->begin('select pg_sleep(10)');
$node->safe_psql('postgres', 'select pg_terminate_backend(' . $session->pid . ')');
like($session->wait->{err}, qr{57P01}, 'and terminated');
$session->quit;
$node->stop;
done_testing();
