# A model whose users are distributed by Citus and whose items are on all nodes: from any node, with changes that become
# visible when they commit.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = citus_cluster("log_statement = all\n") or plan skip_all => 'the extension citus is not there';
my ($coordinator, @workers) = @nodes;
is($_->safe_psql('postgres', q{select count(*) from pg_extension where extname = 'als'}), 1, $_->name . ' has the extension') for @workers;

create_ratings($coordinator, 'ratings', 20_000, 300, 120);
$coordinator->safe_psql(
	'postgres', q{
	create index on ratings (user_id);
	select create_distributed_table('ratings', 'user_id');
	select from als.train('single', 'ratings', factors => 8, iterations => 3);
	create table users (user_id int primary key, factors real[] not null, bias real, n_ratings int, checksum bigint);
	select create_distributed_table('users', 'user_id', colocate_with => 'ratings');
	insert into users select user_id, factors, bias, n_ratings, checksum from single_user_factors;
	create table items (item_id int primary key, factors real[] not null, bias real, n_ratings int, checksum bigint, popularity real);
	select create_reference_table('items');
	insert into items select item_id, factors, bias, n_ratings, checksum, popularity from single_item_factors;
	create table list as select u as user_id, r.* from generate_series(1, 40) as u, als.recommend('single', u, 5) as r;
	create table similar_list as select i as id, r.* from generate_series(1, 9) as i, als.similar_items('single', i, 5) as r});

# A source that is distributed by user comes as a row for each user, put together where the users are; and trains the
# same model, bit by bit, as a table here. One that is distributed otherwise comes row by row.
$coordinator->safe_psql(
	'postgres', q{
	create table copy as select * from ratings union all values (5, null, 3), (5, 7, null), (6, 8, 2), (6, 8, 4);
	create table by_user as select * from copy;
	select create_distributed_table('by_user', 'user_id');
	create table by_shop as select *, user_id % 7 as shop from copy;
	select create_distributed_table('by_shop', 'shop')});
my %log_before = map { $_->name => -s $_->logfile } @workers;
my $trained = q{select n_rows, n_skipped, n_duplicates, loss, (select md5(string_agg(f::text, ',' order by user_id)) from %1$s_user_factors as f) from %1$s};
for my $source (qw(copy by_user by_shop))
{
	$coordinator->safe_psql('postgres', "select from als.train('of_$source', '$source', factors => 8, iterations => 3)");
	is($coordinator->safe_psql('postgres', sprintf $trained, "of_$source"), $coordinator->safe_psql('postgres', sprintf $trained, 'of_copy'), "a model of $source");
}
for my $worker (@workers)
{
	my $log = slurp_file($worker->logfile, $log_before{ $worker->name });
	like($log, qr/SELECT user_id, (pg_catalog\.)?array_agg\(item_id\).* FROM public\.by_user_\d+ .* GROUP BY user_id/, $worker->name . ' puts the ratings of a user together');
	unlike($log, qr/array_agg\(item_id\).* FROM public\.by_shop_/, 'but not those of which it has a part');
}

