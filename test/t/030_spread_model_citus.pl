# A model of a distributed training on Citus: its users lie where their ratings do, its items and its row on all nodes; every
# node serves it, and lists for all users are made on the nodes that have them.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = citus_cluster() or plan skip_all => 'the extension citus is not there';
my $coordinator = $nodes[0];

sub sql { return $coordinator->safe_psql('postgres', $_[0]); }

sub on_all
{
	my ($sql) = @_;
	return join ' ', map { $_->safe_psql('postgres', $sql) } @nodes;
}

# How the statement fails, as SQLSTATE and message.
sub failure
{
	my ($sql) = @_;
	my (undef, undef, $stderr) = $coordinator->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	return $stderr =~ /ERROR:  (.*)/ ? $1 : 'no error';
}

# What Citus says of the plans of a statement.
sub plans
{
	my ($sql) = @_;
	my $plans = '';
	$coordinator->psql('postgres', "set client_min_messages = debug1; $sql", stderr => \$plans);
	return $plans;
}

create_ratings($coordinator, 'ratings', 20_000, 300, 120);
# As many shards as parts: so one server deals users out alike.
sql(q{create table here as select * from ratings; select create_distributed_table('ratings', 'user_id', shard_count => 2); create index on ratings (user_id)});
my $options = q{factors => 8, iterations => 3, distributed => true};
sql("select from als.train('single', 'here', $options, parts => 2)");
my $trained = plans("select from als.train('taste', 'ratings', $options)");

is(sql(q{select string_agg(concat_ws(' ', logicalrelid, partmethod::text || repmodel::text, colocationid = (select colocationid from pg_dist_partition where logicalrelid = 'ratings'::regclass)), ', ' order by logicalrelid::text) from pg_dist_partition where logicalrelid::text like 'taste%'}),
	'taste nt f, taste_item_factors nt f, taste_user_factors hs t', 'users are colocated with their ratings, the rest is on all nodes');
my ($written) = $trained =~ /als: iteration 3 of 3(.*)/s;
is(join(', ', $written =~ /(performing repartitioned|Collecting) INSERT/g), 'performing repartitioned, Collecting', 'users go from node to node, only items come to the coordinator');
is(sql(q{select count(*) from pg_trigger where tgfoid = 'als.factors_changed'::regproc and tgrelid::regclass::text like 'taste%'}), 0, 'without triggers');
my $same = q{select count(*) from (table only single_%1$s_factors except select * from taste_%1$s_factors) different};
is(sql(sprintf $same, $_), 0, "the bits of the ${_}s are those of one server") for 'user', 'item';
# With more parts than shards none is without users.
sql("select from als.train('single_of_4', 'here', $options, parts => 4); select from als.train('of_4', 'ratings', $options, parts => 4)");
is(sql(q{select count(*) from (table only single_of_4_user_factors except select * from of_4_user_factors) different}), 0, 'and with more parts than shards');
sql(q{select als.drop_model('single_of_4'), als.drop_model('of_4')});

# From every node, at once.
my $lists = join "\n", map { "select item_id, score, rank from als.recommend('%s', $_, 5);" } 1 .. 40;
my $expected = sql($lists =~ s/%s/single/gr);
for my $node (@nodes)
{
	is($node->safe_psql('postgres', $lists =~ s/%s/taste/gr), $expected, $node->name . ' recommends');
	is($node->safe_psql('postgres', q{select concat_ws(' ', l.run, l.distributed, l.user_table, m.problem) from als.models m, als.latest_run(m.model) l where m.model::text = 'taste'}),
		'1 t public.taste_user_factors', $node->name . ' lists it');
}

