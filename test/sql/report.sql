-- als.report: a page about a model. Well-formed XML where the server can tell; test/t/013_report.pl opens it in a browser.
create schema report;
set search_path = report;
set client_min_messages = warning;
set als.threads = 1;
\set VERBOSITY terse
\set SHOW_CONTEXT never

\set ECHO none
\i test/sql/try.psql
\set ECHO all

create table ratings as
select u as user_id, i as item_id, (1 + (u * 7 + i * 5) % 5)::real as rating
from generate_series(1, 60) u, generate_series(1, 40) i where (u * i * 31 + i * 17 + u) % 7 < 2;
create table movies as select i as id, 'Movie no. ' || i as title from generate_series(1, 40) i;
select run from als.train('taste', 'ratings', factors => 8, iterations => 6, holdout => 0.1);
-- Pages as XML, where the server was built with it; otherwise the same answers from patterns.
create function count_of(page text, element text) returns int language sql as $$
  select count(*)::int from regexp_matches(page, '<' || element || '[ >/]', 'g')
$$;
create temp table pages (name text, page text);
insert into pages values
  ('plain', als.report('taste')),
  ('titles', als.report('taste', titles => 'select id, title from movies', items => 12)),
  ('no items', als.report('taste', titles => 'movies', items => 0));
select name, count_of(page, 'svg') as charts, count_of(page, 'desc') as descriptions, count_of(page, 'polyline') as curves,
       count_of(page, 'circle class="point"') as points, (select count(*) from regexp_matches(page, '<li>', 'g')) as neighbours,
       page ~ 'Movie no. 7' as titles, page ~ '^<!DOCTYPE html>' as is_html
from pages order by name;
-- Nothing is loaded from anywhere, and the same model makes the same page.
select name, page ~* '(src|href)\s*=\s*"(?!data:,)' or page ~* '(https?|ftp):|@import|url\(' as loads from pages order by name;
select page = als.report('taste') as same_page from pages where name = 'plain';
create function is_xml(page text) returns boolean language plpgsql as $$
begin
  return xmlparse(document replace(page, '<!DOCTYPE html>', '')) is not null;
exception when feature_not_supported then
  return true;  -- a server without libxml
end $$;
select name, is_xml(page) from pages order by name;

-- What a title holds does no harm, and stays readable.
create table nasty (id int, title text);
insert into nasty values
  (1, '<script>alert(1)</script>'), (2, ']]>'), (3, '"><img src=x onerror=alert(1)>'), (4, '&amp; &lt; '' "'),
  (5, E'line\nbreak \x07 bell'), (6, repeat('long ', 100)), (7, ''), (8, null), (10, 'twice b'), (10, 'twice a'), (-5, 'unknown');
insert into pages values ('nasty', als.report('taste', titles => 'select * from nasty'));
select is_xml(page), page ~ '<script>alert' as script, page ~ '<img' as img, page ~ ']]>' as cdata,
       position('&#60;script&#62;alert(1)&#60;/script&#62;' in page) > 0 as escaped, page ~ 'twice a' as least, page ~ 'twice b' as other,
       page ~ '(long ){18}' as uncut, page ~ '[^\x01-\x7e]' as other_than_ascii
from pages where name = 'nasty';
do $$ begin
  if getdatabaseencoding() = 'UTF8' then
    update nasty set title = chr(233) || chr(26085) || chr(128512) where id = 1;
  else
    update nasty set title = '' where id = 1;
  end if;
end $$;
select getdatabaseencoding() <> 'UTF8' or als.report('taste', titles => 'select * from nasty') like '%&#233;&#26085;&#128512;%' as references;

-- Ids and titles of any type that casts.
select als.report('taste', titles => 'select id::bigint, id * 1.5 from movies') ~ '>10.5<' as numbers;
select als.report('taste', titles => 'select id::text, title, 1 as "als_id2" from movies;') ~ 'Movie no. 7' as texts;

-- Small and odd models.
create table one as select 1 as user_id, 'a<b'::text as item_id, 3 as rating;
select run from als.train('alone', 'one', factors => 1, iterations => 1);
select is_xml(p), count_of(p, 'svg') as charts, p ~ 'a&#60;b' as id, count_of(p, 'circle class="point"') as points,
       p ~* '\m(nan|inf)\M' as not_numbers
from als.report('alone') as p;
truncate one;
select is_xml(als.report('alone')) as without_source_rows;
select n_users from als.import_model('imported', 'select 1, array[1,2]::real[]', 'select * from (values (1, array[0,0]), (2, array[1,2])) v');
select is_xml(p), count_of(p, 'polyline') as curves, count_of(p, 'svg') as charts from als.report('imported') as p;
create unlogged table r2 as select * from ratings;
select run from als.train('light', 'r2', factors => 300, iterations => 1, feedback => 'implicit', rating_col => null, unlogged => true);
select run from als.train('light', 'r2', factors => 4, iterations => 2, feedback => 'implicit', rating_col => null, holdout => 0.2, replace => true);
select is_xml(p), count_of(p, 'polyline') as curves, p ~ 'Recall@10' as recall, p ~ 'id="runs"' as runs from als.report('light') as p;
select pg_size_bytes('400 kB') > max(length(page)) as small from pages;

