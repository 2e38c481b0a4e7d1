# als.train(..., distributed => true) on Citus: the same loss as in one place, the same bits on one machine and on two, no
# statement that gathers ratings or users, and an end within seconds when it is cancelled or a worker dies.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $base = new_node('plain');
plan skip_all => 'the extension citus is not there'
  if $base->safe_psql('postgres', q{select count(*) from pg_available_extensions where name = 'citus'}) == 0;

my %node;
for my $name ('coordinator', 'one', 'two')
{
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', <<'EOF');
shared_preload_libraries = 'citus'
max_prepared_transactions = 100
max_connections = 100
autovacuum = off
citus.enable_statistics_collection = off
listen_addresses = 'localhost'
EOF
	$node->append_conf('pg_hba.conf', 'host all all 127.0.0.1/32 trust');
	$node->append_conf('pg_hba.conf', 'host all all ::1/128 trust');
	$node->start;
	$node->safe_psql('postgres', 'create extension citus');
	$node{$name} = $node;
}
my $coordinator = $node{coordinator};

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

sub sql_on { my ($node, $sql) = @_; return $node->safe_psql('postgres', $sql); }

sql("select citus_set_coordinator_host('localhost', " . $coordinator->port . ')');
sql("select citus_add_node('localhost', " . $node{$_}->port . ')') for 'one', 'two';
sql('create extension als');
for my $node ($base, $coordinator)
{
	create_ratings($node, 'ratings', 100_000, 2000, 300);
}
sql("select create_distributed_table('ratings', 'user_id', shard_count => 8)");

# A part is of whole shards: what als takes for the shard of a user is that of Citus.
sql("create table named (user_id text); select create_distributed_table('named', 'user_id', shard_count => 6)");
for my $ids ([ 'ratings', 'u', 'int', 8 ], [ 'named', "'user ' || u", 'text', 6 ])
{
	my ($table, $id, $type, $shards) = @$ids;
	my $places = join ', ', 1, 100, -$shards, 0 .. $shards - 1;
	is(sql("select count(*), count(distinct part), count(*) filter (where part <> number) from (select $id as id, dense_rank() over (order by "
				. "get_shard_id_for_distribution_column('$table', $id)) - 1 as number from generate_series(1, 300) u) users "
				. "join als._collect_query(\$\$select $id, 1, 1 from generate_series(1, 300) u\$\$, '{$places}') as found(part int, place int, user_id $type, "
				. 'items int[], n bigint, kept bigint, ratings bytea) on user_id = id'),
		"300|$shards|0", "$type: the shards of users");
}

# What a training says of itself, and the bits of its factors.
my $result = q{
	select array_to_string(loss, ' ') from m;
	select md5(string_agg(factors::text || coalesce(bias::text, ''), '' order by user_id)) from m_user_factors;
	select md5(string_agg(factors::text || coalesce(bias::text, ''), '' order by item_id)) from m_item_factors;
	select distributed, parts, n_users, n_items, n_ratings from m};
my %results;
for my $feedback ('explicit', 'implicit')
{
	my $train = "select from als.train('m', 'ratings', factors => 16, iterations => 3, feedback => '$feedback', threads => 1";
	my ($plain_loss, @plain) =
	  split /\n/, $base->safe_psql('postgres', "$train, distributed => true, parts => 8); $result");
	my ($loss, @on_two) = split /\n/, sql("$train, distributed => true, parts => 8); $result");
	is(join("\n", $loss, @on_two), join("\n", $plain_loss, @plain), "$feedback: the bits are those of eight parts in one place");
	$base->safe_psql('postgres', 'drop table m_user_factors, m_item_factors, m');
	my ($alone) = split /\n/, $base->safe_psql('postgres', "$train); $result");
	$base->safe_psql('postgres', 'drop table m_user_factors, m_item_factors, m');
	my @loss = split / /, $loss;
	my @apart = map { abs($_ / shift(@loss) - 1) } split / /, $alone;
	is(scalar(grep { $_ > 1e-5 } @apart), 0, "$feedback: the loss is that of one place after each iteration")
	  or diag("apart by @apart");
	is(sql(q{select count(*) from als.recommend('m', 7, 5)}), 5, "$feedback: the model serves");
	sql('drop table m_user_factors, m_item_factors, m');
	$results{$feedback} = join("\n", $loss, @on_two);
}

