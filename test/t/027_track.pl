# als.track: writers of the source wait neither for each other nor for a training, and no change is lost.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('track');
create_ratings($node, 'ratings', 40_000, 2000, 300);
$node->safe_psql(
	'postgres', q{
	create index on ratings (user_id); create index on ratings (item_id);
	select from als.train('taste', 'ratings', factors => 16, iterations => 3);
	select als.track('taste'); select als.refresh('taste')});
my $writer  = AlsTest::Session->new($node, settings => 'lock_timeout=2s');
my $other   = AlsTest::Session->new($node, settings => 'lock_timeout=2s');
my $trainer = AlsTest::Session->new($node);
my $notes   = 'select count(*) from taste_changes';

# Writers do not wait for each other.
$writer->query('begin; insert into ratings values (7, 290, 5)');
is($other->query('insert into ratings values (8, 290, 5)')->{state}, '00000', 'a second insert while the first is open');
is($other->value($notes), 1, 'has noted whose rating it is');
my $refreshed = $other->rows("select items, users from als.refresh('taste')")->[0];
is($refreshed->[1], 1, 'which a refresh takes, and it alone');
$writer->query('commit');
is($other->value($notes), 1, 'the note of the first comes with its commit');
is($other->rows("select items, users from als.refresh('taste')")->[0][1], 1, 'and is taken then');

# Nor for a training or a refresh.
$trainer->query("begin; select run from als.train('taste', 'ratings', factors => 16, iterations => 3, replace => true)");
is($writer->query('insert into ratings values (9, 290, 5)')->{state}, '00000', 'an insert while a training has not committed');
is($writer->query('delete from ratings where user_id = 10')->{state}, '00000', 'and a delete');
$other->query('set lock_timeout = 0');
$other->begin("select items, users from als.refresh('taste')");
wait_until('the refresh to wait for the training',
	sub { ($writer->value('select wait_event_type from pg_stat_activity where pid = ' . $other->pid) // '') eq 'Lock' });
is($writer->query('insert into ratings values (11, 290, 5)')->{state}, '00000', 'an insert while a refresh waits');
my $idle = AlsTest::Session->new($node, settings => 'lock_timeout=20s');
$trainer->query('commit');
$other->wait;
is($writer->value('select count(*) from taste_user_factors where user_id = 10'), 0, 'the refresh has seen what came during the training');
is($writer->value($notes), 0, 'and what came while it waited for that');

# A refresh that fails or is cancelled leaves the notes.
$writer->query('insert into ratings values (12, 290, 5)');
$other->query("begin; select als.refresh('taste')");
$idle->begin("select items, users from als.refresh('taste')");
is($idle->wait->{out}, "0\t0", 'another refresh does not wait for notes that are being taken');
$other->query('rollback');
is($writer->value($notes), 1, 'a refresh that is rolled back gives its notes back');
is($writer->rows("select items, users from als.refresh('taste')")->[0][1], 1, 'to the next');

# Nor a crash.
$writer->query('insert into ratings values (13, 290, 5)');
$_->quit for $writer, $other, $trainer, $idle;
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $notes), 1, 'notes outlive a crash');
is($node->safe_psql('postgres', "select users from als.refresh('taste')"), 1, 'and are taken after it');

# Writers, refreshes and trainings at once; in the end the model is what a comparison would make it.
my @writers = map { AlsTest::Session->new($node) } 1 .. 3;
my $n       = 0;
$_->begin(
	sprintf q{do $$ begin for n in 1 .. 150 loop
		insert into ratings select (n * 37 + %1$d * 501) %% 2000 + 1, (n * 11 + %1$d) %% 300 + 1, n %% 5 + 1;
		delete from ratings where user_id = (n * 53 + %1$d * 101) %% 2000 + 1 and item_id < 20;
		insert into ratings values (3000 + n %% 60 * 3 + %1$d, n %% 300 + 1, 4);
		commit; end loop; end $$}, ++$n)
  for @writers;
my $refresher = AlsTest::Session->new($node);
$refresher->begin(q{do $$ begin for n in 1 .. 20 loop perform als.refresh('taste'); commit; perform pg_sleep(0.02); end loop; end $$});
$trainer = AlsTest::Session->new($node);
is($trainer->query("select run from als.train('taste', 'ratings', factors => 16, iterations => 3, replace => true)")->{state}, '00000', 'a training among writers');
is($_->wait->{state}, '00000', 'a writer') for @writers;
is($refresher->wait->{state}, '00000', 'refreshes');
$trainer->query("select als.refresh('taste')") for 1 .. 3;
is($trainer->value($notes), 0, 'all notes are taken');
is($trainer->value("select als.refresh_users('taste')"), 0, 'no user is left behind');
is($trainer->value("select als.refresh_items('taste')"), 0, 'nor an item');
$_->quit for @writers, $refresher;

# A refresh takes its notes while a training in steps is at work, which has read the ratings before.
my $steps = AlsTest::Session->new($node);
my $known = 'select count(*) from taste_user_factors where user_id = 5000';
$steps->begin("call als.retrain_in_steps('taste', iterations => 100)");
wait_for_phase($trainer, $steps->pid, 'training', 1);
kill 'STOP', $steps->pid;
$trainer->query('insert into ratings values (5000, 1, 5)');
$trainer->query("select als.refresh('taste')");
is($trainer->value($known), 1, 'a new user beside a training in steps');
kill 'CONT', $steps->pid;
is($steps->wait->{state}, '00000', 'which does not know him');
is($trainer->value($known), 0, 'and so takes him away');
$trainer->query("select als.refresh('taste')");
is($trainer->value($known), 1, 'but the next refresh brings him back');
$_->quit for $steps, $trainer;

$node->stop;
done_testing();