-- What a test says, in all and for users with few and many ratings.
select is_xml(p), count_of(substring(p from '<div class="card" id="metrics">.*?</div>\n'), 'tr') - 1 = (select count(*) from als.evaluate('taste', 'ratings', array[5, 10]) where value is not null) as metrics,
       count_of(substring(p from '<div class="card" id="by-activity">.*?</table></div>\n'), 'tr') - 1 = (select count(*) from als.evaluate_by_activity('taste', 'ratings', array[5, 10]) where value is not null and (metric = 'rmse' or metric = 'ndcg' and k = 5)) as groups,
       p ~ '<td>rmse</td><td class="number">([0-9]+-[0-9]+|[0-9]+[+])</td>' as group_of_users
from als.report('taste', test => 'ratings', k => array[5, 10]) as p;

-- What was made of the columns of features, and of none.
create table described as select i as item_id, '<kind> ' || i % 3 as kind, case when i > 4 then i end as number from generate_series(1, 41) i;
select n_new_items from als.train('featured', 'ratings', factors => 2, iterations => 2, item_features => 'described', user_features => 'select u as user_id, array[u % 2] as odd from generate_series(1, 60) u');
select is_xml(p), regexp_matches(substring(p from '<div class="card" id="features">.*?</table></div>'), '<td>.*?(?=</tr>)', 'g') from als.report('featured') as p;
select regexp_matches(substring(p from '<div class="card" id="strongest-features">.*?</table></div>'), '<td>.*?(?=<td class)', 'g') from als.report('featured') as p;
select bool_and(replace(m[1], ',', '')::float8 = round(strength::numeric, 3)::float8) as are_lengths, count(*)
from als.report('featured') as p, lateral (select row_number() over () as n, m from regexp_matches(substring(p from 'id="strongest-features".*'), '<td class="number">([0-9.]+)</td></tr>', 'g') m) shown join (
	select row_number() over (order by side, strength desc) as n, strength from (
		select 1 as side, sqrt(sum(w * w)) as strength from featured_item_feature_weights, unnest(weights) w where role <> 'every item' group by feature
		union all select 2, sqrt(sum(w * w)) from featured_user_feature_weights, unnest(weights) w where role <> 'every user' group by feature) x) kept using (n);
select p ~ 'item_feature_columns' as twice from als.report('featured') as p;
select page ~ 'id="features"' as features from pages where name = 'plain';
update featured set item_feature_columns = '{"column": 1}', user_feature_columns = '[{"weights": "many"}, 7]';
select is_xml(als.report('featured')) as tampered;
-- Without the weights the rest is drawn.
begin;
drop table featured_item_feature_weights cascade;
select is_xml(p), p ~ 'id="strongest-features"' as of_users, substring(p from 'id="strongest-features".*') ~ '<td>item</td>' as of_items from als.report('featured') as p;
rollback;

-- Stable: it reads what its snapshot sees, and works where nothing can be written.
begin transaction read only;
select length(als.report('taste')) > 1000 as works;
commit;

-- Moments are told to the minute, in UTC.
update taste set refreshed_at = '2026-01-02 05:04:03.2+02';
select als.report('taste') like '%refreshed_at</span><span>2026-01-02 03:04 UTC<%' as to_the_minute;

-- Whoever owns a model writes its row: any numbers are drawn.
create function drawn(losses float8[]) returns boolean language plpgsql as $$
begin
  update taste set loss = losses, holdout_values = losses;
  return als.report('taste') like '%</html>%';
end $$;
select losses, drawn(losses::float8[])
from unnest(array['{5e-324}', '{0,5e-324}', '{1.7e308}', '{-1.7e308,1.7e308}', '{NaN,Infinity,null}', '{1e-300,-1e-300}', '{}']) as losses;

-- Errors.
select try($$select als.report('ratings')$$);
select try($$select als.report(null)$$);
select try($$select als.report('taste', items => -1)$$);
select try($$select als.report('taste', items => 1001)$$);
select try($$select als.report('taste', items => null)$$);
select try($$select als.report('taste', titles => 'nowhere')$$);
select try($$select als.report('taste', titles => 'select id from movies')$$);
select try($$select als.report('taste', titles => 'select point(1,1), title from movies')$$);
select try($$select als.report('taste', titles => 'select 1, 2) x; drop table movies; --')$$);
select count(*) as still_there from movies;

set client_min_messages = error;
drop schema report cascade;
