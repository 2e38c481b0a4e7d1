# What administrators do with roles, tablespaces and extensions reaches models, their tables and their functions like any others.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('places');
$node->safe_psql(
	'postgres', q{
	create role leaving login;
	create role coming login;
	grant create on schema public to leaving, coming;
	set role leaving;
	create table ratings as
	select u as user_id, i as item_id, (u * 7 + i * 3) % 5 + 1 as rating
	from generate_series(1, 20) u, generate_series(1, 10) i where (u + i) % 3 > 0;
	create view films as select i as item_id, 'genre ' || i % 3 as genre from generate_series(1, 12) i});
my $make_model = q{
	select from als.train('taste', 'ratings', factors => 4, iterations => 2, item_features => 'films', functions => true);
	select from als.train('taste', 'ratings', factors => 4, iterations => 2, item_features => 'films', functions => true,
	                      replace => true, keep_previous => true);
	select from als.track('taste')};
my $tables = q{
	select coalesce(string_agg(relname || ' of ' || pg_get_userbyid(relowner), ', ' order by relname), 'none') from pg_class
	where relname like 'taste%' and relkind = 'r'};
my $functions = q{select concat_ws(' ', count(*), string_agg(distinct pg_get_userbyid(proowner), ', ')) from pg_proc where proname like 'taste%'};
my $old = AlsTest::Session->new($node, user => 'leaving');
my $new = AlsTest::Session->new($node, user => 'coming');
my $dba = AlsTest::Session->new($node);
$old->query($make_model);

# A role leaves, and another takes over what it has.
my $before = $dba->value($tables);
like($before, qr/^taste of leaving, taste_changes of leaving, /, 'a model with all that may belong to one');
my $n_functions = $dba->value('select count(*) from pg_proc where proname like $$taste%$$');
$dba->query('reassign owned by leaving to coming');
is($dba->value($tables), $before =~ s/leaving/coming/gr, 'reassign owned takes all tables of a model');
is($dba->value($functions), "$n_functions coming", 'and its functions');
is($new->value(q{select owner || coalesce(problem, '') from als.models}), 'coming', 'it is a model as before');
is($new->value(q{select count(*) from taste_recommend(3::bigint::int, 2)}), 2, 'its functions work');
is($old->query(q{select * from als.recommend('taste', 3)})->{state}, '42501', 'who has left reads it no more');
$new->query('insert into ratings values (3, 3, 5)');
is($new->value(q{select users || ' ' || items from als.refresh('taste') as r(users, items)}), '1 1', 'its queue is one as before');
is($new->value(q{select run from als.rollback_model('taste')}), 1, 'and so is the run that was kept');
is($new->query(q{select als.drop_model('taste')})->{state}, '00000', 'the new owner may drop it');
is($dba->value($tables), 'none', 'which leaves no table');
is($dba->value($functions), 0, 'and no function');

$new->query($make_model);
$dba->query('drop owned by coming');
is($dba->value($tables), 'none', 'drop owned leaves no table either');
is($dba->value($functions), 0, 'and no function');
is($dba->value('select count(*) from als.models'), 0, 'and no model');

# Another disk.
mkdir $node->basedir . '/elsewhere';
$node->safe_psql('postgres', sprintf q{create tablespace elsewhere location '%s/elsewhere'}, $node->basedir);
$dba->query(q{
	create table ratings as
	select u as user_id, i as item_id, (u * 7 + i * 3) % 5 + 1 as rating
	from generate_series(1, 20) u, generate_series(1, 10) i where (u + i) % 3 > 0});
$dba->query(q{set default_tablespace = elsewhere});
$dba->query(q{select from als.train('taste', 'ratings', factors => 4, iterations => 2)});
$dba->query(q{reset default_tablespace});
my $places = q{
	select string_agg(distinct coalesce(spcname, 'default'), ' ')
	from pg_class c left join pg_tablespace s on s.oid = reltablespace where relname like 'taste%'};
is($dba->value($places), 'elsewhere', 'a model goes where default_tablespace says');
my $answer = q{select string_agg(r::text, ' ') from generate_series(1, 20) u, als.recommend('taste', u) as r};
my $first  = $dba->value($answer);
my $other  = AlsTest::Session->new($node);
is($other->value($answer), $first, 'and serves from there');
$dba->query(q{select from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true)});
is($dba->value($places), 'elsewhere',    'a training leaves it where it is');
$dba->query("alter table $_ set tablespace pg_default") for qw(taste_user_factors taste_item_factors);
$dba->query('vacuum full taste_item_factors');
is($dba->value($places), 'default elsewhere', 'it can be moved');
is($_->value($answer), $first, 'without a change to what it says') for $dba, $other, AlsTest::Session->new($node);

# Without the extension a model is nothing.
my $refused = $dba->query('drop extension als');
is($refused->{state}, '2BP01', 'the extension is not dropped while there are models');
like($refused->{err}, qr/table taste depends on type als.model/, 'which are named');
$dba->query('drop extension als cascade');
is($dba->value($tables), 'none', 'cascade drops them');
is($dba->value('select count(*) from ratings'), 133, 'but nothing else');
$dba->query('create extension als');
is($dba->query(q{select from als.train('taste', 'ratings', factors => 4, iterations => 2)})->{state}, '00000', 'and one can begin again');

done_testing();
