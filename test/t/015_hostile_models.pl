# als.models, als.progress and als.cache in a database full of models that strangers have made: nothing of
# theirs runs, nothing hangs, and the good models are listed.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('hostile');
create_ratings($node, 'ratings', 2000, 100, 30);
$node->safe_psql(
	'postgres', q{
	create role mallory;
	create role reader login;
	create schema lair authorization mallory;
	grant usage on schema lair to public;
	create foreign data wrapper nothing;
	create server nowhere foreign data wrapper nothing;
	grant usage on foreign server nowhere to mallory;
	select from als.train('taste', 'ratings', factors => 4, iterations => 2);
	select from als.train('taste', 'ratings', factors => 4, iterations => 2, replace => true);
	grant select on taste to public;
	-- A sequence keeps what happened even where the query fails.
	create sequence witness;
	grant usage on witness to public});

# Everything that mallory can attach to a table and that reading it may run.
$node->safe_psql(
	'postgres', q{
	set role mallory;
	set search_path = lair;
	create function evil(x bigint) returns bigint language plpgsql immutable as $$
	begin
		if current_user <> 'mallory' then perform nextval('public.witness'); end if;
		return x;
	end $$;
	create function evil_trigger() returns trigger language plpgsql as $$
	begin perform lair.evil(1); return new; end $$;

	create table fine of als.model (run primary key);
	create table unordered of als.model;
	create table indexed of als.model (run primary key);
	create table expression_only of als.model;
	create table checked of als.model (run primary key, check (lair.evil(1) > 0));
	create table measured of als.model (run primary key);
	create table guarded of als.model (run primary key);
	create table failing of als.model (run primary key);
	create table locked of als.model (run primary key);
	create table locked_index of als.model (run primary key);
	create table locked_values of als.model (run primary key);
	create table damaged of als.model (run primary key);
	create table damaged_index of als.model (run primary key);
	create table damaged_values of als.model (run primary key);
	create table long_values of als.model (run primary key);
	create table triggered of als.model (run primary key);
	create table liar of als.model (run primary key);
	create table empty of als.model (run primary key);
	create table parted of als.model partition by list (run);
	create table parted_1 partition of parted for values in (1);
	create table parted_2 (like parted);
	alter table parted_2 drop column source;
	alter table parted_2 add column source text;
	alter table parted attach partition parted_2 for values in (2);
	create table parted_by_code of als.model partition by range ((run + lair.evil(1)));
	create table parted_by_code_1 partition of parted_by_code default;
	create table parted_abroad of als.model partition by list (run);
	create table parted_abroad_1 partition of parted_abroad for values in (1);
	create foreign table parted_abroad_2 partition of parted_abroad for values in (2) server nowhere;

	do $$
	declare
		name text;
	begin
		for name in select relname from pg_class where reloftype = 'als.model'::regtype and relnamespace = 'lair'::regnamespace
			and relname not in ('empty', 'parted_abroad') loop
			execute format('insert into lair.%I select * from public.taste order by run desc', name);
		end loop;
	end $$;
	insert into parted_abroad select * from public.taste where run = 1;
	-- Long and incompressible, so that it is stored apart.
	update locked_values set source = (select string_agg(md5(i::text), '') from generate_series(1, 1000) i);
	update damaged_values set source = (select string_agg(md5(i::text), '') from generate_series(1, 1000) i);
	update long_values set source = repeat('long ', 1000000);
	update liar set user_factors = 4294967295, item_factors = 'pg_authid', source_table = 'pg_authid', source = 'select lair.evil(1)',
		trained_at = '-infinity', factors = -1, mean = 'nan', loss = '{{nan},{infinity}}';
	insert into unordered (source) values ('a run without a number');

	create index on indexed (lair.evil(1));
	create index on indexed (lair.evil(run));
	create index on indexed (factors) where lair.evil(1) > 0;
	create index on expression_only (lair.evil(run));
	create trigger evil before insert or update or delete on triggered for each row execute function evil_trigger();
	create rule evil as on update to triggered do also select lair.evil(1);
	alter table guarded enable row level security;
	alter table guarded force row level security;
	create policy evil on guarded using (lair.evil(1) > 0);
	alter table failing enable row level security;
	create policy evil on failing using (1 / 0 > 0);
	grant select on all tables in schema lair to public});
my $version = $node->safe_psql('postgres', 'show server_version_num');
# 13 has statistics on columns alone.
$node->safe_psql('postgres', 'set role mallory; create statistics lair.evil on (lair.evil(1) + run), factors from lair.measured')
  if $version >= 140000;
