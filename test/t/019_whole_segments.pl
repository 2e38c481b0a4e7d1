# What is shared of a model is provably whole: no snapshot, restore or replication under way, and no crash makes
# it recommend nothing to others.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('whole', allows_streaming => 'logical');
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->restart;
create_ratings($node, 'ratings', 6000, 500, 400);
$node->safe_psql('postgres', q{select from als.train('taste', 'ratings', factors => 8, iterations => 2)});
my $recommend = q{select md5(string_agg(r::text, ' ' order by r.rank)) from als.recommend('taste', 7) as r};
my $shared    = q{select coalesce(string_agg(shared::text, ' '), '') from als.cache where model = 'taste'::regclass};

sub session { return AlsTest::Session->new($node, @_) }

my $first  = session();
my $answer = $first->value($recommend);

# A table that is rewritten -----------------------------------------------------------------------

my $old = session();
$old->query('begin isolation level repeatable read; select 1');
$node->safe_psql('postgres', 'alter table taste_item_factors set unlogged');
my $result = $old->query($recommend);
is($result->{state}, '40001', 'a snapshot from before a table was rewritten sees no rows of it, and is told so');
like($result->{err}, qr/item factors of model public\.taste hold no rows, but its newest row says \d+/, 'with the reason');
like($result->{err}, qr/HINT: .*rewritten since .* try again in a new one/, 'and what to do');
is($first->value($recommend), $answer, 'others see them');
is(session()->value($recommend), $answer, 'new sessions, too');
$old->query('rollback');
is($old->value($recommend), $answer, 'and this one in its next transaction');
is($old->value($shared), 'true true', 'from shared memory');

# A statement that is running when it happens.
$node->safe_psql('postgres', 'alter table taste_item_factors set logged');
$old->begin("select pg_sleep(1), ($recommend)");
$old->pump_for(0.3);
$node->safe_psql('postgres', 'alter table taste_item_factors set unlogged');
is($old->wait->{state}, '40001', 'the same for a statement that runs meanwhile');
is($first->value($recommend), $answer, 'others see the rows');

# An older snapshot that sees the table but not the latest privileges may not share, but answers.
$old->query('begin isolation level repeatable read; select 1');
$node->safe_psql('postgres', q{update taste_item_factors set n_ratings = n_ratings});
my $at_first = session();
$at_first->query('begin isolation level repeatable read; select 1');
$node->safe_psql('postgres', 'create role reader; grant select on taste_item_factors to reader');
is($at_first->value($recommend), $answer, 'a change of the table that leaves the rows alone');
$_->query('rollback') for $at_first, $old;
is($first->value($recommend), $answer, 'does no harm either');
$_->quit for $at_first, $old;

# A crash -----------------------------------------------------------------------------------------

$node->safe_psql('postgres', 'alter table taste_user_factors set unlogged');
$node->safe_psql('postgres', 'checkpoint');
$node->stop('immediate');
$node->start;
$first = session();
for my $call ($recommend, q{select als.predict('taste', 7, 1)}, q{select * from als.similar_items('taste', 1)},
	q{select als.recommend_all('taste', 'lists')})
{
	$result = $first->query($call);
	is($result->{state}, '55000', "after a crash, $call");
	like($result->{err}, qr/HINT: .*empties unlogged tables\. Train the model again with als\.train/, 'says what to do');
}
$result = $first->query(q{select als.predict('taste', 7, 1)});
like($result->{err}, qr/the user factors of model public\.taste hold no rows, but its newest row says 500/, 'and why');
$node->safe_psql('postgres',
	q{select from als.train('taste', 'ratings', factors => 8, iterations => 2, replace => true)});
is($first->value($recommend), $answer, 'which helps');
$first->quit;

# Emptied by hand: the transaction that does it sees what it has done.
$node->safe_psql('postgres',
	q{alter table taste_item_factors set logged; alter table taste_user_factors set logged});
$first = session();
$first->query('begin; truncate taste_item_factors');
is($first->value(q{select count(*) from als.recommend('taste', 7)}), 0, 'a transaction sees what it has emptied');
$first->query('rollback');
is($first->value($recommend), $answer, 'which a rollback fills again');
$first->query('truncate taste_user_factors');
$result = $first->query(q{select als.predict('taste', 7, 1)});
is($result->{state}, '55000', 'others are told that nothing is there');
$first->query(q{select als.refresh_users('taste')});
is($first->query(q{select als.predict('taste', 7, 1)})->{state}, '00000', 'until rows are there again');
$node->safe_psql('postgres',
	q{select from als.train('taste', 'ratings', factors => 8, iterations => 2, replace => true)});
