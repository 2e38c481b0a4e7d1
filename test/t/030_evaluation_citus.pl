# Evaluations of a model whose users Citus has distributed: made where the users are, with the figures of one place, and
# without bringing users or ratings to the coordinator.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = citus_cluster() or plan skip_all => 'the extension citus is not there';
my $coordinator = $nodes[0];

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

create_ratings($coordinator, 'ratings', 6_000, 300, 120);
sql(q{
	create table test as
		select user_id, 1 + (item_id + 7) % 120 as item_id, rating from ratings where user_id % 3 = 0 and item_id < 80
		union all select 5000 + i, i, 4 from generate_series(1, 20) i
		union all select 6, 90000, 5;
	create table history as select user_id, item_id, rating from ratings where user_id % 6 = 0 and item_id % 2 = 0;
	create table chosen as select u as user_id, 1 + (u * 7 + i * 3) % 120 as item_id from generate_series(1, 200) u, generate_series(1, 15) i;
	create table more as select user_id, 121 - item_id as item_id from ratings;
	create table test_of_nodes as table test;
	create table means as table test;
	select create_distributed_table('ratings', 'user_id');
	select create_distributed_table('test_of_nodes', 'user_id');
	create index on ratings (user_id);
	select from als.train('taste', 'ratings', factors => 8, iterations => 3, distributed => true);
	select from als.train('other', 'ratings', factors => 4, iterations => 2, distributed => true);
	select from als.train('liked', 'ratings', factors => 8, iterations => 3, feedback => 'implicit', distributed => true)});

# What a query returns, apart from the noise in which sums in another order differ, of a bound near zero most of all.
sub figures
{
	my ($query) = @_;
	my ($rows, $notices);
	$coordinator->psql('postgres', $query, stdout => \$rows, stderr => \$notices);
	$rows =~ s/(-?\d+\.\d+(e-?\d+)?)/sprintf '%.8g', $1/gem;
	return "$rows\n$notices";
}

# A read-only transaction makes no tables, so that all is read by the coordinator.
sub same_figures
{
	my ($query, $what) = @_;
	is(figures($query), figures("set default_transaction_read_only = on; $query"), $what);
}

for my $model ('taste', 'liked')
{
	same_figures("select * from als.evaluate('$model', 'test', k => '{1,5,10,200}')", "$model: of a table");
	same_figures("select * from als.evaluate('$model', 'select * from test_of_nodes where user_id < 200', exclude_seen => false)", "$model: of a query");
	same_figures("select * from als.evaluate_by_activity('$model', 'test_of_nodes', activity => '{0,5,17,20,30}', candidates => 'chosen')", "$model: by activity, of candidates");
	same_figures("select * from als.evaluate('$model', 'test', history => 'history', seen => 'more', k => '{3}', min_rating => 2)", "$model: with a history and what else was seen");
}
same_figures("select * from als.compare('taste', '$_', 'test', k => '{3,10}')", "taste and $_ compared") for 'other', 'liked';
same_figures(q{select * from als.compare('taste', 'other', 'test', history => 'history', candidates => 'chosen')}, 'compared with a history, of candidates');
same_figures(q{select * from als.compare('taste', 'other', 'select * from test where user_id > 5000')}, 'compared by users that they do not know');
# Rows that the source has, too, are told of, of the user with the most: here 20 who have as many, of whom it is the first.
my $trained = q{als.evaluate('taste', 'select user_id, item_id, rating from ratings where user_id between 20 and 40 union all select 40 - i % 20, 900000, 1 from generate_series(1, 2000) i', k => '{}')};
like(figures("select * from $trained"), qr/NOTICE:  als: \d+ of the test's \d+ rows of user \d+ are in the model's source\n/, 'rows that were trained on are told of');
same_figures("select * from $trained", 'as in one place');
unlike(figures("select * from $_"), qr/NOTICE/, "but not of $_") for $trained =~ s/k =>/exclude_seen => false, k =>/r, $trained =~ s/k =>/history => 'history', k =>/r,
	q{als.evaluate('taste', 'select user_id, 900000 as item_id, rating from ratings', k => '{}')}, q{als.evaluate('taste', 'select * from test where false', k => '{}')};