my $has_rules = $version < 160000;
$node->safe_psql(
	'postgres', q{
	set role mallory;
	create table lair.viewed of als.model;
	do $$ begin
		execute (select 'create rule "_RETURN" as on select to lair.viewed do instead select '
			|| string_agg(case attname when 'run' then 'lair.evil(1) as run' else quote_ident(attname) end, ', ' order by attnum)
			|| ' from public.taste'
			from pg_attribute where attrelid = 'als.model'::regclass and attnum > 0 and not attisdropped);
	end $$}) if $has_rules;

# Blocks that are no pages any more.
my %file;
for my $relation ('lair.damaged', 'lair.damaged_index_pkey')
{
	$file{$relation} = $node->safe_psql('postgres', "select pg_relation_filepath('$relation')");
}
$file{values} = $node->safe_psql('postgres',
	q{select pg_relation_filepath(reltoastrelid) from pg_class where oid = 'lair.damaged_values'::regclass});
$node->stop;
for my $file (values %file)
{
	open my $handle, '+<', $node->data_dir . "/$file" or die "$file: $!";
	binmode $handle;
	for (my $block = 0; $block * 8192 < -s $handle; ++$block)
	{
		seek $handle, $block * 8192, 0;
		print $handle "\x5a" x 512;
	}
	close $handle;
}
$node->start;

my @lockers = map { AlsTest::Session->new($node) } 1 .. 3;
my $toast   = $node->safe_psql('postgres',
	q{select reltoastrelid::regclass from pg_class where oid = 'lair.locked_values'::regclass});
$lockers[0]->query('begin; set local role mallory; lock table lair.locked in access exclusive mode');
$lockers[1]->query('begin; set local role mallory; reindex index lair.locked_index_pkey');
$lockers[2]->query("begin; reindex table $toast");

my $shown = q{select model || ': ' || coalesce('run ' || run || case when problem is null then '' else ' and ' end, '') || coalesce(problem, '')
	from als.models order by model::text collate "C"};
my @same = (
	'lair.checked: run 2',
	qr/^lair\.damaged: invalid page in block 0 of relation /,
	qr/^lair\.damaged_index: invalid page in block \d of relation |^lair\.damaged_index: index .* contains corrupted page/,
	qr/^lair\.damaged_values: invalid page in block \d of relation /,
	'lair.empty: it holds no training run',
	'lair.expression_only: run 2',
	'lair.failing: run 2',
	'lair.fine: run 2',
	'lair.guarded: run 2',
	'lair.indexed: run 2',
	'lair.liar: run 2',
	'lair.locked: it is locked by another session',
	'lair.locked_index: run 2',
	'lair.locked_values: it is locked by another session',
	'lair.long_values: its newest run has a value of more than 1 MB',
	'lair.measured: run 2',
	'lair.parted: run 2',
	'lair.parted_abroad: a part of it is not an ordinary table',
	'lair.parted_by_code: run 2',
	'lair.triggered: run 2',
	'lair.unordered: run 2',
	'taste: run 2');
my %expected = (
	postgres => \@same,
	reader   => [
		map { /guarded|failing/ ? s/run 2/row-level security applies to you/r : $_ } @same
	]);
for my $user (qw(postgres reader))
{
	my $session = AlsTest::Session->new($node, user => $user, settings => 'statement_timeout=60s');
	my @rows = map { $_->[0] } @{ $session->rows($shown) };
	is(scalar @rows, scalar @same, "$user sees every model");
	for my $i (0 .. $#same)
	{
		my $row = $expected{$user}[$i];
		ref $row ? like($rows[$i] // '', $row, "$user: $row") : is($rows[$i], $row, "$user: $row");
	}
	for my $view (qw(models progress cache))
	{
		is($session->query("select * from als.$view")->{state}, '00000', "$user: als.$view is read");
	}
	is($session->value("select source || n_ratings from als.models where model = 'lair.parted'::regclass"),
		$session->value('select source || n_ratings from taste where run = 2'),
		"$user: columns of a partition in another order");
	# The transaction goes on after what failed.
	is($session->query('begin; select count(*) from als.models; select count(*) from als.models; commit')->{state},
		'00000', "$user: twice in a transaction");
	$session->quit;
}
is($node->safe_psql('postgres', 'select is_called from witness'), 'f', 'nothing of mallory\'s has run');

# What is cancelled is no problem of a model.
my ($result, $out, $err) = $node->psql('postgres', q{set statement_timeout = '1ms'; select count(*) from generate_series(1, 100000), als.models});
like($err, qr/statement timeout/, 'the query can be cancelled');

$_->quit for @lockers;
$node->stop;
done_testing();
