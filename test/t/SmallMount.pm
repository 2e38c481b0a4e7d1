# Has a test run with a small file system of its own mounted somewhere, which it can fill: use SmallMount '/dev/shm', '64m'.
# To be used before AlsTest: it starts the test again, in a namespace where this user may mount one. mounted() tells whether
# that could be had.

package SmallMount;

use strict;
use warnings FATAL => 'all';

use Exporter;

our @EXPORT = qw(mounted);

sub import
{
	my ($class, $where, $size) = @_;

	my $ids   = "--map-user=$< --map-group=" . ($( + 0);
	my $mount = "mount -t tmpfs -o size=$size tmpfs $where";
	if (!mounted() && system("unshare -Urm sh -c '$mount && unshare -U $ids true' >/dev/null 2>&1") == 0)
	{
		$ENV{ALS_SMALL_MOUNT} = 1;
		$ENV{PERL5LIB} = join ':', grep { !ref } @INC;
		exec 'unshare', '-Urm', 'sh', '-c', "$mount && exec unshare -U $ids \"\$@\"", 'sh', $^X, $0;
	}
	@_ = ($class);
	goto &Exporter::import;
}

sub mounted { return $ENV{ALS_SMALL_MOUNT} }

1;
