# One copy of a model in shared memory: built once, used by all, right under MVCC, gone when it should be.
# Runs alone: it measures the memory of sessions.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('cache');
$node->append_conf('postgresql.conf', "restart_after_crash = on\nmax_connections = 150");
$node->restart;
create_ratings($node, 'ratings', 60_000, 5000, 4000);
$node->safe_psql(
	'postgres', q{
	create table others as select user_id, item_id, 6 - rating as rating from ratings;
	select from als.train('taste', 'ratings', factors => 64, iterations => 2)});

my $recommend = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank))
	from generate_series(1, 40) as u, als.recommend('taste', u) as r};
my $images = q{select content, shared, sessions from als.cache order by content};

# The files of dynamic shared memory that the session has mapped.
sub segments
{
	my ($session) = @_;

	return grep { -e } slurp_file('/proc/' . $session->pid . '/maps') =~ m{ (/dev/shm/PostgreSQL\.\d+)$}mg;
}

# One copy ----------------------------------------------------------------------------------------

my $first = AlsTest::Session->new($node);
my $answer = $first->value($recommend);
is_deeply(
	$first->rows($images),
	[ [ 'item factors', 't', 1 ], [ 'item search', 't', 1 ] ],
	'the first session builds what others can use');

my @sessions = map { AlsTest::Session->new($node) } 1 .. 100;
my @answers  = map { $_->value($recommend) } @sessions;
is_deeply([ grep { $_ ne $answer } @answers ], [], 'a hundred sessions answer alike');
is_deeply(
	$first->rows($images),
	[ [ 'item factors', 't', 101 ], [ 'item search', 't', 101 ] ],
	'from one copy');
my $image_kb = $first->value('select sum(bytes) / 1024 from als.cache')
  + 0;
my $empty = AlsTest::Session->new($node);
$empty->value("select count(*) from ratings where user_id = 1");
my $own = 0;
$own += resident_memory($_->pid) for @sessions;
my $grown = $own / @sessions - resident_memory($empty->pid);
cmp_ok($grown, '<', $image_kb, 'a session needs less memory of its own than a copy would take');
note sprintf('%d kB shared; %d kB private more than in a session without als', $image_kb, $grown);
$_->quit for @sessions;
$empty->quit;
ok( wait_until(
		'the sessions to end',
		sub { $first->value('select max(sessions) from als.cache') == 1 }),
	'sessions that have ended are counted no more');

# Versions ----------------------------------------------------------------------------------------

my $old = AlsTest::Session->new($node);
$old->query('begin isolation level repeatable read');
is($old->value($recommend), $answer, 'a transaction with one snapshot');
my $writer = AlsTest::Session->new($node);
$writer->query('begin');
$writer->query("select from als.train('taste', 'others', factors => 64, iterations => 2, replace => true)");
my $new_answer = $writer->value($recommend);
isnt($new_answer, $answer, 'a new model, not yet committed');
is_deeply([ grep { $_->[1] eq 'f' } @{ $first->rows($images) } ], [], 'no other session sees anything of it');
is_deeply(
	[ sort map { "$_->[0] $_->[1]" } @{ $writer->rows($images) } ],
	[ 'item factors f', 'item factors t', 'item search f', 'item search t' ],
	'its own copy is private');
is($first->value($recommend), $answer, 'others go on with the old one');
$writer->query('commit');
is($first->value($recommend), $new_answer, 'once committed, it serves');
is($writer->value($recommend), $new_answer, 'everywhere');
is($old->value($recommend), $answer, 'but where an older snapshot is in use');
is($first->value('select count(distinct version) from als.cache'), 2, 'two versions are in memory');
$old->query('commit');
is($old->value($recommend), $new_answer, 'that transaction over, it is the new one');
is_deeply(
	[ map { $_->[0] . $_->[1] } @{ $first->rows($images) } ],
	[ 'item factorst', 'item searcht' ],
	'and the old version has gone');

# What a statement's own trigger, running before ours, sees of changed factors must stay with it.
$writer->query(
	q{
	create function peek() returns trigger language plpgsql as $$
	begin perform * from als.recommend('taste', 1); return null; end $$;
	create trigger aaa after update on taste_item_factors for each row execute function peek();
	begin;
	update taste_item_factors set factors = array_fill(0::real, '{64}') where item_id < 10});
