# docker build -t postgres-als . : the official image of PostgreSQL with als in it, as for any server `create extension als`.
FROM postgres:17 AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ libeigen3-dev make postgresql-server-dev-17
COPY . /als
RUN make -C /als -j"$(nproc)" && make -C /als install DESTDIR=/installed

FROM postgres:17
COPY --from=build /installed/ /
