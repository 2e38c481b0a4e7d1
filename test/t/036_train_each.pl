# als.train_each: each model is committed when it is done, whatever becomes of the call, and calls at the same time lose
# nothing.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('each');
create_ratings($node, 'ratings', 120_000, 3000, 600);
$node->safe_psql('postgres', q{create view sales as select *, 'c' || user_id % 6 as country from ratings});

my @sessions = map { AlsTest::Session->new($node) } 1 .. 3;
my ($session, $watcher) = @sessions;
my $call = q{call als.train_each('%s_%%s', 'sales', 'country', '{"factors": 8, "iterations": %d}', %s)};
my $models = sub { $watcher->value("select count(*) from als.models where model::text like '$_[0]%'") };

# Others see a model as soon as it is there; the call holds no transaction open from one to the next.
$session->begin(sprintf $call, 'slow', 400, 'false');
wait_until('two models to be there', sub { $models->('slow') >= 2 });
cmp_ok($models->('slow'), '<', 6, 'the first models are there while others are trained');
cmp_ok($watcher->value("select count(*) from als.recommend('slow_c0', 6, 3)"), '==', 3, 'and serve');
my $started = q{select xact_start from pg_stat_activity where pid = } . $session->pid;
my $first = $watcher->value($started);
wait_until('the next transaction', sub { ($watcher->value($started) // $first) ne $first });
$watcher->value('select pg_cancel_backend(' . $session->pid . ')');
is($session->wait->{state}, '57014', 'a cancel ends the call');
my $done = $models->('slow');
ok($done >= 2 && $done < 6, "$done models stay");

# Killed, as by the administrator.
$session->begin(sprintf $call, 'killed', 400, 'false');
wait_until('a model to be there', sub { $models->('killed') >= 1 });
$watcher->value('select pg_terminate_backend(' . $session->pid . ')');
is($session->wait->{state}, 'lost', 'the connection is lost');
$done = $models->('killed');
ok($done >= 1 && $done < 6, "$done models stay");
is($watcher->value(q{select count(*) from pg_class where relname like 'killed%factors' and relkind = 'r'}), 2 * $done, 'and nothing of the one under way');

# Several at once: each trains all of them anew, in turn.
$sessions[0] = AlsTest::Session->new($node);
$_->begin(sprintf $call, 'many', 3, 'true') for @sessions;
is($_->wait->{state}, '00000', 'a call among others') for @sessions;
is($watcher->value(q{select string_agg(concat(model, ' ', (als.latest_run(model)).run), ', ' order by model::text) from als.models where model::text like 'many%'}),
	join(', ', map { "many_c$_ 3" } 0 .. 5), 'each model has a run of each');
# Those that do not replace: each model comes from one of them.
$_->begin(sprintf $call, 'once', 3, 'false') for @sessions;
my @states = map { $_->wait->{state} } @sessions;
is(scalar(grep { $_ !~ /^(00000|42P07)$/ } @states), 0, 'the others say that it exists');
is($models->('once'), 6, 'all are there');

$_->quit for @sessions;
$node->stop;
done_testing();
