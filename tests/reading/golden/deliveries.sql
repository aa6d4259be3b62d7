-- cost 5
-- $1 timestamptz = datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc) from $after
-- $2 bigint = 1 from $after
select (
  select row_to_json("{}")
  from (
    select
      coalesce(
        json_agg((
          select row_to_json("{}")
          from (
            select
              translate(encode(convert_to(json_build_array('delivered_at+,id+', order_1.delivered_at, order_1.id)::text, 'UTF8'), 'base64'), E'\n', '') as "cursor",
              (
                select row_to_json("{}")
                from (select order_1.number as "number", order_1.delivered_at as "deliveredAt") "{}"
              ) as "node"
          ) "{}"
        )) filter (where order_1."#" <= 2),
        '[]'
      ) as "edges",
      json_build_object(
        'hasNextPage',
        (count(*) > 2 or false),
        'hasPreviousPage',
        exists (
          select from (
            select from orders order_3
            where (order_3.delivered_at, order_3.id) <= ($1::timestamptz, $2::bigint)
            order by order_3.delivered_at desc, order_3.id desc
            limit 1
          ) order_3
        )
      ) as "pageInfo"
    from (
      select
        order_1.*,
        row_number() over () as "#",
        count(*) over () as "##"
      from (
        select *
        from ((
          select order_1.*
          from orders order_1
          where (order_1.delivered_at, order_1.id) > ($1::timestamptz, $2::bigint)
          order by order_1.delivered_at, order_1.id
          limit 3
        ) union all (
          select order_1.*
          from orders order_1
          where order_1.delivered_at is null
          order by order_1.delivered_at, order_1.id
          limit 3
        )) order_1
        order by order_1.delivered_at, order_1.id
        limit 3
      ) order_1
    ) order_1
    having true
  ) "{}"
) as "0"