# Lists of all users, where they are: into a table that is made and lies with them, one that is there, and one on this node.
sql(q{select als.recommend_all('single', 'expected', 4)});
my $made = plans(q{select als.recommend_all('taste', 'recs', 4)});
unlike($made, qr/Collecting|generating subplan/, 'lists do not pass the coordinator');
is(sql(q{select p.partmethod from pg_dist_partition p join pg_dist_partition r using (colocationid) where p.logicalrelid = 'recs'::regclass and r.logicalrelid = 'ratings'::regclass limit 1}), 'h', 'they lie with the users');
my $differ = q{select count(*) from (select * from %s except select * from expected) different};
is(sql(sprintf $differ, 'recs'), 0, 'they are those of one server');
is(sql(q{select count(*), count(distinct user_id) from recs}), '1200|300', 'of all users');
is(sql(q{create table recs_here (like recs); select als.recommend_all('taste', 'recs_here', 4)}) . sql(sprintf $differ, 'recs_here'), 12000, 'into a table on one node');
is(sql(q{create table recs_by_item (like recs); select create_distributed_table('recs_by_item', 'item_id'); select als.recommend_all('taste', 'recs_by_item', 4)}) =~ s/\s//gr . sql(sprintf $differ, 'recs_by_item'), 12000, 'and into one that is distributed otherwise');
my $some = q{select als.recommend_all('%1$s', '%2$s', 4, users => 'select generate_series(5, 9)', candidates => 'select generate_series(1, 60)', exclude => 'select 7', seen => 'more')};
sql(q{create table more as select user_id, 121 - item_id as item_id from here});
is(sql(sprintf $some, 'taste', 'recs'), sql(sprintf $some, 'single', 'expected'), 'for some users, of some items, without what else they have seen');
is(sql(sprintf $differ, 'recs'), 0, 'those of one server');
my $pairs = q{select als.recommend_all('%1$s', '%2$s', 4, exclude => 'select user_id, item_id from expected where rank = 1')};
sql(q{select als.recommend_all('single', 'expected', 4)});
sql(sprintf $pairs, 'taste', 'recs');
is(sql(q{select count(*) from recs r join expected e using (user_id, item_id) where e.rank = 1}), 0, 'without pairs of users and items');
sql(q{select als.recommend_all('single', 'expected', 4, diversity => 0.4)});
$made = plans(q{select als.recommend_all('taste', 'recs', 4, diversity => 0.4)});
unlike($made, qr/Collecting|generating subplan/, 'nor do lists with diversity');
is(sql(sprintf $differ, 'recs'), 0, 'as on one server');
sql(q{select als.recommend_all('single', 'expected', 4, explore => 0.5, new_below => 1000)});
sql(q{select als.recommend_all('taste', 'recs', 4, explore => 0.5, new_below => 1000)});
is(sql(sprintf $differ, 'recs'), 0, 'lists with places for new items are made here, as on one server');
is(sql(q{select als.recommend_all('taste', 'recs', 120, exclude_seen => false)}), 36000, 'with what they have seen');
sql(q{select als.recommend_all('single', 'expected', 4, seen => 'select user_id::bigint, item_id from more')});
is(sql(q{select als.recommend_all('taste', 'recs', 4, seen => 'select user_id::bigint, item_id from more')}), 1200, 'ids of other types');
is(sql(sprintf $differ, 'recs'), 0, 'are converted');
# The other way round users are read by the node that is asked, in the order of the rows that come: so of equal scores another may be first.
my $users_differ = q{select count(*) from (select item_id, rank, score from users_of_items except select item_id, rank, score from expected_users) different};
for my $more ('', q{, exclude_seen => false}, q{, items => 'select generate_series(3, 90, 4)', candidates => 'select generate_series(1, 100)', exclude => 'select 7'})
{
	my $n = sql("select als.recommend_users_all('single', 'expected_users', 3$more)");
	cmp_ok($n, '>', 60, "users for items$more");
	is(sql("select als.recommend_users_all('taste', 'users_of_items', 3$more)"), $n, 'as many where users are distributed');
	is(sql($users_differ), 0, 'with the scores of one server');
}
like(failure(q{select als.track('taste')}), qr/^0A000: changes of public.ratings are not noted/, 'changes are not noted');
is(sql(q{select als.refresh('taste')}), '(0,0)', 'but looked for');
is(on_all(q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]'}), '0 0 0', 'nothing is left on any node');

# By a role that may do no more than that in its own schema.
sql(q{
	create role app login;
	create schema app authorization app;
	set role app;
	create table app.ratings as select user_id, item_id, 5::real as rating from generate_series(1, 40) user_id, generate_series(1, 30) item_id where (user_id + item_id) % 3 > 0;
	select create_distributed_table('app.ratings', 'user_id')});
is(sql(q{set role app; select count(*) from als.train('app.of_app', 'app.ratings', feedback => 'implicit', factors => 4, distributed => true)}), 1, 'any role trains');
is(sql(q{set role app; select warm_start from als.retrain('app.of_app')}), 't', 'again');
is(sql(q{set role app; select als.recommend_all('app.of_app', 'app.recs', 3)}), 120, 'and makes lists');
sql(q{set role app; select als.drop_model('app.of_app'); drop schema app cascade});

# Warm starts and ratings kept out: the bits of one server again, and only items and keys at the coordinator.
my $again = q{select from als.train('%1$s', '%2$s', factors => 8, iterations => 3, distributed => true, %3$s replace => true, warm_start => true, holdout => 0.2)};
sql(sprintf $again, 'single', 'here', 'parts => 2,');
my $warm = plans(sprintf $again, 'taste', 'ratings', '');
is(sql(sprintf $same, $_), 0, "warm and with a holdout: the bits of the ${_}s are those of one server") for 'user', 'item';
my $held = q{select concat_ws(' ', warm_start, n_holdout, holdout_metric, array_to_string(holdout_values, ' ')) from als.latest_run('%s')};
is(sql(sprintf $held, 'taste'), sql(sprintf $held, 'single'), 'and so is what was kept out');
unlike($warm, qr/generating subplan [^\n]*(user_factors|_(chunks|users|sums|slices|places|known)\b)/, 'no users are gathered');
unlike($warm, qr/generating subplan \S+ for subquery (?!SELECT item_id FROM \(SELECT unnest\(als_[0-9a-f]+_rows.items\) )[^\n]*_rows\b/, 'of the rows the ids of items alone');
like($warm =~ s/als: iteration 1 of 3.*//sr, qr/(performing repartitioned.*){3}/s, 'they go from node to node');

# New runs, in the same tables.
my $tables = q{select string_agg(oid::text, ' ' order by relname) from pg_class where relname ~ '^taste(_(user|item)_factors)?$'};
my $oids = sql($tables);
is(sql(q{select concat_ws(' ', run, distributed, warm_start, cardinality(loss)) from als.retrain('taste', iterations => 2)}), '3 t t 2', 'trained again');
is(sql(q{select concat_ws(' ', run, distributed) from als.train('taste', 'ratings', factors => 8, iterations => 2, replace => true)}), '4', 'and by one node, which writes to all');
is(on_all(q{select count(*) from als.recommend('taste', 7, 3)}), '3 3 3', 'it serves');
is(sql($tables), $oids, 'in the same tables');
is(on_all(q{select max(run) || '/' || count(item_version) from taste}), '4/1 4/1 4/1', 'older runs serve no longer');
is(sql(q{insert into ratings values (1000, 1, 5), (1000, 2, 1); select als.refresh_users('taste'), als.refresh_items('taste')}), '1|2', 'a user who is new, and the items');
is(on_all(q{select count(*) from als.recommend('taste', 1000, 3)}), '3 3 3', 'is served by every node');
is(sql(q{select value between 1 and 1.4 from als.evaluate('taste', 'ratings', exclude_seen => false) where metric = 'rmse'}), 't', 'an evaluation');
is(sql(q{select count(*) from als.create_functions('taste')}), 8, 'functions of the model');

# What it cannot do.
like(failure(q{select als.train('taste', 'ratings', replace => true, keep_previous => true)}), qr/^0A000: no run is kept of model public\.taste/, 'no run is kept');
like(failure(q{select als.train('taste', 'ratings', replace => true, item_features => 'select 1 as item_id, 2 as feature')}),
    qr/^0A000: model public\.taste is spread over the nodes/, 'nor has it features');
like(failure(q{select als.train('taste', 'select user_id::bigint, item_id, rating from ratings', factors => 8, replace => true)}), qr/^0A000: the type of column "user_id", by which/, 'user ids keep their type');
like(failure(q{select als.train('pg_temp.taste', 'ratings', distributed => true)}), qr/^0A000: Citus spreads no temporary tables/, 'nor is a model temporary');
like(failure(q{select als.rollback_model('taste')}), qr/^55000: model public.taste has kept no run/, 'nor rolled back');

# On a worker.
{
	my $port = $coordinator->port;
	for my $sql (
		q{select als.refresh_users('taste')},
		q{select als.recommend_all('taste', 'elsewhere')},
		q{select als.retrain('taste')},
		q{select als.train('elsewhere', 'ratings', distributed => true)},
		q{select als.import_model('taste', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors', feedback => 'implicit', replace => true)},
		q{select als.attach_model('elsewhere', 'taste_user_factors', 'taste_item_factors', feedback => 'implicit', regularization => 1, reg_exponent => 1, alpha => 1)},
		q{select als.drop_model('taste')})
	{
		my (undef, undef, $stderr) = $nodes[1]->psql('postgres', "\\set VERBOSITY verbose\n$sql");
		like($stderr, qr/ERROR:  0A000: this node is not the coordinator.*Connect to the coordinator, \S+:$port,/s, "on a worker: $sql");
	}
	is($nodes[1]->safe_psql('postgres', q{select als.refresh_items('taste', array[5])}), 1, 'items are refreshed from there, too');
}

# A model that is on one node stays there.
like(plans(q{select from als.train('single', 'ratings', factors => 8, iterations => 1, distributed => true, replace => true)}), qr/NOTICE:  the tables of model public\.single stay on this node/, 'what is on one node stays there');

sql('alter table taste rename to flavour');
is(on_all(q{select count(*) from als.recommend('flavour', 7, 3)}), '3 3 3', 'under another name');
sql(q{select als.drop_model('flavour')});
is(on_all(q{select count(*) from pg_class where relname ~ '^(taste|flavour)'}), '0 0 0', 'dropped, it is gone from all nodes');
sql("select from als.train('taste', 'ratings', $options)");
like(failure('drop table taste'), qr/^2BP01: cannot drop table taste because other objects depend on it/, 'its table alone cannot be dropped');
sql('drop table taste cascade');
is(on_all(q{select count(*) from pg_class where relname ~ '^taste'}), '0 0 0', 'with its factors, too, where its table is dropped');

# Ids of types that somebody has made.
sql(q{
	create type colour as enum ('red', 'green', 'blue');
	create type place as (shop int, shelf text);
	create domain number as int check (value > 0);
	create table by_colour as select (enum_range(null::colour))[1 + user_id % 3] as user_id, item_id, rating from here;
	create table by_place as select row(user_id, 'a')::place as user_id, row(item_id, 'b')::place as item_id, rating from here;
	create table by_number as select user_id::number as user_id, item_id, rating from here;
	select create_distributed_table(t, 'user_id') from unnest('{by_colour,by_place,by_number}'::text[]) t});
like(failure(q{select als.train('of_colour', 'by_colour', distributed => true)}), qr/^0A000: Citus does not find users by ids of type colour/, 'enums have other hashes on other nodes');
sql(q{
	create table users_of_colour (user_id colour primary key, factors real[], bias real, n_ratings int);
	select create_distributed_table('users_of_colour', 'user_id');
	insert into users_of_colour values ('red', '{1,2}');
	create table items_of_colour (item_id int primary key, factors real[], bias real, n_ratings int);
	select create_reference_table('items_of_colour');
	insert into items_of_colour values (1, '{1,2}')});
like(failure(q{select als.attach_model('of_colour', 'users_of_colour', 'items_of_colour')}), qr/^0A000: Citus does not find users by ids of type colour/, 'in tables that are there, too');
my %id = (place => '(7,a)', number => 7);
for my $type (sort keys %id)
{
	sql("select from als.train('of_$type', 'by_$type', factors => 4, iterations => 2, distributed => true)");
	is(sql("select warm_start from als.retrain('of_$type')"), 't', "$type: trained again");
	my $recommend = "select count(*) from als.recommend('of_$type', '$id{$type}'::text, 3)";
	is(on_all($recommend), '3 3 3', "$type: served");
	is(sql("select als.recommend_all('of_$type', '${type}_recs', 3)"), sql("select 3 * count(*) from of_${type}_user_factors"), "$type: lists for all users");
}

# char is as long as the ids are, not char(1): what has been seen is found.
sql(q{
	create table by_code as select user_id, ('code' || item_id)::char(10) as item_id, rating from here;
	select create_distributed_table('by_code', 'user_id');
	select from als.train('of_code', 'by_code', factors => 4, iterations => 2, distributed => true);
	select als.recommend_all('of_code', 'code_recs', 3)});
is(sql('select count(*) from code_recs join by_code using (user_id, item_id)'), 0, 'char: lists without what has been seen');
is(sql('select count(*) from code_recs'), 900, 'char: of all users');

# Users are refreshed where they are: new ones, changed ones, and those who are gone. (Some have duplicates.)
sql(qq{create table local as select * from here; create table spread as select * from here;
	select create_distributed_table('spread', 'user_id', shard_count => 2);
	select from als.train('alone', 'local', $options, parts => 2); select from als.train('nodes', 'spread', $options)});
for my $ratings ('local', 'spread')
{
	sql(qq{
		insert into $ratings select 1000 + i % 3, 1 + (i * 7) % 120, 1 + i % 5 from generate_series(1, 60) i;
		update $ratings set rating = 6 - rating where user_id between 10 and 14;
		insert into $ratings values (20, 119, 2), (20, 120, 1), (21, 5000, 4);
		delete from $ratings where user_id in (30, 31) or (user_id = 32 and item_id = 1)});
}
my $differing = q{select count(*) from alone_user_factors s full join nodes_user_factors t using (user_id)
	where (s.n_ratings, s.checksum) is distinct from (t.n_ratings, t.checksum) or abs(s.bias - t.bias) > 1e-4
		or exists (select from unnest(s.factors, t.factors) as f(a, b) where abs(a - b) > 1e-4)};
my $refresh_some = q{select als.refresh_users('%s', array[30, 1001, 7, 4711])};
is(sql(sprintf $refresh_some, 'nodes'), sql(sprintf $refresh_some, 'alone'), 'some users are refreshed');
is(sql($differing), 0, 'as on one server');
my $refresh = q{select als.refresh_users('nodes')};
unlike(plans($refresh), qr/Collecting|generating subplan/, 'no rating and no user passes the coordinator');
is(sql(q{select als.refresh_users('alone')}), 10, 'those who have changed on one server');
is(sql($differing), 0, 'are those that have on the nodes');
is(sql($refresh), 0, 'and are no longer');
is(on_all('select n_users from nodes'), join(' ', (sql('select n_users from alone')) x 3), 'users are counted');
sql(q{delete from spread where user_id > 100});
like(failure($refresh), qr/^55000: the refresh would remove/, 'most users are not removed unasked');
is(sql(q{select als.refresh_users('nodes', force => true)}), 203, 'but by force');
is(on_all(q{select count(*) from pg_class where relname ~ '^als_[0-9a-f]'}), '0 0 0', 'nothing is left on any node');

# Items are refreshed from what each node sums up of its own users. (Some ratings are duplicates.)
sql(qq{
	create table few as select u as user_id, 1 + (u * i * i + i) % 120 as item_id, (1 + (u * 7 + i * 13) % 9 / 2.0)::real as rating
		from generate_series(1, 3000) u, generate_series(1, 12) i;
	insert into few select user_id, item_id, 4 from few where user_id % 50 = 0 limit 100;
	create table spread_few as table few;
	select create_distributed_table('spread_few', 'user_id', shard_count => 2)});
for my $feedback ('explicit', 'implicit')
{
	sql(q{drop table if exists one_place, places cascade});
	sql(qq{
		select from als.train('one_place', 'few', factors => 8, iterations => 2, parts => 2, distributed => true, feedback => '$feedback');
		select from als.train('places', 'spread_few', factors => 8, iterations => 2, distributed => true, feedback => '$feedback')});
	my $other_items = q{select count(*) from one_place_item_factors s full join places_item_factors t using (item_id)
		where (s.n_ratings, s.checksum) is distinct from (t.n_ratings, t.checksum) or abs(s.bias - t.bias) > 1e-5 or abs(s.popularity / t.popularity - 1) > 1e-6
			or exists (select from unnest(s.factors, t.factors) as f(a, b) where abs(a - b) > 1e-5)};
	is(sql(q{select als.refresh_items('places')}), 0, "$feedback: duplicates make no item look changed");
	for my $ratings ('few', 'spread_few')
	{
		sql(qq{
			update $ratings set rating = 6 - rating where item_id = 3;
			insert into $ratings select i, 500 + i % 2, 3 from generate_series(1, 60) i;
			insert into $ratings values (9, 500, 5);
			delete from $ratings where item_id = 5});
	}
	my $remote = sub { plans("set citus.log_remote_commands = on; $_[0]") };
	my $named = $remote->(q{select als.refresh_items('places', '{3,77,5,4711}')});
	like($named, qr/als\.(implicit_)?equations/, "$feedback: nodes sum up equations");
	unlike($named, qr/issuing SELECT (user_id|item_id), /, "$feedback: users stay where they are");
	sql(q{select als.refresh_items('one_place', '{3,77,5,4711}')});
	is(sql($other_items), 0, "$feedback: named items as on one server");
	unlike($remote->(q{select als.refresh_items('places')}), qr/issuing SELECT (user_id|item_id), /, "$feedback: nor are ratings read to see which have changed");
	is(sql(q{select als.refresh_items('one_place')}), 2, "$feedback: and what has changed");
	is(sql($other_items), 0, "$feedback: as on one server");
	is(sql(q{select als.refresh_items('places')}), 0, "$feedback: and has no longer");
	is(sql(q{select count(*) filter (where item_id in (500, 501)), count(*) filter (where item_id = 5) from places_item_factors}), '2|0', "$feedback: new items are there, others gone");
	sql(q{insert into spread_few values (17, 4, 'NaN')});
	like(failure($_), qr/^22003: the rating of user 17 for item 4 is NaN/, "$feedback: $_ names a rating that is no number") for
		q{select als.refresh_items('places')}, q{select als.refresh_items('places', '{4}')}, q{select als.refresh_users('places', '{17}')};
	sql(q{delete from spread_few where rating = 'NaN'});
	for my $ratings ('few', 'spread_few')
	{
		sql(qq{update $ratings set rating = 6 - rating where item_id = 3; delete from $ratings where item_id in (500, 501);
			insert into $ratings select u, 5, 2 from generate_series(1, 40) u});
	}
}
sql(q{
	create table once as select distinct on (user_id, item_id) * from few;
	select create_distributed_table('once', 'user_id');
	select from als.train('of_once', 'once', factors => 8, iterations => 2, on_duplicate => 'error', distributed => true);
	insert into once select * from once where user_id = 7 and item_id = 1 + (7 * 2 * 2 + 2) % 120});
like(failure(q{select als.refresh_items('of_once', '{31}')}), qr/^21000: .*\b7\b.*\b31\b/, 'a duplicate where they are an error');

$_->stop for @nodes;
done_testing();
