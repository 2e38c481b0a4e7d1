# Retraining against readers, other trainers, and whoever else is about. Over 400 lines: one server and its
# sessions serve all of it.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('concurrency');

# Two sets of ratings by the same users, of different items, so that no model can be taken for
# another: the a's are 1 to 60, the b's 101 to 160.
create_ratings($node, 'a', 4000, 200, 60);
$node->safe_psql('postgres',
	'create table b as select user_id, item_id + 100 as item_id, 6 - rating as rating from a');
# Takes long to train on.
create_ratings($node, 'big', 300_000, 50_000, 5000);
$node->safe_psql(
	'postgres', q{
	set check_function_bodies = off;
	create role reader login;
	grant usage on schema als to reader;
	create function train(model text, source text, replace bool default true) returns bigint
	language sql as $$ select run from als.train($1, $2, factors => 16, iterations => 3, replace => $3) $$;

	-- Whether als.recommend says what the tables do, all of it seen by one statement.
	create function is_consistent(who int) returns bool stable language sql as $$
		with model as (select * from taste order by run desc limit 1),
		scores as (
			select i.item_id, m.mean + u.bias + i.bias + als.dot(u.factors, i.factors) as score
			from model m, taste_user_factors u, taste_item_factors i where u.user_id = who),
		best as (select * from als.recommend('taste', who, 5, exclude_seen => false))
		select count(*) = 5
			and bool_and(abs(best.score - scores.score) < 1e-4)
			and min(best.score) > (select max(score) - 1e-4 from scores
			                       where item_id not in (select item_id from best))
			and bool_and(abs(als.predict('taste', who, item_id) - scores.score) < 1e-4)
			and (select count(*) from scores) = (select n_items from model)
			and (select count(*) from taste_user_factors) = (select n_users from model)
			and (select string_agg(item_id::text, ' ') from (
				select item_id from als.similar_items('taste', (select max(item_id) from best), 100)
				except select item_id from scores) s) is null
		from best join scores using (item_id) $$;

	create function answers() returns text stable language sql as $$
		select md5(string_agg(r::text, ' ' order by u, r.rank))
		from generate_series(1, 20) as u, als.recommend('taste', u, 10) as r $$;

	create table watched (isolation text, checks int, failures int, versions int);
	create table stop ();
	-- Checks, each time in a transaction of its own, until there is a row in the table stop.
	create procedure watch() language plpgsql as $$
	declare
		isolation text := current_setting('default_transaction_isolation');
		checks int := 0;
		failures int := 0;
		versions uuid[] := '{}';
		seen uuid;
		seen_again uuid;
		before text;
		after text;
		ok bool;
	begin
		commit;
		loop
			checks := checks + 1;
			select is_consistent(checks % 200 + 1) into ok;
			if ok is not true then failures := failures + 1; end if;
			if isolation <> 'read committed' then
				-- The same as long as the transaction is.
				select version, answers() into seen, before from als.models;
				perform pg_sleep(0.02);
				select version, answers() into seen_again, after from als.models;
				if (seen, before) is distinct from (seen_again, after) or not is_consistent(1) then
					failures := failures + 1;
				end if;
			else
				select version into seen from als.models;
			end if;
			if not seen = any (versions) then versions := versions || seen; end if;
			exit when exists (select from stop);
			commit;
		end loop;
		commit;
		insert into watched values (isolation, checks, failures, cardinality(versions));
	end $$;
});

my $one     = AlsTest::Session->new($node);
my $two     = AlsTest::Session->new($node);
my $watcher = AlsTest::Session->new($node);

# Sessions that must never wait for a lock.
sub reader
{
	return AlsTest::Session->new($node, settings => 'lock_timeout=1000', @_);
}

is($one->value("select train('taste', 'a', false)"), 1, 'the first run');

