# A node of Citus that is cut off from the coordinator in the middle of a distributed training: with the settings that
# docs/clusters.md gives, an error within seconds that names it, and both ends give up what they had.

use strict;
use warnings FATAL => 'all';

use OwnNetwork;
use AlsTest;
use Test::More;

my $address = '127.0.0.3';
my @nodes   = citus_cluster(
	"citus.node_conninfo = 'sslmode=prefer connect_timeout=5 keepalives_idle=2 keepalives_interval=1 keepalives_count=2 tcp_user_timeout=4000'
	citus.node_connection_timeout = 5000
	citus.recover_2pc_interval = 1000
	tcp_keepalives_idle = 2
	tcp_keepalives_interval = 1
	tcp_keepalives_count = 2
	tcp_user_timeout = 4s
	client_connection_check_interval = 1s\n",
	addresses => [ '127.0.0.2', $address, '127.0.0.4' ]) or plan skip_all => 'the extension citus is not there';
my ($coordinator, $worker) = @nodes;

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

create_ratings($coordinator, 'ratings', 20_000, 1000, 300);
sql(q{select create_distributed_table('ratings', 'user_id', shard_count => 2); create index on ratings (user_id)});
my $train = q{select from als.train('taste', 'ratings', factors => 16, iterations => %d, distributed => true, replace => true)};
sql(sprintf $train, 1);
my $list = q{select string_agg(concat_ws(' ', item_id, score), ', ' order by rank) from als.recommend('taste', 7, 5)};
my $shard = $worker->safe_psql('postgres',
	q{select shard_name(logicalrelid, shardid) from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node n using (groupid)}
	  . qq{ where logicalrelid = 'ratings'::regclass and nodename = '$address'});

# While it waits for what the node has to say, and while it sends: what is kept busy there, and what is reached.
my %phases = (
	reading  => [ "begin; lock table $shard in access exclusive mode", q{phase = 'reading'} ],
	training => [ 'select',                                          q{phase = 'training' and iteration > 0} ]);
for my $phase (sort keys %phases)
{
	my ($keep, $reached) = @{ $phases{$phase} };
	my $keeper  = AlsTest::Session->new($worker, settings => 'citus.enable_manual_changes_to_shards=on');
	my $session = AlsTest::Session->new($coordinator);
	my $served  = sql($list);
	is($keeper->query($keep)->{state}, '00000', "$phase: the node is busy");
	$session->begin(sprintf $train, 10_000);
	my $what  = "cut off, $phase";
	my $error = error_of_harmed(
		$session, $what,
		sub { sql("select count(*) from als.progress where pid = $_[0] and $reached") },
		sub { cut_off($address) });
	like($error, qr/\Q$address\E/, "$what: which names the node");
	like(($coordinator->psql('postgres', "\\set VERBOSITY verbose\n" . sprintf $train, 1))[2],
		qr/ERROR:  08006: .*\Q$address\E/, "$what: the next one is refused, with the name of the node");
	$_->quit for $keeper, $session;
	wait_until("$what: the node to miss the coordinator",
		sub { $worker->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name like 'citus_internal%' and state <> 'idle'}) == 0 });
	connect_again($address);
	is(sql($list), $served, "$what: the model serves as it was");
	wait_until("$what: prepared transactions to be settled",
		sub { !grep { $_->safe_psql('postgres', 'select count(*) from pg_prepared_xacts') } @nodes });
	is(join(' ', map { $_->safe_psql('postgres', q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}'}) } @nodes),
		'0 0 0', "$what: nothing is left");
	is(($coordinator->psql('postgres', sprintf $train, 1))[2], '', "$what: the next training works");
}

$_->stop for @nodes;
done_testing();
