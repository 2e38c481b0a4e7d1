# A system that gives a session no more memory, or no more threads: an error or a slower call, and a
# session that lives on.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs prlimit' if system('prlimit --version >/dev/null 2>&1') != 0;

# Sets a limit of the session's process, which it had unlimited, or takes it back.
sub set_limit
{
	my ($session, $limit, $value) = @_;

	# The soft limit alone, so that it can be raised again.
	run_log([ 'prlimit', '--pid', $session->pid, "--$limit=$value:" ]) or die 'prlimit failed';
	return;
}

# Bytes of address space that the process has taken.
sub address_space
{
	my ($session) = @_;

	my ($kilobytes) = slurp_file('/proc/' . $session->pid . '/status') =~ /^VmSize:\s*(\d+) kB/m
	  or die 'no VmSize';
	return $kilobytes * 1024;
}

my $node = new_node('scarce');
create_ratings($node, 'ratings', 200_000, 20_000, 2000);
$node->safe_psql('postgres', q{select from als.train('model', 'ratings', factors => 16, iterations => 1)});

my $vectors = sub {
	my ($n) = @_;
	# Mostly ids, which are read in the middle of calls of the server.
	return "\$\$select repeat('x', 200) || i, array[i::real / $n] from generate_series(1, $n) as i\$\$";
};
my %statements = (
	import_model => 'select n_users from als.import_model(\'imported\', '
	  . $vectors->(200_000) . ', '
	  . $vectors->(1000)
	  . ', replace => true)',
	train => q{select n_users from als.train('trained', 'ratings', factors => 128, iterations => 1, threads => 2,
		replace => true)},
	recommend     => q{select count(*) from als.recommend('model', 1)},
	recommend_all => q{select als.recommend_all('model', 'best', k => 100)});

# Wherever memory ends.
for my $name (sort keys %statements)
{
	my %states;
	for my $megabytes (0, 1, 2, 3, 5, 8, 12, 16, 24, 32, 48)
	{
		my $session = AlsTest::Session->new($node);
		$session->value('select als.dot(array[1], array[1])');
		set_limit($session, 'as', address_space($session) + $megabytes * 1048576);
		my $state = $session->query($statements{$name})->{state};
		++$states{$state};
		# Another error finds its handler, if there is memory for it.
		like($session->query('select 1/0')->{state}, qr/^(22012|53200)$/, "$name with $megabytes MB: $state");
		set_limit($session, 'as', 'unlimited');
		is($session->query($statements{recommend})->{state}, '00000', 'the session lives on');
		$session->quit;
	}
	cmp_ok($states{53200} // 0, '>', 0, "$name was refused memory");
	delete @states{qw(00000 53200)};
	is_deeply(\%states, {}, 'and failed for no other reason');
}

# A training does without threads that it cannot have.
my $train = q{select loss from als.train('%s', 'ratings', factors => 32, iterations => 2, threads => 4)};
my $alone = AlsTest::Session->new($node);
set_limit($alone, 'nproc', 1);
my $result   = $alone->query(sprintf $train, 'alone');
my $together = AlsTest::Session->new($node);
is($result->{state}, '00000', 'no thread to be had');
is($result->{out}, $together->value(sprintf $train, 'together'), 'and the same model');
$_->quit for $alone, $together;

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process has died');
$node->stop;
done_testing();