same_figures(q{select * from als.compare('taste', 'other', 'test', k => '{}')}, 'nor otherwise for a comparison of errors');
same_figures(q{select * from als.evaluate('taste', 'test', clip => true, k => '{}')}, 'errors alone, clipped');
same_figures(q{select * from als.evaluate_by_activity('liked', 'test', history => 'history', activity => '{1,5,6}')}, 'by what is in the history');
same_figures(q{select * from als.evaluate('taste', 'select * from test where false')}, 'of nothing');
same_figures(q{select * from als.evaluate('taste', 'select user_id::bigint, item_id, rating from test')}, 'of ids of another type');
like(figures(q{select * from als.evaluate('taste', 'select user_id, item_id, ''NaN''::real as rating from test')}), qr/ERROR:  the rating of user \d+ for item \d+ is NaN/, 'but of numbers, or the rating is named');
same_figures(q{select * from als.evaluate('taste', 'select * from means')}, 'whatever a query names');
like(figures(q{select * from als.evaluate('taste', 'select user_id, item_id from test')}), qr/ERROR:  test: /, 'an error tells of which argument');

# Where it is done.
sub plans
{
	my ($query) = @_;
	my $plans = '';
	$coordinator->psql('postgres', "set client_min_messages = debug1; $query", stdout => \my $rows, stderr => \$plans);
	return $plans;
}
unlike(plans(q{select * from als.evaluate('liked', 'test_of_nodes')}), qr/Collecting|generating subplan/, 'nothing passes the coordinator');
my $explicit = plans(q{select * from als.evaluate('taste', 'test_of_nodes')});
like($explicit, qr/generating subplan \S+ for CTE als_\w+_means\b/, 'but the mean ratings of items');
unlike($explicit =~ s/generating subplan \S+ for CTE als_\w+_means\b//r, qr/Collecting|generating subplan/, 'and nothing else');

unlike(plans(q{select * from als.compare('taste', 'other', 'test_of_nodes')}), qr/Collecting|generating subplan/, 'nor for a comparison');

# The table of users lies with them.
sql(q{select from als.evaluate('taste', 'test', k => '{5}', per_user => 'users_of_nodes')});
is(sql(q{select count(*) from pg_dist_partition p join pg_dist_partition r using (colocationid) where p.logicalrelid = 'users_of_nodes'::regclass and r.logicalrelid = 'ratings'::regclass}), 1, 'what comes of each user lies with them');
my $all = q{select metric, count(*), round(avg(value)::numeric, 9), round(avg(baseline)::numeric, 9) from users_of_nodes where metric not in ('rmse', 'mae') group by metric order by metric};
is(sql($all), sql(q{select metric, n, round(value::numeric, 9), round(baseline::numeric, 9) from als.evaluate('taste', 'test', k => '{5}') where metric in ('auc', 'hit_rate', 'map', 'mrr', 'ndcg', 'precision', 'recall') order by metric}), 'and adds up to what is told of all');

# By a role that may read the model and make no tables, and one that may make them in a schema of its own.
sql(q{
	create role reader login; create role analyst login; create schema lab authorization analyst;
	revoke create on schema public from public;
	grant select on ratings, test_of_nodes, taste, taste_user_factors, taste_item_factors, liked, liked_user_factors, liked_item_factors to reader, analyst});
my $rmse = q{select round(value::numeric, 9) from als.evaluate('taste', 'test_of_nodes') where metric = 'rmse'};
my $own = sql($rmse);
is(sql("set role reader; $rmse"), $own, 'who makes no tables has them read by the coordinator');
is(sql("set role analyst; set search_path = lab, public; $rmse"), $own, 'who makes them elsewhere');
unlike(plans("set role analyst; set search_path = lab, public; select * from als.evaluate('liked', 'test_of_nodes')"), qr/Collecting|generating subplan/, 'has not');
# Ratings of today that no training would take are in no mean.
sql(q{insert into ratings select 301, i, 'NaN' from generate_series(1, 120, 9) i});
same_figures(q{select * from als.evaluate('taste', 'test')}, 'with ratings that are no numbers by now');
unlike(figures(q{select * from als.evaluate('taste', 'test')}), qr/NaN/, 'which are left out');
sql(q{delete from ratings where user_id = 301});
for my $node (@nodes)
{
	is($node->safe_psql('postgres', $rmse), $own, $node->name . ' evaluates');
	is($node->safe_psql('postgres', q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]'}), 0, 'nothing is left on ' . $node->name);
}

# Functions of als that anybody can call, with anything.
sub failure
{
	my ($query) = @_;
	my (undef, undef, $stderr) = $coordinator->psql('postgres', "\\set VERBOSITY verbose\n$query");
	return $stderr =~ /ERROR:  (.*)/ ? $1 : 'no error';
}
my $one = q{als._tested_user('liked', null, null, 0, '{1}'::int[], '{1}', null, null::int[], null, null::int[], null::int[], null::int[], null)};
my $known = q{als._tested_user('liked', array_fill(1::real, '{8}'), null, 5, '{1}'::int[], '{1}', null, null::int[], null, null::int[], null::int[], null::int[], null)};
like(failure($_->[1]), $_->[0], $_->[1]) for
	[qr/^22P03: these bytes are no result of an evaluation/, q{select als._sum_measured('\x00')}],
	[qr/^22P03: /, q{select als._merge_measured('\x00', '\x01')}],
	[qr/^22P03: /, q{select * from als._measured_metrics('\x736c6c61', true, true)}],
	[qr/^22023: results of different evaluations/, qq{select als._sum_measured(als._measured_user($one, 'liked', case i when 1 then '{1}' else '{1,2}' end::int[], null, null, null)) from generate_series(1, 2) i}],
	[qr/^2202E: /, q{select als._tested_user('liked', null, null, 0, '{1}'::int[], '{1,2}', null, null::int[], null, null::int[], null::int[], null::int[], null)}],
	[qr/^2202E: /, q{select als._tested_user('liked', '{1}', null, 0, '{1}'::int[], '{1}', null, null::int[], null, null::int[], null::int[], null::int[], null)}],
	[qr/^2202E: items has 1 elements, but means has 2/, q{select als._tested_user('taste', null, null, 0, '{1}'::int[], '{1}', '{1,2}', null::int[], null, null::int[], null::int[], null::int[], null)}],
	[qr/^22023: invalid activity/, qq{select als._measured_user($one, 'liked', '{1}', null, null, (select array_agg(i) from generate_series(1, 10001) i))}],
	[qr/^22023: invalid cutoffs/, qq{select als._measured_user($one, 'liked', '{0}', null, null, null)}],
	[qr/^22023: invalid cutoffs/, qq{select als._sum_tested($one, 'liked', '{0}', null, null, null)}],
	[qr/^22023: lowest is above highest/, qq{select als._measured_user($one, 'taste', '{1}', 2, 1, null)}],
	[qr/^22004: /, qq{select als._sum_tested($one, null, '{1}', null, null, null)}],
	[qr/^22P03: these bytes are no user of a test of model public.liked/, q{select als._sum_tested('\x00', 'liked', '{1}', null, null, null)}],
	[qr/^22P03: these bytes are no user of a test of model public.other/, qq{select als._measured_user($known, 'other', '{1}', null, null, null)}],
	[qr/^0A000: the function is a part of an aggregate/, qq{select als._add_tested(null, $one, 'liked', '{1}', null, null, null)}],
	[qr/^22023: a state that als._add_tested has not made/, qq{
		create aggregate mine(bytea, regclass, int[], real, real, int[]) (sfunc = als._add_tested, stype = bytea, initcond = '');
		select mine($one, 'liked', '{1}', null, null, null)}];

# Sums of blocks are those of users one by one, also where a state is looked at between two rows.
is(sql(qq{
	with users as (select row_number() over (order by user_id)::int as n, factors, bias, n_ratings from liked_user_factors),
		tested as (select n, als._tested_user('liked', factors, bias, n_ratings, array[1 + n % 120, 1 + n * 7 % 120, 9999], '{1,0,1}', null, null::int[], null, array[1 + n * 3 % 120], null::int[], null::int[], null) as tested from users),
		looked_at as (select n, als._sum_tested(tested, 'liked', '{1,10}', null, null, null) over (order by n) as sums from tested)
	select count(*), bool_and(sums = one_by_one) from looked_at join lateral (
		select als._sum_measured(als._measured_user(tested, 'liked', '{1,10}', null, null, null) order by n) as one_by_one from tested where tested.n <= looked_at.n) one on true
	where n in (1, 191, 192, 193, 300)}), '5|t', 'blocks add up to what users do');


$_->stop for @nodes;
done_testing();
