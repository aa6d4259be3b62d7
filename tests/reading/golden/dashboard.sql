-- cost 215
-- $1 text = 'America/Sao_Paulo'
-- $2 timestamptz = datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc) from $since
-- $3 timestamptz = datetime.datetime(2026, 4, 1, 0, 0, tzinfo=datetime.timezone.utc) from $until
select (with order_1 as materialized (
  select
    order_2.status collate "C" as k0,
    (order_2.placed_at at time zone $1::text)::date as k1,
    order_2.currency as c,
    count(*) as n,
    coalesce(sum(order_2.total_amount), 0) as a0,
    coalesce(
      sum((
        SELECT CAST(least(coalesce(sum(counted_line.quantity), 0), 2147483647) AS INTEGER) AS least_1
        FROM order_lines AS counted_line
        WHERE counted_line.order_id = order_2.id
      )),
      0
    ) as a1,
    min(order_2.placed_at) as a2,
    max(order_2.placed_at) as a3
  from orders order_2
  where order_2.placed_at >= $2::timestamptz
    and order_2.placed_at < $3::timestamptz
  group by order_2.status, 2, 3
) select row_to_json("{}") from (
  select
    (select coalesce(sum(order_4.n), 0) from order_1 order_4) as "totalCount",
    (
      select coalesce(json_agg(row_to_json("{}")), '[]')
      from (
        select
          order_6.k0 as "status",
          order_6.n as "count",
          order_6.m2 as "total"
        from (
          select
            order_8.k0,
            coalesce(sum(order_8.n), 0) as n,
            coalesce(sum(order_8.a0), 0) as a0,
            coalesce(
              json_agg((
                select row_to_json("{}")
                from (
                  select
                    trim_scale(order_8.a0::numeric)::text as "amount",
                    order_8.c as "currency"
                ) "{}"
              ) order by order_8.c) filter (where order_8.n > 0),
              '[]'
            ) as m2
          from (
            select
              order_7.k0 as k0,
              order_7.c,
              coalesce(sum(order_7.n), 0) as n,
              coalesce(sum(order_7.a0), 0) as a0
            from order_1 order_7
            group by 1, 2
          ) order_8
          group by 1
          order by k0
          limit 10
        ) order_6
      ) "{}"
    ) as "groups",
    (
      select coalesce(json_agg(row_to_json("{}")), '[]')
      from (
        select
          order_10.k0 as "placedOn",
          order_10.n as "count",
          trim_scale(order_10.a0::numeric)::text as "pieces",
          order_10.m3 as "total",
          order_10.m4 as "averageTotal"
        from (
          select
            order_12.k0,
            coalesce(sum(order_12.n), 0) as n,
            coalesce(sum(order_12.a0), 0) as a0,
            coalesce(sum(order_12.a1), 0) as a1,
            coalesce(
              json_agg((
                select row_to_json("{}")
                from (
                  select
                    trim_scale(order_12.a1::numeric)::text as "amount",
                    order_12.c as "currency"
                ) "{}"
              ) order by order_12.c) filter (where order_12.n > 0),
              '[]'
            ) as m3,
            coalesce(
              json_agg((
                select row_to_json("{}")
                from (
                  select
                    trim_scale(round(order_12.a1::numeric / nullif(order_12.n, 0), 4))::text as "amount",
                    order_12.c as "currency"
                ) "{}"
              ) order by order_12.c) filter (where order_12.n > 0),
              '[]'
            ) as m4
          from (
            select
              order_11.k1 as k0,
              order_11.c,
              coalesce(sum(order_11.n), 0) as n,
              coalesce(sum(order_11.a1), 0) as a0,
              coalesce(sum(order_11.a0), 0) as a1
            from order_1 order_11
            group by 1, 2
          ) order_12
          group by 1
          order by k0 desc nulls last
          limit 31
        ) order_10
      ) "{}"
    ) as "days",
    (
      select coalesce(json_agg(row_to_json("{}")), '[]')
      from (
        select
          order_14.n as "count",
          trim_scale(order_14.a0::numeric)::text as "pieces",
          order_14.a1 as "earliestPlacedAt",
          order_14.a2 as "latestPlacedAt"
        from (
          select
            coalesce(sum(order_15.n), 0) as n,
            coalesce(sum(order_15.a1), 0) as a0,
            min(order_15.a2) as a1,
            max(order_15.a3) as a2
          from order_1 order_15
          limit 1
        ) order_14
      ) "{}"
    ) as "all"
) "{}") as "0"
