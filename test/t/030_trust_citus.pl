# What als runs on the nodes of a Citus cluster: by the privileges and policies of whoever calls, and without code that
# others have put into the search_path.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = citus_cluster() or plan skip_all => 'the extension citus is not there';
my $coordinator = $nodes[0];

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

# How the statement fails, as SQLSTATE and message.
sub failure
{
	my ($sql) = @_;
	my (undef, undef, $stderr) = $coordinator->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	return $stderr =~ /ERROR:  (.*)/ ? $1 : 'no error';
}

create_ratings($coordinator, 'ratings', 6_000, 300, 120);
sql(q{
	create table here as select *, 1::float8 as weight from ratings;
	select create_distributed_table('ratings', 'user_id');
	create index on ratings (user_id);
	select from als.train('taste', 'ratings', factors => 8, iterations => 2, distributed => true);
	select from als.train('single', 'here', factors => 8, iterations => 2, weight_col => 'weight')});

# Operators that somebody has put before those of the server.
my $operators = '';
my @types = qw(int2 int4 int8 float4 float8 numeric oid text);
for my $left (@types)
{
	for my $right (@types)
	{
		$operators .= "create function evil.compared($left, $right) returns bool language plpgsql as 'begin raise exception ''evil''; end';"
		  . "create function evil.computed($left, $right) returns $right language plpgsql as 'begin raise exception ''evil''; end';"
		  . join('', map { "create operator evil.$_ (function = evil.compared, leftarg = $left, rightarg = $right);" } qw(= <> < > <= >=))
		  . join('', map { "create operator evil.$_ (function = evil.computed, leftarg = $left, rightarg = $right);" } qw(+ - * /));
	}
}
sql("set citus.enable_ddl_propagation = off; create schema evil; $operators");
sql(q{update ratings set rating = 6 - rating where user_id < 5});
for my $call (
	q{select als.refresh_users('taste')},
	q{select als.refresh_users('taste', array[7])},
	q{select als.refresh_items('taste')},
	q{select als.recommend_all('taste', 'public.recs', 3, users => 'select user_id from here', candidates => 'select item_id from here', exclude => 'select user_id, item_id from here')},
	q{select als.recommend_users_all('taste', 'public.users_of_items', 3)},
	q{select als.evaluate('taste', 'here', candidates => 'here', seen => 'here')},
	q{select als.evaluate('taste', 'ratings', history => 'here', per_user => 'public.of_users')},
	q{select als.evaluate_by_activity('taste', 'here')},
	q{select als.evaluate('single', 'here')},
	q{select als.compare('taste', 'single', 'here', exclude_seen => false)},
	q{select als.recommend('taste', 7)},
	q{select als.explain('taste', 7, 5)},
	q{select als.retrain('taste', iterations => 1, holdout => 0.1)},
	q{select als.train('taste', 'ratings', factors => 4, iterations => 1, distributed => true, replace => true)})
{
	is(failure("set search_path = evil, pg_catalog, public; $call"), 'no error', "nobody's operators: $call");
}

# A role that may change the model's tables, and make none beside them.
sql(q{
	create role writer login; create role reader login;
	revoke create on schema public from public;
	grant all on taste, taste_user_factors, taste_item_factors to writer;
	grant select on taste, taste_user_factors, taste_item_factors, ratings to reader});
like(failure(q{set role reader; select als.refresh_users('taste', array[7])}), qr/^42501: permission denied for table taste/, 'who may not write refreshes nobody');
like(failure(q{set role writer; select als.refresh_users('taste', array[7])}), qr/^42501: permission denied for table ratings/, 'nor who may not read the ratings');
sql(q{grant select on ratings to writer});
is(sql(q{set role writer; select als.refresh_users('taste', array[7])}), 1, 'who may do both refreshes');
sql(q{create schema lab authorization writer});
is(sql(q{set role writer; set search_path = lab, public; select als.refresh_users('taste', array[7, 8])}), 2, 'and with tables elsewhere');

sql(q{create table offers (user_id int, item_id int, score real, rank int); grant all on offers to writer; drop schema lab});
is(sql(q{set role writer; select als.recommend_all('taste', 'offers', 2)}), 2 * sql('select count(*) from taste_user_factors'), 'lists go into a table of a schema in which none may be made');

# Policies of the ratings count where these are, too.
sql(q{
	create role owner login; grant create, usage on schema public to owner;
	alter table ratings owner to owner; alter table taste owner to owner; alter table taste_user_factors owner to owner; alter table taste_item_factors owner to owner;
	alter table ratings enable row level security; alter table ratings force row level security;
	create policy even on ratings using (user_id % 2 = 0)});
is(sql(q{set role owner; select als.refresh_users('taste', array[7, 8], force => true)}), 2, 'a user whose ratings are hidden has none');
is(sql(q{select string_agg(user_id::text, ' ') from taste_user_factors where user_id in (7, 8)}), 8, 'and goes');
like(failure(q{set role writer; select als.refresh_users('taste')}), qr/^42501: the source of model public.taste may run code of a role that you do not trust/, "a stranger's policies are not run");
sql(q{
	alter table ratings disable row level security;
	alter table taste_user_factors enable row level security; alter table taste_user_factors force row level security;
	create policy even on taste_user_factors using (user_id % 2 = 0)});
like(failure(q{set role owner; select als.refresh_users('taste')}), qr/^42501: row-level security may hide a part of model/, 'hidden users are not refreshed');
sql(q{set role owner; select als.recommend_all('taste', 'recs_of_owner', 3)});
is(sql(q{select string_agg(distinct (user_id % 2)::text, ' ') from recs_of_owner}), 0, 'nor have they lists');

# Who may train is said on each node. The steps of a distributed training are functions of everybody's, so that who may
# train does on all nodes what the coordinator allows.
sql(q{
	alter table taste_user_factors disable row level security;
	select als.revoke_training();
	select run_command_on_workers('select als.revoke_training()')});
for my $node (@nodes)
{
	my (undef, undef, $stderr) = $node->psql('postgres', q{set role owner; select als.retrain('taste')});
	like($stderr, qr/permission denied for function retrain/, $node->name . ' trains for nobody');
}
sql(q{select als.grant_training('owner')});
is(sql(q{set role owner; select warm_start from als.retrain('taste', iterations => 1)}), 't', 'who may train on the coordinator may on all nodes');
like(sql(q{set role owner; select als.refresh_users('taste')}), qr/^\d+$/, 'and refresh users');
is(sql(q{set role owner; select count(*) > 0 from als.evaluate('taste', 'ratings', exclude_seen => false)}), 't', 'and evaluate');

$_->stop for @nodes;
done_testing();
