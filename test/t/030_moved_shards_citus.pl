# Nodes come and go, and shards move between them, between and during trainings, refreshes and evaluations.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = citus_cluster() or plan skip_all => 'the extension citus is not there';
my ($coordinator, undef, $last) = @nodes;
my $port = $last->port;
my $host = $last->host;

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

# The nodes listen on sockets alone.
for my $node (@nodes)
{
	$node->safe_psql('postgres', "alter system set citus.local_hostname = '$host'");
	$node->reload;
}
create_ratings($coordinator, 'ratings', 40_000, 3_000, 300);
sql(q{
	select create_distributed_table('ratings', 'user_id', shard_count => 4);
	create index on ratings (user_id);
	select from als.train('taste', 'ratings', factors => 8, iterations => 3, distributed => true)});
my $list = q{select string_agg(concat_ws(' ', item_id, score), ', ' order by rank) from als.recommend('taste', 7, 5)};
my $rmse = q{select round(value::numeric, 9) from als.evaluate('taste', 'ratings', exclude_seen => false) where metric = 'rmse'};
my $shards = q{select count(*) from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node using (groupid) where logicalrelid = 'ratings'::regclass and nodeport = } . $port;

# All that needs the users: those that have changed are found, and the figures are those of before.
sub check
{
	my ($what, @serving) = @_;
	sql(q{update ratings set rating = 6 - rating where user_id between 40 and 49});
	is(sql(q{select als.refresh_users('taste')}), 10, "$what: users are refreshed");
	is(sql(q{select als.recommend_all('taste', 'recs', 3)}), sql('select 3 * count(*) from taste_user_factors'), "$what: lists for all users");
	is(sql($rmse), sql("set default_transaction_read_only = on; $rmse"), "$what: an evaluation");
	is(sql(q{select concat_ws(' ', warm_start, n_users) from als.retrain('taste', iterations => 2)}), 't ' . sql('select count(distinct user_id) from ratings'), "$what: trained again");
	my $served = sql($list);
	is($_->safe_psql('postgres', $list), $served, "$what: " . $_->name . ' serves') for @serving;
}

# Between them.
sql(qq{select citus_drain_node('$host', $port, 'block_writes')});
is(sql($shards), 0, 'a node without users');
check('without users on a node', @nodes);
sql(qq{select citus_remove_node('$host', $port)});
check('with a node less', @nodes[ 0, 1 ]);
sql(qq{select citus_add_node('$host', $port)});
check('with a node more', @nodes);
sql(q{select rebalance_table_shards(shard_transfer_mode => 'block_writes')});
is(sql($shards), 2, 'users on all nodes');
check('with users on all nodes', @nodes);

# During them Citus moves no shard, and says so.
my $move = qq{
	select citus_move_shard_placement(shardid, nodename, nodeport, nodename, case nodeport when $port then (select min(nodeport) from pg_dist_node where groupid > 0) else $port end, 'block_writes')
	from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node using (groupid)
	where logicalrelid = 'ratings'::regclass order by shardid limit 1};
my $mover = AlsTest::Session->new($coordinator);
my $worker = AlsTest::Session->new($coordinator);
for my $during ([ 'a training', q{select warm_start from als.retrain('taste', iterations => 40)} ], [ 'a refresh', q{update ratings set rating = 6 - rating where user_id between 50 and 59; select als.refresh_users('taste')} ])
{
	my ($what, $sql) = @$during;
	$worker->rows('begin');
	$worker->rows($_) for split /;\s*/, $sql;
	like($mover->query($move)->{err}, qr/could not acquire the lock required to move/, "no shard moves during $what");
	$worker->rows('commit');
	is($mover->query($move)->{state}, '00000', 'but after it');
	check("a shard moved beside $what", @nodes);
}

# The other way round.
$mover->rows('begin');
$mover->rows($move);
$worker->begin(q{select warm_start from als.retrain('taste', iterations => 2)});
$worker->pump_for(2);
$mover->rows('commit');
like($worker->wait->{err}, qr/^$|could not acquire the lock required to colocate/, 'a training that begins during a move waits for it, or says that there is one');
check('after a move', @nodes);
is(join(' ', map { $_->safe_psql('postgres', q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}'}) } @nodes), '0 0 0', 'nothing is left');

$_->stop for @nodes;
done_testing();
