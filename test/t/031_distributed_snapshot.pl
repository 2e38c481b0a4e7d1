# A distributed training reads its source twice where duplicates are an error, and sees the same rows both times;
# else once.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('snapshot');
create_ratings($node, 'ratings', 4000, 200, 60);
$node->safe_psql('postgres', 'delete from ratings a using ratings b where a.user_id = b.user_id and a.item_id = b.item_id and a.ctid > b.ctid');
# Each pass over the source calls pass(): the second waits while somebody else holds the lock.
$node->safe_psql(
	'postgres', q{
	create sequence passes;
	create function pass() returns int volatile language plpgsql as $$
	begin
		if nextval('passes') > 1 then
			perform pg_advisory_xact_lock_shared(1);
		end if;
		return 1;
	end $$;
});

my ($trainer, $other) = map { AlsTest::Session->new($node) } 1 .. 2;
$other->query('select pg_advisory_lock(1)');
$trainer->begin(
	q{select n_rows, n_skipped, n_ratings, n_items, highest_rating from als.train('model',
	  'select r.* from ratings r, (select pass() offset 0) p', factors => 2, iterations => 1, distributed => true, on_duplicate => 'error')}
);
wait_until(
	'the second pass',
	sub {
		$trainer->pump_for(0.01);
		$other->value(q{select count(*) from pg_locks where locktype = 'advisory' and not granted}) == 1;
	});
my $before = $other->rows('select count(*), 0, count(distinct (user_id, item_id)), count(distinct item_id), max(rating) from ratings');
$other->query('delete from ratings where user_id = 7');
$other->query('insert into ratings select u, i, 50 from generate_series(1, 300) u, generate_series(50, 99) i');
$other->query('select pg_advisory_unlock(1)');
my $model = $trainer->wait;
is($model->{state}, '00000', 'the training') or diag $model->{err};
is($model->{out}, join("\t", @{ $before->[0] }), 'both passes saw the same rows');
cmp_ok($other->value("select nextval('passes')"), '>', 2, 'there were two');

# What the defaults of implicit feedback go by is measured on the ratings as they have been packed.
$other->query(q{select setval('passes', 1, false)});
$trainer->query(q{select from als.train('clicks', 'select r.* from ratings r, (select pass() offset 0) p',
	factors => 2, iterations => 1, feedback => 'implicit', distributed => true)});
is($other->value(q{select nextval('passes')}), 2, 'implicit feedback takes one pass');

$_->quit for $trainer, $other;
$node->stop;
done_testing;
