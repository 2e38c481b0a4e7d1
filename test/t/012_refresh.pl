# Refreshing rows of a model against trainings, other refreshes and readers; and the recipe of docs/operations.md.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('refresh');
create_ratings($node, 'ratings', 40_000, 2000, 300);
$node->safe_psql(
	'postgres', q{
	create index on ratings (user_id); create index on ratings (item_id);
	select from als.train('taste', 'ratings', factors => 32, iterations => 3)});
my $writer = AlsTest::Session->new($node);
my $other  = AlsTest::Session->new($node);
my $reader = AlsTest::Session->new($node);
my $list   = q{select md5(string_agg(r::text, ' ' order by r.rank)) from als.recommend('taste', 7, 20, false) as r};
my $images = q{
	select string_agg(content || ' ' || version, ', ' order by content) from als.cache where model = 'taste'::regclass};
my $wait = sub {
	my ($session) = @_;
	wait_until('a session to wait',
		sub { ($reader->value('select wait_event_type from pg_stat_activity where pid = ' . $session->pid) // '') eq 'Lock' });
};

# Readers -----------------------------------------------------------------------------------------

my $before = $reader->value($list);
my $kept   = $reader->value($images);
like($kept, qr/item factors .*item search/, 'the items are in memory');
my $snapshot = AlsTest::Session->new($node);
$snapshot->query('begin isolation level repeatable read');
is($snapshot->value($list), $before, 'a transaction with one snapshot');

$writer->query('begin; update ratings set rating = 6 - rating where user_id = 7');
is($writer->value("select als.refresh_users('taste', array[7])"), 1, 'a refresh');
is($reader->value($list), $before, 'is not seen before it commits, and nobody waits');
isnt($writer->value($list), $before, 'but by its own transaction');
my $after = $writer->value($list);
$writer->query('commit');
is($reader->value($list),   $after,  'once it has, it is seen at once');
is($snapshot->value($list), $before, 'but not in an older snapshot');
is($reader->value($images), $kept,   'the items stay in memory as they were');
$snapshot->query('commit');
is($snapshot->value($list), $after, 'the transaction over, it is');
is($reader->value($images), $kept, 'no other copy is made');

$writer->query("begin; select als.refresh_users('taste', array[7, 8])");
$writer->query('rollback');
is($reader->value($list), $after, 'a refresh that is rolled back leaves nothing');

my $many = q{select count(als.predict('taste', u, 1)) from generate_series(1, 300) as u};
$reader->value($many);
is($writer->value("select als.refresh_items('taste', array(select generate_series(1, 300)))"), 299, 'all items are refreshed');
isnt($reader->value($list), $after, 'for all users');
is($reader->value("select count(*) from als.cache where content = 'user factors'"), 1, 'the users stay in memory');

# Writers -----------------------------------------------------------------------------------------

$writer->query("begin; select als.refresh_users('taste', array[1])");
$other->begin("select als.refresh_users('taste', array[2])");
$wait->($other);
$writer->query('commit');
is($other->wait->{out}, 1, 'another refresh queues');

$writer->query("begin; select from als.train('taste', 'ratings', factors => 32, iterations => 3, seed => 1, replace => true)");
my $folded = q{
	select bool_and(abs(als.predict('taste', 9, item_id) - score) < 1e-4)
	from als.recommend_for('taste', array(select item_id from ratings where user_id = 9 order by item_id),
		array(select rating from ratings where user_id = 9 order by item_id), k => 50)};
$other->query('update ratings set rating = 6 - rating where user_id = 9');
$other->begin("select als.refresh_users('taste', array[9])");
$wait->($other);
$writer->query('commit');
is($other->wait->{out},     1,   'a refresh queues behind a training');
is($reader->value($folded), 't', 'and refreshes what that has made');

$writer->query("begin; select als.refresh_users('taste', array[3])");
$other->begin("select run from als.train('taste', 'ratings', factors => 32, iterations => 3, replace => true)");
$wait->($other);
$writer->query('commit');
is($other->wait->{out}, 3, 'a training queues behind a refresh');

$other->query("begin isolation level repeatable read");
$other->value('select max(run) from taste');
$writer->query("select als.refresh_users('taste', array[3])");
is($other->query("select als.refresh_users('taste', array[3])")->{state}, '40001',
	'a refresh from an older snapshot fails where another has written the rows since');
$other->query('rollback');

# All of it at once: no reader ever sees a user of a mixed model.
$writer->begin(
	q{do $$ begin for n in 1 .. 30 loop perform als.refresh_users('taste', array[n, n + 1]); commit; end loop; end $$});
my ($checks, $wrong) = (0, 0);
while (!$writer->done)
{
	my $ok = $reader->value(
		q{select bool_and(abs(r.score - (m.mean + u.bias + i.bias + als.dot(u.factors, i.factors))) < 1e-4)
		from als.latest_run('taste') as m, als.recommend('taste', 5, 10, false) as r,
			taste_user_factors as u, taste_item_factors as i where u.user_id = 5 and i.item_id = r.item_id});
	$checks++;
	$wrong++ if $ok ne 't';
	$writer->pump_for(0.01);
}
$writer->wait;
is($wrong, 0, "$checks checks while rows are refreshed");

# The recipe --------------------------------------------------------------------------------------

# The two jobs of docs/operations.md, each in one transaction as pg_cron runs them.
$node->safe_psql('postgres', "insert into ratings select 5000, item_id, 5 from generate_series(1, 10) as item_id");
$writer->query(
	q{begin; set local lock_timeout = '4min'; select als.refresh('taste'); commit});
is($reader->value("select count(*) from als.recommend('taste', 5000)"), 10, 'every five minutes: a new user is known');
$writer->query(
	q{begin; select run from als.retrain('taste', iterations => 3);
	select als.recommend_all('taste', 'taste_recs', k => 20); commit});
is($reader->value('select warm_start and factors = 32 from taste order by run desc limit 1'),
	't', 'every night: a warm start with the same options');
is($reader->value('select count(*) from taste_recs where user_id = 5000'), 20, 'and recommendations to all');

$_->quit for $writer, $other, $reader, $snapshot;
$node->stop;
done_testing();