is($first->value($recommend), $answer, 'the model as it was');

# A restore under way -----------------------------------------------------------------------------

my $dump = $node->backup_dir . '/taste.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'a dump');
$node->safe_psql('postgres', 'create database copy');
my @restore = ('pg_restore', '-d', $node->connstr('copy'));
$node->command_ok([ @restore, '--section=pre-data', $dump ], 'its tables are restored');
$node->command_ok([ @restore, '--section=data', '-t', 'taste', '-t', 'taste_user_factors', '-t', 'ratings', $dump ],
	'the model and its users');
my $early = session(dbname => 'copy');
$result = $early->query($recommend);
is($result->{state}, '55000', 'a model asked while its items are missing');
like($result->{err}, qr/HINT: .*being restored or replicated, wait for the end/, 'says so');
$node->command_ok([ @restore, '--section=data', '-t', 'taste_item_factors', $dump ], 'the items');
is($early->value($recommend), $answer, 'the model answers');
my $before_triggers = session(dbname => 'copy');
$before_triggers->query('begin isolation level repeatable read; select 1');
$node->command_ok([ @restore, '--section=post-data', $dump ], 'indexes and triggers');
is($before_triggers->value($recommend), $answer, 'an old snapshot answers the same');
$before_triggers->query('rollback');
is($_->value($recommend), $answer, 'everybody does') for $early, session(dbname => 'copy');
is($early->value($shared), 'true true', 'from shared memory');

# Rows that a session loads without the trigger.
$early->query(q{alter table taste_item_factors disable trigger all});
$early->query(q{begin; delete from taste_item_factors where item_id > 200; commit});
my $half = $early->value($recommend);
isnt($half, $answer, 'a table whose trigger is disabled is read anew');
$early->query(q{update taste_item_factors set bias = bias + item_id % 7});
isnt($early->value($recommend), $half, 'each time');
my $later = $early->value($recommend);
$early->query(q{alter table taste_item_factors enable always trigger als_version});
is($early->value($recommend), $later, 'enabled again, it');
is(session(dbname => 'copy')->value($recommend), $later, 'serves all');
$early->query(q{alter table taste_item_factors disable trigger als_version; delete from taste_item_factors where item_id > 100});
$early->query(q{alter table taste_item_factors enable always trigger als_version});
is(session(dbname => 'copy')->value($recommend), $early->value('set als.cache_size = 0; ' . $recommend),
	'from rows changed while it was disabled');
$_->quit for $early, $before_triggers;

# The first copy of a subscription ----------------------------------------------------------------

my $replica = new_node('replica');
$replica->append_conf('postgresql.conf', 'max_logical_replication_workers = 8');
$replica->restart;
$node->safe_psql('postgres', 'create publication models for table taste, taste_user_factors, taste_item_factors, ratings');
$replica->safe_psql('postgres', 'create database copy');
$replica->command_ok([ 'pg_restore', '-d', $replica->connstr('copy'), '--schema-only', '--no-privileges', $dump ], 'tables for a replica');
my $lock = AlsTest::Session->new($replica, dbname => 'copy');
$lock->query('begin; lock table taste_item_factors in share mode');
my $source = $node->connstr('postgres');
$replica->safe_psql('copy', "create subscription models connection \$\$$source\$\$ publication models");
my $watcher = AlsTest::Session->new($replica, dbname => 'copy');
wait_until('the other tables', sub { $watcher->value('select exists (select from taste) and exists (select from taste_user_factors)') eq 't' });
$result = $watcher->query($recommend);
is($result->{state}, '55000', 'while a replica copies its first rows, a model says that they are missing');
$lock->query('rollback');
wait_until('the replica',
	sub { $watcher->value(q{select bool_and(srsubstate = 'r') from pg_subscription_rel}) eq 't' });
is($watcher->value($recommend), $answer, 'then it answers');
is(AlsTest::Session->new($replica, dbname => 'copy')->value($recommend), $answer, 'everywhere');
is($watcher->value($shared), 'true true', 'from shared memory');
$node->safe_psql('postgres',
	q{select from als.train('taste', 'ratings', factors => 8, iterations => 3, replace => true)});
my $new = $first->value($recommend);
$node->wait_for_catchup('models');
is($watcher->value($recommend), $new, 'and follows');
$replica->safe_psql('copy', 'drop subscription models');
$_->quit for $first, $watcher, $lock;
$replica->stop;
$node->stop;
done_testing();
