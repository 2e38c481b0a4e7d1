# What a transaction has changed itself, and may yet take back, is seen by itself alone and kept no longer.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('own');
create_ratings($node, 'ratings', 6000, 500, 400);
$node->safe_psql(
	'postgres', q{
	select from als.train('taste', 'ratings', factors => 8, iterations => 2);
	create table log (what text);
	create table heard (answer text);
	-- Asks the model in the middle of the statement that changes it.
	create function peek() returns trigger language plpgsql as $$
	begin
		if new.item_id = 9 then
			insert into heard
			select md5(string_agg(r::text, ' ' order by r.rank)) from als.recommend('taste', 7) as r;
		end if;
		return null;
	end $$;
	create trigger aaa after update on taste_item_factors for each row execute function peek()});
my $recommend = q{select md5(string_agg(r::text, ' ' order by r.rank)) from als.recommend('taste', 7) as r};
my $change    = q{update taste_item_factors set bias = bias + item_id};
my $undo      = q{update taste_item_factors set bias = bias - item_id};
my $images    = q{select content, shared, sessions from als.cache where model = 'taste'::regclass order by content, shared};
my $heard     = q{select answer from heard};

# A transaction that has written something else ---------------------------------------------------

my $first  = AlsTest::Session->new($node);
$first->query(q{begin; insert into log values ('asked')});
my $answer = $first->value($recommend);
is_deeply(
	$first->rows($images),
	[ [ 'item factors', 't', 1 ], [ 'item search', 't', 1 ] ],
	'a transaction that has written something else builds what all can use');
$first->query('commit');

# Of the factors, with and without shared memory --------------------------------------------------

for my $settings ('als.cache_size=1GB', 'als.cache_size=0')
{
	my $writer = AlsTest::Session->new($node, settings => $settings);
	for my $warm (0, 1)
	{
		$writer->value($recommend) if $warm;
		my $what = $settings . ($warm ? ', warm' : '');
		$writer->query("begin; truncate heard; $change");
		my $changed = $writer->value($recommend);
		isnt($changed, $answer, "$what: a transaction sees what it has changed");
		is($writer->value($heard), $changed, 'even in the middle of the statement that did');
		is($first->value($recommend), $answer, 'others do not');
		$writer->query('rollback');
		is($writer->value($recommend), $answer, 'nor it after a rollback');

		$writer->query("begin; savepoint a; $change");
		is($writer->value($recommend), $changed, 'after a savepoint');
		$writer->query('rollback to a');
		is($writer->value($recommend), $answer, 'and back to it');
		is($writer->value($recommend), $answer, 'again');
		$writer->query('rollback');

		# The version before the savepoint is the transaction's own.
		$writer->query("begin; $change; savepoint a; truncate heard; $change");
		my $twice = $writer->value($recommend);
		is($writer->value($heard), $twice, 'changed once more');
		$writer->query('rollback to a');
		is($writer->value($recommend), $changed, 'and back to what the transaction had changed before');
		$writer->query('rollback');
		is($writer->value($recommend), $answer, 'all rolled back');

		# A statement that fails after it has asked.
		$writer->query("do \$\$ begin $change; raise division_by_zero; exception when division_by_zero then null; end \$\$");
		is($writer->value($recommend), $answer, 'a block that fails');
	}
	$writer->quit;
}
is($first->value($recommend), $answer, 'others have always seen the same');

# Which it may keep while it goes on.
my $writer = AlsTest::Session->new($node);
$writer->query("begin; $change");
my $changed = $writer->value($recommend);
is_deeply(
	$writer->rows($images),
	[ [ 'item factors', 'f', 1 ], [ 'item factors', 't', 1 ], [ 'item search', 'f', 1 ], [ 'item search', 't', 1 ] ],
	'its copy is private');
$writer->query('commit');
is($_->value($recommend), $changed, 'committed, it is everybody\'s') for $writer, $first;
is_deeply(
	$writer->rows($images),
	[ [ 'item factors', 't', 2 ], [ 'item search', 't', 2 ] ],
	'from one copy');

# A parallel plan in a transaction that has written.
my $pairs = q{select md5(string_agg(als.predict('taste', user_id, item_id)::text, ' ' order by user_id, item_id)) from ratings};
my $parallel = q{
	set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
	set min_parallel_table_scan_size = 0; set parallel_leader_participation = off};
$writer->query("begin; $undo");
my $serial = $writer->value("set local max_parallel_workers_per_gather = 0; $pairs");
$writer->query($parallel);
is($writer->value($pairs), $serial, 'workers see what their leader has changed');
$writer->query('rollback');
$writer->quit;

# Copies of one's own -----------------------------------------------------------------------------

my $alone = AlsTest::Session->new($node, settings => 'als.cache_size=0');
for (1 .. 4)
{
	$node->safe_psql('postgres', $undo);
	$node->safe_psql('postgres', $change) if $_ < 4;
	$alone->value($recommend);
}
is($alone->value(q{select count(*) from als.cache where not shared}), 2, 'a session keeps one version in copies of its own');
$_->quit for $alone, $first;
$node->stop;
done_testing();
