-- als.similar_items and als.similar_users give cosines: within -1 and 1, the ones of als.cosine, whatever the lengths of vectors.
create schema cosines;
set search_path = cosines;
set client_min_messages = warning;
set als.threads = 1;

-- Pairs always bought together.
create table baskets as select u as user_id, i * 2 + j as item_id from generate_series(1, 60) as u, generate_series(1, 40) as i, generate_series(0, 1) as j where (u * 31 + i * 17 + u * i) % 10 < 3;
select n_items > 50 as enough from als.train('m', 'baskets', rating_col => null, feedback => 'implicit', iterations => 5);
select bool_and(score between -1 and 1) as cosines, round(max(score)::numeric, 5) as max, count(*) filter (where acos(score) is null or sqrt(1 - score ^ 2) is null) as none,
  bool_and(s.score = als.cosine(f.factors, g.factors)) as same
from m_item_factors as f, als.similar_items('m', f.item_id, 100) as s join m_item_factors as g on g.item_id = s.item_id;
select bool_and(score between -1 and 1) as cosines, bool_and(s.score = als.cosine(f.factors, g.factors)) as same
from m_user_factors as f, als.similar_users('m', f.user_id, 100) as s join m_user_factors as g on g.user_id = s.user_id;

-- From the smallest lengths to the largest; all parallel but one, which is at right angles, and one that is zero.
create table vectors (id int, v float8[]);
insert into vectors values (1, '{1,1}'), (2, '{1e-18,1e-18}'), (3, '{1e10,1e10}'), (4, '{1e17,1e17}'), (5, '{-1e-40,-1e-40}'), (6, '{1,-1}'), (7, '{0,0}');
select n_items from als.import_model('lengths', 'vectors', 'vectors');
select a.id, s.item_id, s.score, s.score = als.cosine(a.v::real[], b.v::real[]) as same
from vectors as a, als.similar_items('lengths', a.id) as s join vectors as b on b.id = s.item_id order by a.id, s.rank;

drop schema cosines cascade;
