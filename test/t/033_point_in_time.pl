# Recovery to a point in the middle of a training: the model of before it serves, and nothing of the training is left.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', has_archiving => 1, allows_streaming => 1);
create_ratings($primary, 'ratings', 200_000, 5000, 2000);
$primary->safe_psql('postgres', q{select from als.train('taste', 'ratings', factors => 8, iterations => 2)});
$primary->backup('backup');

my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank)) from generate_series(1, 100) as u, als.recommend('taste', u, exclude_seen => false) as r};
my $writer    = AlsTest::Session->new($primary);
my $watcher   = AlsTest::Session->new($primary);
my $before    = $writer->value($answers);
my $relations = relations($writer);

# Points in the log: while the factors are in the making, when they are written but not committed, and after the commit.
my %points;
my $point = sub {
	my ($name) = @_;
	$points{$name} = $watcher->value('select pg_current_wal_insert_lsn()');
	# The record that begins there is the last of the recovery.
	$watcher->query('begin; create table mark (); rollback');
	return;
};
$writer->begin(q{begin; select from als.train('taste', 'ratings', factors => 16, iterations => 300, replace => true)});
wait_for_phase($watcher, $writer->pid, 'training', 1);
$point->('in the training');
$writer->wait;
$point->('before its commit');
$writer->query('commit');
$point->('after it');
my $after = $writer->value($answers);
isnt($after, $before, 'the two models differ');
$watcher->query('select pg_switch_wal()');

for my $name ('in the training', 'before its commit', 'after it')
{
	my $node = PostgreSQL::Test::Cluster->new($name =~ s/ /_/gr);
	$node->init_from_backup($primary, 'backup', has_restoring => 1);
	$node->append_conf('postgresql.conf', "recovery_target_lsn = '$points{$name}'\nrecovery_target_action = promote\narchive_mode = off\n");
	$node->start;
	$node->poll_query_until('postgres', 'select not pg_is_in_recovery()') or die 'the recovery does not end';
	my $session = AlsTest::Session->new($node);
	is($session->value($answers), $name eq 'after it' ? $after : $before, "$name: the model serves");
	is(relations($session), $relations, "$name: with its tables and no others");
	is($session->value('select coalesce(problem, model::text) from als.models'), 'taste', "$name: it has no problem");
	is($session->value(q{select array_length(loss, 1) from als.retrain('taste', iterations => 3)}), 3, "$name: and can be trained again");
	$node->stop;
}

done_testing();
