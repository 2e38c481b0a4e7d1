# Has a test run in a network of its own, in which addresses can be cut off as if their machine, or the cable to it, were
# gone. To be used before AlsTest: it starts the test again. Where that cannot be had, the test is skipped.

package OwnNetwork;

use strict;
use warnings FATAL => 'all';

use Exporter;

our @EXPORT = qw(listen_at cut_off connect_again);

sub import
{
	$ENV{PATH} .= ':/usr/sbin:/sbin';
	if (!$ENV{ALS_OWN_NETWORK})
	{
		my @unshare = qw(unshare --map-current-user --keep-caps --net);
		if (system("@unshare ip link set lo up >/dev/null 2>&1") != 0)
		{
			print "1..0 # SKIP a network of its own cannot be had\n";
			exit;
		}
		$ENV{ALS_OWN_NETWORK} = 1;
		$ENV{PERL5LIB} = join ':', @INC;
		exec @unshare, $^X, $0;
	}
	system('ip link set lo up') == 0 or die 'no loopback';
	goto &Exporter::import;
}

# Lets a server take connections at this address, one of 127.0.0.0/8, from the next start on.
sub listen_at
{
	my ($node, $address) = @_;

	$node->append_conf('postgresql.conf', "listen_addresses = '$address'");
	$node->append_conf('pg_hba.conf',     "host all all 127.0.0.0/8 trust");
	return;
}

# What is sent to the address is lost from now on, and nothing tells the sender; new connections are refused.
sub cut_off
{
	my ($address) = @_;

	system("ip route add blackhole $address/32 table local") == 0 or die "cannot cut $address off";
	return;
}

sub connect_again
{
	my ($address) = @_;

	system("ip route del blackhole $address/32 table local") == 0 or die "cannot connect $address again";
	return;
}

1;