is($first->value($recommend), $new_answer, 'rows changed, not committed, are seen by nobody');
$writer->query('rollback; drop function peek cascade');
is($writer->value($recommend), $new_answer, 'nor after a rollback');

# A user side is built once many users have been asked for.
my $many = q{select count(als.predict('taste', u, 1)) from generate_series(1, 300) as u};
is($first->value($many), 300, 'many predictions');
is($first->value("select shared from als.cache where content = 'user factors'"), 't', 'the users are shared too');

# Neighbours have a search of their own, built when they are first asked for.
my $neighbours = q{select string_agg(item_id::text, ' ' order by rank) from als.similar_items('taste', 1)};
my $neighbours_answer = $first->value($neighbours);
is($writer->value($neighbours), $neighbours_answer, 'two sessions find the same neighbours');
is_deeply($first->rows("select shared, sessions from als.cache where content = 'item cosine search'"),
	[ [ 't', 2 ] ], 'from one copy');

# Size --------------------------------------------------------------------------------------------

my $one = $first->value("select pg_size_bytes('1kB') * ceil(sum(bytes) / 1024) from als.cache where content in ('item factors', 'item search')");
$node->safe_psql('postgres', "select from als.train('other', 'others', factors => 64, iterations => 2)");
my $kb = int($one / 1024 * 1.5);
$node->safe_psql('postgres', "load 'als'; alter system set als.cache_size = '${kb}kB'; select pg_reload_conf()");
my $limited = AlsTest::Session->new($node);
# A session that only serves need not know it, until the server has read it from its file.
my $setting = q{select coalesce(nullif(current_setting('als.cache_size', true), ''), '1GB')};
for my $session ($limited, $first)
{
	wait_until('the setting', sub { $session->value($setting) eq "${kb}kB" });
}
$limited->value("select count(*) from als.recommend('other', 1)");
is( $limited->value("select string_agg(distinct model::text, ' ') from als.cache where content = 'item search'"),
	'other', 'what has not been used for longest makes room');
cmp_ok($limited->value('select sum(bytes) from als.cache where shared'),
	'<=', $kb * 1024, 'and the bound holds');
is($first->value($recommend), $new_answer, 'the other model answers as before');
cmp_ok($first->value('select sum(bytes) from als.cache where shared'), '<=', $kb * 1024, 'within the bound');
my $own_copy = AlsTest::Session->new($node, settings => 'als.cache_size=0');
is($own_copy->value($recommend), $new_answer, 'without a cache, sessions keep copies of their own');
is($own_copy->value("select count(*) from als.cache where not shared"), 2, 'which are shown');
$_->quit for $own_copy, $limited;
$node->safe_psql('postgres', q{load 'als'; alter system reset als.cache_size; select pg_reload_conf()});
wait_until('the default', sub { $first->value($setting) eq '1GB' });

# Parallel plans ----------------------------------------------------------------------------------

$first->value($recommend);
my $pairs = q{
	select md5(string_agg(als.predict('taste', user_id, item_id)::text, ' ' order by user_id, item_id)) from ratings};
my $serial = $first->value("set max_parallel_workers_per_gather = 0; $pairs");
$first->query(
	q{
	set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
	set min_parallel_table_scan_size = 0; set parallel_leader_participation = off});
my $plan = $first->query("explain (analyze, costs off) select count(als.predict('taste', user_id, item_id)) from ratings")->{out};
like($plan, qr/Workers Launched: [12]/, 'a parallel plan');
is($first->value($pairs), $serial, 'gives the same answers');

# Dropping ----------------------------------------------------------------------------------------

$writer->query("select als.drop_model('other')");
is($first->value("select count(*) from als.cache where model::text not like 'taste'"), 0, 'a dropped model leaves');
$writer->query('create database elsewhere');
my $elsewhere = AlsTest::Session->new($node, dbname => 'elsewhere');
$elsewhere->query(
	q{
	create extension als;
	create table r as select i % 50 as user_id, i % 7 as item_id, 1 as rating from generate_series(1, 300) as i;
	select from als.train('taste', 'r', factors => 4);
	select from als.recommend('taste', 1)});
