-- How long 1,000 new items take to be served: 2 million likes of 40,000 users and 20,000 items, each with 20 of 5,000 tags.
select setseed(0.1) \g /dev/null
create table tagged as
select item_id, array(select 't' || (random() * 4999)::int from generate_series(1, 20) where item_id > 0) as tags
from generate_series(1, 20000) item_id;
create table tag_likes as
select (random() ^ 1.5 * 39999)::int as user_id, 1 + (random() ^ 2 * 19999)::int as item_id from generate_series(1, 2000000);
alter table tagged add primary key (item_id);
analyze tagged, tag_likes;
select train_seconds from als.train('tags', 'tag_likes', rating_col => null, feedback => 'implicit', factors => 64, iterations => 5,
                                    item_features => 'tagged') \g /dev/null
create table refreshed (kind text, seconds float8);
create procedure measure_refresh(n int) language plpgsql as $$
declare
  ids int[] := array(select 100000 + n * 1000 + i from generate_series(1, 1000) i);
  start timestamptz;
begin
  insert into tagged select id, (select tags from tagged t where t.item_id = 1 + id % 1000) from unnest(ids) id;
  start := clock_timestamp();
  if n > 4 then
    perform als.refresh_items('tags');
  else
    perform als.refresh_items('tags', ids);
  end if;
  insert into refreshed values (case when n > 4 then 'all that has changed' else 'by their ids' end, extract(epoch from clock_timestamp() - start));
end $$;
select format('call measure_refresh(%s)', n) from generate_series(0, 9) n \gexec
select kind || ', seconds' as "refresh of 1,000 new items", count(*), round(min(seconds)::numeric, 2) as least, round(max(seconds)::numeric, 2) as most
from refreshed group by kind;
select count(*) as new_items_served from tags_item_factors where n_ratings = 0 and item_id > 100000;
