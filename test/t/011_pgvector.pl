# The recipe for pgvector of docs/reference/vectors.md: an approximate index over a model's factors.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('pgvector');
plan skip_all => 'the extension vector (0.5 or later) is not there'
  if $node->safe_psql('postgres',
	q{select count(*) from pg_available_extension_versions where name = 'vector' and version >= '0.5'}) == 0;

create_ratings($node, 'ratings', 60_000, 1000, 3000);
for my $feedback ('explicit', 'implicit')
{
	$node->safe_psql('postgres', "select from als.train('$feedback', 'ratings', feedback => '$feedback', factors => 16)");
}
$node->safe_psql(
	'postgres', q{
	create extension vector;
	create index on implicit_item_factors using hnsw ((factors::vector(16)) vector_ip_ops);
	create index on explicit_item_factors using hnsw (((factors || bias)::vector(17)) vector_ip_ops);
	vacuum analyze implicit_item_factors; vacuum analyze explicit_item_factors});

# The share of als.recommend's lists that the index finds.
sub recall
{
	my ($feedback, $item, $user) = @_;

	my $lists = qq{
		set enable_seqscan = off; set hnsw.ef_search = 100;
		select avg((
			select count(*) from als.recommend('$feedback', u.user_id, 10, false) as r
			where r.item_id in (
				select i.item_id from ${feedback}_item_factors as i
				order by $item <#> (select $user from ${feedback}_user_factors as x where x.user_id = u.user_id) limit 10)) / 10.0)
		from generate_series(1, 100) as u(user_id)};
	return $node->safe_psql('postgres', $lists);
}

cmp_ok(recall('implicit', '(factors)::vector(16)', '(x.factors)::vector(16)'), '>', 0.9, 'implicit feedback');
cmp_ok(recall('explicit', '(factors || bias)::vector(17)', '(x.factors || 1::real)::vector(17)'),
	'>', 0.9, 'explicit feedback, the bias as one more component');

$node->stop;
done_testing();
