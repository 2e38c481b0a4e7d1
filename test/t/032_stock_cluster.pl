# als.train(..., distributed => true) over partitions on other servers, by postgres_fdw and dblink alone: the loss of one
# place, the same bits wherever the partitions lie, and an error that names the server when something there fails.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $hub = new_node('hub');
plan skip_all => 'postgres_fdw and dblink are not there'
  if $hub->safe_psql('postgres', q{select count(*) from pg_available_extensions where name in ('postgres_fdw', 'dblink')}) < 2;
# With options: no copies of the template, but servers with identifiers of their own.
my %node = map { $_ => new_node($_, extra => [ '--encoding', 'UTF8' ]) } 'two', 'three';
$node{two}->append_conf('postgresql.conf', 'restart_after_crash = on');
$node{two}->reload;

sub sql { return $hub->safe_psql('postgres', $_[0]); }

sql('create extension postgres_fdw; create extension dblink');
for my $name (sort keys %node)
{
	sql(sprintf q{create server %s foreign data wrapper postgres_fdw options (host '%s', port '%d', dbname 'postgres', connect_timeout '5')},
		$name, $node{$name}->host, $node{$name}->port);
	sql("create user mapping for postgres server $name options (user 'postgres')");
}
create_ratings($hub, 'all_ratings', 20_000, 900, 200);

# A table of the ratings whose three partitions lie in these places; 'here' is the hub.
sub lay_out
{
	my ($table, $source, @places) = @_;

	my ($user, $item) = split /\t/,
	  sql(qq{select string_agg(format_type(atttypid, atttypmod), chr(9) order by attnum) from pg_attribute
		     where attrelid = '$source'::regclass and attname in ('user_id', 'item_id')});
	sql("create table $table (user_id $user, item_id $item, rating real) partition by hash (user_id)");
	for my $n (0 .. 2)
	{
		my $bound = "partition of $table for values with (modulus 3, remainder $n)";
		if ($places[$n] eq 'here') { sql("create table ${table}_$n $bound"); next }
		# Called something else there.
		$node{ $places[$n] }->safe_psql('postgres', qq{create table "of $table $n" ("who?" $user, what $item, stars real)});
		sql(qq{create foreign table ${table}_$n $bound server $places[$n] options (schema_name 'public', table_name 'of $table $n');
			alter foreign table ${table}_$n alter user_id options (column_name 'who?'), alter item_id options (column_name 'what'),
				alter rating options (column_name 'stars')});
	}
	sql("insert into $table select user_id, item_id, rating from $source");
}

# What a training says of itself, and the bits of its factors.
my $result = q{
	select array_to_string(loss, ' ') from m;
	select md5(string_agg(factors::text || coalesce(bias::text, '') || n_ratings || checksum, '' order by user_id)) from m_user_factors;
	select md5(string_agg(factors::text || coalesce(bias::text, '') || n_ratings, '' order by item_id)) from m_item_factors;
	select distributed, parts, n_users, n_items, n_ratings, n_skipped from m};

sub train { return sql("select from als.train('m', '$_[0]', $_[1]); $result; drop table m_user_factors, m_item_factors, m") }