# How the statement fails, as SQLSTATE and message.
sub failure
{
	my ($node, $sql) = @_;
	my (undef, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	return $stderr =~ /ERROR:  (.*)/ ? $1 : 'no error';
}

$coordinator->safe_psql('postgres', 'create table here (like items including all); insert into here select * from items');
like(failure($coordinator, q{select als.attach_model('taste', 'users', 'here')}), qr/^55000: table public.here is not on all nodes/, 'items on one node are refused');
$coordinator->safe_psql('postgres', 'create table here_users (like users including all); insert into here_users select * from users');
like(failure($coordinator, q{select als.attach_model('taste', 'here_users', 'items')}), qr/^55000: table public.here_users is on this node only/, 'and users');

my $attach = q{
	select concat_ws(' ', n_users, n_items, user_factors, user_table, item_table)
	from als.attach_model('taste', 'users', 'items', feedback => 'explicit', source => 'ratings',
		regularization => (select regularization from single), bias_regularization => (select bias_regularization from single),
		reg_exponent => (select reg_exponent from single), mean => (select mean from single))};
is($coordinator->safe_psql('postgres', $attach), '300 120 public.users public.items', 'a model of distributed tables');
is($coordinator->safe_psql('postgres', q{select partmethod::text || repmodel::text from pg_dist_partition where logicalrelid = 'taste'::regclass}), 'nt', 'whose row is on all nodes');

# From every node.
my $lists = join "\n", map { "select item_id, round(score::numeric, 4), rank from als.recommend('taste', $_, 5);" } 1 .. 40;
my $expected = $coordinator->safe_psql('postgres', 'select item_id, round(score::numeric, 4), rank from list order by user_id, rank');
for my $node (@nodes)
{
	my $name = $node->name;
	is($node->safe_psql('postgres', $lists), $expected, "$name recommends");
	is($node->safe_psql('postgres', q{select round(als.predict('taste', 7, 5)::numeric, 4)}),
		$coordinator->safe_psql('postgres', q{select round(als.predict('single', 7, 5)::numeric, 4)}), "$name predicts");
	is($node->safe_psql('postgres', join "\n", map { "select item_id, score, rank from als.similar_items('taste', $_, 5);" } 1 .. 9),
		$coordinator->safe_psql('postgres', 'select item_id, score, rank from similar_list order by id, rank'), "$name finds similar items");
	is($node->safe_psql('postgres', q{select als.fold_in('taste', '{1,2,3}', '{3,4,5}')}),
		$coordinator->safe_psql('postgres', q{select als.fold_in('single', '{1,2,3}', '{3,4,5}')}), "$name folds in");
	is($node->safe_psql('postgres', q{select string_agg(concat_ws(' ', component, item_id), ', ') from als.explain('taste', 7, 5, 2)}),
		$coordinator->safe_psql('postgres', q{select string_agg(concat_ws(' ', component, item_id), ', ') from als.explain('single', 7, 5, 2)}), "$name explains");
	is($node->safe_psql('postgres', q{select user_table from als.latest_run('taste')}), 'public.users', "$name knows the row");
	is($node->safe_psql('postgres', q{select run, problem from als.models where model::text = 'taste'}), '1|', "$name lists the model");
	is($node->safe_psql('postgres', q{select bool_or(shared) from als.cache where model::text = 'taste' and content ~ 'item'}), 't', "$name shares the items among its sessions");

	# For many users, where they are: nothing is gathered but the lists.
	my $many = q{from users as u, als.recommend_vector('taste', u.factors, 2, bias => u.bias) as r};
	is($node->safe_psql('postgres', "select count(*), count(distinct user_id) $many"), '600|300', "$name makes lists for all users");
	my $plan = $node->safe_psql('postgres', "explain (costs off) select u.user_id, r.* $many");
	like($plan, qr/Task Count: 8\b.*-> +Task.*Function Scan on recommend_vector/s, 'on the nodes that have the users');
	unlike($plan, qr/Distributed Subplan|Distributed Join/, 'without a step between');
	like($node->safe_psql('postgres', q{explain (costs off) select factors from only users where user_id = 7}), qr/Task Count: 1\b/, "a user is one row of one node for $name");
}
like(failure($coordinator, q{select als.recommend('users', 1)}), qr/^42809: "users" is not an als model/, 'not every distributed table is a model');

# A reference table is one with the columns of als.model alone, of their types: what is of another type is cast by whatever
# its owner has made. One that an older version has made may lack the last of them.
$coordinator->safe_psql(
	'postgres', q{
	create table copied (like als.model, primary key (run));
	create table shorter (like als.model, primary key (run));
	alter table shorter drop column new_item_shrinkage;
	create table longer (like als.model, more text, primary key (run));
	create table wider (like als.model, primary key (run));
	alter table wider alter trained_at type timestamp;
	create table renamed (like als.model, primary key (run));
	alter table renamed rename advice to adviser});
$coordinator->safe_psql('postgres', "select create_reference_table('$_')") for qw(copied shorter longer wider renamed);
like(failure($coordinator, "select als.predict('$_', 1, 1)"), qr/^55000: model public.$_ holds no training run/, "$_ is a model") for qw(copied shorter);
for my $table (qw(longer wider renamed))
{
	like(failure($coordinator, "select $_"), qr/^42809: "$table" is not an als model/, "$table is none: $_")
	  for "als.predict('$table', 1, 1)", "als.latest_run('$table')", "als.report('$table')";
	is($coordinator->safe_psql('postgres', "select count(*) from als.models where model = '$table'::regclass"), 0, 'nor is it listed');
}
$coordinator->safe_psql('postgres', 'drop table copied, shorter, longer, wider, renamed');

my %log_size = map { $_->name => -s $_->logfile } @workers;

$coordinator->safe_psql('postgres', q{create table lists (user_id int, item_id text, score real, rank int); select create_distributed_table('lists', 'user_id', colocate_with => 'users')});
my $insert = q{insert into lists select u.user_id, r.item_id, r.score, r.rank from users u, als.recommend_vector('taste', u.factors, 3, bias => u.bias) r};
like($coordinator->safe_psql('postgres', "explain (costs off) $insert"), qr/method: repartition\b/, 'lists that are kept do not pass the coordinator');
$coordinator->safe_psql('postgres', $insert);
is($coordinator->safe_psql('postgres', q{select count(*), count(distinct user_id) from lists}), '900|300', 'they are whole');

# Changes made by als are seen on every node.
sub on_all
{
	my ($sql) = @_;
	return join ' ', map { $_->safe_psql('postgres', $sql) } @nodes;
}
$coordinator->safe_psql('postgres', q{insert into ratings values (1000, 1, 5), (1000, 2, 1), (1000, 3, 4)});
is($coordinator->safe_psql('postgres', q{select als.refresh_users('taste', array[1000])}), 1, 'a user who is new');
is(on_all(q{select count(*) from als.recommend('taste', 1000, 3)}), '3 3 3', 'is served by every node');
is($coordinator->safe_psql('postgres', q{select als.refresh_users('taste')}), 0, 'nothing else is to be refreshed');
my $before = on_all(q{select als.predict('taste', 7, 1)});
is($coordinator->safe_psql('postgres', q{insert into ratings select u, 1, 1 from generate_series(2000, 2400) u; select als.refresh_users('taste'); select als.refresh_items('taste', array[1])}), "401\n1", 'an item is refreshed');
my $after = on_all(q{select als.predict('taste', 7, 1)});
my @after = split / /, $after;
isnt($after, $before, 'and its score is another');
is("@after[1, 2]", "@after[0, 0]", 'on all nodes');
is($coordinator->safe_psql('postgres', q{select als.refresh_users('taste')}), 0, 'a user of an item that is the same one needs nothing');
# By hand: als.touch tells.
$coordinator->safe_psql('postgres', q{begin; update items set factors = array_fill(0::real, '{8}'), bias = 0 where item_id = 5; select als.touch('taste'); commit});
my $without_item = $coordinator->safe_psql('postgres', 'select (s.mean + u.bias)::real from single s, single_user_factors u where user_id = 7');
is(on_all(q{select als.predict('taste', 7, 5)}), "$without_item $without_item $without_item", 'a change by hand is seen on every node');
is(on_all(q{select n_users = (select count(*) from users) and n_items = 120 from taste}), 't t t', 'and counted');

# What is kept of the items goes by the version in the model's row, so on no node may one be visible without the other:
# both are in one transaction that is prepared.
for my $worker (@workers)
{
	my $log = slurp_file($worker->logfile, $log_size{ $worker->name });
	my (%written, @together);
	while ($log =~ /\[(\d+)\].*? (?:(PREPARE TRANSACTION)|(?:INSERT INTO|UPDATE(?: ONLY)?) public\.(items|taste)_\d+ )/g)
	{
		if (!defined $2) { $written{$1}{$3} = 1; next }
		my $tables = join ' and ', sort keys %{ $written{$1} };
		push @together, $tables if $tables;
		delete $written{$1};
	}
	is("@together", 'taste taste items and taste items and taste', $worker->name . ' has prepared two refreshes of users, one of an item, and a change by hand');
}

# A change that is prepared on a node is not served there; after its commit it is.
for my $worker (@workers)
{
	my $session = AlsTest::Session->new($worker);
	$session->query('set citus.enable_manual_changes_to_shards = on');
	my ($items, $row) = map {
		$worker->safe_psql('postgres', "select shard_name(logicalrelid, shardid) from pg_dist_shard where logicalrelid = '$_'::regclass")
	} qw(items taste);
	my $query = q{select als.predict('taste', 7, 6)};
	my $reader = AlsTest::Session->new($worker);
	my $served = $reader->value($query);
	$session->query($_) for 'begin', "update $items set bias = bias + 1 where item_id = 6",
	  "update $row set item_version = gen_random_uuid(), version = gen_random_uuid()", q{prepare transaction 'als_test'};
	is($session->{last}{state}, '00000', 'prepared');
	is($reader->value($query), $served, 'what is prepared is not served');
	is($worker->safe_psql('postgres', $query), $served, 'to no session');
	$session->query(q{commit prepared 'als_test'});
	is($reader->value("select abs(als.predict('taste', 7, 6) - $served - 1) < 1e-4"), 't', 'what is committed is');
	is($worker->safe_psql('postgres', "select abs(als.predict('taste', 7, 6) - $served - 1) < 1e-4"), 't', 'to every session');
	$_->quit for $session, $reader;
}

# A transaction serves its own changes, and nobody else does.
my $writer = AlsTest::Session->new($coordinator);
my $query = q{select als.predict('taste', 7, 9)};
my $served = $coordinator->safe_psql('postgres', $query);
$writer->query($_) for 'begin', q{update items set factors = array_fill(0::real, '{8}'), bias = 0 where item_id = 9}, q{select als.touch('taste')};
isnt($writer->value($query), $served, 'own changes are served');
is($coordinator->safe_psql('postgres', $query), $served, 'and nobody else has them');
$writer->query('rollback');
is($writer->value($query), $served, 'nor after a rollback');
$writer->quit;

# Privileges are those of the caller on every node.
$coordinator->safe_psql('postgres', 'create role app login; grant select on taste, items to app');
for my $node (@nodes)
{
	my $name = $node->name;
	is($node->safe_psql('postgres', q{set role app; select count(*) from als.similar_items('taste', 4, 3)}), 3, "$name serves items to a role that may read them");
	like(failure($node, q{set role app; select * from als.recommend('taste', 7)}), qr/^42501: permission denied for table/, 'and users to one that may read those');
}
$coordinator->safe_psql('postgres', 'revoke select on items from app');
like(failure($_, q{set role app; select * from als.similar_items('taste', 4, 3)}), qr/^42501: permission denied for table/, 'no longer on ' . $_->name) for @nodes;

# Batches and measurements, from the coordinator.
is($coordinator->safe_psql('postgres', q{select als.recommend_all('taste', 'recs', 3)}), $coordinator->safe_psql('postgres', 'select 3 * count(*) from users'), 'lists for all users');
is($coordinator->safe_psql('postgres', q{select count(*) from als.evaluate('taste', 'ratings', exclude_seen => false) where metric = 'rmse' and value > 0}), 1, 'an evaluation');
is($coordinator->safe_psql('postgres', q{select count(*) from als.create_functions('taste')}), 8, 'functions of the model');

# The tables are not als's to empty or drop.
like(failure($coordinator, q{select als.train('taste', 'ratings', replace => true)}), qr/^55000: the factors of model public.taste are in public.users/, 'no training empties them');
$coordinator->safe_psql('postgres', q{select als.drop_model('taste')});
is(on_all(q{select to_regclass('taste') is null, (select count(*) from items)}), 't|120 t|120 t|120', 'the model goes from all nodes, the tables stay');

# Citus wants its hooks to be free when it is loaded.
$coordinator->append_conf('postgresql.conf', "shared_preload_libraries = 'als, citus'");
$coordinator->restart;
is($coordinator->safe_psql('postgres', q{select count(*) > 0, als.dot('{1,2}', '{3,4}') from users}), 't|11', 'als may be loaded before Citus');

$_->stop for @nodes;
done_testing();
