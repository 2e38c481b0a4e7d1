# als.report in a browser: the page loads without an error and without asking for anything, and its charts are there to see.

use strict;
use warnings FATAL => 'all';

use AlsTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my ($browser) = grep { -x } map { ("/usr/bin/$_", "/usr/local/bin/$_") } qw(chromium-headless-shell chromium);
plan skip_all => 'no headless Chromium here (Debian: chromium-headless-shell)' if !$browser;

my $node = new_node('report');
create_ratings($node, 'ratings', 40_000, 800, 1800);
$node->safe_psql(
	'postgres', q{
	create table test as select user_id, item_id, rating from ratings where (user_id + item_id) % 7 = 0;
	create table titles as select distinct item_id, 'Title ' || item_id from ratings where item_id <> 3
	union all select 3, '<script>document.body.remove()</script><img src="http://example.invalid/x">';
	select from als.train('taste', 'select * from ratings where (user_id + item_id) % 7 <> 0',
	                      factors => 8, iterations => 5, holdout => 0.1)});

# As psql's \g writes it.
my $folder = PostgreSQL::Test::Utils::tempdir;
my $page   = "$folder/taste.html";
$node->safe_psql('postgres',
	"select als.report('taste', titles => 'titles', test => 'test') \\g (format=unaligned tuples_only) $page");
cmp_ok(-s $page, '<', 600_000, 'the page is small');

# What a script in the page finds out; it is put in front of the page's end.
my $probe = <<'EOF';
<script>
function measured() {
  const facts = {};
  const inside = function (element, frame) {
    const a = element.getBoundingClientRect(), b = frame.getBoundingClientRect();
    return a.left > b.left - 1 && a.right < b.right + 1 && a.top > b.top - 1 && a.bottom < b.bottom + 1;
  };
  document.querySelectorAll("figure").forEach(function (figure) {
    const svg = figure.querySelector("svg"), size = svg.getBoundingClientRect();
    const marks = svg.querySelectorAll("rect, circle, polyline");
    const texts = Array.from(svg.querySelectorAll("text"));
    facts[figure.id] = [size.width > 300 && size.height > 150 ? "wide" : "small", marks.length > 0 ? "marks" : "empty",
      Array.from(marks).concat(texts).every(function (mark) { return inside(mark, svg); }) ? "inside" : "outside",
      svg.querySelectorAll(".tick text").length > 5 ? "ticks" : "bare"].join(" ");
  });
  const names = Array.from(document.querySelectorAll(".name text"));
  facts.names = names.length > 10 && names.every(function (a) { return names.every(function (b) {
    const x = a.getBoundingClientRect(), y = b.getBoundingClientRect();
    return a === b || x.right <= y.left || y.right <= x.left || x.bottom - 3 <= y.top || y.bottom - 3 <= x.top; }); })
    ? "apart" : "none, or one on another";
  const rows = function () {
    return Array.from(document.querySelectorAll(".items tbody tr")).filter(function (row) { return !row.hidden; }).length; };
  facts.rows = rows();
  const box = document.getElementById("search");
  box.value = "TITLE 17";
  box.dispatchEvent(new Event("input"));
  facts.found = rows() > 0 && rows() < facts.rows ? "some" : rows();
  facts.shown = Number(document.getElementById("shown").textContent) === rows() ? "right" : "wrong";
  facts.requests = performance.getEntriesByType("resource").length;
  facts.scrolls = document.documentElement.scrollWidth > window.innerWidth ? "sideways" : "down";
  facts.activity = document.querySelectorAll("#by-activity tbody tr").length > 1 ? "some" : "none";
  const tables = Array.from(document.querySelectorAll("#metrics, #by-activity"), (e) => e.getBoundingClientRect());
  facts.gap = tables[1].top - tables[0].bottom > document.querySelector("#by-activity").previousElementSibling.offsetHeight + 20 ? "some" : "none";
  facts.metrics = document.querySelectorAll("#metrics tbody tr").length > 3 ? "some" : "none";
  facts.ink = getComputedStyle(document.body).color;
  return facts;
}
Object.entries(measured()).forEach(function (fact) { console.log("fact " + fact.join("=") + ";"); });
</script>
EOF
my $html = slurp_file($page);
is(join(', ', $html =~ /<h2>([^<]*)/g),
	'Training, Quality, Ratings and scores, Map of the items, Items and their neighbours, Options and counts',
	'its headings');
$html =~ s/<\/body>/$probe<\/body>/ or die 'no end of the page';
append_to_file("$folder/probed.html", $html);

# Opens the page; returns what the console and the browser had to say.
sub open_page
{
	my ($file, @options) = @_;

	my ($out, $err) = ('', '');
	IPC::Run::run(
		[
			'timeout', 60, $browser, qw(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars
			  --virtual-time-budget=2000 --enable-logging=stderr --log-level=0),
			'--window-size=1100,900', "--user-data-dir=$folder/profile", "--screenshot=$folder/page.png", @options, "file://$file"
		],
		'<', \undef, '>', \$out, '2>', \$err) or diag($err);
	return $err;
}

my $console = open_page("$folder/probed.html");
my %facts   = $console =~ /fact (\w[\w-]*)=([^;]*);/g;
is($facts{$_}, 'wide marks inside ticks', "chart $_") for ('loss', 'holdout', 'per-user', 'per-item', 'scores', 'map');
is($facts{names},    'apart', 'labels of the map do not cover one another');
is($facts{rows},     200,     'the sample of items');
is($facts{found},    'some',  'the search box finds some');
is($facts{shown},    'right', 'and says how many');
is($facts{metrics},  'some',  'the metrics');
is($facts{activity}, 'some',  'and those by activity');
is($facts{gap},      'some',  'below a table there is room before what is said of the next');
is($facts{requests}, 0,       'nothing was asked for');
is($facts{scrolls},  'down',  'it is no wider than the window');
my @messages = grep { !/fact / } $console =~ /(.*CONSOLE.*)/g;
is("@messages", '', 'no message on the console');
cmp_ok(-s "$folder/page.png", '>', 20_000, 'a picture of it');

$console = open_page("$folder/probed.html", '--window-size=500,900');
%facts   = $console =~ /fact (\w[\w-]*)=([^;]*);/g;
is($facts{scrolls}, 'down', 'nor on a narrow screen');

$node->stop;
done_testing();