# Readers in each isolation level while the model is trained over and over.
{
	my @isolations = ('read committed', 'repeatable read', 'serializable');
	my @readers    = map { reader() } @isolations;
	for my $i (0 .. $#readers)
	{
		$readers[$i]->query("set default_transaction_isolation = '$isolations[$i]'");
		$readers[$i]->begin('call watch()');
	}
	for my $run (2 .. 9)
	{
		my $source = $run % 2 ? 'a' : 'b';
		my $held   = $run == 5;
		$one->query('begin') if $held;
		is($one->value("select train('taste', '$source')"), $run, "run $run beside readers");
		if ($held)
		{
			# Longer than the readers' patience.
			$one->query('select pg_sleep(1.5)');
			$one->query('commit');
		}
		$one->query('select pg_sleep(0.1)');
	}
	$one->query('insert into stop default values');
	for my $reader (@readers)
	{
		my $result = $reader->wait;
		is($result->{state}, '00000', 'a reader met no error') or diag $result->{err};
		$reader->quit;
	}
	for my $row (@{ $one->rows('select * from watched') })
	{
		my ($isolation, $checks, $failures, $versions) = @$row;
		is($failures, 0, "$isolation: every answer is that of one model");
		cmp_ok($checks,   '>=', 10, "$isolation: many answers");
		cmp_ok($versions, '>=', 3,  "$isolation: of several models");
		note "$isolation: $checks checks of $versions versions";
	}
}

# An old snapshot keeps its model, with what it needs in memory and without; and a transaction in
# read committed comes to see the new one.
for my $isolation ('repeatable read', 'serializable')
{
	$one->query("select train('taste', 'b')");
	my ($warm, $cold, $committed) = map { reader() } 1 .. 3;
	my $old = $warm->value('select answers()');
	$committed->query('begin');
	is($committed->value('select answers()'), $old, 'all readers see the same');
	for my $reader ($warm, $cold)
	{
		$reader->query("begin isolation level $isolation; select count(*) from stop");
	}
	is($warm->value('select answers()'), $old, "$isolation: before retraining");
	my $predicted =
	  $warm->value("select als.predict('taste', 3, (select min(item_id) from taste_item_factors))");

	$one->query("select train('taste', 'big')");
	my $run = $one->value("select train('taste', 'a')");
	$one->query('vacuum taste_user_factors, taste_item_factors, taste');
	my $new = $one->value('select answers()');
	isnt($new, $old, 'the new model gives other answers');

	is($warm->value('select answers()'), $old, "$isolation: after retraining");
	is($cold->value('select answers()'), $old, "$isolation: after retraining, nothing in memory");
	is($warm->value("select als.predict('taste', 3, (select min(item_id) from taste_item_factors))"),
		$predicted, "$isolation: predictions too");
	is($warm->value('select is_consistent(5)'),    't',      "$isolation: as its tables say");
	is($warm->value('select max(run) from taste'), $run - 2, "$isolation: and its model row");
	is($committed->value('select answers()'),      $new,     'read committed: after retraining');
	$_->query('commit') for $warm, $cold, $committed;
	is($_->value('select answers()'), $new, 'the next transaction sees the new model') for $warm, $cold;
	$_->quit for $warm, $cold, $committed;
}

# Prepared statements, with plans of either kind, from before a retraining.
for my $mode ('force_generic_plan', 'force_custom_plan')
{
	my $reader = reader();
	my $query  = "select string_agg(item_id::text, ' ' order by rank) from als.recommend('taste', \$1, 5)";
	$reader->query("set plan_cache_mode = $mode; prepare best(int) as $query; prepare score(int, int) as"
		  . " select als.predict('taste', \$1, \$2)");
	for my $source ('a', 'b')
	{
		$one->query("select train('taste', '$source')");
		my ($low, $high) = $source eq 'a' ? (1, 60) : (101, 160);
		my @items = split ' ', $reader->value('execute best(7)');
		is(scalar(grep { $_ >= $low && $_ <= $high } @items), 5,
			"$mode: prepared before training on $source");
		is( $reader->value("execute score(7, $high)"),
			$one->value("select als.predict('taste', 7, $high)"),
			"$mode: a prepared prediction");
	}
	$reader->quit;
}

# Trainers of one model queue.
sub check_queue
{
	my ($name, %case) = @_;

	$one->query('begin');
	is($one->query("select train('$case{model}', 'a')")->{state}, '00000', "$name: the first trains");
	$two->begin("select train('$case{model}', 'b', $case{replace})");
	wait_for_phase($watcher, $two->pid, 'waiting for other writers');
	my $other = AlsTest::Session->new($node);
	is($other->query("select train('other', 'a')")->{state},
		'00000', "$name: another model is not in the queue");
	$other->query("select als.drop_model('other')");
	$other->quit;
	ok(!$two->done, "$name: the second waits");
	$one->query($case{end});
	my $result = $two->wait;
	is($result->{state}, $case{state}, "$name: the second ends");
	is($result->{out},   $case{run},   "$name: with the right run") if $case{run};
	my $lowest = $case{run} ? 101 : 1;
	is($watcher->value("select min(item_id) from $case{model}_item_factors"),
		$lowest, "$name: the model is the last one's");
	return;
}

$one->query("select als.drop_model('taste'); select train('taste', 'a')");
check_queue('both replace', model => 'taste', replace => 'true', end => 'commit', state => '00000', run => 3);
is($one->value("select string_agg(run::text, ' ' order by run) from taste"), '1 2 3', 'each run has a row');
check_queue(
	'after a rollback',
	model   => 'taste',
	replace => 'true',
	end     => 'rollback',
	state   => '00000',
	run     => 4);
check_queue('a new model', model => 'fresh', replace => 'true', end => 'commit', state => '00000', run => 2);
$one->query("select als.drop_model('fresh')");
check_queue(
	'a new model, not to replace',
	model   => 'fresh',
	replace => 'false',
	end     => 'commit',
	state   => '42P07');
$one->query("select als.drop_model('fresh')");
check_queue(
	'a new model, rolled back',
	model   => 'fresh',
	replace => 'false',
	end     => 'rollback',
	state   => '00000',
	run     => 1);
$one->query("select als.drop_model('fresh')");
# An ending transaction gives up its locks one by one, in an order that depends on the model's name.
for my $n (1 .. 20)
{
	$one->query("begin; select train('fresh$n', 'a')");
	$two->begin("select train('fresh$n', 'b')");
	wait_for_phase($watcher, $two->pid, 'waiting for other writers');
	$one->query('rollback');
	is($two->wait->{state}, '00000', 'woken by a rollback');
	$one->query("select als.drop_model('fresh$n')");
}
check_queue(
	'as SQL spells it',
	model   => 'public.taste',
	replace => 'true',
	end     => 'commit',
	state   => '00000',
	run     => 6);

# The queue ends also when the model is dropped in it: one comes to train anew, or is told.
$one->query("select train('fresh', 'a'); begin; select als.drop_model('fresh')");
$two->begin("select train('fresh', 'b')");
wait_for_phase($watcher, $two->pid, 'waiting for other writers');
$one->query('commit');
like($two->wait->{state}, qr/^(00000|42P01)$/, 'a model dropped while a trainer waited');
is($two->query("select train('fresh', 'b')")->{state},             '00000', 'training goes on');
is($watcher->value('select min(item_id) from fresh_item_factors'), 101,     'to a new model');
$one->query("select als.drop_model('fresh')");

# A snapshot from before another's run cannot write another.
for my $isolation ('repeatable read', 'serializable')
{
	$two->query("begin isolation level $isolation; select count(*) from stop");
	my $run = $one->value("select train('taste', 'a')");
	is($two->query("select train('taste', 'b')")->{state}, '40001', "$isolation: could not serialize");
	$two->query('rollback');
	is($one->value('select max(run) from taste'), $run, 'the other run stands');
}

# A trainer and someone who changes factors by hand.
{
	my $reader = reader();
	my $old    = $reader->value('select answers()');
	# Users come to be kept in memory too.
	is($reader->value("select count(als.predict('taste', u, 1)) from generate_series(1, 200) as u"),
		200, 'a warm reader');
	my $change = 'update taste_item_factors set factors ='
	  . ' (select array_agg(-f order by n) from unnest(factors) with ordinality as t(f, n))';

	for my $end ('rollback', 'commit')
	{
		$one->query('begin');
		is($one->value('select answers()'), $old, 'before the update');
		$one->query($change);
		my $new = $one->value('select answers()');
		isnt($new, $old, 'its author sees the update at once');
		is($reader->value('select answers()'), $old, 'others do not');
		$one->query('savepoint s; delete from taste_item_factors where item_id < 30');
		isnt($one->value('select answers()'), $new, 'nor what is to be undone');
		is($reader->value('select answers()'), $old, 'again others do not');
		$one->query('rollback to s');
		is($one->value('select answers()'), $new, 'undone to the savepoint');
		$one->query($end);
		is($one->value('select answers()'),    $end eq 'commit' ? $new : $old, "its author after $end");
		is($reader->value('select answers()'), $end eq 'commit' ? $new : $old, "others after $end");
		is($reader->value('select is_consistent(9)'), 't', 'as the tables say');
	}

	# One user's row.
	my $score  = "select als.predict('taste', 11, 1)";
	my $before = $reader->value($score);
	$one->query('begin; update taste_user_factors set bias = bias + 1 where user_id = 11');
	is($reader->value($score), $before, 'an uncommitted update is not seen');
	$one->query('commit');
	cmp_ok(abs($reader->value($score) - $before - 1), '<', 1e-4, 'a committed update is seen');
	$reader->quit;

	# They queue, and do not come to a deadlock.
	my $runs = $one->value('select max(run) from taste');
	$one->query('begin; update taste_user_factors set bias = 0');
	$two->begin("select train('taste', 'a')");
	wait_for_phase($watcher, $two->pid, 'waiting for other writers');
	is($one->query('update taste_item_factors set bias = 0')->{state}, '00000', 'an update of both tables');
	$one->query('commit');
	is($two->wait->{out}, $runs + 1,                                             'then the trainer goes on');
	is($one->value('select count(*) from taste_user_factors where bias = 0'), 0, 'and overwrites');
}

# A model that is dropped while somebody changes its factors, who comes to the model's row only when his statement
# ends; while somebody reads; and while somebody trains.
{
	my $row = 'select from doomed_user_factors where user_id = 1 for update';
	my $waits = sub {
		my ($session) = @_;
		return wait_until('a lock to be waited for',
			sub { $watcher->value('select count(*) from pg_locks where not granted and pid = ' . $session->pid) });
	};
	my $three = AlsTest::Session->new($node);
	for my $order ('drop last', 'train last', 'refresh last')
	{
		my $what = (split ' ', $order)[0];
		$one->query("select train('doomed', 'a', false); begin; $row");
		$two->begin('update doomed_user_factors set bias = bias where user_id = 1');
		$waits->($two);
		$three->begin(
			$what eq 'drop'    ? "select als.drop_model('doomed')"
			: $what eq 'train' ? "select train('doomed', 'b')"
			:                    "select als.refresh_users('doomed', '{1}'::int[])");
		$waits->($three);
		# A reader that comes meanwhile.
		my $reader = reader();
		is($reader->query("select als.recommend('doomed', 1, 3)")->{state}, '00000', "$order: a reader waits for nobody");
		$reader->quit;
		$one->query('commit');
		is($two->wait->{state},   '00000', "$order: the writer goes on");
		is($three->wait->{state}, '00000', "$order: then the other");
		$one->query("select als.drop_model('doomed')") if $what ne 'drop';
	}

	# A reader between the model's row and its factors.
	$one->query("select train('doomed', 'a', false)");
	$two->query("begin; select from doomed");
	$three->begin("select als.drop_model('doomed')");
	$waits->($three);
	is($two->query("select als.recommend('doomed', 1, 3)")->{state}, '00000', 'a reader goes on to the factors');
	$two->query('commit');
	is($three->wait->{state}, '00000', 'then the model is dropped');

	# Whoever drops queues with those who train.
	$one->query("select train('doomed', 'a', false); begin; select train('doomed', 'b')");
	$three->begin("select als.drop_model('doomed')");
	$waits->($three);
	is($one->query("select train('doomed', 'a')")->{state}, '00000', 'trained once more in the same transaction');
	$one->query('commit');
	is($three->wait->{state}, '00000', 'then it is dropped');
	$three->begin("begin; select train('doomed', 'a', false); select als.drop_model('doomed')");
	is($three->wait->{state}, '00000', 'made and dropped in one transaction');
	$three->query('commit');
	$three->quit;
}

# Another model being dropped is no business of this one.
{
	$two->query("select train('other', 'a'); begin; select als.drop_model('other')");
	my $writer = reader();
	is($writer->query('update taste_user_factors set bias = bias')->{state},
		'00000', 'an update while another model is dropped');
	is($writer->query("select train('taste', 'a')")->{state}, '00000', 'training too');
	is($writer->query('select answers()')->{state},           '00000', 'and reading');
	$writer->query('set lock_timeout = 0');
	$writer->begin('update taste_user_factors set bias = bias');
	$writer->pump_for(0.2);
	$two->query('commit');
	is($writer->wait->{state}, '00000', 'nor when it is gone');
	$writer->quit;
}

# What depends on the tables stays.
{
	my $identity = q{
		select string_agg(c.oid || ' ' || c.relname || ' ' || c.relowner || coalesce(c.relacl::text, ''),
		                  ', ' order by c.oid)
		from pg_class as c where relname ~ '^taste'};
	$one->query(
		q{
		grant select on taste, taste_user_factors, taste_item_factors, a to reader;
		create view popular as select item_id, n_ratings from taste_item_factors where n_ratings > 50;
		comment on table taste is 'what they like'});
	my $reader = reader(user => 'reader');
	my $old    = $reader->value('select answers()');
	my $before = $one->value($identity);
	$one->query("select train('taste', 'b'); select train('taste', 'a')");
	is($one->value($identity),             $before, 'tables, owners and grants are the same');
	is($reader->value('select answers()'), $one->value('select answers()'), 'a grant still works');
	cmp_ok($one->value('select count(*) from popular'), '>', 0, 'a view still works');
	is($one->value("select obj_description('taste'::regclass)"), 'what they like',       'a comment stays');
	is($one->query('revoke select on taste_item_factors from reader')->{state}, '00000', 'revoked');
	is($reader->query('select answers()')->{state}, '42501', 'a warm session obeys');
	$reader->quit;
}

# Maintenance during a long training.
{
	$two->begin(
		"select run from als.train('taste', 'big', factors => 512, iterations => 10000, replace => true)");
	wait_for_phase($watcher, $two->pid, 'training');
	my $reader = reader();
	is($reader->query('select answers()')->{state},   '00000', 'readers go on while a model is trained');
	is($reader->query('vacuum analyze big')->{state}, '00000', 'so does VACUUM of the ratings');
	is($reader->query('insert into big values (1, 1, 1)')->{state}, '00000', 'and who adds ratings');
	is($reader->query('vacuum (skip_locked) taste_user_factors')->{state},
		'00000', 'VACUUM can skip the model');
	is($reader->query('vacuum taste_user_factors')->{state}, '55P03', 'or else waits');
	command_ok(
		[
			'pg_dump', '--lock-wait-timeout=1000',
			'-f',      "$PostgreSQL::Test::Utils::tmp_check/dump.sql",
			'-d',      $node->connstr('postgres')
		],
		'pg_dump does not wait');
	like(
		slurp_file("$PostgreSQL::Test::Utils::tmp_check/dump.sql"),
		qr/^COPY public\.taste_item_factors .*\n\d+\t/m,
		'and finds the old model');
	$reader->quit;
	ok(!$two->done, 'all this during training');
	my $vacuum = AlsTest::Session->new($node);
	$vacuum->begin('vacuum taste_user_factors');
	$watcher->query('select pg_cancel_backend(' . $two->pid . ')');
	is($two->wait->{state},    '57014', 'training was canceled');
	is($vacuum->wait->{state}, '00000', 'VACUUM waits for no longer than training');
	$vacuum->quit;
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'the server has not crashed');
$_->quit for $one, $two, $watcher;
$node->stop;
done_testing();
