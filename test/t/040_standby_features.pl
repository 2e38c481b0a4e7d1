# A hot standby of a model whose features have knots, of numbers and of dates: all that reads answers as on the primary,
# through retrainings and refreshes there, and after its promotion.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', allows_streaming => 1);
create_ratings($primary, 'ratings', 4000, 200, 60);
$primary->safe_psql(
	'postgres', q{
	create table films as
	select i as item_id, (i * 7) % 50 / 2.0 as price, date '2020-01-01' + i * 9 as released, 'genre ' || i % 6 as genre, to_tsvector('simple', 'word' || i % 9 || ' about') as words
	from generate_series(1, 75) i;
	create table people as select u as user_id, 15 + u * 11 % 60 as age, timestamptz '2021-01-01 00:00+00' + u * interval '1 day' as since from generate_series(1, 215) u;
	select from als.train('taste', 'ratings', factors => 6, iterations => 3, item_features => 'films', user_features => 'people');
	select from als.train('likes', 'select * from ratings where rating > 3', feedback => 'implicit', factors => 6, iterations => 3, item_features => 'films')});
is($primary->safe_psql('postgres', q{
	select string_agg(column_name, ' ' order by column_name) from (
		select column_name from taste_item_feature_weights where role = 'knot' union select column_name from taste_user_feature_weights where role = 'knot') x}),
	'age price released since', 'numbers and dates have knots');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = 1\n");
$standby->start;

sub catch_up
{
	$primary->safe_psql('postgres', 'select pg_switch_wal()');
	$primary->wait_for_catchup($standby, 'replay');
	return;
}

# All that reads a model: each as one value.
my @reads = map { "select md5(string_agg(r::text, ' ' order by r::text)) from $_ as r" } (
	q{generate_series(1, 215) u, als.recommend('taste', u)},
	q{generate_series(1, 215) u, als.recommend('taste', u, explore => 0.3, diversity => 0.2)},
	q{generate_series(61, 75) i, als.recommend_users('taste', i, exclude_seen => false)},
	q{generate_series(1, 75) i, als.similar_items('taste', i)},
	q{generate_series(1, 215, 30) u, als.similar_users('taste', u)},
	q{generate_series(1, 40) u, generate_series(1, 75, 10) i, als.predict('taste', u, i)},
	q{generate_series(1, 215, 20) u, als.explain('taste', u, 70)},
	q{generate_series(1, 40) u, als.explain('likes', u, 70)},
	q{generate_series(-5, 40) p, als.features_vector('taste', jsonb_build_object('price', p, 'released', date '2019-01-01' + p * 30, 'genre', 'genre 3'))},
	q{generate_series(-5, 90) a, als.recommend_for('taste', array[3, 5], array[5, 2], features => jsonb_build_object('age', a, 'since', timestamptz '2020-01-01 00:00+00' + a * interval '1 week'))},
	q{generate_series(-5, 90) a, als.fold_in('taste', '{}'::int[], '{}', features => jsonb_build_object('age', a))},
	q{generate_series(-5, 40) p, als.fold_in_item('taste', array[3, 5], array[5, 2], features => jsonb_build_object('price', p))},
	q{generate_series(-5, 40) p, als.fold_in_item('likes', array[3, 5], features => jsonb_build_object('price', p))},
	q{als.evaluate('taste', als.split('ratings', 'test', 0.2))},
	q{als.evaluate('taste', als.split('ratings', 'test', 0.2), history => als.split('ratings', 'train', 0.2))},
	q{als.evaluate_by_activity('likes', als.split('ratings', 'test', 0.2))},
	q{als.compare('taste', 'likes', als.split('ratings', 'test', 0.2))},
	q{(select trial, value, options from als.tune('ratings', '{"factors": [3, 4]}', item_features => 'films'))},
	q{als.tuned('ratings', seconds => 1, trials => 1, item_features => 'films')},
	q{(select length(als.report('taste')) > 10000)},
	q{als.models});

sub answers
{
	my ($session) = @_;
	return [ map { my $result = $session->query($_); $result->{out} ne '' ? $result->{out} : "$result->{state} $result->{err}" } @reads ];
}

my $writer = AlsTest::Session->new($primary);
my $reader = AlsTest::Session->new($standby);
catch_up();
my $first = answers($writer);
for my $i (0 .. $#reads)
{
	like($first->[$i], qr/^[0-9a-f]{32}\s*$/, "there is an answer: $reads[$i]");
}
is_deeply(answers($reader), $first, 'the standby answers as the primary does');

# Retrained and refreshed on the primary, while a session of the standby has an old snapshot, and others serve.
my $old = AlsTest::Session->new($standby);
$old->query('begin isolation level repeatable read');
is_deeply(answers($old), $first, 'as it does in a transaction with one snapshot');
$reader->begin(q{
	do $$
	begin
		for i in 1 .. 400 loop
			perform als.recommend('taste', i % 215 + 1), als.features_vector('taste', jsonb_build_object('price', i)), als.explain('taste', i % 200 + 1, 7);
		end loop;
	end $$});
$writer->query(
	q{select from als.retrain('taste', seed => 7); update films set price = 60 - price, released = released + 100 where item_id % 5 = 0;
	insert into films values (76, 1000, 'infinity', 'genre 2', 'word3'); insert into ratings values (1, 76, 5), (216, 3, 4)});
# Twice: ratings of a user who is new count for items once the user is known.
$writer->query(q{select als.refresh('taste'); select als.refresh('taste'); select als.refresh('likes')});
my $second = answers($writer);
catch_up();
is($reader->wait->{err}, '', 'a session goes on serving while the primary trains');
is_deeply(answers($reader), $second, 'then it has the new model');
is_deeply(answers($old), $first, 'and the old snapshot the old one');
$old->query('commit');
is_deeply(answers($old), $second, 'until it ends');
isnt($second->[$_], $first->[$_], "which differs: $reads[$_]") for 0 .. 9;

for my $statement (
	q{als.retrain('taste')}, q{als.refresh('taste')}, q{als.refresh_items('taste', array[76])}, q{als.rollback_model('taste')}, q{als.touch('taste')},
	q{als.track('taste')}, q{als.create_functions('taste')}, q{als.drop_model('taste')}, q{als.recommend_all('taste', 'recs')},
	q{als.tune('ratings', '{"factors": [3]}', results => 'tries')}, q{als.train('new', 'ratings', item_features => 'films', distributed => true)})
{
	is($reader->query("select from $statement")->{state}, '25006', "$statement cannot write there");
}

$standby->promote;
wait_until('promotion', sub { $reader->value('select pg_is_in_recovery()') eq 'f' });
is_deeply(answers($reader), $second, 'promoted, it answers the same');
is($reader->value(q{select items || ' ' || users from als.refresh('taste')}), '0 0', 'nothing has changed since');
$reader->query(q{update films set price = 3 where item_id = 9; insert into people values (217, 40, '2021-06-01')});
is($reader->value(q{select items || ' ' || users from als.refresh('taste')}), '1 1', 'until something does');
is($reader->value(q{select n_items || ' ' || n_users from als.retrain('taste')}), '76 217', 'and it trains');
is_deeply(answers($old), answers($reader), 'what every session serves');
is($reader->value('select count(*) from als.cache where not shared'), 0, 'from shared memory');

unlike(slurp_file($_->logfile), qr/PANIC|TRAP|terminated by signal/, 'no crash') for $primary, $standby;
$_->quit for $reader, $old, $writer;
$standby->stop;
$primary->stop;
done_testing();
