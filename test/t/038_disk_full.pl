# A disk that is full while a model is written: an error, nothing left behind, and the model of before serves.

use strict;
use warnings FATAL => 'all';

use SmallMount '/mnt', '32m';
use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no small disk can be mounted here' if !mounted();

my $node = new_node('full');
create_ratings($node, 'ratings', 40_000, 4000, 1000);
mkdir '/mnt/models' or die "/mnt/models: $!";
$node->safe_psql('postgres', q{create tablespace small location '/mnt/models'});
my $dba = AlsTest::Session->new($node);
$dba->query('set default_tablespace = small');

# Kilobytes that are free there.
sub free { return (split ' ', (`df -k /mnt`)[-1])[3] }

# Leaves so many kilobytes.
sub fill
{
	my ($leave) = @_;

	my $n = free() - $leave;
	system("head -c ${n}k /dev/zero >/mnt/filler 2>/dev/null");
	cmp_ok(free(), '<=', $leave, "the disk has $leave kB");
	return;
}

# The files there that hold something, but for maps of free room. Tables that were there before may have grown by rows that
# no transaction sees, as by any statement that fails; a vacuum takes them.
sub files { return join ' ', sort grep { -s && !/_[a-z]+$/ } glob '/mnt/models/*/*/*' }

my $answer = q{select md5(string_agg(r::text, ' ' order by r.rank)) from generate_series(1, 50) as u,
	als.recommend('taste', u, 20) as r};
my $vectors = q{$$select i, array[i, 1.0, -i]::real[] from generate_series(1, %d) as i$$};
my %calls = (
	train         => q{select from als.train('taste', 'ratings', factors => 16, iterations => 3, replace => true)},
	train_another => q{select from als.train('another', 'ratings', factors => 16, iterations => 1)},
	retrain       => q{select from als.retrain('taste', iterations => 3)},
	refresh_users => q{select als.refresh_users('taste')},
	recommend_all => q{select als.recommend_all('taste', 'best', k => 10)},
	import_model  => sprintf q{select from als.import_model('imported', %s, %s)},
	(sprintf $vectors, 5000), (sprintf $vectors, 1000),);

for my $name (sort keys %calls)
{
	my %states;
	for my $leave (0, 64, 200, 1000, 16_000)
	{
		$dba->query(q{drop table if exists best; delete from ratings where user_id > 4000});
		$dba->query(q{select als.drop_model(m) from unnest('{taste, another, imported}'::text[]) as name, to_regclass(name) as m
			where m is not null});
		$dba->rows(q{select from als.train('taste', 'ratings', factors => 16, iterations => 2)});
		$dba->query('insert into ratings select 4000 + i, i % 900 + 1, 3 from generate_series(1, 4000) as i; checkpoint');
		my $before    = $dba->value($answer);
		my $relations = relations($dba);
		my $files     = files();
		fill($leave);
		my $state = $dba->query($calls{$name})->{state};
		++$states{$state};
		if ($state ne '00000')
		{
			is($state, '53100', "$name with $leave kB: the error") or note $dba->{last}{err};
			is($dba->value($answer), $before, 'the model of before serves');
			is(relations($dba), $relations, 'no table is left');
			is(files(), $files, 'and no file');
		}
		unlink '/mnt/filler';
	}
	cmp_ok($states{53100} // 0, '>', 1, "$name found the disk full");
	cmp_ok($states{'00000'} // 0, '>', 0, 'and, with enough of it, was done');
}
$dba->quit;
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process has died');
$node->stop;
done_testing();
