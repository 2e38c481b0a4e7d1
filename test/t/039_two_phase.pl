# Prepared transactions: what a transaction has done to a model counts once another session commits it, after a crash,
# too, and never before; its own session forgets what it has seen of it.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\nfsync = on\n");
$node->restart;
create_ratings($node, 'ratings', 3000, 150, 50);
$node->safe_psql(
	'postgres', q{
	create table others as select user_id, item_id, 6 - rating as rating from ratings;
	create table films as select item_id, item_id % 7 as price, date '2020-01-01' + item_id as released
		from generate_series(1, 60) item_id;
	select from als.train('taste', 'ratings', factors => 6, iterations => 3, item_features => 'films');
	select from als.train('other', 'others', factors => 6, iterations => 3, item_features => 'films')});

my ($own, $other);

sub answers
{
	my ($session, $model) = @_;
	return $session->value(
		"select md5(string_agg(r::text, ' ' order by u, r.rank) || string_agg(als.predict('$model', u, r.item_id)::text, ' ' order by u, r.rank))"
		  . " from generate_series(1, 150) u, als.recommend('$model', u, 5) r");
}

# Both sessions serve the model before, see it as expected while it is prepared, and after its end.
sub prepared
{
	my ($what, $statement, $end, %wanted) = @_;

	$_ = AlsTest::Session->new($node) for $own, $other;
	my $before = answers($own, 'taste');
	is(answers($other, 'taste'), $before, "$what: both sessions serve the same");
	$own->query("begin; $statement");
	my $within = $wanted{gone} ? '' : answers($own, 'taste');
	is($own->query("prepare transaction 'x'")->{error}, undef, "$what is prepared");
	is($own->value('select count(*) from als.cache where not shared'), 0, 'its session keeps nothing of its own');
	is($own->value(q{select count(*) from als.models where model::text = 'taste'}), 1, 'als.models waits for nobody');
	if (!$wanted{gone})
	{
		is(answers($_, 'taste'), $before, 'nobody sees it before it is committed') for $own, $other;
	}
	if ($wanted{crash})
	{
		$node->stop('immediate');
		$node->start;
		$_ = AlsTest::Session->new($node) for $own, $other;
		if (!$wanted{gone}) { is(answers($_, 'taste'), $before, 'nor after a crash') for $own, $other; }
	}
	is($other->query("$end prepared 'x'")->{error}, undef, "another session says $end");
	if ($wanted{gone} && $end eq 'commit')
	{
		is($_->query("select als.recommend('taste', 1)")->{state}, '42P01', 'and the model is gone') for $own, $other;
		is($own->value(q{select count(*) from als.cache where model::text !~ '[a-z]'}), 0, 'with what was kept of it in memory');
	}
	else
	{
		my $after = $end eq 'commit' ? $within : $before;
		is(answers($_, 'taste'), $after, 'and all serve what that makes') for $own, $other;
		is($within eq $before, $wanted{same} // '', $wanted{same} ? 'as before' : 'which is other than before') if !$wanted{gone};
	}
	$_->quit for $own, $other;
	return;
}

my $train = q{select from als.train('taste', 'others', factors => 6, iterations => 3, item_features => 'films', replace => true, keep_previous => true)};
prepared('a training', $train, 'rollback');
prepared('a training', $train, 'rollback', crash => 1);
prepared('a training', $train, 'commit', crash => 1);
my $session = AlsTest::Session->new($node);
is(answers($session, 'taste'), answers($session, 'other'), 'the model is the one that a training outside makes');
$session->quit;
prepared('a way back', q{select als.rollback_model('taste')}, 'rollback');
prepared('a way back', q{select als.rollback_model('taste')}, 'commit');
prepared('a distributed training', q{select from als.train('taste', 'others', factors => 6, iterations => 4, distributed => true, replace => true)}, 'commit');
prepared('a change by hand', 'update taste_item_factors set bias = bias + item_id', 'rollback');
prepared('a change by hand', 'update taste_item_factors set bias = bias + item_id', 'commit', crash => 1);
prepared('a touch', q{select als.touch('taste')}, 'commit', same => 1);

# Notes of a tracked source, and the refresh that takes them.
$node->safe_psql('postgres', q{select als.track('taste'); select als.refresh('taste')});
prepared('a change of the source', 'update others set rating = 6 - rating where user_id <= 20', 'commit', same => 1);
is($node->safe_psql('postgres', 'select count(*) > 0 from taste_changes'), 't', 'notes come with the change that they are of');
prepared('a refresh', q{select als.refresh('taste')}, 'rollback');
is($node->safe_psql('postgres', 'select count(*) > 0 from taste_changes'), 't', 'and are there again after a refresh that is rolled back');
prepared('a refresh', q{select als.refresh('taste')}, 'commit', crash => 1);
is($node->safe_psql('postgres', 'select count(*) from taste_changes'), 0, 'but not after one that is committed');

# A table that als.recommend_all makes, and one that it fills again.
for my $k (3, 4)
{
	prepared("als.recommend_all of $k", "select als.recommend_all('taste', 'recs', k => $k)", 'commit', same => 1, crash => $k == 4);
	is( $node->safe_psql(
			'postgres', "select count(*) from recs full join (select u as user_id, r.* from generate_series(1, 150) u, als.recommend('taste', u, $k) r) r"
			  . ' using (user_id, item_id) where recs.score is distinct from r.score'),
		0,
		'writes what als.recommend finds');
}

# Unlogged factors of a transaction that a crash has come upon are gone, and say so.
$node->safe_psql('postgres', q{begin; select from als.train('unlogged', 'ratings', factors => 4, unlogged => true); prepare transaction 'u'});
$node->stop('immediate');
$node->start;
$session = AlsTest::Session->new($node);
$session->query(q{commit prepared 'u'});
is($session->query(q{select als.recommend('unlogged', 1)})->{state}, '55000', 'unlogged factors do not outlive a crash between');
$session->quit;

prepared('a drop', q{select als.drop_model('taste')}, 'rollback', gone => 1);
prepared('a drop', q{select als.drop_model('taste')}, 'commit', gone => 1, crash => 1);
is($node->safe_psql('postgres', q{select count(*) from pg_class where relname ~ '^taste'}), 0, 'nothing of it is left');
is($node->safe_psql('postgres', 'select count(*) from pg_prepared_xacts'), 0, 'nor of the transactions');

$node->stop;
done_testing();