is($first->value("select count(*) from als.cache where database = 'elsewhere' and model is null"), 2,
	'models of other databases are listed for those who may see statistics');
$elsewhere->quit;
$writer->query('drop database elsewhere');
is($first->value('select count(distinct database) from als.cache'), 1, 'a dropped database leaves');
$writer->query('create role nobody login');
my $nobody = AlsTest::Session->new($node, user => 'nobody');
is($nobody->value('select count(*) from als.cache'), 0, 'others see nothing');
$nobody->quit;

# Crashes -----------------------------------------------------------------------------------------

# A model whose copy takes a while to build.
create_ratings($node, 'wide', 300_000, 2000, 60_000);
$writer->query("select from als.train('broad', 'wide', factors => 64, iterations => 1)");
my $wide   = q{select md5(string_agg(r::text, ' ' order by r.rank)) from als.recommend('broad', 7) as r};
my $wanted = $writer->value("set als.cache_size = 0; $wide");
$writer->quit;
for my $delay (0, 0.03, 0.1, 0.3, 2)
{
	my $victim = AlsTest::Session->new($node);
	$victim->begin("begin; $wide; select pg_sleep(60)");
	$victim->pump_for($delay);
	my @segments = segments($victim);
	kill 'KILL', $victim->pid;
	is($victim->wait->{state}, 'lost', "killed after $delay s");
	$first->query('select pg_sleep(60)');
	$_->quit for $victim, $first, $old;
	$first = wait_until('the server to be back', sub { eval { AlsTest::Session->new($node) } });
	is($first->value('select count(*) from als.cache'), 0, 'nothing is left of its memory');
	is(scalar(grep { -e } @segments), 0, scalar(@segments) . ' segments: all have gone');
	is($first->value($wide), $wanted, 'the model serves as before');
	is($first->value("select string_agg(shared::text, ' ') from als.cache where model = 'broad'::regclass"),
		'true true', 'from one new copy');
}

# Each has a cache line before it.
my $sizes    = $first->rows('select bytes + 64 from als.cache');
my @segments = segments($first);
cmp_ok(scalar @segments, '>=', 2, 'the copy is in dynamic shared memory');
$first->quit;
# A segment of the session's own may go between two looks.
my %left = map { $_, 1 } grep { defined } map { -s } @segments;
is_deeply([ grep { !$left{ $_->[0] } } @$sizes ], [], 'where it stays for the next session');
$node->stop;
is(scalar(grep { -e } @segments), 0, 'no shared memory outlasts the server');

# Without shared memory ---------------------------------------------------------------------------

$node->append_conf('postgresql.conf', 'dynamic_shared_memory_type = mmap');
$node->start;
my $folder = $node->data_dir . '/pg_dynshmem';
$first = AlsTest::Session->new($node);
chmod 0500, $folder or die $!;
# The server's own parallel plans would want some.
$first->query('set max_parallel_workers_per_gather = 0');
is($first->value($wide), $wanted, 'without shared memory to be had, a model serves');
is($first->value("select string_agg(shared::text, ' ') from als.cache"), 'false false', 'from copies of its own');
like(slurp_file($node->logfile), qr/als (cannot share models between sessions|keeps a model in this session's own memory): .*Permission denied/,
	'the log says why');
chmod 0700, $folder or die $!;
$first->quit;
$first = AlsTest::Session->new($node);
is($first->value($wide), $wanted, 'later');
is($first->value("select string_agg(shared::text, ' ') from als.cache"), 'true true', 'it is shared again');
$first->quit;

# The library loaded by the server, from which sessions have it -------------------------------------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'als'");
$node->restart;
$first = AlsTest::Session->new($node);
is($first->value('show als.threads'), 0, 'preloaded, the settings are known before the first call');
is($first->value($wide), $wanted, 'a model serves');
my $next = AlsTest::Session->new($node);
is($next->value($wide), $wanted, 'in each session');
is($next->value("select string_agg(shared::text, ' ') from als.cache"), 'true true', 'from the shared copy');
$_->quit for $first, $next;
$node->stop;
done_testing();
