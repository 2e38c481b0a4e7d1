# How many models fit, and how much shared memory they leave to others.

use strict;
use warnings FATAL => 'all';

# A small /dev/shm, as containers have it.
use SmallMount '/dev/shm', '64m';
use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('room');
create_ratings($node, 'ratings', 60_000, 5000, 4000);

# Many models -------------------------------------------------------------------------------------

$node->safe_psql(
	'postgres', q{
	create table few as select user_id, item_id, rating from ratings where user_id <= 20 and item_id <= 50;
	select from generate_series(1, 60) as i, als.train('m' || i, 'few', factors => 2, iterations => 1)});
my $ask      = q{select count(r) from generate_series(1, 60) as i, als.recommend(('m' || i)::regclass, 1) as r};
my $session  = AlsTest::Session->new($node);
my $count    = $session->value($ask);
my $entries  = q{select count(*) from als.cache where shared and model::text like 'm%'};
is($session->value($entries), 120, 'sixty models are in shared memory');
my $versions = q{select string_agg(last_used::text, ' ' order by model, content) from als.cache where content like '%factors'};
my $built    = $session->value($versions);
my $other    = AlsTest::Session->new($node);
is($other->value($ask), $count, 'for another session');
is($other->value($versions), $built, 'which has built none of them again');
$_->quit for $session, $other;
$node->safe_psql('postgres', q{select als.drop_model(('m' || i)::regclass) from generate_series(1, 60) as i});

# Little shared memory ----------------------------------------------------------------------------

SKIP:
{
	skip 'no /dev/shm can be mounted here', 8 if !mounted();
	my $free = sub { (split ' ', (grep { m{/dev/shm$} } `df -k /dev/shm`)[-1])[3] / 1024 };
	note sprintf('%.1f MB are free', $free->());
	# Each needs 8 MB for the factors, as much for the search.
	$node->safe_psql(
		'postgres', q{
		create table wide as
		select (i % 3000 + 1)::int as user_id, (i % 25000 + 1)::int as item_id, (i % 5 + 1)::real as rating
		from generate_series(1, 75000) as i;
		select from als.train('a', 'wide', factors => 64, iterations => 1);
		select from als.train('b', 'wide', factors => 64, iterations => 1)});
	$session = AlsTest::Session->new($node);
	my $asked = q{select count(*) from als.recommend('%s', 7, exclude_seen => false)};
	is($session->value(sprintf $asked, $_), 10, "model $_ serves") for qw(a b);
	cmp_ok($session->value('select coalesce(sum(bytes), 0) from als.cache where shared') / 1048576,
		'<', 17, 'from a quarter of the shared memory at most');
	cmp_ok($free->(), '>', 40, 'the rest is free');
	$session->query(
		q{
		set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
		set min_parallel_table_scan_size = 0; set enable_mergejoin = off; set enable_nestloop = off});
	my $join = q{
		select count(*) from (select g as a, repeat('x', 40) as s from big) as l
		join (select g as b, repeat('y', 40) as t from big) as r on a = b};
	$session->query('create table big as select g from generate_series(1, 200000) as g; analyze big');
	like($session->query("explain (costs off) $join")->{out}, qr/Parallel Hash/, 'a parallel hash join');
	my $result = $session->query($join);
	is($result->{state}, '00000', 'finds room');
	is($result->{out}, 200000, 'for all its rows');
	is($session->value(sprintf $asked, 'a'), 10, 'and models serve on');
	$session->quit;
}
$node->stop;
done_testing();