# How far apart the losses of two trainings are.
sub apart
{
	my @losses = map { [ split / /, (split /\n/)[0] ] } @_;
	my $most = 0;
	for my $n (0 .. $#{ $losses[0] })
	{
		my $apart = abs($losses[0][$n] / $losses[1][$n] - 1);
		$most = $apart if $apart > $most;
	}
	return $most;
}

lay_out('ratings', 'all_ratings', 'here', 'two', 'three');
lay_out('on_two',  'all_ratings', 'two',  'two', 'three');
lay_out('on_one',  'all_ratings', 'two',  'two', 'two');
my $node_tables = q{select count(*) from pg_class where relname like 'als\_%'};
for my $feedback ('explicit', 'implicit')
{
	my $options = "factors => 16, iterations => 3, feedback => '$feedback', threads => 1";
	my $alone   = train('all_ratings', "$options, solver => 'cg'");
	my $spread  = train('ratings', "$options, distributed => true");
	cmp_ok(apart($alone, $spread), '<', 1e-5, "$feedback: the loss is that of one place");
	my ($counts_alone, $counts) = map { [ split /\|/, (split /\n/)[-1] ] } $alone, $spread;
	is_deeply([ splice @$counts, 0, 2 ], [ 't', 3 ], "$feedback: a part for each partition");
	is_deeply($counts, [ @$counts_alone[ 2 .. $#$counts_alone ] ], "$feedback: the counts are those of one place");
	is(train('on_two', "$options, distributed => true"), $spread, "$feedback: the same bits with three partitions on two servers");
	is(train('on_one', "$options, distributed => true"), $spread, "$feedback: and on one");
	my ($curve, @curves) = map {
		[ split / /, sql("select array_to_string(holdout_values, ' ') from als.train('m', '$_', $options, holdout => 0.2, alpha => null,"
				. " regularization => 0.1, distributed => " . ($_ eq 'all_ratings' ? "false, solver => 'cg'" : 'true')
				. '); drop table m_user_factors, m_item_factors, m') ]
	} 'all_ratings', 'ratings', 'on_one';
	is("@{ $curves[0] }", "@{ $curves[1] }", "$feedback: with a holdout");
	# Ranks of items that are next to equal may change places: one hit is some 5e-3.
	my $most = $feedback eq 'implicit' ? 5e-3 : 1e-4;
	is(scalar(grep { abs($curves[0][$_] / $curve->[$_] - 1) > $most } 0 .. 2), 0, "$feedback: its metric is that of one place")
	  or diag "@$curve, @{ $curves[0] }";
}
my $options = 'factors => 8, iterations => 2, threads => 1, distributed => true';
is(train('on_two', "$options, parts => 6"), train('on_one', "$options, parts => 6"), 'more parts than partitions');

# Ids of other types.
sql(q{
	create type colour as enum ('red', 'green', 'blue', 'grey');
	create table texts as select format('%s''"\ é%s', user_id % 7, user_id) as user_id,
	    '2020-01-01'::timestamptz + item_id * interval '1.000001 day' as item_id, rating from all_ratings;
	create table enums as select user_id::numeric / 8 as user_id, (enum_range(null::colour))[1 + item_id % 4] as item_id, avg(rating)::real as rating
	from all_ratings group by 1, 2;
});
$_->safe_psql('postgres', q{create type spare as enum ('x', 'y'); create type colour as enum ('red', 'green', 'blue', 'grey')}) for values %node;
for my $source ('texts', 'enums')
{
	lay_out("some_$source", $source, 'here', 'two', 'three');
	lay_out("few_$source",  $source, 'two',  'two', 'two');
	$hub->append_conf('postgresql.conf', "datestyle = 'german'\nextra_float_digits = 0\n") if $source eq 'texts';
	$hub->reload;
	my $alone  = train($source, "factors => 4, iterations => 2, solver => 'cg'");
	my $spread = train("some_$source", "factors => 4, iterations => 2, distributed => true");
	cmp_ok(apart($alone, $spread), '<', 1e-5, "$source as ids");
	is(train("few_$source", "factors => 4, iterations => 2, distributed => true"), $spread, "$source: the same bits on one server");
}
is_deeply([ map { $_->safe_psql('postgres', $node_tables) } values %node ], [ 0, 0 ], 'nothing is left on the servers');

# A foreign table by itself, and what is refused.
sql(q{create foreign table alone (user_id int, item_id int, rating real) server two options (table_name 'of on_one 0');
	alter foreign table alone alter user_id options (column_name 'who?'), alter item_id options (column_name 'what'),
		alter rating options (column_name 'stars');
	create table by_item (user_id int, item_id int, rating real) partition by hash (item_id);
	create foreign table by_item_0 partition of by_item for values with (modulus 1, remainder 0) server two;
	create table guarded (like by_item) partition by hash (user_id);
	create foreign table guarded_0 partition of guarded for values with (modulus 1, remainder 0) server two;
	create table in_two_levels (user_id int, item_id int, rating real) partition by list (user_id);
	create table in_two_levels_1 partition of in_two_levels for values in (1) partition by hash (user_id);
	create foreign table in_two_levels_2 partition of in_two_levels for values in (2) server two;
	create extension file_fdw;
	create server files foreign data wrapper file_fdw;
	create foreign table of_file (user_id int, item_id int, rating real) server files options (program 'seq -f "%.0f,3,4" 9', format 'csv');
	create role alice login;
	grant select on guarded, ratings, ratings_0 to alice;
	grant create on schema public to alice;
	alter table guarded enable row level security;
	create policy own on guarded using (user_id = 1)});
is((split /\|/, train('alone', $options))[1], 1, 'a foreign table is one part');

sub fails
{
	my ($statement, $state, $message, $what, $without_dblink) = @_;

	my $own   = AlsTest::Session->new($hub);
	my $start = time;
	my $end   = $own->query($statement);
	is($end->{state}, $state, "$what: $state") or diag $end->{err};
	like($end->{err}, $message, "$what: the message");
	cmp_ok(time - $start, '<', 10, "$what: soon");
	is($own->value('select dblink_get_connections() is null'), 't', "$what: no connection is left") if !$without_dblink;
	$own->quit;
}

fails("select als.train('m', 'by_item', $options)", '0A000', qr/not partitioned by its users alone/, 'partitioned by items');
fails("select als.train('m', 'in_two_levels', $options)", '0A000', qr/partition public.in_two_levels_1 of the source is neither/, 'partitions of a partition');
is((split /\|/, train('of_file', $options))[2], 9, 'other foreign tables are read here');
sql('drop extension dblink');
fails("select als.train('m', 'ratings', $options)", '0A000', qr/needs the extension dblink/, 'no dblink', 1);
# The extension's own functions are called, wherever they are, and no other's.
sql(q{
	set role alice;
	create function dblink_connect(text, text) returns text language plpgsql as $$ begin raise exception 'planted'; end $$;
	reset role;
	create schema ext;
	create extension dblink schema ext});
is((split /\|/, train('ratings', $options))[2], 900, 'functions that others have planted are not called');
sql('drop function dblink_connect(text, text); drop extension dblink; create extension dblink');
fails("select als.train('m', 'ratings', $options, parts => 4)", '22023', qr/a source with 3 partitions cannot be trained in 4 parts/, 'parts');
fails("set role alice; select als.train('m', 'guarded', $options)", '0A000', qr/row-level security/, 'policies of the hub');
fails("set role alice; select als.train('m', 'all_ratings', $options)", '42501', qr/permission denied/, 'privileges');
fails("set role alice; select als.train('m', 'ratings', $options)", '42704', qr/server "t\w+": user mapping not found.*create user mapping for current_user server t/s, 'no mapping');

# A user with ratings on two servers.
sql(q{create table torn (user_id int, item_id int, rating real) partition by list (user_id);
	create foreign table torn_1 partition of torn for values in (1) server two options (table_name 'torn');
	create foreign table torn_2 partition of torn for values in (2) server three options (table_name 'torn')});
$_->safe_psql('postgres', 'create table torn as select 1 as user_id, i as item_id, 3::real as rating from generate_series(1, 5) i') for values %node;
fails("select als.train('m', 'torn', $options)", '23505', qr/user 1 has rows on server "two" and on server "three"/, 'a user on two servers');
sql(q{create table torn_here (like torn) partition by list (user_id);
	create foreign table torn_here_1 partition of torn_here for values in (1) server two options (table_name 'torn');
	create table torn_here_2 partition of torn_here for values in (2);
	create foreign table torn_here_3 partition of torn_here for values in (3) server two options (table_name 'torn_too');
	insert into torn_here values (2, 1, 1)});
$node{two}->safe_psql('postgres', 'create table torn_too as select 2 as user_id, item_id, rating from torn');
fails("select als.train('m', 'torn_here', $options)", '23505', qr/user 2 has rows on this server and on server "two"/, 'a user here and there');
sql('delete from torn_here_2');
$node{two}->safe_psql('postgres', 'update torn_too set user_id = 1');
fails("select als.train('m', 'torn_here', $options)", '23505', qr/user 1 has rows in two partitions on server "two"/, 'a user in two partitions there');

# A role that is not a superuser must have a password, and it must be right.
for my $name (sort keys %node)
{
	$node{$name}->safe_psql('postgres', qq{set password_encryption = 'scram-sha-256';
		create role alice login password 'secret';
		grant select on all tables in schema public to alice});
	my $hba = slurp_file($node{$name}->data_dir . '/pg_hba.conf');
	$node{$name}->append_conf('pg_hba.conf', '');
	open my $file, '>', $node{$name}->data_dir . '/pg_hba.conf' or die $!;
	print $file "local all alice scram-sha-256\n$hba";
	close $file;
	$node{$name}->reload;
	sql("grant usage on foreign server $name to alice; create user mapping for alice server $name options (user 'alice')");
}
fails("set role alice; select als.train('of_alice', 'ratings', $options)", '2F003', qr/server "t\w+": password (is|or GSSAPI delegated credentials) required.*alter user mapping for current_user server t/s, 'no password');
sql("alter user mapping for alice server $_ options (add password 'wrong')") for sort keys %node;
fails("set role alice; select als.train('of_alice', 'ratings', $options)", '08001', qr/server "t\w+": could not establish connection/, 'a wrong password');
sql("alter user mapping for alice server $_ options (set password 'secret')") for sort keys %node;
is(sql("set role alice; select n_users from als.train('of_alice', 'ratings', $options)"), 900, 'a role with a password');
$node{three}->safe_psql('postgres', 'alter table "of ratings 2" enable row level security; create policy few on "of ratings 2" using ("who?" < 100)');
cmp_ok(sql("set role alice; select n_users from als.train('of_alice', 'ratings', $options, replace => true)"), '<', 900, 'with its policies there');
$node{three}->safe_psql('postgres', 'revoke select on "of ratings 2" from alice');
fails("set role alice; select als.train('of_alice', 'ratings', $options, replace => true)", '42501', qr/server "three": permission denied/, 'privileges there');

# The model on another server: users that are there, and all items; new ones become visible at one moment.
my $two = $node{two};
$two->safe_psql('postgres', q{
	create table taste_users (user_id int primary key, factors real[] not null, bias real, n_ratings int, checksum bigint);
	create table taste_items (item_id int primary key, factors real[] not null, bias real, n_ratings int, checksum bigint, popularity real)});
# 13 has no batches, and 14.2 leaks buffers in them, of which it warns.
my $batches = $hub->pg_version >= 15 ? ", batch_size '1000'" : '';
sql(qq{
	select from als.train('taste', 'ratings', feedback => 'implicit', factors => 8, iterations => 1, distributed => true);
	create table users (like taste_user_factors) partition by hash (user_id);
	create table users_0 partition of users for values with (modulus 3, remainder 0);
	create foreign table users_1 partition of users for values with (modulus 3, remainder 1) server two options (table_name 'taste_users'$batches);
	create table users_2 partition of users for values with (modulus 3, remainder 2);
	import foreign schema public limit to (taste_items) from server two into public;
	insert into users select * from taste_user_factors;
	insert into taste_items select * from taste_item_factors});
$two->safe_psql('postgres',
	q{create view ratings as select "who?" as user_id, what as item_id, stars as rating from "of ratings 1";
	  select from als.attach_model('taste', 'taste_users', 'taste_items', source => 'ratings', feedback => 'implicit')});
my $someone = $two->safe_psql('postgres', 'select min(user_id) from taste_users');
my $lists   = "select string_agg(concat(item_id, ' ', score::numeric(8, 4)), ', ' order by rank) from als.recommend('taste', $someone)";
my $old     = sql($lists);
is($two->safe_psql('postgres', $lists), $old, 'another server recommends what the hub does');
my $pusher = AlsTest::Session->new($hub);
$pusher->query(q{
	begin;
	select from als.retrain('taste', iterations => 3);
	delete from users;
	delete from taste_items;
	insert into users select * from taste_user_factors;
	insert into taste_items select * from taste_item_factors});
my $reader = AlsTest::Session->new($two);
is($reader->value($lists), $old, 'before the commit it is the old model');
$pusher->query('commit');
my $new = sql($lists);
isnt($new, $old, 'there is a new one');
is($reader->value($lists), $new, 'which serves after the commit');
$_->quit for $pusher, $reader;

# Failures before the work.
sql("select from als.train('m', 'ratings', $options)");
my $model = sql('select version from m');
my $train = "select from als.train('m', 'ratings', factors => 32, iterations => 10000, replace => true, distributed => true)";
$node{three}->safe_psql('postgres', "update pg_extension set extversion = '0.9' where extname = 'als'");
fails($train, '55000', qr/server "three": it has als 0\.9, and this server has 1\.1/, 'another version');
$node{three}->safe_psql('postgres', 'drop extension als');
fails($train, '55000', qr/server "three": there is no extension als in its database/, 'no extension');
$node{three}->safe_psql('postgres', 'create extension als');

# Failures in the middle.
sub sessions { return $node{ $_[0] }->safe_psql('postgres', q{select count(*) from pg_stat_activity where application_name = 'als'}) }

my $watcher = AlsTest::Session->new($hub);
for my $end ('cancel', 'kill', 'stop', 'leave')
{
	my $session = AlsTest::Session->new($hub);
	$session->begin($train);
	wait_for_phase($watcher, $session->pid, 'training', 2);
	my ($start, $recovered) = (time, recovery_of($node{two}));
	if ($end eq 'cancel')
	{
		$watcher->query('select pg_cancel_backend(' . $session->pid . ')');
	}
	elsif ($end eq 'kill')
	{
		kill 'KILL', $node{two}->safe_psql('postgres', q{select pid from pg_stat_activity where application_name = 'als'});
	}
	elsif ($end eq 'stop')
	{
		$node{two}->stop('immediate');
	}
	else
	{
		kill 'KILL', $session->{psql}{KIDS}[0]{PID};
		$watcher->query('select pg_terminate_backend(' . $session->pid . ')');
	}
	if ($end ne 'leave')
	{
		my $result = $session->wait;
		cmp_ok(time - $start, '<', $end eq 'cancel' ? 2 : 10, "$end: it ends");
		is($result->{state}, $end eq 'cancel' ? '57014' : '08006', "$end: the state") or diag $result->{err};
		like($result->{err}, qr/server "two": /, "$end: the server's name") if $end ne 'cancel';
		is($session->value('select dblink_get_connections() is null'), 't', "$end: no connection is left");
		$session->quit;
	}
	fails($train, '08001', qr/server "two": could not establish connection/, 'a server that is down') if $end eq 'stop';
	$node{two}->start if $end eq 'stop';
	$recovered->() if $end eq 'kill';
	wait_until("$end: the sessions to end", sub { sessions('two') == 0 && sessions('three') == 0 });
	cmp_ok(time - $start, '<', 10, "$end: the sessions end");
	is_deeply([ map { $_->safe_psql('postgres', $node_tables) } values %node ], [ 0, 0 ], "$end: nothing is left on the servers");
	is(sql(q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]{16}'}), 0, "$end: nor here");
	is(sql('select version from m'), $model, "$end: the old model is there");
	is(sql(q{select count(*) from als.recommend('m', 7, 3)}), 3, "$end: and serves");
}
# Cancels that come at once, and while it connects, which is noticed when the connection is there.
{
	my $session = AlsTest::Session->new($hub);
	my %states;
	for my $n (1 .. 40)
	{
		$session->query('set statement_timeout = ' . 3 * $n);
		$states{ $session->query($train)->{state} }++;
		$session->query('set statement_timeout = 0');
		last if $session->value('select dblink_get_connections() is null') ne 't';
	}
	is_deeply(\%states, { 57014 => 40 }, 'cancels: each ends it, and leaves no connection');
	$session->quit;
}

# A server that sends what als does not: there, a superuser has changed what als has made.
sub hostile
{
	my ($what, $change, $undo, $state, $message) = @_;

	$node{two}->safe_psql('postgres', $change);
	fails("select from als.train('m', 'ratings', $options, replace => true)", $state, $message, "$what of a hostile server");
	$node{two}->safe_psql('postgres', $undo);
}

hostile('no report', q{alter extension als drop aggregate als._sum_user_reports(bytea);
		alter aggregate als._sum_user_reports(bytea) rename to _kept;
		alter function als._user_report(bytea) rename to _report;
		create function als._user_report(bytea) returns bytea language sql as 'select null::bytea';
		create aggregate als._sum_user_reports(bytea) (sfunc = byteacat, stype = bytea)},
	q{drop aggregate als._sum_user_reports(bytea); drop function als._user_report(bytea);
		alter aggregate als._kept(bytea) rename to _sum_user_reports;
		alter function als._report(bytea) rename to _user_report;
		alter extension als add aggregate als._sum_user_reports(bytea)},
	'HV000', qr/server "two": it has sent bytes that cannot be/);
$node{two}->safe_psql('postgres', q{
	create table hostility (label text, change jsonb);
	create function change() returns trigger language plpgsql as $$
	begin
		return jsonb_populate_record(new, (select change from public.hostility));
	end $$;
	create function change_it() returns event_trigger language plpgsql as $$
	declare
		made record;
	begin
		for made in select objid::regclass from pg_event_trigger_ddl_commands(), public.hostility
			where command_tag = 'CREATE TABLE' and object_identity like '%.als\_' || label
		loop
			execute format('create trigger change before insert on %s for each row execute function public.change()', made.objid);
		end loop;
	end $$;
	create event trigger hostile on ddl_command_end execute function change_it()});
for (
	[ 'chunks',    '{"number": 2147483646}',  qr/server "two": it has sent a chunk that cannot be/ ],
	[ 'chunks',    '{"number": -5}',          qr/server "two": it has sent a chunk that cannot be/ ],
	[ 'rows',      '{"kept": -1000000}',      qr/server "two": it has sent numbers of ratings that cannot be/ ],
	[ 'rows',      '{"kept": null}',          qr/server "two": it has sent numbers of ratings that cannot be/ ],
	[ 'chunks',    '{"ids": [-1, null]}',     qr/server "two": it has sent users that cannot be/ ],
	[ 'chunks',    '{"ids": []}',             qr/server "two": it has sent users that cannot be/ ],
	[ 'sums',      '{"piece": "\\\\x00"}',    qr/server "two": it has sent bytes that cannot be/ ],
	[ 'sums',      '{"slice": 1}',            qr/server "two": it has sent bytes that cannot be: a piece of another slice/ ]
  )
{
	my ($label, $change, $message) = @$_;
	hostile("$label $change", "insert into hostility values ('$label', '$change')", 'delete from hostility', 'HV000', $message);
}
$node{two}->safe_psql('postgres', 'drop event trigger hostile; drop function change, change_it; drop table hostility');
is(sql("select distributed from als.retrain('m')"), 't', 'and the next one works');

$watcher->quit;
$_->stop for $hub, values %node;
done_testing();
