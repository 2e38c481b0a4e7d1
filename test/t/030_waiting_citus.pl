# The sessions that one transaction has on a node of Citus do not wait for each other where all of them need the items of a
# new version: Citus would take that for a deadlock, and end the transaction.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use Test::More;

# It looks for deadlocks several times while a session loads the items.
my @nodes = citus_cluster("deadlock_timeout = '10ms'\n")
  or plan skip_all => 'the extension citus is not there';
my $coordinator = $nodes[0];

create_ratings($coordinator, 'ratings', 6_000, 300, 120);
$coordinator->safe_psql('postgres', q{
	select create_distributed_table('ratings', 'user_id');
	select from als.train('taste', 'ratings', factors => 64, iterations => 1, distributed => true);
	insert into taste_item_factors (item_id, factors, bias, n_ratings)
		select item_id + 1000 * n, factors, bias - 100, 0 from taste_item_factors, generate_series(1, 1000) n});
for my $n (1 .. 3)
{
	$coordinator->safe_psql('postgres', q{select als.touch('taste')});
	my ($result, $rows, $error) = $coordinator->psql('postgres', q{select als.recommend_all('taste', 'recs', 3)});
	is($error, '', "new items, loaded by several sessions of a transaction: $n");
	is($rows, 900, 'the lists of all users');
}

$_->stop for @nodes;
done_testing();
