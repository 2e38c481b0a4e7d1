# A server of partitions that is cut off from the hub in the middle of a training over foreign tables: with the options that
# docs/foreign-servers.md gives to its server, an error within seconds that names it, and both ends give up what they had.

use strict;
use warnings FATAL => 'all';

use OwnNetwork;
use AlsTest;
use Test::More;
use Time::HiRes qw(time);

my $hub = new_node('hub');
plan skip_all => 'postgres_fdw and dblink are not there'
  if $hub->safe_psql('postgres', q{select count(*) from pg_available_extensions where name in ('postgres_fdw', 'dblink')}) < 2;
my $two     = new_node('two');
my $address = '127.0.0.2';
listen_at($two, $address);
$two->restart;

sub sql { return $hub->safe_psql('postgres', $_[0]); }

sql('create extension postgres_fdw; create extension dblink');
create_ratings($hub, 'all_ratings', 20_000, 1000, 300);
$two->safe_psql('postgres', 'create table ratings (user_id int, item_id int, rating real)');
sql(sprintf q{
	create server two foreign data wrapper postgres_fdw options (host '%s', port '%d', dbname 'postgres',
		connect_timeout '5', keepalives_idle '3', keepalives_interval '1', keepalives_count '4', tcp_user_timeout '7000');
	create user mapping for postgres server two options (user 'postgres');
	create table ratings (like all_ratings) partition by hash (user_id);
	create table ratings_0 partition of ratings for values with (modulus 2, remainder 0);
	create foreign table ratings_1 partition of ratings for values with (modulus 2, remainder 1) server two;
	alter foreign table ratings_1 options (table_name 'ratings');
	insert into ratings select * from all_ratings}, $address, $two->port);
my $train = q{select from als.train('taste', 'ratings', factors => 16, iterations => %d, distributed => true, replace => true)};
sql(sprintf $train, 1);
my $list = q{select string_agg(concat_ws(' ', item_id, score), ', ' order by rank) from als.recommend('taste', 7, 5, exclude_seen => false)};

sub at_work { return $two->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name = 'als'}); }

# While it waits for what the server has to say, and while it sends: what is kept busy there, and what is reached.
my %phases = (
	reading  => [ 'begin; lock table ratings in access exclusive mode', q{phase = 'reading'} ],
	training => [ 'select',                                           q{phase = 'training' and iteration > 0} ]);
for my $phase (sort keys %phases)
{
	my ($keep, $reached)   = @{ $phases{$phase} };
	my ($keeper, $session) = map { AlsTest::Session->new($_) } $two, $hub;
	my $served = sql($list);
	$keeper->query($keep);
	$session->begin(sprintf $train, 10_000);
	my $what  = "cut off, $phase";
	my $error = error_of_harmed(
		$session, $what,
		sub { sql("select count(*) from als.progress where pid = $_[0] and $reached") },
		sub { cut_off($address) });
	like($error, qr/ERROR:  (08006|08000): server "two": /, "$what: which names the server");
	is($session->value('select dblink_get_connections() is null'), 't', "$what: no connection is left");
	$_->quit for $keeper, $session;
	is(sql(q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}'}), 0, "$what: nothing is left on the hub");
	is(sql($list), $served, "$what: the model serves as it was");

	my $start = time;
	my (undef, undef, $refused) = $hub->psql('postgres', "\\set VERBOSITY verbose\n" . sprintf $train, 1);
	like($refused, qr/ERROR:  08001: server "two": could not establish connection.*HINT:  /s, "$what: the next one is refused");
	cmp_ok(time - $start, '<', 10, "$what: soon");
	wait_until("$what: the server to miss the hub", sub { at_work() == 0 });
	is($two->safe_psql('postgres', q{select count(*) from pg_class where relname like 'als\_%'}), 0, "$what: nothing is left on the server");
	connect_again($address);
	(undef, undef, $error) = $hub->psql('postgres', sprintf $train, 1);
	is($error, '', "$what: the next training works");
}

$_->stop for $hub, $two;
done_testing();
