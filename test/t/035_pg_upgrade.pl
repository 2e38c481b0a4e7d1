# pg_upgrade from each older PostgreSQL beside this one that has als: models serve on without a training.
# Looks for servers where Debian's packages put them, beside this one's: .../postgresql/15/bin and so on. There als
# must have been installed (make install PG_CONFIG=...).

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The output of pg_config of an installation; its path of programs.
sub config
{
	my ($programs, $what) = @_;
	my $config = "$programs/pg_config";
	my $value = -x $config ? `$config $what` : '';
	chomp $value;
	return $value;
}

# Where the programs of this run are, which are copies, and where they have been copied from.
chomp(my $programs = `pg_config --bindir`);
my ($root, $version) = ($ENV{ALS_COPIED_FROM} // $programs) =~ m{^(.*/)(\d+)/bin$};
my @older = defined $version && $version >= 15
  ? sort { $a <=> $b } grep { $_ < $version && -e config("$root$_/bin", '--sharedir') . '/extension/als.control' } map { m{/(\d+)$} } glob "$root*"
  : ();
plan skip_all => 'no older PostgreSQL with als is here' if !@older;

# What a model says; the answers of two servers are to be the same.
my $answers = q{
	select md5(string_agg(r::text, ' ' order by u, r.rank)) from generate_series(1, 200) as u, als.recommend('taste', u) as r
	union all
	select md5(string_agg(r::text, ' ' order by u, r.rank)) from generate_series(1, 200) as u, taste_recommend(u) as r
	union all
	select md5(string_agg(r::text, ' ' order by i, r.rank)) from generate_series(1, 60) as i, als.similar_items('taste', i) as r
	union all
	select model || ' ' || coalesce(problem, 'well') from als.models};

for my $from (@older)
{
	my $old = PostgreSQL::Test::Cluster->new("old$from", install_path => "$root$from");
	my $new = PostgreSQL::Test::Cluster->new("new$from");
	# Data checksums became the default in 18.
	my $no_checksums = $version >= 18 ? [ extra => ['--no-data-checksums'] ] : [];
	$old->init(extra => $from >= 18 ? ['--no-data-checksums'] : []);
	$new->init(@$no_checksums);
	$old->start;
	$old->safe_psql(
		'postgres', q{
		create extension als;
		create table ratings as
		select u as user_id, i as item_id, (u * 7 + i * 3) % 5 + 1 as rating
		from generate_series(1, 200) u, generate_series(1, 60) i where (u + i) % 3 > 0;
		create table films as select i as item_id, 'genre ' || i % 4 as genre from generate_series(1, 70) i;
		select from als.train('taste', 'ratings', factors => 8, item_features => 'films', functions => true);
		select als.track('taste');
		insert into ratings values (3, 3, 5)});
	my $said = $old->safe_psql('postgres', $answers);
	like($said, qr/^taste well$/m, "from $from: there is a model");
	$old->stop;
	my $upgrades = run_log(
		[ 'pg_upgrade', '--no-sync', '-b', "$root$from/bin", '-B', $programs, '-d', $old->data_dir, '-D', $new->data_dir,
			'-s', $new->host, '-p', $old->port, '-P', $new->port ]);
	if (!$upgrades)
	{
		# It leaves its logs where it has failed.
		my $log = join "\n", map { slurp_file($_) } glob $new->data_dir . '/pg_upgrade_output.d/*/log/*';
		note $log;
		SKIP: {
			# Debian's 17.12 gives the columns of every table such an option.
			skip 'PostgreSQL itself cannot', 1 if $log =~ /unrecognized parameter "pg_attver"/;
			fail("from $from: pg_upgrade");
		}
		next;
	}
	$new->start;
	is($new->safe_psql('postgres', $answers), $said, "from $from: the model says what it said, without a training");
	is($new->safe_psql('postgres', q{select users || ' ' || items from als.refresh('taste') as r(users, items)}),
		'1 1', "from $from: a refresh finds what has changed before");
	$new->safe_psql('postgres', q{select als.track('taste'); insert into ratings values (3, 6, 5)});
	is($new->safe_psql('postgres', q{select users || ' ' || items from als.refresh('taste') as r(users, items)}),
		'1 1', "from $from: and what changes after it");
	is($new->safe_psql('postgres', q{select array_length(loss, 1) from als.retrain('taste', iterations => 3)}),
		3, "from $from: it can be trained again");
	$new->safe_psql('postgres', q{select als.drop_model('taste')});
	is($new->safe_psql('postgres', q{select count(*) from pg_class where relname like 'taste%'}), 0, "from $from: and dropped whole");
	$new->stop;
}

done_testing();
