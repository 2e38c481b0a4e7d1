# The Markdown pages of this repository, taken apart into fenced blocks and prose. Used by doc-examples and check-docs.

package DocPages;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';

our @EXPORT_OK = qw(pages read_page parse_page);

# Every page that a user or a developer reads, relative to the repository's root.
sub pages
{
	my @pages = grep { -e } qw(README.md CONTRIBUTING.md SECURITY.md);
	return (@pages, sort(glob('docs/*.md'), glob('docs/*/*.md')));
}

sub read_page
{
	my ($path) = @_;

	open(my $file, '<:encoding(UTF-8)', $path) or die "cannot read $path: $!\n";
	my @lines = <$file>;
	close($file);
	chomp @lines;
	return @lines;
}

# Returns the page's parts in order. A part is a hash: type 'line' with text, or type 'block' with language and lines;
# both have the number of their first line, a block also that of its last one, counted from 1.
sub parse_page
{
	my @lines = @_;

	my @parts;
	my $block;
	my $fence;
	for my $i (0 .. $#lines)
	{
		my $line = $lines[$i];
		if ($block)
		{
			if ($line =~ /^\s*(`{3,}|~{3,})\s*$/ && index($1, $fence) == 0)
			{
				$block->{last} = $i + 1;
				undef $block;
				next;
			}
			$line =~ s/^$block->{indent}//;
			push @{ $block->{lines} }, $line;
		}
		elsif ($line =~ /^(\s*)(`{3,}|~{3,})\s*(\S*)/)
		{
			$fence = $2;
			$block = {
				type     => 'block',
				first    => $i + 1,
				last     => scalar @lines,
				indent   => $1,
				language => lc $3,
				lines    => []
			};
			push @parts, $block;
		}
		else
		{
			push @parts, { type => 'line', first => $i + 1, text => $line };
		}
	}
	return @parts;
}

1;