# What Citus says of its plans: nothing is collected at the coordinator but the items, and what is small: sums, and the
# blocks of the items' vectors, one for each step that has another than the step before. Ratings go from node to node;
# users stay where they are.
# The first half-step of the items has a fourth pass, as the vectors of some begin far too long.
sub plans
{
	my ($call) = @_;
	my $said = '';
	$coordinator->psql('postgres', "set client_min_messages = debug1; select from als.train('m', $call, distributed => true)", stderr => \$said);
	return $said;
}
my $plans = plans(q{'ratings', factors => 16, iterations => 1});
my ($steps, $writing) = split /als: iteration 1 of 1/, $plans;
is(scalar(() = $steps =~ /Collecting INSERT/g), 12, 'collected: the parts, the items, their numbers, the blocks of five steps, and the sums of four');
is(scalar(() = $steps =~ /performing repartitioned INSERT/g), 2, 'repartitioned: the ratings and the totals');
my @subplans = $steps =~ /generating subplan \S+ for subquery ([^\n]*)/g;
like($subplans[0], qr/^SELECT item_id FROM \(SELECT unnest\(als_[0-9a-f]+_rows.items\) /, 'of the rows the ids of items are gathered, to be numbered');
like($subplans[1], qr/^SELECT array_agg\(item_id ORDER BY idx\)/, '... and by number, for the sessions that have read them');
is(scalar(@subplans), 2, 'and nothing else') or diag(join("\n", @subplans));
unlike($plans, qr/generating subplan [^\n]*als_[0-9a-f]+_(chunks|users|sums|slices)/, 'no table of a training is gathered for another statement');
is(sql('select parts from m'), 2, 'a part for each worker');
sql('drop table m_user_factors, m_item_factors, m');

# Each partition of a shard is read by a scan of its own, and users have ratings in all.
sql('create table by_day (user_id int, item_id int, rating real, day int) partition by range (day)');
sql("create table day_$_ partition of by_day for values from ($_) to ($_ + 1)") for 0 .. 2;
sql("select create_distributed_table('by_day', 'user_id', shard_count => 4)");
my $by_day = 'select u as user_id, i as item_id, (1 + (u * i) % 5)::real as rating, i % 3 as day from generate_series(1, 60) u, generate_series(1, 20) i';
sql("insert into by_day $by_day");
my $train_by_day = "select from als.train('m', 'by_day', factors => 5, iterations => 3, distributed => true, parts => 4); $result";
my $of_all_days = sql($train_by_day);
like($of_all_days, qr/^t\|4\|60\|20\|1200$/m, 'all partitions are read');
$base->safe_psql('postgres', "create table by_day as $by_day");
is($of_all_days, $base->safe_psql('postgres', $train_by_day), 'as one table');
sql('drop table m_user_factors, m_item_factors, m, by_day');
$base->safe_psql('postgres', 'drop table m_user_factors, m_item_factors, m, by_day');

# Shards that are plain tables are read by their names, each once: where the first rows are dead, and where there are none.
# A policy of the source's, and privileges on some of its columns, are those of the source as it is named.
my $rows_of_few = q{select u as user_id, i as item_id, (1 + (u * i) % 5)::real as rating from generate_series(1, 18) u, generate_series(1, 20) i where u % 3 > 0};
for my $node ($base, $coordinator)
{
	sql_on($node, q{create table few (user_id int, item_id int, rating real, secret text)});
	sql_on($node, q{select create_distributed_table('few', 'user_id', shard_count => 16)}) if $node != $base;
	sql_on($node, q{insert into few select 3 * (i % 20), i, 1 from generate_series(1, 2000) i});
	sql_on($node, q{delete from few});
	sql_on($node, "insert into few(user_id, item_id, rating) $rows_of_few");
	sql_on($node, q{create role reader login; grant create, usage on schema public to reader; create policy even on few to reader using (user_id % 2 = 0)});
}
sub train_few
{
	my ($node) = @_;
	my $found = sql_on($node, "set role reader; set plan_cache_mode = force_generic_plan; set standard_conforming_strings = off; select from als.train('m', 'few', factors => 5, iterations => 3, distributed => true, parts => 16); $result");
	sql_on($node, 'drop table m_user_factors, m_item_factors, m');
	return $found;
}
my $logged = -s $node{one}->logfile;
sub named_shards { return scalar(() = substr(slurp_file($node{one}->logfile), $logged) =~ /tablesample als\._first_rows/gi); }
sql_on($node{one}, q{alter system set log_statement = 'all'});
sql_on($node{one}, 'select pg_reload_conf()');
for my $case (
	[ 'some columns', 'grant select (user_id, item_id, rating) on few to reader', 240, 0 ],
	[ 'the table', 'grant select on few to reader', 240, 1 ],
	[ 'a policy', 'alter table few enable row level security', 120, 0 ])
{
	my ($name, $change, $ratings, $is_named) = @$case;
	sql_on($_, $change) for $base, $coordinator;
	$logged = -s $node{one}->logfile;
	my $found = train_few($coordinator);
	like($found, qr/^t\|16\|\d+\|20\|$ratings$/m, "$name: all ratings that can be seen are read");
	is($found, train_few($base), "$name: as one table's");
	is(named_shards() > 0, $is_named == 1, "$name: " . ($is_named ? 'shards are named' : 'the rows come by the source')) ;
}
sql_on($node{one}, 'alter system reset log_statement');
sql_on($node{one}, 'select pg_reload_conf()');
sql_on($_, 'drop table few') for $base, $coordinator;

# More than a few megabytes of blocks and sums go from node to node, too.
sql('create table wide as select i % 200 as user_id, i % 18000 as item_id, 1 + i % 7 % 5 as rating from generate_series(1, 36000) i');
sql("select create_distributed_table('wide', 'user_id')");
($steps) = split /als: iteration 1 of 1/, plans(q{'wide', factors => 250, iterations => 1, feedback => 'implicit'});
is(scalar(() = $steps =~ /Collecting INSERT/g), 5, 'collected: the parts, the items, their numbers, the last sums, and how far items have gone');
is(scalar(() = $steps =~ /performing repartitioned INSERT/g), 7, 'repartitioned: the ratings, the totals, the blocks of three steps, and the sums of two');
sql('drop table m_user_factors, m_item_factors, m, wide');

# The same on one worker.
sql("select citus_drain_node('localhost', " . $node{two}->port . ", 'block_writes')");
is( join("\n",
		split /\n/,
		sql("select from als.train('m', 'ratings', factors => 16, iterations => 3, threads => 1, distributed => true, parts => 8); $result")),
	$results{explicit},
	'the same bits on one worker');
sql('drop table m_user_factors, m_item_factors, m');
sql("select citus_set_node_property('localhost', " . $node{two}->port . ", 'shouldhaveshards', true)");
sql(q{select rebalance_table_shards(shard_transfer_mode => 'block_writes')});

# Plans are made on the other machines as a training needs them, whatever these are set to; it ends with the transaction.
my $settings = q{select string_agg(distinct current_setting('jit', user_id is null) || ' ' || current_setting('work_mem', user_id is null), ', ') from ratings};
sql("select run_command_on_workers('alter system set jit = on')");
sql("select run_command_on_workers('select pg_reload_conf()')");
is( sql("begin; set local client_min_messages = warning; set local maintenance_work_mem = '55MB'; "
		  . "select from als.train('m', 'ratings', factors => 2, iterations => 1, distributed => true, parts => 2); set local citus.max_adaptive_executor_pool_size = 1; $settings; rollback"),
	'off 55MB', 'nodes plan as the training says');
is(sql($settings), 'on 4MB', '... and then as before');

# A source that is not distributed by its users is refused before the work.
sql(q{create table by_item as select * from ratings; select create_distributed_table('by_item', 'item_id')});
my (undef, undef, $error) = $coordinator->psql('postgres', q{select from als.train('m', 'by_item', distributed => true)});
like($error, qr/distributed by column "item_id", not by its users/, 'a source distributed by items is refused');

# What lies on the workers and in the catalogs.
my $relations = q{select count(*) from pg_class where relname like 'als\_%'};

sub left_over { return join ' ', map { $node{$_}->safe_psql('postgres', $relations) } sort keys %node; }
is(left_over(), '0 0 0', 'no table is left anywhere');

# Cancelled, and with a worker's backends killed.
my $watcher = $coordinator->background_psql('postgres');
for my $end ('cancel', 'kill')
{
	my $session = $coordinator->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('select pg_backend_pid()');
	$session->query_until(qr/begun/, "\\echo begun\nselect from als.train('m', 'ratings', iterations => 10000, distributed => true);\n");
	wait_until('the training to iterate',
		sub { sql("select count(*) from als.progress where pid = $pid and phase = 'training' and iteration > 0") });
	my $start = time;
	if ($end eq 'cancel')
	{
		sql("select pg_cancel_backend($pid)");
	}
	else
	{
		$node{one}->safe_psql('postgres',
			q{select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'citus_internal%'});
	}
	wait_until('the training to end', sub { sql("select count(*) from pg_stat_activity where pid = $pid and state = 'active'") == 0 });
	cmp_ok(time - $start, '<', 10, "$end: it ends");
	$session->quit;
	is(left_over(), '0 0 0', "$end: no table is left anywhere");
	is(sql("select count(*) from pg_prepared_xacts"), 0, "$end: nor a prepared transaction");
}
$watcher->quit;
is(sql("select distributed from als.train('m', 'ratings', iterations => 1, distributed => true)"), 't', 'and the next one works');
is(left_over(), '0 0 0', 'without a rest');

done_testing();
