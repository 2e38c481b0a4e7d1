# als.create_functions: a dump and its restoration, and what they cost.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('functions');
create_ratings($node, 'ratings', 4000, 200, 60);
$node->safe_psql(
	'postgres', q{
	create role owner;
	create schema "A ""schema""" authorization owner;
	create view "A ""schema""".source as select md5(user_id::text)::uuid as user_id, item_id, rating from ratings;
	select from als.train('"A ""schema""".taste', '"A ""schema""".source', factors => 4, iterations => 2);
	alter table "A ""schema""".taste owner to owner;
	alter table "A ""schema""".taste_user_factors owner to owner;
	alter table "A ""schema""".taste_item_factors owner to owner;
	select als.create_functions('"A ""schema""".taste');
	create function "A ""schema""".taste_predict(user_id text) returns int language sql as 'select 1'});
my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, rank))
	from generate_series(1, 20) as u, "A ""schema""".taste_recommend(md5(u::text)::uuid, candidates => null) as r};
my $functions = q{select count(*) from pg_proc where pronamespace = '"A ""schema"""'::regnamespace};
my $expected = $node->safe_psql('postgres', $answers);
is($node->safe_psql('postgres', $functions), 9, 'the functions of a model, and another');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump');
for my $restored ('again', 'dropped')
{
	$node->safe_psql('postgres', "create database $restored");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr($restored) ], 'is restored');
	is($node->safe_psql($restored, $answers),   $expected, 'the functions serve on');
	is($node->safe_psql($restored, $functions), 9,         'all of them');
}
# Made again they are the model's, and so they are for als.drop_model.
$node->safe_psql('again', q{select als.create_functions('"A ""schema""".taste')});
is($node->safe_psql('again', $functions), 9, 'the functions that came with a dump are replaced');
is($node->safe_psql('again', $answers), $expected, 'by the same');
$node->safe_psql('again', q{drop table "A ""schema""".taste});
is($node->safe_psql('again', $functions), 1, 'and go with the model');
$node->safe_psql('dropped', q{select als.drop_model('"A ""schema""".taste')});
is($node->safe_psql('dropped', $functions), 1, 'als.drop_model knows those that came with a dump');

# One that somebody has changed is theirs, also after a restoration.
$node->safe_psql(
	'postgres', q{
	create or replace function "A ""schema""".taste_predict(user_id uuid, item_id int, on_unknown text default 'null', clip boolean default false) returns real language sql as 'select 1::real';
	create database changed});
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'another dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('changed') ], 'is restored');
my ($code, $out, $err) = $node->psql('changed', q{select als.create_functions('"A ""schema""".taste')});
like($err, qr/taste_predict\(uuid,integer,text,boolean\) already exists/, 'a function of others is not replaced');
$node->safe_psql('changed', q{select als.drop_model('"A ""schema""".taste')});
is($node->safe_psql('changed', $functions), 2, 'nor dropped');

done_testing();
